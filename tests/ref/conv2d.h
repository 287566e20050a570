/* SPDX-License-Identifier: Apache-2.0 */
/* conv2d.h: F.conv2d from its definition, in double. */
#ifndef PLUGCL_TESTS_REF_CONV2D_H
#define PLUGCL_TESTS_REF_CONV2D_H

#include <plugcl/graph.h>

/* `params` has its defaults filled in; `bias` may be NULL. */
void ref_conv2d(const double *x, const plugcl_shape *x_shape, const double *weight, const plugcl_shape *weight_shape,
                const double *bias, const struct plugcl_conv2d_params *params, const plugcl_shape *y_shape, double *y);

#endif
