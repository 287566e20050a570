/* SPDX-License-Identifier: Apache-2.0 */
/* channel_gate.h: what the channel gate's definition and its variants share. */
#ifndef PLUGCL_OPS_CHANNEL_GATE_H
#define PLUGCL_OPS_CHANNEL_GATE_H

#include "ops/operator.h"

enum { X, FIRST, FIRST_BIAS, SECOND, SECOND_BIAS, RESIDUAL };

/* How many bits are set. */
int channel_gate_pools(uint32_t pools);
plugcl_status channel_gate_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs);
void channel_gate_expand(plugcl_graph *graph, const void *parameters, const plugcl_value *inputs, plugcl_value *results);

#endif
