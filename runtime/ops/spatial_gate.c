/* SPDX-License-Identifier: Apache-2.0 */
/* spatial_gate.c: mean and max over the channels, a small convolution, a gate, and the product (CBAM's spatial attention). */
#include <stdio.h>
#include <string.h>

#include "ops/gate.h"
#include "ops/strided.h"

enum { X, WEIGHT, BIAS, CHANNEL, RESIDUAL };

/* The sizes that all variants want. */
struct gating {
    const struct plugcl_spatial_gate_params *params;
    int64_t images, channels, height, width, kernel;
};

static struct gating gating_of(const struct operator_call *call)
{
    const int64_t *dims = call->inputs[X].shape.dims;
    return (struct gating){ call->params, dims[0], dims[1], dims[2], dims[3], call->inputs[WEIGHT].shape.dims[2] };
}

static plugcl_status gate_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const plugcl_shape *x = &inputs[X], *weight = &inputs[WEIGHT], *channel = &inputs[CHANNEL];
    (void)params;
    if (x->rank != 4)
        return fail(PLUGCL_INVALID, "spatial_gate's x has rank %u; it must be 4: [N, C, H, W]", x->rank);
    if (x->dims[1] < 1 || x->dims[2] < 1 || x->dims[3] < 1)
        return fail(PLUGCL_INVALID, "spatial_gate's x has %lld channels of %lld x %lld pixels; all must be at least 1",
                    (long long)x->dims[1], (long long)x->dims[2], (long long)x->dims[3]);
    if (!present[WEIGHT] || weight->rank != 4)
        return fail(PLUGCL_INVALID, "spatial_gate's weight has rank %u; it must be [1, 2, K, K]",
                    present[WEIGHT] ? weight->rank : 0);
    if (weight->dims[0] != 1 || weight->dims[1] != 2 || weight->dims[2] != weight->dims[3] || weight->dims[2] % 2 != 1)
        return fail(PLUGCL_INVALID, "spatial_gate's weight is [%lld, %lld, %lld, %lld]; it must be [1, 2, K, K] with odd K",
                    (long long)weight->dims[0], (long long)weight->dims[1], (long long)weight->dims[2], (long long)weight->dims[3]);
    if (present[BIAS] && plugcl_shape_elements(&inputs[BIAS]) != 1)
        return fail(PLUGCL_INVALID, "spatial_gate's bias has %lld elements; it must have 1",
                    (long long)plugcl_shape_elements(&inputs[BIAS]));
    if (present[CHANNEL] && (channel->rank != 4 || channel->dims[0] != x->dims[0] || channel->dims[1] != x->dims[1] ||
                             channel->dims[2] != 1 || channel->dims[3] != 1))
        return fail(PLUGCL_INVALID, "spatial_gate's channel gate must be [%lld, %lld, 1, 1]", (long long)x->dims[0],
                    (long long)x->dims[1]);
    outputs[0] = *x;
    outputs[1] = (plugcl_shape){ 4, { x->dims[0], 1, x->dims[2], x->dims[3] } };
    return PLUGCL_OK;
}

static enum operand_need gate_need(const struct operator_call *call, size_t input)
{
    if (input == RESIDUAL)
        return gate_residual_need(call);
    return (input == WEIGHT || input == BIAS) && call->inputs[input].constant != NULL ? NEED_HOST : NEED_NOTHING;
}

/* The plane for the mean, the plane for the max, the bias. */
static void pack_window(const float *const *sources, const struct constant *const *constants, const void *parameters, float *packed)
{
    const bool *max_first = parameters;
    int64_t plane = constants[0]->shape.dims[2] * constants[0]->shape.dims[3];
    memcpy(packed, sources[0] + (*max_first ? plane : 0), (size_t)plane * sizeof *packed);
    memcpy(packed + plane, sources[0] + (*max_first ? 0 : plane), (size_t)plane * sizeof *packed);
    packed[2 * plane] = sources[1] ? sources[1][0] : 0.0f;
}

static void launch_window(struct launch *launch, const struct operator_call *call, const struct gating *gating)
{
    struct constant *constants[2] = { call->inputs[WEIGHT].constant,
                                      call->inputs[BIAS].present ? call->inputs[BIAS].constant : NULL };
    launch_packed(launch, constants, 2, gating->params->max_first ? "spatial_gate.max_mean" : "spatial_gate.mean_max",
                  (size_t)(2 * gating->kernel * gating->kernel + 1), pack_window, &gating->params->max_first);
}

static bool can_pack(const struct operator_call *call)
{
    return call->inputs[WEIGHT].constant != NULL && (!call->inputs[BIAS].present || call->inputs[BIAS].constant != NULL);
}

static bool can_use_planes(const struct device_caps *caps, const struct operator_call *call)
{
    (void)caps;
    return can_pack(call) && gate_has_planes(call);
}

static bool can_use_channels(const struct device_caps *caps, const struct operator_call *call)
{
    const struct operand *channel = &call->inputs[CHANNEL];
    (void)caps;
    return can_pack(call) && gate_has_channels_last(call) &&
           (!channel->present || channel->shape.dims[1] == 1 || channel->strides[1] == 1);
}

static bool prefers_images(const struct device_caps *caps, const struct operator_call *call)
{
    struct gating gating = gating_of(call);
    return gate_prefers_images(caps, call, 4 * gating.channels * gating.height * gating.width);
}

/* Few work-groups, but enough for every thread to take two; each of a vector or more. */
static int64_t rows_of_group(const struct gating *gating, const struct device_caps *caps, int64_t width)
{
    int64_t rows = (gating->height * gating->images + 2 * caps->compute_units - 1) / (2 * caps->compute_units);
    int64_t least = (width + gating->width - 1) / gating->width;
    rows = rows < least ? least : rows;
    return rows > gating->height ? gating->height : rows;
}

/* What the launches of the cl/cpu form share. */
struct cpu_plan {
    const char *options;
    bool channels_last, whole;
    int64_t map_width, rows_each;
    uint32_t map, spatial;
};

static void launch_cpu_map(struct schedule *schedule, const struct operator_call *call, const struct gating *gating,
                           const struct cpu_plan *plan)
{
    const struct operand *x = &call->inputs[X], *channel = &call->inputs[CHANNEL];
    struct launch *launch = schedule_launch(schedule, "cpu/spatial_gate.cl", plan->options, "map");
    launch_operand(launch, x);
    launch_operand(launch, channel);
    launch_region(launch, plan->map, 0);
    launch_ints(launch, (const int64_t[]){ gating->channels, gating->height, gating->width, plan->map_width, x->strides[0],
                                           gate_step(x, plan->channels_last), gate_stride(channel, 0), gate_stride(channel, 1),
                                           channel->present, plan->rows_each }, 10);
    launch_groups(launch, (size_t)divide_up(gating->height, plan->rows_each), (size_t)gating->images, 1);
}

static void launch_cpu_scale(struct schedule *schedule, const struct operator_call *call, const struct gating *gating,
                             const struct cpu_plan *plan)
{
    const struct operand *x = &call->inputs[X], *channel = &call->inputs[CHANNEL], *residual = gate_residual(call),
        *y = &call->outputs[0], *gate = &call->outputs[1];
    struct launch *launch = schedule_launch(schedule, "cpu/spatial_gate.cl", plan->options, "scale");
    launch_operand(launch, x);
    launch_operand(launch, residual);
    launch_operand(launch, y);
    launch_operand(launch, gate);
    launch_operand(launch, channel);
    launch_region(launch, plan->map, 0);
    launch_region(launch, plan->spatial, 0);
    launch_window(launch, call, gating);
    const int64_t ints[] = { gating->channels, gating->height, gating->width, plan->map_width, x->strides[0],
                             gate_step(x, plan->channels_last), gate_stride(residual, 0), gate_step(residual, plan->channels_last),
                             gate_stride(y, 0), gate_step(y, plan->channels_last), gate_stride(gate, 0), gate_stride(gate, 2),
                             gate_stride(gate, 3), gate_stride(channel, 0), gate_stride(channel, 1), channel->present,
                             residual->present, gate_clips(call), y->present, gate->present, plan->whole, plan->rows_each };
    launch_ints(launch, ints, sizeof ints / sizeof *ints);
    launch_float(launch, gating->params->gate_alpha);
    launch_float(launch, gating->params->gate_beta);
    launch_gate_bounds(launch, call);
    launch_groups(launch, (size_t)divide_up(gating->height, plan->rows_each), (size_t)gating->images, 1);
}

static plugcl_status plan_cpu(struct schedule *schedule, const struct operator_call *call, bool channels_last, bool whole)
{
    struct gating gating = gating_of(call);
    const struct device_caps *caps = schedule_caps(schedule);
    if (gating.images == 0)
        return schedule_status(schedule);
    int64_t vector = caps_vector(caps), border = gating.kernel - 1;
    char options[96];
    snprintf(options, sizeof options, "-DKERNEL=%d -DHARD_GATE=%d -DCHANNELS_LAST=%d -DVECTOR=%d", (int)gating.kernel,
             gating.params->hard_gate, channels_last, (int)vector);
    struct cpu_plan plan = { .options = options, .channels_last = channels_last, .whole = whole,
                             .map_width = divide_up(gating.width, vector) * vector + border,
                             .rows_each = whole ? gating.height : rows_of_group(&gating, caps, vector) };
    plan.map = schedule_floats(schedule, gating.images * 2 * (gating.height + border) * plan.map_width);
    plan.spatial = schedule_floats(schedule, gating.images * gating.height * gating.width);
    if (!whole)
        launch_cpu_map(schedule, call, &gating, &plan);
    launch_cpu_scale(schedule, call, &gating, &plan);
    return schedule_status(schedule);
}

static plugcl_status plan_cpu_planes(struct schedule *schedule, const struct operator_call *call)
{
    return plan_cpu(schedule, call, false, false);
}

static plugcl_status plan_cpu_channels(struct schedule *schedule, const struct operator_call *call)
{
    return plan_cpu(schedule, call, true, false);
}

static plugcl_status plan_cpu_image_planes(struct schedule *schedule, const struct operator_call *call)
{
    return plan_cpu(schedule, call, false, true);
}

static plugcl_status plan_cpu_image_channels(struct schedule *schedule, const struct operator_call *call)
{
    return plan_cpu(schedule, call, true, true);
}

static void launch_map_in_groups(struct schedule *schedule, const struct operator_call *call, const struct gating *gating,
                                 uint32_t map)
{
    const struct operand *x = &call->inputs[X], *channel = &call->inputs[CHANNEL];
    struct launch *launch = schedule_launch(schedule, "gpu/spatial_gate.cl", NULL, "map");
    bool channels_inner = x->strides[1] == 1 && gating->channels > 1;
    size_t group = launch_power_of_two(launch, 256), pixels_each = 32, pixels = (size_t)(gating->height * gating->width);
    if (channels_inner) /* 32 neighbours read one pixel's channels */
        pixels_each = group / 32;
    pixels_each = pixels_each < 1 ? 1 : pixels_each > group ? group : pixels_each;
    launch_operand(launch, x);
    launch_operand(launch, channel);
    launch_region(launch, map, 0);
    launch_ints(launch, (const int64_t[]){ gating->channels, gating->height, gating->width }, 3);
    launch_ints(launch, x->strides, 4);
    launch_ints(launch, (const int64_t[]){ gate_stride(channel, 0), gate_stride(channel, 1), channel->present, (int64_t)pixels_each,
                                           channels_inner }, 5);
    launch_local(launch, group * sizeof(float));
    launch_local(launch, group * sizeof(float));
    launch_range(launch, (pixels + pixels_each - 1) / pixels_each * group, (size_t)gating->images, 1, group, 1, 1);
}

static void launch_map_strided(struct schedule *schedule, const struct operator_call *call, const struct gating *gating,
                               uint32_t map)
{
    const struct operand *x = &call->inputs[X], *channel = &call->inputs[CHANNEL];
    struct launch *launch = schedule_launch(schedule, "common/spatial_gate.cl", NULL, "map");
    launch_operand(launch, x);
    launch_operand(launch, channel);
    launch_region(launch, map, 0);
    launch_ints(launch, (const int64_t[]){ gating->images, gating->channels, gating->height, gating->width }, 4);
    launch_ints(launch, x->strides, 4);
    launch_ints(launch, (const int64_t[]){ gate_stride(channel, 0), gate_stride(channel, 1), channel->present }, 3);
    launch_range(launch, (size_t)(gating->height * gating->width), (size_t)gating->images, 1, launch_power_of_two(launch, 64), 1,
                 1);
}

static void launch_window_strided(struct schedule *schedule, const struct operator_call *call, const struct gating *gating,
                                  uint32_t map, uint32_t spatial)
{
    const struct operand *weight = &call->inputs[WEIGHT], *bias = &call->inputs[BIAS], *gate = &call->outputs[1];
    bool dense = weight->constant != NULL; /* constants are uploaded as they are */
    struct launch *launch = schedule_launch(schedule, "common/spatial_gate.cl",
                                            gating->params->hard_gate ? "-DHARD_GATE=1" : "-DHARD_GATE=0", "window");
    launch_region(launch, map, 0);
    launch_region(launch, spatial, 0);
    launch_operand(launch, gate);
    launch_operand(launch, weight);
    launch_operand(launch, bias);
    launch_ints(launch, (const int64_t[]){ gating->images, gating->height, gating->width, gating->kernel,
                                           dense ? gating->kernel * gating->kernel : weight->strides[1],
                                           dense ? gating->kernel : weight->strides[2], dense ? 1 : weight->strides[3],
                                           gating->params->max_first, bias->present, gate_stride(gate, 0), gate_stride(gate, 2),
                                           gate_stride(gate, 3), gate->present }, 13);
    launch_float(launch, gating->params->gate_alpha);
    launch_float(launch, gating->params->gate_beta);
    size_t group = launch_power_of_two(launch, 64), local = group < 16 ? group : 16;
    launch_range(launch, (size_t)gating->width, (size_t)gating->height, (size_t)gating->images, local, group / local, 1);
}

static plugcl_status plan_parts(struct schedule *schedule, const struct operator_call *call, bool in_groups)
{
    struct gating gating = gating_of(call);
    if (gating.images == 0)
        return schedule_status(schedule);
    uint32_t map = schedule_floats(schedule, gating.images * 2 * gating.height * gating.width);
    uint32_t spatial = schedule_floats(schedule, gating.images * gating.height * gating.width);
    if (in_groups)
        launch_map_in_groups(schedule, call, &gating, map);
    else
        launch_map_strided(schedule, call, &gating, map);
    launch_window_strided(schedule, call, &gating, map, spatial);
    launch_gate_scale(schedule, call, &call->inputs[CHANNEL], spatial);
    return schedule_status(schedule);
}

static plugcl_status plan_groups(struct schedule *schedule, const struct operator_call *call)
{
    return plan_parts(schedule, call, true);
}

static plugcl_status plan_strided(struct schedule *schedule, const struct operator_call *call)
{
    return plan_parts(schedule, call, false);
}

static uint64_t gate_flops(const struct operator_call *call)
{
    struct gating gating = gating_of(call);
    return (uint64_t)(gating.images * gating.height * gating.width * (3 * gating.channels + 4 * gating.kernel * gating.kernel));
}

/* The definition. */
static void gate_expand(plugcl_graph *graph, const void *parameters, const plugcl_value *inputs, plugcl_value *results)
{
    static const int channels[1] = { 1 };
    const struct plugcl_spatial_gate_params *params = parameters;
    plugcl_value x = inputs[X];
    plugcl_shape shape = { 0 };
    if (inputs[CHANNEL].id != 0)
        x = plugcl_graph_binary(graph, PLUGCL_MUL, x, inputs[CHANNEL]);
    plugcl_value mean = plugcl_graph_reduce(graph, PLUGCL_REDUCE_MEAN, x, channels, 1, true);
    plugcl_value most = plugcl_graph_reduce(graph, PLUGCL_REDUCE_MAX, x, channels, 1, true);
    const plugcl_value maps[2] = { params->max_first ? most : mean, params->max_first ? mean : most };
    if (plugcl_graph_shape(graph, inputs[WEIGHT], &shape) != PLUGCL_OK)
        return;
    uint32_t pad = (uint32_t)(shape.dims[2] / 2);
    plugcl_value sum = plugcl_graph_conv2d(graph, plugcl_graph_concat(graph, maps, 2, 1), inputs[WEIGHT], inputs[BIAS],
                                           plugcl_conv2d_params(.pad = { pad, pad, pad, pad }));
    results[1] = plugcl_graph_activation(graph, sum, params->hard_gate ? PLUGCL_HARD_SIGMOID : PLUGCL_SIGMOID, params->gate_alpha,
                                         params->gate_beta);
    results[0] = plugcl_graph_binary(graph, PLUGCL_MUL, x, results[1]);
}

static const struct variant spatial_gate_variants[] = {
    { "cpu_image_planes", can_use_planes, prefers_images, plan_cpu_image_planes },
    { "cpu_image_channels", can_use_channels, prefers_images, plan_cpu_image_channels },
    { "cpu_planes", can_use_planes, variant_on_cpu, plan_cpu_planes },
    { "cpu_channels", can_use_channels, variant_on_cpu, plan_cpu_channels },
    { "gpu_groups", variant_always, variant_on_gpu, plan_groups },
    { "strided", variant_always, NULL, plan_strided },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_spatial_gate = {
    .name = "spatial_gate",
    .params_size = sizeof(struct plugcl_spatial_gate_params),
    .shape = gate_shape,
    .need = gate_need,
    .layout = OUTPUT_LIKE_INPUT,
    .in_place = true,
    .epilogue = EPILOGUE_OF_GATE,
    .residual_input = RESIDUAL,
    .variants = spatial_gate_variants,
    .flops = gate_flops,
    .expand = gate_expand,
};
