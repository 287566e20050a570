/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channel gate on GPU devices, any strides of x: pooling by work-groups that reduce through local memory, then one work-group for
 * each image's MLP. Scaling is common/gate.cl's.
 *
 * Work-groups are one-dimensional powers of two. In `pool` they are `lanes` channels (1 for NCHW, more for channels-last, so that
 * neighbours read neighbours) by pixels. Local memory: a float for each work-item.
 *   pooled   [N][rows][C]: a row for each pool, or one row that is `share` times their sum (share > 0)
 *   sums     [N][H]: the hidden layer, summed over the rows (the second layer is linear); without a first layer the pools
 *            themselves
 *   mlp      first [H][C], first bias [H], then second transposed, [H][P], and second bias [P], where P is C rounded up to 32
 *   gates    [N][C]
 *
 * Bound: reading x once for each pool, from the cache after the first time, and for LSE once more; the MLP by the latency of its
 * two layers.
 *
 *   -DACTIVATION=N   between the layers; -DHARD_GATE=0|1
 */
#include "types.h"
#include "activation.h"
#include "channel_pools.h"

static inline float combine(float a, float b, int pool)
{
    if (pool == MAXIMUM)
        return larger_or_nan(b, a);
    return a + b;
}

/* All work-items call; those of a channel get its result. */
static inline float reduce_plane(__global const float *x, int pixels, int width, int x_row, int x_column, int pool, float most,
                                 int lanes, __local float *scratch)
{
    int item = (int)get_local_id(0), size = (int)get_local_size(0), first = item / lanes, lane = item - first * lanes;
    float value = pool == MAXIMUM ? -INFINITY : 0.0f;
    for (int p = first; p < pixels; p += size / lanes) {
        int h = p / width;
        float v = x[(size_t)h * x_row + (size_t)(p - h * width) * x_column];
        value = combine(value, pool == LP ? v * v : pool == LSE ? exp(v - most) : v, pool);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    scratch[item] = value;
    for (int half_of = size / 2; half_of >= lanes; half_of /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item < half_of)
            scratch[item] = combine(scratch[item], scratch[item + half_of], pool);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return scratch[lane];
}

__kernel void pool(__global const float *x_buffer, uint x_offset, __global float *pooled_buffer, uint pooled_offset, int channels,
                   int height, int width, int x_image, int x_channel, int x_row, int x_column, int rows, int pools, float share,
                   int lanes, __local float *scratch)
{
    int item = (int)get_local_id(0), c = (int)get_group_id(0) * lanes + item - item / lanes * lanes, image = (int)get_group_id(1);
    __global const float *x = x_buffer + x_offset + (size_t)image * x_image + (size_t)min(c, channels - 1) * x_channel;
    __global float *pooled = pooled_buffer + pooled_offset + (size_t)image * rows * channels + c;
    bool writes = item < lanes && c < channels;
    int pixels = height * width, row = 0;
    float total = 0.0f;
    for (int pool = AVERAGE; pool <= LSE; pool *= 2) {
        if (!(pools & pool))
            continue;
        float most = pool == LSE ? reduce_plane(x, pixels, width, x_row, x_column, MAXIMUM, 0.0f, lanes, scratch) : 0.0f;
        float value = reduce_plane(x, pixels, width, x_row, x_column, pool, most, lanes, scratch);
        value = pool == AVERAGE ? value / (float)pixels : pool == LP ? sqrt(value) : pool == LSE ? most + log(value) : value;
        total += value;
        if (share == 0.0f && writes)
            pooled[row * channels] = value;
        row++;
    }
    if (share > 0.0f && writes)
        pooled[0] = total * share;
}

/* rows 0: there is no first layer, `sums` are the pools. unit_lanes divides the work-group. */
__kernel void layers(__global const float *pooled_buffer, uint pooled_offset, __global float *sums_buffer, uint sums_offset,
                     __global float *gates_buffer, uint gates_offset, __global float *gate_buffer, uint gate_offset,
                     __global const float *mlp_buffer, uint mlp_offset, int channels, int hidden, int rows, int gate_image,
                     int gate_channel, int has_gate, float bias_count, float act_alpha, float gate_alpha, float gate_beta,
                     int unit_lanes, __local float *scratch)
{
    int item = (int)get_local_id(0), size = (int)get_local_size(0), image = (int)get_group_id(0);
    int unit_at = item / unit_lanes, lane = item - unit_at * unit_lanes, padded = (channels + 31) / 32 * 32;
    __global const float *first = mlp_buffer + mlp_offset, *second = first + (rows > 0
                                                                              ? (size_t)hidden * (size_t)(channels + 1) : 0);
    __global const float *pooled = pooled_buffer + pooled_offset + (size_t)image * rows * channels;
    __global float *sums = sums_buffer + sums_offset + (size_t)image * hidden;
    for (int begin = 0; rows > 0 && begin < hidden; begin += size / unit_lanes) {
        int unit = begin + unit_at, j = min(unit, hidden - 1);
        float total = 0.0f;
        for (int row = 0; row < rows; row++) {
            float sum = 0.0f;
            for (int c = lane; c < channels; c += unit_lanes)
                sum += first[(size_t)j * channels + c] * pooled[row * channels + c];
            barrier(CLK_LOCAL_MEM_FENCE);
            scratch[item] = sum;
            barrier(CLK_LOCAL_MEM_FENCE);
            sum = first[(size_t)hidden * channels + j];
            for (int k = 0; k < unit_lanes; k++)
                sum += scratch[item - lane + k];
            total += activate(sum, act_alpha, 0.0f);
        }
        if (lane == 0 && unit < hidden)
            sums[unit] = total;
    }
    barrier(CLK_GLOBAL_MEM_FENCE);
    for (int c = item; c < channels; c += size) {
        float sum = second[(size_t)hidden * padded + c] * bias_count;
        for (int j = 0; j < hidden; j++)
            sum += second[(size_t)j * padded + c] * sums[j];
        float value = gate(sum, gate_alpha, gate_beta);
        gates_buffer[gates_offset + (size_t)image * channels + c] = value;
        if (has_gate)
            gate_buffer[gate_offset + (size_t)image * gate_image + (size_t)c * gate_channel] = value;
    }
}
