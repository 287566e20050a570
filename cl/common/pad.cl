/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pads an operand of any strides, elements of 4 bytes. Rows and pieces are as in elementwise.cl.
 *
 * Each dimension of y, outermost first, is five numbers of `table`: its size, x's size, the padding before, and the strides of x
 * and y; the innermost one comes in arguments. Element i of y is element i − before of x, where there is one.
 *
 * Bound: reading x and writing y once.
 *
 *   -DMODE=N         what is written elsewhere: 0 the float whose bits are `value`, 1 the element mirrored at the edge, which is
 *                    not repeated, 2 the edge
 *   -DVECTOR=N       lanes
 */
#include "vector.h"
#include "strided.h"

#ifndef MODE
#define MODE 0
#endif

/* Where element i comes from; −1: from nowhere. */
static inline int source_of(int i, int x_size, int before)
{
    int from = i - before;
#if MODE == 0
    return from >= 0 && from < x_size ? from : -1;
#elif MODE == 1
    return from < 0 ? -from : from < x_size ? from : 2 * (x_size - 1) - from;
#else
    return from < 0 ? 0 : from < x_size ? from : x_size - 1;
#endif
}

__kernel void pad(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset, __global const int *table,
                  int dimensions, int inner, int x_inner, int before, int x_stride, int y_stride, int value, int rows, int piece,
                  int rows_each)
{
    int begin = (int)get_global_id(0) * piece, end = min(begin + piece, inner);
    int first = (int)get_global_id(1) * rows_each, last = min(first + rows_each, rows);
    float outside = as_float(value);
    for (int row = first; row < last; row++) {
        int rest_of_row = row, x_at = 0, y_at = 0;
        bool is_inside = true;
        for (int d = dimensions - 1; d >= 0; d--) {
            __global const int *axis = table + 5 * d;
            int rest = rest_of_row / axis[0], i = rest_of_row - rest * axis[0], from = source_of(i, axis[1], axis[2]);
            rest_of_row = rest;
            is_inside = is_inside && from >= 0;
            x_at += from * axis[3];
            y_at += i * axis[4];
        }
        __global const float *x = x_buffer + x_offset + (is_inside ? x_at : 0);
        __global float *y = y_buffer + y_offset + y_at;
        for (int i = begin; i < end; i += VECTOR) {
            int n = min(VECTOR, end - i), from = i - before;
            if (!is_inside) {
                store_strided((floatv)(outside), y + i * y_stride, y_stride, n);
            } else if (from >= 0 && from + n <= x_inner) {
                store_strided(load_strided(x + from * x_stride, x_stride, n), y + i * y_stride, y_stride, n);
            } else {
                for (int k = i; k < i + n; k++) {
                    int at = source_of(k, x_inner, before);
                    y[k * y_stride] = at >= 0 ? x[at * x_stride] : outside;
                }
            }
        }
    }
}
