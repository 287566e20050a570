/* SPDX-License-Identifier: Apache-2.0 */
/* attention_tiled.c: plans cl/cpu/attention.cl: attention whose affinities are never in memory. */
#include <stdio.h>

#include "ops/attention.h"

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

static void launch_lines(struct launch *launch, const struct operand *operand)
{
    launch_int(launch, operand->strides[0]);
    launch_int(launch, operand->strides[1]);
}

uint32_t attention_plan_statistics(struct schedule *schedule, const struct attention *attention, float factor)
{
    uint32_t region = schedule_scratch(schedule, (size_t)(attention->images * attention->keys * 2) * sizeof(float));
    uint32_t tiles = tile_scratch(schedule, attention->images, attention->keys, attention->depth);
    struct launch *launch = begin_launch(schedule, 1, "statistics");
    launch_operand(launch, &attention->k);
    launch_operand(launch, &attention->q);
    launch_region(launch, tiles, 0);
    launch_region(launch, region, 0);
    launch_int(launch, attention->keys);
    launch_int(launch, attention->queries);
    launch_int(launch, attention->depth);
    launch_lines(launch, &attention->k);
    launch_lines(launch, &attention->q);
    launch_float(launch, factor);
    launch_groups(launch, (size_t)tiles_of(schedule_caps(schedule), attention->keys), (size_t)attention->images, 1);
    return region;
}

plugcl_status attention_plan_cpu(struct schedule *schedule, const struct attention *attention)
{
    static const struct operand absent;
    const struct plugcl_attention_params *params = attention->params;
    const int64_t rows = tile_of(schedule_caps(schedule)).rows, padded = (attention->columns + rows - 1) / rows * rows;
    float factor = attention_factor(attention);
    uint32_t statistics = REGION_NONE;
    if (operand_elements(&attention->y) == 0)
        return schedule_status(schedule);
    if (params->softmax_over_queries)
        statistics = attention_plan_statistics(schedule, attention, factor);
    uint32_t tiles = tile_scratch(schedule, attention->images, attention->queries, attention->depth + padded);
    struct launch *launch = begin_launch(schedule, mode_of(params), "attention");
    launch_operand(launch, &attention->q);
    launch_operand(launch, &attention->k);
    launch_operand(launch, &attention->v);
    if (params->softmax_over_queries)
        launch_region(launch, statistics, 0);
    else
        launch_operand(launch, &absent);
    launch_region(launch, tiles, 0);
    launch_operand(launch, &attention->y);
    const int64_t sizes[4] = { attention->queries, attention->keys, attention->depth, attention->columns };
    for (int i = 0; i < 4; i++)
        launch_int(launch, sizes[i]);
    launch_lines(launch, &attention->q);
    launch_lines(launch, &attention->k);
    launch_lines(launch, &attention->v);
    launch_lines(launch, &attention->y);
    launch_float(launch, factor);
    launch_groups(launch, (size_t)tiles_of(schedule_caps(schedule), attention->queries), (size_t)attention->images, 1);
    return schedule_status(schedule);
}
