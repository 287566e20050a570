/* SPDX-License-Identifier: Apache-2.0 */
/* gpu_tiles.c: the table of tiles for products on GPUs, and the choice between them. */
#include "ops/gpu_tiles.h"

#include <stdio.h>

#include "ops/strided.h"

#define LAUNCH_FLOPS_A_UNIT ((int64_t)1000000000) /* of a launch, for each compute unit: about 0.1 s on a slow GPU */

/*
 * Small tiles leave work for every compute unit of a small layer, large ones read local memory half as often for each product. What
 * each takes, with the loads from local memory for a product:
 *
 *       tile      work-items   sums each   local memory   loads
 *     32 x 32         64         4 x 4         9 KiB      0.5
 *     64 x 16         64         4 x 4         6 KiB      0.5      few columns: a first layer, thin branches
 *     64 x 64        128         8 x 4        17 KiB      0.375
 *    128 x 64        128         8 x 8        13 KiB      0.25
 *    128 x 128       256         8 x 8        17 KiB      0.25
 *
 * A new row needs quads of rows that the work-items share evenly: item_rows · depth divisible by 4 · group_columns. With more than
 * two quads each a compiler may keep those on their way in memory instead of registers.
 */
static const struct gpu_tile products[] = {
    { 8, 8, 4, 4, 16 },
    { 16, 4, 4, 4, 8 },
    { 8, 16, 8, 4, 16 },
    { 16, 8, 8, 8, 8 },
    { 16, 16, 8, 8, 8 },
};

/*
 * For attention, where rows are queries, columns those of the values, and the keys of a step are 4 to a work-item.
 *
 *     queries x columns   keys   work-items   local memory
 *         32 x 32          32        64          14 KiB
 *         32 x 64          32        64           9 KiB
 *         64 x 64          64       256          26 KiB
 *         64 x 128         64       256          26 KiB
 */
static const struct gpu_tile attentions[] = {
    { 8, 8, 4, 4, 16 },
    { 8, 8, 4, 8, 8 },
    { 16, 16, 4, 4, 8 },
    { 16, 16, 4, 8, 8 },
};

int64_t gpu_tile_rows(const struct gpu_tile *tile)
{
    return (int64_t)tile->group_rows * tile->item_rows;
}

int64_t gpu_tile_columns(const struct gpu_tile *tile)
{
    return (int64_t)tile->group_columns * tile->item_columns;
}

static size_t items_of(const struct gpu_tile *tile)
{
    return (size_t)(tile->group_rows * tile->group_columns);
}

#define QUAD (4 * sizeof(float))

/* As in tile.h: quads of lines at each depth, and one more. */
static size_t pitch_of(int64_t lines)
{
    return (size_t)lines / 4 + 1;
}

/* Two pairs of panels. */
static size_t product_memory(const struct gpu_tile *tile)
{
    return 2 * (size_t)tile->depth * (pitch_of(gpu_tile_rows(tile)) + pitch_of(gpu_tile_columns(tile))) * QUAD;
}

/* Two pairs of panels for the scores or panels of values, whichever are larger, and the weights of a step's keys. */
static size_t attention_memory(const struct gpu_tile *tile)
{
    const size_t rows = pitch_of(gpu_tile_rows(tile)), keys = pitch_of(4 * tile->group_columns);
    const size_t values = pitch_of(gpu_tile_columns(tile));
    const size_t pair = (size_t)tile->depth * (rows + keys > values ? rows + keys : values);
    return (2 * pair + (size_t)(4 * tile->group_columns) * rows) * QUAD;
}

const struct gpu_tiles gpu_product_tiles = { products, sizeof products / sizeof *products, product_memory };
const struct gpu_tiles gpu_attention_tiles = { attentions, sizeof attentions / sizeof *attentions, attention_memory };

static bool fits(const struct gpu_tiles *tiles, const struct device_caps *caps, const struct gpu_tile *tile)
{
    return items_of(tile) <= caps->max_work_group && tiles->local_memory(tile) <= caps->local_memory;
}

bool gpu_tiles_fit(const struct gpu_tiles *tiles, const struct device_caps *caps, uint32_t number)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < tiles->count; i++)
        count += fits(tiles, caps, &tiles->tiles[i]);
    return count > 0 && count >= number;
}

/* The sums that the busiest compute unit makes, those beyond the edges included, times what each costs: a product, and loads. */
static double cost_of(const struct device_caps *caps, const struct gpu_tile *tile, const struct gpu_work *work)
{
    const int64_t rows = gpu_tile_rows(tile), columns = gpu_tile_columns(tile);
    const int64_t units = caps->compute_units > 0 ? caps->compute_units : 1;
    const int64_t groups = divide_up(work->rows, rows) * divide_up(work->columns, columns) * work->batch;
    return (double)(divide_up(groups, units) * rows * (columns + work->beside)) *
           (1 + 2.0 / tile->item_rows + 2.0 / tile->item_columns);
}

/* The best of those that are not in `refused`, or the one that is asked for; NULL if there is none. */
static const struct gpu_tile *best_of(const struct device_caps *caps, const struct gpu_work *work, uint32_t refused)
{
    const struct gpu_tile *best = NULL;
    uint32_t number = 0;
    for (uint32_t i = 0; i < work->tiles->count; i++) {
        const struct gpu_tile *tile = &work->tiles->tiles[i];
        if (!fits(work->tiles, caps, tile))
            continue;
        number++;
        if ((refused & 1u << i) || (work->tile != 0 && work->tile != number))
            continue;
        if (best == NULL || cost_of(caps, tile, work) < cost_of(caps, best, work))
            best = tile;
    }
    return best;
}

bool gpu_tile_name(const struct device_caps *caps, const struct gpu_work *work, char name[TILE_NAME])
{
    const struct gpu_tile *tile = best_of(caps, work, 0);
    if (tile == NULL)
        return false;
    snprintf(name, TILE_NAME, "%dx%d", (int)gpu_tile_rows(tile), (int)gpu_tile_columns(tile));
    return true;
}

/* A kernel may need so many registers that its groups must be smaller than the device's. */
static bool kernel_runs(struct schedule *schedule, const struct gpu_tile *tile, const char *file, const char *entry,
                        const char *options)
{
    struct kernel *kernel = NULL;
    plugcl_status status = kernel_create(schedule_context(schedule), file, options, entry, &kernel);
    if (schedule_fail(schedule, status) != PLUGCL_OK)
        return false;
    const bool runs = kernel_max_work_group(kernel) >= items_of(tile);
    kernel_withdraw(kernel); /* what is launched has one of its own */
    kernel_destroy(&kernel);
    return runs;
}

const struct gpu_tile *gpu_tile_choose(struct schedule *schedule, const struct gpu_work *work, const char *file, const char *entry,
                                       const char *more, char options[GPU_OPTIONS])
{
    uint32_t refused = 0;
    while (schedule_status(schedule) == PLUGCL_OK) {
        const struct gpu_tile *tile = best_of(schedule_caps(schedule), work, refused);
        if (tile == NULL)
            return NULL;
        snprintf(options, GPU_OPTIONS, "-DGROUP_ROWS=%d -DGROUP_COLUMNS=%d -DITEM_ROWS=%d -DITEM_COLUMNS=%d -DDEPTH=%d%s%s",
                 tile->group_rows, tile->group_columns, tile->item_rows, tile->item_columns, tile->depth, more[0] ? " " : "", more);
        if (kernel_runs(schedule, tile, file, entry, options))
            return tile;
        refused |= 1u << (tile - work->tiles->tiles);
    }
    return NULL;
}

int64_t gpu_rows_a_launch(const struct device_caps *caps, int64_t row_flops, int64_t block)
{
    const int64_t limit = LAUNCH_FLOPS_A_UNIT * (caps->compute_units > 0 ? caps->compute_units : 1);
    const int64_t rows = row_flops > 0 ? limit / row_flops : INT32_MAX;
    return rows < block ? block : rows / block * block;
}
