/* SPDX-License-Identifier: Apache-2.0 */
/* attention_tiled.c: plans cl/cpu/attention.cl and cl/gpu/attention.cl: attention whose affinities are never in memory. */
#include <stdio.h>

#include "ops/attention.h"
#include "ops/gpu_tiles.h"
#include "ops/strided.h"

/* A register tile, and what a query of it costs, in hundredths of the best tile's; a group takes `lanes` queries, whole vectors, or
 * as many keys for their statistics. */
struct tile {
    int rows, vectors, cost;
    int64_t lanes;
};

/* Wide vectors come with 32 registers, others may have 16: too few for more than one tile that keeps the multiply-adds busy. */
static const struct tile wide_tiles[] = { { .rows = 8, .vectors = 3, .cost = 100 }, { .rows = 8, .vectors = 2, .cost = 103 } };
static const struct tile narrow_tiles[] = { { .rows = 4, .vectors = 3, .cost = 100 } };

/* The tile that the fullest thread is done with first. */
static struct tile tile_of(const struct device_caps *caps, int64_t lines, int64_t images)
{
    const bool wide = caps->vector_width == 16;
    const struct tile *tiles = wide ? wide_tiles : narrow_tiles;
    const size_t count = wide ? sizeof wide_tiles / sizeof *wide_tiles : sizeof narrow_tiles / sizeof *narrow_tiles;
    struct tile best = tiles[0];
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        struct tile tile = tiles[i];
        tile.lanes = tile.vectors * (int64_t)caps->vector_width;
        const int64_t cost = divide_up(divide_up(lines, tile.lanes) * images, caps->compute_units) * tile.lanes * tile.cost;
        if (cost < least) {
            least = cost;
            best = tile;
        }
    }
    return best;
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

/* From a query's pixel to the next one's. */
static int64_t pixel_stride(const struct operand *map)
{
    return map->shape.dims[3] == 1 ? map->strides[2] : map->strides[3];
}

bool attention_cpu_can_run(const struct device_caps *caps, const struct attention *attention)
{
    return caps->cpu_family && attention->depth > 0 && attention->keys > 0 && has_dense_rows(&attention->q) &&
           has_dense_rows(&attention->k) && (!attention->v.present || has_dense_rows(&attention->v)) &&
           (attention->weight.present || has_dense_rows(&attention->y));
}

/* A map's pixels in the order of the queries, next to each other or with their channels so. */
static bool has_dense_pixels(const struct operand *map, bool channels_last)
{
    const int64_t *dims = map->shape.dims, *strides = map->strides;
    return (dims[2] == 1 || dims[3] == 1 || strides[2] == dims[3] * strides[3]) &&
           (channels_last ? strides[1] == 1 : pixel_stride(map) == 1);
}

bool attention_cpu_can_project(const struct attention *attention)
{
    const struct operand *residual = &attention->residual, *y = &attention->y;
    return !attention->weight.present || (has_dense_pixels(residual, true) && has_dense_pixels(y, true)) ||
           (has_dense_pixels(residual, false) && has_dense_pixels(y, false));
}

static struct launch *begin_launch(struct schedule *schedule, struct tile tile, int mode, const char *entry)
{
    char options[64];
    snprintf(options, sizeof options, "-DVECTOR=%u -DROWS=%d -DVECTORS=%d -DMODE=%d", schedule_caps(schedule)->vector_width,
             tile.rows, tile.vectors, mode);
    return schedule_launch(schedule, "cpu/attention.cl", options, entry);
}

/* `columns` floats for each line of whole tiles. */
static uint32_t tile_scratch(struct schedule *schedule, struct tile tile, int64_t images, int64_t lines, int64_t columns)
{
    const int64_t whole = divide_up(lines, tile.lanes) * tile.lanes;
    return schedule_floats(schedule, images * whole * columns);
}

static uint32_t statistics_region(struct schedule *schedule, const struct attention *attention, int64_t lines)
{
    return schedule_floats(schedule, attention->images * lines * 2);
}

/* The operands of the kernels named attention, before their result; `tiles` where there is scratch. */
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
    const struct tile tile = tile_of(schedule_caps(schedule), attention->keys, attention->images);
    uint32_t tiles = tile_scratch(schedule, tile, attention->images, attention->keys, attention->depth);
    struct launch *launch = begin_launch(schedule, tile, 1, "statistics");
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
    launch_groups(launch, (size_t)divide_up(attention->keys, tile.lanes), (size_t)attention->images, 1);
    return region;
}

/* What the kernel named projected takes in place of attention's operands and sizes behind the scratch. */
static void launch_projection(struct launch *launch, const struct attention *attention)
{
    const struct operand *rows[3] = { &attention->q, &attention->k, &attention->v };
    const struct operand *maps[2] = { &attention->residual, &attention->y };
    const int64_t sizes[6] = { attention->queries, attention->keys, attention->depth, attention->columns,
                               attention->y.shape.dims[1], attention->bias.present };
    launch_operand(launch, &attention->weight);
    launch_operand(launch, &attention->bias);
    for (int i = 0; i < 2; i++)
        launch_operand(launch, maps[i]);
    launch_ints(launch, sizes, 6);
    for (int i = 0; i < 3; i++)
        launch_ints(launch, rows[i]->strides, 2);
    for (int i = 0; i < 2; i++) {
        launch_ints(launch, maps[i]->strides, 2);
        launch_int(launch, pixel_stride(maps[i]));
    }
    launch_float(launch, attention_factor(attention));
}

plugcl_status attention_plan_cpu(struct schedule *schedule, const struct attention *attention)
{
    const struct plugcl_attention_params *params = attention->params;
    const struct tile tile = tile_of(schedule_caps(schedule), attention->queries, attention->images);
    const int64_t padded = divide_up(attention->columns, tile.rows) * tile.rows;
    const bool projects = attention->weight.present;
    if (operand_elements(&attention->y) == 0)
        return schedule_status(schedule);
    uint32_t statistics = params->softmax_over_queries ? plan_cpu_statistics(schedule, attention) : REGION_NONE;
    uint32_t tiles = tile_scratch(schedule, tile, attention->images, attention->queries, attention->depth + padded);
    struct launch *launch = begin_launch(schedule, tile, mode_of(params), projects ? "projected" : "attention");
    launch_operands(launch, attention, statistics, tiles);
    if (projects) {
        launch_projection(launch, attention);
    } else {
        launch_operand(launch, &attention->y);
        launch_sizes(launch, attention, 2);
    }
    launch_groups(launch, (size_t)divide_up(attention->queries, tile.lanes), (size_t)attention->images, 1);
    return schedule_status(schedule);
}

/*
 * cl/gpu/attention.cl
 */
bool attention_gpu_can_run(const struct device_caps *caps, const struct attention *attention)
{
    return gpu_tiles_fit(&gpu_attention_tiles, caps, attention->tile) && attention->depth > 0 && attention->keys > 0;
}

static struct gpu_work gpu_work_of(const struct attention *attention, int64_t lines)
{
    return (struct gpu_work){ .tiles = &gpu_attention_tiles, .rows = lines, .batch = attention->images, .beside = attention->depth,
                              .columns = attention->columns > 0 ? attention->columns : 1, .tile = attention->tile };
}

bool attention_gpu_tile(const struct device_caps *caps, const struct attention *attention, uint32_t number, char name[TILE_NAME])
{
    struct gpu_work work = gpu_work_of(attention, attention->queries);
    work.tile = number;
    return gpu_tile_name(caps, &work, name);
}

/* The tile of a kernel whose rows are so many lines; NULL after a failure. */
static const struct gpu_tile *choose_gpu_tile(struct schedule *schedule, const struct attention *attention, int64_t lines,
                                              const char *entry, char options[GPU_OPTIONS])
{
    const struct gpu_work work = gpu_work_of(attention, lines);
    char more[16];
    snprintf(more, sizeof more, "-DMODE=%d", mode_of(attention->params));
    const struct gpu_tile *tile = gpu_tile_choose(schedule, &work, "gpu/attention.cl", entry, more, options);
    if (tile == NULL && schedule_status(schedule) == PLUGCL_OK)
        schedule_fail(schedule, fail(PLUGCL_UNSUPPORTED, "attention's GPU kernel runs with no work-group of its tiles on this "
                                                         "device; its variant \"blocks\" needs none"));
    return tile;
}

/* Lines for one launch. */
static int64_t lines_a_launch(struct schedule *schedule, const struct attention *attention, int64_t length,
                              const struct gpu_tile *tile)
{
    const int64_t line_flops = 2 * length * (attention->depth + attention->columns) * attention->images;
    return gpu_rows_a_launch(schedule_caps(schedule), line_flops, gpu_tile_rows(tile));
}

static size_t groups_of(int64_t first, int64_t lines, int64_t count, const struct gpu_tile *tile)
{
    return (size_t)divide_up(lines - first < count ? lines - first : count, gpu_tile_rows(tile));
}

static uint32_t plan_gpu_statistics(struct schedule *schedule, const struct attention *attention)
{
    const struct operand *own = &attention->k, *others = &attention->q;
    const int64_t lines = attention->keys, length = attention->queries;
    char options[GPU_OPTIONS];
    uint32_t region = statistics_region(schedule, attention, lines);
    const struct gpu_tile *tile = choose_gpu_tile(schedule, attention, lines, "statistics", options);
    if (tile == NULL)
        return region;
    const int64_t count = lines_a_launch(schedule, attention, length, tile);
    const size_t x = (size_t)tile->group_columns, y = (size_t)tile->group_rows;
    for (int64_t first = 0; first < lines; first += count) {
        struct launch *launch = schedule_launch(schedule, "gpu/attention.cl", options, "statistics");
        const int64_t sizes[4] = { first, lines, length, attention->depth };
        launch_operand(launch, own);
        launch_operand(launch, others);
        launch_region(launch, region, 0);
        launch_ints(launch, sizes, 4);
        launch_ints(launch, own->strides, 3);
        launch_ints(launch, others->strides, 3);
        launch_float(launch, attention_factor(attention));
        launch_range(launch, groups_of(first, lines, count, tile) * x, (size_t)attention->images * y, 1, x, y, 1);
    }
    return region;
}

plugcl_status attention_plan_gpu(struct schedule *schedule, const struct attention *attention)
{
    char options[GPU_OPTIONS];
    if (operand_elements(&attention->y) == 0)
        return schedule_status(schedule);
    uint32_t statistics = attention->params->softmax_over_queries ? plan_gpu_statistics(schedule, attention) : REGION_NONE;
    const struct gpu_tile *tile = choose_gpu_tile(schedule, attention, attention->queries, "attention", options);
    if (tile == NULL)
        return schedule_status(schedule);
    const int64_t count = lines_a_launch(schedule, attention, attention->keys, tile);
    const size_t x = (size_t)tile->group_columns, y = (size_t)tile->group_rows;
    for (int64_t first = 0; first < attention->queries; first += count) {
        struct launch *launch = schedule_launch(schedule, "gpu/attention.cl", options, "attention");
        launch_operands(launch, attention, statistics, REGION_NONE);
        launch_operand(launch, &attention->y);
        launch_int(launch, first);
        launch_sizes(launch, attention, 3);
        launch_range(launch, (size_t)divide_up(attention->columns, gpu_tile_columns(tile)) * x,
                     groups_of(first, attention->queries, count, tile) * y, (size_t)attention->images, x, y, 1);
    }
    return schedule_status(schedule);
}

uint32_t attention_plan_statistics(struct schedule *schedule, const struct attention *attention)
{
    if (attention_cpu_can_run(schedule_caps(schedule), attention))
        return plan_cpu_statistics(schedule, attention);
    return attention_gpu_can_run(schedule_caps(schedule), attention) ? plan_gpu_statistics(schedule, attention) : REGION_NONE;
}
