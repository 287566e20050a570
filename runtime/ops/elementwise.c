/* SPDX-License-Identifier: Apache-2.0 */
/* elementwise.c: functions of one operand, PReLU, and binary operators with NumPy's broadcasting. */
#include <stdio.h>

#include "ops/strided.h"

#define FILE_NAME "common/elementwise.cl"
#define OPERATION_PRELU 6 /* after enum plugcl_binary's, in the kernel */

static uint32_t vector_width(const struct schedule *schedule)
{
    const struct device_caps *caps = schedule_caps(schedule);
    return caps->cpu_family ? caps->vector_width : 4;
}

static plugcl_status activation_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const struct activation_params *activation = params;
    (void)present;
    if ((int)activation->kind < PLUGCL_IDENTITY || activation->kind > PLUGCL_SQRT)
        return fail(PLUGCL_INVALID, "activation %d does not exist; they go from 0 to %d", (int)activation->kind, PLUGCL_SQRT);
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
    snprintf(options, sizeof options, "-DACTIVATION=%d -DVECTOR=%u", (int)activation->kind, vector_width(schedule));
    struct launch *launch = schedule_launch(schedule, FILE_NAME, options, "unary");
    launch_operand(launch, x);
    launch_operand(launch, y);
    launch_rows(launch, &space, schedule_caps(schedule));
    launch_float(launch, activation->alpha);
    launch_float(launch, activation->beta);
    return schedule_status(schedule);
}

static plugcl_status plan_two(struct schedule *schedule, const struct operand *a, const struct operand *b, const struct operand *y,
                              const struct strided *space, int operation)
{
    char options[64];
    snprintf(options, sizeof options, "-DOPERATION=%d -DVECTOR=%u", operation, vector_width(schedule));
    struct launch *launch = schedule_launch(schedule, FILE_NAME, options, "binary");
    launch_operand(launch, a);
    launch_operand(launch, b);
    launch_operand(launch, y);
    launch_rows(launch, space, schedule_caps(schedule));
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
    return plan_two(schedule, x, slope, y, &space, OPERATION_PRELU);
}

static plugcl_status binary_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const struct binary_params *binary = params;
    (void)present;
    if ((int)binary->kind < PLUGCL_ADD || binary->kind > PLUGCL_MAX)
        return fail(PLUGCL_INVALID, "binary operator %d does not exist; they go from 0 to %d", (int)binary->kind, PLUGCL_MAX);
    const plugcl_shape *a = &inputs[0], *b = &inputs[1];
    uint32_t rank = a->rank > b->rank ? a->rank : b->rank;
    outputs[0] = (plugcl_shape){ .rank = rank };
    for (uint32_t i = 0; i < rank; i++) {
        int64_t of_a = i + a->rank < rank ? 1 : a->dims[i + a->rank - rank];
        int64_t of_b = i + b->rank < rank ? 1 : b->dims[i + b->rank - rank];
        if (of_a != of_b && of_a != 1 && of_b != 1)
            return fail(PLUGCL_INVALID,
                        "operands of %lld and %lld elements along axis %u (of %u) do not broadcast; they must be equal or 1",
                        (long long)of_a, (long long)of_b, i, rank);
        outputs[0].dims[i] = of_a == 1 ? of_b : of_a;
    }
    return PLUGCL_OK;
}

static plugcl_status plan_binary(struct schedule *schedule, const struct operator_call *call)
{
    const struct binary_params *binary = call->params;
    const struct operand *a = &call->inputs[0], *b = &call->inputs[1], *y = &call->outputs[0];
    if (operand_elements(y) == 0)
        return schedule_status(schedule);
    struct strided space;
    strided_begin(&space, &y->shape);
    strided_add_broadcast(&space, a);
    strided_add_broadcast(&space, b);
    strided_add(&space, y->strides);
    strided_fold(&space);
    return plan_two(schedule, a, b, y, &space, (int)binary->kind);
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
    .variants = binary_variants,
};
