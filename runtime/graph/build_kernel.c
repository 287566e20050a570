/* SPDX-License-Identifier: Apache-2.0 */
/* build_kernel.c: the call of <plugcl/kernel.h>. */
#include "base/params.h"
#include "graph/graph.h"
#include "ops/user_kernel.h"

static plugcl_status check_texts(const struct plugcl_kernel_params *params)
{
    if (params->entry == NULL || params->entry[0] == '\0')
        return fail(PLUGCL_INVALID, "a kernel needs the name of its entry point");
    if (params->source == NULL || params->source[0] == '\0')
        return fail(PLUGCL_INVALID, "kernel %s needs its source", params->entry);
    if (params->layout != PLUGCL_NCHW && params->layout != PLUGCL_NHWC)
        return fail(PLUGCL_INVALID, "kernel %s: its layout is %d; it must be PLUGCL_NCHW or PLUGCL_NHWC", params->entry,
                    (int)params->layout);
    if (params->arguments == NULL || params->n_arguments == 0)
        return fail(PLUGCL_INVALID, "kernel %s needs a list of arguments", params->entry);
    if (params->output_shapes != NULL && params->shape_rule != NULL)
        return fail(PLUGCL_INVALID, "kernel %s has both output_shapes and a shape_rule; one of them tells the shapes",
                    params->entry);
    return PLUGCL_OK;
}

static plugcl_status check_inputs(const plugcl_graph *graph, const struct plugcl_kernel_params *params, const plugcl_value *inputs,
                                  size_t n_inputs)
{
    if (inputs == NULL || n_inputs < 1 || n_inputs > PLUGCL_KERNEL_MAX_INPUTS)
        return fail(PLUGCL_INVALID, "kernel %s has %zu inputs; it must have 1 to %d", params->entry, inputs ? n_inputs : 0,
                    PLUGCL_KERNEL_MAX_INPUTS);
    if (params->n_outputs > PLUGCL_KERNEL_MAX_OUTPUTS)
        return fail(PLUGCL_INVALID, "kernel %s has %zu outputs; it must have 1 to %d", params->entry, params->n_outputs,
                    PLUGCL_KERNEL_MAX_OUTPUTS);
    for (size_t i = 0; i < n_inputs; i++)
        if (graph_value(graph, inputs[i].id) == NULL)
            return fail(PLUGCL_INVALID, "kernel %s: input %zu is not a value of this graph", params->entry, i);
    return PLUGCL_OK;
}

static plugcl_status check_argument(const plugcl_graph *graph, const struct plugcl_kernel_params *params,
                                    const plugcl_value *inputs, size_t n_inputs, size_t number)
{
    const struct plugcl_kernel_argument *argument = &params->arguments[number];
    bool is_input = argument->kind == PLUGCL_ARGUMENT_INPUT || argument->kind == PLUGCL_ARGUMENT_DIMENSION;
    if ((int)argument->kind < PLUGCL_ARGUMENT_INPUT || argument->kind > PLUGCL_ARGUMENT_LOCAL)
        return fail(PLUGCL_INVALID, "kernel %s: argument %zu has the unknown kind %d", params->entry, number, (int)argument->kind);
    if (is_input && argument->index >= n_inputs)
        return fail(PLUGCL_INVALID, "kernel %s: argument %zu is of input %u; there are %zu inputs", params->entry, number,
                    argument->index, n_inputs);
    if (argument->kind == PLUGCL_ARGUMENT_OUTPUT && argument->index >= params->n_outputs)
        return fail(PLUGCL_INVALID, "kernel %s: argument %zu is output %u; there are %zu outputs", params->entry, number,
                    argument->index, params->n_outputs);
    if (argument->kind == PLUGCL_ARGUMENT_LOCAL && argument->bytes == 0)
        return fail(PLUGCL_INVALID, "kernel %s: argument %zu is local memory of 0 bytes; it must be at least 1", params->entry,
                    number);
    if (argument->kind != PLUGCL_ARGUMENT_DIMENSION)
        return PLUGCL_OK;
    uint32_t rank = graph_value(graph, inputs[argument->index].id)->shape.rank;
    if (argument->axis >= rank)
        return fail(PLUGCL_INVALID, "kernel %s: argument %zu is dimension %u of input %u, which has rank %u", params->entry, number,
                    argument->axis, argument->index, rank);
    return PLUGCL_OK;
}

static plugcl_status check_outputs_passed(const struct plugcl_kernel_params *params)
{
    for (size_t output = 0; output < params->n_outputs; output++) {
        bool found = false;
        for (size_t i = 0; i < params->n_arguments; i++)
            found = found || (params->arguments[i].kind == PLUGCL_ARGUMENT_OUTPUT && params->arguments[i].index == output);
        if (!found)
            return fail(PLUGCL_INVALID, "kernel %s: output %zu is not among the arguments, so the kernel cannot write it",
                        params->entry, output);
    }
    return PLUGCL_OK;
}

static plugcl_status check_output_shapes(const plugcl_graph *graph, const struct plugcl_kernel_params *params, plugcl_value first)
{
    uint32_t rank = graph_value(graph, first.id)->shape.rank;
    for (size_t i = 0; params->output_shapes != NULL && i < params->n_outputs; i++) {
        const plugcl_shape *shape = &params->output_shapes[i];
        for (uint32_t j = 0; j < shape->rank && j < PLUGCL_MAX_RANK; j++)
            if (shape->dims[j] == PLUGCL_DIM_ANY && j >= rank)
                return fail(PLUGCL_INVALID, "kernel %s: dimension %u of output %zu is that of input 0, which has rank %u",
                            params->entry, j, i, rank);
    }
    return PLUGCL_OK;
}

static plugcl_status check_params(const plugcl_graph *graph, const struct plugcl_kernel_params *params, const plugcl_value *inputs,
                                  size_t n_inputs)
{
    plugcl_status status = check_texts(params);
    if (status == PLUGCL_OK)
        status = check_inputs(graph, params, inputs, n_inputs);
    for (size_t i = 0; status == PLUGCL_OK && i < params->n_arguments; i++)
        status = check_argument(graph, params, inputs, n_inputs, i);
    if (status == PLUGCL_OK)
        status = check_outputs_passed(params);
    return status == PLUGCL_OK ? check_output_shapes(graph, params, inputs[0]) : status;
}

plugcl_value plugcl_graph_kernel(plugcl_graph *graph, const plugcl_value *inputs, size_t n_inputs,
                                 const struct plugcl_kernel_params *params, plugcl_value *outputs)
{
    struct plugcl_kernel_params own = plugcl_kernel_params_init();
    struct user_kernel_params made = { NULL };
    plugcl_value results[PLUGCL_KERNEL_MAX_OUTPUTS] = { { 0 } };
    plugcl_status status = params ? params_read("plugcl_kernel_params", params, &own, sizeof own)
                                  : fail(PLUGCL_INVALID, "a kernel needs parameters, not NULL");
    own.n_outputs = own.n_outputs ? own.n_outputs : 1;
    if (graph_is_good(graph)) {
        if (status == PLUGCL_OK)
            status = check_params(graph, &own, inputs, n_inputs);
        if (status == PLUGCL_OK)
            status = user_kernel_create(&own, n_inputs, &made.kernel);
        if (graph_fail(graph, status) == PLUGCL_OK)
            graph_add(graph, &operator_user_kernel[own.layout == PLUGCL_NHWC][own.definition != NULL], &made, inputs, n_inputs,
                      (uint32_t)own.n_outputs, results);
        user_kernel_drop(&made.kernel);
    }
    size_t count = own.n_outputs < PLUGCL_KERNEL_MAX_OUTPUTS ? own.n_outputs : PLUGCL_KERNEL_MAX_OUTPUTS;
    for (size_t i = 0; outputs != NULL && i < count; i++)
        outputs[i] = results[i];
    return results[0];
}
