/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel.h: a node of the graph with OpenCL C of one's own.
 *
 * The kernel computes F32 tensors from F32 tensors. It sees dense data in the layout that it declares; the plan copies where values
 * lie otherwise. Its program goes through the same cache as the built-in ones, with source and options in the key. While planning,
 * one work-group may be launched on zeros to make the driver finish its compiling. docs/plugins.md walks through an example.
 */
#ifndef PLUGCL_KERNEL_H
#define PLUGCL_KERNEL_H

#include <plugcl/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PLUGCL_KERNEL_MAX_INPUTS 8
#define PLUGCL_KERNEL_MAX_OUTPUTS 2

/* What one entry of the argument list is in the kernel. */
typedef enum plugcl_argument_kind {
    PLUGCL_ARGUMENT_INPUT = 0, /* two arguments: __global const float *, and uint: where element 0 is, in elements */
    PLUGCL_ARGUMENT_OUTPUT,    /* two arguments: __global float *, and uint */
    PLUGCL_ARGUMENT_DIMENSION, /* int: dimension `axis` of input `index` */
    PLUGCL_ARGUMENT_INT,       /* int */
    PLUGCL_ARGUMENT_FLOAT,     /* float */
    PLUGCL_ARGUMENT_LOCAL      /* __local memory of `bytes` */
} plugcl_argument_kind;

struct plugcl_kernel_argument {
    plugcl_argument_kind kind;
    uint32_t index, axis; /* of an input or output, and of its shape */
    int32_t integer;
    float number;
    size_t bytes;
};

/* The sizes of a call, all known. */
struct plugcl_kernel_sizes {
    const plugcl_shape *inputs;
    size_t n_inputs;
    plugcl_shape *outputs; /* for the shape rule to fill in; the range rule reads them */
    size_t n_outputs;
    size_t max_work_group; /* the largest product of `local` for this kernel on the plan's device; 0 in the shape rule */
};

struct plugcl_kernel_range {
    size_t global[3]; /* work-items, rounded up to whole work-groups: the kernel checks its bounds */
    size_t local[3];  /* all 0: the driver's choice; else 0 is 1 */
};

/* Rules return NULL, or what is wrong with the sizes, in one line of static storage ("x has 3 channels; it must be even"), which
 * becomes an INVALID. The shape rule is also called while the graph is built, with made-up sizes in place of unknown ones. */
typedef const char *(*plugcl_kernel_shape_rule)(const struct plugcl_kernel_sizes *sizes, void *user);
/* `range` comes with the default, one work-item for each element of output 0. */
typedef const char *(*plugcl_kernel_range_rule)(const struct plugcl_kernel_sizes *sizes, struct plugcl_kernel_range *range,
                                                void *user);
/* Sets each of `outputs` to what the kernel computes, in operators of <plugcl/graph.h>. */
typedef void (*plugcl_kernel_definition)(plugcl_graph *graph, const plugcl_value *inputs, plugcl_value *outputs, void *user);

struct plugcl_kernel_params {
    size_t struct_size;
    const char *source;  /* OpenCL C 1.2, compiled with -cl-std=CL1.2 */
    const char *entry;   /* the __kernel function */
    const char *options; /* build options, "-DTILE=16"; NULL: none */
    const struct plugcl_kernel_argument *arguments; /* in the kernel's order, each output at least once */
    size_t n_arguments;
    size_t n_outputs; /* 0 is 1 */
    /* The shape of each output, where PLUGCL_DIM_ANY is input 0's dimension of the same axis; or a rule. Neither: input 0's. */
    const plugcl_shape *output_shapes;
    plugcl_kernel_shape_rule shape_rule;
    struct plugcl_kernel_range range; /* global all 0: one work-item for each element of output 0; else 0 is 1 */
    plugcl_kernel_range_rule range_rule;
    plugcl_layout layout; /* of all rank-4 inputs and outputs: PLUGCL_NCHW or PLUGCL_NHWC. Other ranks are row-major */
    /* The same in operators, which is what runs with fusion off; check-plugin holds the kernel to it. NULL: the kernel runs. */
    plugcl_kernel_definition definition;
    void *user; /* for the rules and the definition, which are called while the graph is built and while plans are made */
};

/* Adds a kernel that reads `inputs` and returns its output 0; `outputs`, if not NULL, receives all of them. What `params` points
 * to is copied, but `user`. Errors, kept by the graph: INVALID (a missing field, an argument without its input, an output that is
 * not among the arguments). A plan's errors: BUILD (with the driver's log), NOT_FOUND (the entry point), INVALID (the kernel takes
 * other arguments; what a rule says), UNSUPPORTED (a work-group or local memory larger than the device has). */
PLUGCL_API plugcl_value plugcl_graph_kernel(plugcl_graph *graph, const plugcl_value *inputs, size_t n_inputs,
                                            const struct plugcl_kernel_params *params, plugcl_value *outputs);

#ifndef __cplusplus
#define plugcl_kernel_params(...)                                                                                                  \
    (&(const struct plugcl_kernel_params){ .struct_size = sizeof(struct plugcl_kernel_params), __VA_ARGS__ })
#endif
static inline struct plugcl_kernel_params plugcl_kernel_params_init(void)
{
    struct plugcl_kernel_params params = {
        sizeof(struct plugcl_kernel_params), NULL, NULL, NULL, NULL, 0, 0, NULL, NULL, { { 0, 0, 0 }, { 0, 0, 0 } }, NULL,
        PLUGCL_NCHW, NULL, NULL
    };
    return params;
}

/* The entries of an argument list. */
static inline struct plugcl_kernel_argument plugcl_argument_input(uint32_t index)
{
    struct plugcl_kernel_argument argument = { PLUGCL_ARGUMENT_INPUT, index, 0, 0, 0.0f, 0 };
    return argument;
}
static inline struct plugcl_kernel_argument plugcl_argument_output(uint32_t index)
{
    struct plugcl_kernel_argument argument = { PLUGCL_ARGUMENT_OUTPUT, index, 0, 0, 0.0f, 0 };
    return argument;
}
static inline struct plugcl_kernel_argument plugcl_argument_dimension(uint32_t input, uint32_t axis)
{
    struct plugcl_kernel_argument argument = { PLUGCL_ARGUMENT_DIMENSION, input, axis, 0, 0.0f, 0 };
    return argument;
}
static inline struct plugcl_kernel_argument plugcl_argument_int(int32_t value)
{
    struct plugcl_kernel_argument argument = { PLUGCL_ARGUMENT_INT, 0, 0, value, 0.0f, 0 };
    return argument;
}
static inline struct plugcl_kernel_argument plugcl_argument_float(float value)
{
    struct plugcl_kernel_argument argument = { PLUGCL_ARGUMENT_FLOAT, 0, 0, 0, value, 0 };
    return argument;
}
static inline struct plugcl_kernel_argument plugcl_argument_local(size_t bytes)
{
    struct plugcl_kernel_argument argument = { PLUGCL_ARGUMENT_LOCAL, 0, 0, 0, 0.0f, bytes };
    return argument;
}

#ifdef __cplusplus
}
#endif
#endif
