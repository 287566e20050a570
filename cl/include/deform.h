/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deform.h: where a deformed tap of a convolution reads, and the table that its kernels share.
 *
 * Columns are [pixel][tap][channel], dense: row `pixel` holds what the taps of one output pixel see, so that the convolution
 * becomes a matrix product. x, offset and mask begin at the image (offset and mask: at the first output row) that the launch is
 * for.
 */
#ifndef PLUGCL_DEFORM_H
#define PLUGCL_DEFORM_H

enum { CHANNELS, GROUP_CHANNELS, HEIGHT, WIDTH, OUT_WIDTH, KERNEL_HEIGHT, KERNEL_WIDTH, STRIDE_Y, STRIDE_X, DILATION_Y, DILATION_X,
       PAD_TOP, PAD_LEFT, X_STRIDES /* channel, row, pixel */, OFFSET_STRIDES = X_STRIDES + 3, MASK_STRIDES = OFFSET_STRIDES + 3 };

/* The pixels between which a sample lies: elements of x, and their shares. */
struct corners {
    int count, at[4];
    float share[4];
};

static inline void add_corner(struct corners *corners, __global const int *table, int row, int column, float share)
{
    if (row < 0 || row >= table[HEIGHT] || column < 0 || column >= table[WIDTH])
        return;
    corners->at[corners->count] = row * table[X_STRIDES + 1] + column * table[X_STRIDES + 2];
    corners->share[corners->count++] = share;
}

/* The sample of `tap` (of an offset group) at output (row, column): torchvision's bilinear rule, a pixel outside counts 0. A sample
 * that is a pixel or more outside, or not a number, has no corners. */
static inline void find_corners(__global const int *table, __global const float *offset, __global const float *mask, int has_mask,
                                int group, int tap, int out_row, int row, int column, struct corners *corners)
{
    const int taps = table[KERNEL_HEIGHT] * table[KERNEL_WIDTH], ky = tap / table[KERNEL_WIDTH];
    const int kx = tap - ky * table[KERNEL_WIDTH];
    __global const int *strides = table + OFFSET_STRIDES, *mask_strides = table + MASK_STRIDES;
    __global const float *shift = offset + (group * taps + tap) * 2 * strides[0] + row * strides[1] + column * strides[2];
    const float y = (float)(out_row * table[STRIDE_Y] - table[PAD_TOP] + ky * table[DILATION_Y]) + shift[0];
    const float x = (float)(column * table[STRIDE_X] - table[PAD_LEFT] + kx * table[DILATION_X]) + shift[strides[0]];
    const float factor =
        has_mask ? mask[(group * taps + tap) * mask_strides[0] + row * mask_strides[1] + column * mask_strides[2]] : 1.0f;
    corners->count = 0;
    if (!(y > -1.0f && y < (float)table[HEIGHT] && x > -1.0f && x < (float)table[WIDTH]))
        return;
    const int top = (int)floor(y), left = (int)floor(x);
    const float down = y - (float)top, right = x - (float)left;
    add_corner(corners, table, top, left, (1.0f - down) * (1.0f - right) * factor);
    add_corner(corners, table, top, left + 1, (1.0f - down) * right * factor);
    add_corner(corners, table, top + 1, left, down * (1.0f - right) * factor);
    add_corner(corners, table, top + 1, left + 1, down * right * factor);
}

#endif
