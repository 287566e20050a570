/* SPDX-License-Identifier: Apache-2.0 */
/* lower.h: what the files of lowering share: from a graph's nodes to the steps of a schedule. */
#ifndef PLUGCL_GRAPH_LOWER_H
#define PLUGCL_GRAPH_LOWER_H

#include "graph/plan.h"

/* A value that is written straight into its place in a concat's result. */
struct alias {
    uint32_t parent; /* 0: none */
    uint32_t axis;
    int64_t start;
};

struct lowering {
    plugcl_plan *plan;
    plugcl_graph *graph;
    struct schedule *schedule;
    const char *variants;
    struct operand *operands;      /* by value id; present once made */
    struct operand *channels_last; /* copies in that layout, made on demand */
    struct operand *row_major;
    struct alias *aliases;
};

#define PLAN_ELEMENT 4u /* bytes of an element within a plan */

/* SIZE_MAX where the elements cannot be counted. */
size_t operand_bytes(const plugcl_shape *shape, size_t element_size);

/* What a call reads and writes. */
uint64_t call_bytes(const struct operator_call *call);
/* The node's operator with its operands as they are, without results. */
struct operator_call make_call(const struct lowering *low, const struct node *node);
/* Copies operands whose layout the operator does not take. */
plugcl_status satisfy_needs(struct lowering *low, const struct node *node, struct operator_call *call);
/* A step of the schedule: chooses the variant and plans it. */
plugcl_status emit(struct lowering *low, const struct operator_call *call, const char *label);
plugcl_status emit_copy(struct lowering *low, const struct operand *from, const struct operand *to, const char *label);
/* Another layout of value's operand, copied once. */
plugcl_status relayout(struct lowering *low, uint32_t value, bool channels_last, const char *label, struct operand *operand);
/* The layout of a result that is to lie as the operand does. */
bool prefers_channels_last(const struct operand *operand);
/* The memory of a result that is about to be written. */
struct operand *result_operand(struct lowering *low, uint32_t value, bool channels_last);

/* lower_together.c: the node and those behind it that are alike, as one step. False, and nothing done, where it stays alone. */
bool lower_together(struct lowering *low, const struct node *node, plugcl_status *status);

/* lower_port.c: the inputs and outputs of the graph, bound to tensors by each run. */
plugcl_status make_ports(struct lowering *low);
/* Inputs of types whose elements have other sizes within a plan. */
plugcl_status convert_inputs(struct lowering *low);
/* The port that a value is written to directly: the first output that names it, if type and layout agree. */
struct port *direct_port(const struct lowering *low, uint32_t value, const struct operand *wanted);
/* Writes the outputs that no step wrote in place. */
plugcl_status copy_outputs(struct lowering *low);

/* lower_view.c: operators that become offsets and strides, or copies, without a kernel of their own. */
bool lower_is_view(const struct lowering *low, const struct node *node);
plugcl_status lower_view(struct lowering *low, const struct node *node);
/* The node's result may lie anywhere: in a part of a concat's result. */
bool lower_writes_anywhere(const struct lowering *low, const struct node *node);

#endif
