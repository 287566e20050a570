/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strided.h: walking operands of any strides.
 *
 * `table` holds for each dimension, outermost first, its size and the stride of each operand, in elements.
 */
#ifndef PLUGCL_STRIDED_H
#define PLUGCL_STRIDED_H

#include "vector.h"

/* The element offset of each operand at index `row` of the table's dimensions. */
static inline void row_offsets(__global const int *table, int dimensions, int row, int operands, int *offsets)
{
    for (int k = 0; k < operands; k++)
        offsets[k] = 0;
    for (int i = dimensions - 1; i >= 0; i--) {
        __global const int *entry = table + i * (1 + operands);
        int rest = i > 0 ? row / entry[0] : 0, index = row - rest * entry[0]; /* divisions take long */
        row = rest;
        for (int k = 0; k < operands; k++)
            offsets[k] += index * entry[1 + k];
    }
}

/* n (1 to VECTOR) elements of a stride; what the lanes above hold does not matter, and no memory is read for them. */
static inline floatv load_strided(__global const float *from, int stride, int n)
{
    if (stride == 0)
        return (floatv)(from[0]);
    if (stride == 1)
        return n == VECTOR ? vloadv(from) : vload_some(from, n);
    float lanes[VECTOR];
    for (int i = 0; i < VECTOR; i++)
        lanes[i] = from[i < n ? i * stride : 0];
    return vloadv(lanes);
}

static inline void store_strided(floatv value, __global float *to, int stride, int n)
{
    if (stride == 1) {
        if (n == VECTOR)
            vstorev(value, to);
        else
            vstore_some(value, to, n);
        return;
    }
    float lanes[VECTOR];
    vstorev(value, lanes);
    for (int i = 0; i < VECTOR; i++) {
        if (i < n)
            to[i * stride] = lanes[i];
    }
}

#endif
