/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large ranges first, each at the lowest offset where no range that is alive at the same time lies (the greedy-by-size strategy of
 * "Efficient Memory Management for Deep Neural Net Inference", arXiv 2001.03288).
 */
#include "ops/arena.h"

#include <stdlib.h>

#include "base/memory.h"

static size_t aligned(size_t bytes)
{
    return (bytes + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
}

static bool alive_together(const struct arena_range *a, const struct arena_range *b)
{
    return a->first <= b->last && b->first <= a->last;
}

static int larger_first(const void *a, const void *b)
{
    const struct arena_range *x = *(struct arena_range *const *)a, *y = *(struct arena_range *const *)b;
    if (x->at_start != y->at_start) /* while there are beginnings left */
        return x->at_start ? -1 : 1;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x < y ? -1 : x > y; /* equal ones in their own order, so that the placement is the same each time */
}

/* The lowest offset in `block` where `range` meets no placed range. Moving past one conflict at a time ends, since the offset
 * grows. */
static size_t lowest_offset(const struct arena_range *range, struct arena_range *const *placed, size_t n_placed, uint32_t block)
{
    size_t offset = 0;
    for (size_t i = 0; i < n_placed; i++) {
        const struct arena_range *other = placed[i];
        if (other->block != block || !alive_together(range, other))
            continue;
        if (offset < other->offset + aligned(other->bytes) && other->offset < offset + aligned(range->bytes)) {
            offset = other->offset + aligned(other->bytes);
            i = (size_t)-1; /* look at all of them again from the new offset */
        }
    }
    return offset;
}

static bool place_one(struct arena_range *range, struct arena_range *const *placed, size_t n_placed, size_t block_limit,
                      size_t **block_bytes, size_t *n_blocks, size_t *capacity)
{
    for (uint32_t block = 0; block < *n_blocks; block++) {
        size_t offset = lowest_offset(range, placed, n_placed, block);
        size_t end = offset + aligned(range->bytes);
        if (offset > 0 && (end > block_limit || range->at_start))
            continue;
        range->block = block;
        range->offset = offset;
        if (end > (*block_bytes)[block])
            (*block_bytes)[block] = end;
        return true;
    }
    size_t *bytes = array_push(block_bytes, n_blocks, capacity, sizeof *bytes);
    if (bytes == NULL)
        return false;
    *bytes = aligned(range->bytes);
    range->block = (uint32_t)(*n_blocks - 1);
    range->offset = 0;
    return true;
}

uint32_t arena_place(struct arena_range *ranges, size_t count, size_t block_limit, size_t **block_bytes, size_t *too_large,
                     bool *failed)
{
    size_t n_blocks = 0, capacity = 0;
    *block_bytes = NULL;
    *too_large = 0;
    *failed = false;
    struct arena_range **order = memory_zeroed(count, sizeof *order);
    if (order == NULL) {
        *failed = true;
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        order[i] = &ranges[i];
    qsort(order, count, sizeof *order, larger_first);
    for (size_t i = 0; i < count && !*failed; i++) {
        if (order[i]->bytes > block_limit) {
            *too_large = order[i]->bytes;
            *failed = true;
        } else {
            *failed = !place_one(order[i], order, i, block_limit, block_bytes, &n_blocks, &capacity);
        }
    }
    memory_free(order);
    return *failed ? 0 : (uint32_t)n_blocks;
}

size_t arena_lower_bound(const struct arena_range *ranges, size_t count)
{
    size_t most = 0;
    /* The peak is reached at some range's first launch. */
    for (size_t i = 0; i < count; i++) {
        size_t alive = 0;
        for (size_t j = 0; j < count; j++)
            if (ranges[j].first <= ranges[i].first && ranges[i].first <= ranges[j].last)
                alive += aligned(ranges[j].bytes);
        if (alive > most)
            most = alive;
    }
    return most;
}
