/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resize.cl: interpolation between pixels for CPU devices.
 *
 * Rows and columns are looked up in a table (ops/resize.c): [tap][row] pixels, [tap][row] weights, then the same for columns. A
 * work-group takes `lines_each` lines and `columns_each` columns of them; a line is a row of an image, and of one channel where
 * lanes are pixels.
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

#define vload_intv(from) JOIN(vload, VECTOR)(0, from)

/* Row and column weights and the places of a line's pixels. */
struct line {
    __global const float *x[TAPS]; /* the input rows */
    float weight[TAPS];
    __global const int *pixels, *weights; /* of the columns, [tap][columns] */
};

#if CHANNELS_LAST
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
#else
static inline floatv gather(__global const float *from, const int *at)
{
    float lanes[VECTOR];
    UNROLL for (int i = 0; i < VECTOR; i++)
        lanes[i] = from[at[i]];
    return vloadv(lanes);
}

static inline void resize_line(const struct line *line, __global float *y, int channels, int first, int last, int columns,
                               int x_column, int y_column)
{
    (void)channels;
    for (int column = first; column < last; column += VECTOR) {
        const int n = min(VECTOR, last - column);
        floatv sum = (floatv)(0.0f);
        int at[TAPS][VECTOR];
        float weight[TAPS][VECTOR];
        UNROLL for (int j = 0; j < TAPS; j++) {
            for (int k = 0; k < VECTOR; k++) { /* spare lanes repeat the last pixel */
                const int from = j * columns + column + min(k, n - 1);
                at[j][k] = line->pixels[from] * x_column;
                weight[j][k] = as_float(line->weights[from]);
            }
        }
        UNROLL for (int i = 0; i < TAPS; i++) {
            floatv row = (floatv)(0.0f);
            UNROLL for (int j = 0; j < TAPS; j++)
                row += vloadv(weight[j]) * gather(line->x[i], at[j]);
            sum += line->weight[i] * row;
        }
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
