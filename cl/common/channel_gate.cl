/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channel gate for any strides and any device: one work-item for each result of each kernel.
 *
 *   pooled   [N][rows][C]: a row for each pool, or one row that is `share` times their sum (share > 0)
 *   sums     [N][H]: the hidden layer, summed over the rows (the second layer is linear); without a first layer the pools
 *            themselves
 *   gates    [N][C]
 *
 * Bound: reading x once for each pool, from the cache after the first time, and for LSE once more; the layers read their weights
 * once an image.
 *
 *   -DACTIVATION=N   between the layers; -DHARD_GATE=0|1
 */
#include "types.h"
#include "activation.h"
#include "channel_pools.h"

/* Sums go row by row, which keeps the rounding of large planes small. */
static inline float pool_plane(__global const float *x, int height, int width, int x_row, int x_column, int pool, float most)
{
    float value = pool == MAXIMUM ? -INFINITY : 0.0f;
    for (int h = 0; h < height; h++) {
        float row = 0.0f;
        for (int w = 0; w < width; w++) {
            float v = x[(size_t)h * x_row + (size_t)w * x_column];
            if (pool == MAXIMUM)
                value = larger_or_nan(v, value);
            else
                row += pool == AVERAGE ? v : pool == LP ? v * v : exp(v - most);
        }
        value = pool == MAXIMUM ? value : value + row;
    }
    return value;
}

/* Four sums, for the same reason. */
static inline float dot_product(__global const float *a, int a_step, __global const float *b, int count)
{
    float sum0 = 0.0f, sum1 = 0.0f, sum2 = 0.0f, sum3 = 0.0f;
    int i = 0;
    for (; i < count - 3; i += 4) {
        sum0 += a[(size_t)i * a_step] * b[i];
        sum1 += a[(size_t)(i + 1) * a_step] * b[i + 1];
        sum2 += a[(size_t)(i + 2) * a_step] * b[i + 2];
        sum3 += a[(size_t)(i + 3) * a_step] * b[i + 3];
    }
    for (; i < count; i++)
        sum0 += a[(size_t)i * a_step] * b[i];
    return (sum0 + sum1) + (sum2 + sum3);
}

__kernel void pool(__global const float *x_buffer, uint x_offset, __global float *pooled_buffer, uint pooled_offset, int images,
                   int channels, int height, int width, int x_image, int x_channel, int x_row, int x_column, int rows, int pools,
                   float share)
{
    int c = (int)get_global_id(0), image = (int)get_global_id(1);
    if (c >= channels || image >= images)
        return;
    __global const float *x = x_buffer + x_offset + (size_t)image * x_image + (size_t)c * x_channel;
    __global float *pooled = pooled_buffer + pooled_offset + (size_t)image * rows * channels + c;
    float total = 0.0f;
    int row = 0;
    for (int pool = AVERAGE; pool <= LSE; pool *= 2) {
        if (!(pools & pool))
            continue;
        float most = pool == LSE ? pool_plane(x, height, width, x_row, x_column, MAXIMUM, 0.0f) : 0.0f;
        float value = pool_plane(x, height, width, x_row, x_column, pool, most);
        if (pool == AVERAGE)
            value /= (float)height * (float)width;
        else if (pool == LP)
            value = sqrt(value);
        else if (pool == LSE)
            value = most + log(value);
        total += value;
        if (share == 0.0f)
            pooled[row++ * channels] = value;
    }
    if (share > 0.0f)
        pooled[0] = total * share;
}

__kernel void hidden_layer(__global const float *pooled_buffer, uint pooled_offset, __global float *sums_buffer, uint sums_offset,
                           __global const float *weight_buffer, uint weight_offset, __global const float *bias_buffer,
                           uint bias_offset, int images, int channels, int hidden, int rows, int weight_row, int weight_column,
                           int has_bias, int bias_step, float act_alpha)
{
    int j = (int)get_global_id(0), image = (int)get_global_id(1);
    if (j >= hidden || image >= images)
        return;
    __global const float *pooled = pooled_buffer + pooled_offset + (size_t)image * rows * channels;
    __global const float *weights = weight_buffer + weight_offset + (size_t)j * weight_row;
    float total = 0.0f, bias = has_bias ? bias_buffer[bias_offset + (size_t)j * bias_step] : 0.0f;
    for (int row = 0; row < rows; row++) {
        float sum = dot_product(weights, weight_column, pooled + row * channels, channels);
        total += activate(sum + bias, act_alpha, 0.0f);
    }
    sums_buffer[sums_offset + (size_t)image * hidden + j] = total;
}

__kernel void gate_layer(__global const float *sums_buffer, uint sums_offset, __global float *gates_buffer, uint gates_offset,
                         __global float *gate_buffer, uint gate_offset, __global const float *weight_buffer, uint weight_offset,
                         __global const float *bias_buffer, uint bias_offset, int images, int channels, int hidden, int weight_row,
                         int weight_column, int has_bias, int bias_step, int gate_image, int gate_channel, int has_gate,
                         float bias_count, float gate_alpha, float gate_beta)
{
    int c = (int)get_global_id(0), image = (int)get_global_id(1);
    if (c >= channels || image >= images)
        return;
    __global const float *sums = sums_buffer + sums_offset + (size_t)image * hidden;
    __global const float *weights = weight_buffer + weight_offset + (size_t)c * weight_row;
    float sum = has_bias ? bias_buffer[bias_offset + (size_t)c * bias_step] * bias_count : 0.0f;
    float value = gate(sum + dot_product(weights, weight_column, sums, hidden), gate_alpha, gate_beta);
    gates_buffer[gates_offset + (size_t)image * channels + c] = value;
    if (has_gate)
        gate_buffer[gate_offset + (size_t)image * gate_image + (size_t)c * gate_channel] = value;
}
