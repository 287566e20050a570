/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies elements of 4 bytes from any strides to any strides. Rows and pieces are as in elementwise.cl.
 *
 * Bound: memory, both ways.
 *
 *   -DVECTOR=N       lanes
 */
#include "vector.h"
#include "strided.h"

__kernel void copy(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                   __global const int *table, int dimensions, int inner, int x_stride, int y_stride, int rows, int piece,
                   int rows_each)
{
    int begin = (int)get_global_id(0) * piece, end = min(begin + piece, inner);
    int first = (int)get_global_id(1) * rows_each, last = min(first + rows_each, rows);
    for (int row = first; row < last; row++) {
        int offsets[2];
        row_offsets(table, dimensions, row, 2, offsets);
        __global const float *x = x_buffer + x_offset + offsets[0];
        __global float *y = y_buffer + y_offset + offsets[1];
        for (int i = begin; i < end; i += VECTOR) {
            int n = min(VECTOR, end - i);
            store_strided(load_strided(x + i * x_stride, x_stride, n), y + i * y_stride, y_stride, n);
        }
    }
}
