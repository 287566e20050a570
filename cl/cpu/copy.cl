/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transposes planes: x is contiguous along `columns`, y along `inner` (NCHW to NHWC: columns are pixels, inner the channels).
 *
 * A work-group takes `wide` columns and `piece` of the inner elements, a tile of VECTOR x VECTOR at a time through registers, so
 * that both sides move whole vectors. `table` and `dimensions` (strided.h) describe the planes.
 *
 * Bound: memory, both ways.
 *
 *   -DVECTOR=N       lanes
 */
#include "strided.h"
#include "transpose.h"

/* A tile at an edge: height of x's rows, width of their elements. */
static inline void transpose_edge(__global const float *x, __global float *y, int x_stride, int y_stride, int height, int width)
{
    for (int c = 0; c < width; c++)
        for (int r = 0; r < height; r++)
            y[c * y_stride + r] = x[r * x_stride + c];
}

__kernel SINGLE void transpose(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                               __global const int *table, int dimensions, int columns, int inner, int x_stride, int y_stride,
                               int wide, int piece)
{
    int offsets[2];
    row_offsets(table, dimensions, (int)get_group_id(2), 2, offsets);
    int left = (int)get_group_id(0) * wide, right = min(left + wide, columns);
    int begin = (int)get_group_id(1) * piece, end = min(begin + piece, inner);
    for (int column = left; column < right; column += VECTOR) {
        __global const float *x = x_buffer + x_offset + offsets[0] + column;
        __global float *y = y_buffer + y_offset + offsets[1] + column * y_stride;
        for (int i = begin; i < end; i += VECTOR) {
            if (right - column >= VECTOR && end - i >= VECTOR) {
                floatv tile[VECTOR];
                UNROLL for (int r = 0; r < VECTOR; r++)
                    tile[r] = vloadv(x + (i + r) * x_stride);
                transpose_vectors(tile);
                UNROLL for (int c = 0; c < VECTOR; c++)
                    vstorev(tile[c], y + c * y_stride + i);
            } else {
                transpose_edge(x + i * x_stride, y + i, x_stride, y_stride, min(VECTOR, end - i), min(VECTOR, right - column));
            }
        }
    }
}
