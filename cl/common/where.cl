/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes each element of 4 bytes from a where the condition (int) is not 0, else from b; any strides, 0 repeats. Rows and pieces are
 * as in elementwise.cl.
 *
 * Bound: reading the operands and writing y once.
 *
 *   -DVECTOR=N       lanes
 */
#include "vector.h"
#include "strided.h"

__kernel void where(__global const float *condition_buffer, uint condition_offset, __global const float *a_buffer, uint a_offset,
                    __global const float *b_buffer, uint b_offset, __global float *y_buffer, uint y_offset,
                    __global const int *table, int dimensions, int inner, int condition_stride, int a_stride, int b_stride,
                    int y_stride, int rows, int piece, int rows_each)
{
    int begin = (int)get_global_id(0) * piece, end = min(begin + piece, inner);
    int first = (int)get_global_id(1) * rows_each, last = min(first + rows_each, rows);
    for (int row = first; row < last; row++) {
        int offsets[4];
        row_offsets(table, dimensions, row, 4, offsets);
        __global const float *condition = condition_buffer + condition_offset + offsets[0];
        __global const float *a = a_buffer + a_offset + offsets[1];
        __global const float *b = b_buffer + b_offset + offsets[2];
        __global float *y = y_buffer + y_offset + offsets[3];
        for (int i = begin; i < end; i += VECTOR) {
            int n = min(VECTOR, end - i);
            intv is_a = as_intv(load_strided(condition + i * condition_stride, condition_stride, n));
            floatv from_a = load_strided(a + i * a_stride, a_stride, n);
            floatv from_b = load_strided(b + i * b_stride, b_stride, n);
            store_strided(select(from_b, from_a, is_a != 0), y + i * y_stride, y_stride, n);
        }
    }
}
