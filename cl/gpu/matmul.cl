/* SPDX-License-Identifier: Apache-2.0 */
/*
 * matmul.cl: products of matrices of any strides on GPUs.
 *
 * A work-group makes a tile of y (tile.h): dimension 0 of the grid goes along its columns, 1 along its rows from `first_row` on, 2
 * is the index into the batch, whose strides for a, b and y are in `table` (strided.h). Both operands are read a quad at a time
 * along whichever axis is dense, so that neither a transposed nor a plain one costs more; where neither is they are gathered.
 *
 * -D: see tile.h. Bound: FP32 peak; a tile reads 1 / TILE_ROWS + 1 / TILE_COLUMNS floats of memory a product.
 */
#include "strided.h"
#include "tile.h"

TILE_GROUP __kernel void matmul(__global const float *restrict a_buffer, uint a_offset, __global const float *restrict b_buffer,
                                uint b_offset, __global float *restrict y_buffer, uint y_offset, __global const int *table,
                                int dimensions, int rows, int columns, int depth, int a_row, int a_depth, int b_depth, int b_column,
                                int y_row, int y_column, int first_row)
{
    __local float4 panels[2 * DEPTH * (LEFT_PITCH + RIGHT_PITCH)];
    const int column0 = (int)get_group_id(0) * TILE_COLUMNS, row0 = first_row + (int)get_group_id(1) * TILE_ROWS;
    int offsets[3];
    row_offsets(table, dimensions, (int)get_group_id(2), 3, offsets);
    const struct lines a = { a_buffer + a_offset + offsets[0], row0, rows, a_row, depth, a_depth };
    const struct lines b = { b_buffer + b_offset + offsets[1], column0, columns, b_column, depth, b_depth };
    float4 sums[ITEM_ROWS * ITEM_QUADS];
    UNROLL for (int i = 0; i < ITEM_ROWS * ITEM_QUADS; i++)
        sums[i] = (float4)(0.0f);
    multiply_lines(&a, &b, ITEM_QUADS, panels, sums);

    __global float *y = y_buffer + y_offset + offsets[2];
    UNROLL for (int i = 0; i < ITEM_ROWS; i++) {
        const int row = row0 + tile_row(i);
        UNROLL for (int j = 0; j < ITEM_QUADS; j++) {
            const int column = column0 + tile_column(j);
            if (row < rows)
                store_quad(sums[i * ITEM_QUADS + j], y + (long)row * y_row + (long)column * y_column, y_column, columns - column);
        }
    }
}
