/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_cache_file.c: any bytes are a cached program under the right key or are refused. The hash is made right on a second try,
 * so that what lies behind it is reached too.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "device/cache_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const uint8_t *payload, size_t bytes)
{
    struct cache_program program;
    volatile uint64_t sum = 0; /* every byte is looked at, for AddressSanitizer */
    if (!cache_program_decode(payload, bytes, &program))
        return;
    for (size_t i = 0; i < program.n_warm; i++)
        sum += cache_program_warm(&program, i);
    for (size_t i = 0; i < program.binary_bytes; i++)
        sum += program.binary[i];
    (void)sum;
    if (program.binary_bytes == 0 || program.binary + program.binary_bytes != payload + bytes)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t key[32] = { 0 };
    size_t bytes, length;
    if (size >= 48)
        memcpy(key, data + 16, sizeof key); /* a file of the right name */
    const uint8_t *payload = cache_file_verify(key, data, size, &bytes);
    if (payload)
        decode(payload, bytes);
    uint8_t *file = cache_file_encode(key, data, size, &length);
    if (!file)
        return 0;
    payload = cache_file_verify(key, file, length, &bytes);
    if (!payload || bytes != size || (size > 0 && memcmp(payload, data, size) != 0))
        abort();
    decode(payload, bytes);
    memory_free(file);
    return 0;
}
