/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spatial gate for any strides and any device: one work-item for each pixel.
 *
 *   map       [N][2][H·W]: mean, max over the channels of x, or of x · channel gate (has_channel)
 *   spatial   [N][H·W]: the gate
 *   window    [2][K][K] with strides, its first plane for the mean, or, with max_first, for the max
 *
 * Bound: reading x once; the window reads the map from the cache.
 *
 *   -DHARD_GATE=0|1
 */
#include "types.h"
#include "activation.h"

__kernel void map(__global const float *x_buffer, uint x_offset, __global const float *channel_buffer, uint channel_offset,
                  __global float *map_buffer, uint map_offset, int images, int channels, int height, int width, int x_image,
                  int x_channel, int x_row, int x_column, int channel_image, int channel_step, int has_channel)
{
    int pixel = (int)get_global_id(0), image = (int)get_global_id(1), pixels = height * width;
    if (pixel >= pixels || image >= images)
        return;
    int row = pixel / width, column = pixel - row * width;
    __global const float *x = x_buffer + x_offset + (size_t)image * x_image + (size_t)row * x_row + (size_t)column * x_column;
    float sum = 0.0f, most = -INFINITY;
    for (int c = 0; c < channels; c++) {
        float v = x[(size_t)c * x_channel];
        if (has_channel)
            v *= channel_buffer[channel_offset + (size_t)image * channel_image + (size_t)c * channel_step];
        sum += v;
        most = larger_or_nan(v, most);
    }
    __global float *to = map_buffer + map_offset + (size_t)image * 2 * pixels + pixel;
    to[0] = sum / (float)channels;
    to[pixels] = most;
}

__kernel void window(__global const float *map_buffer, uint map_offset, __global float *spatial_buffer, uint spatial_offset,
                     __global float *gate_buffer, uint gate_offset, __global const float *weight_buffer, uint weight_offset,
                     __global const float *bias_buffer, uint bias_offset, int images, int height, int width, int kernel_size,
                     int weight_plane, int weight_row, int weight_column, int max_first, int has_bias, int gate_image, int gate_row,
                     int gate_column, int has_gate, float gate_alpha, float gate_beta)
{
    int column = (int)get_global_id(0), row = (int)get_global_id(1), image = (int)get_global_id(2), radius = kernel_size / 2;
    if (column >= width || row >= height || image >= images)
        return;
    float sum = has_bias ? bias_buffer[bias_offset] : 0.0f;
    for (int plane = 0; plane < 2; plane++) {
        __global const float *map = map_buffer + map_offset + ((size_t)image * 2 + plane) * (size_t)(height * width);
        __global const float *weights = weight_buffer + weight_offset + (size_t)(max_first ? 1 - plane : plane) * weight_plane;
        for (int i = max(0, radius - row); i < min(kernel_size, height + radius - row); i++)
            for (int j = max(0, radius - column); j < min(kernel_size, width + radius - column); j++)
                sum += weights[i * weight_row + j * weight_column] * map[(row + i - radius) * width + column + j - radius];
    }
    float value = gate(sum, gate_alpha, gate_beta);
    spatial_buffer[spatial_offset + ((size_t)image * height + row) * width + column] = value;
    if (has_gate)
        gate_buffer[gate_offset + (size_t)image * gate_image + (size_t)row * gate_row + (size_t)column * gate_column] = value;
}
