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
 * Bound: 16 operations on a vector of x, half of them multiply-adds; memory counts only where rows leave the cache.
 *
 *   -DVECTOR=N       lanes
 */
#include "vector.h"
#include "strided.h"

#define BLOCK 64 /* vectors of a partial sum */
#define WIDE 4   /* vectors at once */

/* Of what is not NaN; −infinity of nothing. */
static inline float row_maximum(__global const float *x, int length)
{
    floatv most[WIDE];
    int i = 0;
    UNROLL for (int k = 0; k < WIDE; k++)
        most[k] = (floatv)(-INFINITY);
    for (; i + WIDE * VECTOR <= length; i += WIDE * VECTOR)
        UNROLL for (int k = 0; k < WIDE; k++)
            most[k] = larger_or_second(vloadv(x + i + k * VECTOR), most[k]);
    for (; i + VECTOR <= length; i += VECTOR)
        most[0] = larger_or_second(vloadv(x + i), most[0]);
    if (i < length)
        most[1] = larger_or_second(select((floatv)(-INFINITY), vload_some(x + i, length - i), LANES < (intv)(length - i)), most[1]);
    return horizontal_max(larger_or_second(larger_or_second(most[0], most[1]), larger_or_second(most[2], most[3])));
}

/*
 * exp of what is at most 0, with two thirds of the operations of expv (activation.h): a relative error below 3e-7 down to −10 and
 * of 1.5e-6 at −87, 0 below −88; NaN stays. The last bits of `shifted` are x / log 2 rounded to an integer, plus the bias of a
 * float's exponent.
 */
static inline floatv exp_below(floatv x)
{
    const float round = 12582912.0f + 127.0f;
    const floatv bounded = select(x, (floatv)(-88.0f), x < -88.0f); /* of which the power of 2 has the bits of 0 */
    const floatv shifted = bounded * 1.44269504f + round;
    const floatv f = bounded * 1.44269504f - (shifted - round);
    floatv p = 1.326472731e-3f * f + 9.671512991e-3f;
    p = ((p * f + 5.550733581e-2f) * f + 2.402224243e-1f) * f + 6.931470037e-1f;
    return (p * f + 1.0f) * as_floatv(as_intv(shifted) << 23);
}

/* y = exp(x − most), and the sum of that. */
static inline float exponentials(__global const float *x, __global float *y, int length, float most)
{
    floatv sum = (floatv)(0.0f);
    int i = 0;
    while (i + WIDE * VECTOR <= length) {
        floatv parts[2] = { (floatv)(0.0f), (floatv)(0.0f) };
        const int end = min(length, i + BLOCK * VECTOR);
        for (; i + WIDE * VECTOR <= end; i += WIDE * VECTOR) {
            UNROLL for (int k = 0; k < WIDE; k++) {
                floatv value = exp_below(vloadv(x + i + k * VECTOR) - most);
                vstorev(value, y + i + k * VECTOR);
                parts[k % 2] += value;
            }
        }
        sum += parts[0] + parts[1];
    }
    for (; i + VECTOR <= length; i += VECTOR) {
        floatv value = exp_below(vloadv(x + i) - most);
        vstorev(value, y + i);
        sum += value;
    }
    if (i < length) {
        floatv value = exp_below(vload_some(x + i, length - i) - most);
        vstore_some(value, y + i, length - i);
        sum += select((floatv)(0.0f), value, LANES < (intv)(length - i));
    }
    return horizontal_sum(sum);
}

static inline void scale_row(__global float *y, int length, float scale)
{
    int i = 0;
    for (; i + WIDE * VECTOR <= length; i += WIDE * VECTOR)
        UNROLL for (int k = 0; k < WIDE; k++)
            vstorev(vloadv(y + i + k * VECTOR) * scale, y + i + k * VECTOR);
    for (; i + VECTOR <= length; i += VECTOR)
        vstorev(vloadv(y + i) * scale, y + i);
    if (i < length)
        vstore_some(vload_some(y + i, length - i) * scale, y + i, length - i);
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
        const float sum = exponentials(x, y, length, row_maximum(x, length));
        scale_row(y, length, 1.0f / sum);
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
                most[k] = larger_or_second(load_strided(x + i * x_stride + k * VECTOR, 1, n), most[k]);
    for (int block = 0; block < length; block += BLOCK) {
        floatv part[WIDE];
        UNROLL for (int k = 0; k < WIDE; k++)
            part[k] = (floatv)(0.0f);
        for (int i = block; i < min(block + BLOCK, length); i++) {
            UNROLL for (int k = 0; k < WIDE; k++) {
                if (k < vectors) {
                    floatv value = exp_below(load_strided(x + i * x_stride + k * VECTOR, 1, n) - most[k]);
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
