/* SPDX-License-Identifier: Apache-2.0 */
/*
 * norm.cl: layer, group and instance norm in vectors, one work-item for a work-group. As in common/norm.cl the variance comes from
 * a second pass; the third writes. Sums are kept in parts of 64 vectors, so that long ones round little.
 *
 * norm_along: a set's elements lie in rows that are contiguous in x and y; `set_table` and `row_table` (strided.h) say where sets
 * and rows begin in x, weight and y. The parameters of a row are contiguous (`parameter_step` 1) or one for all of it (0).
 *
 * norm_across: x and y are channels-last and a lane is a channel. A work-group takes `width` channels of an image: several whole
 * groups of `each` channels, which are then at most LANES_AT_ONCE, or one larger group.
 *
 * Bound: reading x three times, where a set stays in the cache, and writing y.
 *
 *   -DVECTOR=N       lanes
 */
#include "strided.h"

#define BLOCK 64 /* vectors, or pixels, of a partial sum */
#define WIDE 4   /* vectors at once */
#define LANES_AT_ONCE (WIDE * VECTOR)

static inline floatv term(floatv x, float mean, bool squared)
{
    floatv difference = x - mean;
    return squared ? difference * difference : difference;
}

static inline floatv add_row(floatv total, __global const float *x, int length, float mean, bool squared)
{
    int i = 0;
    while (i + VECTOR <= length) {
        floatv parts[WIDE] = { (floatv)(0.0f), (floatv)(0.0f), (floatv)(0.0f), (floatv)(0.0f) };
        const int end = min(length, i + BLOCK * VECTOR);
        for (; i + WIDE * VECTOR <= end; i += WIDE * VECTOR)
            UNROLL for (int k = 0; k < WIDE; k++)
                parts[k] += term(vloadv(x + i + k * VECTOR), mean, squared);
        for (; i + VECTOR <= end; i += VECTOR)
            parts[0] += term(vloadv(x + i), mean, squared);
        total += (parts[0] + parts[1]) + (parts[2] + parts[3]);
    }
    if (i < length)
        total += select((floatv)(0.0f), term(vload_some(x + i, length - i), mean, squared), LANES < (intv)(length - i));
    return total;
}

struct parameters {
    __global const float *weight, *bias;
    int step; /* 0: one of each for the row */
    bool has_weight, has_bias;
};

static inline floatv normalised(floatv x, float mean, float scale, const struct parameters *p, int i, int n)
{
    floatv value = (x - mean) * scale;
    if (p->has_weight)
        value *= load_strided(p->weight + i * p->step, p->step, n);
    if (p->has_bias)
        value += load_strided(p->bias + i * p->step, p->step, n);
    return value;
}

static inline void write_row(__global const float *x, __global float *y, int length, float mean, float scale,
                             const struct parameters *p)
{
    int i = 0;
    for (; i + VECTOR <= length; i += VECTOR)
        vstorev(normalised(vloadv(x + i), mean, scale, p, i, VECTOR), y + i);
    if (i < length)
        vstore_some(normalised(vload_some(x + i, length - i), mean, scale, p, i, length - i), y + i, length - i);
}

SINGLE __kernel void norm_along(__global const float *x_buffer, uint x_offset, __global const float *weight_buffer,
                                uint weight_offset, __global const float *bias_buffer, uint bias_offset,
                                __global float *y_buffer, uint y_offset, __global const int *set_table, int set_dimensions,
                                __global const int *row_table, int row_dimensions, int sets, int sets_each, int rows, int length,
                                int parameter_step, int has_weight, int has_bias, float eps)
{
    const int first = (int)get_group_id(0) * sets_each, last = min(first + sets_each, sets);
    const float elements = (float)rows * (float)length;
    for (int set = first; set < last; set++) {
        int begin[3], at[3];
        row_offsets(set_table, set_dimensions, set, 3, begin);
        __global const float *x = x_buffer + x_offset + begin[0];
        floatv sum = (floatv)(0.0f), squares = (floatv)(0.0f);
        for (int row = 0; row < rows; row++) {
            row_offsets(row_table, row_dimensions, row, 3, at);
            sum = add_row(sum, x + at[0], length, 0.0f, false);
        }
        const float mean = horizontal_sum(sum) / elements;
        for (int row = 0; row < rows; row++) {
            row_offsets(row_table, row_dimensions, row, 3, at);
            squares = add_row(squares, x + at[0], length, mean, true);
        }
        const float scale = 1.0f / sqrt(horizontal_sum(squares) / elements + eps);
        for (int row = 0; row < rows; row++) {
            row_offsets(row_table, row_dimensions, row, 3, at);
            const struct parameters p = { weight_buffer + weight_offset + (has_weight ? begin[1] + at[1] : 0),
                                          bias_buffer + bias_offset + (has_bias ? begin[1] + at[1] : 0), parameter_step, has_weight,
                                          has_bias };
            write_row(x + at[0], y_buffer + y_offset + begin[2] + at[2], length, mean, scale, &p);
        }
    }
}

/* totals[c] += the sum over pixels of x, or of its squared distance to means[c], for the `lanes` channels from x on. */
static inline void add_pixels(__global const float *x, int pixels, int x_pixel, int lanes, const float *means, bool squared,
                              float *totals)
{
    floatv sum[WIDE], mean[WIDE];
    UNROLL for (int k = 0; k < WIDE; k++) {
        sum[k] = vloadv(totals + k * VECTOR);
        mean[k] = vloadv(means + k * VECTOR);
    }
    for (int pixel = 0; pixel < pixels;) {
        floatv part[WIDE] = { (floatv)(0.0f), (floatv)(0.0f), (floatv)(0.0f), (floatv)(0.0f) };
        for (const int end = min(pixels, pixel + BLOCK); pixel < end; pixel++) {
            UNROLL for (int k = 0; k < WIDE; k++) {
                if (k * VECTOR < lanes) {
                    __global const float *from = x + (long)pixel * x_pixel + k * VECTOR;
                    const int n = lanes - k * VECTOR;
                    /* Lanes that there are not add nothing: one group's total has them in it. */
                    const floatv value = n >= VECTOR ? vloadv(from) : select(mean[k], vload_some(from, n), LANES < (intv)(n));
                    const floatv difference = value - mean[k];
                    part[k] += squared ? difference * difference : difference;
                }
            }
        }
        UNROLL for (int k = 0; k < WIDE; k++)
            sum[k] += part[k];
    }
    UNROLL for (int k = 0; k < WIDE; k++)
        vstorev(sum[k], totals + k * VECTOR);
}

static inline void write_pixels(__global const float *x, __global float *y, int pixels, int x_pixel, int y_pixel, int lanes,
                                const float *means, const float *factors, const float *shifts)
{
    floatv mean[WIDE], factor[WIDE], shift[WIDE];
    UNROLL for (int k = 0; k < WIDE; k++) {
        mean[k] = vloadv(means + k * VECTOR);
        factor[k] = vloadv(factors + k * VECTOR);
        shift[k] = vloadv(shifts + k * VECTOR);
    }
    for (int pixel = 0; pixel < pixels; pixel++) {
        UNROLL for (int k = 0; k < WIDE; k++) {
            if (k * VECTOR < lanes) {
                const int n = min(VECTOR, lanes - k * VECTOR);
                const floatv value = load_strided(x + (long)pixel * x_pixel + k * VECTOR, 1, n);
                store_strided((value - mean[k]) * factor[k] + shift[k], y + (long)pixel * y_pixel + k * VECTOR, 1, n);
            }
        }
    }
}

/* Each group's mean of what its channels' totals add up to, in the place of all its channels. */
static inline void share_in_groups(float *totals, int width, int each, float elements)
{
    if (width > LANES_AT_ONCE) /* one group, whose channels were added up in turn */
        width = each = LANES_AT_ONCE;
    for (int first = 0; first < width; first += each) {
        float sum = 0.0f;
        for (int i = first; i < first + each; i++)
            sum += totals[i];
        for (int i = first; i < first + each; i++)
            totals[i] = sum / elements;
    }
}

SINGLE __kernel void norm_across(__global const float *x_buffer, uint x_offset, __global const float *weight_buffer,
                                 uint weight_offset, __global const float *bias_buffer, uint bias_offset,
                                 __global float *y_buffer, uint y_offset, int channels, int each, int width, int pixels,
                                 int x_image, int x_pixel, int y_image, int y_pixel, int has_weight, int has_bias, float eps)
{
    const int first = (int)get_group_id(0) * width, taken = min(width, channels - first);
    const float elements = (float)each * (float)pixels;
    __global const float *x = x_buffer + x_offset + get_group_id(1) * (size_t)x_image + first;
    __global float *y = y_buffer + y_offset + get_group_id(1) * (size_t)y_image + first;
    __global const float *weight = weight_buffer + weight_offset + (has_weight ? first : 0);
    __global const float *bias = bias_buffer + bias_offset + (has_bias ? first : 0);
    float means[LANES_AT_ONCE], scales[LANES_AT_ONCE], zeros[LANES_AT_ONCE], factors[LANES_AT_ONCE], shifts[LANES_AT_ONCE];
    for (int i = 0; i < LANES_AT_ONCE; i++)
        means[i] = scales[i] = zeros[i] = factors[i] = shifts[i] = 0.0f;
    for (int c = 0; c < taken; c += LANES_AT_ONCE)
        add_pixels(x + c, pixels, x_pixel, min(LANES_AT_ONCE, taken - c), zeros, false, means);
    share_in_groups(means, taken, each, elements);
    for (int c = 0; c < taken; c += LANES_AT_ONCE)
        add_pixels(x + c, pixels, x_pixel, min(LANES_AT_ONCE, taken - c), means, true, scales);
    share_in_groups(scales, taken, each, elements);
    for (int c = 0; c < taken; c += LANES_AT_ONCE) {
        for (int i = 0; i < min(LANES_AT_ONCE, taken - c); i++)
            factors[i] = (has_weight ? weight[c + i] : 1.0f) / sqrt(scales[i] + eps);
        for (int i = 0; has_bias && i < min(LANES_AT_ONCE, taken - c); i++)
            shifts[i] = bias[c + i];
        write_pixels(x + c, y + c, pixels, x_pixel, y_pixel, min(LANES_AT_ONCE, taken - c), means, factors, shifts);
    }
}
