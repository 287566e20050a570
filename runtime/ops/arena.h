/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h: places ranges of memory that live from one launch to another into few blocks, so that live ranges never overlap. */
#ifndef PLUGCL_OPS_ARENA_H
#define PLUGCL_OPS_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARENA_ALIGNMENT 256u

struct arena_range {
    size_t bytes;
    uint32_t first, last; /* launches, both included */
    bool at_start;        /* wants to be at the beginning of its block */
    uint32_t block;       /* placed here … */
    size_t offset;        /* … at this byte */
};

/* Places all ranges in blocks of at most `block_limit` bytes; block_bytes[i] (freed with memory_free) are their sizes.
 * Returns the number of blocks, 0 for no ranges. *failed: host memory ran out, or, with *too_large not 0, a range of so many bytes
 * fits no block. */
uint32_t arena_place(struct arena_range *ranges, size_t count, size_t block_limit, size_t **block_bytes, size_t *too_large,
                     bool *failed);

/* The most bytes alive at one launch: no placement can need less. */
size_t arena_lower_bound(const struct arena_range *ranges, size_t count);

#endif
