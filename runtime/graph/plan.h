/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h: the inside of a plugcl_plan. */
#ifndef PLUGCL_GRAPH_PLAN_H
#define PLUGCL_GRAPH_PLAN_H

#include <plugcl/plan.h>

#include "graph/graph.h"

/* An input or output of the graph, bound to a tensor by each run. */
struct port {
    const char *name; /* the graph's */
    bool is_output;
    uint32_t value;
    plugcl_shape shape;
    uint32_t region;
    size_t bytes;
    struct buffer *staging; /* device memory for host tensors, made when the first one is bound */
};

struct plugin_use {
    char *name, *prefix, *flavour;
};

struct plugcl_plan {
    plugcl_context *context;
    plugcl_graph *graph; /* the plan's own copy, folded and fused */
    struct schedule *schedule;
    struct queue *queue;
    struct port *ports;
    size_t n_ports;
    struct plugin_use *plugins;
    size_t n_plugins;
    bool profile, channels_last, fusion;
};

/* lower.c: fills the schedule from the graph. `variants` as in plugcl_plan_params. */
plugcl_status plan_lower(plugcl_plan *plan, const char *variants, struct progress *progress);

#endif
