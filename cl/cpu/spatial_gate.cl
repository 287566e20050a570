/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spatial gate (CBAM's second half) on CPU devices: y = x · gate(window([mean, max] over channels)), and perhaps a residual is
 * added and the sum clipped. Bound: the bytes of x, read twice, and of y; an image that a core's cache holds is read from there.
 *
 * With a channel gate (has_channel) x stands for x · channel gate, a product that is never written. A work-group takes rows_each
 * rows of an image, in `map`, which writes both planes with a border of zeros, and in `scale`, which runs the window over them and
 * multiplies. Or, with `whole`, `scale` does all of an image, and `map` is not launched.
 *
 * x is a plane of dense pixels for each channel, or, with -DCHANNELS_LAST=1, a row of channels for each pixel; x_step is the
 * stride of channels or of pixels. y, which may be x, and the residual lie as x does. The channel gate has channel stride
 * channel_step (1 for channels-last).
 *   map       [N][2][H + 2R][map_width], R = KERNEL / 2: mean, max; map_width ≥ W + 2R, W rounded up to VECTOR
 *   spatial   [N][H·W]: the gate, dense
 *   window    [2][KERNEL][KERNEL], for mean and max, then the bias
 *
 *   -DVECTOR=4|8|16  -DCHANNELS_LAST=0|1  -DKERNEL=K, odd  -DHARD_GATE=0|1
 */
#include "vector.h"
#include "activation.h"
#include "scale.h"

#ifndef CHANNELS_LAST
#define CHANNELS_LAST 0
#endif
#ifndef KERNEL
#define KERNEL 7
#endif
#define RADIUS (KERNEL / 2)
#define ROWS 4 /* over which the window runs at once: sums that do not wait for each other */

/* The rows of an image that a group takes, and what they are made of. */
struct image {
    __global const float *x, *channel_gate;
    int channels, height, width, map_width, x_step, channel_step, has_channel;
};

#if !CHANNELS_LAST
#define CHUNK (4 * VECTOR)

static inline float gate_at(const struct image *image, int channel)
{
    return image->has_channel ? image->channel_gate[(size_t)channel * image->channel_step] : 1.0f;
}

/* The maxima of `count` pixels in whose sums there is a NaN. */
static inline void max_or_nan_of(const struct image *image, int pixel, int count, float *most)
{
    for (int c = 0; c < image->channels; c++) {
        __global const float *from = image->x + (size_t)c * image->x_step + pixel;
        for (int i = 0; i < count; i++) {
            float v = from[i] * gate_at(image, c);
            most[i] = larger_or_nan(v, most[i]);
        }
    }
}

/* CHUNK pixels over the channels. A NaN is lost from the maxima but not from the sums. */
static inline void reduce_chunk(const struct image *image, int pixel, float *means, float *most)
{
    floatv s[4], m[4];
    intv nan = 0;
    UNROLL for (int k = 0; k < 4; k++) {
        s[k] = 0.0f;
        m[k] = -INFINITY;
    }
    for (int c = 0; c < image->channels; c++) {
        __global const float *from = image->x + (size_t)c * image->x_step + pixel;
        float g = gate_at(image, c);
        UNROLL for (int k = 0; k < 4; k++) {
            floatv v = vloadv(from + k * VECTOR) * g;
            s[k] += v;
            m[k] = select(m[k], v, v > m[k]);
        }
    }
    UNROLL for (int k = 0; k < 4; k++) {
        nan |= s[k] != s[k];
        vstorev(s[k] / (float)image->channels, means + k * VECTOR);
        vstorev(m[k], most + k * VECTOR);
    }
    if (any(nan))
        max_or_nan_of(image, pixel, CHUNK, most);
}

/* At most VECTOR pixels. */
static inline void reduce_lanes(const struct image *image, int pixel, int lanes, float *means, float *most)
{
    floatv s = 0.0f, m = -INFINITY;
    for (int c = 0; c < image->channels; c++) {
        __global const float *from = image->x + (size_t)c * image->x_step + pixel;
        floatv v = (lanes == VECTOR ? vloadv(from) : vload_some(from, lanes)) * gate_at(image, c);
        s += v;
        m = select(m, v, v > m);
    }
    vstorev(s / (float)image->channels, means);
    vstorev(m, most);
    if (any(s != s))
        max_or_nan_of(image, pixel, lanes, most);
}

static inline void map_pixels(const struct image *image, __global float *mean, __global float *most, int begin, int end)
{
    float s[CHUNK], m[CHUNK];
    for (int p = begin; p < end;) {
        int count = end - p >= CHUNK ? CHUNK : min(VECTOR, end - begin);
        p = min(p, end - count); /* the last vector takes some pixels again */
        if (count == CHUNK)
            reduce_chunk(image, p, s, m);
        else
            reduce_lanes(image, p, count, s, m);
        int row = p / image->width, column = p - row * image->width, run;
        for (int from = 0; from < count; from += run, row++, column = 0) {
            size_t to = (size_t)(row + RADIUS) * image->map_width + column + RADIUS;
            run = min(count - from, image->width - column);
            for (int i = 0; i < run; i++) {
                mean[to + i] = s[from + i];
                most[to + i] = m[from + i];
            }
        }
        p += count;
    }
}

static inline void scale_pixels(const struct image *image, __global const float *residual, int residual_step, __global float *y,
                                int y_step, __global const float *spatial, int begin, int end, struct ending ending)
{
    for (int c = 0; c < image->channels; c++)
        scale_run(image->x + (size_t)c * image->x_step + begin, spatial + begin, gate_at(image, c),
                  residual + (size_t)c * residual_step + begin, y + (size_t)c * y_step + begin, end - begin, 1, ending);
}

#else
static inline floatv gated(const struct image *image, __global const float *pixel, int channel)
{
    return image->has_channel ? vloadv(pixel + channel) * vloadv(image->channel_gate + channel) : vloadv(pixel + channel);
}

/* A NaN is lost from the maximum but not from the sum. */
static inline void reduce(const struct image *image, __global const float *pixel, float *mean, float *most)
{
    floatv s = 0.0f, t = 0.0f, m = -INFINITY, n = -INFINITY;
    int c = 0;
    for (; c + 2 * VECTOR <= image->channels; c += 2 * VECTOR) {
        floatv v = gated(image, pixel, c), w = gated(image, pixel, c + VECTOR);
        s += v;
        t += w;
        m = select(m, v, v > m);
        n = select(n, w, w > n);
    }
    if (c + VECTOR <= image->channels) {
        floatv v = gated(image, pixel, c);
        s += v;
        m = select(m, v, v > m);
        c += VECTOR;
    }
    float sum = horizontal_sum(s + t), high = horizontal_max(select(m, n, n > m));
    for (; c < image->channels; c++) {
        float v = image->has_channel ? pixel[c] * image->channel_gate[c] : pixel[c];
        sum += v;
        high = v > high ? v : high;
    }
    for (c = 0; isnan(sum) && c < image->channels; c++) {
        float v = image->has_channel ? pixel[c] * image->channel_gate[c] : pixel[c];
        high = larger_or_nan(v, high);
    }
    *mean = sum / (float)image->channels;
    *most = high;
}

static inline void map_pixels(const struct image *image, __global float *mean, __global float *most, int begin, int end)
{
    int row = begin / image->width, column = 0;
    for (int p = begin; p < end; p++) {
        size_t to = (size_t)(row + RADIUS) * image->map_width + column + RADIUS;
        float average, high;
        reduce(image, image->x + (size_t)p * image->x_step, &average, &high);
        mean[to] = average;
        most[to] = high;
        if (++column == image->width) {
            column = 0;
            row++;
        }
    }
}

static inline void scale_pixels(const struct image *image, __global const float *residual, int residual_step, __global float *y,
                                int y_step, __global const float *spatial, int begin, int end, struct ending ending)
{
    for (int p = begin; p < end; p++) {
        __global const float *from = image->x + (size_t)p * image->x_step, *add = residual + (size_t)p * residual_step;
        __global float *to = y + (size_t)p * y_step;
        if (image->has_channel)
            scale_run(from, image->channel_gate, spatial[p], add, to, image->channels, 1, ending);
        else
            scale_run(from, from, spatial[p], add, to, image->channels, 0, ending);
    }
}
#endif

static inline void clear(__global float *to, int count)
{
    for (int i = 0; i < count; i++)
        to[i] = 0.0f;
}

/* The border of rows begin … end − 1, and the rows above the first and below the last one. */
static inline void clear_border(const struct image *image, __global float *plane, int begin, int end)
{
    int map_width = image->map_width;
    if (begin == 0)
        clear(plane, RADIUS * map_width);
    if (end == image->height)
        clear(plane + (size_t)(image->height + RADIUS) * map_width, RADIUS * map_width);
    for (int row = begin; row < end; row++) {
        __global float *line = plane + (size_t)(row + RADIUS) * map_width;
        clear(line, RADIUS);
        clear(line + RADIUS + image->width, map_width - RADIUS - image->width);
    }
}

static inline void map_rows(const struct image *image, __global float *maps, int begin, int end)
{
    __global float *most = maps + (size_t)(image->height + 2 * RADIUS) * image->map_width;
    clear_border(image, maps, begin, end);
    clear_border(image, most, begin, end);
    map_pixels(image, maps, most, begin * image->width, end * image->width);
}

SINGLE __kernel void map(__global const float *x_buffer, uint x_offset, __global const float *channel_buffer, uint channel_offset,
                         __global float *map_buffer, uint map_offset, int channels, int height, int width, int map_width,
                         int x_image, int x_step, int channel_image, int channel_step, int has_channel, int rows_each)
{
    int begin = (int)get_group_id(0) * rows_each, n = (int)get_group_id(1);
    const struct image image = { x_buffer + x_offset + (size_t)n * x_image,
                                 channel_buffer + channel_offset + (size_t)n * channel_image,
                                 channels, height, width, map_width, x_step, channel_step, has_channel };
    map_rows(&image, map_buffer + map_offset + (size_t)n * 2 * (height + 2 * RADIUS) * map_width, begin,
             min(begin + rows_each, height));
}

/* The window's sums over VECTOR columns of ROWS rows; what would be below `last` is that row again. */
static inline void window_at(const struct image *image, __global const float *maps, __global const float *window, int row, int last,
                             int column, float *sums)
{
    floatv a[ROWS], b[ROWS];
    __global const float *mean[ROWS];
    size_t plane = (size_t)(image->height + 2 * RADIUS) * image->map_width;
    UNROLL for (int k = 0; k < ROWS; k++) {
        a[k] = window[2 * KERNEL * KERNEL];
        b[k] = 0.0f;
        mean[k] = maps + (size_t)min(row + k, last) * image->map_width + column;
    }
    for (int i = 0; i < KERNEL; i++, window += KERNEL) {
        UNROLL for (int j = 0; j < KERNEL; j++) {
            UNROLL for (int k = 0; k < ROWS; k++) {
                a[k] += vloadv(mean[k] + i * image->map_width + j) * window[j];
                b[k] += vloadv(mean[k] + plane + i * image->map_width + j) * window[KERNEL * KERNEL + j];
            }
        }
    }
    UNROLL for (int k = 0; k < ROWS; k++)
        vstorev(a[k] + b[k], sums + k * VECTOR);
}

static inline void gate_rows(const struct image *image, __global const float *maps, __global const float *window,
                             __global float *spatial, int begin, int end, float gate_alpha, float gate_beta)
{
    float sums[ROWS * VECTOR];
    for (int first = begin; first < end; first += ROWS) {
        for (int column = 0; column < image->width; column += VECTOR) {
            window_at(image, maps, window, first, end - 1, column, sums);
            for (int row = first; row < min(first + ROWS, end); row++) {
                floatv value = gatev(vloadv(sums + (row - first) * VECTOR), gate_alpha, gate_beta);
                if (column + VECTOR <= image->width)
                    vstorev(value, spatial + row * image->width + column);
                else
                    vstore_some(value, spatial + row * image->width + column, image->width - column);
            }
        }
    }
}

SINGLE __kernel void scale(__global const float *x_buffer, uint x_offset, __global const float *residual_buffer,
                           uint residual_offset, __global float *y_buffer, uint y_offset, __global float *gate_buffer,
                           uint gate_offset, __global const float *channel_buffer, uint channel_offset,
                           __global float *map_buffer, uint map_offset, __global float *spatial_buffer, uint spatial_offset,
                           __global const float *window_buffer, uint window_offset, int channels, int height, int width,
                           int map_width, int x_image, int x_step, int residual_image, int residual_step, int y_image, int y_step,
                           int gate_image, int gate_row, int gate_column, int channel_image, int channel_step, int has_channel,
                           int has_residual, int clips, int has_y, int has_gate, int whole, int rows_each, float gate_alpha,
                           float gate_beta, float low, float high)
{
    const struct ending ending = { has_residual, clips, low, high };
    int begin = (int)get_group_id(0) * rows_each, end = min(begin + rows_each, height), n = (int)get_group_id(1);
    const struct image image = { x_buffer + x_offset + (size_t)n * x_image,
                                 channel_buffer + channel_offset + (size_t)n * channel_image,
                                 channels, height, width, map_width, x_step, channel_step, has_channel };
    __global float *maps = map_buffer + map_offset + (size_t)n * 2 * (height + 2 * RADIUS) * map_width;
    __global float *spatial = spatial_buffer + spatial_offset + (size_t)n * height * width;
    __global float *gate = gate_buffer + gate_offset + (size_t)n * gate_image;
    if (whole)
        map_rows(&image, maps, begin, end);
    gate_rows(&image, maps, window_buffer + window_offset, spatial, begin, end, gate_alpha, gate_beta);
    for (int row = begin; has_gate && row < end; row++)
        for (int column = 0; column < width; column++)
            gate[(size_t)row * gate_row + (size_t)column * gate_column] = spatial[row * width + column];
    if (has_y)
        scale_pixels(&image, residual_buffer + residual_offset + (size_t)n * residual_image, residual_step,
                     y_buffer + y_offset + (size_t)n * y_image, y_step, spatial, begin * width, end * width, ending);
}
