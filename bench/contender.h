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
    bool has_file; /* where they come from, instead of being made */
};

/* Ends the process with plugcl's message where `status` is an error. */
void check(plugcl_status status);
/* Ends the process with this message, which may have one %s. */
_Noreturn void give_up(const char *format, const char *what);

/* A whole number, or a text, of the case; the fallback where it has none. */
int64_t case_number(const json_t *json, const char *key, int64_t fallback);
const char *case_text(const json_t *json, const char *key, const char *fallback);

/* A number of the case; 1 where it has none. */
int64_t number(const struct model *model, const char *key);

/* parts.c: "x" of [batch, channels, size, size], and layers, whose weights "<prefix>…" are made up. */
plugcl_value add_input(struct model *model, int64_t channels);
plugcl_value add_weight(struct model *model, const char *prefix, const char *name, const plugcl_shape *shape);
/* Weight and bias "<prefix><name>.…", without an operator. */
void add_layer(struct model *model, const char *prefix, const char *name, const plugcl_shape *shape);
/* Convolution <conv> without bias, batch norm <norm>, and ReLU unless `linear`. */
plugcl_value add_unit(struct model *model, plugcl_value x, const char *prefix, const char *conv, const char *norm,
                      const plugcl_shape *shape, uint32_t stride, bool linear);
plugcl_value relu(struct model *model, plugcl_value x);
/* A plug-in whose weights are there already; the others add theirs. */
plugcl_value add_plugin(struct model *model, plugcl_value x, const char *name, const char *prefix, const char *options);
plugcl_value add_se(struct model *model, plugcl_value x, const char *prefix, int64_t channels, int64_t hidden);
plugcl_value add_cbam(struct model *model, plugcl_value x, const char *prefix, int64_t channels, int64_t hidden);
plugcl_value add_nonlocal(struct model *model, plugcl_value x, const char *prefix, int64_t channels);
plugcl_value add_aspp(struct model *model, plugcl_value x, const char *prefix, int64_t channels, int64_t outputs,
                      const char *rates);

/* networks.c */
plugcl_value build_bottlenecks(struct model *model);
plugcl_value build_finder(struct model *model);
plugcl_value build_reader(struct model *model);

/* cases.c: adds the case's layers to the model's graph, from its inputs to its output "y". */
void build_case(struct model *model);

/* model_file.c: ends the process where the file cannot be written. */
void write_weights(const plugcl_weights *weights, const char *path);

/* A round: the median, in nanoseconds, of the runs that fit into 20 ms, or into as many as the line on stdin has that asks for it;
 * back to back, or as many milliseconds apart as APART_MS in the environment says.
 * `while (round_asked_for(&round)) { while (round_goes_on(&round)) run(); print(round_median(&round)); }` */
#define MOST_RUNS 4096
struct round {
    uint64_t length, apart, begun, last;
    size_t runs;
    uint64_t times[MOST_RUNS];
};
bool round_asked_for(struct round *round); /* false at the end of stdin */
bool round_goes_on(struct round *round);
double round_median(struct round *round);
/* Of times that it puts in order. */
double median_of(uint64_t *times, size_t count);

/* profile.c: prints what each step of a plan made with `.profile` takes. */
void print_profile(plugcl_plan *plan, const struct plugcl_binding *bindings, size_t n_bindings);

/* probe.c: what a device reaches. Lines on stdin are answered by GFLOP/s, or by GB/s of copying `bytes`, read and written. */
void serve_fma(plugcl_context *context, int32_t threads);
void serve_copy(plugcl_context *context, int32_t threads, int64_t bytes);

#endif
