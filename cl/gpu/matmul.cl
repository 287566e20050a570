/* SPDX-License-Identifier: Apache-2.0 */
/*
 * matmul.cl: matrix products of any strides for GPUs, in local memory.
 *
 * A work-group brings DEPTH columns of a and rows of b to local memory, multiplies, and goes on (tile.h). Dimension 2 of the grid is
 * the index into the batch, whose strides for a, b and y are in `table` (strided.h).
 *
 * -DITEMS: 8 or 16.
 */
#include "strided.h"
#include "tile.h"

__attribute__((reqd_work_group_size(ITEMS, ITEMS, 1))) __kernel void matmul(
    __global const float *restrict a_buffer, uint a_offset, __global const float *restrict b_buffer, uint b_offset,
    __global float *restrict y_buffer, uint y_offset, __global const int *table, int dimensions, int rows, int columns, int depth,
    int a_row, int a_depth, int b_depth, int b_column, int y_row, int y_column)
{
    __local float a_tile[DEPTH][BLOCK + 1], b_tile[DEPTH][BLOCK + 1];
    const int column0 = (int)get_group_id(0) * BLOCK, row0 = (int)get_group_id(1) * BLOCK;
    int offsets[3];
    row_offsets(table, dimensions, (int)get_group_id(2), 3, offsets);
    __global const float *a = a_buffer + a_offset + offsets[0], *b = b_buffer + b_offset + offsets[1];
    float sums[SIDE][SIDE];
    UNROLL for (int i = 0; i < SIDE; i++)
        UNROLL for (int j = 0; j < SIDE; j++)
            sums[i][j] = 0.0f;

    for (int first = 0; first < depth; first += DEPTH) {
        load_tile(a, row0, rows, first, depth, a_row, a_depth, a_tile);
        load_tile(b, column0, columns, first, depth, b_column, b_depth, b_tile);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int k = 0; k < DEPTH; k++) {
            float own_a[SIDE], own_b[SIDE];
            take_column(k, a_tile, b_tile, own_a, own_b);
            UNROLL for (int i = 0; i < SIDE; i++)
                UNROLL for (int j = 0; j < SIDE; j++)
                    sums[i][j] = fma(own_a[i], own_b[j], sums[i][j]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }

    UNROLL for (int i = 0; i < SIDE; i++) {
        const int row = row0 + (int)get_local_id(1) + i * ITEMS;
        UNROLL for (int j = 0; j < SIDE; j++) {
            const int column = column0 + (int)get_local_id(0) + j * ITEMS;
            if (row < rows && column < columns)
                y_buffer[y_offset + offsets[2] + (long)row * y_row + (long)column * y_column] = sums[i][j];
        }
    }
}
