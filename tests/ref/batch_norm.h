/* SPDX-License-Identifier: Apache-2.0 */
/* batch_norm.h: F.batch_norm with known statistics, in double. */
#ifndef PLUGCL_TESTS_REF_BATCH_NORM_H
#define PLUGCL_TESTS_REF_BATCH_NORM_H

#include <plugcl/tensor.h>

/* weight and bias may be NULL. */
void ref_batch_norm(const double *x, const plugcl_shape *shape, const double *mean, const double *variance, const double *weight,
                    const double *bias, double eps, double *y);

#endif
