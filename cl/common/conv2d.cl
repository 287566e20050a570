/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv2d.cl: convolution straight from its definition, one work-item for each output; serves whatever no other kernel does.
 *
 * All operands have any strides: x, y and residual {image, channel, row, pixel}, w {output, input, row, column}. They come in
 * `table` (enum below), with the sizes, since some devices take few kernel arguments. Beside its outputs' strides a group's weights
 * begin W_GROUP further: 0 but in transposed convolutions. `bias_stride` is from an output's bias to the next one's. Outputs are
 * numbered [row][pixel][channel] in dimension 0, so that neighbours write neighbours in NHWC; dimension 1 is the image.
 *
 * Bound: none is aimed at: an FMA has two loads, mostly from the cache.
 *
 * -DACTIVATION: enum plugcl_activation.
 */
#include "types.h"
#include "activation.h"

enum { SIZE_OUTPUTS, SIZE_OUT_HEIGHT, SIZE_OUT_WIDTH, SIZE_GROUP_INPUTS, SIZE_GROUP_OUTPUTS, SIZE_HEIGHT, SIZE_WIDTH, KERNEL_HEIGHT,
       KERNEL_WIDTH, STRIDE_Y, STRIDE_X, DILATION_Y, DILATION_X, PAD_TOP, PAD_LEFT, X_STRIDES, W_STRIDES = X_STRIDES + 4,
       Y_STRIDES = W_STRIDES + 4, RESIDUAL_STRIDES = Y_STRIDES + 4, W_GROUP = RESIDUAL_STRIDES + 4 };

__kernel void conv2d(__global const float *x_buffer, uint x_offset, __global const float *w_buffer, uint w_offset,
                     __global const float *bias_buffer, uint bias_offset, __global const float *residual_buffer,
                     uint residual_offset, __global float *y_buffer, uint y_offset, __global const int *table, int has_bias,
                     int bias_stride, int has_residual, float alpha, float beta)
{
    const int at = (int)get_global_id(0), outputs = table[SIZE_OUTPUTS], out_width = table[SIZE_OUT_WIDTH];
    if (at >= outputs * out_width * table[SIZE_OUT_HEIGHT])
        return;
    const long image = (long)get_global_id(1);
    /* Remainders by subtraction: oclgrind does not know what a remainder beside its quotient is compiled to. */
    const int place = at / outputs, output = at - place * outputs, row = place / out_width, column = place - row * out_width;
    const int group_inputs = table[SIZE_GROUP_INPUTS], group = output / table[SIZE_GROUP_OUTPUTS], channel0 = group * group_inputs;
    const int top = row * table[STRIDE_Y] - table[PAD_TOP], left = column * table[STRIDE_X] - table[PAD_LEFT];
    __global const int *xs = table + X_STRIDES, *ws = table + W_STRIDES, *ys = table + Y_STRIDES, *rs = table + RESIDUAL_STRIDES;
    __global const float *x = x_buffer + x_offset + image * xs[0] + (long)channel0 * xs[1];
    __global const float *w = w_buffer + w_offset + (long)output * ws[0] + (long)group * table[W_GROUP];

    float sum = 0.0f;
    for (int ky = 0; ky < table[KERNEL_HEIGHT]; ky++) {
        const int in_row = top + ky * table[DILATION_Y];
        if (in_row < 0 || in_row >= table[SIZE_HEIGHT])
            continue;
        for (int kx = 0; kx < table[KERNEL_WIDTH]; kx++) {
            const int in_column = left + kx * table[DILATION_X];
            if (in_column < 0 || in_column >= table[SIZE_WIDTH])
                continue;
            __global const float *x_tap = x + (long)in_row * xs[2] + (long)in_column * xs[3];
            __global const float *w_tap = w + (long)ky * ws[2] + (long)kx * ws[3];
            for (int channel = 0; channel < group_inputs; channel++)
                sum += x_tap[(long)channel * xs[1]] * w_tap[(long)channel * ws[1]];
        }
    }
    if (has_bias)
        sum += bias_buffer[bias_offset + (long)output * bias_stride];
    if (has_residual)
        sum += residual_buffer[residual_offset + image * rs[0] + (long)output * rs[1] + (long)row * rs[2] + (long)column * rs[3]];
    y_buffer[y_offset + image * ys[0] + (long)output * ys[1] + (long)row * ys[2] + (long)column * ys[3]] =
        activate(sum, alpha, beta);
}
