/* SPDX-License-Identifier: Apache-2.0 */
/* sample.h: F.affine_grid and F.grid_sample, in double, from PyTorch's documentation. */
#ifndef PLUGCL_TESTS_REF_SAMPLE_H
#define PLUGCL_TESTS_REF_SAMPLE_H

#include <plugcl/graph.h>

/* theta [images,2,3], grid [images, height, width, 2]. */
void ref_affine_grid(const double *theta, int64_t images, int64_t height, int64_t width, bool align_corners, double *grid);

/* A coordinate of −1 … 1 along an axis of `size` pixels, in pixels. */
double ref_pixel_coordinate(double x, int64_t size, bool align_corners);

/* x [N,C,H,W], grid [N, rows, columns, 2], y [N, C, rows, columns]. */
void ref_grid_sample(const struct plugcl_sample_params *params, const plugcl_shape *x_shape, int64_t rows, int64_t columns,
                     const double *x, const double *grid, double *y);

#endif
