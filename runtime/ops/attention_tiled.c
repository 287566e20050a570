/* SPDX-License-Identifier: Apache-2.0 */
/* attention_tiled.c: plans cl/cpu/attention.cl and cl/gpu/attention.cl: attention whose affinities are never in memory. */
#include <stdio.h>

#include "ops/attention.h"

#define LAUNCH_FLOPS ((int64_t)4000000000) /* about 0.1 s on a slow GPU */

/* A register tile; a group takes vectors · the device's vector width queries. Wide vectors come with 32 registers, others may have
 * 16. */
struct tile {
    int rows, vectors;
};

static struct tile tile_of(const struct device_caps *caps)
{
    return caps->vector_width == 16 ? (struct tile){ 8, 3 } : (struct tile){ 4, 3 };
}

/* The kernel's -DMODE. */
static int mode_of(const struct plugcl_attention_params *params)
{
    static const int modes[] = { [PLUGCL_ATTENTION_SOFTMAX] = 0, [PLUGCL_ATTENTION_DOT_PRODUCT] = 2,
                                 [PLUGCL_ATTENTION_CONCATENATION] = 3 };
    return params->softmax_over_queries ? 1 : modes[params->mode];
}

static bool has_dense_rows(const struct operand *operand)
{
    return operand->shape.dims[2] == 1 || operand->strides[2] == 1;
}

bool attention_cpu_can_run(const struct device_caps *caps, const struct attention *attention)
{
    return caps->cpu_family && attention->depth > 0 && attention->keys > 0 && has_dense_rows(&attention->q) &&
           has_dense_rows(&attention->k) && (!attention->v.present || has_dense_rows(&attention->v)) &&
           has_dense_rows(&attention->y);
}

static struct launch *begin_launch(struct schedule *schedule, int mode, const char *entry)
{
    char options[64];
    const struct device_caps *caps = schedule_caps(schedule);
    struct tile tile = tile_of(caps);
    snprintf(options, sizeof options, "-DVECTOR=%u -DROWS=%d -DVECTORS=%d -DMODE=%d", caps->vector_width, tile.rows, tile.vectors,
             mode);
    return schedule_launch(schedule, "cpu/attention.cl", options, entry);
}

/* Tiles that `lines` queries or keys of an image make, and the floats of each. */
static int64_t tiles_of(const struct device_caps *caps, int64_t lines)
{
    int64_t lanes = tile_of(caps).vectors * (int64_t)caps->vector_width;
    return (lines + lanes - 1) / lanes;
}

static uint32_t tile_scratch(struct schedule *schedule, int64_t images, int64_t lines, int64_t columns)
{
    const struct device_caps *caps = schedule_caps(schedule);
    int64_t lanes = tile_of(caps).vectors * (int64_t)caps->vector_width;
    return schedule_scratch(schedule, (size_t)(images * tiles_of(caps, lines) * lanes * columns) * sizeof(float));
}

static uint32_t statistics_region(struct schedule *schedule, const struct attention *attention, int64_t lines)
{
    return schedule_scratch(schedule, (size_t)(attention->images * lines * 2) * sizeof(float));
}

/* The operands of the kernels named attention, before their sizes; `tiles` where there is scratch. */
static void launch_operands(struct launch *launch, const struct attention *attention, uint32_t statistics, uint32_t tiles)
{
    static const struct operand absent;
    launch_operand(launch, &attention->q);
    launch_operand(launch, &attention->k);
    launch_operand(launch, &attention->v);
    if (statistics != REGION_NONE)
        launch_region(launch, statistics, 0);
    else
        launch_operand(launch, &absent);
    if (tiles != REGION_NONE)
        launch_region(launch, tiles, 0);
    launch_operand(launch, &attention->y);
}

/* `strides` of each operand: image, row and, where a kernel takes any, channel. */
static void launch_sizes(struct launch *launch, const struct attention *attention, size_t strides)
{
    const int64_t sizes[4] = { attention->queries, attention->keys, attention->depth, attention->columns };
    const struct operand *operands[4] = { &attention->q, &attention->k, &attention->v, &attention->y };
    launch_ints(launch, sizes, 4);
    for (int i = 0; i < 4; i++)
        launch_ints(launch, operands[i]->strides, strides);
    launch_float(launch, attention_factor(attention));
}

static uint32_t plan_cpu_statistics(struct schedule *schedule, const struct attention *attention)
{
    uint32_t region = statistics_region(schedule, attention, attention->keys);
    uint32_t tiles = tile_scratch(schedule, attention->images, attention->keys, attention->depth);
    struct launch *launch = begin_launch(schedule, 1, "statistics");
    launch_operand(launch, &attention->k);
    launch_operand(launch, &attention->q);
    launch_region(launch, tiles, 0);
    launch_region(launch, region, 0);
    launch_int(launch, attention->keys);
    launch_int(launch, attention->queries);
    launch_int(launch, attention->depth);
    launch_ints(launch, attention->k.strides, 2);
    launch_ints(launch, attention->q.strides, 2);
    launch_float(launch, attention_factor(attention));
    launch_groups(launch, (size_t)tiles_of(schedule_caps(schedule), attention->keys), (size_t)attention->images, 1);
    return region;
}

plugcl_status attention_plan_cpu(struct schedule *schedule, const struct attention *attention)
{
    const struct plugcl_attention_params *params = attention->params;
    const int64_t rows = tile_of(schedule_caps(schedule)).rows, padded = (attention->columns + rows - 1) / rows * rows;
    if (operand_elements(&attention->y) == 0)
        return schedule_status(schedule);
    uint32_t statistics = params->softmax_over_queries ? plan_cpu_statistics(schedule, attention) : REGION_NONE;
    uint32_t tiles = tile_scratch(schedule, attention->images, attention->queries, attention->depth + padded);
    struct launch *launch = begin_launch(schedule, mode_of(params), "attention");
    launch_operands(launch, attention, statistics, tiles);
    launch_sizes(launch, attention, 2);
    launch_groups(launch, (size_t)tiles_of(schedule_caps(schedule), attention->queries), (size_t)attention->images, 1);
    return schedule_status(schedule);
}

/*
 * cl/gpu/attention.cl
 */
bool attention_gpu_can_run(const struct device_caps *caps, const struct attention *attention)
{
    return caps->max_work_group >= 64 && caps->local_memory >= 8704 && attention->depth > 0 && attention->keys > 0;
}

/* Work-items along a side of a group: the larger tile reads memory half as often. */
static int64_t gpu_items(const struct device_caps *caps, int64_t queries)
{
    return caps->max_work_group >= 256 && caps->local_memory >= 28672 && queries > 32 ? 16 : 8;
}

static struct launch *begin_gpu_launch(struct schedule *schedule, const struct attention *attention, const char *entry)
{
    char options[48];
    snprintf(options, sizeof options, "-DITEMS=%d -DMODE=%d", (int)gpu_items(schedule_caps(schedule), attention->queries),
             mode_of(attention->params));
    return schedule_launch(schedule, "gpu/attention.cl", options, entry);
}

/* Lines for one launch, whole tiles: drivers end what runs too long on a slow GPU. */
static int64_t lines_a_launch(const struct attention *attention, int64_t length, int64_t block)
{
    int64_t work = 2 * length * (attention->depth + attention->columns) * attention->images + 1;
    int64_t lines = work < LAUNCH_FLOPS ? LAUNCH_FLOPS / work : 1;
    return (lines + block - 1) / block * block;
}

static size_t groups_of(int64_t first, int64_t lines, int64_t count, int64_t block)
{
    return (size_t)(((lines - first < count ? lines - first : count) + block - 1) / block);
}

static uint32_t plan_gpu_statistics(struct schedule *schedule, const struct attention *attention)
{
    const bool over_queries = attention->params->softmax_over_queries;
    const struct operand *own = over_queries ? &attention->k : &attention->q;
    const struct operand *others = over_queries ? &attention->q : &attention->k;
    const int64_t lines = own->shape.dims[1], length = others->shape.dims[1];
    const int64_t items = gpu_items(schedule_caps(schedule), attention->queries), block = 4 * items;
    const int64_t count = lines_a_launch(attention, length, block);
    uint32_t region = statistics_region(schedule, attention, lines);
    for (int64_t first = 0; first < lines; first += count) {
        struct launch *launch = begin_gpu_launch(schedule, attention, "statistics");
        const int64_t sizes[4] = { first, lines, length, attention->depth };
        launch_operand(launch, own);
        launch_operand(launch, others);
        launch_region(launch, region, 0);
        launch_ints(launch, sizes, 4);
        launch_ints(launch, own->strides, 3);
        launch_ints(launch, others->strides, 3);
        launch_float(launch, attention_factor(attention));
        launch_range(launch, groups_of(first, lines, count, block) * (size_t)items, (size_t)(attention->images * items), 1,
                     (size_t)items, (size_t)items, 1);
    }
    return region;
}

plugcl_status attention_plan_gpu(struct schedule *schedule, const struct attention *attention)
{
    const int64_t items = gpu_items(schedule_caps(schedule), attention->queries), block = 4 * items;
    const int64_t count = lines_a_launch(attention, attention->keys, block), blocks = (attention->columns + block - 1) / block;
    if (operand_elements(&attention->y) == 0)
        return schedule_status(schedule);
    bool is_softmax = attention->params->mode == PLUGCL_ATTENTION_SOFTMAX;
    uint32_t statistics = is_softmax ? plan_gpu_statistics(schedule, attention) : REGION_NONE;
    for (int64_t first = 0; first < attention->queries; first += count) {
        struct launch *launch = begin_gpu_launch(schedule, attention, "attention");
        launch_operands(launch, attention, statistics, REGION_NONE);
        launch_int(launch, first);
        launch_sizes(launch, attention, 3);
        launch_range(launch, (size_t)(blocks * items), groups_of(first, attention->queries, count, block) * (size_t)items,
                     (size_t)attention->images, (size_t)items, (size_t)items, 1);
    }
    return schedule_status(schedule);
}

uint32_t attention_plan_statistics(struct schedule *schedule, const struct attention *attention)
{
    if (attention_cpu_can_run(schedule_caps(schedule), attention))
        return plan_cpu_statistics(schedule, attention);
    return attention_gpu_can_run(schedule_caps(schedule), attention) ? plan_gpu_statistics(schedule, attention) : REGION_NONE;
}
