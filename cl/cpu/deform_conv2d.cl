/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deform_conv2d.cl: what the taps of a deformed convolution see, for CPU devices: a work-item takes `pixels_each` output pixels,
 * and a sample's channels as vectors. x has channel stride 1. See deform.h for the rest.
 *
 * Bound: writing the columns; x is read from the cache, four pixels a tap.
 *
 * -DVECTOR: floats in a vector.
 */
#include "vector.h"
#include "deform.h"

static inline void blend(__global const float *x, const struct corners *corners, int channels, __global float *to)
{
    int channel = 0;
    for (; channel + VECTOR <= channels; channel += VECTOR) {
        floatv sum = (floatv)(0.0f);
        for (int i = 0; i < corners->count; i++)
            sum += corners->share[i] * vloadv(x + corners->at[i] + channel);
        vstorev(sum, to + channel);
    }
    for (; channel < channels; channel++) {
        float sum = 0.0f;
        for (int i = 0; i < corners->count; i++)
            sum += corners->share[i] * x[corners->at[i] + channel];
        to[channel] = sum;
    }
}

SINGLE __kernel void deform_columns(__global const float *x_buffer, uint x_offset, __global const float *offset_buffer,
                                    uint offset_offset, __global const float *mask_buffer, uint mask_offset,
                                    __global float *columns_buffer, uint columns_offset, __global const int *table, int has_mask,
                                    int first_row, int pixels, int pixels_each)
{
    __global const float *x = x_buffer + x_offset, *offset = offset_buffer + offset_offset, *mask = mask_buffer + mask_offset;
    const int channels = table[CHANNELS], group_channels = table[GROUP_CHANNELS], groups = channels / group_channels;
    const int taps = table[KERNEL_HEIGHT] * table[KERNEL_WIDTH], first = (int)get_group_id(0) * pixels_each;
    const int last = min(first + pixels_each, pixels);
    for (int pixel = first; pixel < last; pixel++) {
        const int row = pixel / table[OUT_WIDTH], column = pixel - row * table[OUT_WIDTH];
        __global float *to = columns_buffer + columns_offset + (long)pixel * taps * channels;
        for (int tap = 0; tap < taps; tap++) {
            for (int group = 0; group < groups; group++) {
                struct corners corners;
                find_corners(table, offset, mask, has_mask, group, tap, first_row + row, row, column, &corners);
                blend(x + group * group_channels, &corners, group_channels, to + tap * channels + group * group_channels);
            }
        }
    }
}
