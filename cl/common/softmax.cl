/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Softmax of rows at any strides, one work-item for `rows_each` rows. exp is taken once and kept in y.
 *
 * `table` and `dimensions` (strided.h) say where each row begins; a row has `length` elements. A NaN or +inf in a row makes all of
 * it NaN, by x − max.
 *
 * Bound: reading x twice, writing y twice and reading it once; a row that stays in the cache leaves memory one of each.
 */
#include "strided.h"

__kernel void softmax(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                      __global const int *table, int dimensions, int rows, int length, int x_stride, int y_stride, int rows_each)
{
    int first = (int)get_global_id(0) * rows_each, last = min(first + rows_each, rows);
    for (int row = first; row < last; row++) {
        int offsets[2];
        row_offsets(table, dimensions, row, 2, offsets);
        __global const float *x = x_buffer + x_offset + offsets[0];
        __global float *y = y_buffer + y_offset + offsets[1];
        float most = -INFINITY;
        for (int i = 0; i < length; i++) {
            float value = x[i * x_stride];
            most = larger_or_nan(value, most);
        }
        /* Sums of sums: the error grows with the blocks, not with the elements. */
        float sum = 0.0f;
        for (int begin = 0; begin < length; begin += 128) {
            float part = 0.0f;
            for (int i = begin; i < min(begin + 128, length); i++) {
                float value = exp(x[i * x_stride] - most);
                y[i * y_stride] = value;
                part += value;
            }
            sum += part;
        }
        for (int i = 0; i < length; i++)
            y[i * y_stride] /= sum;
    }
}
