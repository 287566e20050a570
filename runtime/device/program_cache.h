/* SPDX-License-Identifier: Apache-2.0 */
/* program_cache.h: where compiled programs and tuning results are kept between processes: a folder, or callbacks. */
#ifndef PLUGCL_DEVICE_PROGRAM_CACHE_H
#define PLUGCL_DEVICE_PROGRAM_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <plugcl/context.h>

#include "base/error.h"

struct program_cache {
    char *folder; /* NULL: none */
    plugcl_cache_get get;
    plugcl_cache_set set;
    void *user;
};

/* A folder that cannot be used is a warning in the log, not a failure: the cache then keeps nothing. Errors: INVALID, NO_MEMORY. */
plugcl_status program_cache_open(struct program_cache *cache, const struct plugcl_context_params *params, const struct log *log);
void program_cache_close(struct program_cache *cache);

enum cache_kind { CACHE_PROGRAM, CACHE_TUNING };

/* What was stored under `key` and is undamaged, in memory that *file owns (memory_free); NULL when there is nothing. */
const uint8_t *program_cache_get(const struct program_cache *cache, enum cache_kind kind, const uint8_t key[32],
                                 const struct log *log, void **file, size_t *bytes);
/* Best effort; failures are logged at debug level. */
void program_cache_set(const struct program_cache *cache, enum cache_kind kind, const uint8_t key[32], const void *payload,
                       size_t bytes, const struct log *log);
void program_cache_remove(const struct program_cache *cache, enum cache_kind kind, const uint8_t key[32]);
/* Removes the oldest files of a kind while those of it are more than `bound` bytes, and temporary files of crashed processes. */
void program_cache_trim(const struct program_cache *cache, enum cache_kind kind, uint64_t bound, const struct log *log);

enum { PROGRAM_CACHE_BOUND = 256 * 1024 * 1024, TUNING_CACHE_BOUND = 4 * 1024 * 1024 };

#endif
