/* SPDX-License-Identifier: Apache-2.0 */
/*
 * norm.cl: layer, group and instance norm: y = (x − mean) / sqrt(variance + eps) · weight + bias over sets of elements.
 *
 * A work-group does `sets_each` sets one after the other; on CPU devices it has one work-item, elsewhere a power of two, which
 * share a set's elements and sum up in `scratch`. `set_table` says where each set begins in x, weight and y (strided.h); inside a
 * set `row_table` does for rows of `length` elements. The variance comes from a second pass, since a mean far from zero would
 * swallow it in one.
 *
 * Bound: reading x three times, where a set stays in the cache, and writing y.
 *
 * -DVECTOR: elements that a work-item takes at once.
 */
#include "strided.h"
#include "group.h"

/* Where the elements of piece `at` of a set lie, and how many they are. */
struct piece {
    int x, parameter, y, count;
};

static inline struct piece piece_at(__global const int *row_table, int row_dimensions, int at, int pieces, int length, int x_step,
                                    int parameter_step, int y_step)
{
    int offsets[3], row = at / pieces, first = (at - row * pieces) * VECTOR;
    row_offsets(row_table, row_dimensions, row, 3, offsets);
    struct piece piece = { offsets[0] + first * x_step, offsets[1] + first * parameter_step, offsets[2] + first * y_step,
                           min(VECTOR, length - first) };
    return piece;
}

/* The lanes from `count` on count 0. */
static inline floatv valid_lanes(floatv value, int count)
{
    return select((floatv)(0.0f), value, LANES < (intv)(count));
}

__kernel void norm(__global const float *x_buffer, uint x_offset, __global const float *weight_buffer, uint weight_offset,
                   __global const float *bias_buffer, uint bias_offset, __global float *y_buffer, uint y_offset,
                   __global const int *set_table, int set_dimensions, __global const int *row_table, int row_dimensions, int sets,
                   int sets_each, int rows, int length, int x_step, int parameter_step, int y_step, int has_weight, int has_bias,
                   float eps, __local float *scratch)
{
    const int item = (int)get_local_id(0), items = (int)get_local_size(0), pieces = (length + VECTOR - 1) / VECTOR;
    const int first = (int)get_group_id(0) * sets_each, last = min(first + sets_each, sets);
    const float elements = (float)rows * (float)length;
    for (int set = first; set < last; set++) {
        int offsets[3];
        row_offsets(set_table, set_dimensions, set, 3, offsets);
        __global const float *x = x_buffer + x_offset + offsets[0];
        __global const float *weight = weight_buffer + weight_offset + (has_weight ? offsets[1] : 0);
        __global const float *bias = bias_buffer + bias_offset + (has_bias ? offsets[1] : 0);
        __global float *y = y_buffer + y_offset + offsets[2];

        floatv sum = (floatv)(0.0f);
        for (int at = item; at < rows * pieces; at += items) {
            struct piece p = piece_at(row_table, row_dimensions, at, pieces, length, x_step, parameter_step, y_step);
            sum += valid_lanes(load_strided(x + p.x, x_step, p.count), p.count);
        }
        const float mean = group_sum(horizontal_sum(sum), scratch) / elements;
        floatv squares = (floatv)(0.0f);
        for (int at = item; at < rows * pieces; at += items) {
            struct piece p = piece_at(row_table, row_dimensions, at, pieces, length, x_step, parameter_step, y_step);
            floatv difference = valid_lanes(load_strided(x + p.x, x_step, p.count) - mean, p.count);
            squares += difference * difference;
        }
        const float variance = group_sum(horizontal_sum(squares), scratch) / elements, scale = 1.0f / sqrt(variance + eps);
        for (int at = item; at < rows * pieces; at += items) {
            struct piece p = piece_at(row_table, row_dimensions, at, pieces, length, x_step, parameter_step, y_step);
            floatv value = (load_strided(x + p.x, x_step, p.count) - mean) * scale;
            if (has_weight)
                value *= load_strided(weight + p.parameter, parameter_step, p.count);
            if (has_bias)
                value += load_strided(bias + p.parameter, parameter_step, p.count);
            store_strided(value, y + p.y, y_step, p.count);
        }
    }
}
