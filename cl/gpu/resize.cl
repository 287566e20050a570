/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resize.cl: interpolation between pixels, an output a work-item, any strides.
 *
 * Rows and columns are looked up in a table (ops/resize.c): [tap][row] pixels, [tap][row] weights, then the same for columns.
 * Neighbouring work-items are neighbouring channels (`channels_fastest`) or neighbouring columns.
 *
 * Bound: writing y once, and reading x from the cache TAPS · TAPS times.
 *
 *   -DTAPS=1|2|4   pixels along an axis that an output reads: nearest, bilinear, bicubic
 */
#include "types.h"

#ifndef TAPS
#define TAPS 2
#endif

__kernel void resize(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                     __global const int *table, int images, int channels, int rows, int columns, int x_image, int x_channel,
                     int x_row, int x_column, int y_image, int y_channel, int y_row, int y_column, int channels_fastest)
{
    const int fast = (int)get_global_id(0), middle = (int)get_global_id(1), slow = (int)get_global_id(2);
    const int many = channels_fastest ? rows : channels, image = slow / many, other = slow - image * many;
    const int channel = channels_fastest ? fast : other, row = channels_fastest ? other : middle;
    const int column = channels_fastest ? middle : fast;
    if (image >= images || channel >= channels || row >= rows || column >= columns)
        return;
    __global const float *x = x_buffer + x_offset + (long)image * x_image + (long)channel * x_channel;
    __global const int *across = table + 2 * TAPS * rows;
    float sum = 0.0f;
    UNROLL for (int i = 0; i < TAPS; i++) {
        __global const float *from = x + (long)table[i * rows + row] * x_row;
        float line = 0.0f;
        UNROLL for (int j = 0; j < TAPS; j++)
            line += as_float(across[(TAPS + j) * columns + column]) * from[(long)across[j * columns + column] * x_column];
        sum += as_float(table[(TAPS + i) * rows + row]) * line;
    }
    y_buffer[y_offset + (long)image * y_image + (long)channel * y_channel + (long)row * y_row + (long)column * y_column] = sum;
}
