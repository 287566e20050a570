/* SPDX-License-Identifier: Apache-2.0 */
/*
 * depthwise.cl: convolution in which every channel has a filter of its own, for GPUs.
 *
 * A work-item makes COLUMNS neighbouring outputs of a quad of channels, so that neighbours, whose channels are neighbours, read
 * and write whole lines of memory. The pixels that its outputs share along x, and a tap's weights, are loaded once for all of them:
 * with a 3x3 window 18 pixels and 9 weights for 36 products of quads. Rows of taps outside the picture are left out. Dimension 0 of
 * the grid is the quad of channels, 1 the block of columns, 2 the image and the row.
 *
 * x, y, residual: channel stride 1, any others. w, in quads of channels: bias, then [tap], with channels filled up to 4.
 *
 * Bound: reading x and writing y once; rows are read again by the work-items of the rows around, from the cache.
 *
 *   -DKERNEL_WIDTH=N  the window's width, with dilation_x 1; 0: any, in an argument; a pixel is then loaded for each tap
 *   -DSTRIDE_X=N      its step along x, where KERNEL_WIDTH is not 0
 *   -DACTIVATION=N    enum plugcl_activation
 */
#include "vector.h"
#include "activation.h"

#ifndef KERNEL_WIDTH
#define KERNEL_WIDTH 0
#endif
#ifndef STRIDE_X
#define STRIDE_X 1
#endif
#define COLUMNS 4
#define WINDOW_COLUMNS ((COLUMNS - 1) * STRIDE_X + KERNEL_WIDTH)

static inline float4 load_channels(__global const float *from, int count)
{
    return count >= 4 ? vload4(0, from) : vload_some(from, count);
}

static inline void store_channels(float4 value, __global float *to, int count)
{
    if (count >= 4)
        vstore4(value, 0, to);
    else
        vstore_some(value, to, count);
}

/* A pixel of a row of x, 0 outside. */
static inline float4 load_pixel(__global const float *row, int column, int width, int x_pixel, int count)
{
    return column >= 0 && column < width ? load_channels(row + column * x_pixel, count) : (float4)(0.0f);
}

__kernel void depthwise(__global const float *restrict x_buffer, uint x_offset, __global const float4 *restrict w_buffer,
                        uint w_offset, __global const float *restrict residual_buffer, uint residual_offset,
                        __global float *restrict y_buffer, uint y_offset, int channels, int height, int width, int out_height,
                        int out_width, int kernel_height, int kernel_width, int stride_y, int stride_x, int dilation_y,
                        int dilation_x, int pad_top, int pad_left, int x_image, int x_row, int x_pixel, int y_image, int y_row,
                        int y_pixel, int has_residual, int residual_image, int residual_row, int residual_pixel, float alpha,
                        float beta)
{
    const int quad = (int)get_global_id(0), column0 = (int)get_global_id(1) * COLUMNS, quads = (channels + 3) / 4;
    const int image = (int)get_global_id(2) / out_height, row = (int)get_global_id(2) - image * out_height;
    if (quad >= quads || column0 >= out_width)
        return;
    const int count = channels - 4 * quad, top = row * stride_y - pad_top, left = column0 * stride_x - pad_left;
    __global const float *x = x_buffer + x_offset + (long)image * x_image + 4 * quad;
    __global const float4 *w = w_buffer + w_offset / 4 + quad;
    float4 sums[COLUMNS];
    UNROLL for (int j = 0; j < COLUMNS; j++)
        sums[j] = w[0];
    for (int ky = 0; ky < kernel_height; ky++) {
        const int h = top + ky * dilation_y;
        __global const float *line = x + h * x_row;
        __global const float4 *taps = w + (1 + ky * kernel_width) * quads;
        if (h < 0 || h >= height)
            continue;
#if KERNEL_WIDTH
        float4 window[WINDOW_COLUMNS];
        UNROLL for (int j = 0; j < WINDOW_COLUMNS; j++)
            window[j] = load_pixel(line, left + j, width, x_pixel, count);
        UNROLL for (int kx = 0; kx < KERNEL_WIDTH; kx++) {
            const float4 tap = taps[kx * quads];
            UNROLL for (int j = 0; j < COLUMNS; j++)
                sums[j] += tap * window[j * STRIDE_X + kx];
        }
#else
        for (int kx = 0; kx < kernel_width; kx++) {
            const float4 tap = taps[kx * quads];
            UNROLL for (int j = 0; j < COLUMNS; j++)
                sums[j] += tap * load_pixel(line, left + j * stride_x + kx * dilation_x, width, x_pixel, count);
        }
#endif
    }
#if KERNEL_WIDTH
    (void)dilation_x;
#endif
    __global const float *residual = residual_buffer + residual_offset + (long)image * residual_image + row * residual_row;
    __global float *y = y_buffer + y_offset + (long)image * y_image + row * y_row + 4 * quad;
    UNROLL for (int j = 0; j < COLUMNS; j++) {
        if (column0 + j < out_width) {
            if (has_residual)
                sums[j] += load_channels(residual + (column0 + j) * residual_pixel + 4 * quad, count);
            store_channels(activatev(sums[j], alpha, beta), y + (column0 + j) * y_pixel, count);
        }
    }
}
