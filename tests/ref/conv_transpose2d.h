/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGCL_TESTS_REF_CONV_TRANSPOSE2D_H
#define PLUGCL_TESTS_REF_CONV_TRANSPOSE2D_H

#include <plugcl/graph.h>

/* F.conv_transpose2d; weight [C, O/groups, KH, KW], bias [O] or NULL. No stride, dilation or groups of 0. */
void ref_conv_transpose2d(const double *x, const plugcl_shape *x_shape, const double *weight, const plugcl_shape *weight_shape,
                          const double *bias, const struct plugcl_conv_transpose2d_params *params, const plugcl_shape *y_shape,
                          double *y);

#endif
