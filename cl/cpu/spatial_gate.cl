/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spatial gate (CBAM's second half) on CPU devices: y = x · gate(window([mean, max] over channels)).
 *
 * With a channel gate (has_channel) x stands for x · channel gate, a product that is never written. A work-group takes rows_each
 * rows of an image, in `map`, which writes both planes with a border of zeros, and in `scale`, which runs the window over them and
 * multiplies.
 *
 * x is a plane of dense pixels for each channel, or, with -DCHANNELS_LAST=1, a row of channels for each pixel; x_step is the
 * stride of channels or of pixels. The channel gate has channel stride channel_step (1 for channels-last).
 *   map       [N][2][H + 2R][map_width], R = KERNEL / 2: mean, max; map_width ≥ W + 2R, W rounded up to VECTOR
 *   spatial   [N][H·W]: the gate, dense
 *   window    [2][KERNEL][KERNEL], for mean and max, then the bias
 *
 *   -DVECTOR=4|8|16  -DCHANNELS_LAST=0|1  -DKERNEL=K, odd  -DHARD_GATE=0|1
 */
#include "vector.h"
#include "activation.h"

#ifndef CHANNELS_LAST
#define CHANNELS_LAST 0
#endif
#ifndef KERNEL
#define KERNEL 7
#endif
#define RADIUS (KERNEL / 2)

#if !CHANNELS_LAST
#define CHUNK (4 * VECTOR)

/* Pixels p … p + CHUNK − 1 summed over the channels. */
static inline void reduce_chunk(__global const float *x, __global const float *channel_gate, int channels, int x_step,
                                int channel_step, int has_channel, float *sums, float *most)
{
    floatv s[4], m[4];
    UNROLL
    for (int k = 0; k < 4; k++) {
        s[k] = 0.0f;
        m[k] = -INFINITY;
    }
    for (int c = 0; c < channels; c++) {
        __global const float *from = x + (size_t)c * x_step;
        float g = has_channel ? channel_gate[(size_t)c * channel_step] : 1.0f;
        UNROLL
        for (int k = 0; k < 4; k++) {
            floatv v = vloadv(from + k * VECTOR) * g;
            s[k] += v;
            m[k] = max_or_nan(m[k], v);
        }
    }
    UNROLL
    for (int k = 0; k < 4; k++) {
        vstorev(s[k], sums + k * VECTOR);
        vstorev(m[k], most + k * VECTOR);
    }
}

static inline void reduce_vector(__global const float *x, __global const float *channel_gate, int channels, int x_step,
                                 int channel_step, int has_channel, float *sums, float *most)
{
    floatv s = 0.0f, m = -INFINITY;
    for (int c = 0; c < channels; c++) {
        floatv v = vloadv(x + (size_t)c * x_step) * (has_channel ? channel_gate[(size_t)c * channel_step] : 1.0f);
        s += v;
        m = max_or_nan(m, v);
    }
    vstorev(s, sums);
    vstorev(m, most);
}

static inline void reduce_one(__global const float *x, __global const float *channel_gate, int channels, int x_step,
                              int channel_step,
                              int has_channel, float *sum, float *most)
{
    float s = 0.0f, m = -INFINITY;
    for (int c = 0; c < channels; c++) {
        float v = x[(size_t)c * x_step] * (has_channel ? channel_gate[(size_t)c * channel_step] : 1.0f);
        s += v;
        m = v > m || isnan(v) ? v : m;
    }
    sum[0] = s;
    most[0] = m;
}

static inline void map_pixels(__global const float *x, __global const float *channel_gate, __global float *mean,
                              __global float *most,
                              int begin, int end, int channels, int width, int map_width, int x_step, int channel_step,
                              int has_channel)
{
    float s[CHUNK], m[CHUNK];
    for (int p = begin; p < end;) {
        int count = end - p >= CHUNK ? CHUNK : VECTOR;
        if (end - p >= CHUNK) {
            reduce_chunk(x + p, channel_gate, channels, x_step, channel_step, has_channel, s, m);
        } else if (end - begin >= VECTOR) {
            p = min(p, end - VECTOR); /* the last vector takes some pixels again */
            reduce_vector(x + p, channel_gate, channels, x_step, channel_step, has_channel, s, m);
        } else {
            count = 1;
            reduce_one(x + p, channel_gate, channels, x_step, channel_step, has_channel, s, m);
        }
        int row = p / width, column = p - row * width;
        for (int i = 0; i < count; i++) {
            size_t to = (size_t)(row + RADIUS) * map_width + column + RADIUS;
            mean[to] = s[i] / (float)channels;
            most[to] = m[i];
            if (++column == width) {
                column = 0;
                row++;
            }
        }
        p += count;
    }
}

static inline void scale_pixels(__global const float *x, __global float *y, __global const float *channel_gate,
                                __global const float *spatial, int begin, int end, int channels, int x_step, int y_step,
                                int channel_step, int has_channel)
{
    for (int c = 0; c < channels; c++) {
        __global const float *from = x + (size_t)c * x_step;
        __global float *to = y + (size_t)c * y_step;
        float g = has_channel ? channel_gate[(size_t)c * channel_step] : 1.0f;
        int p = begin;
        for (; p + VECTOR <= end; p += VECTOR)
            vstorev(vloadv(from + p) * g * vloadv(spatial + p), to + p);
        for (; p < end; p++)
            to[p] = from[p] * g * spatial[p];
    }
}

#else
static inline void map_pixels(__global const float *x, __global const float *channel_gate, __global float *mean,
                              __global float *most,
                              int begin, int end, int channels, int width, int map_width, int x_step, int channel_step,
                              int has_channel)
{
    (void)channel_step;
    for (int p = begin; p < end; p++) {
        __global const float *from = x + (size_t)p * x_step;
        floatv s = 0.0f, m = -INFINITY;
        int c = 0;
        for (; c + VECTOR <= channels; c += VECTOR) {
            floatv v = vloadv(from + c);
            if (has_channel)
                v *= vloadv(channel_gate + c);
            s += v;
            m = max_or_nan(m, v);
        }
        float sum = horizontal_sum(s), largest = horizontal_max(m);
        for (; c < channels; c++) {
            float v = from[c] * (has_channel ? channel_gate[c] : 1.0f);
            sum += v;
            largest = v > largest || isnan(v) ? v : largest;
        }
        int row = p / width, column = p - row * width;
        mean[(size_t)(row + RADIUS) * map_width + column + RADIUS] = sum / (float)channels;
        most[(size_t)(row + RADIUS) * map_width + column + RADIUS] = largest;
    }
}

static inline void scale_pixels(__global const float *x, __global float *y, __global const float *channel_gate,
                                __global const float *spatial, int begin, int end, int channels, int x_step, int y_step,
                                int channel_step, int has_channel)
{
    (void)channel_step;
    for (int p = begin; p < end; p++) {
        __global const float *from = x + (size_t)p * x_step;
        __global float *to = y + (size_t)p * y_step;
        float a = spatial[p];
        int c = 0;
        for (; c + VECTOR <= channels; c += VECTOR) {
            floatv v = vloadv(from + c);
            if (has_channel)
                v *= vloadv(channel_gate + c);
            vstorev(v * a, to + c);
        }
        for (; c < channels; c++)
            to[c] = from[c] * (has_channel ? channel_gate[c] : 1.0f) * a;
    }
}
#endif

static inline void clear(__global float *to, int count)
{
    for (int i = 0; i < count; i++)
        to[i] = 0.0f;
}

/* The border of rows begin … end − 1, and the rows above the first and below the last one. */
static inline void clear_border(__global float *plane, int begin, int end, int height, int width, int map_width)
{
    if (begin == 0)
        clear(plane, RADIUS * map_width);
    if (end == height)
        clear(plane + (size_t)(height + RADIUS) * map_width, RADIUS * map_width);
    for (int row = begin; row < end; row++) {
        __global float *line = plane + (size_t)(row + RADIUS) * map_width;
        clear(line, RADIUS);
        clear(line + RADIUS + width, map_width - RADIUS - width);
    }
}

SINGLE __kernel void map(__global const float *x_buffer, uint x_offset, __global const float *channel_buffer, uint channel_offset,
                         __global float *map_buffer, uint map_offset, int channels, int height, int width, int map_width,
                         int x_image,
                         int x_step, int channel_image, int channel_step, int has_channel, int rows_each)
{
    int begin = (int)get_group_id(0) * rows_each, end = min(begin + rows_each, height), image = (int)get_group_id(1);
    size_t plane = (size_t)(height + 2 * RADIUS) * map_width;
    __global float *mean = map_buffer + map_offset + (size_t)image * 2 * plane, *most = mean + plane;
    clear_border(mean, begin, end, height, width, map_width);
    clear_border(most, begin, end, height, width, map_width);
    map_pixels(x_buffer + x_offset + (size_t)image * x_image, channel_buffer + channel_offset + (size_t)image * channel_image,
               mean, most,
               begin * width, end * width, channels, width, map_width, x_step, channel_step, has_channel);
}

static inline floatv window_at(__global const float *map, __global const float *window, size_t plane, int map_width)
{
    floatv a = window[2 * KERNEL * KERNEL], b = 0.0f;
    for (int i = 0; i < KERNEL; i++) {
        __global const float *mean = map + (size_t)i * map_width, *most = mean + plane;
        UNROLL
        for (int j = 0; j < KERNEL; j++) {
            a += vloadv(mean + j) * window[i * KERNEL + j];
            b += vloadv(most + j) * window[(KERNEL + i) * KERNEL + j];
        }
    }
    return a + b;
}

SINGLE __kernel void scale(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                           __global float *gate_buffer, uint gate_offset, __global const float *channel_buffer, uint channel_offset,
                           __global const float *map_buffer, uint map_offset, __global float *spatial_buffer, uint spatial_offset,
                           __global const float *window_buffer, uint window_offset, int channels, int height, int width,
                           int map_width,
                           int x_image, int x_step, int y_image, int y_step, int gate_image, int gate_row, int gate_column,
                           int channel_image, int channel_step, int has_channel, int has_y, int has_gate, int rows_each,
                           float gate_alpha, float gate_beta)
{
    int begin = (int)get_group_id(0) * rows_each, end = min(begin + rows_each, height), image = (int)get_group_id(1);
    size_t plane = (size_t)(height + 2 * RADIUS) * map_width;
    __global const float *maps = map_buffer + map_offset + (size_t)image * 2 * plane, *window = window_buffer + window_offset;
    __global float *spatial = spatial_buffer + spatial_offset + (size_t)image * height * width;
    for (int row = begin; row < end; row++) {
        for (int column = 0; column < width; column += VECTOR) {
            floatv value = gatev(window_at(maps + (size_t)row * map_width + column, window, plane, map_width), gate_alpha,
                                 gate_beta);
            if (column + VECTOR <= width)
                vstorev(value, spatial + row * width + column);
            else
                vstore_some(value, spatial + row * width + column, width - column);
        }
        for (int column = 0; has_gate && column < width; column++)
            gate_buffer[gate_offset + (size_t)image * gate_image + (size_t)row * gate_row + (size_t)column * gate_column] =
                spatial[row * width + column];
    }
    if (has_y)
        scale_pixels(x_buffer + x_offset + (size_t)image * x_image, y_buffer + y_offset + (size_t)image * y_image,
                     channel_buffer + channel_offset + (size_t)image * channel_image, spatial, begin * width, end * width, channels,
                     x_step, y_step, channel_step, has_channel);
}
