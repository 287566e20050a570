/* SPDX-License-Identifier: Apache-2.0 */
/* contender.h: what the parts of the plugcl contender share. */
#ifndef BENCH_CONTENDER_H
#define BENCH_CONTENDER_H

#include <jansson.h>

#include <plugcl/plugcl.h>

/* A case under construction: what to build, and the weights made so far. The graph keeps the first error. */
struct model {
    const json_t *json; /* one entry of bench/cases */
    plugcl_graph *graph;
    plugcl_weights *weights;
};

/* Ends the process with plugcl's message where `status` is an error. */
void check(plugcl_status status);
/* Ends the process with this message, which may have one %s. */
_Noreturn void give_up(const char *format, const char *what);

/* A whole number, or a text, of the case; the fallback where it has none. */
int64_t case_number(const json_t *json, const char *key, int64_t fallback);
const char *case_text(const json_t *json, const char *key, const char *fallback);

/* Adds the case's layers to the model's graph, from its inputs to its output "y". */
void build_case(struct model *model);

/* What a machine reaches: lines on stdin are answered by GFLOP/s, or by GB/s of copying `bytes` in all, read and written. */
void serve_fma(plugcl_context *context, int32_t threads);
void serve_copy(plugcl_context *context, int32_t threads, int64_t bytes);

#endif
