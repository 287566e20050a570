/* SPDX-License-Identifier: Apache-2.0 */
/* gather.h: torch.index_select along an axis by indices of any rank; `missing` where an index is outside the axis. */
#ifndef PLUGCL_TESTS_REF_GATHER_H
#define PLUGCL_TESTS_REF_GATHER_H

#include <plugcl/tensor.h>

void ref_gather(const double *x, const plugcl_shape *x_shape, const double *indices, const plugcl_shape *indices_shape,
                uint32_t axis, double missing, double *y);

#endif
