/* SPDX-License-Identifier: Apache-2.0 */
/* spatial_gate.h: CBAM's spatial gate, in double, after the modules of PyTorch. */
#ifndef PLUGCL_TESTS_REF_SPATIAL_GATE_H
#define PLUGCL_TESTS_REF_SPATIAL_GATE_H

#include <plugcl/graph.h>

/* x is [N,C,H,W], weight [1,2,K,K]; bias and channel [N,C] may be NULL; gate is [N,H,W], y may be NULL. */
void ref_spatial_gate(const struct plugcl_spatial_gate_params *params, const plugcl_shape *x_shape, int64_t kernel, const double *x,
                      const double *weight, const double *bias, const double *channel, double *gate, double *y);

#endif
