/* SPDX-License-Identifier: Apache-2.0 */
/*
 * depthwise.cl: convolution in which every channel has a filter of its own, for CPU devices.
 *
 * Lanes are channels. A work-item does one row of one image's output: for each vector of channels, pixels from left to right, with
 * the taps that are inside the picture.
 *
 * x, y, residual: channel stride 1, any others. w: bias, padded to whole vectors, then [tap][padded channel].
 *
 * -DVECTOR: floats in a vector; -DACTIVATION: enum plugcl_activation.
 */
#include "vector.h"
#include "activation.h"

static inline floatv load_lanes(__global const float *from, int n)
{
    return n >= VECTOR ? vloadv(from) : vload_some(from, n);
}

/* The taps i in *begin … *end−1 have 0 ≤ first + i · dilation < size. */
static inline void taps_inside(int first, int dilation, int size, int kernel_size, int *begin, int *end)
{
    *begin = first < 0 ? (-first + dilation - 1) / dilation : 0;
    *end = first < size ? min(kernel_size, (size - 1 - first) / dilation + 1) : 0;
}

SINGLE __kernel void depthwise(__global const float *restrict x_buffer, uint x_offset, __global const float *restrict w_buffer,
                               uint w_offset, __global const float *restrict residual_buffer, uint residual_offset,
                               __global float *restrict y_buffer, uint y_offset, int channels, int height, int width, int out_width,
                               int kernel_height, int kernel_width, int stride_y, int stride_x, int dilation_y, int dilation_x,
                               int pad_top, int pad_left, int x_image, int x_row, int x_pixel, int y_image, int y_row, int y_pixel,
                               int has_residual, int residual_image, int residual_row, int residual_pixel, float alpha, float beta)
{
    const int row = (int)get_group_id(0), top = row * stride_y - pad_top;
    const size_t image = get_group_id(1);
    const int padded = (channels + VECTOR - 1) / VECTOR * VECTOR;
    __global const float *x = x_buffer + x_offset + image * x_image;
    __global const float *residual = residual_buffer + residual_offset + image * residual_image + (long)row * residual_row;
    __global float *y = y_buffer + y_offset + image * y_image + (long)row * y_row;
    int ky0, ky1;
    taps_inside(top, dilation_y, height, kernel_height, &ky0, &ky1);

    for (int channel = 0; channel < channels; channel += VECTOR) {
        const int n = min(VECTOR, channels - channel);
        __global const float *w = w_buffer + w_offset + channel;
        const floatv bias = vloadv(w);
        w += padded;
        for (int column = 0; column < out_width; column++) {
            const int left = column * stride_x - pad_left;
            int kx0, kx1;
            taps_inside(left, dilation_x, width, kernel_width, &kx0, &kx1);
            floatv sum = bias;
            for (int ky = ky0; ky < ky1; ky++) {
                __global const float *x_tap = x + (long)(top + ky * dilation_y) * x_row + channel;
                for (int kx = kx0; kx < kx1; kx++) {
                    const floatv value = load_lanes(x_tap + (long)(left + kx * dilation_x) * x_pixel, n);
                    sum = fma(value, vloadv(w + (ky * kernel_width + kx) * padded), sum);
                }
            }
            if (has_residual)
                sum += load_lanes(residual + (long)column * residual_pixel + channel, n);
            sum = activatev(sum, alpha, beta);
            if (n == VECTOR)
                vstorev(sum, y + (long)column * y_pixel + channel);
            else
                vstore_some(sum, y + (long)column * y_pixel + channel, n);
        }
    }
}
