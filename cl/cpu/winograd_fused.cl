/* SPDX-License-Identifier: Apache-2.0 */
/*
 * winograd_fused.cl: convolution of 3 × 3 taps and stride 1 for CPU devices, by Winograd's method (winograd.h) in one launch.
 *
 * For layers whose weights stay in cache: a group takes its tiles in chunks that do too, and does all three parts for a chunk
 * before the next. Bounds as in winograd.cl, without the way through memory.
 *
 * w, list: as in winograd.cl. scratch: for each group patches and sums of a chunk. -D: of winograd.h, vector.h and activation.h.
 */
#include "vector.h"
#include "activation.h"
#include "winograd.h"

/* A group's tiles are a whole number of REST, but for the last ones. */
SINGLE __kernel void winograd(__global const float *restrict x_buffer, uint x_offset, __global const float *restrict w_buffer,
                              uint w_offset, __global const float *restrict residual_buffer, uint residual_offset,
                              __global float *restrict y_buffer, uint y_offset, __global float *restrict scratch_buffer,
                              uint scratch_offset, __global const int *restrict list, int tiles, int chunk, int plane,
                              int sums_plane, float alpha, float beta)
{
    const int outputs = list[OUTPUTS], blocks = (outputs + BLOCK - 1) / BLOCK, channels = list[CHANNELS], row = list[PATCH_ROW];
    const long group = (long)get_group_id(0), groups = (long)get_num_groups(0), quanta = (tiles + REST - 1) / REST;
    const int begin = (int)(quanta * group / groups) * REST, end = min((int)(quanta * (group + 1) / groups) * REST, tiles);
    __global const float *bias = w_buffer + w_offset, *zeros = bias + blocks * BLOCK, *w = zeros + (channels + 15) / 16 * 16;
    __global float *patches = scratch_buffer + scratch_offset + (size_t)group * PLANES * (plane + sums_plane);
    __global float *sums = patches + (size_t)PLANES * plane;
    for (int first = begin; first < end; first += chunk) {
        const int count = min(chunk, end - first);
        for (int tile = 0; tile < count; tile++)
            read_patch(list, first + tile, x_buffer + x_offset, zeros, patches + (size_t)tile * row, plane);
        for (int at = 0; at < outputs; at += BLOCK) {
            multiply(patches, plane, row, count, channels, w + (size_t)at * PLANES * channels, bias + at, 1, sums, sums_plane);
            for (int tile = 0; tile < count; tile++)
                write_tile(list, first + tile, sums + tile * BLOCK, sums_plane, BLOCK, outputs - at,
                           residual_buffer + residual_offset + at, y_buffer + y_offset + at, alpha, beta);
        }
    }
}
