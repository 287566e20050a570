/* SPDX-License-Identifier: Apache-2.0 */
/* copy.h: the same elements. */
#ifndef PLUGCL_TESTS_REF_COPY_H
#define PLUGCL_TESTS_REF_COPY_H

#include <plugcl/tensor.h>

void ref_copy(const double *x, const plugcl_shape *shape, double *y);

#endif
