/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGCL_TESTS_REF_DEFORM_CONV2D_H
#define PLUGCL_TESTS_REF_DEFORM_CONV2D_H

#include <plugcl/graph.h>

/* torchvision.ops.deform_conv2d; bias and mask may be NULL. A sample that is not a number counts 0. */
void ref_deform_conv2d(const double *x, const plugcl_shape *x_shape, const double *weight, const plugcl_shape *weight_shape,
                       const double *bias, const double *offset, const double *mask, int64_t offset_groups,
                       const struct plugcl_conv2d_params *params, const plugcl_shape *y_shape, double *y);

#endif
