/* SPDX-License-Identifier: Apache-2.0 */
/* cache_file.h: the bytes of a file of the program cache. No OpenCL and no files here, so that it can be fuzzed. */
#ifndef PLUGCL_DEVICE_CACHE_FILE_H
#define PLUGCL_DEVICE_CACHE_FILE_H

#include <stddef.h>
#include <stdint.h>

/* Raised whenever the format of the file, of a payload or the meaning of a key changes. */
enum { CACHE_FILE_VERSION = 1, CACHE_FILE_HEADER = 88 };

/* Header and payload in new memory (memory_free), NULL when out of memory. */
uint8_t *cache_file_encode(const uint8_t key[32], const void *payload, size_t bytes, size_t *length);

/* The payload inside `file`, or NULL unless magic, version, key, length and the payload's SHA-256 are all as they should be. */
const uint8_t *cache_file_verify(const uint8_t key[32], const void *file, size_t length, size_t *payload_bytes);

/* The payload of a program: a list of what the binary was warmed for, then the binary. */
struct cache_program {
    const uint8_t *warm; /* n_warm little-endian 64-bit hashes, not aligned */
    size_t n_warm;
    const uint8_t *binary;
    size_t binary_bytes;
};
uint8_t *cache_program_encode(const uint64_t *warm, size_t n_warm, const void *binary, size_t binary_bytes, size_t *length);
/* Points into `payload`; 0 when it is not the payload of a program. */
int cache_program_decode(const uint8_t *payload, size_t bytes, struct cache_program *program);
uint64_t cache_program_warm(const struct cache_program *program, size_t index);

#endif
