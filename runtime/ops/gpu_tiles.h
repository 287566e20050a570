/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gpu_tiles.h: the tiles of cl/include/tile.h, and which of them a product takes.
 *
 * Every tile is right for every shape and every device that it fits on; they differ in speed alone. gpu_tiles.c has the tables,
 * where one is added, and operator_call.tile names one of them in place of the built-in choice. Their names are their sizes, rows x
 * columns.
 */
#ifndef PLUGCL_OPS_GPU_TILES_H
#define PLUGCL_OPS_GPU_TILES_H

#include "ops/operator.h"

struct gpu_tile {
    int group_rows, group_columns, item_rows, item_columns, depth; /* as -D has them */
};

struct gpu_tiles {
    const struct gpu_tile *tiles;
    uint32_t count;
    size_t (*local_memory)(const struct gpu_tile *tile); /* what their kernel takes, in bytes */
};

extern const struct gpu_tiles gpu_product_tiles;   /* cl/gpu/conv2d.cl, cl/gpu/matmul.cl */
extern const struct gpu_tiles gpu_attention_tiles; /* cl/gpu/attention.cl */

int64_t gpu_tile_rows(const struct gpu_tile *tile);
int64_t gpu_tile_columns(const struct gpu_tile *tile);
/* Whether a tile fits on the device: any of them for 0, else as many as the number. */
bool gpu_tiles_fit(const struct gpu_tiles *tiles, const struct device_caps *caps, uint32_t number);

/* What there is to do: `batch` times rows x columns sums. Each row of a tile may take as much work as `beside` columns more. */
struct gpu_work {
    const struct gpu_tiles *tiles;
    int64_t rows, columns, batch, beside;
    uint32_t tile; /* operator_call.tile, of those that fit on the device */
};

/* As operator_info's `tile`, for the number in `work`. */
bool gpu_tile_name(const struct device_caps *caps, const struct gpu_work *work, char name[TILE_NAME]);

#define GPU_OPTIONS 160
/* The tile for a kernel, and the build options that it then has: those of the tile, and `more`. Asks the kernel for its largest
 * work-group. NULL where no tile will run, and after a failure, which the schedule keeps. */
const struct gpu_tile *gpu_tile_choose(struct schedule *schedule, const struct gpu_work *work, const char *file, const char *entry,
                                       const char *more, char options[GPU_OPTIONS]);

/* Rows for one launch, whole blocks of `block`, where each costs so many FLOPs: drivers end what runs too long on a slow GPU. */
int64_t gpu_rows_a_launch(const struct device_caps *caps, int64_t row_flops, int64_t block);

#endif
