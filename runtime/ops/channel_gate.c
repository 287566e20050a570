/* SPDX-License-Identifier: Apache-2.0 */
/* channel_gate.c: pool each channel, a small MLP, a gate, and the product (SE, CBAM's channel attention). */
#include <stdio.h>
#include <string.h>

#include "ops/channel_gate.h"
#include "ops/gate.h"
#include "ops/strided.h"

#define BLOCK 32          /* the gates that cl/cpu computes at a time; packed biases and second layers are padded to it */
#define WIDE_BLOCK 64     /* channels of a work-group that reads pixel rows, so that it reads whole cache lines side by side */
#define SMALL_LAYER 16384 /* multiplications of the hidden layer that cost less than a launch does */

/* The sizes that all variants want. */
struct gating {
    const struct plugcl_channel_gate_params *params;
    int64_t images, channels, height, width, hidden;
    int64_t rows;      /* of pools that go through the MLP one by one */
    float share;       /* > 0: the only row is this times the sum of the pools */
    float bias_count;  /* how often the second bias is added */
    bool has_first;
    int32_t pools;
};

static struct gating gating_of(const struct operator_call *call)
{
    const int64_t *dims = call->inputs[X].shape.dims;
    struct gating gating = { .params = call->params, .images = dims[0], .channels = dims[1], .height = dims[2], .width = dims[3] };
    uint32_t pools = gating.params->pools ? gating.params->pools : PLUGCL_POOL_AVG;
    int count = channel_gate_pools(pools);
    gating.pools = (int32_t)pools;
    gating.has_first = call->inputs[FIRST].present;
    gating.hidden = gating.has_first ? call->inputs[FIRST].shape.dims[0] : gating.channels;
    /* With one layer the sum of its results is the layer of the sum. */
    bool is_one_row = gating.params->average_pools || !gating.has_first;
    gating.rows = is_one_row ? 1 : count;
    gating.share = gating.params->average_pools ? 1.0f / (float)count : is_one_row ? 1.0f : 0.0f;
    gating.bias_count = gating.params->average_pools ? 1.0f : (float)count;
    return gating;
}

static enum operand_need gate_need(const struct operator_call *call, size_t input)
{
    if (input == RESIDUAL)
        return gate_residual_need(call);
    return input != X && call->inputs[input].constant != NULL ? NEED_HOST : NEED_NOTHING;
}

/* The MLP in one buffer: see cl/cpu/channel_gate.cl. */
static void pack_mlp(const float *const *sources, const struct constant *const *constants, const void *parameters, float *packed)
{
    const float *first = sources[0], *first_bias = sources[1], *second = sources[2], *second_bias = sources[3];
    int64_t channels = constants[2]->shape.dims[0], hidden = constants[2]->shape.dims[1];
    int64_t padded = (channels + BLOCK - 1) / BLOCK * BLOCK;
    (void)parameters;
    if (first != NULL) {
        memcpy(packed, first, (size_t)(hidden * channels) * sizeof *packed);
        packed += hidden * channels;
        for (int64_t j = 0; j < hidden; j++)
            *packed++ = first_bias ? first_bias[j] : 0.0f;
    }
    for (int64_t j = 0; j < hidden; j++)
        for (int64_t c = 0; c < padded; c++)
            *packed++ = c < channels ? second[c * hidden + j] : 0.0f;
    for (int64_t c = 0; c < padded; c++)
        *packed++ = second_bias && c < channels ? second_bias[c] : 0.0f;
}

static void launch_mlp(struct launch *launch, const struct operator_call *call, const struct gating *gating)
{
    struct constant *constants[4];
    for (int i = 0; i < 4; i++)
        constants[i] = call->inputs[FIRST + i].present ? call->inputs[FIRST + i].constant : NULL;
    int64_t padded = (gating->channels + BLOCK - 1) / BLOCK * BLOCK;
    int64_t elements = (gating->has_first ? gating->hidden * (gating->channels + 1) : 0) + (gating->hidden + 1) * padded;
    launch_packed(launch, constants, 4, "channel_gate.mlp", (size_t)elements, pack_mlp, NULL);
}

static bool can_pack(const struct operator_call *call)
{
    for (int i = FIRST; i < RESIDUAL; i++)
        if (call->inputs[i].present && call->inputs[i].constant == NULL)
            return false;
    return true;
}

static bool can_use_planes(const struct device_caps *caps, const struct operator_call *call)
{
    (void)caps;
    return can_pack(call) && gate_has_planes(call);
}

static bool can_use_channels(const struct device_caps *caps, const struct operator_call *call)
{
    (void)caps;
    return can_pack(call) && gate_has_channels_last(call);
}

/* Bytes of an image and of the MLP that a group reads for it. */
static bool prefers_images(const struct device_caps *caps, const struct operator_call *call)
{
    struct gating gating = gating_of(call);
    int64_t layers = gating.hidden * gating.channels * (gating.has_first ? 2 : 1);
    return gate_prefers_images(caps, call, 4 * (gating.channels * gating.height * gating.width + layers));
}

static bool can_use_groups(const struct device_caps *caps, const struct operator_call *call)
{
    (void)caps;
    return can_pack(call);
}

/* -D text for the programs of this operator. */
static const char *write_options(char options[96], const struct schedule *schedule, const struct gating *gating, int channels_last)
{
    const struct device_caps *caps = schedule_caps(schedule);
    int length = snprintf(options, 96, "-DACTIVATION=%d -DHARD_GATE=%d", (int)gating->params->act, gating->params->hard_gate);
    if (channels_last >= 0)
        snprintf(options + length, 96 - (size_t)length, " -DCHANNELS_LAST=%d -DVECTOR=%d", channels_last, caps_vector(caps));
    return options;
}

/* What the launches of the cl/cpu form share. A group of the pool has channels_each channels; of the scaling as many, of
 * pixels_each pixels, or all channels (by_pixels). */
struct cpu_plan {
    const char *options;
    bool channels_last, whole, by_pixels, inline_hidden;
    int64_t channels_each, pixels_each, blocks, parts; /* channels are in so many blocks, pixels in so many parts */
    int64_t pooled_image;
    uint32_t pooled, sums, gates;
};

static void launch_cpu_pool(struct schedule *schedule, const struct operator_call *call, const struct gating *gating,
                            const struct cpu_plan *plan)
{
    struct launch *launch = schedule_launch(schedule, "cpu/channel_gate.cl", plan->options, "pool");
    launch_operand(launch, &call->inputs[X]);
    launch_region(launch, plan->pooled, 0);
    launch_ints(launch, (const int64_t[]){ gating->channels, gating->height * gating->width, call->inputs[X].strides[0],
                                           gate_step(&call->inputs[X], plan->channels_last), plan->pooled_image, gating->pools,
                                           plan->channels_each }, 7);
    launch_float(launch, gating->share);
    launch_groups(launch, (size_t)plan->blocks, (size_t)gating->images, 1);
}

static void launch_cpu_hidden(struct schedule *schedule, const struct operator_call *call, const struct gating *gating,
                              const struct cpu_plan *plan)
{
    int64_t each = SMALL_LAYER / (gating->channels * gating->rows), units = schedule_caps(schedule)->compute_units;
    if (each > (gating->hidden + units - 1) / units)
        each = (gating->hidden + units - 1) / units;
    if (each < 1)
        each = 1;
    struct launch *launch = schedule_launch(schedule, "cpu/channel_gate.cl", plan->options, "hidden_layer");
    launch_region(launch, plan->pooled, 0);
    launch_region(launch, plan->sums, 0);
    launch_mlp(launch, call, gating);
    launch_ints(launch, (const int64_t[]){ gating->channels, gating->hidden, gating->rows, plan->pooled_image }, 4);
    launch_float(launch, gating->params->act_alpha);
    launch_int(launch, each);
    launch_groups(launch, (size_t)((gating->hidden + each - 1) / each), (size_t)gating->images, 1);
}

static void launch_cpu_scale(struct schedule *schedule, const struct operator_call *call, const struct gating *gating,
                             const struct cpu_plan *plan)
{
    const struct operand *x = &call->inputs[X], *residual = gate_residual(call), *y = &call->outputs[0], *gate = &call->outputs[1];
    int64_t blocks = plan->by_pixels ? 1 : plan->blocks;
    struct launch *launch = schedule_launch(schedule, "cpu/channel_gate.cl", plan->options, "scale");
    launch_operand(launch, x);
    launch_operand(launch, residual);
    launch_operand(launch, y);
    launch_operand(launch, gate);
    launch_region(launch, plan->pooled, 0);
    launch_region(launch, plan->sums, 0);
    launch_region(launch, plan->gates, 0);
    launch_mlp(launch, call, gating);
    const int64_t ints[] = { gating->channels, gating->height * gating->width, gating->hidden, gating->has_first,
                             plan->inline_hidden ? gating->rows : 0,
                             x->strides[0], gate_step(x, plan->channels_last), gate_stride(residual, 0),
                             gate_step(residual, plan->channels_last), gate_stride(y, 0), gate_step(y, plan->channels_last),
                             gate_stride(gate, 0), gate_stride(gate, 1), plan->pooled_image, gating->pools,
                             plan->by_pixels ? gating->channels : plan->channels_each, plan->pixels_each };
    launch_ints(launch, ints, sizeof ints / sizeof *ints);
    const float numbers[] = { gating->share, gating->bias_count, gating->params->act_alpha, gating->params->gate_alpha,
                              gating->params->gate_beta };
    for (int i = 0; i < 5; i++)
        launch_float(launch, numbers[i]);
    launch_gate_bounds(launch, call);
    launch_ints(launch, (const int64_t[]){ residual->present, gate_clips(call), y->present, gate->present, plan->whole }, 5);
    launch_groups(launch, (size_t)blocks, (size_t)plan->parts, (size_t)gating->images);
}

/* Ranges of channels that give every compute unit two groups; of planes a block is enough, of pixel rows whole cache lines are. */
static int64_t channels_of_group(const struct gating *gating, const struct device_caps *caps, bool channels_last)
{
    if (!channels_last)
        return BLOCK;
    int64_t each = divide_up(gating->channels * gating->images, 2 * (int64_t)caps->compute_units);
    each = divide_up(each < gating->channels ? each : gating->channels, BLOCK) * BLOCK;
    return each < WIDE_BLOCK ? WIDE_BLOCK : each;
}

/* Pixel rows are scaled whole, each group computing all gates, unless that is more work than scaling its pixels. */
static void share_pixels(struct cpu_plan *plan, const struct gating *gating, const struct device_caps *caps)
{
    int64_t pixels = gating->height * gating->width, parts = divide_up(2 * (int64_t)caps->compute_units, gating->images);
    plan->pixels_each = pixels;
    plan->parts = 1;
    if (!plan->channels_last || plan->whole || pixels < parts * gating->hidden)
        return;
    plan->by_pixels = true;
    plan->pixels_each = divide_up(pixels, parts);
    plan->parts = divide_up(pixels, plan->pixels_each);
}

static plugcl_status plan_cpu(struct schedule *schedule, const struct operator_call *call, bool channels_last, bool whole)
{
    struct gating gating = gating_of(call);
    const struct device_caps *caps = schedule_caps(schedule);
    char options[96];
    if (gating.images == 0)
        return schedule_status(schedule);
    struct cpu_plan plan = { .options = write_options(options, schedule, &gating, channels_last), .channels_last = channels_last,
                             .whole = whole, .inline_hidden = whole || gating.hidden * gating.channels * gating.rows <= SMALL_LAYER,
                             .pooled_image = (channels_last && gating.rows < 2 ? 2 : gating.rows) * gating.channels };
    plan.channels_each = whole ? divide_up(gating.channels, BLOCK) * BLOCK : channels_of_group(&gating, caps, channels_last);
    plan.blocks = divide_up(gating.channels, plan.channels_each);
    share_pixels(&plan, &gating, caps);
    int64_t padded = divide_up(gating.channels, BLOCK) * BLOCK;
    plan.pooled = schedule_floats(schedule, gating.images * plan.pooled_image);
    plan.sums =
        gating.has_first ? schedule_floats(schedule, gating.images * plan.parts * plan.blocks * gating.hidden) : plan.pooled;
    plan.gates = schedule_floats(schedule, gating.images * plan.parts * padded);
    if (!whole)
        launch_cpu_pool(schedule, call, &gating, &plan);
    if (gating.has_first && !plan.inline_hidden)
        launch_cpu_hidden(schedule, call, &gating, &plan);
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

/* The gates that a launch wrote, [N][C]. */
static struct operand gates_operand(const struct gating *gating, uint32_t region)
{
    const plugcl_shape shape = { 4, { gating->images, gating->channels, 1, 1 } };
    return operand_dense(PLUGCL_F32, &shape, false, region);
}

static void launch_gpu_pool(struct schedule *schedule, const struct operator_call *call, const struct gating *gating,
                            uint32_t pooled)
{
    const struct operand *x = &call->inputs[X];
    char options[96];
    struct launch *launch =
        schedule_launch(schedule, "gpu/channel_gate.cl", write_options(options, schedule, gating, -1), "pool");
    size_t group = launch_power_of_two(launch, 256), pixels = (size_t)(gating->height * gating->width);
    const size_t lanes = channel_lanes(schedule_caps(schedule), gating->channels, x->strides[1], gating->images, group);
    while (group / 2 >= lanes * pixels && group > lanes)
        group /= 2;
    launch_operand(launch, x);
    launch_region(launch, pooled, 0);
    launch_ints(launch, (const int64_t[]){ gating->channels, gating->height, gating->width }, 3);
    launch_ints(launch, x->strides, 4);
    launch_ints(launch, (const int64_t[]){ gating->rows, gating->pools }, 2);
    launch_float(launch, gating->share);
    launch_int(launch, (int64_t)lanes);
    launch_local(launch, group * sizeof(float));
    launch_range(launch, ((size_t)gating->channels + lanes - 1) / lanes * group, (size_t)gating->images, 1, group, 1, 1);
}

static plugcl_status plan_groups(struct schedule *schedule, const struct operator_call *call)
{
    struct gating gating = gating_of(call);
    const struct operand *gate = &call->outputs[1];
    char options[96];
    if (gating.images == 0)
        return schedule_status(schedule);
    uint32_t pooled = schedule_floats(schedule, gating.images * gating.rows * gating.channels);
    uint32_t sums = gating.has_first ? schedule_floats(schedule, gating.images * gating.hidden) : pooled;
    uint32_t gates = schedule_floats(schedule, gating.images * gating.channels);
    launch_gpu_pool(schedule, call, &gating, pooled);
    struct launch *launch =
        schedule_launch(schedule, "gpu/channel_gate.cl", write_options(options, schedule, &gating, -1), "layers");
    size_t group = launch_power_of_two(launch, 256);
    launch_region(launch, pooled, 0);
    launch_region(launch, sums, 0);
    launch_region(launch, gates, 0);
    launch_operand(launch, gate);
    launch_mlp(launch, call, &gating);
    launch_ints(launch, (const int64_t[]){ gating.channels, gating.hidden, gating.has_first ? gating.rows : 0,
                                           gate->present ? gate->strides[0] : 0, gate->present ? gate->strides[1] : 0,
                                           gate->present }, 6);
    const float numbers[] = { gating.bias_count, gating.params->act_alpha, gating.params->gate_alpha, gating.params->gate_beta };
    for (int i = 0; i < 4; i++)
        launch_float(launch, numbers[i]);
    launch_int(launch, group < 16 ? (int64_t)group : 16);
    launch_local(launch, group * sizeof(float));
    launch_range(launch, group * (size_t)gating.images, 1, 1, group, 1, 1);
    const struct operand factors = gates_operand(&gating, gates);
    launch_gate_scale(schedule, call, &factors, REGION_NONE);
    return schedule_status(schedule);
}

/* A layer's weight and bias as they are: two operands. */
static void launch_layer(struct launch *launch, const struct operator_call *call, int weight)
{
    launch_operand(launch, &call->inputs[weight]);
    launch_operand(launch, &call->inputs[weight + 1]);
}

/* Strides of weight and bias; constants are dense. */
static void launch_layer_strides(struct launch *launch, const struct operator_call *call, int weight)
{
    const struct operand *matrix = &call->inputs[weight], *bias = &call->inputs[weight + 1];
    launch_int(launch, matrix->constant ? matrix->shape.dims[1] : matrix->strides[0]);
    launch_int(launch, matrix->constant ? 1 : matrix->strides[1]);
    launch_int(launch, bias->present);
    launch_int(launch, !bias->present || bias->constant ? 1 : bias->strides[0]);
}

static void launch_strided_pool(struct schedule *schedule, const struct operator_call *call, const struct gating *gating,
                                uint32_t pooled)
{
    const struct operand *x = &call->inputs[X];
    struct launch *launch = schedule_launch(schedule, "common/channel_gate.cl", NULL, "pool");
    launch_operand(launch, x);
    launch_region(launch, pooled, 0);
    launch_ints(launch, (const int64_t[]){ gating->images, gating->channels, gating->height, gating->width }, 4);
    launch_ints(launch, x->strides, 4);
    launch_ints(launch, (const int64_t[]){ gating->rows, gating->pools }, 2);
    launch_float(launch, gating->share);
    launch_range(launch, (size_t)gating->channels, (size_t)gating->images, 1, launch_power_of_two(launch, 32), 1, 1);
}

static void launch_strided_layers(struct schedule *schedule, const struct operator_call *call, const struct gating *gating,
                                  uint32_t pooled, uint32_t sums, uint32_t gates)
{
    const struct operand *gate = &call->outputs[1];
    char options[96];
    write_options(options, schedule, gating, -1);
    if (gating->has_first) {
        struct launch *launch = schedule_launch(schedule, "common/channel_gate.cl", options, "hidden_layer");
        launch_region(launch, pooled, 0);
        launch_region(launch, sums, 0);
        launch_layer(launch, call, FIRST);
        launch_ints(launch, (const int64_t[]){ gating->images, gating->channels, gating->hidden, gating->rows }, 4);
        launch_layer_strides(launch, call, FIRST);
        launch_float(launch, gating->params->act_alpha);
        launch_range(launch, (size_t)gating->hidden, (size_t)gating->images, 1, launch_power_of_two(launch, 32), 1, 1);
    }
    struct launch *launch = schedule_launch(schedule, "common/channel_gate.cl", options, "gate_layer");
    launch_region(launch, sums, 0);
    launch_region(launch, gates, 0);
    launch_operand(launch, gate);
    launch_layer(launch, call, SECOND);
    launch_ints(launch, (const int64_t[]){ gating->images, gating->channels, gating->hidden }, 3);
    launch_layer_strides(launch, call, SECOND);
    launch_ints(launch, (const int64_t[]){ gate->present ? gate->strides[0] : 0, gate->present ? gate->strides[1] : 0,
                                           gate->present }, 3);
    launch_float(launch, gating->bias_count);
    launch_float(launch, gating->params->gate_alpha);
    launch_float(launch, gating->params->gate_beta);
    launch_range(launch, (size_t)gating->channels, (size_t)gating->images, 1, launch_power_of_two(launch, 32), 1, 1);
}

static plugcl_status plan_strided(struct schedule *schedule, const struct operator_call *call)
{
    struct gating gating = gating_of(call);
    if (gating.images == 0)
        return schedule_status(schedule);
    uint32_t pooled = schedule_floats(schedule, gating.images * gating.rows * gating.channels);
    uint32_t sums = gating.has_first ? schedule_floats(schedule, gating.images * gating.hidden) : pooled;
    uint32_t gates = schedule_floats(schedule, gating.images * gating.channels);
    launch_strided_pool(schedule, call, &gating, pooled);
    launch_strided_layers(schedule, call, &gating, pooled, sums, gates);
    const struct operand factors = gates_operand(&gating, gates);
    launch_gate_scale(schedule, call, &factors, REGION_NONE);
    return schedule_status(schedule);
}

static uint64_t gate_flops(const struct operator_call *call)
{
    struct gating gating = gating_of(call);
    int64_t layers = gating.hidden * gating.channels * (gating.has_first ? 2 * gating.rows + 2 : 2);
    return (uint64_t)(gating.images * (2 * gating.channels * gating.height * gating.width + layers));
}

static const struct variant channel_gate_variants[] = {
    { "cpu_image_planes", can_use_planes, prefers_images, plan_cpu_image_planes },
    { "cpu_image_channels", can_use_channels, prefers_images, plan_cpu_image_channels },
    { "cpu_planes", can_use_planes, variant_on_cpu, plan_cpu_planes },
    { "cpu_channels", can_use_channels, variant_on_cpu, plan_cpu_channels },
    { "gpu_groups", can_use_groups, variant_on_gpu, plan_groups },
    { "strided", variant_always, NULL, plan_strided },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_channel_gate = {
    .name = "channel_gate",
    .params_size = sizeof(struct plugcl_channel_gate_params),
    .shape = channel_gate_shape,
    .need = gate_need,
    .layout = OUTPUT_LIKE_INPUT,
    .in_place = true,
    .epilogue = EPILOGUE_OF_GATE,
    .residual_input = RESIDUAL,
    .variants = channel_gate_variants,
    .flops = gate_flops,
    .expand = channel_gate_expand,
};
