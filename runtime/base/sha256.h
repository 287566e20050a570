/* SPDX-License-Identifier: Apache-2.0 */
/* sha256.h: SHA-256 (FIPS 180-4), for the keys and payloads of the program cache. */
#ifndef PLUGCL_BASE_SHA256_H
#define PLUGCL_BASE_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sha256 {
    uint32_t state[8];
    uint64_t length;
    uint8_t block[64];
};

void sha256_start(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *bytes, size_t length);
/* Adds the length as eight little-endian bytes, then the bytes, so that neighbouring fields cannot run together. */
void sha256_add_field(struct sha256 *hash, const void *bytes, size_t length);
void sha256_add_string(struct sha256 *hash, const char *text);
void sha256_finish(struct sha256 *hash, uint8_t digest[32]);
/* 64 lower-case hexadecimal digits and a zero. */
void sha256_hex(const uint8_t digest[32], char text[65]);
/* Back from the first 64 characters; false if they are not such digits. */
bool sha256_from_hex(const char *text, uint8_t digest[32]);

#endif
