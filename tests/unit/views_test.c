/* SPDX-License-Identifier: Apache-2.0 */
/* views_test.c: concat, reshape, transpose and their neighbours in whole plans, against plain C; then random graphs. */
#include "traced.h"

#include "unit.h"

/* What writes a value decides whether it may be written in place: one of each kind. */
static struct traced produce(struct tracing *t, struct traced x, int kind)
{
    switch (kind) {
    case 0:
        return traced_activation(t, x, PLUGCL_SIGMOID);
    case 1:
        return traced_binary(t, PLUGCL_SUB, x, traced_constant(t, PLUGCL_SHAPE(1)));
    case 2:
        return traced_softmax(t, x, -1);
    case 3:
        return x;
    case 4:
        return x.shape.rank == 4 ? traced_conv(t, x, x.shape.dims[1], 3) : traced_linear(t, x, x.shape.dims[x.shape.rank - 1]);
    case 5:
        return x.shape.rank == 4 ? traced_pool(t, x, true) : traced_activation(t, x, PLUGCL_TANH);
    case 6:
        return x.shape.rank == 4 ? traced_pool(t, x, false) : traced_softmax(t, x, 0);
    case 7:
        return x.shape.rank == 4 ? traced_gate(t, x) : traced_constant(t, &x.shape);
    case 8:
        return x.shape.rank >= 2 ? traced_batch_norm(t, x) : x;
    default:
        return x.shape.rank == 4 ? traced_conv(t, x, x.shape.dims[1], 1) : x;
    }
}

static void test_concat_on_every_axis(void **state)
{
    static const int64_t sizes[5] = { 2, 5, 3, 4, 6 };
    for (uint32_t rank = 1; rank <= 5; rank++) {
        for (uint32_t axis = 0; axis < rank; axis++) {
            for (int kind = 0; kind < 10; kind++) {
                char what[64];
                struct tracing t;
                tracing_begin(&t, rank * 100 + axis * 10 + (uint32_t)kind);
                plugcl_shape shape = { .rank = rank };
                memcpy(shape.dims, sizes, sizeof sizes);
                struct traced a = traced_input(&t, &shape);
                shape.dims[axis] += 3;
                struct traced b = traced_input(&t, &shape);
                struct traced parts[3] = { produce(&t, a, kind), produce(&t, b, (kind + 3) % 10), produce(&t, a, (kind + 5) % 10) };
                struct traced y = traced_concat(&t, parts, 3, (int)axis - (kind % 2 ? (int)rank : 0));
                traced_output(&t, y);
                traced_output(&t, traced_activation(&t, y, PLUGCL_RELU));
                snprintf(what, sizeof what, "rank %u axis %u kind %d", rank, axis, kind);
                tracing_check(&t, *state, what);
                tracing_end(&t);
            }
        }
    }
}

static void test_concat_shares(void **state)
{
    struct tracing t;
    for (int axis = 0; axis < 4; axis++) {
        char what[32];
        tracing_begin(&t, (uint32_t)axis + 1);
        struct traced x = traced_input(&t, PLUGCL_SHAPE(2, 6, 3, 5));
        struct traced a = traced_conv(&t, x, 6, 3), b = traced_activation(&t, x, PLUGCL_TANH);
        struct traced twice = traced_concat(&t, (struct traced[]){ a, a, b }, 3, axis);
        struct traced nested = traced_concat(&t, (struct traced[]){ twice, twice }, 2, axis);
        struct traced other = traced_concat(&t, (struct traced[]){ b, x, a }, 3, axis);
        traced_output(&t, nested); /* output and read by others */
        traced_output(&t, traced_activation(&t, nested, PLUGCL_RELU));
        traced_output(&t, traced_pool(&t, twice, true));
        traced_output(&t, other);
        traced_output(&t, traced_binary(&t, PLUGCL_ADD, a, b));
        snprintf(what, sizeof what, "axis %d", axis);
        tracing_check(&t, *state, what);
        tracing_end(&t);
    }
}

/* More operands than a node takes. */
static void test_concat_of_many(void **state)
{
    struct tracing t;
    struct traced parts[TRACED_OUTPUTS];
    tracing_begin(&t, 3);
    struct traced x = traced_input(&t, PLUGCL_SHAPE(1, 3, 2, 4));
    for (int i = 0; i < TRACED_OUTPUTS; i++)
        parts[i] = i % 3 ? traced_conv(&t, x, i + 1, 1) : x;
    traced_output(&t, traced_concat(&t, parts, TRACED_OUTPUTS, 1));
    tracing_check(&t, *state, "16 operands");
    tracing_end(&t);
}

static void test_reshape_is_logical(void **state)
{
    struct tracing t;
    for (int unknown = 0; unknown < 2; unknown++) {
        tracing_begin(&t, 9);
        t.unknown = unknown;
        struct traced x = traced_input(&t, PLUGCL_SHAPE(2, 6, 3, 5));
        struct traced y = unknown ? traced_activation(&t, x, PLUGCL_TANH) : traced_conv(&t, x, 6, 3); /* a convolution's is NHWC */
        traced_output(&t, traced_reshape(&t, y, PLUGCL_SHAPE(0, -1, 15)));
        traced_output(&t, traced_reshape(&t, y, PLUGCL_SHAPE(3, 4, 0, 5)));
        traced_output(&t, traced_flatten(&t, y, 1, -1));
        traced_output(&t, traced_flatten(&t, y, 1, 2));
        traced_output(&t, traced_flatten(&t, y, -2, -1));
        traced_output(&t, traced_reshape(&t, y, PLUGCL_SHAPE(-1)));
        struct traced back = traced_reshape(&t, traced_flatten(&t, y, 0, -1), PLUGCL_SHAPE(5, 2, 3, 6));
        traced_output(&t, traced_binary(&t, PLUGCL_MUL, back, traced_transpose(&t, y, (const int[]){ 3, 0, 2, 1 })));
        traced_output(&t, traced_reshape(&t, traced_reduce(&t, PLUGCL_REDUCE_SUM, y, NULL, 0, false), PLUGCL_SHAPE(1, 1)));
        tracing_check(&t, *state, unknown ? "unknown sizes" : "known sizes");
        tracing_end(&t);
    }
}

static void test_outputs_of_all_kinds(void **state)
{
    struct tracing t;
    tracing_begin(&t, 11);
    struct traced x = traced_input(&t, PLUGCL_SHAPE(2, 3, 4, 5)), k = traced_constant(&t, PLUGCL_SHAPE(2, 3, 4, 5));
    struct traced y = traced_conv(&t, x, 3, 3);
    traced_output(&t, x); /* an input, a constant, the same value twice, views of an output */
    traced_output(&t, x);
    traced_output(&t, k);
    traced_output(&t, y);
    traced_output(&t, y);
    traced_output(&t, traced_flatten(&t, y, 0, -1));
    traced_output(&t, traced_flatten(&t, k, 2, 3));
    traced_output(&t, traced_transpose(&t, k, (const int[]){ 0, 2, 3, 1 }));
    traced_output(&t, traced_concat(&t, (struct traced[]){ y, k, x }, 3, 1));
    traced_output(&t, traced_concat(&t, &y, 1, 2));
    tracing_check(&t, *state, "outputs");
    tracing_end(&t);
}

static void test_chains(void **state)
{
    struct tracing t;
    tracing_begin(&t, 12);
    struct traced x = traced_input(&t, PLUGCL_SHAPE(2, 6, 3, 5));
    struct traced y = traced_transpose(&t, traced_conv(&t, x, 7, 3), (const int[]){ 2, 0, 3, 1 });
    y = traced_softmax(&t, y, 2);
    traced_output(&t, traced_reduce(&t, PLUGCL_REDUCE_MAX, y, (const int[]){ 0, -1 }, 2, false));
    traced_output(&t, traced_reduce(&t, PLUGCL_REDUCE_MEAN, y, (const int[]){ 1 }, 1, true));
    struct traced rows = traced_flatten(&t, traced_transpose(&t, y, (const int[]){ 1, 3, 0, 2 }), 2, 3);
    traced_output(&t, traced_transpose(&t, traced_softmax(&t, rows, -1), (const int[]){ 2, 1, 0 }));
    traced_output(&t, traced_linear(&t, rows, 4));
    tracing_check(&t, *state, "chains");
    tracing_end(&t);
}

/* Every kind of slice, of values in both layouts, read by operators of all kinds. */
static void test_slices(void **state)
{
    static const struct plugcl_slice slices[][2] = {
        { { 1, 2, 5, 1 }, { 3, 0, PLUGCL_SLICE_END, 2 } },  { { 1, -3, PLUGCL_SLICE_END, 0 }, { 2, -100, -1, 1 } },
        { { -1, -1, INT64_MIN, -1 }, { 1, 4, 1, -2 } },     { { 0, 1, 2, 1 }, { 3, 4, 0, -3 } },
        { { 2, 100, INT64_MIN, -1 }, { 1, 1, 100, 3 } },    { { 1, 0, 6, INT64_MAX }, { 2, 2, INT64_MIN, INT64_MIN } },
        { { 3, 1, PLUGCL_SLICE_END, 1 }, { 2, 1, PLUGCL_SLICE_END, 1 } },
    };
    for (size_t i = 0; i < sizeof slices / sizeof slices[0]; i++) {
        for (int unknown = 0; unknown < 2; unknown++) {
            char what[48];
            struct tracing t;
            tracing_begin(&t, 20 + (uint32_t)i);
            t.unknown = unknown;
            struct traced x = traced_input(&t, PLUGCL_SHAPE(2, 6, 3, 5));
            struct traced y = unknown ? traced_activation(&t, x, PLUGCL_TANH) : traced_conv(&t, x, 6, 3);
            struct traced cut = traced_slice(&t, y, slices[i], 2);
            traced_output(&t, cut);
            traced_output(&t, traced_pool(&t, cut, true));
            traced_output(&t, traced_softmax(&t, cut, 1));
            traced_output(&t, traced_flatten(&t, cut, 1, 2));
            traced_output(&t, traced_concat(&t, (struct traced[]){ cut, cut }, 2, 2));
            traced_output(&t, unknown ? traced_slice(&t, x, slices[i], 1) : traced_conv(&t, cut, 5, 1));
            traced_output(&t, traced_activation(&t, traced_slice(&t, traced_constant(&t, &x.shape), slices[i], 2), PLUGCL_RELU));
            snprintf(what, sizeof what, "slices %zu, %s sizes", i, unknown ? "unknown" : "known");
            tracing_check(&t, *state, what);
            tracing_end(&t);
        }
    }
}

static void test_splits_and_squeezes(void **state)
{
    struct tracing t;
    struct traced parts[4];
    tracing_begin(&t, 40);
    struct traced x = traced_input(&t, PLUGCL_SHAPE(1, 7, 1, 6)), y = traced_conv(&t, x, 7, 3);
    traced_split(&t, y, 1, (const int64_t[]){ 2, 0, 4, 1 }, 4, parts);
    traced_output(&t, traced_concat(&t, (struct traced[]){ parts[2], parts[0], parts[3] }, 3, 1));
    traced_output(&t, traced_conv(&t, parts[2], 3, 3));
    traced_output(&t, parts[1]); /* empty */
    traced_split(&t, y, 1, NULL, 3, parts); /* 3, 3, 1 */
    traced_output(&t, traced_binary(&t, PLUGCL_SUB, parts[0], parts[1]));
    traced_output(&t, traced_activation(&t, parts[2], PLUGCL_TANH));
    struct traced flat = traced_squeeze(&t, y, NULL, 0);
    traced_output(&t, traced_softmax(&t, flat, 0));
    traced_output(&t, traced_squeeze(&t, y, (const int[]){ -2 }, 1));
    traced_output(&t, traced_linear(&t, traced_unsqueeze(&t, flat, (const int[]){ 1, -1, 0 }, 3), 2));
    struct traced back = traced_unsqueeze(&t, flat, (const int[]){ 0, 2 }, 2);
    traced_output(&t, traced_concat(&t, (struct traced[]){ back, traced_unsqueeze(&t, traced_squeeze(&t, y, (const int[]){ 0 }, 1),
                                                                                (const int[]){ 0 }, 1) }, 2, 1));
    traced_output(&t, traced_squeeze(&t, traced_constant(&t, PLUGCL_SHAPE(3, 1, 2)), NULL, 0));
    tracing_check(&t, *state, "splits and squeezes");
    tracing_end(&t);
}

static void test_pixel_shuffles(void **state)
{
    struct tracing t;
    for (int64_t f = 1; f <= 3; f++) {
        tracing_begin(&t, 50 + (uint32_t)f);
        struct traced x = traced_input(&t, PLUGCL_SHAPE(2, 2 * f * f, 3, 5));
        struct traced large = traced_pixel_shuffle(&t, traced_conv(&t, x, 2 * f * f, 3), f, false);
        traced_output(&t, large);
        traced_output(&t, traced_pixel_shuffle(&t, x, f, false));
        traced_output(&t, traced_pixel_shuffle(&t, traced_pool(&t, large, false), f, true));
        traced_output(&t, traced_pixel_shuffle(&t, traced_constant(&t, PLUGCL_SHAPE(f * f, 2, 3)), f, false));
        struct traced five = traced_reshape(&t, x, PLUGCL_SHAPE(1, 2, -1, 3, 5));
        traced_output(&t, traced_concat(&t, (struct traced[]){ traced_pixel_shuffle(&t, five, f, false) }, 1, 2));
        tracing_check(&t, *state, "pixel shuffles");
        tracing_end(&t);
    }
}

/*
 * Random graphs.
 */
static struct traced rearrange(struct tracing *t, struct traced x)
{
    int rank = (int)x.shape.rank, axis = rank ? (int)tracing_random(t, x.shape.rank) : 0;
    int64_t size = rank ? x.shape.dims[axis] : 1, place = (int64_t)tracing_random(t, (uint32_t)size);
    switch (tracing_random(t, 5)) {
    case 0:
        return rank > 0 && size <= 64 ? traced_slice(t, x, &(struct plugcl_slice){ axis, place, PLUGCL_SLICE_END,
                                                                                 1 + (int64_t)tracing_random(t, 3) }, 1) : x;
    case 1:
        return rank > 0 && size <= 64 ? traced_slice(t, x, &(struct plugcl_slice){ axis - rank, place - size, INT64_MIN,
                                                                                 -1 - (int64_t)tracing_random(t, 3) }, 1) : x;
    case 2:
        return rank > 0 && size == 1 ? traced_squeeze(t, x, &axis, 1) : x;
    case 3:
        return rank < 5 ? traced_unsqueeze(t, x, &axis, 1) : x;
    default:
        return rank >= 3 && rank < 6 && x.shape.dims[rank - 3] % 4 == 0 ? traced_pixel_shuffle(t, x, 2, false) : x;
    }
}

static struct traced step(struct tracing *t, const struct traced *pool, size_t n)
{
    struct traced x = pool[tracing_random(t, (uint32_t)n)], parts[4] = { x };
    uint32_t rank = x.shape.rank;
    int order[PLUGCL_MAX_RANK], axis = rank ? (int)tracing_random(t, rank) : 0;
    size_t n_parts = 1;
    switch (tracing_random(t, 10)) {
    case 0: /* everything of the same shape but for one axis */
        for (size_t i = 0; rank > 0 && i < n && n_parts < 4; i++) {
            bool fits = pool[i].shape.rank == rank;
            for (uint32_t d = 0; fits && d < rank; d++)
                fits = (int)d == axis || pool[i].shape.dims[d] == x.shape.dims[d];
            if (fits)
                parts[n_parts++] = pool[i];
        }
        return rank > 0 ? traced_concat(t, parts, n_parts, axis) : x;
    case 1:
        for (uint32_t i = 0; i < rank; i++)
            order[i] = (int)i;
        for (uint32_t i = rank; i-- > 1;) {
            uint32_t j = tracing_random(t, i + 1);
            int swap = order[i];
            order[i] = order[j];
            order[j] = swap;
        }
        return rank > 0 ? traced_transpose(t, x, order) : x;
    case 2:
        if (rank == 3)
            return traced_reshape(t, x, PLUGCL_SHAPE(0, 1, -1, x.shape.dims[2]));
        return rank > 1 ? traced_flatten(t, x, axis, (int)rank - 1 - (int)tracing_random(t, rank - (uint32_t)axis)) : x;
    case 3:
        return rank > 1 ? traced_reduce(t, tracing_random(t, 2) ? PLUGCL_REDUCE_MAX : PLUGCL_REDUCE_MEAN, x, &axis, 1,
                                        tracing_random(t, 2))
                        : x;
    case 4:
        for (size_t i = n; i-- > 0;) /* a residual */
            if (pool[i].shape.rank == rank && memcmp(pool[i].shape.dims, x.shape.dims, rank * sizeof x.shape.dims[0]) == 0)
                return traced_activation(t, traced_binary(t, PLUGCL_ADD, x, pool[i]), PLUGCL_TANH);
        return x;
    case 5:
    case 6:
        return rearrange(t, x);
    default:
        return rank > 0 ? produce(t, x, (int)tracing_random(t, 10)) : x;
    }
}

static void test_random_graphs(void **state)
{
    const char *rounds = getenv("PLUGCL_TEST_ROUNDS"), *first = getenv("PLUGCL_TEST_SEED");
    uint32_t begin = first ? (uint32_t)atoi(first) : 1, end = begin + (rounds ? (uint32_t)atoi(rounds) : 150);
    for (uint32_t seed = begin; seed < end; seed++) {
        struct tracing t;
        struct traced pool[24];
        size_t n = 0;
        char what[32];
        tracing_begin(&t, seed);
        t.unknown = seed % 3 == 0;
        pool[n++] = traced_input(&t, PLUGCL_SHAPE(1 + (int64_t)tracing_random(&t, 2), 4 + (int64_t)tracing_random(&t, 14),
                                                  1 + (int64_t)tracing_random(&t, 6), 1 + (int64_t)tracing_random(&t, 6)));
        if (t.unknown && tracing_random(&t, 2))
            pool[n++] = traced_input(&t, PLUGCL_SHAPE(3, 5));
        while (n < 12) {
            struct traced made = step(&t, pool, n);
            if (plugcl_shape_elements(&made.shape) > 20000 || (made.shape.rank > 1 && made.shape.dims[1] > 64))
                break;
            pool[n++] = made;
        }
        for (size_t i = 0; i < n && t.n_outputs < 5; i++)
            if (i + 1 == n || tracing_random(&t, 3) == 0)
                traced_output(&t, pool[i]);
        if (t.n_outputs == 0)
            traced_output(&t, pool[n - 1]);
        snprintf(what, sizeof what, "seed %u", seed);
        tracing_check(&t, *state, what);
        tracing_end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_concat_on_every_axis), cmocka_unit_test(test_concat_shares),
        cmocka_unit_test(test_concat_of_many),       cmocka_unit_test(test_reshape_is_logical),
        cmocka_unit_test(test_outputs_of_all_kinds), cmocka_unit_test(test_chains),
        cmocka_unit_test(test_slices),               cmocka_unit_test(test_splits_and_squeezes),
        cmocka_unit_test(test_pixel_shuffles),       cmocka_unit_test(test_random_graphs),
    };
    return cmocka_run_group_tests_name("views", tests, make_context, destroy_context) ? 1 : 0;
}
