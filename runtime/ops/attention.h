/* SPDX-License-Identifier: Apache-2.0 */
/* attention.h: attention's operands as its planner functions see them. */
#ifndef PLUGCL_OPS_ATTENTION_H
#define PLUGCL_OPS_ATTENTION_H

#include "ops/operator.h"

enum { ATTENTION_Q, ATTENTION_K, ATTENTION_V };

plugcl_status attention_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs);
void attention_expand(plugcl_graph *graph, const void *params, const plugcl_value *inputs, plugcl_value *results);

#endif
