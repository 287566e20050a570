/* SPDX-License-Identifier: Apache-2.0 */
/*
 * F.grid_sample, or the same with an affine map in place of the grid: pixels and weights are worked out for VECTOR output pixels at
 * once and serve all channels.
 *
 * A work-group takes `pixels_each` output pixels, counted row by row, and `channels_each` channels of an image. `source` is a grid
 * [N, rows, columns, 2] or, with `is_warp`, theta [N, 2, 3] (strides image, row, column).
 *
 *   -DMODE=N                enum plugcl_sample_mode
 *   -DCHANNELS_LAST=0|1     0: x has any strides and a lane is an output pixel; 1: the channels of x lie side by side and a lane is
 *                           a channel. y has any strides
 *   -DVECTOR=N              lanes
 */
#include "vector.h"
#include "sample.h"

#ifndef CHANNELS_LAST
#define CHANNELS_LAST 0
#endif

#define vload_intv(from) JOIN(vload, VECTOR)(0, from)
#define vstore_intv(value, to) JOIN(vstore, VECTOR)(value, 0, to)

/* Row and column of VECTOR pixels from `pixel` on, of which n count; the others repeat the last one. */
static inline void pixel_places(int pixel, int n, int columns, int *row, int *column)
{
    row[0] = pixel / columns;
    column[0] = pixel - row[0] * columns;
    for (int i = 1; i < VECTOR; i++) {
        int wraps = column[i - 1] + 1 == columns, counts = i < n;
        row[i] = row[i - 1] + (counts && wraps);
        column[i] = !counts ? column[i - 1] : wraps ? 0 : column[i - 1] + 1;
    }
}

static inline floatv affine_row(__global const float *theta, int stride, floatv x, floatv y)
{
    return affine(x, y, theta[0], theta[stride], theta[2 * stride]);
}

/* The normalised coordinates of the pixels at `row` and `column`. */
static inline void sample_points(__global const float *source, int is_warp, int align_corners, const int *row, const int *column,
                                 int n, int rows, int columns, int row_stride, int column_stride, int component_stride, floatv *x,
                                 floatv *y)
{
    if (is_warp) {
        floatv base_x = base_coordinate(vload_intv(column), columns, align_corners);
        floatv base_y = base_coordinate(vload_intv(row), rows, align_corners);
        *x = affine_row(source, column_stride, base_x, base_y);
        *y = affine_row(source + row_stride, column_stride, base_x, base_y);
    } else if (n == VECTOR && component_stride == 1 && column_stride == 2 && row_stride == 2 * columns) {
        source += row[0] * row_stride + column[0] * column_stride;
        floatv low = vloadv(source), high = vloadv(source + VECTOR);
        *x = (floatv)(low.even, high.even);
        *y = (floatv)(low.odd, high.odd);
    } else {
        float lanes[2][VECTOR];
        for (int i = 0; i < VECTOR; i++) {
            __global const float *point = source + row[i] * row_stride + column[i] * column_stride;
            lanes[0][i] = point[0];
            lanes[1][i] = point[component_stride];
        }
        *x = vloadv(lanes[0]);
        *y = vloadv(lanes[1]);
    }
}

/* n pixels of one channel. */
static inline void store_pixels(floatv value, __global float *y, const int *at, int is_run, int n)
{
    if (is_run && n == VECTOR) {
        vstorev(value, y + at[0]);
        return;
    }
    float lanes[VECTOR];
    vstorev(value, lanes);
    for (int i = 0; i < n; i++)
        y[at[i]] = lanes[i];
}

#if CHANNELS_LAST
/* `channels` of n pixels; offset, inside and weight are those of square_taps. */
static inline void sample_lanes(__global const float *x, const samplei *offset, const samplei *inside, const samplef *weight,
                                int channels, int x_channel, __global float *y, const int *place, int is_run, int y_channel, int n)
{
    int at[TAPS][VECTOR], mask[TAPS][VECTOR];
    float share[TAPS][VECTOR], tile[VECTOR * VECTOR];
    (void)x_channel;
    for (int i = 0; i < TAPS; i++) {
        vstore_intv(offset[i], at[i]);
        vstore_intv(inside[i], mask[i]);
        vstorev(weight[i], share[i]);
    }
    for (int channel = 0; channel < channels; channel += VECTOR) {
        int some = min(VECTOR, channels - channel);
        for (int pixel = 0; pixel < n; pixel++) {
            floatv sum = (floatv)(0.0f);
            UNROLL for (int i = 0; i < TAPS; i++) {
                __global const float *from = x + at[i][pixel] + channel;
                floatv value = some == VECTOR ? vloadv(from) : vload_some(from, some);
                sum += share[i][pixel] * as_floatv(as_intv(value) & mask[i][pixel]);
            }
            if (y_channel != 1)
                vstorev(sum, tile + pixel * VECTOR);
            else if (some == VECTOR)
                vstorev(sum, y + place[pixel] + channel);
            else
                vstore_some(sum, y + place[pixel] + channel, some);
        }
        for (int i = 0; y_channel != 1 && i < some; i++) {
            float lanes[VECTOR];
            for (int pixel = 0; pixel < VECTOR; pixel++)
                lanes[pixel] = tile[(pixel < n ? pixel : 0) * VECTOR + i];
            store_pixels(vloadv(lanes), y + (channel + i) * y_channel, place, is_run, n);
        }
    }
}
#else
static inline floatv gather(__global const float *from, const int *at)
{
    float lanes[VECTOR];
    UNROLL for (int i = 0; i < VECTOR; i++)
        lanes[i] = from[at[i]];
    return vloadv(lanes);
}

/* `channels` of n pixels; offset, inside and weight are those of square_taps. */
static inline void sample_lanes(__global const float *x, const samplei *offset, const samplei *inside, const samplef *weight,
                                int channels, int x_channel, __global float *y, const int *place, int is_run, int y_channel, int n)
{
    int at[TAPS][VECTOR];
    for (int i = 0; i < TAPS; i++)
        vstore_intv(offset[i], at[i]);
    for (int channel = 0; channel < channels; channel++, x += x_channel, y += y_channel) {
        floatv sum = (floatv)(0.0f);
        UNROLL for (int i = 0; i < TAPS; i++)
            sum += weight[i] * as_floatv(as_intv(gather(x, at[i])) & inside[i]);
        store_pixels(sum, y, place, is_run, n);
    }
}
#endif

__kernel SINGLE void sample(__global const float *x_buffer, uint x_offset, __global const float *source_buffer, uint source_offset,
                            __global float *y_buffer, uint y_offset, int is_warp, int padding, int align_corners, int channels,
                            int height, int width, int rows, int columns, int x_image, int x_channel, int x_row, int x_column,
                            int source_image, int source_row, int source_column, int source_component, int y_image, int y_channel,
                            int y_row, int y_column, int channels_each, int pixels_each)
{
    int first_channel = (int)get_group_id(1) * channels_each, last_channel = min(first_channel + channels_each, channels);
    int first = (int)get_group_id(0) * pixels_each, last = min(first + pixels_each, rows * columns), image = (int)get_group_id(2);
    __global const float *x = x_buffer + x_offset + image * x_image + first_channel * x_channel;
    __global const float *source = source_buffer + source_offset + image * source_image;
    __global float *y = y_buffer + y_offset + image * y_image + first_channel * y_channel;
    int is_run = y_column == 1 && y_row == columns;
    for (int pixel = first; pixel < last; pixel += VECTOR) {
        int n = min(VECTOR, last - pixel), row[VECTOR], column[VECTOR], place[VECTOR];
        samplei offset[TAPS], inside[TAPS];
        samplef weight[TAPS], point_x, point_y;
        pixel_places(pixel, n, columns, row, column);
        sample_points(source, is_warp, align_corners, row, column, n, rows, columns, source_row, source_column, source_component,
                      &point_x, &point_y);
        square_taps(point_x, point_y, height, width, padding, align_corners, x_row, x_column, offset, inside, weight);
        vstore_intv(vload_intv(row) * y_row + vload_intv(column) * y_column, place);
        sample_lanes(x, offset, inside, weight, last_channel - first_channel, x_channel, y, place, is_run, y_channel, n);
    }
}
