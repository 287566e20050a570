/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taps.cl: convolution and matrix product for CPU devices, as a sum over a list of taps.
 *
 *   y[p][o] = act(bias[o] + residual[p][o] + sum over taps t, channels c of x[p + shift(t)][c] · w[t][c][o])
 *
 * The planner (ops/taps.c) cuts the output into rectangles whose pixels all have the same taps inside the picture, so padding costs
 * nothing, and cuts these into tasks of at most PIXELS pixels and one block of BLOCK output channels. A work-item does one task, in
 * register tiles of ROWS pixels × BLOCK channels: a pass of at most DEPTH products (a tap and a channel each) for all its tiles,
 * while that part of the weights is in the cache, then the next. A matrix product is the case of one tap. It is bound by the FMA
 * units: a product loads VECTORS + ROWS + 2 times for VECTORS · ROWS FMAs.
 *
 * x: any strides, an image's inside an int. y, residual: channel stride 1, any others. w: [tap][channel][BLOCK] for each block,
 * and a bias of BLOCK; tasks say where. With -DPACKS=1 w is a matrix of any strides, w_depth and w_output apart, without a bias:
 * each task brings what a pass needs of it into a panel of that form. table: tasks of TASK ints (enum below), then at `taps_at`
 * pairs (shift in elements of x, tap number). The rectangle of a task goes through images too; where the launch has a second
 * dimension, that is the image.
 *
 * -DVECTOR: floats in a vector; -DROWS, -DVECTORS: the register tile, ROWS × VECTORS vectors; -DACTIVATION: enum plugcl_activation;
 * -DPIXELS: most pixels of a task, a multiple of ROWS; -DDEPTH: how many products are summed before the tile returns to memory.
 */
#include "transpose.h"
#include "activation.h"

#ifndef ROWS
#define ROWS 6
#endif
#ifndef VECTORS
#define VECTORS 2
#endif
#ifndef PIXELS
#define PIXELS (64 * ROWS)
#endif
#ifndef DEPTH
#define DEPTH 512
#endif
#ifndef PACKS
#define PACKS 0
#endif
#define BLOCK (VECTOR * VECTORS)
#if PACKS
#define WEIGHTS_AT(k, j) panel[(k) * VECTORS + (j)]
#else
#define WEIGHTS_AT(k, j) vloadv(w_block + w_from[k] + VECTOR * (j))
#endif

enum { FIRST_TAP, TAPS, WEIGHTS, BIAS, OUTPUT, OUTPUTS, TOP, LEFT, WIDTH, HEIGHT, FIRST_PIXEL, COUNT, TASK };

/* Where the elements of each pixel are; the last tile's spare rows repeat the last pixel, and their sums are not stored. */
static inline void locate_pixels(__global const int *task, int image_stride, int row_stride, int pixel_stride, __private int *at)
{
    const int width = task[WIDTH], height = task[HEIGHT], count = task[COUNT];
    int row = task[FIRST_PIXEL] / width, column = task[FIRST_PIXEL] - row * width, image = row / height, i = 0;
    row -= image * height;
    for (; i < count; i++) {
        at[i] = image * image_stride + (task[TOP] + row) * row_stride + (task[LEFT] + column) * pixel_stride;
        if (++column == width) {
            column = 0;
            if (++row == height) {
                row = 0;
                image++;
            }
        }
    }
    for (; i % ROWS != 0; i++)
        at[i] = at[count - 1];
}

/* Products first … first+depth−1 of a task: where x has its factor, from a pixel's beginning, and where w has its row. */
static inline void list_products(__global const int *tap_list, int channels, int first, int depth, int x_channel,
                                 __private int *x_from, __private int *w_from)
{
    int tap = first / channels, channel = first - tap * channels;
    for (int k = 0; k < depth; tap++, channel = 0) {
        const int count = min(channels - channel, depth - k), shift = tap_list[2 * tap] + channel * x_channel;
        const int row = tap_list[2 * tap + 1] * channels + channel;
        for (int i = 0; i < count; i++) {
            x_from[k + i] = shift + i * x_channel;
            w_from[k + i] = (row + i) * BLOCK;
        }
        k += count;
    }
}

#if PACKS
/* `depth` products of the outputs of a block, as the panel of a pass; 0 past the last output. */
static inline void pack_panel(__global const float *w, int outputs, int depth, int w_depth, int w_output, __private floatv *panel)
{
    if (w_output == 1 && outputs == BLOCK) {
        for (int k = 0; k < depth; k++)
            UNROLL for (int j = 0; j < VECTORS; j++)
                panel[k * VECTORS + j] = vloadv(w + (long)k * w_depth + VECTOR * j);
        return;
    }
    for (int j = 0; j < VECTORS; j++) {
        const int n = outputs - j * VECTOR;
        __global const float *from = w + (long)j * VECTOR * w_output;
        int k = 0;
        for (; w_depth == 1 && n >= VECTOR && k + VECTOR <= depth; k += VECTOR) {
            floatv v[VECTOR];
            UNROLL for (int i = 0; i < VECTOR; i++)
                v[i] = vloadv(from + (long)i * w_output + k);
            transpose_vectors(v);
            UNROLL for (int i = 0; i < VECTOR; i++)
                panel[(k + i) * VECTORS + j] = v[i];
        }
        for (; k < depth; k++) {
            float lanes[VECTOR];
            for (int i = 0; i < VECTOR; i++)
                lanes[i] = i < n ? from[(long)k * w_depth + (long)i * w_output] : 0.0f;
            panel[k * VECTORS + j] = vloadv(lanes);
        }
    }
}
#endif

/* Rows of a finished tile, which is still near, with what comes after the sum. */
static inline void store_rows(const __private floatv *tile, int rows, int outputs, const __private int *y_at, __global float *y,
                              const __private int *residual_at, __global const float *residual, int has_residual, float alpha,
                              float beta)
{
    for (int i = 0; i < rows; i++) {
        __global float *to = y + y_at[i];
        __global const float *add = residual + (has_residual ? residual_at[i] : 0);
        floatv sums[VECTORS];
        UNROLL for (int j = 0; j < VECTORS; j++)
            sums[j] = tile[i * VECTORS + j];
        if (outputs == BLOCK) {
            if (has_residual)
                UNROLL for (int j = 0; j < VECTORS; j++)
                    sums[j] += vloadv(add + VECTOR * j);
            UNROLL for (int j = 0; j < VECTORS; j++)
                vstorev(activatev(sums[j], alpha, beta), to + VECTOR * j);
        } else {
            for (int j = 0; j * VECTOR < outputs; j++) {
                const int n = min(VECTOR, outputs - j * VECTOR);
                floatv sum = tile[i * VECTORS + j];
                if (has_residual)
                    sum += vload_some(add + VECTOR * j, n);
                vstore_some(activatev(sum, alpha, beta), to + VECTOR * j, n);
            }
        }
    }
}

SINGLE __kernel void taps(__global const float *restrict x_buffer, uint x_offset, __global const float *restrict w_buffer,
                          uint w_offset, __global const float *restrict residual_buffer, uint residual_offset,
                          __global float *restrict y_buffer, uint y_offset, __global const int *restrict table, int taps_at,
                          int channels, int w_image, int w_depth, int w_output, int x_image, int x_row, int x_pixel,
                          int x_channel, int y_image, int y_row, int y_pixel, int has_residual, int residual_image,
                          int residual_row, int residual_pixel, float alpha, float beta)
{
    __private floatv sums[PIXELS * VECTORS];
#if PACKS
    __private floatv panel[DEPTH * VECTORS];
#endif
    __private int x_at[PIXELS], y_at[PIXELS], residual_at[PIXELS], x_from[DEPTH], w_from[DEPTH];
    __global const int *task = table + (size_t)get_group_id(0) * TASK;
    const long image = (long)get_group_id(1);
    const int count = task[COUNT], groups = (count + ROWS - 1) / ROWS, outputs = task[OUTPUTS], products = task[TAPS] * channels;
    __global const int *tap_list = table + taps_at + 2 * task[FIRST_TAP];
    __global const float *x = x_buffer + x_offset + image * x_image;
    __global const float *w_block = w_buffer + w_offset + image * w_image + task[WEIGHTS];
    __global const float *bias = w_buffer + w_offset + image * w_image + task[BIAS];
    __global float *y = y_buffer + y_offset + image * y_image + task[OUTPUT];
    __global const float *residual = residual_buffer + residual_offset + image * residual_image + task[OUTPUT];
    const int passes = max(1, (products + DEPTH - 1) / DEPTH), step = (products + passes - 1) / passes;

    locate_pixels(task, x_image, x_row, x_pixel, x_at);
    locate_pixels(task, y_image, y_row, y_pixel, y_at);
    if (has_residual)
        locate_pixels(task, residual_image, residual_row, residual_pixel, residual_at);
    for (int pass = 0; pass < passes; pass++) {
        const int first = pass * step, depth = min(step, products - first);
        list_products(tap_list, channels, first, depth, x_channel, x_from, w_from);
#if PACKS
        pack_panel(w_block + (long)first * w_depth, outputs, depth, w_depth, w_output, panel);
#else
        (void)w_depth;
        (void)w_output;
#endif
        for (int group = 0; group < groups; group++) {
            __private floatv *tile = sums + (passes == 1 ? 0 : group * ROWS * VECTORS);
            __global const float *a[ROWS];
            floatv c[ROWS][VECTORS];
            UNROLL for (int i = 0; i < ROWS; i++)
                a[i] = x + x_at[group * ROWS + i];
            if (pass == 0) {
                UNROLL for (int i = 0; i < ROWS; i++)
                    UNROLL for (int j = 0; j < VECTORS; j++)
                        c[i][j] = PACKS ? (floatv)(0.0f) : vloadv(bias + VECTOR * j);
            } else {
                UNROLL for (int i = 0; i < ROWS; i++)
                    UNROLL for (int j = 0; j < VECTORS; j++)
                        c[i][j] = tile[i * VECTORS + j];
            }
            if (VECTORS > 1 && outputs <= VECTOR) { /* the last block's other vectors are not stored */
                for (int k = 0; k < depth; k++) {
                    const floatv b = WEIGHTS_AT(k, 0);
                    UNROLL for (int i = 0; i < ROWS; i++)
                        c[i][0] = fma((floatv)(a[i][x_from[k]]), b, c[i][0]);
                }
            } else {
                for (int k = 0; k < depth; k++) {
                    const int from = x_from[k];
                    floatv b[VECTORS];
                    UNROLL for (int j = 0; j < VECTORS; j++)
                        b[j] = WEIGHTS_AT(k, j);
                    UNROLL for (int i = 0; i < ROWS; i++) {
                        const floatv pixel = (floatv)(a[i][from]);
                        UNROLL for (int j = 0; j < VECTORS; j++)
                            c[i][j] = fma(pixel, b[j], c[i][j]);
                    }
                }
            }
            UNROLL for (int i = 0; i < ROWS; i++)
                UNROLL for (int j = 0; j < VECTORS; j++)
                    tile[i * VECTORS + j] = c[i][j];
            if (pass == passes - 1)
                store_rows(tile, min(ROWS, count - group * ROWS), outputs, y_at + group * ROWS, y, residual_at + group * ROWS,
                           residual, has_residual, alpha, beta);
        }
    }
}
