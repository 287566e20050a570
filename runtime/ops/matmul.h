/* SPDX-License-Identifier: Apache-2.0 */
/* matmul.h: a matrix product as its planner functions see it. */
#ifndef PLUGCL_OPS_MATMUL_H
#define PLUGCL_OPS_MATMUL_H

#include "ops/strided.h"

/* y[rows, columns] = a[rows, depth] · b[depth, columns] for each index of `batch`, whose operands are a, b and y. Transposing is a
 * matter of strides; a stride of 0 repeats. */
struct matmul {
    const struct operand *a, *b, *y;
    int64_t rows, columns, depth;
    int64_t a_row, a_depth, b_depth, b_column, y_row, y_column; /* strides in elements */
    struct strided batch;
};

void matmul_of(const struct operator_call *call, struct matmul *matmul);
/* torch.matmul's rank for operands of these ranks, both at least 1. */
uint32_t matmul_rank(uint32_t a, uint32_t b);

#endif
