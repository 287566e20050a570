/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deform_conv2d.c: deformable convolution (v1, and v2 with a mask), as torchvision.ops.deform_conv2d.
 *
 * The samples of some output rows are gathered into columns [pixel][tap][channel]; these are then a picture of taps wide rows, over
 * which conv2d's kernels run with a kernel of 1 x taps. As many rows at once as keep the columns within COLUMN_BYTES.
 */
#include "ops/convolution.h"

#include <stdio.h>

#define COLUMN_BYTES ((size_t)32 << 20)
#define GROUP_WORK 8192 /* elements of a work-group of cl/cpu: large against the cost of a group */
#define MAX_GROUPS 30000

enum { X, WEIGHT, BIAS, SHIFT, MASK };

/* Sizes and names that all steps want. */
struct deform {
    const struct plugcl_conv2d_params *params;
    const struct operand *x, *weight, *shift, *mask, *y;
    int64_t images, channels, outputs, taps, shift_groups, out[2];
};

static struct deform deform_of(const struct operator_call *call)
{
    const struct operand *inputs = call->inputs, *y = &call->outputs[0];
    const int64_t *weight = inputs[WEIGHT].shape.dims, taps = weight[2] * weight[3];
    return (struct deform){ .params = call->params,
                            .x = &inputs[X],
                            .weight = &inputs[WEIGHT],
                            .shift = &inputs[SHIFT],
                            .mask = &inputs[MASK],
                            .y = y,
                            .images = inputs[X].shape.dims[0],
                            .channels = inputs[X].shape.dims[1],
                            .outputs = y->shape.dims[1],
                            .taps = taps,
                            .shift_groups = inputs[SHIFT].shape.dims[1] / (2 * taps),
                            .out = { y->shape.dims[2], y->shape.dims[3] } };
}

static plugcl_status check_map(const char *name, const plugcl_shape *found, const plugcl_shape *y, int64_t channels)
{
    if (found->rank == 4 && found->dims[0] == y->dims[0] && found->dims[1] == channels && found->dims[2] == y->dims[2] &&
        found->dims[3] == y->dims[3])
        return PLUGCL_OK;
    if (found->rank != 4)
        return fail(PLUGCL_INVALID, "deform_conv2d's %s has rank %u; it must be 4", name, found->rank);
    return fail(PLUGCL_INVALID, "deform_conv2d's %s is [%lld, %lld, %lld, %lld]; it must be [%lld, %lld, %lld, %lld]", name,
                (long long)found->dims[0], (long long)found->dims[1], (long long)found->dims[2], (long long)found->dims[3],
                (long long)y->dims[0], (long long)channels, (long long)y->dims[2], (long long)y->dims[3]);
}

static plugcl_status deform_conv2d_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    plugcl_status status = operator_conv2d.shape(params, inputs, present, outputs);
    if (status != PLUGCL_OK)
        return fail_in(status, "deform_conv2d: ");
    int64_t taps = inputs[WEIGHT].dims[2] * inputs[WEIGHT].dims[3], channels = inputs[X].dims[1], groups;
    if (!present[SHIFT])
        return fail(PLUGCL_INVALID, "deform_conv2d needs an offset [N, 2 * groups * KH * KW, OH, OW]");
    groups = inputs[SHIFT].rank == 4 ? inputs[SHIFT].dims[1] / (2 * taps) : 1;
    if (groups < 1 || inputs[SHIFT].dims[1] % (2 * taps) != 0 || channels % groups != 0)
        return fail(PLUGCL_INVALID,
                    "deform_conv2d's offset has %lld channels; it must have 2 for each of %lld taps, times a divisor of the %lld "
                    "channels of x",
                    (long long)inputs[SHIFT].dims[1], (long long)taps, (long long)channels);
    status = check_map("offset", &inputs[SHIFT], outputs, 2 * groups * taps);
    return status == PLUGCL_OK && present[MASK] ? check_map("mask", &inputs[MASK], outputs, groups * taps) : status;
}

/* An operand from one image and output row on. */
static struct operand from_row(const struct operand *operand, int64_t image, int64_t row)
{
    struct operand moved = *operand;
    if (operand->present)
        moved.offset += image * operand->strides[0] + row * operand->strides[2];
    return moved;
}

/* Some output rows of one image. */
struct block {
    int64_t image, row, rows;
    uint32_t columns; /* region */
};

static void launch_columns(struct schedule *schedule, const struct deform *deform, const struct block *block, bool on_cpu)
{
    const struct plugcl_conv2d_params *params = deform->params;
    const int64_t *xs = deform->x->strides, *ss = deform->shift->strides, *ms = deform->mask->strides;
    const int32_t table[] = { (int32_t)deform->channels, (int32_t)(deform->channels / deform->shift_groups),
                              (int32_t)deform->x->shape.dims[2], (int32_t)deform->x->shape.dims[3], (int32_t)deform->out[1],
                              (int32_t)deform->weight->shape.dims[2], (int32_t)deform->weight->shape.dims[3],
                              (int32_t)params->stride[0], (int32_t)params->stride[1], (int32_t)params->dilation[0],
                              (int32_t)params->dilation[1], (int32_t)params->pad[0], (int32_t)params->pad[1], (int32_t)xs[1],
                              (int32_t)xs[2], (int32_t)xs[3], (int32_t)ss[1], (int32_t)ss[2], (int32_t)ss[3], (int32_t)ms[1],
                              (int32_t)ms[2], (int32_t)ms[3] };
    const struct operand x = from_row(deform->x, block->image, 0), shift = from_row(deform->shift, block->image, block->row);
    const struct operand mask = from_row(deform->mask, block->image, block->row);
    const int64_t pixels = block->rows * deform->out[1], elements = deform->taps * deform->channels;
    char options[32] = "";
    if (on_cpu)
        snprintf(options, sizeof options, "-DVECTOR=%u", schedule_caps(schedule)->vector_width);
    struct launch *launch =
        schedule_launch(schedule, on_cpu ? "cpu/deform_conv2d.cl" : "gpu/deform_conv2d.cl", options, "deform_columns");
    launch_operand(launch, &x);
    launch_operand(launch, &shift);
    launch_operand(launch, &mask);
    launch_region(launch, block->columns, 0);
    launch_table(launch, table, sizeof table / sizeof *table);
    launch_int(launch, deform->mask->present);
    launch_int(launch, block->row);
    launch_int(launch, pixels);
    if (!on_cpu) {
        launch_range(launch, (size_t)elements, (size_t)pixels, 1, launch_max_work_group(launch) >= 64 ? 64 : 1, 1, 1);
        return;
    }
    int64_t each = GROUP_WORK / elements > 1 ? GROUP_WORK / elements : 1;
    if (each < pixels / MAX_GROUPS + 1)
        each = pixels / MAX_GROUPS + 1;
    launch_int(launch, each);
    launch_groups(launch, (size_t)((pixels + each - 1) / each), 1, 1);
}

/* The columns as a picture: a row for each pixel of the block, taps wide. */
static void make_convolution(struct convolution *conv, const struct operator_call *call, const struct deform *deform,
                             const struct block *block, struct operand *columns, struct operand *y)
{
    const int64_t *weight = deform->weight->strides, width = deform->taps * deform->channels;
    *conv = (struct convolution){ .images = 1, .channels = deform->channels, .outputs = deform->outputs,
                                  .groups = deform->params->groups, .kernel = { 1, deform->taps }, .stride = { 1, 1 },
                                  .dilation = { 1, 1 } };
    convolution_take_operands(conv, call);
    *columns = (struct operand){ .present = true, .dtype = PLUGCL_F32, .region = block->columns };
    *y = from_row(deform->y, block->image, block->row);
    conv->x = columns;
    conv->y = y;
    conv->in[0] = conv->out[0] = block->rows * deform->out[1];
    conv->in[1] = deform->taps;
    conv->out[1] = 1;
    conv->x_strides[CHANNEL_STRIDE] = 1;
    conv->x_strides[ROW_STRIDE] = width;
    conv->x_strides[PIXEL_STRIDE] = deform->channels;
    conv->y_strides[CHANNEL_STRIDE] = y->strides[1];
    conv->y_strides[ROW_STRIDE] = y->strides[3]; /* a block of more than one row needs rows without gaps */
    conv->weight_strides[0] = weight[0];
    conv->weight_strides[1] = weight[1];
    conv->weight_strides[3] = weight[3];
}

static int64_t rows_a_block(const struct deform *deform, const struct device_caps *caps)
{
    size_t bound = COLUMN_BYTES < caps->max_allocation / 4 ? COLUMN_BYTES : caps->max_allocation / 4;
    size_t row = (size_t)(deform->out[1] * deform->taps * deform->channels) * sizeof(float);
    int64_t rows = (int64_t)(bound / (row > 0 ? row : 1));
    if (deform->y->strides[2] != deform->out[1] * deform->y->strides[3] || rows < 1)
        return 1;
    return rows < deform->out[0] ? rows : deform->out[0];
}

typedef plugcl_status convolution_planner(struct schedule *schedule, const struct convolution *conv);

/* True when an image of an operand spans less than 2^31 elements. */
static bool fits_int(const struct operand *operand)
{
    int64_t span = 0;
    for (int i = 1; operand->present && i < 4; i++)
        span += operand->shape.dims[i] * operand->strides[i];
    return span <= INT32_MAX;
}

static plugcl_status plan_with(struct schedule *schedule, const struct operator_call *call, bool on_cpu, convolution_planner *plan)
{
    const struct deform deform = deform_of(call);
    if (operand_elements(deform.y) == 0)
        return schedule_status(schedule);
    if (!fits_int(deform.x) || !fits_int(deform.shift) || !fits_int(deform.mask))
        return schedule_fail(schedule, fail(PLUGCL_UNSUPPORTED, "deform_conv2d of an image of more than 2147483647 elements"));
    int64_t rows = rows_a_block(&deform, schedule_caps(schedule));
    size_t bytes = (size_t)(rows * deform.out[1] * deform.taps * deform.channels) * sizeof(float);
    struct block block = { .columns = schedule_scratch(schedule, bytes) };
    for (block.image = 0; block.image < deform.images; block.image++) {
        for (block.row = 0; block.row < deform.out[0]; block.row += rows) {
            struct convolution conv;
            struct operand columns, y;
            block.rows = rows < deform.out[0] - block.row ? rows : deform.out[0] - block.row;
            launch_columns(schedule, &deform, &block, on_cpu);
            make_convolution(&conv, call, &deform, &block, &columns, &y);
            plugcl_status status = plan(schedule, &conv);
            if (status != PLUGCL_OK)
                return status;
        }
    }
    return schedule_status(schedule);
}

/* The convolution of the first row, for questions about what can run. */
static bool asks(bool (*can_run)(const struct device_caps *, const struct convolution *), const struct device_caps *caps,
                 const struct operator_call *call)
{
    const struct deform deform = deform_of(call);
    struct convolution conv;
    struct operand columns, y;
    make_convolution(&conv, call, &deform, &(struct block){ .rows = 1 }, &columns, &y);
    return can_run(caps, &conv);
}

static bool taps_serve(const struct device_caps *caps, const struct operator_call *call)
{
    return call->inputs[X].strides[1] == 1 && asks(taps_can_run, caps, call);
}

static plugcl_status plan_taps(struct schedule *schedule, const struct operator_call *call)
{
    return plan_with(schedule, call, true, taps_plan);
}

static bool tile_serves(const struct device_caps *caps, const struct operator_call *call)
{
    return asks(tile_can_run, caps, call);
}

static plugcl_status plan_tile(struct schedule *schedule, const struct operator_call *call)
{
    return plan_with(schedule, call, false, tile_plan);
}

static plugcl_status plan_direct(struct schedule *schedule, const struct operator_call *call)
{
    return plan_with(schedule, call, false, direct_plan);
}

static enum operand_need deform_conv2d_need(const struct operator_call *call, size_t input)
{
    if (input == X)
        return NEED_CHANNELS_LAST;
    bool is_packed = (input == WEIGHT || input == BIAS) && call->inputs[input].constant != NULL;
    return is_packed ? NEED_HOST : NEED_NOTHING;
}

static uint64_t deform_conv2d_flops(const struct operator_call *call)
{
    return operator_conv2d.flops(call);
}

static const struct variant variants[] = {
    { "cpu_columns", taps_serve, NULL, plan_taps },
    { "gpu_columns", tile_serves, variant_on_gpu, plan_tile },
    { "generic", variant_always, NULL, plan_direct },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_deform_conv2d = {
    .name = "deform_conv2d",
    .params_size = sizeof(struct plugcl_conv2d_params),
    .shape = deform_conv2d_shape,
    .need = deform_conv2d_need,
    .layout = OUTPUT_CHANNELS_LAST,
    .variants = variants,
    .flops = deform_conv2d_flops,
};
