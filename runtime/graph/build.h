/* SPDX-License-Identifier: Apache-2.0 */
/* build.h: what the files that define the calls of <plugcl/graph.h> share (build_support.c). */
#ifndef PLUGCL_GRAPH_BUILD_H
#define PLUGCL_GRAPH_BUILD_H

#include "graph/graph.h"

static const plugcl_value no_value = { 0 };

/* A node of one result; the null value after a failure. */
plugcl_value add_one(plugcl_graph *graph, const struct operator_info *info, const void *params, const plugcl_value *inputs,
                     size_t n_inputs);

/* False, with an error in the graph, where an operand that is not optional is none. */
bool has_operands(plugcl_graph *graph, const char *what, const plugcl_value *values, size_t n_values);
/* Rank of an operand, or −1 with an error in the graph. */
int rank_of(plugcl_graph *graph, plugcl_value value);
/* The axis counted from the front, or −1 with an error in the graph. */
int axis_of(plugcl_graph *graph, plugcl_value value, int axis, const char *what);
/* False, with an error in the graph, for a list of axes that is NULL and not empty. */
bool has_axes(plugcl_graph *graph, const char *what, const int *axes, size_t n_axes);

/* Copies a caller's parameters, which may be NULL. */
void take_params(plugcl_graph *graph, const char *what, void *own, size_t own_size, const void *given);

/* "<layer>.<part>" of the weights; where it is optional and not there, the null value. */
plugcl_value layer_value(plugcl_graph *graph, plugcl_weights *weights, const char *layer, const char *part, bool optional);
/* A layer's name is the label of what it adds; the caller's own label comes back afterwards. */
char *begin_layer(plugcl_graph *graph, const char *layer);
plugcl_value end_layer(plugcl_graph *graph, char *outer, plugcl_value value);

/* The constant behind a value; NULL for others. */
struct constant *constant_of(const plugcl_graph *graph, plugcl_value value);

#endif
