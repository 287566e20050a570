/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transposes planes: x is contiguous along `columns`, y along `inner` (NCHW to NHWC: columns are pixels, inner the channels).
 *
 * A work-group takes 16 columns and `piece` of the inner elements, a tile of 16 x 16 at a time through a private array, so that
 * both sides move whole cache lines. `table` and `dimensions` (strided.h) describe the planes.
 */
#include "types.h"
#include "strided.h"

#define TILE 16

__kernel SINGLE void transpose(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                               __global const int *table, int dimensions, int columns, int inner, int x_stride, int y_stride,
                               int piece)
{
    int offsets[2];
    row_offsets(table, dimensions, (int)get_group_id(2), 2, offsets);
    int first_column = (int)get_group_id(0) * TILE, width = min(TILE, columns - first_column);
    int begin = (int)get_group_id(1) * piece, end = min(begin + piece, inner);
    __global const float *x = x_buffer + x_offset + offsets[0] + first_column;
    __global float *y = y_buffer + y_offset + offsets[1] + first_column * y_stride;
    for (int i = begin; i < end; i += TILE) {
        int height = min(TILE, end - i);
        float tile[TILE * TILE];
        if (width == TILE) {
            for (int r = 0; r < height; r++)
                vstore16(vload16(0, x + (i + r) * x_stride), r, tile);
        } else {
            for (int r = 0; r < height; r++)
                for (int c = 0; c < width; c++)
                    tile[r * TILE + c] = x[(i + r) * x_stride + c];
        }
        if (height == TILE) {
            for (int c = 0; c < width; c++) {
                __private const float *t = tile + c;
                vstore16((float16)(t[0], t[16], t[32], t[48], t[64], t[80], t[96], t[112], t[128], t[144], t[160], t[176], t[192],
                                   t[208], t[224], t[240]), 0, y + c * y_stride + i);
            }
        } else {
            for (int c = 0; c < width; c++)
                for (int r = 0; r < height; r++)
                    y[c * y_stride + i + r] = tile[r * TILE + c];
        }
    }
}
