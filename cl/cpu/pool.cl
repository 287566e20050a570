/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maximum or average of windows in vectors; the table of windows and the arguments are those of common/pool.cl.
 *
 * pool: x and y are channels-last and a lane is a channel. A work-group takes `channels_each` channels of `columns_each` columns
 * of one output row. pool_planes: the window is the whole plane, which is contiguous (`pixels`); a work-group takes `planes_each`
 * planes.
 *
 *   -DMAXIMUM=0|1    average or maximum
 *   -DVECTOR=N       lanes
 */
#include "vector.h"

#ifndef MAXIMUM
#define MAXIMUM 0
#endif

#if MAXIMUM
#define INITIAL (-INFINITY)
#else
#define INITIAL 0.0f
#endif

static inline floatv take(floatv value, floatv result)
{
#if MAXIMUM
    return max_or_nan(value, result);
#else
    return result + value;
#endif
}

__kernel SINGLE void pool(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                          __global const int *windows, int images, int channels, int rows, int columns, int dilation_y,
                          int dilation_x,
                          int x_image, int x_channel, int x_row, int x_column, int y_image, int y_channel, int y_row, int y_column,
                          int channels_each, int columns_each)
{
    (void)images;
    (void)x_channel;
    (void)y_channel;
    int first_channel = (int)get_group_id(0) * channels_each, last_channel = min(first_channel + channels_each, channels);
    int first_column = (int)get_group_id(1) * columns_each, last_column = min(first_column + columns_each, columns);
    int line = (int)get_group_id(2), image = line / rows, row = line - image * rows;
    __global const int *vertical = windows + 3 * row, *horizontal = windows + 3 * rows;
    int top = vertical[0], bottom = vertical[1];
    for (int column = first_column; column < last_column; column++) {
        int left = horizontal[3 * column], right = horizontal[3 * column + 1];
        int extent = vertical[2] * horizontal[3 * column + 2];
        for (int channel = first_channel; channel < last_channel; channel += VECTOR) {
            int n = min(VECTOR, last_channel - channel);
            if (n < VECTOR && channel - first_channel >= VECTOR) { /* the last channels again, in a whole vector */
                channel = last_channel - VECTOR;
                n = VECTOR;
            }
            __global const float *x = x_buffer + x_offset + image * x_image + channel;
            floatv result = (floatv)(INITIAL);
            for (int h = top; h < bottom; h += dilation_y) {
                floatv part = (floatv)(INITIAL); /* long sums round less in parts */
                if (n == VECTOR) {
                    for (int w = left; w < right; w += dilation_x)
                        part = take(vloadv(x + h * x_row + w * x_column), part);
                } else {
                    for (int w = left; w < right; w += dilation_x)
                        part = take(vload_some(x + h * x_row + w * x_column, n), part);
                }
                result = take(part, result);
            }
#if !MAXIMUM
            result = extent > 0 ? result / (float)extent : (floatv)(0.0f);
#else
            (void)extent;
#endif
            __global float *y = y_buffer + y_offset + image * y_image + row * y_row + column * y_column + channel;
            if (n == VECTOR)
                vstorev(result, y);
            else
                vstore_some(result, y, n);
        }
    }
}

__kernel SINGLE void pool_planes(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                                 int channels, int planes, int pixels, int x_image, int x_channel, int y_image, int y_channel,
                                 int planes_each)
{
    int first = (int)get_group_id(0) * planes_each, last = min(first + planes_each, planes);
    for (int plane = first; plane < last; plane++) {
        int image = plane / channels, channel = plane - image * channels, i = 0;
        __global const float *x = x_buffer + x_offset + image * x_image + channel * x_channel;
        floatv result = (floatv)(INITIAL);
        while (i + VECTOR <= pixels) {
            floatv part = (floatv)(INITIAL);
            for (int k = 0; k < 64 && i + VECTOR <= pixels; k++, i += VECTOR)
                part = take(vloadv(x + i), part);
            result = take(part, result);
        }
        float rest = INITIAL;
        for (; i < pixels; i++) {
#if MAXIMUM
            rest = x[i] > rest || isnan(x[i]) ? x[i] : rest;
#else
            rest += x[i];
#endif
        }
#if MAXIMUM
        float most = horizontal_max(result);
        float value = most > rest || isnan(most) ? most : rest;
#else
        float value = (horizontal_sum(result) + rest) / (float)pixels;
#endif
        y_buffer[y_offset + image * y_image + channel * y_channel] = value;
    }
}
