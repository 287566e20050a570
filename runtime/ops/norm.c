/* SPDX-License-Identifier: Apache-2.0 */
/* norm.c: layer_norm and group_norm (instance_norm is the case of one channel a group): statistics of the input itself. */
#include <stdio.h>

#include "ops/strided.h"

enum { X, WEIGHT, BIAS };

#define LARGE_SET 2048 /* from here on many work-items share a set */

static plugcl_status check_parameter(const char *operation, const char *name, const plugcl_shape *found,
                                     const plugcl_shape *wanted)
{
    bool same = found->rank == wanted->rank;
    for (uint32_t i = 0; same && i < wanted->rank; i++)
        same = found->dims[i] == wanted->dims[i];
    if (!same)
        return fail(PLUGCL_INVALID, "%s's %s has rank %u and %lld elements; it must have rank %u and %lld, as x's normalised axes",
                    operation, name, found->rank, (long long)plugcl_shape_elements(found), wanted->rank,
                    (long long)plugcl_shape_elements(wanted));
    return PLUGCL_OK;
}

static plugcl_status check_parameters(const char *operation, const plugcl_shape *inputs, const bool *present,
                                      const plugcl_shape *wanted)
{
    plugcl_status status = present[WEIGHT] ? check_parameter(operation, "weight", &inputs[WEIGHT], wanted) : PLUGCL_OK;
    return status == PLUGCL_OK && present[BIAS] ? check_parameter(operation, "bias", &inputs[BIAS], wanted) : status;
}

static plugcl_status layer_norm_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const struct layer_norm_params *norm = params;
    const plugcl_shape *x = &inputs[X];
    plugcl_shape wanted = { .rank = norm->axes };
    if (norm->axes < 1 || norm->axes > x->rank)
        return fail(PLUGCL_INVALID, "layer_norm over the last %u axes; x has rank %u, so it must be 1 to %u", norm->axes, x->rank,
                    x->rank);
    for (uint32_t i = 0; i < norm->axes; i++) {
        wanted.dims[i] = x->dims[x->rank - norm->axes + i];
        if (wanted.dims[i] < 1)
            return fail(PLUGCL_INVALID, "layer_norm over axis %u of size 0; there must be something to normalise",
                        x->rank - norm->axes + i);
    }
    outputs[0] = *x;
    return check_parameters("layer_norm", inputs, present, &wanted);
}

static plugcl_status group_norm_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const struct group_norm_params *norm = params;
    const plugcl_shape *x = &inputs[X];
    if (x->rank < 2)
        return fail(PLUGCL_INVALID, "group_norm's x has rank %u; it must be at least 2: [N, C, ...]", x->rank);
    for (uint32_t i = 1; i < x->rank; i++)
        if (x->dims[i] < 1)
            return fail(PLUGCL_INVALID, "group_norm's x has size 0 on axis %u; there must be something to normalise", i);
    if (norm->groups > 0 && x->dims[1] % norm->groups != 0)
        return fail(PLUGCL_INVALID, "group_norm's x has %lld channels, which %u groups do not divide", (long long)x->dims[1],
                    norm->groups);
    outputs[0] = *x;
    return check_parameters("group_norm", inputs, present, &(plugcl_shape){ .rank = 1, .dims = { x->dims[1] } });
}

/* The sets, and the elements of one; operands are x, the parameters, y. */
struct norm {
    struct strided sets, elements;
    int64_t n_sets, count, length; /* elements of a set, and of the last axis of these */
    uint32_t last;
    float eps;
};

static void add_operands(struct strided *space, const plugcl_shape *shape, const int64_t *x, const int64_t *parameter,
                         const int64_t *y)
{
    strided_begin(space, shape);
    strided_add(space, x);
    strided_add(space, parameter);
    strided_add(space, y);
    strided_fold(space);
}

static struct norm layer_norm_of(const struct operator_call *call)
{
    const struct layer_norm_params *params = call->params;
    const struct operand *x = &call->inputs[X], *y = &call->outputs[0];
    static const int64_t none[PLUGCL_MAX_RANK];
    struct norm norm = { .eps = params->eps };
    uint32_t first = x->shape.rank - params->axes;
    plugcl_shape sets = { .rank = first }, elements = { .rank = params->axes };
    int64_t parameter[PLUGCL_MAX_RANK], stride = 1;
    for (uint32_t i = 0; i < first; i++)
        sets.dims[i] = x->shape.dims[i];
    for (uint32_t i = params->axes; i-- > 0;) {
        elements.dims[i] = x->shape.dims[first + i];
        parameter[i] = stride;
        stride *= elements.dims[i];
    }
    add_operands(&norm.sets, &sets, x->strides, none, y->strides);
    add_operands(&norm.elements, &elements, x->strides + first, parameter, y->strides + first);
    return norm;
}

static struct norm group_norm_of(const struct operator_call *call)
{
    const struct group_norm_params *params = call->params;
    const struct operand *x = &call->inputs[X], *y = &call->outputs[0];
    struct norm norm = { .eps = params->eps };
    const int64_t channels = x->shape.dims[1], groups = params->groups > 0 ? params->groups : channels, each = channels / groups;
    plugcl_shape sets = { .rank = 2, .dims = { x->shape.dims[0], groups } }, elements = x->shape;
    const int64_t x_sets[2] = { x->strides[0], each * x->strides[1] }, y_sets[2] = { y->strides[0], each * y->strides[1] };
    const int64_t parameter_sets[2] = { 0, each }, parameter[PLUGCL_MAX_RANK] = { 0, 1 };
    elements.dims[0] = 1;
    elements.dims[1] = each;
    add_operands(&norm.sets, &sets, x_sets, parameter_sets, y_sets);
    add_operands(&norm.elements, &elements, x->strides, parameter, y->strides);
    return norm;
}

static struct norm norm_of(const struct operator_call *call)
{
    struct norm norm = call->info == &operator_layer_norm ? layer_norm_of(call) : group_norm_of(call);
    norm.last = norm.elements.rank - 1;
    norm.n_sets = strided_elements(&norm.sets);
    norm.count = strided_elements(&norm.elements);
    norm.length = norm.elements.sizes[norm.last];
    return norm;
}

static struct launch *launch_norm(struct schedule *schedule, const struct operator_call *call, const char *file, const char *entry)
{
    char options[32];
    snprintf(options, sizeof options, "-DVECTOR=%d", caps_vector(schedule_caps(schedule)));
    struct launch *launch = schedule_launch(schedule, file, options, entry);
    for (int i = X; i <= BIAS; i++)
        launch_strided(launch, &call->inputs[i]);
    launch_strided(launch, &call->outputs[0]);
    return launch;
}

/* A launch over the sets, whose next arguments are `ints`. */
static struct launch *launch_sets(struct schedule *schedule, const struct operator_call *call, const struct norm *norm,
                                  const char *file, const char *entry)
{
    struct launch *launch = launch_norm(schedule, call, file, entry);
    launch_space(launch, &norm->sets, 0, norm->sets.rank);
    launch_space(launch, &norm->elements, 0, norm->last);
    return launch;
}

static plugcl_status plan_generic(struct schedule *schedule, const struct operator_call *call)
{
    const struct device_caps *caps = schedule_caps(schedule);
    if (call_is_empty(call))
        return schedule_status(schedule);
    const struct norm norm = norm_of(call);
    const int64_t(*strides)[PLUGCL_MAX_RANK] = norm.elements.strides;
    int64_t each = caps->cpu_family ? strided_rows_each(norm.n_sets, norm.count, caps) : 1;
    struct launch *launch = launch_sets(schedule, call, &norm, "common/norm.cl", "norm");
    size_t group = caps->cpu_family ? 1 : launch_power_of_two(launch, norm.count >= LARGE_SET ? 256 : 64);
    const int64_t ints[] = { norm.n_sets, each, norm.count / norm.length, norm.length, strides[0][norm.last], strides[1][norm.last],
                             strides[2][norm.last], call->inputs[WEIGHT].present, call->inputs[BIAS].present };
    launch_ints(launch, ints, sizeof ints / sizeof *ints);
    launch_float(launch, norm.eps);
    launch_local(launch, group * sizeof(float));
    launch_range(launch, group * (size_t)divide_up(norm.n_sets, each), 1, 1, group, 1, 1);
    return schedule_status(schedule);
}

/*
 * cl/cpu/norm.cl.
 */
static bool can_go_along(const struct device_caps *caps, const struct operator_call *call)
{
    const struct norm norm = norm_of(call);
    const int64_t(*strides)[PLUGCL_MAX_RANK] = norm.elements.strides;
    (void)caps;
    return strides[0][norm.last] == 1 && strides[2][norm.last] == 1 && strides[1][norm.last] <= 1;
}

static plugcl_status plan_along(struct schedule *schedule, const struct operator_call *call)
{
    if (call_is_empty(call))
        return schedule_status(schedule);
    const struct norm norm = norm_of(call);
    int64_t each = strided_rows_each(norm.n_sets, norm.count, schedule_caps(schedule));
    struct launch *launch = launch_sets(schedule, call, &norm, "cpu/norm.cl", "norm_along");
    const int64_t ints[] = { norm.n_sets, each, norm.count / norm.length, norm.length, norm.elements.strides[1][norm.last],
                             call->inputs[WEIGHT].present, call->inputs[BIAS].present };
    launch_ints(launch, ints, sizeof ints / sizeof *ints);
    launch_float(launch, norm.eps);
    launch_groups(launch, (size_t)divide_up(norm.n_sets, each), 1, 1);
    return schedule_status(schedule);
}

static bool can_go_across(const struct device_caps *caps, const struct operator_call *call)
{
    (void)caps;
    return operand_is_channels_last(&call->inputs[X]) && operand_is_channels_last(&call->outputs[0]);
}

/* Along, the rows of a channels-last picture would be the few channels of a group. */
static bool prefers_across(const struct device_caps *caps, const struct operator_call *call)
{
    return caps->cpu_family && call->inputs[X].shape.dims[1] > 1;
}

/* From one pixel of a channels-last operand to the next; operand_is_channels_last has seen that there is one such stride. */
static int64_t pixel_stride(const struct operand *operand)
{
    return operand->shape.dims[3] > 1 ? operand->strides[3] : operand->strides[2];
}

static plugcl_status plan_across(struct schedule *schedule, const struct operator_call *call)
{
    const struct group_norm_params *params = call->params;
    const struct operand *x = &call->inputs[X], *y = &call->outputs[0];
    const int64_t *dims = x->shape.dims, lanes = 4 * (int64_t)caps_vector(schedule_caps(schedule));
    const int64_t each = params->groups > 0 ? dims[1] / params->groups : 1, width = each < lanes ? lanes / each * each : each;
    if (operand_elements(y) == 0)
        return schedule_status(schedule);
    struct launch *launch = launch_norm(schedule, call, "cpu/norm.cl", "norm_across");
    const int64_t ints[] = { dims[1],         each,           width,           dims[2] * dims[3],
                             x->strides[0],   pixel_stride(x), y->strides[0],   pixel_stride(y),
                             call->inputs[WEIGHT].present, call->inputs[BIAS].present };
    launch_ints(launch, ints, sizeof ints / sizeof *ints);
    launch_float(launch, params->eps);
    launch_groups(launch, (size_t)divide_up(dims[1], width), (size_t)dims[0], 1);
    return schedule_status(schedule);
}

static enum operand_need norm_need(const struct operator_call *call, size_t input)
{
    (void)call;
    return input == X ? NEED_NOTHING : NEED_ROW_MAJOR;
}

static uint64_t norm_flops(const struct operator_call *call)
{
    return 8 * (uint64_t)operand_elements(&call->outputs[0]);
}

static const struct variant layer_norm_variants[] = {
    { "cpu_along", can_go_along, variant_on_cpu, plan_along },
    { "generic", variant_always, NULL, plan_generic },
    { NULL, NULL, NULL, NULL },
};
static const struct variant group_norm_variants[] = {
    { "cpu_across", can_go_across, prefers_across, plan_across },
    { "cpu_along", can_go_along, variant_on_cpu, plan_along },
    { "generic", variant_always, NULL, plan_generic },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_layer_norm = {
    .name = "layer_norm",
    .params_size = sizeof(struct layer_norm_params),
    .shape = layer_norm_shape,
    .need = norm_need,
    .variants = layer_norm_variants,
    .flops = norm_flops,
};
const struct operator_info operator_group_norm = {
    .name = "group_norm",
    .params_size = sizeof(struct group_norm_params),
    .shape = group_norm_shape,
    .need = norm_need,
    .variants = group_norm_variants,
    .flops = norm_flops,
};
