/* SPDX-License-Identifier: Apache-2.0 */
/* linear.h: F.linear in double. */
#ifndef PLUGCL_TESTS_REF_LINEAR_H
#define PLUGCL_TESTS_REF_LINEAR_H

#include <stdint.h>

/* y [rows][outputs] = x [rows][depth] · weight [outputs][depth] + bias, which may be NULL. */
void ref_linear(const double *x, const double *weight, const double *bias, int64_t rows, int64_t depth, int64_t outputs, double *y);

#endif
