/* SPDX-License-Identifier: Apache-2.0 */
/* elementwise.c: functions of one operand, PReLU, and binary operators and comparisons with NumPy's broadcasting. */
#include <stdio.h>

#include "ops/strided.h"

#define FILE_NAME "common/elementwise.cl"
/* After enum plugcl_binary's, in the kernel. */
#define OPERATION_PRELU 7
#define OPERATION_COMPARE 8

static plugcl_status activation_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const struct activation_params *activation = params;
    (void)present;
    if ((int)activation->kind < PLUGCL_IDENTITY || activation->kind > PLUGCL_CLIP)
        return fail(PLUGCL_INVALID, "activation %d does not exist; they go from 0 to %d", (int)activation->kind, PLUGCL_CLIP);
    outputs[0] = inputs[0];
    return PLUGCL_OK;
}

static plugcl_status plan_activation(struct schedule *schedule, const struct operator_call *call)
{
    const struct activation_params *activation = call->params;
    const struct operand *x = &call->inputs[0], *y = &call->outputs[0];
    if (operand_elements(y) == 0)
        return schedule_status(schedule);
    struct strided space;
    strided_begin(&space, &y->shape);
    strided_add(&space, x->strides);
    strided_add(&space, y->strides);
    strided_fold(&space);
    char options[64];
    snprintf(options, sizeof options, "-DACTIVATION=%d -DVECTOR=%d", (int)activation->kind, caps_vector(schedule_caps(schedule)));
    struct launch *launch = schedule_launch(schedule, FILE_NAME, options, "unary");
    launch_strided(launch, x);
    launch_strided(launch, y);
    launch_rows(launch, &space, schedule_caps(schedule));
    launch_float(launch, activation->alpha);
    launch_float(launch, activation->beta);
    return schedule_status(schedule);
}

static plugcl_status plan_two(struct schedule *schedule, const struct operator_call *call, const struct strided *space,
                              int operation, bool integer)
{
    const struct epilogue *epilogue = &call->epilogue;
    char options[96];
    snprintf(options, sizeof options, "-DOPERATION=%d%s -DACTIVATION=%d -DVECTOR=%d", operation, integer ? " -DINTEGER=1" : "",
             (int)epilogue->act, caps_vector(schedule_caps(schedule)));
    struct launch *launch = schedule_launch(schedule, FILE_NAME, options, "binary");
    launch_strided(launch, &call->inputs[0]);
    launch_strided(launch, &call->inputs[1]);
    launch_strided(launch, &call->outputs[0]);
    launch_rows(launch, space, schedule_caps(schedule));
    launch_float(launch, epilogue->alpha);
    launch_float(launch, epilogue->beta);
    return schedule_status(schedule);
}

static plugcl_status prelu_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    (void)params;
    (void)present;
    int64_t slopes = plugcl_shape_elements(&inputs[1]), channels = inputs[0].rank >= 2 ? inputs[0].dims[1] : 1;
    if (slopes != 1 && slopes != channels)
        return fail(PLUGCL_INVALID, "prelu's slope has %lld elements; it must have 1 or one for each of the %lld channels",
                    (long long)slopes, (long long)channels);
    outputs[0] = inputs[0];
    return PLUGCL_OK;
}

/* The slope may have axes of size 1 next to its channels. */
static int64_t slope_stride(const struct operand *slope)
{
    for (uint32_t i = 0; i < slope->shape.rank; i++)
        if (slope->shape.dims[i] != 1)
            return slope->strides[i];
    return 0;
}

static plugcl_status plan_prelu(struct schedule *schedule, const struct operator_call *call)
{
    const struct operand *x = &call->inputs[0], *slope = &call->inputs[1], *y = &call->outputs[0];
    if (operand_elements(y) == 0)
        return schedule_status(schedule);
    int64_t slope_strides[PLUGCL_MAX_RANK] = { 0 };
    if (x->shape.rank >= 2)
        slope_strides[1] = slope_stride(slope);
    struct strided space;
    strided_begin(&space, &y->shape);
    strided_add(&space, x->strides);
    strided_add(&space, slope_strides);
    strided_add(&space, y->strides);
    strided_fold(&space);
    return plan_two(schedule, call, &space, OPERATION_PRELU, false);
}

static plugcl_status binary_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const struct binary_params *binary = params;
    (void)present;
    if ((int)binary->kind < PLUGCL_ADD || binary->kind > PLUGCL_POW)
        return fail(PLUGCL_INVALID, "binary operator %d does not exist; they go from 0 to %d", (int)binary->kind, PLUGCL_POW);
    return shape_broadcast(inputs, 2, &outputs[0]);
}

static plugcl_status plan_broadcast(struct schedule *schedule, const struct operator_call *call, int operation, bool integer)
{
    const struct operand *a = &call->inputs[0], *b = &call->inputs[1], *y = &call->outputs[0];
    if (operand_elements(y) == 0)
        return schedule_status(schedule);
    struct strided space;
    strided_begin(&space, &y->shape);
    strided_add_broadcast(&space, a);
    strided_add_broadcast(&space, b);
    strided_add(&space, y->strides);
    strided_fold(&space);
    return plan_two(schedule, call, &space, operation, integer);
}

static plugcl_status plan_binary(struct schedule *schedule, const struct operator_call *call)
{
    return plan_broadcast(schedule, call, (int)((const struct binary_params *)call->params)->kind, false);
}

static plugcl_status compare_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const struct compare_params *compare = params;
    (void)present;
    if ((int)compare->kind < PLUGCL_EQ || compare->kind > PLUGCL_GE)
        return fail(PLUGCL_INVALID, "comparison %d does not exist; they go from 0 to %d", (int)compare->kind, PLUGCL_GE);
    return shape_broadcast(inputs, 2, &outputs[0]);
}

static plugcl_status compare_dtype(const void *params, const plugcl_dtype *inputs, const bool *present, plugcl_dtype *outputs)
{
    (void)params;
    (void)present;
    if (inputs[0] != inputs[1])
        return fail(PLUGCL_INVALID, "compare of %s with %s; both must be of one type, which plugcl_graph_cast makes",
                    plugcl_dtype_name(inputs[0]), plugcl_dtype_name(inputs[1]));
    outputs[0] = PLUGCL_BOOL;
    return PLUGCL_OK;
}

static plugcl_status plan_compare(struct schedule *schedule, const struct operator_call *call)
{
    const struct compare_params *compare = call->params;
    return plan_broadcast(schedule, call, OPERATION_COMPARE + (int)compare->kind, call->inputs[0].dtype != PLUGCL_F32);
}

static const struct variant activation_variants[] = {
    { "strided", variant_always, NULL, plan_activation },
    { NULL, NULL, NULL, NULL },
};
static const struct variant prelu_variants[] = {
    { "strided", variant_always, NULL, plan_prelu },
    { NULL, NULL, NULL, NULL },
};
static const struct variant binary_variants[] = {
    { "strided", variant_always, NULL, plan_binary },
    { NULL, NULL, NULL, NULL },
};
static const struct variant compare_variants[] = {
    { "strided", variant_always, NULL, plan_compare },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_activation = {
    .name = "activation",
    .params_size = sizeof(struct activation_params),
    .shape = activation_shape,
    .variants = activation_variants,
};
const struct operator_info operator_prelu = {
    .name = "prelu",
    .shape = prelu_shape,
    .variants = prelu_variants,
};
const struct operator_info operator_binary = {
    .name = "binary",
    .params_size = sizeof(struct binary_params),
    .shape = binary_shape,
    .epilogue = EPILOGUE_OF_BINARY,
    .variants = binary_variants,
};
const struct operator_info operator_compare = {
    .name = "compare",
    .params_size = sizeof(struct compare_params),
    .shape = compare_shape,
    .dtype = compare_dtype,
    .variants = compare_variants,
};
