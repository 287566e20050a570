/* SPDX-License-Identifier: Apache-2.0 */
/* arena_test.c: ranges that are alive together never meet, and blocks are little larger than the most bytes alive at once. */
#include "base/memory.h"
#include "ops/arena.h"

#include "unit.h"

enum { MOST_RANGES = 160 };

static size_t padded(size_t bytes)
{
    return (bytes + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
}

static size_t random_below(uint32_t *state, size_t limit)
{
    pseudo_random(state);
    return (*state >> 8) % limit;
}

/* The bytes of all blocks. */
static size_t place(struct arena_range *ranges, size_t count, size_t block_limit, uint32_t *n_blocks)
{
    size_t *block_bytes = NULL, too_large = 0, sum = 0;
    bool failed = true;
    *n_blocks = arena_place(ranges, count, block_limit, &block_bytes, &too_large, &failed);
    assert_false(failed);
    for (uint32_t i = 0; i < *n_blocks; i++)
        assert_true(block_bytes[i] <= block_limit + ARENA_ALIGNMENT);
    for (size_t i = 0; i < count; i++) {
        const struct arena_range *a = &ranges[i];
        assert_true(a->block < *n_blocks && a->offset % ARENA_ALIGNMENT == 0);
        assert_true(a->offset + a->bytes <= block_bytes[a->block] && (!a->at_start || a->offset == 0));
        for (size_t j = 0; j < i; j++) {
            const struct arena_range *b = &ranges[j];
            bool together = a->block == b->block && a->first <= b->last && b->first <= a->last;
            assert_true(!together || a->offset + a->bytes <= b->offset || b->offset + b->bytes <= a->offset);
        }
    }
    for (uint32_t i = 0; i < *n_blocks; i++)
        sum += block_bytes[i];
    memory_free(block_bytes);
    return sum;
}

/* A network as they are: a chain whose sizes change now and then, shortcuts over some steps, scratch of one step. */
static size_t random_network(uint32_t *state, struct arena_range *ranges)
{
    const size_t steps = 3 + random_below(state, 60);
    size_t bytes = 4096 << random_below(state, 8), count = 0;
    for (uint32_t step = 0; step < steps; step++) {
        if (random_below(state, 4) == 0)
            bytes = (bytes * (1 + random_below(state, 8)) / 4 + 3) / 4 * 4;
        bytes = bytes < 256 ? 256 : bytes > (1u << 24) ? 1u << 22 : bytes;
        uint32_t life = random_below(state, 4) == 0 ? 1 + (uint32_t)random_below(state, 6) : 1;
        ranges[count++] = (struct arena_range){ .bytes = bytes, .first = step, .last = step + life };
        if (random_below(state, 3) == 0)
            ranges[count++] = (struct arena_range){ .bytes = 4 + random_below(state, 2 * bytes), .first = step, .last = step };
    }
    return count;
}

static void test_networks(void **unused)
{
    (void)unused;
    struct arena_range ranges[MOST_RANGES];
    uint32_t state = 20261124, n_blocks = 0;
    double worst = 1, sum = 0;
    for (int round = 0; round < 2000; round++) {
        const size_t count = random_network(&state, ranges);
        const size_t used = place(ranges, count, SIZE_MAX / 2, &n_blocks), bound = arena_lower_bound(ranges, count);
        const double ratio = (double)used / (double)bound;
        assert_true(n_blocks == 1 && used >= bound);
        worst = ratio > worst ? ratio : worst;
        sum += ratio;
    }
    print_message("bytes over the lower bound: %.3f in the mean, %.3f at most\n", sum / 2000, worst);
    assert_true(sum / 2000 <= 1.01 && worst <= 1.25);
}

static void test_blocks(void **unused)
{
    (void)unused;
    struct arena_range ranges[MOST_RANGES];
    uint32_t state = 5, n_blocks = 0;
    for (int round = 0; round < 200; round++) {
        const size_t count = random_network(&state, ranges);
        size_t largest = 0;
        for (size_t i = 0; i < count; i++) {
            largest = ranges[i].bytes > largest ? ranges[i].bytes : largest;
            ranges[i].at_start = random_below(&state, 10) == 0;
        }
        place(ranges, count, padded(largest), &n_blocks);
    }
    assert_int_equal(place(NULL, 0, 4096, &n_blocks), 0);
    size_t *block_bytes = NULL, too_large = 0;
    bool failed = false;
    ranges[0] = (struct arena_range){ .bytes = 5000 };
    assert_int_equal(arena_place(ranges, 1, 4096, &block_bytes, &too_large, &failed), 0);
    assert_true(failed && too_large == 5000);
    memory_free(block_bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_networks), cmocka_unit_test(test_blocks) };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL) ? 1 : 0;
}
