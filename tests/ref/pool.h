/* SPDX-License-Identifier: Apache-2.0 */
/* pool.h: F.max_pool2d, F.avg_pool2d and their adaptive forms, in double, written after PyTorch's loops. */
#ifndef PLUGCL_TESTS_REF_POOL_H
#define PLUGCL_TESTS_REF_POOL_H

#include <stdbool.h>

#include <plugcl/graph.h>

/* `params` has its defaults filled in. */
void ref_pool2d(const double *x, const plugcl_shape *x_shape, bool is_max, const struct plugcl_pool2d_params *params,
                const plugcl_shape *y_shape, double *y);
void ref_adaptive_pool2d(const double *x, const plugcl_shape *x_shape, bool is_max, const plugcl_shape *y_shape, double *y);

#endif
