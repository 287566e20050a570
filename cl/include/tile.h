/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tile.h: products in local memory on GPUs. A work-group of ITEMS × ITEMS work-items makes BLOCK × BLOCK elements, SIDE × SIDE of them
 * each, DEPTH products at a time.
 *
 * -DITEMS: 8 or 16.
 */
#ifndef PLUGCL_TILE_H
#define PLUGCL_TILE_H

#include "types.h"

#ifndef ITEMS
#define ITEMS 8
#endif
#define SIDE 4
#define BLOCK (SIDE * ITEMS)
#define DEPTH 16
#define GROUP (ITEMS * ITEMS)

/* BLOCK lines from `line` on x DEPTH elements from `first` on, 0 beyond the last ones. Neighbours load along whichever axis has
 * stride 1. */
static inline void load_tile(__global const float *from, int line, int lines, int first, int depth, int line_stride,
                             int depth_stride, __local float (*tile)[BLOCK + 1])
{
    const int item = (int)get_local_id(1) * ITEMS + (int)get_local_id(0);
    for (int at = item; at < DEPTH * BLOCK; at += GROUP) {
        /* Remainders by subtraction: oclgrind does not know what a remainder beside its quotient is compiled to. */
        const int outer = depth_stride == 1 ? at / DEPTH : at / BLOCK;
        const int l = depth_stride == 1 ? outer : at - outer * BLOCK, k = depth_stride == 1 ? at - outer * DEPTH : outer;
        float value = 0.0f;
        if (line + l < lines && first + k < depth)
            value = from[(long)(line + l) * line_stride + (long)(first + k) * depth_stride];
        tile[k][l] = value;
    }
}

/* What a work-item multiplies at depth k: elements local_id(1) + i · ITEMS of one tile, local_id(0) + i · ITEMS of the other. */
static inline void take_column(int k, __local float (*rows)[BLOCK + 1], __local float (*columns)[BLOCK + 1], float a[SIDE],
                               float b[SIDE])
{
    UNROLL for (int i = 0; i < SIDE; i++) {
        a[i] = rows[k][get_local_id(1) + i * ITEMS];
        b[i] = columns[k][get_local_id(0) + i * ITEMS];
    }
}

#endif
