/* SPDX-License-Identifier: Apache-2.0 */
/*
 * F.grid_sample, or the same with an affine map in place of the grid, any strides.
 *
 * `lanes` work-items share an output pixel, and each takes every lanes-th of `channels_each` channels: 1 where neighbours in
 * memory are pixels, a few where they are channels. Pixels and weights are worked out once for all channels of a work-item.
 * `source` is a grid [N, rows, columns, 2] or, with `is_warp`, theta [N, 2, 3] (strides image, row, column).
 *
 * Bound: writing y once, and reading x from the cache TAPS times.
 *
 *   -DMODE=N   enum plugcl_sample_mode
 */
#include "sample.h"

__kernel void sample(__global const float *x_buffer, uint x_offset, __global const float *source_buffer, uint source_offset,
                     __global float *y_buffer, uint y_offset, int is_warp, int padding, int align_corners, int channels, int height,
                     int width, int rows, int columns, int x_image, int x_channel, int x_row, int x_column, int source_image,
                     int source_row, int source_column, int source_component, int y_image, int y_channel, int y_row, int y_column,
                     int channels_each, int lanes)
{
    int item = (int)get_global_id(0), pixel = item / lanes, lane = item - pixel * lanes, image = (int)get_global_id(2);
    int row = pixel / columns, column = pixel - row * columns;
    int first = (int)get_global_id(1) * channels_each, last = min(first + channels_each, channels);
    int offset[TAPS], inside[TAPS];
    float weight[TAPS];
    struct axis vertical, horizontal;
    if (row >= rows)
        return;
    float2 point = sample_point(source_buffer + source_offset + image * source_image, is_warp, align_corners, row, column, rows,
                                columns, source_row, source_column, source_component);
    axis_taps(point.y, height, padding, align_corners, &vertical);
    axis_taps(point.x, width, padding, align_corners, &horizontal);
    square_taps(&vertical, &horizontal, x_row, x_column, offset, inside, weight);
    __global const float *x = x_buffer + x_offset + image * x_image;
    __global float *y = y_buffer + y_offset + image * y_image + row * y_row + column * y_column;
    for (int channel = first + lane; channel < last; channel += lanes) {
        float sum = 0.0f;
        UNROLL for (int i = 0; i < TAPS; i++)
            sum += weight[i] * (inside[i] ? x[channel * x_channel + offset[i]] : 0.0f);
        y[channel * y_channel] = sum;
    }
}
