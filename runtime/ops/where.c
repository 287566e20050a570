/* SPDX-License-Identifier: Apache-2.0 */
/* where.c: a choice between two operands, element by element, with NumPy's broadcasting. */
#include <stdio.h>

#include "ops/strided.h"

static plugcl_status where_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    (void)params;
    (void)present;
    return shape_broadcast(inputs, 3, &outputs[0]);
}

static plugcl_status where_dtype(const void *params, const plugcl_dtype *inputs, const bool *present, plugcl_dtype *outputs)
{
    (void)params;
    (void)present;
    if (inputs[0] != PLUGCL_BOOL)
        return fail(PLUGCL_INVALID, "where's condition is %s; it must be bool, which plugcl_graph_compare and _cast make",
                    plugcl_dtype_name(inputs[0]));
    if (inputs[1] != inputs[2])
        return fail(PLUGCL_INVALID, "where between %s and %s; both must be of one type, which plugcl_graph_cast makes",
                    plugcl_dtype_name(inputs[1]), plugcl_dtype_name(inputs[2]));
    outputs[0] = inputs[1];
    return PLUGCL_OK;
}

static plugcl_status plan_where(struct schedule *schedule, const struct operator_call *call)
{
    const struct device_caps *caps = schedule_caps(schedule);
    const struct operand *y = &call->outputs[0];
    struct strided space;
    char options[32];
    if (operand_elements(y) == 0)
        return schedule_status(schedule);
    strided_begin(&space, &y->shape);
    for (int i = 0; i < 3; i++)
        strided_add_broadcast(&space, &call->inputs[i]);
    strided_add(&space, y->strides);
    strided_fold(&space);
    snprintf(options, sizeof options, "-DVECTOR=%d", caps_vector(caps));
    struct launch *launch = schedule_launch(schedule, "common/where.cl", options, "where");
    for (int i = 0; i < 3; i++)
        launch_strided(launch, &call->inputs[i]);
    launch_strided(launch, y);
    launch_rows(launch, &space, caps);
    return schedule_status(schedule);
}

static const struct variant where_variants[] = {
    { "strided", variant_always, NULL, plan_where },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_where = {
    .name = "where",
    .shape = where_shape,
    .dtype = where_dtype,
    .variants = where_variants,
};
