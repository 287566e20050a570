/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv2d.cl: convolution on GPUs as an implicit matrix product in local memory; a linear layer or a 1x1 convolution is a plain one.
 *
 * Rows are the output pixels of all images, columns the output channels. The depth runs over the taps and, within a tap, over quads
 * of channels, the last one filled up with zeros: so a quad of the (never written) patch matrix lies within one tap, and is one
 * vector load where channels are dense. A work-item always loads the same rows, whose pixels it therefore works out once, and goes
 * from tap to tap by counting. Rows of taps that lie in the padding for a whole tile are left out.
 *
 * x, y, residual: any strides, in `table` (enum below) with the sizes. w, quads of 4 outputs: the bias, then
 * [tap][channel][output], with channels and outputs filled up to 4.
 *
 * -DACTIVATION: enum plugcl_activation; the others: tile.h. Bound: FP32 peak on the taps that are not left out.
 */
#include "tile.h"
#include "activation.h"

enum { SIZE_OUTPUTS, SIZE_OUT_HEIGHT, SIZE_OUT_WIDTH, SIZE_CHANNELS, SIZE_HEIGHT, SIZE_WIDTH, KERNEL_HEIGHT, KERNEL_WIDTH, STRIDE_Y,
       STRIDE_X, DILATION_Y, DILATION_X, PAD_TOP, PAD_LEFT, X_STRIDES, Y_STRIDES = X_STRIDES + 4,
       RESIDUAL_STRIDES = Y_STRIDES + 4 };

#define OUTSIDE (-(1 << 30)) /* a pixel so far above the image that no tap reaches it */

struct place {
    int image, row, column;
};

/* Structures come by pointers: oclgrind does not know what a returned one in an unrolled loop is compiled to. */
static inline void find_place(int pixel, __global const int *table, struct place *place)
{
    const int line = pixel / table[SIZE_OUT_WIDTH];
    place->image = line / table[SIZE_OUT_HEIGHT];
    place->row = line - place->image * table[SIZE_OUT_HEIGHT];
    place->column = pixel - line * table[SIZE_OUT_WIDTH];
}

/* Of `table`, what each step needs. */
struct image {
    int height, width, channels, channel_quads, kernel_width, dilation_y, dilation_x, channel_stride, row_stride, column_stride;
};

/* Where in its patches a work-item is: quads of channels into a tap. */
struct tap {
    int y, x, quad;
};

/* By division, where a tap ends: Mesa 22.3's llvmpipe loses what follows a loop that work-items leave at different times. */
static inline void advance(struct tap *tap, int quads, const struct image *image)
{
    tap->quad += quads;
    if (tap->quad >= image->channel_quads) {
        const int taps = tap->quad / image->channel_quads, x = tap->x + taps, rows = x / image->kernel_width;
        tap->quad -= taps * image->channel_quads;
        tap->x = x - rows * image->kernel_width;
        tap->y += rows;
    }
}

/* The rows of taps, first to last + 1, that reach into the image from any pixel of the tile. */
static inline int2 reaching_taps(__global const int *table, int pixel0, int pixels)
{
    struct place first, last;
    find_place(pixel0, table, &first);
    find_place(min(pixel0 + TILE_ROWS, pixels) - 1, table, &last);
    const int dilation = table[DILATION_Y], kernel_height = table[KERNEL_HEIGHT];
    if (first.image != last.image)
        return (int2)(0, kernel_height);
    const int above = table[PAD_TOP] - last.row * table[STRIDE_Y];
    const int below = table[SIZE_HEIGHT] - 1 + table[PAD_TOP] - first.row * table[STRIDE_Y];
    const int from = above > 0 ? (above + dilation - 1) / dilation : 0, to = below < 0 ? 0 : below / dilation + 1;
    return (int2)(min(from, kernel_height), min(to, kernel_height));
}

/* A row of the patch matrix: its image, and where its first tap lies. */
struct patch {
    __global const float *x;
    int top, left;
};

static inline void find_patch(__global const float *x, __global const int *table, int pixel, int pixels, struct patch *patch)
{
    struct place place;
    find_place(min(pixel, pixels - 1), table, &place);
    patch->x = x + (long)place.image * table[X_STRIDES];
    patch->top = pixel < pixels ? place.row * table[STRIDE_Y] - table[PAD_TOP] : OUTSIDE;
    patch->left = place.column * table[STRIDE_X] - table[PAD_LEFT];
}

static inline float4 load_patch(const struct patch *patch, const struct image *image, const struct tap *tap, int end)
{
    const int row = patch->top + tap->y * image->dilation_y, column = patch->left + tap->x * image->dilation_x;
    const int channel = tap->quad * 4;
    if (tap->y >= end || row < 0 || row >= image->height || column < 0 || column >= image->width)
        return (float4)(0.0f);
    return load_quad(patch->x + (channel * image->channel_stride + row * image->row_stride + column * image->column_stride),
                     image->channel_stride, image->channels - channel);
}

struct results {
    __global const float *residual;
    __global float *y;
    int has_residual;
    float alpha, beta;
};

ALWAYS_INLINE void store_results(const struct results *to, __global const int *table, int pixel0, int pixels, int column0,
                                 const float4 *sums)
{
    __global const int *ys = table + Y_STRIDES, *rs = table + RESIDUAL_STRIDES;
    UNROLL for (int i = 0; i < ITEM_ROWS; i++) {
        const int pixel = pixel0 + tile_row(i);
        struct place place;
        find_place(min(pixel, pixels - 1), table, &place);
        __global float *y = to->y + (long)place.image * ys[0] + (long)place.row * ys[2] + (long)place.column * ys[3];
        __global const float *residual =
            to->residual + (long)place.image * rs[0] + (long)place.row * rs[2] + (long)place.column * rs[3];
        UNROLL for (int j = 0; j < ITEM_QUADS; j++) {
            const int output = column0 + tile_column(j), count = pixel < pixels ? table[SIZE_OUTPUTS] - output : 0;
            float4 sum = sums[i * ITEM_QUADS + j];
            if (to->has_residual)
                sum += load_quad(residual + (long)output * rs[1], rs[1], count);
            store_quad(activatev(sum, to->alpha, to->beta), y + (long)output * ys[1], ys[1], count);
        }
    }
}

TILE_GROUP __kernel void conv2d(__global const float *restrict x_buffer, uint x_offset, __global const float4 *restrict w_buffer,
                                uint w_offset, __global const float *restrict residual_buffer, uint residual_offset,
                                __global float *restrict y_buffer, uint y_offset, __global const int *restrict table, int pixels,
                                int first_pixel, int has_residual, float alpha, float beta)
{
    __local float4 left[2][DEPTH * LEFT_PITCH], right[2][DEPTH * RIGHT_PITCH];
    const int item = tile_item(), own_quad = item - item / DEPTH_QUADS * DEPTH_QUADS, own_row = item / DEPTH_QUADS;
    const int column0 = (int)get_group_id(0) * TILE_COLUMNS, pixel0 = first_pixel + (int)get_group_id(1) * TILE_ROWS;
    const int output_quads = (table[SIZE_OUTPUTS] + 3) / 4;
    const struct image image = { table[SIZE_HEIGHT], table[SIZE_WIDTH], table[SIZE_CHANNELS], (table[SIZE_CHANNELS] + 3) / 4,
                                 table[KERNEL_WIDTH], table[DILATION_Y], table[DILATION_X], table[X_STRIDES + 1],
                                 table[X_STRIDES + 2], table[X_STRIDES + 3] };
    const int2 taps = reaching_taps(table, pixel0, pixels);
    const int tap_row = image.kernel_width * image.channel_quads * 4, depth = (taps.y - taps.x) * tap_row;
    __global const float4 *bias = w_buffer + w_offset / 4, *w = bias + output_quads + (long)taps.x * tap_row * output_quads;
    struct patch patches[PIECES(ROW_QUADS)];
    struct tap tap = { taps.x, 0, 0 };
    float4 sums[ITEM_ROWS * ITEM_QUADS], from_x[PIECES(ROW_QUADS)], from_w[PIECES(COLUMN_QUADS)];
    advance(&tap, own_quad, &image);
    UNROLL for (int p = 0; p < PIECES(ROW_QUADS); p++)
        find_patch(x_buffer + x_offset, table, pixel0 + own_row + p * (GROUP / DEPTH_QUADS), pixels, &patches[p]);
    UNROLL for (int j = 0; j < ITEM_QUADS; j++) {
        const int quad = (column0 + tile_column(j)) / 4;
        const float4 begin = quad < output_quads ? bias[quad] : (float4)(0.0f);
        UNROLL for (int i = 0; i < ITEM_ROWS; i++)
            sums[i * ITEM_QUADS + j] = begin;
    }
    /* Step s loads panel s and multiplies panel s - 1. */
    for (int first = 0, at = 0; first < depth + DEPTH; first += DEPTH, at ^= 1) {
        if (first < depth) {
            UNROLL for (int p = 0; p < PIECES(ROW_QUADS); p++)
                from_x[p] = load_patch(&patches[p], &image, &tap, taps.y);
            UNROLL for (int p = 0; p < PIECES(COLUMN_QUADS); p++) {
                const int k = (item + p * GROUP) / COLUMN_QUADS, quad = item + p * GROUP - k * COLUMN_QUADS + column0 / 4;
                from_w[p] = (float4)(0.0f);
                if (k < DEPTH && first + k < depth && quad < output_quads)
                    from_w[p] = w[(long)(first + k) * output_quads + quad];
            }
            advance(&tap, DEPTH_QUADS, &image);
        }
        if (first > 0)
            multiply_panels(left[at ^ 1], right[at ^ 1], RIGHT_PITCH, ITEM_QUADS, sums);
        if (first < depth) {
            UNROLL for (int p = 0; p < PIECES(ROW_QUADS); p++)
                store_transposed(from_x[p], left[at], LEFT_PITCH, own_quad * 4, own_row + p * (GROUP / DEPTH_QUADS));
            UNROLL for (int p = 0; p < PIECES(COLUMN_QUADS); p++) {
                const int k = (item + p * GROUP) / COLUMN_QUADS;
                if (k < DEPTH)
                    right[at][k * RIGHT_PITCH + item + p * GROUP - k * COLUMN_QUADS] = from_w[p];
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    const struct results to = { residual_buffer + residual_offset, y_buffer + y_offset, has_residual, alpha, beta };
    store_results(&to, table, pixel0, pixels, column0, sums);
}
