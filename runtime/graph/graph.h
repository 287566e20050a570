/* SPDX-License-Identifier: Apache-2.0 */
/* graph.h: the inside of a plugcl_graph, which plans copy, rewrite and schedule. */
#ifndef PLUGCL_GRAPH_GRAPH_H
#define PLUGCL_GRAPH_GRAPH_H

#include <plugcl/graph.h>
#include <plugcl/plugin.h>

#include "base/error.h"
#include "base/memory.h"
#include "ops/operator.h"

enum value_kind { VALUE_INPUT, VALUE_CONSTANT, VALUE_RESULT };

struct value {
    enum value_kind kind;
    plugcl_dtype dtype;
    plugcl_shape shape;        /* PLUGCL_DIM_ANY where unknown */
    char *name;                /* inputs */
    struct constant *constant; /* constants, held */
    uint32_t node;             /* results: the node's index */
};

struct node {
    const struct operator_info *info;
    void *params;
    uint32_t inputs[OPERATOR_MAX_INPUTS]; /* value ids, 0 for absent */
    uint32_t outputs[OPERATOR_MAX_OUTPUTS];
    uint32_t n_outputs;
    struct epilogue epilogue;
    char *label;
    plugcl_gemm gemm;
    bool removed; /* merged into a later node by a pass */
};

struct graph_output {
    char *name;
    uint32_t value;
};

struct node_output {
    char *name;
    plugcl_value value;
};

/* One use of a plug-in. */
struct plugcl_node {
    plugcl_graph *graph;
    const struct plugcl_plugin *plugin;
    char *prefix, *flavour;
    struct node_output *outputs;
    size_t n_outputs, c_outputs;
};

struct plugcl_graph {
    const plugcl_registry *registry;
    struct log log;
    plugcl_status status;
    char *message; /* of the first error */
    char *label;
    plugcl_gemm gemm; /* of the nodes added from now on, like the label */
    struct value *values; /* id n is values[n − 1] */
    struct node *nodes;   /* in an order of evaluation */
    struct graph_output *outputs;
    plugcl_node **plugins;
    size_t n_values, n_nodes, n_outputs, n_plugins;
    size_t c_values, c_nodes, c_outputs, c_plugins;
};

/* NULL for 0 and unknown ids. */
struct value *graph_value(const plugcl_graph *graph, uint32_t id);

/* There is a graph, and nothing has failed in it. */
bool graph_is_good(const plugcl_graph *graph);

/* Puts `label` (new memory or NULL) in place and gives back the old one, for the caller to put back or free. */
char *graph_label_swap(plugcl_graph *graph, char *label);

/* Records fail()'s message as the graph's first error. */
plugcl_status graph_fail(plugcl_graph *graph, plugcl_status status);

/* Adds a node with new result values; params are copied. Shapes are inferred as far as they are known; results[i] for each output.
 * False after a failure, which the graph keeps. */
bool graph_add(plugcl_graph *graph, const struct operator_info *info, const void *params, const plugcl_value *inputs,
               size_t n_inputs, uint32_t n_outputs, plugcl_value *results);
plugcl_value graph_add_constant(plugcl_graph *graph, struct constant *constant);

bool shape_is_known(const plugcl_shape *shape);
/* "[1, 64, any, any]" in the caller's place, which it returns. */
enum { SHAPE_TEXT = PLUGCL_MAX_RANK * 22 + 3 };
const char *shape_text(char text[SHAPE_TEXT], const plugcl_shape *shape);

/* Shapes of a node's outputs from its inputs' shapes. */
plugcl_status graph_infer(const plugcl_graph *graph, const struct node *node, plugcl_shape *outputs);

/* A copy without plug-in records, which plans rewrite; with `expand`, composites become their definitions. Input shapes come from
 * `shapes` where they are given. */
struct plugcl_input_shape;
plugcl_status graph_copy(const plugcl_graph *graph, const struct plugcl_input_shape *shapes, size_t n_shapes, bool expand,
                         plugcl_graph **copy);

/* How often a value is read, by nodes and as an output of the graph. */
size_t graph_uses(const plugcl_graph *graph, uint32_t value);
bool graph_is_output(const plugcl_graph *graph, uint32_t value);

/* fold.c: constants made of constants. Absent parts are 0, 1, 1 and 0: a scale alone has only `weight`. */
struct batch_norm_constants {
    struct constant *mean, *variance, *weight, *bias; /* one element for each channel … */
    bool broadcast;                                   /* … or one for all of them */
    float eps;
};
plugcl_status fold_batch_norm(const struct batch_norm_constants *norm, struct constant *weight, struct constant *bias,
                              struct constant **folded_weight, struct constant **folded_bias);

/* passes.c: merges nodes of a plan's copy. */
plugcl_status graph_fold_and_fuse(plugcl_graph *graph);
/* The same of 1x1 convolutions behind an attention, which CPU devices do tile by tile. After graph_fold_and_fuse. */
void graph_fuse_projections(plugcl_graph *graph);
/* A convolution of 1x1, stride 1, without padding and groups. */
bool graph_is_pointwise(const plugcl_graph *graph, const struct node *node);
/* Marks the nodes that no output of the graph depends on as removed. */
void graph_remove_unread(plugcl_graph *graph);

#endif
