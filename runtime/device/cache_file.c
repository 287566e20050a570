/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache_file.c: magic[8] version[4] zero[4] key[32] payload length[8] payload SHA-256[32] payload. Numbers are little-endian.
 */
#include "device/cache_file.h"

#include <string.h>

#include "base/memory.h"
#include "base/sha256.h"

static const uint8_t magic[8] = { 'P', 'L', 'U', 'G', 'C', 'L', 'B', '\n' };

static void put_number(uint8_t *to, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_number(const uint8_t *from, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)from[i] << (8 * i);
    return value;
}

static void digest_of(const void *bytes, size_t length, uint8_t digest[32])
{
    struct sha256 hash;
    sha256_start(&hash);
    sha256_add(&hash, bytes, length);
    sha256_finish(&hash, digest);
}

uint8_t *cache_file_encode(const uint8_t key[32], const void *payload, size_t bytes, size_t *length)
{
    if (!size_add(bytes, CACHE_FILE_HEADER, length))
        return NULL;
    uint8_t *file = memory_zeroed(*length, 1);
    if (!file)
        return NULL;
    memcpy(file, magic, sizeof magic);
    put_number(file + 8, CACHE_FILE_VERSION, 4);
    memcpy(file + 16, key, 32);
    put_number(file + 48, bytes, 8);
    digest_of(payload, bytes, file + 56);
    if (bytes > 0)
        memcpy(file + CACHE_FILE_HEADER, payload, bytes);
    return file;
}

const uint8_t *cache_file_verify(const uint8_t key[32], const void *file, size_t length, size_t *payload_bytes)
{
    const uint8_t *bytes = file;
    *payload_bytes = 0;
    if (length < CACHE_FILE_HEADER || memcmp(bytes, magic, sizeof magic) != 0 || get_number(bytes + 8, 4) != CACHE_FILE_VERSION ||
        get_number(bytes + 12, 4) != 0 || memcmp(bytes + 16, key, 32) != 0 ||
        get_number(bytes + 48, 8) != length - CACHE_FILE_HEADER)
        return NULL;
    uint8_t digest[32];
    digest_of(bytes + CACHE_FILE_HEADER, length - CACHE_FILE_HEADER, digest);
    if (memcmp(digest, bytes + 56, 32) != 0)
        return NULL;
    *payload_bytes = length - CACHE_FILE_HEADER;
    return bytes + CACHE_FILE_HEADER;
}

uint8_t *cache_program_encode(const uint64_t *warm, size_t n_warm, const void *binary, size_t binary_bytes, size_t *length)
{
    size_t table;
    if (n_warm > UINT32_MAX || !size_multiply(n_warm, 8, &table) || !size_add(table, 4, &table) ||
        !size_add(table, binary_bytes, length))
        return NULL;
    uint8_t *payload = memory_zeroed(*length, 1);
    if (!payload)
        return NULL;
    put_number(payload, n_warm, 4);
    for (size_t i = 0; i < n_warm; i++)
        put_number(payload + 4 + 8 * i, warm[i], 8);
    memcpy(payload + table, binary, binary_bytes);
    return payload;
}

int cache_program_decode(const uint8_t *payload, size_t bytes, struct cache_program *program)
{
    if (bytes < 4)
        return 0;
    size_t n_warm = (size_t)get_number(payload, 4);
    if (n_warm > (bytes - 4) / 8)
        return 0;
    program->warm = payload + 4;
    program->n_warm = n_warm;
    program->binary = payload + 4 + 8 * n_warm;
    program->binary_bytes = bytes - 4 - 8 * n_warm;
    return program->binary_bytes > 0;
}

uint64_t cache_program_warm(const struct cache_program *program, size_t index)
{
    return get_number(program->warm + 8 * index, 8);
}
