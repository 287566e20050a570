/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map of a spatial gate on GPU devices, any strides of x: the channels of a pixel are shared by `slices` work-items, which
 * reduce through local memory. The window is common/spatial_gate.cl's, the product common/gate.cl's.
 *
 * The work-group is a power of two, `pixels_each` pixels by slices; neighbours are pixels, or channels where those are dense
 * (channels_inner). sums and maxima: local memory, a float for each work-item.
 *   map   [N][2][H·W]: mean, max over the channels of x, or of x · channel gate (has_channel)
 *
 * Bound: reading x once.
 */
#include "types.h"

__kernel void map(__global const float *x_buffer, uint x_offset, __global const float *channel_buffer, uint channel_offset,
                  __global float *map_buffer, uint map_offset, int channels, int height, int width, int x_image, int x_channel,
                  int x_row, int x_column, int channel_image, int channel_step, int has_channel, int pixels_each,
                  int channels_inner,
                  __local float *sums, __local float *maxima)
{
    int item = (int)get_local_id(0), size = (int)get_local_size(0), slices = size / pixels_each, pixels = height * width;
    /* The remainder by subtraction: oclgrind does not know what a remainder beside its quotient is compiled to. */
    int inner = channels_inner ? slices : pixels_each, outer_at = item / inner, inner_at = item - outer_at * inner;
    int place = channels_inner ? outer_at : inner_at, slice = channels_inner ? inner_at : outer_at;
    int pixel = (int)get_group_id(0) * pixels_each + place, image = (int)get_group_id(1);
    int bounded = min(pixel, pixels - 1), row = bounded / width, column = bounded - row * width;
    __global const float *x = x_buffer + x_offset + (size_t)image * x_image + (size_t)row * x_row + (size_t)column * x_column;
    __global const float *channel_gate = channel_buffer + channel_offset + (size_t)image * channel_image;
    float sum = 0.0f, most = -INFINITY;
    for (int c = slice; c < channels; c += slices) {
        float v = x[(size_t)c * x_channel] * (has_channel ? channel_gate[(size_t)c * channel_step] : 1.0f);
        sum += v;
        most = larger_or_nan(v, most);
    }
    int mine = slice * pixels_each + place;
    sums[mine] = sum;
    maxima[mine] = most;
    for (int half_of = size / 2; half_of >= pixels_each; half_of /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item < half_of) {
            sums[item] += sums[item + half_of];
            maxima[item] = larger_or_nan(maxima[item + half_of], maxima[item]);
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (slice == 0 && pixel < pixels) {
        __global float *to = map_buffer + map_offset + (size_t)image * 2 * pixels + pixel;
        to[0] = sums[place] / (float)channels;
        to[pixels] = maxima[place];
    }
}
