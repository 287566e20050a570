/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tile.h: matrix products through local memory on GPUs.
 *
 * A work-group of GROUP_COLUMNS x GROUP_ROWS work-items makes a tile of TILE_ROWS x TILE_COLUMNS sums, ITEM_ROWS x ITEM_COLUMNS of
 * them in the registers of each. It goes along the depth in steps of DEPTH: panels of the two operands lie in local memory as
 * [depth][line], where a line is a row of the left operand or a column of the right one, in quads of 4. There are two pairs of
 * panels: while one is multiplied the next is on its way through registers into the other, so that a step has one barrier.
 *
 * A work-item's lines are quads GROUP_ROWS (or GROUP_COLUMNS) apart, so that neighbours read neighbouring quads of local memory. At
 * each depth it reads ITEM_ROWS + ITEM_COLUMNS floats for ITEM_ROWS · ITEM_COLUMNS products: half a load a product with 4 x 4, a
 * quarter with 8 x 8. Every sum, operand and piece under way is a register: 16 + 8 + 4 · pieces floats, or 64 + 16 + 4 · pieces.
 *
 * -DGROUP_ROWS, -DGROUP_COLUMNS: work-items of a group; -DITEM_ROWS, -DITEM_COLUMNS: sums of a work-item, 4 or 8; -DDEPTH: 8 or 16.
 * ops/gpu_tiles.c has the table of those that are used.
 */
#ifndef PLUGCL_TILE_H
#define PLUGCL_TILE_H

#include "vector.h"

#ifndef GROUP_ROWS
#define GROUP_ROWS 8
#endif
#ifndef GROUP_COLUMNS
#define GROUP_COLUMNS 8
#endif
#ifndef ITEM_ROWS
#define ITEM_ROWS 4
#endif
#ifndef ITEM_COLUMNS
#define ITEM_COLUMNS 4
#endif
#ifndef DEPTH
#define DEPTH 16
#endif

#define GROUP (GROUP_ROWS * GROUP_COLUMNS)
#define TILE_ROWS (GROUP_ROWS * ITEM_ROWS)
#define TILE_COLUMNS (GROUP_COLUMNS * ITEM_COLUMNS)
#define ITEM_QUADS (ITEM_COLUMNS / 4)
#define ROW_QUADS (TILE_ROWS / 4)
#define COLUMN_QUADS (TILE_COLUMNS / 4)
#define DEPTH_QUADS (DEPTH / 4)
/* Quads from one depth to the next. One more than there are spreads the transposed stores over the banks. */
#define LEFT_PITCH (ROW_QUADS + 1)
#define RIGHT_PITCH (COLUMN_QUADS + 1)
/* Quads that a work-item brings to a panel of so many lines. */
#define PIECES(line_quads) (((line_quads)*DEPTH + GROUP - 1) / GROUP)
#define TILE_GROUP __attribute__((reqd_work_group_size(GROUP_COLUMNS, GROUP_ROWS, 1)))

static inline int tile_item(void)
{
    return (int)get_local_id(1) * GROUP_COLUMNS + (int)get_local_id(0);
}

/* Where row i of a work-item, and the first column of its quad j, lie in the tile. */
static inline int tile_row(int i)
{
    return (i / 4 * GROUP_ROWS + (int)get_local_id(1)) * 4 + i % 4;
}

static inline int tile_column(int j)
{
    return (j * GROUP_COLUMNS + (int)get_local_id(0)) * 4;
}

/* Up to 4 elements of any stride, 0 beyond `count`, which may be negative. */
static inline float4 load_quad(__global const float *from, int stride, int count)
{
    if (count >= 4 && stride == 1)
        return vload4(0, from);
    const long step = stride;
    return (float4)(count > 0 ? from[0] : 0.0f, count > 1 ? from[step] : 0.0f, count > 2 ? from[2 * step] : 0.0f,
                    count > 3 ? from[3 * step] : 0.0f);
}

static inline void store_quad(float4 value, __global float *to, int stride, int count)
{
    if (count >= 4 && stride == 1) {
        vstore4(value, 0, to);
        return;
    }
    const long step = stride;
    if (count > 0)
        to[0] = value.x;
    if (count > 1)
        to[step] = value.y;
    if (count > 2)
        to[2 * step] = value.z;
    if (count > 3)
        to[3 * step] = value.w;
}

/* 4 depths of one line go to 4 rows of a panel. */
static inline void store_transposed(float4 value, __local float4 *panel, int pitch, int depth, int line)
{
    __local float *to = (__local float *)(panel + depth * pitch) + line;
    to[0] = value.x;
    to[4 * pitch] = value.y;
    to[8 * pitch] = value.z;
    to[12 * pitch] = value.w;
}

/* Adds the product of two panels to the sums, [ITEM_ROWS][quads]. The quads and pitches are constants. */
ALWAYS_INLINE void multiply_panels(__local const float4 *left, __local const float4 *right, int right_pitch, int quads,
                                   float4 *sums)
{
    left += get_local_id(1);
    right += get_local_id(0);
    for (int k = 0; k < DEPTH; k++) {
        float4 a[ITEM_ROWS / 4];
        UNROLL for (int i = 0; i < ITEM_ROWS / 4; i++)
            a[i] = left[k * LEFT_PITCH + i * GROUP_ROWS];
        UNROLL for (int j = 0; j < quads; j++) {
            const float4 b = right[k * right_pitch + j * GROUP_COLUMNS];
            UNROLL for (int i = 0; i < ITEM_ROWS / 4; i++) {
                float4 *own = sums + 4 * i * quads + j;
                own[0] += a[i].x * b;
                own[quads] += a[i].y * b;
                own[2 * quads] += a[i].z * b;
                own[3 * quads] += a[i].w * b;
            }
        }
    }
}

/*
 * An operand of any strides: lines `first` to `count`, each of `depth` elements. Its quads go along the depth where that is dense,
 * else along the lines, and neighbouring work-items take neighbouring quads either way.
 */
struct lines {
    __global const float *from;
    int first, count, stride, depth, depth_stride;
};

/* Piece `at` of the panel that begins at `depth`. (Remainders by subtraction: oclgrind does not know what a remainder beside its
 * quotient is compiled to.) */
ALWAYS_INLINE float4 load_piece(const struct lines *lines, int line_quads, int depth, int at)
{
    if (lines->depth_stride == 1) {
        const int own = at / DEPTH_QUADS, line = lines->first + own, k = depth + (at - own * DEPTH_QUADS) * 4;
        return load_quad(lines->from + (long)line * lines->stride + k, 1, line < lines->count ? lines->depth - k : 0);
    }
    const int k = at / line_quads, line = lines->first + (at - k * line_quads) * 4;
    return load_quad(lines->from + (long)(depth + k) * lines->depth_stride + (long)line * lines->stride, lines->stride,
                     depth + k < lines->depth ? lines->count - line : 0);
}

ALWAYS_INLINE void store_piece(float4 value, const struct lines *lines, int line_quads, int at, __local float4 *panel)
{
    if (lines->depth_stride == 1) {
        const int line = at / DEPTH_QUADS;
        store_transposed(value, panel, line_quads + 1, (at - line * DEPTH_QUADS) * 4, line);
    } else {
        const int k = at / line_quads;
        panel[k * (line_quads + 1) + at - k * line_quads] = value;
    }
}

ALWAYS_INLINE void load_pieces(const struct lines *lines, int line_quads, int depth, float4 *pieces)
{
    UNROLL for (int p = 0; p < PIECES(line_quads); p++)
        if (tile_item() + p * GROUP < line_quads * DEPTH)
            pieces[p] = load_piece(lines, line_quads, depth, tile_item() + p * GROUP);
}

ALWAYS_INLINE void store_pieces(const float4 *pieces, const struct lines *lines, int line_quads, __local float4 *panel)
{
    UNROLL for (int p = 0; p < PIECES(line_quads); p++)
        if (tile_item() + p * GROUP < line_quads * DEPTH)
            store_piece(pieces[p], lines, line_quads, tile_item() + p * GROUP, panel);
}

/* Adds TILE_ROWS lines of one operand times `quads` · 4 · GROUP_COLUMNS of another of the same depth to the sums. The panels are
 * two pairs, of DEPTH · (LEFT_PITCH + quads · GROUP_COLUMNS + 1) quads each. */
ALWAYS_INLINE void multiply_lines(const struct lines *left, const struct lines *right, int quads, __local float4 *panels,
                                  float4 *sums)
{
    const int line_quads = quads * GROUP_COLUMNS, pair = DEPTH * (LEFT_PITCH + line_quads + 1), depth = left->depth;
    float4 from_left[PIECES(ROW_QUADS)], from_right[PIECES(COLUMN_QUADS)];
    /* Step s loads panel s and multiplies panel s - 1. */
    for (int first = 0, at = 0; first < depth + DEPTH; first += DEPTH, at ^= 1) {
        __local float4 *now = panels + at * pair, *before = panels + (at ^ 1) * pair;
        if (first < depth) {
            load_pieces(left, ROW_QUADS, first, from_left);
            load_pieces(right, line_quads, first, from_right);
        }
        if (first > 0)
            multiply_panels(before, before + DEPTH * LEFT_PITCH, line_quads + 1, quads, sums);
        if (first < depth) {
            store_pieces(from_left, left, ROW_QUADS, now);
            store_pieces(from_right, right, line_quads, now + DEPTH * LEFT_PITCH);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}

#endif
