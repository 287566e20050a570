/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Softmax of rows at any strides, one work-group for a row: maximum and sum through local memory (`scratch`: a float for each
 * work-item). exp is taken once and kept in y. `table` and `dimensions` (strided.h) say where each row begins.
 *
 * Bound: reading x twice, writing y twice and reading it once; a row that stays in the cache leaves memory one of each.
 */
#include "strided.h"
#include "group.h"

__kernel void softmax(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                      __global const int *table, int dimensions, int length, int x_stride, int y_stride, __local float *scratch)
{
    int offsets[2];
    row_offsets(table, dimensions, (int)get_group_id(0), 2, offsets);
    __global const float *x = x_buffer + x_offset + offsets[0];
    __global float *y = y_buffer + y_offset + offsets[1];
    int item = (int)get_local_id(0), items = (int)get_local_size(0);
    float most = -INFINITY;
    for (int i = item; i < length; i += items) {
        float value = x[i * x_stride];
        most = larger_or_nan(value, most);
    }
    most = group_max(most, scratch);
    float sum = 0.0f;
    for (int i = item; i < length; i += items) {
        float value = exp(x[i * x_stride] - most);
        y[i * y_stride] = value;
        sum += value;
    }
    sum = group_sum(sum, scratch);
    for (int i = item; i < length; i += items)
        y[i * y_stride] /= sum;
}
