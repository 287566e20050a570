/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traced.h: a graph and, beside it, what it must compute. Each call adds an operator to the graph and works out its result in plain
 * C with doubles, in the order of the logical shape.
 */
#ifndef PLUGCL_TEST_TRACED_H
#define PLUGCL_TEST_TRACED_H

#include <plugcl/plugcl.h>

enum { TRACED_MOST = 256, TRACED_OUTPUTS = 16 };

struct traced {
    plugcl_value value;
    plugcl_shape shape;
    double *data;
};

struct tracing {
    plugcl_graph *graph;
    uint32_t random;
    bool unknown; /* inputs are declared with unknown dimensions */
    struct traced inputs[TRACED_OUTPUTS], outputs[TRACED_OUTPUTS];
    size_t n_inputs, n_outputs;
    double *memory[TRACED_MOST]; /* of all values, freed at the end */
    size_t n_memory;
};

void tracing_begin(struct tracing *t, uint32_t seed);
void tracing_end(struct tracing *t);
uint32_t tracing_random(struct tracing *t, uint32_t below);

/* A value of zeros that is not in the graph yet, for those below. */
struct traced tracing_blank(struct tracing *t, const plugcl_shape *shape);

struct traced traced_input(struct tracing *t, const plugcl_shape *shape);
struct traced traced_constant(struct tracing *t, const plugcl_shape *shape);
struct traced traced_activation(struct tracing *t, struct traced x, plugcl_activation kind); /* relu, sigmoid or tanh */
struct traced traced_binary(struct tracing *t, plugcl_binary kind, struct traced a, struct traced b);
struct traced traced_conv(struct tracing *t, struct traced x, int64_t channels, int64_t kernel);
struct traced traced_batch_norm(struct tracing *t, struct traced x);
struct traced traced_linear(struct tracing *t, struct traced x, int64_t features);
struct traced traced_pool(struct tracing *t, struct traced x, bool is_max); /* 3x3, stride 1, padding 1 */
struct traced traced_gate(struct tracing *t, struct traced x);
struct traced traced_concat(struct tracing *t, const struct traced *parts, size_t n, int axis);
struct traced traced_reshape(struct tracing *t, struct traced x, const plugcl_shape *shape);
struct traced traced_flatten(struct tracing *t, struct traced x, int start, int end);
struct traced traced_transpose(struct tracing *t, struct traced x, const int *order);
struct traced traced_softmax(struct tracing *t, struct traced x, int axis);
struct traced traced_reduce(struct tracing *t, plugcl_reduce kind, struct traced x, const int *axes, size_t n, bool keep);
struct traced traced_slice(struct tracing *t, struct traced x, const struct plugcl_slice *slices, size_t n);
void traced_split(struct tracing *t, struct traced x, int axis, const int64_t *sizes, size_t n, struct traced *parts);
struct traced traced_squeeze(struct tracing *t, struct traced x, const int *axes, size_t n); /* n 0: all of size 1 */
struct traced traced_unsqueeze(struct tracing *t, struct traced x, const int *axes, size_t n);
struct traced traced_pixel_shuffle(struct tracing *t, struct traced x, int64_t factor, bool inverse);
void traced_output(struct tracing *t, struct traced x);

/* Plans and runs the graph with fusion on and off, with NCHW and NHWC tensors, and compares all outputs. `what` is for messages. */
void tracing_check(struct tracing *t, plugcl_context *context, const char *what);

#endif
