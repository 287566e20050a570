/* SPDX-License-Identifier: Apache-2.0 */
/* pyramid.h: Atrous Spatial Pyramid Pooling from its definition, in double. */
#ifndef PLUGCL_TESTS_REF_PYRAMID_H
#define PLUGCL_TESTS_REF_PYRAMID_H

#include "ops/operator.h"

/* Inputs and shapes in the order of operator_pyramid; absent inputs are NULL. */
void ref_pyramid(const struct pyramid_params *params, const double *const *inputs, const plugcl_shape *shapes, double *y);

#endif
