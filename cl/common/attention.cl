/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attention.cl: what attention needs beside matrix products, for any device.
 *
 * scale: y [images, rows, columns], dense, is x of any strides times a factor.
 *
 * Bound: none is aimed at: scale moves x and y once; statistics and affinity, for maps of chosen queries, read a line of q and of k
 * for each score, from the cache.
 */
#include "types.h"

__kernel void scale(__global const float *restrict x_buffer, uint x_offset, __global float *restrict y_buffer, uint y_offset,
                    int rows, int columns, int x_image, int x_row, int x_column, float factor)
{
    const int column = (int)get_global_id(0), row = (int)get_global_id(1);
    const long image = (long)get_global_id(2);
    if (column >= columns || row >= rows)
        return;
    y_buffer[y_offset + (image * rows + row) * columns + column] =
        x_buffer[x_offset + image * x_image + (long)row * x_row + (long)column * x_column] * factor;
}

/* How a query and a key make one number, before its normalisation; in powers of two for a softmax. enum plugcl_attention_mode. */
enum { SOFTMAX, DOT_PRODUCT, CONCATENATION };

static inline float score(__global const float *q, int q_channel, __global const float *k, int k_channel, int depth, int mode,
                          float factor)
{
    float sum = 0.0f;
    if (mode == CONCATENATION) {
        sum = (q[0] + k[0]) * factor;
        return sum < 0.0f ? 0.0f : sum;
    }
    for (int d = 0; d < depth; d++)
        sum += q[(long)d * q_channel] * k[(long)d * k_channel];
    return sum * factor;
}

/* For each of `lines` (keys, for softmax over the queries) the largest score over `length` others, and 1 / the sum of the powers
 * of two of what is below it: two floats a line, [images, lines, 2]. One work-item for a line. */
__kernel void statistics(__global const float *restrict line_buffer, uint line_offset, __global const float *restrict other_buffer,
                         uint other_offset, __global float *restrict y_buffer, uint y_offset, int lines, int length, int depth,
                         int line_image, int line_row, int line_channel, int other_image, int other_row, int other_channel,
                         float factor)
{
    const int line = (int)get_global_id(0);
    const long image = (long)get_global_id(1);
    if (line >= lines)
        return;
    __global const float *own = line_buffer + line_offset + image * line_image + (long)line * line_row;
    __global const float *others = other_buffer + other_offset + image * other_image;
    float most = -INFINITY, sum = 0.0f;
    for (int i = 0; i < length; i++) {
        const float value = score(own, line_channel, others + (long)i * other_row, other_channel, depth, SOFTMAX, factor);
        most = larger_or_nan(value, most);
    }
    for (int i = 0; i < length; i++)
        sum += exp2(score(own, line_channel, others + (long)i * other_row, other_channel, depth, SOFTMAX, factor) - most);
    y_buffer[y_offset + (image * lines + line) * 2] = most;
    y_buffer[y_offset + (image * lines + line) * 2 + 1] = 1.0f / sum;
}

/* Rows of the affinity, of the queries named where `is_chosen`, else of all: y [images, rows, keys]. With `has_statistics` (of the
 * keys) the softmax is over the queries; else softmax's scores come as they are. One work-item for an element: dimension 0 is the
 * key, 1 the row, 2 the image. */
__kernel void affinity(__global const float *restrict q_buffer, uint q_offset, __global const float *restrict k_buffer,
                       uint k_offset, __global const int *restrict query_buffer, uint query_offset,
                       __global const float *restrict statistics_buffer, uint statistics_offset, __global float *restrict y_buffer,
                       uint y_offset, int rows, int keys, int depth, int q_image, int q_row, int q_channel, int k_image, int k_row,
                       int k_channel, int y_image, int y_row, int y_key, int mode, int is_chosen, int has_statistics,
                       float factor)
{
    const int key = (int)get_global_id(0), row = (int)get_global_id(1);
    const long image = (long)get_global_id(2);
    if (key >= keys || row >= rows)
        return;
    const int query = is_chosen ? query_buffer[query_offset + row] : row;
    __global const float *q = q_buffer + q_offset + image * q_image + (long)query * q_row;
    __global const float *k = k_buffer + k_offset + image * k_image + (long)key * k_row;
    float value = score(q, q_channel, k, k_channel, depth, mode, factor);
    if (has_statistics) {
        __global const float *of_key = statistics_buffer + statistics_offset + (image * keys + key) * 2;
        value = exp2(value - of_key[0]) * of_key[1];
    }
    y_buffer[y_offset + image * y_image + (long)row * y_row + (long)key * y_key] = value;
}
