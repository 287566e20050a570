/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deform_conv2d.cl: what the taps of a deformed convolution see, one work-item for each channel of a tap of a pixel; neighbours
 * write neighbours. x has any strides. See deform.h for the rest.
 *
 * Bound: writing the columns; x is read from the cache, four pixels a tap.
 */
#include "types.h"
#include "deform.h"

__kernel void deform_columns(__global const float *x_buffer, uint x_offset, __global const float *offset_buffer, uint offset_offset,
                             __global const float *mask_buffer, uint mask_offset, __global float *columns_buffer,
                             uint columns_offset, __global const int *table, int has_mask, int first_row, int pixels)
{
    __global const float *x = x_buffer + x_offset, *offset = offset_buffer + offset_offset, *mask = mask_buffer + mask_offset;
    const int channels = table[CHANNELS], taps = table[KERNEL_HEIGHT] * table[KERNEL_WIDTH], at = (int)get_global_id(0);
    const int pixel = (int)get_global_id(1);
    if (at >= taps * channels || pixel >= pixels)
        return;
    const int tap = at / channels, channel = at - tap * channels, row = pixel / table[OUT_WIDTH];
    struct corners corners;
    find_corners(table, offset, mask, has_mask, channel / table[GROUP_CHANNELS], tap, first_row + row, row,
                 pixel - row * table[OUT_WIDTH], &corners);
    float sum = 0.0f;
    for (int i = 0; i < corners.count; i++)
        sum += corners.share[i] * x[corners.at[i] + channel * table[X_STRIDES]];
    columns_buffer[columns_offset + (long)pixel * taps * channels + at] = sum;
}
