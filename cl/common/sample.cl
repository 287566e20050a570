/* SPDX-License-Identifier: Apache-2.0 */
/*
 * F.affine_grid, any strides: a work-item computes one pixel's coordinates of grid [N, rows, columns, 2] from theta [N, 2, 3].
 *
 * Bound: writing the grid once.
 */
#include "sample.h"

__kernel void affine_grid(__global const float *theta_buffer, uint theta_offset, __global float *grid_buffer, uint grid_offset,
                          int images, int rows, int columns, int align_corners, int theta_image, int theta_row, int theta_column,
                          int grid_image, int grid_row, int grid_column, int grid_component)
{
    int column = (int)get_global_id(0), row = (int)get_global_id(1), image = (int)get_global_id(2);
    if (column >= columns || row >= rows || image >= images)
        return;
    float2 point = sample_point(theta_buffer + theta_offset + image * theta_image, 1, align_corners, row, column, rows, columns,
                                theta_row, theta_column, 0);
    __global float *grid = grid_buffer + grid_offset + image * grid_image + row * grid_row + column * grid_column;
    grid[0] = point.x;
    grid[grid_component] = point.y;
}
