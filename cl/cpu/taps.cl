/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taps.cl: convolution and matrix product for CPU devices, as a sum over a list of taps.
 *
 *   y[p][o] = act(bias[o] + residual[p][o] + sum over taps t, channels c of x[p + shift(t)][c] · w[t][c][o])
 *
 * The planner (ops/taps.c) cuts the output into rectangles whose pixels all have the same taps inside the picture, so padding costs
 * nothing, and cuts these into tasks of at most PIXELS pixels and one block of BLOCK output channels. A work-item does one task, in
 * register tiles of ROWS pixels × BLOCK channels. A matrix product is the case of one tap.
 *
 * x: any strides, one image's inside an int. y, residual: channel stride 1, any others. w: bias, padded to whole blocks, then
 * [block][tap][channel][BLOCK]; its image stride is 0 where all images share it. table: tasks of TASK ints (enum below), then at
 * `taps_at` pairs (shift in elements of x, tap number).
 *
 * -DVECTOR: floats in a vector; -DROWS, -DVECTORS: the register tile, ROWS × VECTORS vectors; -DACTIVATION: enum plugcl_activation;
 * -DPIXELS: most pixels of a task, a multiple of ROWS; -DDEPTH: how many products are summed before the tile returns to memory.
 */
#include "vector.h"
#include "activation.h"

#ifndef ROWS
#define ROWS 6
#endif
#ifndef VECTORS
#define VECTORS 2
#endif
#ifndef PIXELS
#define PIXELS (32 * ROWS)
#endif
#ifndef DEPTH
#define DEPTH 512
#endif
#define BLOCK (VECTOR * VECTORS)

enum { FIRST_TAP, TAPS, BLOCK_NUMBER, TOP, LEFT, WIDTH, FIRST_PIXEL, COUNT, TASK };

/* Rows of a finished tile, which is still near, with what comes after the sum. */
static inline void store_rows(const __private floatv *tile, int rows, int left, const __private int *y_at, __global float *y,
                              const __private int *residual_at, __global const float *residual, int has_residual, float alpha,
                              float beta)
{
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < VECTORS; j++) {
            const int n = left - j * VECTOR;
            floatv sum = tile[i * VECTORS + j];
            if (n >= VECTOR) {
                if (has_residual)
                    sum += vloadv(residual + residual_at[i] + VECTOR * j);
                vstorev(activatev(sum, alpha, beta), y + y_at[i] + VECTOR * j);
            } else if (n > 0) {
                if (has_residual)
                    sum += vload_some(residual + residual_at[i] + VECTOR * j, n);
                vstore_some(activatev(sum, alpha, beta), y + y_at[i] + VECTOR * j, n);
            }
        }
    }
}

SINGLE __kernel void taps(__global const float *restrict x_buffer, uint x_offset, __global const float *restrict w_buffer,
                          uint w_offset, __global const float *restrict residual_buffer, uint residual_offset,
                          __global float *restrict y_buffer, uint y_offset, __global const int *restrict table, int taps_at,
                          int channels, int outputs, int kernel_taps, int w_image, int x_image, int x_row, int x_pixel,
                          int x_channel, int y_image, int y_row, int y_pixel, int has_residual, int residual_image,
                          int residual_row, int residual_pixel, float alpha, float beta)
{
    __private floatv sums[PIXELS * VECTORS];
    __private int x_at[PIXELS], y_at[PIXELS], residual_at[PIXELS];
    __global const int *task = table + (size_t)get_group_id(0) * TASK;
    const size_t image = get_group_id(1);
    const int n_taps = task[TAPS], block = task[BLOCK_NUMBER], count = task[COUNT];
    const int blocks = (outputs + BLOCK - 1) / BLOCK, groups = (count + ROWS - 1) / ROWS;
    __global const int *tap_list = table + taps_at + 2 * task[FIRST_TAP];
    __global const float *x = x_buffer + x_offset + image * x_image;
    __global const float *bias = w_buffer + w_offset + image * w_image + (size_t)block * BLOCK;
    __global const float *w_block = w_buffer + w_offset + image * w_image + (size_t)blocks * BLOCK +
                                    (size_t)block * kernel_taps * channels * BLOCK;
    __global float *y = y_buffer + y_offset + image * y_image + block * BLOCK;
    __global const float *residual = residual_buffer + residual_offset + image * residual_image + block * BLOCK;

    /* The last tile's spare rows repeat the last pixel; their sums are not stored. */
    for (int i = 0; i < groups * ROWS; i++) {
        const int at = task[FIRST_PIXEL] + min(i, count - 1);
        const int down = at / task[WIDTH], row = task[TOP] + down, column = task[LEFT] + at - down * task[WIDTH];
        x_at[i] = row * x_row + column * x_pixel;
        y_at[i] = row * y_row + column * y_pixel;
        residual_at[i] = row * residual_row + column * residual_pixel;
    }

    /* Several taps in one pass while their channels are few, else one tap's channels in several passes. */
    const int taps_a_pass = max(1, DEPTH / channels), one_pass = n_taps <= taps_a_pass && channels <= DEPTH;
    int tap0 = 0;
    do {
        const int tap1 = min(tap0 + taps_a_pass, n_taps);
        for (int channel0 = 0; channel0 < channels; channel0 += DEPTH) {
            const int depth = min(DEPTH, channels - channel0), is_last = tap1 == n_taps && channel0 + depth == channels;
            for (int group = 0; group < groups; group++) {
                __private floatv *tile = sums + (one_pass ? 0 : group * ROWS * VECTORS);
                floatv c[ROWS][VECTORS];
                if (tap0 == 0 && channel0 == 0) {
                    UNROLL for (int i = 0; i < ROWS; i++)
                        UNROLL for (int j = 0; j < VECTORS; j++)
                            c[i][j] = vloadv(bias + VECTOR * j);
                } else {
                    UNROLL for (int i = 0; i < ROWS; i++)
                        UNROLL for (int j = 0; j < VECTORS; j++)
                            c[i][j] = tile[i * VECTORS + j];
                }
                for (int tap = tap0; tap < tap1; tap++) {
                    __global const float *w = w_block + ((size_t)tap_list[2 * tap + 1] * channels + channel0) * BLOCK;
                    __global const float *a[ROWS];
                    UNROLL for (int i = 0; i < ROWS; i++)
                        a[i] = x + ((long)x_at[group * ROWS + i] + tap_list[2 * tap] + (long)channel0 * x_channel);
                    for (int k = 0; k < depth; k++) {
                        floatv b[VECTORS];
                        UNROLL for (int j = 0; j < VECTORS; j++)
                            b[j] = vloadv(w + VECTOR * j);
                        UNROLL for (int i = 0; i < ROWS; i++) {
                            const floatv pixel = (floatv)(a[i][(long)k * x_channel]);
                            UNROLL for (int j = 0; j < VECTORS; j++)
                                c[i][j] = fma(pixel, b[j], c[i][j]);
                        }
                        w += BLOCK;
                    }
                }
                UNROLL for (int i = 0; i < ROWS; i++)
                    UNROLL for (int j = 0; j < VECTORS; j++)
                        tile[i * VECTORS + j] = c[i][j];
                if (is_last)
                    store_rows(tile, min(ROWS, count - group * ROWS), outputs - block * BLOCK, y_at + group * ROWS, y,
                               residual_at + group * ROWS, residual, has_residual, alpha, beta);
            }
        }
        tap0 = tap1;
    } while (tap0 < n_taps);
}
