/* SPDX-License-Identifier: Apache-2.0 */
/* elementwise.h: what the element-wise operators must compute, in double. */
#ifndef PLUGCL_TESTS_REF_ELEMENTWISE_H
#define PLUGCL_TESTS_REF_ELEMENTWISE_H

#include <plugcl/graph.h>

/* `value` as a float would hold it where it is too large for one: an infinity. */
double ref_overflow(double value);
double ref_activation(plugcl_activation kind, double x, double alpha, double beta);
/* The slope has `slopes` elements, 1 or the size of axis 1. */
void ref_prelu(const double *x, const plugcl_shape *shape, const double *slope, int64_t slopes, double *y);
/* Where element `index` of y, row-major, comes from in an operand that is stretched to y. */
int64_t ref_source_of(int64_t index, const plugcl_shape *y, const plugcl_shape *operand);
double ref_binary(plugcl_binary kind, double a, double b);
void ref_broadcast(plugcl_binary kind, const double *a, const plugcl_shape *a_shape, const double *b, const plugcl_shape *b_shape,
                   const plugcl_shape *y_shape, double *y);
/* 0 or 1. */
void ref_compare(plugcl_comparison kind, const double *a, const plugcl_shape *a_shape, const double *b, const plugcl_shape *b_shape,
                 const plugcl_shape *y_shape, double *y);
void ref_where(const double *condition, const plugcl_shape *condition_shape, const double *a, const plugcl_shape *a_shape,
               const double *b, const plugcl_shape *b_shape, const plugcl_shape *y_shape, double *y);
/* An element as one of another type. */
double ref_cast(plugcl_dtype to, double x);

#endif
