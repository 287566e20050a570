/* SPDX-License-Identifier: Apache-2.0 */
/*
 * winograd.cl: convolution of 3 × 3 taps and stride 1 for CPU devices, by Winograd's method (winograd.h) in two launches.
 *
 * For layers whose weights outgrow a core's cache: all patches are transformed first, so that the products read each weight once
 * for many tiles. Bounds: the transforms move patches and sums through the caches, about 20 multiply-adds a channel and tile each;
 * the products are TILE² · 9 / SIDE² times fewer than the convolution's, near the multiply-add peak from about 16 tiles on.
 *
 * w: bias padded to whole blocks, a pixel of zeros padded to 16 floats, weights as in winograd.h. list: as there. patches, sums: as
 * there; `first` is the tile that patches begin with. -D: of winograd.h, vector.h and activation.h.
 */
#include "vector.h"
#include "activation.h"
#include "winograd.h"

/* A group transforms `share` tiles. */
SINGLE __kernel void winograd_patches(__global const float *restrict x_buffer, uint x_offset,
                                      __global const float *restrict w_buffer, uint w_offset,
                                      __global float *restrict patches_buffer, uint patches_offset,
                                      __global const int *restrict list, int first, int tiles, int share, int plane)
{
    const int begin = (int)get_group_id(0) * share, end = min(begin + share, tiles), outputs = list[OUTPUTS];
    __global const float *zeros = w_buffer + w_offset + (outputs + BLOCK - 1) / BLOCK * BLOCK;
    for (int tile = begin; tile < end; tile++)
        read_patch(list, first + tile, x_buffer + x_offset, zeros,
                   patches_buffer + patches_offset + (size_t)tile * list[PATCH_ROW], plane);
}

/* A group has sums of its own and does its share of the tasks: `share` tiles by `wide` blocks, the last of each perhaps fewer. */
SINGLE __kernel void winograd_products(__global const float *restrict patches_buffer, uint patches_offset,
                                       __global const float *restrict w_buffer, uint w_offset,
                                       __global const float *restrict residual_buffer, uint residual_offset,
                                       __global float *restrict y_buffer, uint y_offset, __global float *restrict sums_buffer,
                                       uint sums_offset, __global const int *restrict list, int first, int tiles, int share,
                                       int wide, int plane, int sums_plane, float alpha, float beta)
{
    const int outputs = list[OUTPUTS], blocks = (outputs + BLOCK - 1) / BLOCK, channels = list[CHANNELS], row = list[PATCH_ROW];
    const int columns = (blocks + wide - 1) / wide, tasks = (tiles + share - 1) / share * columns;
    const int group = (int)get_group_id(0), groups = (int)get_num_groups(0);
    __global const float *bias = w_buffer + w_offset, *w = bias + blocks * BLOCK + (channels + 15) / 16 * 16;
    __global float *sums = sums_buffer + sums_offset + (size_t)group * PLANES * sums_plane;
    for (int task = (int)((long)tasks * group / groups); task < (int)((long)tasks * (group + 1) / groups); task++) {
        const int block = task % columns * wide, begin = task / columns * share, count = min(share, tiles - begin);
        const int at = block * BLOCK, some = min(wide, blocks - block), width = some * BLOCK;
        multiply(patches_buffer + patches_offset + (size_t)begin * row, plane, row, count, channels,
                 w + (size_t)at * PLANES * channels, bias + at, some, sums, sums_plane);
        for (int tile = 0; tile < count; tile++)
            write_tile(list, first + begin + tile, sums + (size_t)tile * width, sums_plane, width, outputs - at,
                       residual_buffer + residual_offset + at, y_buffer + y_offset + at, alpha, beta);
    }
}
