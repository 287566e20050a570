/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Softmax in vectors. exp is taken once and kept in y, which is then scaled in the cache.
 *
 * softmax_along: the axis is contiguous; a work-group takes `rows_each` rows one after the other. softmax_across: neighbouring
 * rows are contiguous and a lane is a row; a work-group takes `piece` rows of the innermost dimension, `inner` long. `table` and
 * `dimensions` (strided.h) say where each row, or line of rows, begins.
 *
 * A NaN or +inf in a row makes all of it NaN, by x − maximum; the maximum itself may leave NaN out.
 *
 * Bound: some 20 operations on a vector of x for exp and the rest, two a cycle; memory counts only where rows leave the cache.
 *
 *   -DVECTOR=N       lanes
 */
#include "vector.h"
#include "activation.h"
#include "strided.h"

#define BLOCK 64 /* vectors of a partial sum */
#define WIDE 4   /* vectors at once */

/* b where a is NaN. */
static inline floatv larger(floatv a, floatv b)
{
    return select(b, a, a > b);
}

static inline float row_maximum(__global const float *x, int length)
{
    floatv most[WIDE];
    int i = 0;
    UNROLL for (int k = 0; k < WIDE; k++)
        most[k] = (floatv)(-INFINITY);
    for (; i + WIDE * VECTOR <= length; i += WIDE * VECTOR)
        UNROLL for (int k = 0; k < WIDE; k++)
            most[k] = larger(vloadv(x + i + k * VECTOR), most[k]);
    for (; i + VECTOR <= length; i += VECTOR)
        most[0] = larger(vloadv(x + i), most[0]);
    if (i < length)
        most[1] = larger(select((floatv)(-INFINITY), vload_some(x + i, length - i), LANES < (intv)(length - i)), most[1]);
    return horizontal_max(larger(larger(most[0], most[1]), larger(most[2], most[3])));
}

/* y = exp(x − most), and the sum of that. */
static inline float exponentials(__global const float *x, __global float *y, int length, float most)
{
    floatv sum = (floatv)(0.0f);
    int i = 0;
    while (i + VECTOR <= length) {
        floatv parts[2] = { (floatv)(0.0f), (floatv)(0.0f) };
        const int end = min(length, i + BLOCK * VECTOR);
        for (; i + 2 * VECTOR <= end; i += 2 * VECTOR) {
            UNROLL for (int k = 0; k < 2; k++) {
                floatv value = expv(vloadv(x + i + k * VECTOR) - most);
                vstorev(value, y + i + k * VECTOR);
                parts[k] += value;
            }
        }
        if (i + VECTOR <= end) {
            floatv value = expv(vloadv(x + i) - most);
            vstorev(value, y + i);
            parts[0] += value;
            i += VECTOR;
        }
        sum += parts[0] + parts[1];
    }
    if (i < length) {
        floatv value = expv(vload_some(x + i, length - i) - most);
        vstore_some(value, y + i, length - i);
        sum += select((floatv)(0.0f), value, LANES < (intv)(length - i));
    }
    return horizontal_sum(sum);
}

__kernel SINGLE void softmax_along(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                                   __global const int *table, int dimensions, int rows, int length, int rows_each)
{
    int first = (int)get_group_id(0) * rows_each, last = min(first + rows_each, rows);
    for (int row = first; row < last; row++) {
        int offsets[2], i = 0;
        row_offsets(table, dimensions, row, 2, offsets);
        __global const float *x = x_buffer + x_offset + offsets[0];
        __global float *y = y_buffer + y_offset + offsets[1];
        const float scale = 1.0f / exponentials(x, y, length, row_maximum(x, length));
        for (; i + VECTOR <= length; i += VECTOR)
            vstorev(vloadv(y + i) * scale, y + i);
        if (i < length)
            vstore_some(vload_some(y + i, length - i) * scale, y + i, length - i);
    }
}

/* `vectors` (1 or WIDE) times VECTOR neighbouring rows, or the n of one vector. */
static inline void lines_across(__global const float *x, __global float *y, int length, int x_stride, int y_stride, int vectors,
                                int n)
{
    floatv most[WIDE], sum[WIDE];
    UNROLL for (int k = 0; k < WIDE; k++) {
        most[k] = (floatv)(-INFINITY);
        sum[k] = (floatv)(0.0f);
    }
    for (int i = 0; i < length; i++)
        UNROLL for (int k = 0; k < WIDE; k++)
            if (k < vectors)
                most[k] = larger(load_strided(x + i * x_stride + k * VECTOR, 1, n), most[k]);
    for (int block = 0; block < length; block += BLOCK) {
        floatv part[WIDE];
        UNROLL for (int k = 0; k < WIDE; k++)
            part[k] = (floatv)(0.0f);
        for (int i = block; i < min(block + BLOCK, length); i++) {
            UNROLL for (int k = 0; k < WIDE; k++) {
                if (k < vectors) {
                    floatv value = expv(load_strided(x + i * x_stride + k * VECTOR, 1, n) - most[k]);
                    store_strided(value, y + i * y_stride + k * VECTOR, 1, n);
                    part[k] += value;
                }
            }
        }
        UNROLL for (int k = 0; k < WIDE; k++)
            sum[k] += part[k];
    }
    UNROLL for (int k = 0; k < WIDE; k++)
        sum[k] = 1.0f / sum[k];
    for (int i = 0; i < length; i++)
        UNROLL for (int k = 0; k < WIDE; k++)
            if (k < vectors)
                store_strided(load_strided(y + i * y_stride + k * VECTOR, 1, n) * sum[k], y + i * y_stride + k * VECTOR, 1, n);
}

__kernel SINGLE void softmax_across(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                                    __global const int *table, int dimensions, int inner, int length, int x_stride, int y_stride,
                                    int piece)
{
    int offsets[2];
    row_offsets(table, dimensions, (int)get_group_id(1), 2, offsets);
    int lane = (int)get_group_id(0) * piece, end = min(lane + piece, inner);
    __global const float *x = x_buffer + x_offset + offsets[0];
    __global float *y = y_buffer + y_offset + offsets[1];
    for (; lane + WIDE * VECTOR <= end; lane += WIDE * VECTOR)
        lines_across(x + lane, y + lane, length, x_stride, y_stride, WIDE, VECTOR);
    for (; lane < end; lane += VECTOR)
        lines_across(x + lane, y + lane, length, x_stride, y_stride, 1, min(VECTOR, end - lane));
}
