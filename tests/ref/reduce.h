/* SPDX-License-Identifier: Apache-2.0 */
/* reduce.h: torch.mean, amax, sum and amin over axes, in double. */
#ifndef PLUGCL_TESTS_REF_REDUCE_H
#define PLUGCL_TESTS_REF_REDUCE_H

#include <stdbool.h>

#include <plugcl/graph.h>

/* axes[i]: axis i is reduced. The order of y's elements does not depend on whether the reduced axes are kept. */
void ref_reduce(plugcl_reduce kind, const double *x, const plugcl_shape *shape, const bool *axes, double *y);

#endif
