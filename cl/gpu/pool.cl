/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maximum or average of large windows, any strides: a work-group takes one window of `lanes` channels and reduces through local
 * memory.
 *
 * Arguments and table are those of common/pool.cl. The work-group is a power of two; its work-items are `lanes` channels (1 for
 * NCHW, a few for channels-last, so that neighbours read neighbours) by pixels. `scratch` has a float for each.
 *
 * Bound: reading x once.
 *
 *   -DMAXIMUM=0|1    average or maximum
 */
#include "types.h"

#ifndef MAXIMUM
#define MAXIMUM 0
#endif

static inline float take(float value, float result)
{
#if MAXIMUM
    return larger_or_nan(value, result);
#else
    return result + value;
#endif
}

__kernel void pool(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                   __global const int *windows, int images, int channels, int rows, int columns, int dilation_y, int dilation_x,
                   int x_image, int x_channel, int x_row, int x_column, int y_image, int y_channel, int y_row, int y_column,
                   int lanes,
                   __local float *scratch)
{
    (void)images;
    (void)columns;
    int item = (int)get_local_id(0), first_tap = item / lanes, lane = item - first_tap * lanes;
    int items = (int)get_local_size(0) / lanes;
    int channel = (int)get_group_id(0) * lanes + lane, column = (int)get_group_id(1);
    int image = (int)get_group_id(2) / rows, row = (int)get_group_id(2) - image * rows;
    __global const int *vertical = windows + 3 * row, *horizontal = windows + 3 * (rows + column);
    int taps_x = (horizontal[1] - horizontal[0] + dilation_x - 1) / dilation_x;
    int taps = (vertical[1] - vertical[0] + dilation_y - 1) / dilation_y * taps_x;
    __global const float *x = x_buffer + x_offset + image * x_image + min(channel, channels - 1) * x_channel;
    float result = MAXIMUM ? -INFINITY : 0.0f;
    for (int tap = first_tap; tap < taps; tap += items) {
        int h = tap / taps_x, w = tap - h * taps_x;
        result = take(x[(vertical[0] + h * dilation_y) * x_row + (horizontal[0] + w * dilation_x) * x_column], result);
    }
    scratch[item] = result;
    for (int half_of = (int)get_local_size(0) / 2; half_of >= lanes; half_of /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item < half_of)
            scratch[item] = take(scratch[item + half_of], scratch[item]);
    }
    if (item < lanes && channel < channels) {
        result = scratch[item];
#if !MAXIMUM
        int extent = vertical[2] * horizontal[2];
        result = extent > 0 ? result / (float)extent : 0.0f;
#endif
        y_buffer[y_offset + image * y_image + channel * y_channel + row * y_row + column * y_column] = result;
    }
}
