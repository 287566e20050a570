/* SPDX-License-Identifier: Apache-2.0 */
/* resize.h: F.interpolate and ONNX's Resize, in double, from their documentation. */
#ifndef PLUGCL_TESTS_REF_RESIZE_H
#define PLUGCL_TESTS_REF_RESIZE_H

#include <plugcl/graph.h>

void ref_resize(const struct plugcl_resize_params *params, const plugcl_shape *x_shape, const plugcl_shape *y_shape,
                const double *x, double *y);

#endif
