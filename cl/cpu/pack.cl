/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack.cl: brings the second operand of a matrix product, [depth, columns] of any strides, into the form that taps.cl reads.
 *
 * w, for each image: a bias of 0 for each column, padded to whole blocks, then [block][depth][BLOCK], 0 past the last column. A
 * work-group packs `piece` (a multiple of VECTOR) of the depth of one block. Where the depth lies side by side, VECTOR x VECTOR
 * elements are transposed in registers.
 *
 * -DVECTOR: floats in a vector; -DVECTORS: of a block.
 */
#include "transpose.h"

#ifndef VECTORS
#define VECTORS 2
#endif
#define BLOCK (VECTOR * VECTORS)

static inline void pack_vector(__global const float *b, __global float *w, int n, int b_column)
{
    vstorev(n >= VECTOR && b_column == 1 ? vloadv(b) : (floatv)(0.0f), w);
    if (n >= VECTOR && b_column == 1)
        return;
    for (int i = 0; i < min(n, VECTOR); i++)
        w[i] = b[(long)i * b_column];
}

SINGLE __kernel void pack(__global const float *restrict b_buffer, uint b_offset, __global float *restrict w_buffer, uint w_offset,
                          int depth, int columns, int b_image, int b_depth, int b_column, int w_image, int piece)
{
    const int block = (int)get_group_id(0), blocks = (int)get_num_groups(0), first = (int)get_group_id(1) * piece;
    const int end = min(first + piece, depth);
    const long image = (long)get_group_id(2);
    __global const float *b = b_buffer + b_offset + image * b_image + (long)block * BLOCK * b_column;
    __global float *bias = w_buffer + w_offset + image * w_image + block * BLOCK;
    __global float *w = w_buffer + w_offset + image * w_image + (long)blocks * BLOCK + (long)block * depth * BLOCK;
    if (first == 0)
        for (int j = 0; j < VECTORS; j++)
            vstorev((floatv)(0.0f), bias + VECTOR * j);
    for (int j = 0; j < VECTORS; j++) {
        const int n = columns - block * BLOCK - j * VECTOR;
        __global const float *from = b + (long)j * VECTOR * b_column;
        int k = first;
        if (b_depth == 1 && n >= VECTOR) {
            for (; k + VECTOR <= end; k += VECTOR) {
                floatv v[VECTOR];
                UNROLL for (int i = 0; i < VECTOR; i++)
                    v[i] = vloadv(from + (long)i * b_column + k);
                transpose_vectors(v);
                UNROLL for (int i = 0; i < VECTOR; i++)
                    vstorev(v[i], w + (long)(k + i) * BLOCK + VECTOR * j);
            }
        }
        for (; k < end; k++)
            pack_vector(from + (long)k * b_depth, w + (long)k * BLOCK + VECTOR * j, n, b_column);
    }
}
