/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channel gate (SE, CBAM's first half) on CPU devices: pool each channel, run the small MLP, scale, and perhaps add a residual and
 * clip. Bound: the bytes of x, read twice, and of y; an image that a core's cache holds is read from there the second time.
 *
 * `pool` pools channels_each channels of an image in each work-group. `scale` gives a group the same number of channels of
 * pixels_each pixels. Where the MLP is small every scaling group computes the hidden layer anew, which is cheaper than a launch;
 * else `hidden_layer` does it once. Or, with `whole`, a group of `scale` does all of an image in one launch.
 *
 * x is a plane of dense pixels for each channel, or, with -DCHANNELS_LAST=1, a row of channels for each pixel. y, which may be x,
 * and the residual lie as x does. channels_each is a multiple of BLOCK; with planes pixels_each is all pixels.
 *   pooled   [N][pooled_image]: a row of C for each pool, or one row that is `share` times their sum (share > 0); with channels
 *            last room for two rows, sums and maxima on their way
 *   sums     [N][H], of `scale`'s own hidden layers [groups][H]: the hidden layer, summed over the rows (the second layer is
 *            linear); without a first layer the pools themselves
 *   mlp      first [H][C], first bias [H], then second transposed, [H][P], and second bias [P], where P is C rounded up to BLOCK
 *   gates    [groups][P]
 *
 *   -DVECTOR=4|8|16  -DCHANNELS_LAST=0|1
 *   -DACTIVATION=N   between the layers; -DHARD_GATE=0|1
 */
#include "vector.h"
#include "activation.h"
#include "channel_pools.h"
#include "scale.h"

#ifndef CHANNELS_LAST
#define CHANNELS_LAST 0
#endif
#define BLOCK 32
#define PARTS (BLOCK / VECTOR)

#if !CHANNELS_LAST
/* The elements of a plane that whole vectors leave over, and `fill` in the other lanes. */
static inline floatv load_rest(__global const float *x, int pixels, float fill)
{
    int rest = pixels % VECTOR;
    if (pixels >= VECTOR)
        return select((floatv)(fill), vloadv(x + pixels - VECTOR), LANES >= VECTOR - rest);
    return select((floatv)(fill), vload_some(x, rest), LANES < rest);
}

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
    if (i < pixels)
        b += load_rest(x, pixels, 0.0f);
    return horizontal_sum((a + b) + (c + d));
}

/* A NaN is lost from these maxima, but not from the sum, which sends the plane to the exact loop. */
static inline float plane_sum_and_max(__global const float *x, int pixels, float *most)
{
    floatv a = 0.0f, b = 0.0f, high = -INFINITY, higher = -INFINITY;
    int i = 0;
    for (; i + 2 * VECTOR <= pixels; i += 2 * VECTOR) {
        floatv v = vloadv(x + i), w = vloadv(x + i + VECTOR);
        a += v;
        b += w;
        high = select(high, v, v > high);
        higher = select(higher, w, w > higher);
    }
    if (i + VECTOR <= pixels) {
        floatv v = vloadv(x + i);
        a += v;
        high = select(high, v, v > high);
        i += VECTOR;
    }
    if (i < pixels) {
        floatv v = load_rest(x, pixels, -INFINITY);
        higher = select(higher, v, v > higher);
        b += load_rest(x, pixels, 0.0f);
    }
    float sum = horizontal_sum(a + b);
    *most = horizontal_max(select(high, higher, higher > high));
    for (i = 0; isnan(sum) && i < pixels; i++)
        *most = larger_or_nan(x[i], *most);
    return sum;
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
    for (int c = begin; pools == AVERAGE && c < end; c++)
        pooled[c] = plane_sum(x + (size_t)c * x_channel, pixels) / (float)pixels * (share > 0.0f ? share : 1.0f);
    for (int c = begin; pools != AVERAGE && c < end; c++) {
        __global const float *plane = x + (size_t)c * x_channel;
        float total = 0.0f, most = 0.0f, sum;
        int row = 0;
        if (pools & (MAXIMUM | LSE))
            sum = plane_sum_and_max(plane, pixels, &most);
        else
            sum = plane_sum(plane, pixels);
        for (int pool = AVERAGE; pool <= LSE; pool *= 2) {
            if (!(pools & pool))
                continue;
            float value = pool == AVERAGE ? sum / (float)pixels : most;
            if (pool == LP)
                value = sqrt(plane_power(plane, pixels));
            else if (pool == LSE)
                value = most + log(plane_exponentials(plane, pixels, most));
            total += value;
            if (share == 0.0f)
                pooled[row++ * channels + c] = value;
        }
        if (share > 0.0f)
            pooled[c] = total * share;
    }
}

static inline void scale_block(__global const float *x, __global const float *residual, __global float *y,
                               __global const float *gates, int begin, int end, int first, int last, int x_channel,
                               int residual_channel, int y_channel, struct ending ending)
{
    for (int c = end - 1; c >= begin; c--) /* what was pooled last is still near */
        scale_run(x + (size_t)c * x_channel + first, gates, gates[c], residual + (size_t)c * residual_channel + first,
                  y + (size_t)c * y_channel + first, last - first, 0, ending);
}

#else
#define ROWS 4 /* pixels that are pooled together, so that sums are fetched less often */

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

/* Adds `rows` pixels of `lanes` channels to their sums, and takes their maxima. A NaN may win there or be lost: whoever wants to
 * know looks at the sum. */
ALWAYS_INLINE void add_pixels(__global const float *x, int x_pixel, int lanes, const int rows, const int has_most,
                              __global float *sums, __global float *most)
{
    floatv sum = load_lanes(x, lanes), high = sum;
    if (rows == ROWS) {
        floatv v = load_lanes(x + x_pixel, lanes), w = load_lanes(x + 2 * (size_t)x_pixel, lanes),
               z = load_lanes(x + 3 * (size_t)x_pixel, lanes);
        if (has_most)
            high = larger_or_second(larger_or_second(high, v), larger_or_second(w, z));
        sum = (sum + v) + (w + z);
    }
    store_lanes(load_lanes(sums, lanes) + sum, sums, lanes);
    if (has_most)
        store_lanes(larger_or_second(high, load_lanes(most, lanes)), most, lanes);
}

ALWAYS_INLINE void sum_rows(__global const float *x, __global float *sums, __global float *most, int channels, int pixels,
                            int x_pixel, const int has_most)
{
    for (int c = 0; c < channels; c++) {
        sums[c] = 0.0f;
        if (has_most)
            most[c] = -INFINITY;
    }
    for (int p = 0; p < pixels;) {
        __global const float *from = x + (size_t)p * x_pixel;
        if (p + ROWS <= pixels) {
            int c = 0;
            for (; c + VECTOR <= channels; c += VECTOR)
                add_pixels(from + c, x_pixel, VECTOR, ROWS, has_most, sums + c, most + c);
            if (c < channels)
                add_pixels(from + c, x_pixel, channels - c, ROWS, has_most, sums + c, most + c);
            p += ROWS;
        } else {
            for (int c = 0; c < channels; c += VECTOR)
                add_pixels(from + c, x_pixel, min(VECTOR, channels - c), 1, has_most, sums + c, most + c);
            p++;
        }
    }
}

/* One pool of `lanes` channels from their sum and maximum. */
static inline floatv pool_lanes(__global const float *x, int lanes, int pixels, int x_pixel, int pool, floatv sum, floatv most)
{
    if (pool == AVERAGE)
        return sum / (float)pixels;
    if (pool == MAXIMUM)
        return most;
    floatv a = 0.0f;
    for (int p = 0; p < pixels; p++) {
        floatv v = load_lanes(x + (size_t)p * x_pixel, lanes);
        a += pool == LP ? v * v : expv(v - most);
    }
    return pool == LP ? sqrt(a) : most + log(a);
}

static inline void pool_part(__global const float *x, __global float *pooled, int lanes, int channels, int pixels, int x_pixel,
                             int pools, float share, floatv sum, floatv most)
{
    int row = 0;
    floatv total = 0.0f;
    for (int p = 0; pools != AVERAGE && any(sum != sum) && p < pixels; p++)
        most = max_or_nan(most, load_lanes(x + (size_t)p * x_pixel, lanes));
    for (int pool = AVERAGE; pool <= LSE; pool *= 2) {
        if (!(pools & pool))
            continue;
        floatv value = pool_lanes(x, lanes, pixels, x_pixel, pool, sum, most);
        total += value;
        if (share == 0.0f)
            store_lanes(value, pooled + row++ * channels, lanes);
    }
    if (share > 0.0f)
        store_lanes(total * share, pooled, lanes);
}

static inline void pool_block(__global const float *x, __global float *pooled, int begin, int end, int channels, int pixels,
                              int x_pixel, int pools, float share)
{
    int has_most = pools & (MAXIMUM | LSE);
    __global float *most = pooled + channels;
    if (has_most)
        sum_rows(x + begin, pooled + begin, most + begin, end - begin, pixels, x_pixel, 1);
    else
        sum_rows(x + begin, pooled + begin, most + begin, end - begin, pixels, x_pixel, 0);
    for (int c = begin; c < end; c += VECTOR) {
        int lanes = min(VECTOR, end - c);
        floatv high = has_most ? load_lanes(most + c, lanes) : (floatv)(0.0f);
        pool_part(x + c, pooled + c, lanes, channels, pixels, x_pixel, pools, share, load_lanes(pooled + c, lanes), high);
    }
}

static inline void scale_block(__global const float *x, __global const float *residual, __global float *y,
                               __global const float *gates, int begin, int end, int first, int last, int x_pixel,
                               int residual_pixel, int y_pixel, struct ending ending)
{
    for (int p = last - 1; p >= first; p--) /* what was pooled last is still near */
        scale_run(x + (size_t)p * x_pixel + begin, gates + begin, 1.0f, residual + (size_t)p * residual_pixel + begin,
                  y + (size_t)p * y_pixel + begin, end - begin, 1, ending);
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
        floatv part[PARTS];
        int c = 0;
        UNROLL for (int k = 0; k < PARTS; k++)
            part[k] = 0.0f;
        for (; c + BLOCK <= channels; c += BLOCK) {
            UNROLL for (int k = 0; k < PARTS; k++)
                part[k] += vloadv(weights + c + k * VECTOR) * vloadv(p + c + k * VECTOR);
        }
        for (; c + VECTOR <= channels; c += VECTOR)
            part[0] += vloadv(weights + c) * vloadv(p + c);
        UNROLL for (int k = 1; k < PARTS; k++)
            part[0] += part[k];
        float sum = horizontal_sum(part[0]);
        for (; c < channels; c++)
            sum += weights[c] * p[c];
        total += activate(sum + bias, alpha, 0.0f);
    }
    return total;
}

/* The gates of channels begin … begin + BLOCK − 1. */
static inline void gate_block(__global const float *sums, __global const float *mlp, __global float *gates, int begin, int channels,
                              int hidden, int has_first, float bias_count, float gate_alpha, float gate_beta)
{
    size_t padded = (size_t)((channels + BLOCK - 1) / BLOCK * BLOCK);
    __global const float *second = mlp + (has_first ? (size_t)hidden * (size_t)(channels + 1) : 0);
    __global const float *bias = second + (size_t)hidden * padded + begin;
    floatv total[PARTS];
    UNROLL
    for (int k = 0; k < PARTS; k++)
        total[k] = vloadv(bias + k * VECTOR) * bias_count;
    for (int j = 0; j < hidden; j++) {
        float unit = sums[j];
        __global const float *weights = second + (size_t)j * padded + begin;
        UNROLL
        for (int k = 0; k < PARTS; k++)
            total[k] += vloadv(weights + k * VECTOR) * unit;
    }
    UNROLL
    for (int k = 0; k < PARTS; k++)
        vstorev(gatev(total[k], gate_alpha, gate_beta), gates + begin + k * VECTOR);
}

/* x_step is the stride of channels, or of pixels where channels are last. */
SINGLE __kernel void pool(__global const float *x_buffer, uint x_offset, __global float *pooled_buffer, uint pooled_offset,
                          int channels, int pixels, int x_image, int x_step, int pooled_image, int pools, int channels_each,
                          float share)
{
    int begin = (int)get_group_id(0) * channels_each, image = (int)get_group_id(1);
    pool_block(x_buffer + x_offset + (size_t)image * x_image, pooled_buffer + pooled_offset + (size_t)image * pooled_image, begin,
               min(begin + channels_each, channels), channels, pixels, x_step, pools, share);
}

SINGLE __kernel void hidden_layer(__global const float *pooled_buffer, uint pooled_offset, __global float *sums_buffer,
                                  uint sums_offset, __global const float *mlp_buffer, uint mlp_offset, int channels, int hidden,
                                  int rows, int pooled_image, float act_alpha, int units_each)
{
    int begin = (int)get_group_id(0) * units_each, end = min(begin + units_each, hidden), image = (int)get_group_id(1);
    __global const float *pooled = pooled_buffer + pooled_offset + (size_t)image * pooled_image;
    __global float *sums = sums_buffer + sums_offset + (size_t)image * hidden;
    for (int j = begin; j < end; j++)
        sums[j] = hidden_unit(pooled, mlp_buffer + mlp_offset, j, channels, hidden, rows, act_alpha);
}

/* With `whole` the group does one image, pooling included. Rows 0 says that `sums` holds the hidden layer. */
SINGLE __kernel void scale(__global const float *x_buffer, uint x_offset, __global const float *residual_buffer,
                           uint residual_offset, __global float *y_buffer, uint y_offset, __global float *gate_buffer,
                           uint gate_offset, __global float *pooled_buffer, uint pooled_offset, __global float *sums_buffer,
                           uint sums_offset, __global float *gates_buffer, uint gates_offset, __global const float *mlp_buffer,
                           uint mlp_offset, int channels, int pixels, int hidden, int has_first, int rows, int x_image, int x_step,
                           int residual_image, int residual_step, int y_image, int y_step, int gate_image, int gate_channel,
                           int pooled_image, int pools, int channels_each, int pixels_each, float share, float bias_count,
                           float act_alpha, float gate_alpha, float gate_beta, float low, float high, int has_residual, int clips,
                           int has_y, int has_gate, int whole)
{
    const struct ending ending = { has_residual, clips, low, high };
    int image = (int)get_group_id(2), first = (int)get_group_id(0) * channels_each, last = min(first + channels_each, channels);
    int from = (int)get_group_id(1) * pixels_each, to = min(from + pixels_each, pixels);
    size_t padded = (size_t)((channels + BLOCK - 1) / BLOCK * BLOCK);
    size_t part = (size_t)image * get_num_groups(1) + get_group_id(1), group = part * get_num_groups(0) + get_group_id(0);
    __global const float *x = x_buffer + x_offset + (size_t)image * x_image, *mlp = mlp_buffer + mlp_offset;
    __global float *pooled = pooled_buffer + pooled_offset + (size_t)image * pooled_image;
    __global float *sums = sums_buffer + sums_offset + (rows > 0 ? group : (size_t)image) * hidden;
    __global float *gates = gates_buffer + gates_offset + part * padded;
    if (!has_first)
        sums = pooled;
    if (whole)
        pool_block(x, pooled, 0, channels, channels, pixels, x_step, pools, share);
    for (int j = 0; has_first && rows > 0 && j < hidden; j++)
        sums[j] = hidden_unit(pooled, mlp, j, channels, hidden, rows, act_alpha);
    for (int begin = first; begin < last; begin += BLOCK)
        gate_block(sums, mlp, gates, begin, channels, hidden, has_first, bias_count, gate_alpha, gate_beta);
    for (int c = first; has_gate && from == 0 && c < last; c++)
        gate_buffer[gate_offset + (size_t)image * gate_image + (size_t)c * gate_channel] = gates[c];
    if (has_y)
        scale_block(x, residual_buffer + residual_offset + (size_t)image * residual_image,
                    y_buffer + y_offset + (size_t)image * y_image, gates, first, last, from, to, x_step, residual_step, y_step,
                    ending);
}
