/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batch normalisation with known statistics: y = x · scale + shift, one pair for each channel.
 *
 * The packed constants are all scales, then all shifts, `channels` apart. Rows and pieces are as in elementwise.cl; the scale is an
 * operand with stride 0 everywhere but along the channels.
 *
 * Bound: reading x and writing y once.
 *
 *   -DVECTOR=N       lanes
 */
#include "vector.h"
#include "strided.h"

__kernel void batch_norm(__global const float *x_buffer, uint x_offset, __global const float *packed_buffer, uint packed_offset,
                         __global float *y_buffer, uint y_offset, int channels, __global const int *table, int dimensions,
                         int inner,
                         int x_stride, int channel_stride, int y_stride, int rows, int piece, int rows_each)
{
    int begin = (int)get_global_id(0) * piece, end = min(begin + piece, inner);
    int first = (int)get_global_id(1) * rows_each, last = min(first + rows_each, rows);
    for (int row = first; row < last; row++) {
        int offsets[3];
        row_offsets(table, dimensions, row, 3, offsets);
        __global const float *x = x_buffer + x_offset + offsets[0];
        __global const float *scale = packed_buffer + packed_offset + offsets[1];
        __global float *y = y_buffer + y_offset + offsets[2];
        for (int i = begin; i < end; i += VECTOR) {
            int n = min(VECTOR, end - i);
            floatv a = load_strided(scale + i * channel_stride, channel_stride, n);
            floatv b = load_strided(scale + channels + i * channel_stride, channel_stride, n);
            store_strided(load_strided(x + i * x_stride, x_stride, n) * a + b, y + i * y_stride, y_stride, n);
        }
    }
}
