/* SPDX-License-Identifier: Apache-2.0 */
/* sample.c: affine grids, sampling at the points of a grid, and both in one, where the grid is never written (warp). */
#include <stdio.h>

#include "ops/strided.h"

#define VECTOR_CHANNELS 16 /* from here on vectors of channels are faster than gathering pixels, even with a transposition first */
#define GROUP_WORK 4096    /* outputs of a work-group of cl/cpu: large against the cost of a group */
#define TURNED_FLOATS 65536 /* of a group's planes, which a core's own cache holds until they are sampled */
#define GPU_CHANNELS 16    /* of a work-item, over which the work on its coordinates is spread */

enum { X, SOURCE }; /* affine_grid's theta is input 0 */

struct sampling {
    const struct sample_params *params;
    bool is_warp;
    int64_t images, channels, in[2], out[2];
};

static struct sampling sampling_of(const struct operator_call *call)
{
    const int64_t *x = call->inputs[X].shape.dims, *y = call->outputs[0].shape.dims;
    return (struct sampling){ call->params, call->info == &operator_warp, x[0], x[1], { x[2], x[3] }, { y[2], y[3] } };
}

static plugcl_status check_theta(const char *what, const plugcl_shape *theta)
{
    if (theta->rank != 3)
        return fail(PLUGCL_INVALID, "%s's theta has rank %u; it must be 3: [N, 2, 3]", what, theta->rank);
    if (theta->dims[1] != 2 || theta->dims[2] != 3)
        return fail(PLUGCL_INVALID, "%s's theta is [%lld, %lld, %lld]; it must be [N, 2, 3]", what, (long long)theta->dims[0],
                    (long long)theta->dims[1], (long long)theta->dims[2]);
    return PLUGCL_OK;
}

static plugcl_status check_x(const char *what, const plugcl_shape *x)
{
    if (x->rank != 4)
        return fail(PLUGCL_INVALID, "%s's x has rank %u; it must be 4: [N, C, H, W]", what, x->rank);
    if (x->dims[2] < 1 || x->dims[3] < 1)
        return fail(PLUGCL_INVALID, "%s's x has %lld x %lld pixels; both must be at least 1", what, (long long)x->dims[2],
                    (long long)x->dims[3]);
    return PLUGCL_OK;
}

static plugcl_status check_batch(const char *what, const char *source, int64_t images, int64_t found)
{
    if (found != images)
        return fail(PLUGCL_INVALID, "%s's %s is for a batch of %lld and x is a batch of %lld; they must be the same", what, source,
                    (long long)found, (long long)images);
    return PLUGCL_OK;
}

/* The size asked for, or that of x. */
static int64_t size_along(const struct sample_params *params, int axis, const plugcl_shape *x)
{
    return params->size[axis] ? params->size[axis] : x->dims[2 + axis];
}

static plugcl_status affine_grid_shape(const void *parameters, const plugcl_shape *inputs, const bool *present,
                                       plugcl_shape *outputs)
{
    const struct sample_params *params = parameters;
    plugcl_status status = check_theta("affine_grid", &inputs[0]);
    if (status == PLUGCL_OK && present[1])
        status = check_x("affine_grid", &inputs[1]);
    if (status == PLUGCL_OK && !present[1] && (params->size[0] == 0 || params->size[1] == 0))
        return fail(PLUGCL_INVALID, "affine_grid to %u x %u; both must be at least 1 where no x gives the size", params->size[0],
                    params->size[1]);
    int64_t height = size_along(params, 0, &inputs[1]), width = size_along(params, 1, &inputs[1]);
    outputs[0] = (plugcl_shape){ 4, { inputs[0].dims[0], height, width, 2 } };
    return status;
}

static plugcl_status grid_sample_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const plugcl_shape *x = &inputs[X], *grid = &inputs[SOURCE];
    (void)params;
    (void)present;
    plugcl_status status = check_x("grid_sample", x);
    if (status != PLUGCL_OK)
        return status;
    if (grid->rank != 4 || grid->dims[3] != 2)
        return fail(PLUGCL_INVALID, "grid_sample's grid has rank %u and a last dimension of %lld; it must be [N, H, W, 2]",
                    grid->rank, (long long)(grid->rank > 0 ? grid->dims[grid->rank - 1] : 0));
    outputs[0] = (plugcl_shape){ 4, { x->dims[0], x->dims[1], grid->dims[1], grid->dims[2] } };
    return check_batch("grid_sample", "grid", x->dims[0], grid->dims[0]);
}

static plugcl_status warp_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const plugcl_shape *x = &inputs[X], *theta = &inputs[SOURCE];
    (void)present;
    plugcl_status status = check_x("warp", x);
    if (status == PLUGCL_OK)
        status = check_theta("warp", theta);
    if (status == PLUGCL_OK)
        status = check_batch("warp", "theta", x->dims[0], theta->dims[0]);
    outputs[0] = (plugcl_shape){ 4, { x->dims[0], x->dims[1], size_along(params, 0, x), size_along(params, 1, x) } };
    return status;
}

static plugcl_status plan_affine_grid(struct schedule *schedule, const struct operator_call *call)
{
    const struct operand *theta = &call->inputs[0], *grid = &call->outputs[0];
    const struct sample_params *params = call->params;
    if (operand_elements(grid) == 0)
        return schedule_status(schedule);
    struct launch *launch = schedule_launch(schedule, "common/sample.cl", NULL, "affine_grid");
    launch_strided(launch, theta);
    launch_strided(launch, grid);
    launch_ints(launch, grid->shape.dims, 3);
    launch_int(launch, params->align_corners);
    launch_ints(launch, theta->strides, 3);
    launch_ints(launch, grid->strides, 4);
    launch_range_wide(launch, (size_t)grid->shape.dims[2], (size_t)grid->shape.dims[1], (size_t)grid->shape.dims[0], 64);
    return schedule_status(schedule);
}

/* The arguments of every sampling kernel but the last. `x` is the call's or a copy of it. */
static struct launch *launch_sample(struct schedule *schedule, const struct operator_call *call, const struct sampling *sampling,
                                    const struct operand *x, const char *file, const char *options)
{
    const struct operand *source = &call->inputs[SOURCE], *y = &call->outputs[0];
    struct launch *launch = schedule_launch(schedule, file, options, "sample");
    launch_strided(launch, x);
    launch_strided(launch, source);
    launch_strided(launch, y);
    launch_ints(launch, (const int64_t[]){ sampling->is_warp, sampling->params->padding, sampling->params->align_corners,
                                           sampling->channels, sampling->in[0], sampling->in[1], sampling->out[0],
                                           sampling->out[1] }, 8);
    launch_ints(launch, x->strides, 4);
    launch_ints(launch, source->strides, 3);
    launch_int(launch, sampling->is_warp ? 0 : source->strides[3]);
    launch_ints(launch, y->strides, 4);
    return launch;
}

/* What a work-group of cl/cpu takes; `turned_step` is above 0 where it turns planes by itself. */
struct cpu_groups {
    int64_t channels_each, pixels_each, turned_step;
};

static struct cpu_groups cpu_groups_of(const struct sampling *sampling, const struct device_caps *caps, int64_t vector)
{
    int64_t pixels = sampling->out[0] * sampling->out[1], units = 4 * (int64_t)caps->compute_units;
    struct cpu_groups groups = { sampling->channels, divide_up(divide_up(GROUP_WORK, sampling->channels), vector) * vector, 0 };
    /* Every compute unit gets several groups: first of fewer pixels, then, where those do not suffice, of fewer channels. */
    while (groups.pixels_each > vector && divide_up(pixels, groups.pixels_each) * sampling->images < units)
        groups.pixels_each = divide_up(groups.pixels_each / 2, vector) * vector;
    while (groups.channels_each > 4 * vector && divide_up(pixels, groups.pixels_each) * sampling->images *
           divide_up(sampling->channels, groups.channels_each) < units)
        groups.channels_each = divide_up(groups.channels_each / 2, vector) * vector;
    return groups;
}

static plugcl_status plan_cpu(struct schedule *schedule, const struct operator_call *call, const struct operand *x,
                              bool channels_last, const struct cpu_groups *groups)
{
    struct sampling sampling = sampling_of(call);
    int64_t pixels = sampling.out[0] * sampling.out[1], blocks = divide_up(sampling.channels, groups->channels_each);
    const struct operand absent = { .present = false };
    char options[64];
    snprintf(options, sizeof options, "-DMODE=%d -DCHANNELS_LAST=%d -DVECTOR=%d", (int)sampling.params->mode, channels_last,
             caps_vector(schedule_caps(schedule)));
    struct launch *launch = launch_sample(schedule, call, &sampling, x, "cpu/sample.cl", options);
    launch_int(launch, groups->channels_each);
    launch_int(launch, groups->pixels_each);
    if (groups->turned_step > 0) {
        int64_t floats = sampling.images * blocks * sampling.in[0] * sampling.in[1] * groups->turned_step;
        launch_region(launch, schedule_floats(schedule, floats), 0);
    } else {
        launch_operand(launch, &absent);
    }
    launch_int(launch, groups->turned_step);
    launch_groups(launch, (size_t)divide_up(pixels, groups->pixels_each), (size_t)blocks, (size_t)sampling.images);
    return schedule_status(schedule);
}

static plugcl_status plan_planes(struct schedule *schedule, const struct operator_call *call)
{
    if (call_is_empty(call))
        return schedule_status(schedule);
    struct sampling sampling = sampling_of(call);
    struct cpu_groups groups = cpu_groups_of(&sampling, schedule_caps(schedule), caps_vector(schedule_caps(schedule)));
    return plan_cpu(schedule, call, &call->inputs[X], false, &groups);
}

static bool channels_are_neighbours(const struct operand *x)
{
    return x->strides[1] == 1 || x->shape.dims[1] == 1;
}

/* x with its channels side by side, in memory of this step. */
static plugcl_status transpose_x(struct schedule *schedule, const struct operand *x, struct operand *copy)
{
    *copy = operand_dense(x->dtype, &x->shape, true, schedule_floats(schedule, operand_elements(x)));
    return variant_plan_copy(schedule, x, copy);
}

/* Planes that a group turns by itself: dense ones, that the core's cache holds until all pixels are sampled. */
static bool turn_in_groups(const struct sampling *sampling, const struct operand *x, const struct device_caps *caps, int64_t vector,
                           struct cpu_groups *groups)
{
    int64_t pixels = sampling->in[0] * sampling->in[1], most = TURNED_FLOATS / pixels / vector * vector;
    if (x->strides[3] != 1 || x->strides[2] != sampling->in[1] || pixels < vector || most == 0)
        return false;
    int64_t each = sampling->channels < most ? sampling->channels : most;
    while (each > vector && sampling->images * divide_up(sampling->channels, each) < (int64_t)caps->compute_units)
        each = divide_up(each / 2, vector) * vector;
    *groups = (struct cpu_groups){ each, sampling->out[0] * sampling->out[1], divide_up(each, vector) * vector };
    return true;
}

static plugcl_status plan_channels(struct schedule *schedule, const struct operator_call *call)
{
    struct operand x = call->inputs[X];
    struct sampling sampling = sampling_of(call);
    int64_t vector = caps_vector(schedule_caps(schedule));
    struct cpu_groups groups = cpu_groups_of(&sampling, schedule_caps(schedule), vector);
    plugcl_status status = PLUGCL_OK;
    if (call_is_empty(call))
        return schedule_status(schedule);
    if (!channels_are_neighbours(&x) && !turn_in_groups(&sampling, &x, schedule_caps(schedule), vector, &groups))
        status = transpose_x(schedule, &call->inputs[X], &x);
    return status == PLUGCL_OK ? plan_cpu(schedule, call, &x, true, &groups) : status;
}

/* A transposition of x pays when most of it is read. */
static bool prefers_channels(const struct device_caps *caps, const struct operator_call *call)
{
    struct sampling sampling = sampling_of(call);
    return caps->cpu_family && sampling.channels >= VECTOR_CHANNELS &&
           (channels_are_neighbours(&call->inputs[X]) ||
            2 * sampling.out[0] * sampling.out[1] >= sampling.in[0] * sampling.in[1]);
}

static plugcl_status plan_pixels(struct schedule *schedule, const struct operator_call *call)
{
    struct sampling sampling = sampling_of(call);
    const struct operand *x = &call->inputs[X];
    if (call_is_empty(call))
        return schedule_status(schedule);
    char options[32];
    snprintf(options, sizeof options, "-DMODE=%d", (int)sampling.params->mode);
    struct launch *launch = launch_sample(schedule, call, &sampling, x, "gpu/sample.cl", options);
    size_t group = launch_power_of_two(launch, 128), lanes = 1;
    const int64_t pixels = sampling.out[0] * sampling.out[1];
    while (x->strides[1] == 1 && lanes < 32 && lanes < (size_t)sampling.channels && lanes < group &&
           pixels * (int64_t)lanes < INT32_MAX / 4) /* twice as many, in whole groups: an int in the kernel */
        lanes *= 2;
    int64_t channels_each = GPU_CHANNELS * (int64_t)lanes;
    launch_int(launch, channels_each);
    launch_int(launch, (int64_t)lanes);
    launch_range(launch, (size_t)pixels * lanes, (size_t)divide_up(sampling.channels, channels_each), (size_t)sampling.images,
                 group, 1, 1);
    return schedule_status(schedule);
}

static uint64_t sample_flops(const struct operator_call *call)
{
    static const int64_t taps[] = { [PLUGCL_SAMPLE_BILINEAR] = 4, [PLUGCL_SAMPLE_NEAREST] = 1, [PLUGCL_SAMPLE_BICUBIC] = 16 };
    return (uint64_t)(2 * taps[sampling_of(call).params->mode] * operand_elements(&call->outputs[0]));
}

/* The definition. */
static void warp_expand(plugcl_graph *graph, const void *parameters, const plugcl_value *inputs, plugcl_value *results)
{
    const struct sample_params *params = parameters;
    plugcl_value grid =
        plugcl_graph_affine_grid(graph, inputs[SOURCE], inputs[X], params->size[0], params->size[1], params->align_corners);
    results[0] = plugcl_graph_grid_sample(graph, inputs[X], grid,
                                          plugcl_sample_params(.mode = params->mode, .padding = params->padding,
                                                               .align_corners = params->align_corners));
}

static const struct variant affine_grid_variants[] = {
    { "strided", variant_always, NULL, plan_affine_grid },
    { NULL, NULL, NULL, NULL },
};

static const struct variant sample_variants[] = {
    { "cpu_channels", variant_always, prefers_channels, plan_channels },
    { "cpu_planes", variant_always, variant_on_cpu, plan_planes },
    { "gpu_pixels", variant_always, NULL, plan_pixels },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_affine_grid = {
    .name = "affine_grid",
    .params_size = sizeof(struct sample_params),
    .shape = affine_grid_shape,
    .layout = OUTPUT_ROW_MAJOR,
    .variants = affine_grid_variants,
};
const struct operator_info operator_grid_sample = {
    .name = "grid_sample",
    .params_size = sizeof(struct sample_params),
    .shape = grid_sample_shape,
    .layout = OUTPUT_LIKE_INPUT,
    .variants = sample_variants,
    .flops = sample_flops,
};
const struct operator_info operator_warp = {
    .name = "warp",
    .params_size = sizeof(struct sample_params),
    .shape = warp_shape,
    .layout = OUTPUT_LIKE_INPUT,
    .variants = sample_variants,
    .flops = sample_flops,
    .expand = warp_expand,
};
