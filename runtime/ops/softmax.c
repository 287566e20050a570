/* SPDX-License-Identifier: Apache-2.0 */
/* softmax.c: softmax along any axis, of any strides. */
#include <stdio.h>

#include "ops/strided.h"

#define LONG_ROW 64     /* from here on a work-group for a row pays */
#define EXP_COST 4      /* of an element, against one that is copied */

static plugcl_status softmax_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    uint32_t axis = ((const struct axis_params *)params)->axis;
    (void)present;
    if (axis >= inputs[0].rank)
        return fail(PLUGCL_INVALID, "softmax's axis is %u; x has rank %u", axis, inputs[0].rank);
    outputs[0] = inputs[0];
    return PLUGCL_OK;
}

/* The rows: every axis but the one. */
struct rows {
    struct strided space;
    int64_t length, x_stride, y_stride, count;
};

static void rows_of(const struct operator_call *call, struct rows *rows)
{
    uint32_t axis = ((const struct axis_params *)call->params)->axis;
    const struct operand *x = &call->inputs[0], *y = &call->outputs[0];
    rows->length = x->shape.dims[axis];
    rows->x_stride = x->strides[axis];
    rows->y_stride = y->strides[axis];
    plugcl_shape shape = y->shape;
    shape.dims[axis] = 1;
    strided_begin(&rows->space, &shape);
    strided_add(&rows->space, x->strides);
    strided_add(&rows->space, y->strides);
    strided_fold(&rows->space);
    rows->count = strided_elements(&rows->space);
}

static bool can_go_along(const struct device_caps *caps, const struct operator_call *call)
{
    struct rows rows;
    (void)caps;
    rows_of(call, &rows);
    return rows.length <= 1 || (rows.x_stride == 1 && rows.y_stride == 1);
}

static bool can_go_across(const struct device_caps *caps, const struct operator_call *call)
{
    struct rows rows;
    (void)caps;
    rows_of(call, &rows);
    uint32_t last = rows.space.rank - 1;
    return rows.space.strides[0][last] == 1 && rows.space.strides[1][last] == 1;
}

static bool prefers_groups(const struct device_caps *caps, const struct operator_call *call)
{
    struct rows rows;
    rows_of(call, &rows);
    return !caps->cpu_family && rows.length >= LONG_ROW && (rows.x_stride == 1 || rows.count < 4096);
}

static struct launch *launch_softmax(struct schedule *schedule, const struct operator_call *call, const char *file,
                                     const char *entry)
{
    const struct device_caps *caps = schedule_caps(schedule);
    char options[32];
    snprintf(options, sizeof options, "-DVECTOR=%d", caps_vector(caps));
    struct launch *launch = schedule_launch(schedule, file, options, entry);
    launch_strided(launch, &call->inputs[0]);
    launch_strided(launch, &call->outputs[0]);
    return launch;
}

static plugcl_status plan_along(struct schedule *schedule, const struct operator_call *call)
{
    struct rows rows;
    rows_of(call, &rows);
    if (call_is_empty(call))
        return schedule_status(schedule);
    int64_t each = strided_rows_each(rows.count, EXP_COST * rows.length, schedule_caps(schedule));
    struct launch *launch = launch_softmax(schedule, call, "cpu/softmax.cl", "softmax_along");
    launch_space(launch, &rows.space, 0, rows.space.rank);
    launch_int(launch, rows.count);
    launch_int(launch, rows.length);
    launch_int(launch, each);
    launch_groups(launch, (size_t)((rows.count + each - 1) / each), 1, 1);
    return schedule_status(schedule);
}

static plugcl_status plan_across(struct schedule *schedule, const struct operator_call *call)
{
    struct rows rows;
    rows_of(call, &rows);
    if (call_is_empty(call))
        return schedule_status(schedule);
    uint32_t last = rows.space.rank - 1;
    int64_t each = strided_rows_each(rows.count, rows.length, schedule_caps(schedule));
    int64_t inner = rows.space.sizes[last], piece = (each + 15) / 16 * 16;
    struct launch *launch = launch_softmax(schedule, call, "cpu/softmax.cl", "softmax_across");
    launch_space(launch, &rows.space, 0, last);
    launch_int(launch, inner);
    launch_int(launch, rows.length);
    launch_int(launch, rows.x_stride);
    launch_int(launch, rows.y_stride);
    launch_int(launch, piece);
    launch_groups(launch, (size_t)((inner + piece - 1) / piece), (size_t)(rows.count / inner), 1);
    return schedule_status(schedule);
}

static plugcl_status plan_in_groups(struct schedule *schedule, const struct operator_call *call)
{
    struct rows rows;
    rows_of(call, &rows);
    if (call_is_empty(call))
        return schedule_status(schedule);
    struct launch *launch = launch_softmax(schedule, call, "gpu/softmax.cl", "softmax");
    size_t group = launch_power_of_two(launch, rows.length >= 512 ? 256 : 64);
    launch_space(launch, &rows.space, 0, rows.space.rank);
    launch_int(launch, rows.length);
    launch_int(launch, rows.x_stride);
    launch_int(launch, rows.y_stride);
    launch_local(launch, group * sizeof(float));
    launch_range(launch, group * (size_t)rows.count, 1, 1, group, 1, 1);
    return schedule_status(schedule);
}

static plugcl_status plan_strided(struct schedule *schedule, const struct operator_call *call)
{
    const struct device_caps *caps = schedule_caps(schedule);
    struct rows rows;
    rows_of(call, &rows);
    if (call_is_empty(call))
        return schedule_status(schedule);
    int64_t each = caps->cpu_family ? strided_rows_each(rows.count, rows.length, caps) : 1;
    struct launch *launch = launch_softmax(schedule, call, "common/softmax.cl", "softmax");
    launch_space(launch, &rows.space, 0, rows.space.rank);
    launch_int(launch, rows.count);
    launch_int(launch, rows.length);
    launch_int(launch, rows.x_stride);
    launch_int(launch, rows.y_stride);
    launch_int(launch, each);
    launch_range(launch, (size_t)((rows.count + each - 1) / each), 1, 1,
                 caps->cpu_family ? 1 : launch_power_of_two(launch, 64), 1, 1);
    return schedule_status(schedule);
}

static uint64_t softmax_flops(const struct operator_call *call)
{
    return 5 * (uint64_t)operand_elements(&call->outputs[0]);
}

static const struct variant softmax_variants[] = {
    { "cpu_along", can_go_along, variant_on_cpu, plan_along },
    { "cpu_across", can_go_across, variant_on_cpu, plan_across },
    { "gpu_groups", variant_always, prefers_groups, plan_in_groups },
    { "strided", variant_always, NULL, plan_strided },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_softmax = {
    .name = "softmax",
    .params_size = sizeof(struct axis_params),
    .shape = softmax_shape,
    .variants = softmax_variants,
    .flops = softmax_flops,
};
