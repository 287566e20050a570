/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conv_transpose2d.c: F.conv_transpose2d, as plain convolutions of its phases.
 *
 * With stride s, the output rows r, r + s, r + 2s … all meet the same rows of the kernel, in reverse order: each of the s · s
 * phases is a convolution of stride 1 with a part of the kernel, written to every s-th pixel. So conv2d's kernels serve, and no
 * zero is multiplied.
 */
#include "ops/convolution.h"

static plugcl_status check_sizes(const struct plugcl_conv_transpose2d_params *params, const plugcl_shape *x,
                                 const plugcl_shape *weight)
{
    if (x->rank != 4)
        return fail(PLUGCL_INVALID, "conv_transpose2d's x has rank %u; it must be 4: [N, C, H, W]", x->rank);
    if (weight->rank != 4)
        return fail(PLUGCL_INVALID, "conv_transpose2d's weight has rank %u; it must be 4: [C, O/groups, KH, KW]", weight->rank);
    for (int i = 0; i < 4; i++)
        if (weight->dims[i] < 1)
            return fail(PLUGCL_INVALID, "conv_transpose2d's weight has size %lld on axis %d; every size must be at least 1",
                        (long long)weight->dims[i], i);
    if (x->dims[2] < 1 || x->dims[3] < 1)
        return fail(PLUGCL_INVALID, "conv_transpose2d's x has %lld x %lld pixels; it must have at least one",
                    (long long)x->dims[2], (long long)x->dims[3]);
    if (x->dims[1] != weight->dims[0])
        return fail(PLUGCL_INVALID, "conv_transpose2d's weight takes %lld channels; x has %lld", (long long)weight->dims[0],
                    (long long)x->dims[1]);
    if (x->dims[1] % params->groups != 0)
        return fail(PLUGCL_INVALID, "conv_transpose2d's x has %lld channels, which %u groups do not divide", (long long)x->dims[1],
                    params->groups);
    for (int i = 0; i < 2; i++)
        if (params->output_pad[i] >= params->stride[i] && params->output_pad[i] >= params->dilation[i])
            return fail(PLUGCL_INVALID,
                        "conv_transpose2d's output_pad is %u; it must be less than the stride of %u or the dilation of %u",
                        params->output_pad[i], params->stride[i], params->dilation[i]);
    return PLUGCL_OK;
}

static plugcl_status conv_transpose2d_shape(const void *parameters, const plugcl_shape *inputs, const bool *present,
                                            plugcl_shape *outputs)
{
    const struct plugcl_conv_transpose2d_params *params = parameters;
    const plugcl_shape *x = &inputs[0], *weight = &inputs[1], *bias = &inputs[2];
    plugcl_status status = check_sizes(params, x, weight);
    if (status != PLUGCL_OK)
        return status;
    outputs[0] = (plugcl_shape){ .rank = 4, .dims = { x->dims[0], weight->dims[1] * params->groups } };
    if (present[2] && (bias->rank != 1 || bias->dims[0] != outputs[0].dims[1]))
        return fail(PLUGCL_INVALID, "conv_transpose2d's bias has rank %u and %lld elements; it must be [%lld]", bias->rank,
                    (long long)plugcl_shape_elements(bias), (long long)outputs[0].dims[1]);
    for (int i = 0; i < 2; i++) {
        long long full = (x->dims[2 + i] - 1) * params->stride[i] + (weight->dims[2 + i] - 1) * (long long)params->dilation[i] + 1;
        outputs[0].dims[2 + i] = full + params->output_pad[i] - params->pad[i] - params->pad[2 + i];
        if (outputs[0].dims[2 + i] < 1)
            return fail(PLUGCL_INVALID, "conv_transpose2d makes %lld pixels, from which pads of %u and %u leave none", full,
                        params->pad[i], params->pad[2 + i]);
    }
    return PLUGCL_OK;
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The outputs `phase`, phase + stride … of one axis: conv's sizes along it, and where its kernel begins, counted in taps. */
static void take_phase(struct convolution *conv, const struct operator_call *call, int axis, int64_t phase, int64_t *first_tap)
{
    const struct plugcl_conv_transpose2d_params *params = call->params;
    const int64_t stride = params->stride[axis], dilation = params->dilation[axis], taps = call->inputs[1].shape.dims[2 + axis];
    const int64_t step = stride / common_divisor(stride, dilation), from = phase + params->pad[axis];
    int64_t tap = 0;
    while (tap < step && (from - tap * dilation) % stride != 0)
        tap++;
    conv->out[axis] = (call->outputs[0].shape.dims[2 + axis] - phase + stride - 1) / stride;
    conv->stride[axis] = 1;
    if (tap == step || tap >= taps) { /* nothing but the bias reaches these outputs: a tap that is always outside */
        conv->kernel[axis] = conv->dilation[axis] = 1;
        conv->before[axis] = -conv->in[axis];
        *first_tap = 0;
        return;
    }
    /* Output phase + stride · m meets tap + step · j at input (from − tap · dilation) / stride + m − j · dilation'. */
    conv->kernel[axis] = (taps - 1 - tap) / step + 1;
    conv->dilation[axis] = step * dilation / stride;
    conv->before[axis] = (conv->kernel[axis] - 1) * conv->dilation[axis] - (from - tap * dilation) / stride;
    conv->weight_strides[2 + axis] = -step * call->inputs[1].strides[2 + axis];
    *first_tap = tap + (conv->kernel[axis] - 1) * step;
}

/* One phase: a convolution and the operands that it changes. */
struct phase {
    struct convolution conv;
    struct operand weight, y;
};

static void make_phase(struct phase *made, const struct operator_call *call, int64_t row, int64_t column)
{
    const struct plugcl_conv_transpose2d_params *params = call->params;
    const struct operand *x = &call->inputs[0], *weight = &call->inputs[1], *y = &call->outputs[0];
    const int64_t phase[2] = { row, column }, outputs = weight->shape.dims[1];
    struct convolution *conv = &made->conv;
    *conv = (struct convolution){ .groups = params->groups, .images = x->shape.dims[0], .channels = x->shape.dims[1],
                                  .outputs = y->shape.dims[1], .in = { x->shape.dims[2], x->shape.dims[3] } };
    convolution_take_operands(conv, call);
    made->weight = *weight;
    made->y = *y;
    conv->weight = &made->weight;
    conv->y = &made->y;
    for (int i = 0; i < 4; i++) {
        conv->x_strides[i] = x->strides[i];
        conv->y_strides[i] = y->strides[i] * (i < 2 ? 1 : params->stride[i - 2]);
        conv->weight_strides[i] = weight->strides[i];
    }
    conv->weight_strides[0] = weight->strides[1];
    conv->weight_strides[1] = weight->strides[0];
    conv->weight_group = conv->channels / conv->groups * weight->strides[0] - outputs * weight->strides[1];
    for (int axis = 0; axis < 2; axis++) {
        int64_t first_tap;
        take_phase(conv, call, axis, phase[axis], &first_tap);
        made->weight.offset += first_tap * weight->strides[2 + axis];
        made->y.offset += phase[axis] * y->strides[2 + axis];
    }
}

static plugcl_status plan_phases(plugcl_status (*plan)(struct schedule *, const struct convolution *), struct schedule *schedule,
                                 const struct operator_call *call)
{
    const struct plugcl_conv_transpose2d_params *params = call->params;
    const plugcl_shape *y = &call->outputs[0].shape;
    plugcl_status status = PLUGCL_OK;
    if (call_is_empty(call))
        return status;
    for (int64_t row = 0; row < params->stride[0] && row < y->dims[2]; row++) {
        for (int64_t column = 0; column < params->stride[1] && column < y->dims[3] && status == PLUGCL_OK; column++) {
            struct phase phase;
            make_phase(&phase, call, row, column);
            status = plan(schedule, &phase.conv);
        }
    }
    return status;
}

static bool taps_serve(const struct device_caps *caps, const struct operator_call *call)
{
    struct phase phase;
    make_phase(&phase, call, 0, 0);
    return taps_can_run(caps, &phase.conv);
}

static plugcl_status plan_taps(struct schedule *schedule, const struct operator_call *call)
{
    return plan_phases(taps_plan, schedule, call);
}

static bool tile_serves(const struct device_caps *caps, const struct operator_call *call)
{
    struct phase phase;
    make_phase(&phase, call, 0, 0);
    return tile_can_run(caps, &phase.conv);
}

static bool prefers_tile(const struct device_caps *caps, const struct operator_call *call)
{
    return tile_is_preferred(caps, call->outputs[0].shape.dims[1]);
}

static plugcl_status plan_tile(struct schedule *schedule, const struct operator_call *call)
{
    return plan_phases(tile_plan, schedule, call);
}

static plugcl_status plan_direct(struct schedule *schedule, const struct operator_call *call)
{
    return plan_phases(direct_plan, schedule, call);
}

static enum operand_need conv_transpose2d_need(const struct operator_call *call, size_t input)
{
    if (input == 0)
        return NEED_CHANNELS_LAST;
    return call->inputs[input].constant != NULL ? NEED_HOST : NEED_NOTHING;
}

static uint64_t conv_transpose2d_flops(const struct operator_call *call)
{
    const int64_t *weight = call->inputs[1].shape.dims;
    return 2 * (uint64_t)operand_elements(&call->inputs[0]) * (uint64_t)(weight[1] * weight[2] * weight[3]);
}

static const struct variant variants[] = {
    { "cpu_taps", taps_serve, NULL, plan_taps },
    { "gpu_tile", tile_serves, prefers_tile, plan_tile },
    { "generic", variant_always, NULL, plan_direct },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_conv_transpose2d = {
    .name = "conv_transpose2d",
    .params_size = sizeof(struct plugcl_conv_transpose2d_params),
    .shape = conv_transpose2d_shape,
    .need = conv_transpose2d_need,
    .layout = OUTPUT_CHANNELS_LAST,
    .variants = variants,
    .flops = conv_transpose2d_flops,
};
