/* SPDX-License-Identifier: Apache-2.0 */
/*
 * depthwise.cl: convolution in which every channel has a filter of its own, for CPU devices.
 *
 * Lanes are channels. A work-group takes ROWS rows of one image's output and `channels_each` channels, in blocks of ROWS x COLUMNS
 * pixels whose sums stay in registers: an input pixel is read once for all the taps that use it. Blocks at the picture's edge take
 * zeros for the pixels outside, rows outside are left away; blocks inside have no checks. A window of another width, or a
 * dilation along x, reads a pixel for each tap, with sums of COLUMNS outputs still.
 *
 * x, y, residual: channel stride 1, any others. w: bias, padded to whole vectors, then [tap][padded channel].
 *
 * Bound: two FMAs a cycle from 3x3 on; below that, reading x and writing y once.
 *
 *   -DKERNEL_WIDTH=N  the window's width, with dilation_x 1; 0: any, in an argument
 *   -DSTRIDE_X=N      its step along x, where KERNEL_WIDTH is not 0
 *   -DROWS=N          output rows of a block; above 1, the window is a square of KERNEL_WIDTH with stride_y STRIDE_X, dilation_y 1
 *   -DCOLUMNS=N       output columns of a block
 *   -DVECTOR=N        floats in a vector
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
#ifndef ROWS
#define ROWS 1
#endif
#ifndef COLUMNS
#define COLUMNS 4
#endif
#define WINDOW_COLUMNS ((COLUMNS - 1) * STRIDE_X + KERNEL_WIDTH)

/* One block's vector of channels: pointers to it, and where the block's window begins in the picture. */
struct block {
    __global const float *x; /* at row 0 and column `left` */
    __global const float *w; /* tap 0 */
    int top, left, channels; /* `channels` are left: fewer than VECTOR at the end */
};

struct picture {
    int padded, height, width, kernel_height, kernel_width, stride_x, dilation_y, dilation_x, x_row, x_pixel;
};

static inline floatv load_lanes(__global const float *from, int n)
{
    return n >= VECTOR ? vloadv(from) : vload_some(from, n);
}

#if KERNEL_WIDTH
/* Adds the taps of window row `ky` (of `i`, in blocks of several rows) to the sums. */
static inline void add_row(const struct block *block, const struct picture *p, int i, bool is_inside,
                           floatv sums[ROWS][COLUMNS])
{
    const int y = block->top + i * p->dilation_y;
    if (y < 0 || y >= p->height)
        return;
    __global const float *x = block->x + (long)y * p->x_row;
    floatv pixels[WINDOW_COLUMNS];
    UNROLL for (int j = 0; j < WINDOW_COLUMNS; j++)
        pixels[j] = is_inside || (uint)(block->left + j) < (uint)p->width ? vloadv(x + j * p->x_pixel) : (floatv)(0.0f);
    UNROLL for (int row = 0; row < ROWS; row++) {
        const int ky = i - row * STRIDE_X;
        if (ROWS > 1 && (ky < 0 || ky >= KERNEL_WIDTH))
            continue;
        UNROLL for (int kx = 0; kx < KERNEL_WIDTH; kx++) {
            const floatv w = vloadv(block->w + (ky * KERNEL_WIDTH + kx) * p->padded);
            UNROLL for (int column = 0; column < COLUMNS; column++)
                sums[row][column] = pixels[column * STRIDE_X + kx] * w + sums[row][column];
        }
    }
}

static inline void add_window(const struct block *block, const struct picture *p, bool is_inside, floatv sums[ROWS][COLUMNS])
{
#if ROWS > 1
    UNROLL for (int i = 0; i < (ROWS - 1) * STRIDE_X + KERNEL_WIDTH; i++)
#else
    for (int i = 0; i < p->kernel_height; i++)
#endif
        add_row(block, p, i, is_inside, sums);
}
#else
static inline void add_window(const struct block *block, const struct picture *p, bool is_inside, floatv sums[ROWS][COLUMNS])
{
    for (int ky = 0; ky < p->kernel_height; ky++) {
        const int y = block->top + ky * p->dilation_y;
        if (y < 0 || y >= p->height)
            continue;
        for (int kx = 0; kx < p->kernel_width; kx++) {
            __global const float *x = block->x + (long)y * p->x_row + (long)(kx * p->dilation_x) * p->x_pixel;
            const floatv w = vloadv(block->w + (ky * p->kernel_width + kx) * p->padded);
            UNROLL for (int column = 0; column < COLUMNS; column++) {
                const int at = column * p->stride_x;
                if (is_inside || (uint)(block->left + kx * p->dilation_x + at) < (uint)p->width)
                    sums[0][column] = load_lanes(x + (long)at * p->x_pixel, block->channels) * w + sums[0][column];
            }
        }
    }
}
#endif

SINGLE __kernel void depthwise(__global const float *restrict x_buffer, uint x_offset, __global const float *restrict w_buffer,
                               uint w_offset, __global const float *restrict residual_buffer, uint residual_offset,
                               __global float *restrict y_buffer, uint y_offset, int channels, int height, int width,
                               int out_height, int out_width, int kernel_height, int kernel_width, int stride_y, int stride_x,
                               int dilation_y, int dilation_x, int pad_top, int pad_left, int x_image, int x_row, int x_pixel,
                               int y_image, int y_row, int y_pixel, int has_residual, int residual_image, int residual_row,
                               int residual_pixel, int channels_each, float alpha, float beta)
{
    const int row = (int)get_group_id(0) * ROWS, first = (int)get_group_id(1) * channels_each;
    const int last = min(first + channels_each, channels), padded = (channels + VECTOR - 1) / VECTOR * VECTOR;
    const size_t image = get_group_id(2);
    const struct picture p = { padded, height, width, kernel_height, kernel_width, stride_x, dilation_y, dilation_x,
                               x_row, x_pixel };
    const int span = (COLUMNS - 1) * stride_x + (kernel_width - 1) * dilation_x; /* from a block's first pixel to its last */
    __global const float *residual = residual_buffer + residual_offset + image * residual_image + (long)row * residual_row;
    __global float *y = y_buffer + y_offset + image * y_image + (long)row * y_row;

    for (int column = 0; column < out_width; column += COLUMNS) {
        struct block block = { .top = row * stride_y - pad_top, .left = column * stride_x - pad_left };
        const bool is_inside = block.left >= 0 && block.left + span < width;
        const int columns = min(COLUMNS, out_width - column), rows = min(ROWS, out_height - row);
        for (int channel = first; channel < last; channel += VECTOR) {
            if (channel + VECTOR > last && last - first >= VECTOR)
                channel = last - VECTOR; /* the last channels again, in a whole vector */
            block.channels = last - channel;
            block.x = x_buffer + x_offset + image * x_image + (long)block.left * x_pixel + channel;
            block.w = w_buffer + w_offset + padded + channel;
            const floatv bias = vloadv(w_buffer + w_offset + channel);
            floatv sums[ROWS][COLUMNS];
            UNROLL for (int i = 0; i < ROWS; i++)
                UNROLL for (int j = 0; j < COLUMNS; j++)
                    sums[i][j] = bias;
            if (is_inside)
                add_window(&block, &p, true, sums);
            else
                add_window(&block, &p, false, sums);
            UNROLL for (int i = 0; i < ROWS; i++) {
                UNROLL for (int j = 0; j < COLUMNS; j++) {
                    if (i >= rows || j >= columns)
                        continue;
                    floatv sum = sums[i][j];
                    if (has_residual)
                        sum += load_lanes(residual + (long)i * residual_row + (long)(column + j) * residual_pixel + channel,
                                          block.channels);
                    sum = activatev(sum, alpha, beta);
                    __global float *to = y + (long)i * y_row + (long)(column + j) * y_pixel + channel;
                    if (KERNEL_WIDTH || block.channels >= VECTOR)
                        vstorev(sum, to);
                    else
                        vstore_some(sum, to, block.channels);
                }
            }
        }
    }
}
