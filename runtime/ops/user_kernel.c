/* SPDX-License-Identifier: Apache-2.0 */
/* user_kernel.c: a user's own OpenCL C as an operator. */
#include "ops/user_kernel.h"

#include <stdio.h>
#include <string.h>

struct user_kernel {
    reference_count references;
    struct plugcl_kernel_params params; /* what it points to is owned, but `user` */
    char *source, *entry, *options;
    struct plugcl_kernel_argument *arguments;
    plugcl_shape *output_shapes;
    size_t n_inputs;
};

static void *copy_array(const void *array, size_t count, size_t size)
{
    void *copy = memory_zeroed(count, size);
    if (copy != NULL)
        memcpy(copy, array, count * size);
    return copy;
}

plugcl_status user_kernel_create(const struct plugcl_kernel_params *params, size_t n_inputs, struct user_kernel **kernel)
{
    struct user_kernel *made = memory_zeroed(1, sizeof *made);
    *kernel = NULL;
    if (made == NULL)
        return fail_no_memory(sizeof *made);
    made->references = 1;
    made->n_inputs = n_inputs;
    made->params = *params;
    made->source = string_copy(params->source);
    made->entry = string_copy(params->entry);
    made->options = string_copy(params->options ? params->options : "");
    made->arguments = copy_array(params->arguments, params->n_arguments, sizeof *params->arguments);
    if (params->output_shapes != NULL)
        made->output_shapes = copy_array(params->output_shapes, params->n_outputs, sizeof *params->output_shapes);
    if (made->source == NULL || made->entry == NULL || made->options == NULL || made->arguments == NULL ||
        (params->output_shapes != NULL && made->output_shapes == NULL)) {
        user_kernel_drop(&made);
        return fail_no_memory(strlen(params->source));
    }
    *kernel = made;
    return PLUGCL_OK;
}

void user_kernel_drop(struct user_kernel **kernel)
{
    struct user_kernel *old = *kernel;
    *kernel = NULL;
    if (old == NULL || !reference_drop(&old->references))
        return;
    memory_free(old->source);
    memory_free(old->entry);
    memory_free(old->options);
    memory_free(old->arguments);
    memory_free(old->output_shapes);
    memory_free(old);
}

static const struct user_kernel *kernel_of(const void *params)
{
    return ((const struct user_kernel_params *)params)->kernel;
}

static void take_params(void *params)
{
    reference_take(&((struct user_kernel_params *)params)->kernel->references);
}

static void drop_params(void *params)
{
    user_kernel_drop(&((struct user_kernel_params *)params)->kernel);
}

/*
 * Shapes.
 */
static plugcl_status check_shape(const struct user_kernel *kernel, const plugcl_shape *shape, size_t output)
{
    if (shape->rank > PLUGCL_MAX_RANK)
        return fail(PLUGCL_INVALID, "kernel %s: output %zu has rank %u; at most %d is supported", kernel->entry, output,
                    shape->rank, PLUGCL_MAX_RANK);
    for (uint32_t i = 0; i < shape->rank; i++)
        if (shape->dims[i] < 0)
            return fail(PLUGCL_INVALID, "kernel %s: dimension %u of output %zu is %lld; it must be at least 0", kernel->entry, i,
                        output, (long long)shape->dims[i]);
    return PLUGCL_OK;
}

static plugcl_status apply_shape_rule(const struct user_kernel *kernel, const plugcl_shape *inputs, plugcl_shape *outputs)
{
    const struct plugcl_kernel_sizes sizes = { inputs, kernel->n_inputs, outputs, kernel->params.n_outputs, 0 };
    for (size_t i = 0; i < sizes.n_outputs; i++)
        outputs[i] = (plugcl_shape){ 0 };
    const char *wrong = kernel->params.shape_rule(&sizes, kernel->params.user);
    return wrong == NULL ? PLUGCL_OK : fail(PLUGCL_INVALID, "kernel %s: %s", kernel->entry, wrong);
}

static plugcl_status infer_shapes(const struct user_kernel *kernel, const plugcl_shape *inputs, plugcl_shape *outputs)
{
    plugcl_status status = PLUGCL_OK;
    if (kernel->params.shape_rule != NULL)
        status = apply_shape_rule(kernel, inputs, outputs);
    for (size_t i = 0; i < kernel->params.n_outputs && status == PLUGCL_OK; i++) {
        if (kernel->output_shapes != NULL)
            outputs[i] = kernel->output_shapes[i];
        else if (kernel->params.shape_rule == NULL)
            outputs[i] = inputs[0];
        for (uint32_t j = 0; kernel->output_shapes != NULL && j < outputs[i].rank && j < inputs[0].rank; j++)
            if (outputs[i].dims[j] == PLUGCL_DIM_ANY)
                outputs[i].dims[j] = inputs[0].dims[j];
        status = check_shape(kernel, &outputs[i], i);
    }
    return status;
}

static plugcl_status kernel_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    (void)present;
    return infer_shapes(kernel_of(params), inputs, outputs);
}

/*
 * Layout: dense, as declared.
 */
static enum operand_need need_row_major(const struct operator_call *call, size_t input)
{
    (void)call;
    (void)input;
    return NEED_ROW_MAJOR;
}

static enum operand_need need_channels_last(const struct operator_call *call, size_t input)
{
    return call->inputs[input].shape.rank == 4 ? NEED_DENSE_CHANNELS_LAST : NEED_ROW_MAJOR;
}

/*
 * The launch.
 */

/* The call's operands; an output that nobody reads gets memory for this step, since the kernel writes it all the same. */
struct user_call {
    const struct user_kernel *kernel;
    plugcl_shape shapes[PLUGCL_KERNEL_MAX_INPUTS], output_shapes[OPERATOR_MAX_OUTPUTS];
    struct operand outputs[OPERATOR_MAX_OUTPUTS];
};

static plugcl_status read_call(struct schedule *schedule, const struct operator_call *call, struct user_call *own)
{
    own->kernel = kernel_of(call->params);
    for (size_t i = 0; i < own->kernel->n_inputs; i++)
        own->shapes[i] = call->inputs[i].shape;
    plugcl_status status = infer_shapes(own->kernel, own->shapes, own->output_shapes);
    for (size_t i = 0; status == PLUGCL_OK && i < own->kernel->params.n_outputs; i++) {
        struct operand *output = &own->outputs[i];
        *output = call->outputs[i];
        if (output->present)
            continue;
        *output = (struct operand){ .present = true, .shape = own->output_shapes[i] };
        output->region = schedule_floats(schedule, operand_elements(output));
        status = schedule_status(schedule);
    }
    return status;
}

/* What the range is, with nothing left to default. */
static plugcl_status find_range(const struct user_call *own, const struct launch *launch, struct plugcl_kernel_range *range)
{
    const struct user_kernel *kernel = own->kernel;
    plugcl_shape outputs[OPERATOR_MAX_OUTPUTS];
    memcpy(outputs, own->output_shapes, sizeof outputs);
    const struct plugcl_kernel_sizes sizes = { own->shapes, kernel->n_inputs, outputs, kernel->params.n_outputs,
                                               launch_max_work_group(launch) };
    const size_t *given = kernel->params.range.global;
    bool is_given = given[0] > 0 || given[1] > 0 || given[2] > 0;
    *range = kernel->params.range;
    for (int i = 0; i < 3; i++)
        range->global[i] = is_given && given[i] > 0 ? given[i] : 1;
    if (!is_given)
        range->global[0] = (size_t)plugcl_shape_elements(&outputs[0]);
    const char *wrong = kernel->params.range_rule ? kernel->params.range_rule(&sizes, range, kernel->params.user) : NULL;
    if (wrong != NULL)
        return fail(PLUGCL_INVALID, "kernel %s: %s", kernel->entry, wrong);
    size_t *local = range->local, group = 1;
    for (int i = 0; i < 3; i++) {
        if (local[i] == 0 && (local[0] > 0 || local[1] > 0 || local[2] > 0))
            local[i] = 1;
        if (local[i] > 1 && !size_multiply(group, local[i], &group))
            group = SIZE_MAX;
    }
    if (group > sizes.max_work_group)
        return fail(PLUGCL_UNSUPPORTED, "kernel %s: its work-groups have %zu work-items; this device takes at most %zu",
                    kernel->entry, group, sizes.max_work_group);
    return PLUGCL_OK;
}

static void add_arguments(struct launch *launch, const struct operator_call *call, const struct user_call *own)
{
    for (size_t i = 0; i < own->kernel->params.n_arguments; i++) {
        const struct plugcl_kernel_argument *argument = &own->kernel->arguments[i];
        switch (argument->kind) {
        case PLUGCL_ARGUMENT_INPUT: launch_operand(launch, &call->inputs[argument->index]); break;
        case PLUGCL_ARGUMENT_OUTPUT: launch_operand(launch, &own->outputs[argument->index]); break;
        case PLUGCL_ARGUMENT_DIMENSION: launch_int(launch, own->shapes[argument->index].dims[argument->axis]); break;
        case PLUGCL_ARGUMENT_INT: launch_int(launch, argument->integer); break;
        case PLUGCL_ARGUMENT_FLOAT: launch_float(launch, argument->number); break;
        case PLUGCL_ARGUMENT_LOCAL: launch_local(launch, argument->bytes); break;
        }
    }
}

static plugcl_status check_arguments(const struct schedule *schedule, const struct launch *launch, const struct user_kernel *kernel)
{
    size_t count = 0, local = 0, most = schedule_caps(schedule)->local_memory;
    for (size_t i = 0; i < kernel->params.n_arguments; i++) {
        plugcl_argument_kind kind = kernel->arguments[i].kind;
        count += kind == PLUGCL_ARGUMENT_INPUT || kind == PLUGCL_ARGUMENT_OUTPUT ? 2 : 1;
        if (kind == PLUGCL_ARGUMENT_LOCAL)
            local = kernel->arguments[i].bytes > SIZE_MAX - local ? SIZE_MAX : local + kernel->arguments[i].bytes;
    }
    if (local > most)
        return fail(PLUGCL_UNSUPPORTED, "kernel %s: it asks for %zu bytes of local memory; this device has %zu", kernel->entry,
                    local, most);
    if (launch != NULL && launch_takes(launch) != count)
        return fail(PLUGCL_INVALID, "kernel %s takes %u arguments; the list gives it %zu (an input or output is two)",
                    kernel->entry, launch_takes(launch), count);
    return PLUGCL_OK;
}

static plugcl_status plan_source(struct schedule *schedule, const struct operator_call *call)
{
    struct user_call own;
    struct plugcl_kernel_range range;
    plugcl_status status = read_call(schedule, call, &own);
    if (status != PLUGCL_OK)
        return status;
    struct launch *launch = schedule_launch_source(schedule, own.kernel->entry, own.kernel->source, own.kernel->options);
    status = schedule_status(schedule);
    if (status == PLUGCL_OK)
        status = check_arguments(schedule, launch, own.kernel);
    if (status == PLUGCL_OK)
        status = find_range(&own, launch, &range);
    if (status != PLUGCL_OK)
        return status;
    add_arguments(launch, call, &own);
    launch_range(launch, range.global[0], range.global[1], range.global[2], range.local[0], range.local[1], range.local[2]);
    return schedule_status(schedule);
}

static void expand_definition(plugcl_graph *graph, const void *params, const plugcl_value *inputs, plugcl_value *results)
{
    const struct user_kernel *kernel = kernel_of(params);
    kernel->params.definition(graph, inputs, results, kernel->params.user);
    for (size_t i = 0; i < kernel->params.n_outputs; i++) {
        char message[256];
        plugcl_shape shape;
        if (plugcl_graph_shape(graph, results[i], &shape) == PLUGCL_OK)
            continue;
        snprintf(message, sizeof message, "kernel %s: its definition sets no output %zu", kernel->entry, i);
        plugcl_graph_fail(graph, PLUGCL_INVALID, message);
    }
}

static const struct variant user_kernel_variants[] = {
    { "source", variant_always, NULL, plan_source },
    { NULL, NULL, NULL, NULL },
};

#define USER_KERNEL(needs, layout_of, definition)                                                                                  \
    {                                                                                                                              \
        .name = "kernel", .params_size = sizeof(struct user_kernel_params), .params_take = take_params,                            \
        .params_drop = drop_params, .shape = kernel_shape, .need = needs, .layout = layout_of, .dense_outputs = true,              \
        .variants = user_kernel_variants, .expand = definition                                                                     \
    }

const struct operator_info operator_user_kernel[2][2] = {
    { USER_KERNEL(need_row_major, OUTPUT_ROW_MAJOR, NULL), USER_KERNEL(need_row_major, OUTPUT_ROW_MAJOR, expand_definition) },
    { USER_KERNEL(need_channels_last, OUTPUT_CHANNELS_LAST, NULL),
      USER_KERNEL(need_channels_last, OUTPUT_CHANNELS_LAST, expand_definition) },
};
