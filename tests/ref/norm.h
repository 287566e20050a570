/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLUGCL_TESTS_REF_NORM_H
#define PLUGCL_TESTS_REF_NORM_H

#include <plugcl/tensor.h>

/* F.layer_norm over the last n_axes axes; weight and bias of these axes' elements, or NULL. */
void ref_layer_norm(const double *x, const plugcl_shape *shape, uint32_t n_axes, const double *weight, const double *bias,
                    double eps, double *y);
/* F.group_norm of [N, C, ...]; weight and bias [C] or NULL. */
void ref_group_norm(const double *x, const plugcl_shape *shape, int64_t groups, const double *weight, const double *bias,
                    double eps, double *y);

#endif
