/* SPDX-License-Identifier: Apache-2.0 */
/* pad.h: F.pad on any axes, one element at a time. */
#ifndef PLUGCL_TESTS_REF_PAD_H
#define PLUGCL_TESTS_REF_PAD_H

#include <plugcl/graph.h>

void ref_pad(const double *x, const plugcl_shape *x_shape, const struct plugcl_pad_params *params, const plugcl_shape *y_shape,
             double *y);

#endif
