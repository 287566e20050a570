/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h: the inside of a plugcl_plan. */
#ifndef PLUGCL_GRAPH_PLAN_H
#define PLUGCL_GRAPH_PLAN_H

#include <plugcl/plan.h>

#include "graph/graph.h"
#include "ops/tuning.h"

/* An input or output of the graph, bound to a tensor by each run. */
struct port {
    const char *name; /* the graph's */
    bool is_output;
    uint32_t value;
    plugcl_dtype dtype; /* of the tensor */
    plugcl_shape shape;
    uint32_t region;
    size_t bytes;
    struct buffer *staging; /* device memory for host tensors, made when the first one is bound */
    struct buffer *shared;  /* a host tensor's own memory, where the device can work in it: the last one bound, at `host` */
    void *host;
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
    struct tuning tuning;
    bool profile, channels_last, fusion, no_winograd;
};

/* Tells the context's log of a failure, whose text is the thread's message. */
void plan_log_failure(plugcl_context *context, plugcl_status status);

/* The input or output of that name. Errors: NOT_FOUND, INVALID (NULL). */
plugcl_status plan_find_port(const plugcl_plan *plan, const char *name, const struct port **port);

/* lower.c: fills the schedule from the graph. `variants` as in plugcl_plan_params. */
plugcl_status plan_lower(plugcl_plan *plan, const char *variants, struct progress *progress);

/* variants.c: the list "conv2d=generic,pool2d=gpu"; NULL is an empty one. Each operator once, with a variant that it has. */
plugcl_status variants_check(const char *variants);
/* The variant that is forced for an operator, in `name`; NULL if there is none. */
const char *variants_forced(const char *variants, const char *operation, char *name, size_t name_size);
/* What "gemm=own" or "gemm=clblast" in the list says of linear, matmul and attention; else what the graph says. */
plugcl_gemm variants_gemm(const char *variants, plugcl_gemm otherwise);
/* Remarks on forced variants of operators that no step of the plan runs. */
void variants_note_unused(const char *variants, const plugcl_plan *plan);

#endif
