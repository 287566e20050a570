/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Element-wise operators on operands of any strides (0 repeats an element: broadcasting).
 *
 * The index space is rows of `inner` elements; `table` and `dimensions` describe the rows (strided.h). A work-item takes `piece`
 * elements of `rows_each` rows, a vector at a time; on a CPU that is thousands of elements, on a GPU one vector.
 *
 * Bound: reading the operands and writing y once; exp, tanh, erf and pow by their arithmetic.
 *
 *   -DACTIVATION=N   unary: which function (activation.h); binary: of the result
 *   -DOPERATION=N    binary: the number of enum plugcl_binary (0 add, sub, mul, div, min, max, pow); 7: PReLU, b is the slope;
 *                    8 and up: enum plugcl_comparison (eq, ne, lt, le, gt, ge), whose results are int 0 or 1
 *   -DINTEGER=1      comparisons: of int
 *   -DVECTOR=N       lanes
 */
#include "vector.h"
#include "activation.h"
#include "strided.h"

#ifndef OPERATION
#define OPERATION 0
#endif
#ifndef INTEGER
#define INTEGER 0
#endif

#if INTEGER
#define comparable(x) as_intv(x)
#else
#define comparable(x) (x)
#endif
#define truth(lanes) as_floatv(select((intv)(0), (intv)(1), lanes))

__kernel void unary(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                    __global const int *table, int dimensions, int inner, int x_stride, int y_stride, int rows, int piece,
                    int rows_each, float alpha, float beta)
{
    int begin = (int)get_global_id(0) * piece, end = min(begin + piece, inner);
    int first = (int)get_global_id(1) * rows_each, last = min(first + rows_each, rows);
    for (int row = first; row < last; row++) {
        int offsets[2];
        row_offsets(table, dimensions, row, 2, offsets);
        __global const float *x = x_buffer + x_offset + offsets[0];
        __global float *y = y_buffer + y_offset + offsets[1];
        int i = begin;
        for (; x_stride == 1 && y_stride == 1 && i + VECTOR <= end; i += VECTOR)
            vstorev(activatev(vloadv(x + i), alpha, beta), y + i);
        for (; i < end; i += VECTOR) {
            int n = min(VECTOR, end - i);
            store_strided(activatev(load_strided(x + i * x_stride, x_stride, n), alpha, beta), y + i * y_stride, y_stride, n);
        }
    }
}

static inline floatv operate(floatv a, floatv b)
{
#if OPERATION == 0
    return a + b;
#elif OPERATION == 1
    return a - b;
#elif OPERATION == 2
    return a * b;
#elif OPERATION == 3
    return a / b;
#elif OPERATION == 4
    return min_or_nan(a, b);
#elif OPERATION == 5
    return max_or_nan(a, b);
#elif OPERATION == 6
    return pow(a, b);
#elif OPERATION == 7
    return select(a, a * b, a < 0.0f);
#elif OPERATION == 8
    return truth(comparable(a) == comparable(b));
#elif OPERATION == 9
    return truth(comparable(a) != comparable(b));
#elif OPERATION == 10
    return truth(comparable(a) < comparable(b));
#elif OPERATION == 11
    return truth(comparable(a) <= comparable(b));
#elif OPERATION == 12
    return truth(comparable(a) > comparable(b));
#else
    return truth(comparable(a) >= comparable(b));
#endif
}

/* The whole vectors of a row from `i` on, if its y is dense and each operand is dense or repeats one element. Returns where it
 * stopped. */
static inline int binary_dense(__global const float *a, __global const float *b, __global float *y, int i, int end, int a_stride,
                               int b_stride, float alpha, float beta)
{
    if (a_stride == 1 && b_stride == 1) {
        for (; i + VECTOR <= end; i += VECTOR)
            vstorev(activatev(operate(vloadv(a + i), vloadv(b + i)), alpha, beta), y + i);
    } else if (a_stride == 1 && b_stride == 0) {
        const floatv repeated = b[0];
        for (; i + VECTOR <= end; i += VECTOR)
            vstorev(activatev(operate(vloadv(a + i), repeated), alpha, beta), y + i);
    } else if (a_stride == 0 && b_stride == 1) {
        const floatv repeated = a[0];
        for (; i + VECTOR <= end; i += VECTOR)
            vstorev(activatev(operate(repeated, vloadv(b + i)), alpha, beta), y + i);
    }
    return i;
}

__kernel void binary(__global const float *a_buffer, uint a_offset, __global const float *b_buffer, uint b_offset,
                     __global float *y_buffer, uint y_offset, __global const int *table, int dimensions, int inner, int a_stride,
                     int b_stride, int y_stride, int rows, int piece, int rows_each, float alpha, float beta)
{
    int begin = (int)get_global_id(0) * piece, end = min(begin + piece, inner);
    int first = (int)get_global_id(1) * rows_each, last = min(first + rows_each, rows);
    for (int row = first; row < last; row++) {
        int offsets[3];
        row_offsets(table, dimensions, row, 3, offsets);
        __global const float *a = a_buffer + a_offset + offsets[0];
        __global const float *b = b_buffer + b_offset + offsets[1];
        __global float *y = y_buffer + y_offset + offsets[2];
        int i = y_stride == 1 ? binary_dense(a, b, y, begin, end, a_stride, b_stride, alpha, beta) : begin;
        for (; i < end; i += VECTOR) {
            int n = min(VECTOR, end - i);
            floatv result = operate(load_strided(a + i * a_stride, a_stride, n), load_strided(b + i * b_stride, b_stride, n));
            store_strided(activatev(result, alpha, beta), y + i * y_stride, y_stride, n);
        }
    }
}
