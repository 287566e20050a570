/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Softmax in vectors. exp is taken once and kept in y.
 *
 * softmax_along: the axis is contiguous; a work-group takes `rows_each` rows one after the other. softmax_across: neighbouring
 * rows are contiguous and a lane is a row; a work-group takes `piece` rows of the innermost dimension, `inner` long. `table` and
 * `dimensions` (strided.h) say where each row, or line of rows, begins.
 *
 *   -DVECTOR=N       lanes
 */
#include "vector.h"
#include "activation.h"
#include "strided.h"

#define BLOCK 64 /* vectors of a partial sum */

static float row_maximum(__global const float *x, int length)
{
    floatv most = (floatv)(-INFINITY);
    int i = 0;
    for (; i + VECTOR <= length; i += VECTOR)
        most = max_or_nan(vloadv(x + i), most);
    float result = horizontal_max(most);
    for (; i < length; i++)
        result = x[i] > result || isnan(x[i]) ? x[i] : result;
    return result;
}

__kernel SINGLE void softmax_along(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                                   __global const int *table, int dimensions, int rows, int length, int rows_each)
{
    int first = (int)get_group_id(0) * rows_each, last = min(first + rows_each, rows);
    for (int row = first; row < last; row++) {
        int offsets[2];
        row_offsets(table, dimensions, row, 2, offsets);
        __global const float *x = x_buffer + x_offset + offsets[0];
        __global float *y = y_buffer + y_offset + offsets[1];
        float most = row_maximum(x, length);
        floatv sum = (floatv)(0.0f);
        int i = 0;
        while (i + VECTOR <= length) {
            floatv part = (floatv)(0.0f);
            for (int k = 0; k < BLOCK && i + VECTOR <= length; k++, i += VECTOR) {
                floatv value = expv(vloadv(x + i) - most);
                vstorev(value, y + i);
                part += value;
            }
            sum += part;
        }
        int rest = length - i;
        if (rest > 0) {
            floatv value = expv(vload_some(x + i, rest) - most);
            value = select((floatv)(0.0f), value, LANES < (intv)(rest));
            vstore_some(value, y + i, rest);
            sum += value;
        }
        float total = horizontal_sum(sum);
        for (i = 0; i + VECTOR <= length; i += VECTOR)
            vstorev(vloadv(y + i) / total, y + i);
        for (; i < length; i++)
            y[i] /= total;
    }
}

__kernel SINGLE void softmax_across(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                                    __global const int *table, int dimensions, int inner, int length, int x_stride, int y_stride,
                                    int piece)
{
    int offsets[2];
    row_offsets(table, dimensions, (int)get_group_id(1), 2, offsets);
    int begin = (int)get_group_id(0) * piece, end = min(begin + piece, inner);
    for (int lane = begin; lane < end; lane += VECTOR) {
        int n = min(VECTOR, end - lane);
        __global const float *x = x_buffer + x_offset + offsets[0] + lane;
        __global float *y = y_buffer + y_offset + offsets[1] + lane;
        floatv most = (floatv)(-INFINITY), sum = (floatv)(0.0f);
        for (int i = 0; i < length; i++)
            most = max_or_nan(load_strided(x + i * x_stride, 1, n), most);
        for (int block = 0; block < length; block += BLOCK) {
            floatv part = (floatv)(0.0f);
            for (int i = block; i < min(block + BLOCK, length); i++) {
                floatv value = expv(load_strided(x + i * x_stride, 1, n) - most);
                store_strided(value, y + i * y_stride, 1, n);
                part += value;
            }
            sum += part;
        }
        for (int i = 0; i < length; i++)
            store_strided(load_strided(y + i * y_stride, 1, n) / sum, y + i * y_stride, 1, n);
    }
}
