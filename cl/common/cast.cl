/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversions of elements from any strides to any strides. Rows and pieces are as in elementwise.cl.
 *
 * Bound: reading x and writing y once.
 *
 *   -DFROM=N, -DTO=N   the types in memory: 0 float, 1 int, 2 long, 3 uchar
 *   -DTRUTH=1          the result is 0 or 1: whether x is not 0 (NaN gives 1)
 *
 * What does not fit an int is saturated, and NaN becomes 0.
 */
#include "strided.h"

#ifndef FROM
#define FROM 0
#endif
#ifndef TO
#define TO 1
#endif
#ifndef TRUTH
#define TRUTH 0
#endif

#if FROM == 0
typedef float from_type;
#elif FROM == 1
typedef int from_type;
#elif FROM == 2
typedef long from_type;
#else
typedef uchar from_type;
#endif

#if TO == 0
typedef float to_type;
#elif TO == 1
typedef int to_type;
#elif TO == 2
typedef long to_type;
#else
typedef uchar to_type;
#endif

static inline to_type converted(from_type x)
{
#if TRUTH || FROM == 3
    return (to_type)(x != 0);
#elif FROM == 0 && TO == 1
    return x >= 2147483648.0f ? INT_MAX : x < -2147483648.0f ? INT_MIN : x != x ? 0 : (int)x;
#elif FROM == 2
    return (to_type)(x > INT_MAX ? INT_MAX : x < INT_MIN ? INT_MIN : x);
#else
    return (to_type)x;
#endif
}

__kernel void cast(__global const from_type *x_buffer, uint x_offset, __global to_type *y_buffer, uint y_offset,
                   __global const int *table, int dimensions, int inner, int x_stride, int y_stride, int rows, int piece,
                   int rows_each)
{
    int begin = (int)get_global_id(0) * piece, end = min(begin + piece, inner);
    int first = (int)get_global_id(1) * rows_each, last = min(first + rows_each, rows);
    for (int row = first; row < last; row++) {
        int offsets[2];
        row_offsets(table, dimensions, row, 2, offsets);
        __global const from_type *x = x_buffer + x_offset + offsets[0];
        __global to_type *y = y_buffer + y_offset + offsets[1];
        for (int i = begin; i < end; i++)
            y[i * y_stride] = converted(x[i * x_stride]);
    }
}
