/* SPDX-License-Identifier: Apache-2.0 */
/* cast.c: conversions between types, and of I64 and BOOL tensors of a caller to and from the plan's int. */
#include <stdio.h>

#include "ops/strided.h"

static plugcl_status cast_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    (void)params;
    (void)present;
    outputs[0] = inputs[0];
    return PLUGCL_OK;
}

static plugcl_status cast_dtype(const void *params, const plugcl_dtype *inputs, const bool *present, plugcl_dtype *outputs)
{
    plugcl_dtype to = ((const struct cast_params *)params)->to;
    (void)inputs;
    (void)present;
    if (plugcl_dtype_size(to) == 0 || dtype_computed(to) != to)
        return fail(PLUGCL_INVALID, "cast to %s; values are of f32, i32, i64 or bool", plugcl_dtype_name(to));
    outputs[0] = to;
    return PLUGCL_OK;
}

/* The numbers that common/cast.cl gives to the types of elements. */
static int element_kind(const struct operand *operand)
{
    if (operand->dtype == PLUGCL_F32)
        return 0;
    return !operand->at_port || operand->dtype == PLUGCL_I32 ? 1 : operand->dtype == PLUGCL_I64 ? 2 : 3;
}

static plugcl_status plan_cast(struct schedule *schedule, const struct operator_call *call)
{
    const struct operand *x = &call->inputs[0], *y = &call->outputs[0];
    struct strided space;
    char options[64];
    if (operand_elements(y) == 0)
        return schedule_status(schedule);
    strided_begin(&space, &y->shape);
    strided_add(&space, x->strides);
    strided_add(&space, y->strides);
    strided_fold(&space);
    snprintf(options, sizeof options, "-DFROM=%d -DTO=%d -DTRUTH=%d", element_kind(x), element_kind(y), y->dtype == PLUGCL_BOOL);
    struct launch *launch = schedule_launch(schedule, "common/cast.cl", options, "cast");
    launch_strided(launch, x);
    launch_strided(launch, y);
    launch_rows(launch, &space, schedule_caps(schedule));
    return schedule_status(schedule);
}

static const struct variant cast_variants[] = {
    { "strided", variant_always, NULL, plan_cast },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_cast = {
    .name = "cast",
    .params_size = sizeof(struct cast_params),
    .shape = cast_shape,
    .dtype = cast_dtype,
    .variants = cast_variants,
};
