/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large ranges first, each at the lowest offset where no range that is alive at the same time lies (the greedy-by-size strategy of
 * "Efficient Memory Management for Deep Neural Net Inference", arXiv 2001.03288). While that leaves gaps, the range that ends
 * highest is put first and all are placed again, later beginning with the order of the launches; the best pass is taken.
 */
#include "ops/arena.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { MOST_PASSES = 128 };

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

static int earlier_first(const void *a, const void *b)
{
    const struct arena_range *x = *(struct arena_range *const *)a, *y = *(struct arena_range *const *)b;
    if (x->at_start != y->at_start || x->first == y->first)
        return larger_first(a, b);
    return x->first < y->first ? -1 : 1;
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

/* All ranges in this order. False with *too_large or without memory. */
static bool place_all(struct arena_range *const *order, size_t count, size_t block_limit, size_t **block_bytes, size_t *n_blocks,
                      size_t *too_large)
{
    size_t capacity = 0;
    bool placed = true;
    *block_bytes = NULL;
    *n_blocks = 0;
    for (size_t i = 0; i < count && placed; i++) {
        if (order[i]->bytes > block_limit)
            *too_large = order[i]->bytes;
        placed = *too_large == 0 && place_one(order[i], order, i, block_limit, block_bytes, n_blocks, &capacity);
    }
    return placed;
}

/* The range that ends highest goes first next time, so that lower ones make room for it. */
static void promote_highest(struct arena_range **order, size_t count)
{
    size_t highest = 0;
    for (size_t i = 1; i < count; i++)
        if (order[i]->offset + order[i]->bytes > order[highest]->offset + order[highest]->bytes)
            highest = i;
    struct arena_range *promoted = order[highest];
    memmove(order + 1, order, highest * sizeof *order);
    order[0] = promoted;
}

static size_t total(const size_t *bytes, size_t count)
{
    size_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += bytes[i];
    return sum;
}

uint32_t arena_place(struct arena_range *ranges, size_t count, size_t block_limit, size_t **block_bytes, size_t *too_large,
                     bool *failed)
{
    const size_t enough = arena_lower_bound(ranges, count) / 64 * 65;
    size_t n_blocks = 0, *trial = NULL, n_trial = 0;
    *block_bytes = NULL;
    *too_large = 0;
    *failed = false;
    if (count == 0)
        return 0;
    struct arena_range **order = memory_zeroed(count, sizeof *order), *best = memory_zeroed(count, sizeof *best);
    *failed = order == NULL || best == NULL;
    for (size_t i = 0; i < count && !*failed; i++)
        order[i] = &ranges[i];
    if (!*failed)
        qsort(order, count, sizeof *order, larger_first);
    for (int pass = 0; pass < MOST_PASSES && !*failed && (pass == 0 || total(*block_bytes, n_blocks) > enough); pass++) {
        *failed = !place_all(order, count, block_limit, &trial, &n_trial, too_large);
        if (!*failed && (pass == 0 || total(trial, n_trial) < total(*block_bytes, n_blocks))) {
            memcpy(best, ranges, count * sizeof *best);
            memory_free(*block_bytes);
            *block_bytes = trial;
            n_blocks = n_trial;
        } else {
            memory_free(trial);
        }
        if (pass == MOST_PASSES / 2)
            qsort(order, count, sizeof *order, earlier_first);
        else
            promote_highest(order, count);
    }
    if (!*failed)
        memcpy(ranges, best, count * sizeof *best);
    memory_free(order);
    memory_free(best);
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
