/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maximum or average of windows, any strides, one work-item for an output.
 *
 * The host turns padding, ceil_mode and adaptive windows into a table: for each output row, then for each output column, the first
 * input index inside the image, the end, and the extent that an average divides by. A maximum over no pixel is −inf, an average 0.
 * Dimension 0 of the grid runs over channels when `channels_fastest`, else over output columns, so that neighbours are neighbours.
 *
 * Bound: reading x and writing y once, where windows that overlap find x in the cache.
 *
 *   -DMAXIMUM=0|1    average or maximum
 */
#include "types.h"

#ifndef MAXIMUM
#define MAXIMUM 0
#endif

__kernel void pool(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                   __global const int *windows, int images, int channels, int rows, int columns, int dilation_y, int dilation_x,
                   int x_image, int x_channel, int x_row, int x_column, int y_image, int y_channel, int y_row, int y_column,
                   int channels_fastest)
{
    int a = (int)get_global_id(0), b = (int)get_global_id(1), rest = (int)get_global_id(2);
    /* Remainders by subtraction: oclgrind does not know what a remainder beside its quotient is compiled to. */
    int inner = channels_fastest ? rows : channels, image = rest / inner, left = rest - image * inner;
    int channel = channels_fastest ? a : left, column = channels_fastest ? b : a, row = channels_fastest ? left : b;
    if (channel >= channels || column >= columns || row >= rows || image >= images)
        return;
    __global const int *vertical = windows + 3 * row, *horizontal = windows + 3 * (rows + column);
    __global const float *x = x_buffer + x_offset + image * x_image + channel * x_channel;
#if MAXIMUM
    float result = -INFINITY;
    for (int h = vertical[0]; h < vertical[1]; h += dilation_y) {
        for (int w = horizontal[0]; w < horizontal[1]; w += dilation_x) {
            float value = x[h * x_row + w * x_column];
            result = larger_or_nan(value, result);
        }
    }
#else
    float sum = 0.0f;
    for (int h = vertical[0]; h < vertical[1]; h += dilation_y) {
        float part = 0.0f; /* a sum of a row: long sums round less in parts */
        for (int w = horizontal[0]; w < horizontal[1]; w += dilation_x)
            part += x[h * x_row + w * x_column];
        sum += part;
    }
    int extent = vertical[2] * horizontal[2];
    float result = extent > 0 ? sum / (float)extent : 0.0f;
#endif
    y_buffer[y_offset + image * y_image + channel * y_channel + row * y_row + column * y_column] = result;
}
