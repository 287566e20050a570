/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv2d.cl: convolution and matrix product for GPUs, as an implicit matrix product in local memory.
 *
 * The reduction runs over r = tap · channels + channel. A work-group of ITEMS × ITEMS work-items makes a tile of BLOCK pixels ×
 * BLOCK output channels, SIDE × SIDE of them each: it brings DEPTH columns of the (never written) patch matrix and of the weights
 * to local memory, multiplies, and goes on. A matrix product is the case of one tap.
 *
 * x, y, residual: any strides, in `table` (enum below) with the sizes. w: bias, padded to whole blocks, then
 * [block][tap][channel][BLOCK].
 *
 * -DITEMS: 8 or 16; -DACTIVATION: enum plugcl_activation.
 */
#include "tile.h"
#include "activation.h"

enum { SIZE_OUTPUTS, SIZE_OUT_HEIGHT, SIZE_OUT_WIDTH, SIZE_CHANNELS, SIZE_HEIGHT, SIZE_WIDTH, KERNEL_HEIGHT, KERNEL_WIDTH, STRIDE_Y,
       STRIDE_X, DILATION_Y, DILATION_X, PAD_TOP, PAD_LEFT, X_STRIDES, Y_STRIDES = X_STRIDES + 4,
       RESIDUAL_STRIDES = Y_STRIDES + 4 };

/* Element `r` of the patch whose first input pixel is (top, left); 0 in the padding. */
static inline float patch_element(__global const float *x, __global const int *table, int r, int top, int left)
{
    const int channels = table[SIZE_CHANNELS], tap = r / channels, channel = r - tap * channels;
    const int ky = tap / table[KERNEL_WIDTH], kx = tap - ky * table[KERNEL_WIDTH];
    const int row = top + ky * table[DILATION_Y], column = left + kx * table[DILATION_X];
    __global const int *xs = table + X_STRIDES;
    if (row < 0 || row >= table[SIZE_HEIGHT] || column < 0 || column >= table[SIZE_WIDTH])
        return 0.0f;
    return x[(long)channel * xs[1] + (long)row * xs[2] + (long)column * xs[3]];
}

__attribute__((reqd_work_group_size(ITEMS, ITEMS, 1))) __kernel void conv2d(
    __global const float *restrict x_buffer, uint x_offset, __global const float *restrict w_buffer, uint w_offset,
    __global const float *restrict residual_buffer, uint residual_offset, __global float *restrict y_buffer, uint y_offset,
    __global const int *restrict table, int has_residual, float alpha, float beta)
{
    __local float patches[DEPTH][BLOCK + 1], weights[DEPTH][BLOCK];
    const int item = (int)get_local_id(1) * ITEMS + (int)get_local_id(0);
    const int outputs = table[SIZE_OUTPUTS], out_width = table[SIZE_OUT_WIDTH], pixels = out_width * table[SIZE_OUT_HEIGHT];
    const int block = (int)get_group_id(0), blocks = (outputs + BLOCK - 1) / BLOCK, pixel0 = (int)get_group_id(1) * BLOCK;
    const int reduction = table[SIZE_CHANNELS] * table[KERNEL_HEIGHT] * table[KERNEL_WIDTH];
    const long image = (long)get_group_id(2);
    __global const float *x = x_buffer + x_offset + image * table[X_STRIDES];
    __global const float *bias = w_buffer + w_offset + block * BLOCK;
    __global const float *w = w_buffer + w_offset + (long)blocks * BLOCK + (long)block * reduction * BLOCK;

    float sums[SIDE][SIDE];
    UNROLL for (int i = 0; i < SIDE; i++)
        UNROLL for (int j = 0; j < SIDE; j++)
            sums[i][j] = bias[get_local_id(0) + j * ITEMS];

    for (int r0 = 0; r0 < reduction; r0 += DEPTH) {
        for (int at = item; at < DEPTH * BLOCK; at += GROUP) {
            /* Remainders by subtraction: oclgrind does not know what a remainder beside its quotient is compiled to. */
            const int pixel = at / DEPTH, k = at - pixel * DEPTH, place = pixel0 + pixel, row = place / out_width;
            float value = 0.0f;
            if (r0 + k < reduction && place < pixels)
                value = patch_element(x, table, r0 + k, row * table[STRIDE_Y] - table[PAD_TOP],
                                      (place - row * out_width) * table[STRIDE_X] - table[PAD_LEFT]);
            patches[k][pixel] = value;
        }
        for (int at = item; at < DEPTH * BLOCK; at += GROUP) {
            const int k = at / BLOCK;
            weights[k][at - k * BLOCK] = r0 + k < reduction ? w[(long)r0 * BLOCK + at] : 0.0f;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int k = 0; k < DEPTH; k++) {
            float a[SIDE], b[SIDE];
            UNROLL for (int i = 0; i < SIDE; i++) {
                a[i] = patches[k][get_local_id(1) + i * ITEMS];
                b[i] = weights[k][get_local_id(0) + i * ITEMS];
            }
            UNROLL for (int i = 0; i < SIDE; i++)
                UNROLL for (int j = 0; j < SIDE; j++)
                    sums[i][j] = fma(a[i], b[j], sums[i][j]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }

    __global const int *ys = table + Y_STRIDES, *rs = table + RESIDUAL_STRIDES;
    UNROLL for (int i = 0; i < SIDE; i++) {
        const int pixel = pixel0 + (int)get_local_id(1) + i * ITEMS, row = pixel / out_width, column = pixel - row * out_width;
        UNROLL for (int j = 0; j < SIDE; j++) {
            const int output = block * BLOCK + (int)get_local_id(0) + j * ITEMS;
            if (pixel < pixels && output < outputs) {
                float sum = sums[i][j];
                if (has_residual)
                    sum += residual_buffer[residual_offset + image * rs[0] + (long)output * rs[1] + (long)row * rs[2] +
                                           (long)column * rs[3]];
                y_buffer[y_offset + image * ys[0] + (long)output * ys[1] + (long)row * ys[2] + (long)column * ys[3]] =
                    activate(sum, alpha, beta);
            }
        }
    }
}
