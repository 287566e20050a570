/* SPDX-License-Identifier: Apache-2.0 */
/* softmax.h: F.softmax, in double. */
#ifndef PLUGCL_TESTS_REF_SOFTMAX_H
#define PLUGCL_TESTS_REF_SOFTMAX_H

#include <plugcl/tensor.h>

void ref_softmax(const double *x, const plugcl_shape *shape, uint32_t axis, double *y);

#endif
