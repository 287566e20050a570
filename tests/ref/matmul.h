/* SPDX-License-Identifier: Apache-2.0 */
/* matmul.h: torch.matmul, in double. */
#ifndef PLUGCL_TESTS_REF_MATMUL_H
#define PLUGCL_TESTS_REF_MATMUL_H

#include <stdbool.h>

#include <plugcl/tensor.h>

/* All operands are dense and row-major; y has the shape that torch.matmul gives. */
void ref_matmul(const double *a, const plugcl_shape *a_shape, bool transpose_a, const double *b, const plugcl_shape *b_shape,
                bool transpose_b, const plugcl_shape *y_shape, double *y);

#endif
