/* SPDX-License-Identifier: Apache-2.0 */
/* reduce.c: mean, max, sum and min over any axes. */
#include <stdio.h>

#include "ops/strided.h"

#define LONG_LINE 64    /* from here on a work-group for an output pays */

static plugcl_status reduce_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const struct reduce_params *reduce = params;
    const plugcl_shape *x = &inputs[0];
    bool is_empty = false;
    (void)present;
    if ((int)reduce->kind < PLUGCL_REDUCE_MEAN || reduce->kind > PLUGCL_REDUCE_MIN)
        return fail(PLUGCL_INVALID, "reduction %d does not exist; they go from 0 to %d", (int)reduce->kind, PLUGCL_REDUCE_MIN);
    outputs[0] = (plugcl_shape){ .rank = 0 };
    for (uint32_t i = 0; i < PLUGCL_MAX_RANK; i++) {
        if (reduce->axes[i] && i >= x->rank)
            return fail(PLUGCL_INVALID, "reduction over axis %u; x has rank %u", i, x->rank);
        if (i >= x->rank)
            continue;
        is_empty = is_empty || (reduce->axes[i] && x->dims[i] == 0);
        if (!reduce->axes[i] || reduce->keep_dimensions)
            outputs[0].dims[outputs[0].rank++] = reduce->axes[i] ? 1 : x->dims[i];
    }
    if (is_empty && (reduce->kind == PLUGCL_REDUCE_MAX || reduce->kind == PLUGCL_REDUCE_MIN))
        return fail(PLUGCL_INVALID, "%s over an axis of size 0; it needs at least one element",
                    reduce->kind == PLUGCL_REDUCE_MAX ? "max" : "min");
    return PLUGCL_OK;
}

/* x taken apart: what is kept (operands x, y) and what is reduced (operand x). */
struct parts {
    struct strided kept, reduced;
    int64_t outputs, inner, lines, stride;
};

static void parts_of(const struct operator_call *call, struct parts *parts)
{
    const struct reduce_params *reduce = call->params;
    const struct operand *x = &call->inputs[0], *y = &call->outputs[0];
    plugcl_shape kept = x->shape, reduced = x->shape;
    int64_t y_strides[PLUGCL_MAX_RANK] = { 0 };
    for (uint32_t i = 0, to = 0; i < x->shape.rank; i++) {
        if (!reduce->axes[i] || reduce->keep_dimensions)
            y_strides[i] = y->strides[to++];
        *(reduce->axes[i] ? &kept.dims[i] : &reduced.dims[i]) = 1;
    }
    strided_begin(&parts->kept, &kept);
    strided_add(&parts->kept, x->strides);
    strided_add(&parts->kept, y_strides);
    strided_fold(&parts->kept);
    strided_begin(&parts->reduced, &reduced);
    strided_add(&parts->reduced, x->strides);
    strided_fold(&parts->reduced);
    uint32_t last = parts->reduced.rank - 1;
    parts->outputs = strided_elements(&parts->kept);
    parts->inner = parts->reduced.sizes[last];
    parts->stride = parts->reduced.strides[0][last];
    parts->lines = parts->inner > 0 ? strided_elements(&parts->reduced) / parts->inner : 0;
}

static bool can_go_along(const struct device_caps *caps, const struct operator_call *call)
{
    struct parts parts;
    (void)caps;
    parts_of(call, &parts);
    return parts.stride == 1;
}

static bool can_go_across(const struct device_caps *caps, const struct operator_call *call)
{
    struct parts parts;
    (void)caps;
    parts_of(call, &parts);
    uint32_t last = parts.kept.rank - 1;
    return parts.kept.strides[0][last] == 1 && parts.kept.strides[1][last] == 1;
}

/* Lanes along a short line would be mostly tail. */
static bool prefers_along(const struct device_caps *caps, const struct operator_call *call)
{
    struct parts parts;
    parts_of(call, &parts);
    return caps->cpu_family && (parts.inner >= caps->vector_width || !can_go_across(caps, call));
}

static bool prefers_groups(const struct device_caps *caps, const struct operator_call *call)
{
    struct parts parts;
    parts_of(call, &parts);
    return !caps->cpu_family && parts.lines * parts.inner >= LONG_LINE && (parts.stride == 1 || parts.outputs < 4096);
}

static int64_t outputs_for_each(const struct parts *parts, const struct device_caps *caps)
{
    return strided_rows_each(parts->outputs, parts->lines * parts->inner, caps);
}

static struct launch *launch_reduce(struct schedule *schedule, const struct operator_call *call, const struct parts *parts,
                                    const char *file, const char *entry, uint32_t kept_dimensions)
{
    const struct device_caps *caps = schedule_caps(schedule);
    char options[48];
    snprintf(options, sizeof options, "-DREDUCE=%d -DVECTOR=%d", (int)((const struct reduce_params *)call->params)->kind,
             caps_vector(caps));
    struct launch *launch = schedule_launch(schedule, file, options, entry);
    launch_strided(launch, &call->inputs[0]);
    launch_strided(launch, &call->outputs[0]);
    launch_space(launch, &parts->kept, 0, kept_dimensions);
    launch_space(launch, &parts->reduced, 0, parts->reduced.rank - 1);
    return launch;
}

static plugcl_status plan_along(struct schedule *schedule, const struct operator_call *call)
{
    struct parts parts;
    if (call_is_empty(call))
        return schedule_status(schedule);
    parts_of(call, &parts);
    int64_t each = outputs_for_each(&parts, schedule_caps(schedule));
    struct launch *launch = launch_reduce(schedule, call, &parts, "cpu/reduce.cl", "reduce_along", parts.kept.rank);
    launch_int(launch, parts.outputs);
    launch_int(launch, parts.lines);
    launch_int(launch, parts.inner);
    launch_float(launch, (float)(parts.lines * parts.inner));
    launch_int(launch, each);
    launch_groups(launch, (size_t)((parts.outputs + each - 1) / each), 1, 1);
    return schedule_status(schedule);
}

static plugcl_status plan_across(struct schedule *schedule, const struct operator_call *call)
{
    struct parts parts;
    if (call_is_empty(call))
        return schedule_status(schedule);
    parts_of(call, &parts);
    uint32_t last = parts.kept.rank - 1;
    int64_t width = parts.kept.sizes[last], piece = (outputs_for_each(&parts, schedule_caps(schedule)) + 15) / 16 * 16;
    struct launch *launch = launch_reduce(schedule, call, &parts, "cpu/reduce.cl", "reduce_across", last);
    launch_int(launch, width);
    launch_int(launch, parts.lines);
    launch_int(launch, parts.inner);
    launch_int(launch, parts.stride);
    launch_float(launch, (float)(parts.lines * parts.inner));
    launch_int(launch, piece);
    launch_groups(launch, (size_t)((width + piece - 1) / piece), (size_t)(parts.outputs / width), 1);
    return schedule_status(schedule);
}

static plugcl_status plan_in_groups(struct schedule *schedule, const struct operator_call *call)
{
    struct parts parts;
    if (call_is_empty(call))
        return schedule_status(schedule);
    parts_of(call, &parts);
    struct launch *launch = launch_reduce(schedule, call, &parts, "gpu/reduce.cl", "reduce", parts.kept.rank);
    size_t group = launch_power_of_two(launch, parts.lines * parts.inner >= 512 ? 256 : 64);
    launch_int(launch, parts.lines);
    launch_int(launch, parts.inner);
    launch_int(launch, parts.stride);
    launch_float(launch, (float)(parts.lines * parts.inner));
    launch_local(launch, group * sizeof(float));
    launch_range(launch, group * (size_t)parts.outputs, 1, 1, group, 1, 1);
    return schedule_status(schedule);
}

static plugcl_status plan_strided(struct schedule *schedule, const struct operator_call *call)
{
    const struct device_caps *caps = schedule_caps(schedule);
    struct parts parts;
    if (call_is_empty(call))
        return schedule_status(schedule);
    parts_of(call, &parts);
    int64_t each = caps->cpu_family ? outputs_for_each(&parts, caps) : 1;
    struct launch *launch = launch_reduce(schedule, call, &parts, "common/reduce.cl", "reduce", parts.kept.rank);
    launch_int(launch, parts.outputs);
    launch_int(launch, parts.lines);
    launch_int(launch, parts.inner);
    launch_int(launch, parts.stride);
    launch_float(launch, (float)(parts.lines * parts.inner));
    launch_int(launch, each);
    launch_range(launch, (size_t)((parts.outputs + each - 1) / each), 1, 1,
                 caps->cpu_family ? 1 : launch_power_of_two(launch, 64), 1, 1);
    return schedule_status(schedule);
}

static uint64_t reduce_flops(const struct operator_call *call)
{
    return (uint64_t)operand_elements(&call->inputs[0]);
}

static const struct variant reduce_variants[] = {
    { "cpu_along", can_go_along, prefers_along, plan_along },
    { "cpu_across", can_go_across, variant_on_cpu, plan_across },
    { "gpu_groups", variant_always, prefers_groups, plan_in_groups },
    { "strided", variant_always, NULL, plan_strided },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_reduce = {
    .name = "reduce",
    .params_size = sizeof(struct reduce_params),
    .shape = reduce_shape,
    .variants = reduce_variants,
    .flops = reduce_flops,
};
