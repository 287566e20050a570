/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transposes planes: x is contiguous along `columns`, y along `inner` (NCHW to NHWC: columns are pixels, inner the channels).
 *
 * A work-group of 16 x 16 takes a tile through local memory, so that neighbours read and write neighbours. `table` and `dimensions`
 * (strided.h) describe the planes, one for each index of dimension 2.
 *
 * Bound: memory, both ways.
 */
#include "types.h"
#include "strided.h"

#define TILE 16

__kernel __attribute__((reqd_work_group_size(TILE, TILE, 1))) void
transpose(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset, __global const int *table,
          int dimensions, int columns, int inner, int x_stride, int y_stride)
{
    __local float tile[TILE][TILE + 1]; /* the odd row length spreads a column over the banks */
    int offsets[2];
    row_offsets(table, dimensions, (int)get_group_id(2), 2, offsets);
    int a = (int)get_local_id(0), b = (int)get_local_id(1);
    int column = (int)get_group_id(0) * TILE, i = (int)get_group_id(1) * TILE;
    if (column + a < columns && i + b < inner)
        tile[b][a] = x_buffer[x_offset + offsets[0] + (i + b) * x_stride + column + a];
    barrier(CLK_LOCAL_MEM_FENCE);
    if (column + b < columns && i + a < inner)
        y_buffer[y_offset + offsets[1] + (column + b) * y_stride + i + a] = tile[a][b];
}
