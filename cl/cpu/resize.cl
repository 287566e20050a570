/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resize.cl: interpolation between pixels for CPU devices.
 *
 * Rows and columns are looked up in a table (ops/resize.c): [tap][row] pixels, [tap][row] weights, then the same for columns. A
 * work-group takes `lines_each` lines and `columns_each` columns of them; a line is a row of an image, and of one channel where
 * lanes are pixels.
 *
 * Bound: writing y once, and reading x from the cache TAPS · TAPS times.
 *
 *   -DTAPS=1|2|4            pixels along an axis that an output reads: nearest, bilinear, bicubic
 *   -DCHANNELS_LAST=0|1     0: a lane is an output pixel, any strides; 1: a lane is a channel, channel strides 1
 *   -DVECTOR=N              lanes
 */
#include "vector.h"

#ifndef TAPS
#define TAPS 2
#endif
#ifndef CHANNELS_LAST
#define CHANNELS_LAST 0
#endif

/* Row and column weights and the places of a line's pixels. */
struct line {
    __global const float *x[TAPS]; /* the input rows */
    float weight[TAPS];
    __global const int *pixels, *weights; /* of the columns, [tap][columns] */
};

#if CHANNELS_LAST
#if TAPS == 1
#define WIDE 4 /* vectors of channels at once */

static inline void copy_channels(__global const float *from, __global float *to, int channels)
{
    int channel = 0;
    for (; channel + WIDE * VECTOR <= channels; channel += WIDE * VECTOR)
        UNROLL for (int k = 0; k < WIDE; k++)
            vstorev(vloadv(from + channel + k * VECTOR), to + channel + k * VECTOR);
    for (; channel + VECTOR <= channels; channel += VECTOR)
        vstorev(vloadv(from + channel), to + channel);
    if (channel < channels)
        vstore_some(vload_some(from + channel, channels - channel), to + channel, channels - channel);
}

static inline void resize_line(const struct line *line, __global float *y, int channels, int first, int last, int columns,
                               int x_column, int y_column)
{
    (void)columns;
    for (int column = first; column < last; column++)
        copy_channels(line->x[0] + (long)line->pixels[column] * x_column, y + (long)column * y_column, channels);
}
#else
static inline void resize_line(const struct line *line, __global float *y, int channels, int first, int last, int columns,
                               int x_column, int y_column)
{
    for (int column = first; column < last; column++) {
        __global const float *x[TAPS * TAPS];
        float weight[TAPS];
        UNROLL for (int j = 0; j < TAPS; j++) {
            weight[j] = as_float(line->weights[j * columns + column]);
            UNROLL for (int i = 0; i < TAPS; i++)
                x[i * TAPS + j] = line->x[i] + (long)line->pixels[j * columns + column] * x_column;
        }
        __global float *to = y + (long)column * y_column;
        for (int channel = 0; channel < channels; channel += VECTOR) {
            const int n = channels - channel;
            floatv sum = (floatv)(0.0f);
            UNROLL for (int i = 0; i < TAPS; i++) {
                floatv row = (floatv)(0.0f);
                UNROLL for (int j = 0; j < TAPS; j++) {
                    __global const float *from = x[i * TAPS + j] + channel;
                    row += weight[j] * (n >= VECTOR ? vloadv(from) : vload_some(from, n));
                }
                sum += line->weight[i] * row;
            }
            if (n >= VECTOR)
                vstorev(sum, to + channel);
            else
                vstore_some(sum, to + channel, n);
        }
    }
}
#endif
#else
/* The pixels and weights of VECTOR columns, or of n. */
static inline void column_taps(const struct line *line, int column, int n, int columns, int x_column, int at[TAPS][VECTOR],
                               floatv weight[TAPS])
{
    UNROLL for (int j = 0; j < TAPS; j++) {
        const int from = j * columns + column;
        if (n == VECTOR) {
            vstore_intv(vload_intv(line->pixels + from) * x_column, at[j]);
            weight[j] = as_floatv(vload_intv(line->weights + from));
            continue;
        }
        float weights[VECTOR];
        for (int k = 0; k < VECTOR; k++) { /* spare lanes repeat the last pixel */
            at[j][k] = line->pixels[from + min(k, n - 1)] * x_column;
            weights[k] = as_float(line->weights[from + min(k, n - 1)]);
        }
        weight[j] = vloadv(weights);
    }
}

static inline void resize_line(const struct line *line, __global float *y, int channels, int first, int last, int columns,
                               int x_column, int y_column)
{
    (void)channels;
    for (int column = first; column < last; column += VECTOR) {
        if (column + VECTOR > last && last - first >= VECTOR)
            column = last - VECTOR; /* the last columns again, in a whole vector */
        const int n = min(VECTOR, last - column);
        int at[TAPS][VECTOR];
        floatv weight[TAPS], sum = (floatv)(0.0f);
        column_taps(line, column, n, columns, x_column, at, weight);
#if TAPS == 1
        (void)weight;
        sum = vload_at(line->x[0], at[0]);
#else
        UNROLL for (int i = 0; i < TAPS; i++) {
            floatv row = (floatv)(0.0f);
            UNROLL for (int j = 0; j < TAPS; j++)
                row += weight[j] * vload_at(line->x[i], at[j]);
            sum += line->weight[i] * row;
        }
#endif
        if (n == VECTOR && y_column == 1) {
            vstorev(sum, y + column);
        } else {
            float lanes[VECTOR];
            vstorev(sum, lanes);
            for (int k = 0; k < n; k++)
                y[(long)(column + k) * y_column] = lanes[k];
        }
    }
}
#endif

SINGLE __kernel void resize(__global const float *restrict x_buffer, uint x_offset, __global float *restrict y_buffer,
                            uint y_offset, __global const int *restrict table, int images, int channels, int rows, int columns,
                            int x_image, int x_channel, int x_row, int x_column, int y_image, int y_channel, int y_row,
                            int y_column, int lines_each, int columns_each)
{
    const int first_line = (int)get_group_id(0) * lines_each, first = (int)get_group_id(1) * columns_each;
    const int planes = CHANNELS_LAST ? 1 : channels, last_line = min(first_line + lines_each, images * planes * rows);
    struct line line;
    line.pixels = table + 2 * TAPS * rows;
    line.weights = line.pixels + TAPS * columns;
    for (int i = first_line; i < last_line; i++) {
        const int plane = i / rows, row = i - plane * rows, image = plane / planes, channel = plane - image * planes;
        __global const float *x = x_buffer + x_offset + (long)image * x_image + (long)channel * x_channel;
        __global float *y = y_buffer + y_offset + (long)image * y_image + (long)channel * y_channel + (long)row * y_row;
        UNROLL for (int j = 0; j < TAPS; j++) {
            line.x[j] = x + (long)table[j * rows + row] * x_row;
            line.weight[j] = as_float(table[(TAPS + j) * rows + row]);
        }
        resize_line(&line, y, channels, first, min(first + columns_each, columns), columns, x_column, y_column);
    }
}
