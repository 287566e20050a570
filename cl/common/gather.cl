/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gathers elements of 4 bytes of x along one axis by their indices (int); any strides. Rows and pieces are as in elementwise.cl: x
 * has stride 0 along the indices' dimensions, the indices have it along x's.
 *
 * Negative indices count from the back. Where an index is outside the axis, the float whose bits are `missing` is written and
 * nothing is read.
 *
 * Bound: reading what is gathered and writing y once.
 *
 *   -DVECTOR=N       lanes
 */
#include "vector.h"
#include "strided.h"

/* −1 for none. */
static inline int place_of(int index, int size)
{
    int place = index < 0 ? index + size : index;
    return place >= 0 && place < size ? place : -1;
}

__kernel void gather(__global const float *x_buffer, uint x_offset, __global const int *index_buffer, uint index_offset,
                     __global float *y_buffer, uint y_offset, __global const int *table, int dimensions, int inner, int x_stride,
                     int index_stride, int y_stride, int rows, int piece, int rows_each, int size, int axis_stride, int missing)
{
    int begin = (int)get_global_id(0) * piece, end = min(begin + piece, inner);
    int first = (int)get_global_id(1) * rows_each, last = min(first + rows_each, rows);
    for (int row = first; row < last; row++) {
        int offsets[3];
        row_offsets(table, dimensions, row, 3, offsets);
        __global const float *x = x_buffer + x_offset + offsets[0];
        __global const int *index = index_buffer + index_offset + offsets[1];
        __global float *y = y_buffer + y_offset + offsets[2];
        if (index_stride == 0) { /* the row comes from one place */
            int place = place_of(index[0], size);
            for (int i = begin; i < end; i += VECTOR) {
                int n = min(VECTOR, end - i);
                floatv value = (floatv)(as_float(missing));
                if (place >= 0)
                    value = load_strided(x + place * axis_stride + i * x_stride, x_stride, n);
                store_strided(value, y + i * y_stride, y_stride, n);
            }
        } else {
            for (int i = begin; i < end; i++) {
                int place = place_of(index[i * index_stride], size);
                y[i * y_stride] = place >= 0 ? x[place * axis_stride + i * x_stride] : as_float(missing);
            }
        }
    }
}
