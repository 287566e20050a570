/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attention_blocks.c: attention as matrix product, softmax, matrix product, in blocks whose affinities fit a bound of memory.
 *
 * Softmax over the keys, and the modes without one, take a block of queries at a time: its rows of the affinity are complete.
 * Softmax over the queries takes a block of keys, whose columns are complete, and adds up what each block gives.
 */
#include "ops/attention.h"

#define DEFAULT_MEMORY ((uint64_t)64 << 20)
#define BLOCK_MULTIPLE 64 /* a block is a multiple of this, where it is larger: the tiles of the products then are whole */

static struct operand part_of(const struct operand *whole, uint32_t axis, int64_t first, int64_t count)
{
    struct operand part = *whole;
    part.offset += first * part.strides[axis];
    part.shape.dims[axis] = count;
    return part;
}

static struct operand scratch(struct schedule *schedule, int64_t images, int64_t rows, int64_t columns)
{
    uint32_t region = schedule_floats(schedule, images * rows * columns);
    return operand_dense(PLUGCL_F32, PLUGCL_SHAPE(images, rows, columns), false, region);
}

static void plan_product(struct schedule *schedule, const struct operand *a, const struct operand *b, bool transpose_b,
                         const struct operand *y, plugcl_gemm gemm)
{
    const struct matmul_params params = { .transpose_b = transpose_b };
    const struct operator_call call = { .info = &operator_matmul, .params = &params, .inputs = { *a, *b }, .outputs = { *y },
                                        .gemm = gemm };
    schedule_fail(schedule, variant_plan(schedule, &call));
}

static void plan_sum(struct schedule *schedule, const struct operand *a, const struct operand *b, const struct operand *y)
{
    const struct binary_params params = { PLUGCL_ADD };
    const struct operator_call call = { .info = &operator_binary, .params = &params, .inputs = { *a, *b }, .outputs = { *y } };
    schedule_fail(schedule, variant_plan(schedule, &call));
}

/* x times a factor, in memory of its own; x itself where the factor is 1. */
static struct operand scaled(struct schedule *schedule, const struct operand *x, float factor)
{
    const int64_t *dims = x->shape.dims;
    if (factor == 1.0f)
        return *x;
    struct operand y = scratch(schedule, dims[0], dims[1], dims[2]);
    struct launch *launch = schedule_launch(schedule, "common/attention.cl", NULL, "scale");
    launch_operand(launch, x);
    launch_operand(launch, &y);
    launch_ints(launch, dims + 1, 2);
    launch_ints(launch, x->strides, 3);
    launch_float(launch, factor);
    launch_range(launch, (size_t)dims[2], (size_t)dims[1], (size_t)dims[0], launch_max_work_group(launch) >= 16 ? 16 : 1, 1, 1);
    return y;
}

/* The affinities of some queries and keys, in `scores`. */
static void plan_affinity(struct schedule *schedule, const struct attention *attention, const struct operand *q,
                          const struct operand *k, const struct operand *scores)
{
    const struct plugcl_attention_params *params = attention->params;
    if (params->mode == PLUGCL_ATTENTION_CONCATENATION) {
        const struct activation_params relu = { PLUGCL_RELU, 0, 0 };
        const struct operator_call call = { .info = &operator_activation, .params = &relu, .inputs = { *scores },
                                            .outputs = { *scores } };
        struct operand across = *k; /* [images, 1, keys] */
        across.shape.dims[1] = 1;
        across.shape.dims[2] = k->shape.dims[1];
        across.strides[2] = k->strides[1];
        plan_sum(schedule, q, &across, scores);
        schedule_fail(schedule, variant_plan(schedule, &call));
        return;
    }
    plan_product(schedule, q, k, true, scores, attention->gemm);
    if (params->mode == PLUGCL_ATTENTION_SOFTMAX) {
        const struct axis_params axis = { params->softmax_over_queries ? 1 : 2 };
        const struct operator_call call = { .info = &operator_softmax, .params = &axis, .inputs = { *scores },
                                            .outputs = { *scores } };
        schedule_fail(schedule, variant_plan(schedule, &call));
    }
}

/* How many lines of `length` affinities fit the bound, for each of `images`. */
static int64_t lines_that_fit(const struct device_caps *caps, const struct attention *attention, int64_t images, int64_t length)
{
    uint64_t bound = attention->params->memory ? attention->params->memory : DEFAULT_MEMORY;
    if (bound > caps->max_allocation / 4 && attention->params->memory == 0)
        bound = caps->max_allocation / 4;
    uint64_t lines = bound / ((uint64_t)images * (uint64_t)length * sizeof(float));
    if (lines > INT32_MAX)
        return INT32_MAX;
    if (lines > BLOCK_MULTIPLE)
        lines -= lines % BLOCK_MULTIPLE;
    return lines > 0 ? (int64_t)lines : 1;
}

/* Memory of all blocks, one after the other. */
struct workspace {
    int64_t lines;         /* queries or keys of a block */
    struct operand scores; /* of a block */
    struct operand part;   /* a block's share of y, where shares are added up; else not present */
};

static struct workspace make_workspace(struct schedule *schedule, const struct attention *attention, int64_t images, int64_t lines)
{
    struct workspace work = { .lines = lines };
    if (!attention->params->softmax_over_queries) {
        work.lines = lines < attention->queries ? lines : attention->queries;
        work.scores = scratch(schedule, images, work.lines, attention->keys);
        return work;
    }
    work.lines = lines < attention->keys ? lines : attention->keys;
    work.scores = scratch(schedule, images, attention->queries, work.lines);
    if (work.lines < attention->keys)
        work.part = scratch(schedule, images, attention->queries, attention->columns);
    return work;
}

static void plan_query_blocks(struct schedule *schedule, const struct attention *attention, const struct workspace *work)
{
    for (int64_t first = 0; first < attention->queries; first += work->lines) {
        int64_t left = attention->queries - first, count = left < work->lines ? left : work->lines;
        struct operand q = part_of(&attention->q, 1, first, count), y = part_of(&attention->y, 1, first, count);
        struct operand scores = part_of(&work->scores, 1, 0, count);
        plan_affinity(schedule, attention, &q, &attention->k, &scores);
        plan_product(schedule, &scores, &attention->v, false, &y, attention->gemm);
    }
}

static void plan_key_blocks(struct schedule *schedule, const struct attention *attention, const struct workspace *work)
{
    for (int64_t first = 0; first < attention->keys; first += work->lines) {
        int64_t left = attention->keys - first, count = left < work->lines ? left : work->lines;
        struct operand k = part_of(&attention->k, 1, first, count), v = part_of(&attention->v, 1, first, count);
        struct operand scores = part_of(&work->scores, 2, 0, count);
        plan_affinity(schedule, attention, &attention->q, &k, &scores);
        plan_product(schedule, &scores, &v, false, first == 0 ? &attention->y : &work->part, attention->gemm);
        if (first > 0)
            plan_sum(schedule, &attention->y, &work->part, &attention->y);
    }
}

/* Without keys every y is a sum of nothing. */
static void plan_zeros(struct schedule *schedule, const struct attention *attention)
{
    struct operand q = part_of(&attention->q, 2, 0, 0), v = part_of(&attention->v, 1, 0, 0);
    plan_product(schedule, &q, &v, false, &attention->y, PLUGCL_GEMM_OWN);
}

plugcl_status attention_plan_blocks(struct schedule *schedule, const struct attention *whole)
{
    const struct device_caps *caps = schedule_caps(schedule);
    struct attention attention = *whole;
    const bool over_queries = attention.params->softmax_over_queries;
    if (operand_elements(&attention.y) == 0)
        return schedule_status(schedule);
    if (attention.keys == 0) {
        plan_zeros(schedule, &attention);
        return schedule_status(schedule);
    }
    /* The softmax here is of the natural exponential. */
    float factor = attention.params->mode == PLUGCL_ATTENTION_SOFTMAX ? attention.params->scale : attention_factor(&attention);
    attention.q = scaled(schedule, &attention.q, factor);
    if (attention.params->mode == PLUGCL_ATTENTION_CONCATENATION)
        attention.k = scaled(schedule, &attention.k, factor);

    const struct attention all = attention;
    int64_t length = over_queries ? all.queries : all.keys, lines = over_queries ? all.keys : all.queries;
    int64_t together = lines_that_fit(caps, &all, all.images, length) >= lines ? all.images : 1;
    const struct workspace work = make_workspace(schedule, &all, together, lines_that_fit(caps, &all, together, length));
    for (int64_t image = 0; image < all.images; image += together) {
        attention.q = part_of(&all.q, 0, image, together);
        attention.k = part_of(&all.k, 0, image, together);
        attention.v = part_of(&all.v, 0, image, together);
        attention.y = part_of(&all.y, 0, image, together);
        if (over_queries)
            plan_key_blocks(schedule, &attention, &work);
        else
            plan_query_blocks(schedule, &attention, &work);
    }
    return schedule_status(schedule);
}

plugcl_status attention_plan_reordered(struct schedule *schedule, const struct attention *attention)
{
    const struct matmul_params params = { .transpose_a = true };
    if (operand_elements(&attention->y) == 0)
        return schedule_status(schedule);
    if (attention->keys == 0 || attention->depth == 0) {
        plan_zeros(schedule, attention);
        return schedule_status(schedule);
    }
    struct operand sums = scratch(schedule, attention->images, attention->depth, attention->columns);
    const struct operator_call call = { .info = &operator_matmul, .params = &params, .inputs = { attention->k, attention->v },
                                        .outputs = { sums } };
    schedule_fail(schedule, variant_plan(schedule, &call));
    sums = scaled(schedule, &sums, attention_factor(attention));
    plan_product(schedule, &attention->q, &sums, false, &attention->y, PLUGCL_GEMM_OWN);
    return schedule_status(schedule);
}
