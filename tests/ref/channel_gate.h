/* SPDX-License-Identifier: Apache-2.0 */
/* channel_gate.h: SE's and CBAM's channel gate, in double, after the modules of PyTorch. */
#ifndef PLUGCL_TESTS_REF_CHANNEL_GATE_H
#define PLUGCL_TESTS_REF_CHANNEL_GATE_H

#include <plugcl/graph.h>

/* x is [N,C,H,W]; first [hidden, C] and the biases may be NULL; gate is [N,C], y may be NULL. */
void ref_channel_gate(const struct plugcl_channel_gate_params *params, const plugcl_shape *x_shape, int64_t hidden, const double *x,
                      const double *first, const double *first_bias, const double *second, const double *second_bias, double *gate,
                      double *y);

#endif
