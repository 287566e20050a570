/* SPDX-License-Identifier: Apache-2.0 */
/*
 * matmul.cl: matrix products of any strides straight from their definition, one work-item for each output.
 *
 * Dimension 0 is the column, so that neighbours write neighbours, 1 the row, 2 the index into the batch, whose strides for a, b and
 * y are in `table` (strided.h).
 *
 * Bound: none is aimed at: an FMA has two loads, mostly from the cache.
 */
#include "strided.h"

__kernel void matmul(__global const float *restrict a_buffer, uint a_offset, __global const float *restrict b_buffer, uint b_offset,
                     __global float *restrict y_buffer, uint y_offset, __global const int *table, int dimensions, int rows,
                     int columns, int depth, int a_row, int a_depth, int b_depth, int b_column, int y_row, int y_column)
{
    const int column = (int)get_global_id(0), row = (int)get_global_id(1);
    int offsets[3];
    if (column >= columns || row >= rows)
        return;
    row_offsets(table, dimensions, (int)get_global_id(2), 3, offsets);
    __global const float *a = a_buffer + a_offset + offsets[0] + (long)row * a_row;
    __global const float *b = b_buffer + b_offset + offsets[1] + (long)column * b_column;
    /* Sums of sums: the error grows with the blocks, not with the elements. */
    float sum = 0.0f;
    for (int begin = 0; begin < depth; begin += 128) {
        float part = 0.0f;
        for (int k = begin; k < min(begin + 128, depth); k++)
            part += a[(long)k * a_depth] * b[(long)k * b_depth];
        sum += part;
    }
    y_buffer[y_offset + offsets[2] + (long)row * y_row + (long)column * y_column] = sum;
}
