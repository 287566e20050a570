/* SPDX-License-Identifier: Apache-2.0 */
/*
 * F.grid_sample, or the same with an affine map in place of the grid: pixels and weights are worked out for VECTOR output pixels at
 * once and serve all channels.
 *
 * A work-group takes `pixels_each` output pixels, counted row by row, and `channels_each` channels of an image. `source` is a grid
 * [N, rows, columns, 2] or, with `is_warp`, theta [N, 2, 3] (strides image, row, column).
 *
 * With CHANNELS_LAST x may be dense planes all the same: where turned_step > 0 a group, which then takes all pixels, first turns
 * its channels into `turned` [N][groups of channels][H·W][turned_step], without a launch of its own. An image has at
 * least VECTOR pixels then.
 *
 * Bound: writing y once, and reading x from the cache TAPS times.
 *
 *   -DMODE=N                enum plugcl_sample_mode
 *   -DCHANNELS_LAST=0|1     0: x has any strides and a lane is an output pixel; 1: the channels of x lie side by side and a lane is
 *                           a channel. y has any strides
 *   -DVECTOR=N              lanes
 */
#include "vector.h"
#include "sample.h"
#include "transpose.h"

#ifndef CHANNELS_LAST
#define CHANNELS_LAST 0
#endif

/* Columns beyond a row's end, by at most VECTOR, become columns of the next ones. */
static inline void wrap_rows(intv *row, intv *column, int columns)
{
    for (int wrapped = 0; wrapped < VECTOR; wrapped += columns) {
        intv beyond = *column >= columns;
        *column -= beyond & columns;
        *row -= beyond; /* −1 where true */
    }
}

static inline floatv affine_row(__global const float *theta, int stride, floatv x, floatv y)
{
    return affine(x, y, theta[0], theta[stride], theta[2 * stride]);
}

/* The normalised coordinates of the pixels at `row` and `column`, the first of which is `pixel`. Rows past the last are read as the
 * last. */
static inline void sample_points(__global const float *source, int is_warp, int align_corners, int pixel, intv row, intv column,
                                 int rows, int columns, int row_stride, int column_stride, int component_stride, floatv *x,
                                 floatv *y)
{
    if (is_warp) {
        floatv base_x = base_coordinate(column, columns, align_corners), base_y = base_coordinate(row, rows, align_corners);
        *x = affine_row(source, column_stride, base_x, base_y);
        *y = affine_row(source + row_stride, column_stride, base_x, base_y);
    } else if (pixel + VECTOR <= rows * columns && component_stride == 1 && column_stride == 2 && row_stride == 2 * columns) {
        floatv low = vloadv(source + 2 * pixel), high = vloadv(source + 2 * pixel + VECTOR);
        *x = (floatv)(low.even, high.even);
        *y = (floatv)(low.odd, high.odd);
    } else {
        int at[VECTOR];
        vstore_intv(min(row, (intv)(rows - 1)) * row_stride + column * column_stride, at);
        *x = vload_at(source, at);
        *y = vload_at(source + component_stride, at);
    }
}

/* n pixels of one channel, at their places or, if `run` is not −1, side by side from there. */
static inline void store_pixels(floatv value, __global float *y, int run, const int *place, int n)
{
    if (run >= 0) {
        vstorev(value, y + run);
        return;
    }
    float lanes[VECTOR];
    vstorev(value, lanes);
    for (int i = 0; i < n; i++)
        y[place[i]] = lanes[i];
}

#if CHANNELS_LAST
/* Planes become rows of `step` floats; the lanes after the last channel hold that one again, and the last vector of pixels takes
 * some of them twice. */
static inline void turn_planes(__global const float *x, int x_channel, int channels, int pixels, __global float *to, int step)
{
    floatv tile[VECTOR];
    for (int channel = 0; channel < channels; channel += VECTOR) {
        for (int next = 0; next < pixels; next += VECTOR) {
            int pixel = min(next, pixels - VECTOR);
            UNROLL for (int i = 0; i < VECTOR; i++)
                tile[i] = vloadv(x + min(channel + i, channels - 1) * x_channel + pixel);
            transpose_vectors(tile);
            UNROLL for (int i = 0; i < VECTOR; i++)
                vstorev(tile[i], to + (pixel + i) * step + channel);
        }
    }
}

static inline void transpose_tile(float *tile)
{
    floatv rows[VECTOR];
    UNROLL for (int i = 0; i < VECTOR; i++)
        rows[i] = vloadv(tile + i * VECTOR);
    transpose_vectors(rows);
    UNROLL for (int i = 0; i < VECTOR; i++)
        vstorev(rows[i], tile + i * VECTOR);
}

/* `channels` of n pixels; offset, inside and weight are those of square_taps. */
static inline void sample_lanes(__global const float *x, const samplei *offset, const samplei *inside, const samplef *weight,
                                int channels, __global float *y, int run, const int *place, int y_channel, int n)
{
    int at[TAPS][VECTOR], mask[TAPS][VECTOR];
    float share[TAPS][VECTOR], tile[VECTOR * VECTOR];
    UNROLL for (int i = 0; i < TAPS; i++) {
        vstore_intv(offset[i], at[i]);
        vstore_intv(inside[i], mask[i]);
        vstorev(weight[i], share[i]);
    }
    for (int channel = 0; channel < channels; channel += VECTOR) {
        int some = min(VECTOR, channels - channel), points = y_channel != 1 ? VECTOR : n; /* a tile is transposed whole */
        for (int pixel = 0; pixel < points; pixel++) {
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
        if (y_channel != 1)
            transpose_tile(tile);
        for (int i = 0; y_channel != 1 && i < some; i++)
            store_pixels(vloadv(tile + i * VECTOR), y + (channel + i) * y_channel, run, place, n);
    }
}
#else
#if MODE == 0
/* Makes the two pixels neighbours, the first on the left, and so for those at the edges too: what is outside has no value. */
static inline void pair_up(struct axis *axis, int size)
{
    intv left = min(axis->index[0], (intv)(size - 2)), swapped = (left != axis->index[0]) | (left == axis->index[1]);
    floatv weight = axis->weight[0];
    intv inside = axis->inside[0];
    axis->index[0] = left;
    axis->index[1] = left + 1;
    axis->weight[0] = select(weight, axis->weight[1], swapped);
    axis->weight[1] = select(axis->weight[1], weight, swapped);
    axis->inside[0] = select(inside, axis->inside[1], swapped);
    axis->inside[1] = select(axis->inside[1], inside, swapped);
}

/* Neighbours, by loads of two; places are not negative. */
static inline void gather_pairs(__global const float *from, const uint *at, floatv *left, floatv *right)
{
    float pairs[2 * VECTOR];
    UNROLL for (int i = 0; i < VECTOR; i++)
        vstore2(vload2(0, from + at[i]), i, pairs);
    floatv low = vloadv(pairs), high = vloadv(pairs + VECTOR);
    *left = (floatv)(low.even, high.even);
    *right = (floatv)(low.odd, high.odd);
}

/*
 * `channels` of n pixels, whose coordinates in pixels are x and y, if all that VECTOR pixels read is inside the image; else false.
 * Most pixels are such, and neither padding nor edges concern them.
 */
static inline bool sample_inside(floatv x, floatv y, int height, int width, int x_row, __global const float *from, int channels,
                                 int x_channel, __global float *to, int run, const int *place, int y_channel, int n)
{
    const floatv left = floor(x), top = floor(y);
    const intv is_inside = (left >= 0.0f) & (left < (float)(width - 1)) & (top >= 0.0f) & (top < (float)(height - 1));
    if (is_any(~is_inside))
        return false;
    const floatv right_share = x - left, low_share = y - top, left_share = 1.0f - right_share, top_share = 1.0f - low_share;
    const floatv weight[TAPS] = { top_share * left_share, top_share * right_share, low_share * left_share,
                                  low_share * right_share };
    uint at[VECTOR];
    JOIN(vstore, VECTOR)(JOIN(as_uint, VECTOR)(to_intv(top) * x_row + to_intv(left)), 0, at);
    for (int channel = 0; channel < channels; channel++, from += x_channel, to += y_channel) {
        floatv value[TAPS];
        gather_pairs(from, at, &value[0], &value[1]);
        gather_pairs(from + x_row, at, &value[2], &value[3]);
        floatv sum = weight[0] * value[0];
        UNROLL for (int i = 1; i < TAPS; i++)
            sum += weight[i] * value[i];
        store_pixels(sum, to, run, place, n);
    }
    return true;
}
#endif

/* `channels` of n pixels; offset, inside and weight are those of square_taps, of neighbours if `paired`. */
static inline void sample_lanes(__global const float *x, const samplei *offset, const samplei *inside, const samplef *weight,
                                int paired, int channels, int x_channel, __global float *y, int run, const int *place,
                                int y_channel, int n)
{
    int at[TAPS][VECTOR];
    (void)paired;
    UNROLL for (int i = 0; i < TAPS; i++)
        vstore_intv(offset[i], at[i]);
    for (int channel = 0; channel < channels; channel++, x += x_channel, y += y_channel) {
        floatv sum = (floatv)(0.0f), value[TAPS];
#if MODE == 0
        if (paired) {
            gather_pairs(x, (const uint *)at[0], &value[0], &value[1]);
            gather_pairs(x, (const uint *)at[2], &value[2], &value[3]);
        } else
#endif
        {
            UNROLL for (int i = 0; i < TAPS; i++)
                value[i] = vload_at(x, at[i]);
        }
        UNROLL for (int i = 0; i < TAPS; i++)
            sum += weight[i] * as_floatv(as_intv(value[i]) & inside[i]);
        store_pixels(sum, y, run, place, n);
    }
}
#endif

__kernel SINGLE void sample(__global const float *x_buffer, uint x_offset, __global const float *source_buffer, uint source_offset,
                            __global float *y_buffer, uint y_offset, int is_warp, int padding, int align_corners, int channels,
                            int height, int width, int rows, int columns, int x_image, int x_channel, int x_row, int x_column,
                            int source_image, int source_row, int source_column, int source_component, int y_image, int y_channel,
                            int y_row, int y_column, int channels_each, int pixels_each, __global float *turned_buffer,
                            uint turned_offset, int turned_step)
{
    int first_channel = (int)get_group_id(1) * channels_each, count = min(channels_each, channels - first_channel);
    int first = (int)get_group_id(0) * pixels_each, last = min(first + pixels_each, rows * columns), image = (int)get_group_id(2);
    __global const float *x = x_buffer + x_offset + image * x_image + first_channel * x_channel;
    __global const float *source = source_buffer + source_offset + image * source_image;
    __global float *y = y_buffer + y_offset + image * y_image + first_channel * y_channel;
#if CHANNELS_LAST
    if (turned_step > 0) {
        __global float *turned = turned_buffer + turned_offset +
                                 (image * (long)get_num_groups(1) + (long)get_group_id(1)) * height * width * turned_step;
        turn_planes(x, x_channel, count, height * width, turned, turned_step);
        x = turned;
        x_column = turned_step;
        x_row = width * turned_step;
    }
#else
    (void)turned_buffer;
    (void)turned_offset;
    (void)turned_step;
#endif
    int first_row = first / columns;
    intv row = (intv)(first_row), column = first - first_row * columns + LANES;
    for (int pixel = first; pixel < last; pixel += VECTOR, column += VECTOR) {
        int n = min(VECTOR, last - pixel), run = n == VECTOR && y_column == 1 && y_row == columns ? pixel : -1, place[VECTOR];
        samplei offset[TAPS], inside[TAPS];
        samplef weight[TAPS], point_x, point_y;
        struct axis vertical, horizontal;
        wrap_rows(&row, &column, columns);
        sample_points(source, is_warp, align_corners, pixel, row, column, rows, columns, source_row, source_column,
                      source_component, &point_x, &point_y);
        if (CHANNELS_LAST || run < 0)
            vstore_intv(row * y_row + column * y_column, place);
#if !CHANNELS_LAST && MODE == 0
        if (x_column == 1 && x_row >= 0 &&
            sample_inside(unnormalise(point_x, width, align_corners), unnormalise(point_y, height, align_corners), height, width,
                          x_row, x, count, x_channel, y, run, place, y_channel, n))
            continue;
#endif
        axis_taps(point_y, height, padding, align_corners, &vertical);
        axis_taps(point_x, width, padding, align_corners, &horizontal);
#if CHANNELS_LAST
        square_taps(&vertical, &horizontal, x_row, x_column, offset, inside, weight);
        sample_lanes(x, offset, inside, weight, count, y, run, place, y_channel, n);
#else
        int paired = 0;
#if MODE == 0
        paired = x_column == 1 && x_row >= 0 && width > 1;
        if (paired)
            pair_up(&horizontal, width);
#endif
        square_taps(&vertical, &horizontal, x_row, x_column, offset, inside, weight);
        sample_lanes(x, offset, inside, weight, paired, count, x_channel, y, run, place, y_channel, n);
#endif
    }
}
