/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channel gate (SE, CBAM's first half) on CPU devices: pool each channel, run the small MLP, scale.
 *
 * A work-group takes BLOCK channels of one image, in pooling and in scaling. Where the MLP is small every scaling group computes
 * the hidden layer anew, which is cheaper than a launch; else `hidden_layer` does it once. Where there are as many images as
 * threads, one group does a whole image in one launch.
 *
 * x is a plane of dense pixels for each channel, or, with -DCHANNELS_LAST=1, a row of channels for each pixel.
 *   pooled   [N][rows][C]: a row for each pool, or one row that is `share` times their sum (share > 0)
 *   sums     [N][H]: the hidden layer, summed over the rows (the second layer is linear); without a first layer the pools
 *            themselves
 *   mlp      first [H][C], first bias [H], then second transposed, [H][P], and second bias [P], where P is C rounded up to BLOCK
 *
 *   -DVECTOR=4|8|16  -DCHANNELS_LAST=0|1
 *   -DACTIVATION=N   between the layers; -DHARD_GATE=0|1
 */
#include "vector.h"
#include "activation.h"

#ifndef CHANNELS_LAST
#define CHANNELS_LAST 0
#endif
#define BLOCK 32
#define PARTS (BLOCK / VECTOR)

#define AVERAGE 1
#define MAXIMUM 2
#define LP 4
#define LSE 8

#if !CHANNELS_LAST
static inline float plane_sum(__global const float *x, int pixels)
{
    floatv a = 0.0f, b = 0.0f, c = 0.0f, d = 0.0f;
    int i = 0;
    for (; i + 4 * VECTOR <= pixels; i += 4 * VECTOR) {
        a += vloadv(x + i);
        b += vloadv(x + i + VECTOR);
        c += vloadv(x + i + 2 * VECTOR);
        d += vloadv(x + i + 3 * VECTOR);
    }
    for (; i + VECTOR <= pixels; i += VECTOR)
        a += vloadv(x + i);
    float sum = horizontal_sum((a + b) + (c + d));
    for (; i < pixels; i++)
        sum += x[i];
    return sum;
}

static inline float plane_max(__global const float *x, int pixels)
{
    floatv a = -INFINITY, b = -INFINITY;
    int i = 0;
    for (; i + 2 * VECTOR <= pixels; i += 2 * VECTOR) {
        a = max_or_nan(a, vloadv(x + i));
        b = max_or_nan(b, vloadv(x + i + VECTOR));
    }
    for (; i + VECTOR <= pixels; i += VECTOR)
        a = max_or_nan(a, vloadv(x + i));
    float most = horizontal_max(max_or_nan(a, b));
    for (; i < pixels; i++)
        most = x[i] > most || isnan(x[i]) ? x[i] : most;
    return most;
}

static inline float plane_power(__global const float *x, int pixels)
{
    floatv a = 0.0f;
    int i = 0;
    for (; i + VECTOR <= pixels; i += VECTOR) {
        floatv v = vloadv(x + i);
        a += v * v;
    }
    float sum = horizontal_sum(a);
    for (; i < pixels; i++)
        sum += x[i] * x[i];
    return sum;
}

static inline float plane_exponentials(__global const float *x, int pixels, float most)
{
    floatv a = 0.0f;
    int i = 0;
    for (; i + VECTOR <= pixels; i += VECTOR)
        a += expv(vloadv(x + i) - most);
    float sum = horizontal_sum(a);
    for (; i < pixels; i++)
        sum += exp(x[i] - most);
    return sum;
}

static inline void pool_block(__global const float *x, __global float *pooled, int begin, int end, int channels, int pixels,
                              int x_channel, int pools, float share)
{
    for (int c = begin; c < end; c++) {
        __global const float *plane = x + (size_t)c * x_channel;
        float total = 0.0f;
        int row = 0;
        for (int pool = AVERAGE; pool <= LSE; pool *= 2) {
            if (!(pools & pool))
                continue;
            float value;
            if (pool == AVERAGE) {
                value = plane_sum(plane, pixels) / (float)pixels;
            } else if (pool == MAXIMUM) {
                value = plane_max(plane, pixels);
            } else if (pool == LP) {
                value = sqrt(plane_power(plane, pixels));
            } else {
                float most = plane_max(plane, pixels);
                value = most + log(plane_exponentials(plane, pixels, most));
            }
            total += value;
            if (share == 0.0f)
                pooled[row++ * channels + c] = value;
        }
        if (share > 0.0f)
            pooled[c] = total * share;
    }
}

static inline void scale_block(__global const float *x, __global float *y, const float *gates, int begin, int end, int pixels,
                               int x_channel, int y_channel)
{
    for (int c = begin; c < end; c++) {
        __global const float *from = x + (size_t)c * x_channel;
        __global float *to = y + (size_t)c * y_channel;
        float g = gates[c - begin];
        int i = 0;
        for (; i + 4 * VECTOR <= pixels; i += 4 * VECTOR) {
            UNROLL
            for (int k = 0; k < 4; k++)
                vstorev(vloadv(from + i + k * VECTOR) * g, to + i + k * VECTOR);
        }
        for (; i + VECTOR <= pixels; i += VECTOR)
            vstorev(vloadv(from + i) * g, to + i);
        for (; i < pixels; i++)
            to[i] = from[i] * g;
    }
}

#else
static inline floatv load_lanes(__global const float *x, int lanes)
{
    return lanes == VECTOR ? vloadv(x) : vload_some(x, lanes);
}

static inline void store_lanes(floatv value, __global float *to, int lanes)
{
    if (lanes == VECTOR)
        vstorev(value, to);
    else
        vstore_some(value, to, lanes);
}

/* One pool of `lanes` channels. */
static inline floatv pool_lanes(__global const float *x, int lanes, int pixels, int x_pixel, int pool)
{
    floatv a = 0.0f, b = 0.0f, most = -INFINITY;
    if (pool == AVERAGE) {
        int p = 0;
        for (; p + 2 <= pixels; p += 2) {
            a += load_lanes(x + (size_t)p * x_pixel, lanes);
            b += load_lanes(x + (size_t)(p + 1) * x_pixel, lanes);
        }
        return p < pixels ? (a + b + load_lanes(x + (size_t)p * x_pixel, lanes)) / (float)pixels : (a + b) / (float)pixels;
    }
    if (pool != LP) {
        for (int p = 0; p < pixels; p++)
            most = max_or_nan(most, load_lanes(x + (size_t)p * x_pixel, lanes));
        if (pool == MAXIMUM)
            return most;
    }
    for (int p = 0; p < pixels; p++) {
        floatv v = load_lanes(x + (size_t)p * x_pixel, lanes);
        a += pool == LP ? v * v : expv(v - most);
    }
    return pool == LP ? sqrt(a) : most + log(a);
}

static inline void pool_block(__global const float *x, __global float *pooled, int begin, int end, int channels, int pixels,
                              int x_pixel, int pools, float share)
{
    for (int c = begin; c < end; c += VECTOR) {
        int lanes = min(VECTOR, end - c), row = 0;
        floatv total = 0.0f;
        for (int pool = AVERAGE; pool <= LSE; pool *= 2) {
            if (!(pools & pool))
                continue;
            floatv value = pool_lanes(x + c, lanes, pixels, x_pixel, pool);
            total += value;
            if (share == 0.0f)
                store_lanes(value, pooled + row++ * channels + c, lanes);
        }
        if (share > 0.0f)
            store_lanes(total * share, pooled + c, lanes);
    }
}

static inline void scale_block(__global const float *x, __global float *y, const float *gates, int begin, int end, int pixels,
                               int x_pixel, int y_pixel)
{
    floatv g[PARTS];
    UNROLL
    for (int k = 0; k < PARTS; k++)
        g[k] = vloadv(gates + k * VECTOR);
    for (int p = 0; p < pixels; p++) {
        __global const float *from = x + (size_t)p * x_pixel + begin;
        __global float *to = y + (size_t)p * y_pixel + begin;
        if (end - begin == BLOCK) {
            UNROLL
            for (int k = 0; k < PARTS; k++)
                vstorev(vloadv(from + k * VECTOR) * g[k], to + k * VECTOR);
        } else {
            for (int c = 0; c < end - begin; c++)
                to[c] = from[c] * gates[c];
        }
    }
}
#endif

/* Unit j of the hidden layer, summed over the rows of pools. */
static inline float hidden_unit(__global const float *pooled, __global const float *mlp, int j, int channels, int hidden, int rows,
                                float alpha)
{
    __global const float *weights = mlp + (size_t)j * channels;
    float bias = mlp[(size_t)hidden * channels + j], total = 0.0f;
    for (int row = 0; row < rows; row++) {
        __global const float *p = pooled + row * channels;
        floatv a = 0.0f, b = 0.0f;
        int c = 0;
        for (; c + 2 * VECTOR <= channels; c += 2 * VECTOR) {
            a += vloadv(weights + c) * vloadv(p + c);
            b += vloadv(weights + c + VECTOR) * vloadv(p + c + VECTOR);
        }
        for (; c + VECTOR <= channels; c += VECTOR)
            a += vloadv(weights + c) * vloadv(p + c);
        float sum = horizontal_sum(a + b);
        for (; c < channels; c++)
            sum += weights[c] * p[c];
        total += activate(sum + bias, alpha, 0.0f);
    }
    return total;
}

/* The gates of channels begin … begin + BLOCK − 1. With rows 0 the hidden layer is read from `sums`. */
static inline void gate_block(__global const float *pooled, __global const float *sums, __global const float *mlp, float *gates,
                              int begin, int channels, int hidden, int has_first, int rows, float bias_count, float act_alpha,
                              float gate_alpha, float gate_beta)
{
    size_t padded = (size_t)((channels + BLOCK - 1) / BLOCK * BLOCK);
    __global const float *second = mlp + (has_first ? (size_t)hidden * (size_t)(channels + 1) : 0);
    __global const float *bias = second + (size_t)hidden * padded + begin;
    floatv total[PARTS];
    UNROLL
    for (int k = 0; k < PARTS; k++)
        total[k] = vloadv(bias + k * VECTOR) * bias_count;
    for (int j = 0; j < hidden; j++) {
        float unit = rows > 0 ? hidden_unit(pooled, mlp, j, channels, hidden, rows, act_alpha) : sums[j];
        __global const float *weights = second + (size_t)j * padded + begin;
        UNROLL
        for (int k = 0; k < PARTS; k++)
            total[k] += vloadv(weights + k * VECTOR) * unit;
    }
    UNROLL
    for (int k = 0; k < PARTS; k++)
        vstorev(gatev(total[k], gate_alpha, gate_beta), gates + k * VECTOR);
}

/* x_step is the stride of channels, or of pixels where channels are last. */
SINGLE __kernel void pool(__global const float *x_buffer, uint x_offset, __global float *pooled_buffer, uint pooled_offset,
                          int channels,
                          int pixels, int rows, int x_image, int x_step, int pools, float share)
{
    int begin = (int)get_group_id(0) * BLOCK, image = (int)get_group_id(1);
    pool_block(x_buffer + x_offset + (size_t)image * x_image, pooled_buffer + pooled_offset + (size_t)image * rows * channels,
               begin,
               min(begin + BLOCK, channels), channels, pixels, x_step, pools, share);
}

SINGLE __kernel void hidden_layer(__global const float *pooled_buffer, uint pooled_offset, __global float *sums_buffer,
                                  uint sums_offset, __global const float *mlp_buffer, uint mlp_offset, int channels, int hidden,
                                  int rows, float act_alpha, int units_each)
{
    int begin = (int)get_group_id(0) * units_each, end = min(begin + units_each, hidden), image = (int)get_group_id(1);
    __global const float *pooled = pooled_buffer + pooled_offset + (size_t)image * rows * channels;
    __global float *sums = sums_buffer + sums_offset + (size_t)image * hidden;
    for (int j = begin; j < end; j++)
        sums[j] = hidden_unit(pooled, mlp_buffer + mlp_offset, j, channels, hidden, rows, act_alpha);
}

/* With `whole` the group does one image, pooling included, and `pools`, `share` and `rows` say how; else one block, and rows 0 says
 * that `sums` holds the hidden layer. */
SINGLE __kernel void scale(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                           __global float *gate_buffer, uint gate_offset, __global float *pooled_buffer, uint pooled_offset,
                           __global float *sums_buffer, uint sums_offset, __global const float *mlp_buffer, uint mlp_offset,
                           int channels, int pixels, int hidden, int has_first, int rows, int x_image, int x_step, int y_image,
                           int y_step, int gate_image, int gate_channel, int pooled_image, int pools, float share, float bias_count,
                           float act_alpha, float gate_alpha, float gate_beta, int has_y, int has_gate, int whole)
{
    float gates[BLOCK];
    int image = (int)get_group_id(1), first = (int)get_group_id(0) * BLOCK;
    __global const float *x = x_buffer + x_offset + (size_t)image * x_image, *mlp = mlp_buffer + mlp_offset;
    __global float *pooled = pooled_buffer + pooled_offset + (size_t)image * pooled_image;
    __global float *sums = sums_buffer + sums_offset + (size_t)image * hidden;
    if (whole) {
        for (int begin = 0; begin < channels; begin += BLOCK)
            pool_block(x, pooled, begin, min(begin + BLOCK, channels), channels, pixels, x_step, pools, share);
        for (int j = 0; has_first && j < hidden; j++)
            sums[j] = hidden_unit(pooled, mlp, j, channels, hidden, rows, act_alpha);
        rows = 0;
    }
    int last = whole ? channels : min(first + BLOCK, channels);
    for (int begin = first; begin < last; begin += BLOCK) {
        int end = min(begin + BLOCK, channels);
        gate_block(pooled, sums, mlp, gates, begin, channels, hidden, has_first, rows, bias_count, act_alpha, gate_alpha,
                   gate_beta);
        for (int c = begin; has_gate && c < end; c++)
            gate_buffer[gate_offset + (size_t)image * gate_image + (size_t)c * gate_channel] = gates[c - begin];
        if (has_y)
            scale_block(x, y_buffer + y_offset + (size_t)image * y_image, gates, begin, end, pixels, x_step, y_step);
    }
}
