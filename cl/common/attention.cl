/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attention.cl: what attention needs beside matrix products, for any device.
 *
 * scale: y [images, rows, columns], dense, is x of any strides times a factor.
 */
#include "types.h"

__kernel void scale(__global const float *restrict x_buffer, uint x_offset, __global float *restrict y_buffer, uint y_offset,
                    int rows, int columns, int x_image, int x_row, int x_column, float factor)
{
    const int column = (int)get_global_id(0), row = (int)get_global_id(1);
    const long image = (long)get_global_id(2);
    if (column >= columns || row >= rows)
        return;
    y_buffer[y_offset + (image * rows + row) * columns + column] =
        x_buffer[x_offset + image * x_image + (long)row * x_row + (long)column * x_column] * factor;
}
