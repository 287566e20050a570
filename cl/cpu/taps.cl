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
/* A task's last pixels are done by REST, enough to hide a multiply-add's latency, where a tile of ROWS takes longer. */
#define REST ((8 + VECTORS - 1) / VECTORS)
#define MOST_REST ((ROWS - REST / 2) / REST * REST)
/* An activation of so few instructions that the code may have it once for each vector of a tile. */
#define SHORT_ACTIVATION (ACTIVATION <= 3 || ACTIVATION == 17)
#if PACKS
#define PANEL const __private floatv
#define WEIGHTS_AT(pass, k, j) (pass)->w[(k) * VECTORS + (j)]
#else
#define PANEL __global const float
#define WEIGHTS_AT(pass, k, j) vloadv((pass)->w + (pass)->w_from[k] + VECTOR * (j))
#endif

enum { FIRST_TAP, TAPS, WEIGHTS, BIAS, OUTPUT, OUTPUTS, TOP, LEFT, WIDTH, HEIGHT, FIRST_PIXEL, COUNT, TASK };

/* Where the elements of each pixel are; the last tile's spare rows repeat the last pixel, and their sums are not stored. */
static inline void locate_pixels(__global const int *task, int image_stride, int row_stride, int pixel_stride, __private int *at)
{
    const int width = task[WIDTH], height = task[HEIGHT], count = task[COUNT];
    int row = task[FIRST_PIXEL] / width, column = task[FIRST_PIXEL] - row * width, image = row / height, i = 0;
    row -= image * height;
    while (i < count) {
        const int run = min(width - column, count - i);
        const int first = image * image_stride + (task[TOP] + row) * row_stride + (task[LEFT] + column) * pixel_stride;
        for (int j = 0; j < run; j++)
            at[i + j] = first + j * pixel_stride;
        i += run;
        column = 0;
        if (++row == height) {
            row = 0;
            image++;
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

/* What a task and its kernel's call say about the way from sums to y. */
struct end {
    __global const float *residual;
    __global float *y;
    const __private int *residual_at, *y_at;
    int has_residual, outputs;
    float alpha, beta;
};

/* Rows of a finished tile, from pixel `first` on, with what comes after the sum; the tile is still near. */
static inline void store_rows(const struct end *end, int first, int rows, const __private floatv *tile)
{
    for (int i = 0; i < rows; i++) {
        __global float *to = end->y + end->y_at[first + i];
        __global const float *add = end->residual + (end->has_residual ? end->residual_at[first + i] : 0);
        for (int j = 0; j * VECTOR < end->outputs; j++) {
            const int n = end->outputs - j * VECTOR;
            floatv sum = tile[i * VECTORS + j];
            if (end->has_residual)
                sum += n < VECTOR ? vload_some(add + VECTOR * j, n) : vloadv(add + VECTOR * j);
            sum = activatev(sum, end->alpha, end->beta);
            if (n < VECTOR)
                vstore_some(sum, to + VECTOR * j, n);
            else
                vstorev(sum, to + VECTOR * j);
        }
    }
}

/* What the tiles of a pass have in common. */
struct pass {
    __global const float *x, *bias;
    PANEL *w;
    const __private int *x_at, *x_from, *w_from;
    int depth, is_first, is_last;
};

/*
 * The products of a pass for a register tile of V vectors and of N pixels, of which `left` are to be stored if that is fewer. The
 * tile begins with the bias or goes on from `tile`, to which it returns; after the last pass a whole one is stored from registers
 * where the activation is short.
 */
#define ADD_PRODUCTS(NAME, N, V)                                                                                                   \
    static inline void NAME(const struct pass *pass, const struct end *end, int pixel, int left, __private floatv *tile)           \
    {                                                                                                                              \
        __global const float *a[N];                                                                                                \
        floatv c[N][V];                                                                                                            \
        UNROLL for (int i = 0; i < N; i++)                                                                                         \
            a[i] = pass->x + pass->x_at[pixel + i];                                                                                \
        if (pass->is_first) {                                                                                                      \
            UNROLL for (int i = 0; i < N; i++)                                                                                     \
                UNROLL for (int j = 0; j < V; j++)                                                                                 \
                    c[i][j] = PACKS ? (floatv)(0.0f) : vloadv(pass->bias + VECTOR * j);                                            \
        } else {                                                                                                                   \
            UNROLL for (int i = 0; i < N; i++)                                                                                     \
                UNROLL for (int j = 0; j < V; j++)                                                                                 \
                    c[i][j] = tile[i * VECTORS + j];                                                                               \
        }                                                                                                                          \
        for (int k = 0; k < pass->depth; k++) {                                                                                    \
            const int from = pass->x_from[k];                                                                                      \
            floatv b[V];                                                                                                           \
            UNROLL for (int j = 0; j < V; j++)                                                                                     \
                b[j] = WEIGHTS_AT(pass, k, j);                                                                                     \
            UNROLL for (int i = 0; i < N; i++) {                                                                                   \
                const floatv value = (floatv)(a[i][from]);                                                                         \
                UNROLL for (int j = 0; j < V; j++)                                                                                 \
                    c[i][j] += value * b[j];                                                                                       \
            }                                                                                                                      \
        }                                                                                                                          \
        if (SHORT_ACTIVATION && N == ROWS && V == VECTORS && pass->is_last && left >= N && end->outputs == BLOCK) {                \
            if (end->has_residual)                                                                                                 \
                UNROLL for (int i = 0; i < N; i++)                                                                                 \
                    UNROLL for (int j = 0; j < V; j++)                                                                             \
                        c[i][j] += vloadv(end->residual + end->residual_at[pixel + i] + VECTOR * j);                               \
            UNROLL for (int i = 0; i < N; i++)                                                                                     \
                UNROLL for (int j = 0; j < V; j++)                                                                                 \
                    vstorev(activatev(c[i][j], end->alpha, end->beta), end->y + end->y_at[pixel + i] + VECTOR * j);                \
            return;                                                                                                                \
        }                                                                                                                          \
        UNROLL for (int i = 0; i < N; i++)                                                                                         \
            UNROLL for (int j = 0; j < V; j++)                                                                                     \
                tile[i * VECTORS + j] = c[i][j];                                                                                   \
        if (pass->is_last)                                                                                                         \
            store_rows(end, pixel, min(N, left), tile);                                                                            \
    }
ADD_PRODUCTS(add_to_tile, ROWS, VECTORS)
ADD_PRODUCTS(add_to_rest, REST, VECTORS)
ADD_PRODUCTS(add_to_thin, ROWS, 1) /* where the last block's other vectors are not stored */

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
    const int count = task[COUNT], outputs = task[OUTPUTS], products = task[TAPS] * channels;
    __global const int *tap_list = table + taps_at + 2 * task[FIRST_TAP];
    __global const float *w = w_buffer + w_offset + image * w_image, *w_block = w + task[WEIGHTS];
    const int passes = max(1, (products + DEPTH - 1) / DEPTH), step = (products + passes - 1) / passes;
    const struct end end = { .residual = residual_buffer + residual_offset + image * residual_image + task[OUTPUT],
                             .y = y_buffer + y_offset + image * y_image + task[OUTPUT], .residual_at = residual_at, .y_at = y_at,
                             .has_residual = has_residual, .outputs = outputs, .alpha = alpha, .beta = beta };

    locate_pixels(task, x_image, x_row, x_pixel, x_at);
    locate_pixels(task, y_image, y_row, y_pixel, y_at);
    if (has_residual)
        locate_pixels(task, residual_image, residual_row, residual_pixel, residual_at);
    for (int at = 0; at < passes; at++) {
        const int first = at * step, depth = min(step, products - first);
        const struct pass pass = { .x = x_buffer + x_offset + image * x_image, .bias = w + task[BIAS],
#if PACKS
                                   .w = panel,
#else
                                   .w = w_block,
#endif
                                   .x_at = x_at, .x_from = x_from, .w_from = w_from, .depth = depth, .is_first = at == 0,
                                   .is_last = at == passes - 1 };
        list_products(tap_list, channels, first, depth, x_channel, x_from, w_from);
#if PACKS
        pack_panel(w_block + (long)first * w_depth, outputs, depth, w_depth, w_output, panel);
#else
        (void)w_depth;
        (void)w_output;
#endif
        for (int pixel = 0, rows; pixel < count; pixel += rows) {
            __private floatv *tile = sums + (passes == 1 ? 0 : pixel * VECTORS);
            const int left = count - pixel;
            rows = ROWS;
            if (VECTORS > 1 && outputs <= VECTOR) {
                add_to_thin(&pass, &end, pixel, left, tile);
            } else if (left <= MOST_REST) {
                rows = REST;
                add_to_rest(&pass, &end, pixel, left, tile);
            } else {
                add_to_tile(&pass, &end, pixel, left, tile);
            }
        }
    }
}
