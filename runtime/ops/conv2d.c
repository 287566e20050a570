/* SPDX-License-Identifier: Apache-2.0 */
/* conv2d.c: F.conv2d with four paddings: its shape rule and its variants. */
#include "ops/winograd.h"

#define NCHW_CHANNELS 8 /* with fewer channels x is read as it is: padding pixels to a vector would cost more */
/* A CPU's cache holds a picture of so many elements: its pixels are then read as they lie, once, sooner than they are copied. */
#define NCHW_ELEMENTS (256 * 1024)

static plugcl_status check_operands(const struct plugcl_conv2d_params *params, const plugcl_shape *inputs, const bool *present)
{
    const plugcl_shape *x = &inputs[0], *weight = &inputs[1], *bias = &inputs[2];
    if (x->rank != 4)
        return fail(PLUGCL_INVALID, "conv2d's x has rank %u; it must be 4: [N, C, H, W]", x->rank);
    if (weight->rank != 4)
        return fail(PLUGCL_INVALID, "conv2d's weight has rank %u; it must be 4: [O, C/groups, KH, KW]", weight->rank);
    long long channels = x->dims[1], outputs = weight->dims[0], groups = params->groups;
    if (groups < 1 || params->stride[0] < 1 || params->stride[1] < 1 || params->dilation[0] < 1 || params->dilation[1] < 1)
        return fail(PLUGCL_INVALID, "conv2d's groups, strides and dilations must be at least 1");
    if (outputs < 1 || weight->dims[1] < 1 || weight->dims[2] < 1 || weight->dims[3] < 1)
        return fail(PLUGCL_INVALID, "conv2d's weight is %lld x %lld x %lld x %lld; every size must be at least 1", outputs,
                    (long long)weight->dims[1], (long long)weight->dims[2], (long long)weight->dims[3]);
    if (channels % groups != 0)
        return fail(PLUGCL_INVALID, "conv2d's x has %lld channels, which %lld groups do not divide", channels, groups);
    if (outputs % groups != 0)
        return fail(PLUGCL_INVALID, "conv2d's weight has %lld outputs, which %lld groups do not divide", outputs, groups);
    if (weight->dims[1] != channels / groups)
        return fail(PLUGCL_INVALID, "conv2d's weight takes %lld channels in each of %lld groups; x has %lld, so it must be %lld",
                    (long long)weight->dims[1], groups, channels, channels / groups);
    if (present[2] && (plugcl_shape_elements(bias) != outputs || bias->rank != 1))
        return fail(PLUGCL_INVALID, "conv2d's bias has rank %u and %lld elements; it must be [%lld]", bias->rank,
                    (long long)plugcl_shape_elements(bias), outputs);
    return PLUGCL_OK;
}

static plugcl_status conv2d_shape(const void *parameters, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    static const char *const axes[2] = { "height", "width" };
    const struct plugcl_conv2d_params *params = parameters;
    plugcl_status status = check_operands(params, inputs, present);
    if (status != PLUGCL_OK)
        return status;
    outputs[0] = (plugcl_shape){ .rank = 4, .dims = { inputs[0].dims[0], inputs[1].dims[0] } };
    for (int i = 0; i < 2; i++) {
        long long kernel = (inputs[1].dims[2 + i] - 1) * (long long)params->dilation[i] + 1;
        long long padded = inputs[0].dims[2 + i] + (long long)params->pad[i] + params->pad[2 + i];
        if (kernel > padded)
            return fail(PLUGCL_INVALID, "conv2d's kernel covers %lld pixels of %s; x has %lld with its padding of %u and %u",
                        kernel, axes[i], padded, params->pad[i], params->pad[2 + i]);
        outputs[0].dims[2 + i] = (padded - kernel) / params->stride[i] + 1;
    }
    return PLUGCL_OK;
}

static struct convolution convolution_of(const struct operator_call *call)
{
    const struct plugcl_conv2d_params *params = call->params;
    struct convolution conv = { .groups = params->groups, .tile = call->tile };
    convolution_take_operands(&conv, call);
    conv.images = conv.x->shape.dims[0];
    conv.channels = conv.x->shape.dims[1];
    conv.outputs = conv.y->shape.dims[1];
    for (int i = 0; i < 2; i++) {
        conv.in[i] = conv.x->shape.dims[2 + i];
        conv.out[i] = conv.y->shape.dims[2 + i];
        conv.kernel[i] = conv.weight->shape.dims[2 + i];
        conv.stride[i] = params->stride[i];
        conv.dilation[i] = params->dilation[i];
        conv.before[i] = params->pad[i];
    }
    for (int i = 0; i < 4; i++) {
        conv.x_strides[i] = conv.x->strides[i];
        conv.y_strides[i] = conv.y->strides[i];
        conv.residual_strides[i] = conv.residual->strides[i];
        conv.weight_strides[i] = conv.weight->strides[i];
    }
    return conv;
}

static enum operand_need conv2d_need(const struct operator_call *call, size_t input)
{
    struct convolution conv = convolution_of(call);
    const struct operand *operand = &call->inputs[input];
    if (operand == conv.weight || operand == conv.bias)
        return operand->constant != NULL ? NEED_HOST : NEED_NOTHING;
    if (operand == conv.x && conv.channels < NCHW_CHANNELS)
        return NEED_NOTHING;
    const bool one_tap = conv.kernel[0] == 1 && conv.kernel[1] == 1 && conv.groups == 1;
    const bool is_near = conv.channels * conv.in[0] * conv.in[1] <= NCHW_ELEMENTS;
    return operand == conv.x && one_tap && is_near ? NEED_CHANNELS_LAST_ON_GPU : NEED_CHANNELS_LAST;
}

static uint64_t conv2d_flops(const struct operator_call *call)
{
    struct convolution conv = convolution_of(call);
    return 2 * (uint64_t)operand_elements(conv.y) * (uint64_t)(conv.channels / conv.groups * conv.kernel[0] * conv.kernel[1]);
}

/*
 * The variants.
 */
static bool conv2d_depthwise_can_run(const struct device_caps *caps, const struct operator_call *call)
{
    struct convolution conv = convolution_of(call);
    return depthwise_can_run(caps, &conv);
}

/* One channel is a plain convolution, for which the register tiles are better. */
static bool conv2d_depthwise_is_preferred(const struct device_caps *caps, const struct operator_call *call)
{
    return caps->cpu_family && call->inputs[0].shape.dims[1] > 1;
}

static plugcl_status conv2d_depthwise(struct schedule *schedule, const struct operator_call *call)
{
    struct convolution conv = convolution_of(call);
    return call_is_empty(call) ? PLUGCL_OK : depthwise_plan(schedule, &conv);
}

static bool conv2d_gpu_depthwise_is_preferred(const struct device_caps *caps, const struct operator_call *call)
{
    return !caps->cpu_family && call->inputs[0].shape.dims[1] > 1;
}

static plugcl_status conv2d_gpu_depthwise(struct schedule *schedule, const struct operator_call *call)
{
    struct convolution conv = convolution_of(call);
    return call_is_empty(call) ? PLUGCL_OK : depthwise_plan_gpu(schedule, &conv);
}

static bool conv2d_taps_can_run(const struct device_caps *caps, const struct operator_call *call)
{
    struct convolution conv = convolution_of(call);
    return taps_can_run(caps, &conv);
}

static plugcl_status conv2d_taps(struct schedule *schedule, const struct operator_call *call)
{
    struct convolution conv = convolution_of(call);
    return call_is_empty(call) ? PLUGCL_OK : taps_plan(schedule, &conv);
}

static bool conv2d_winograd_can_run(const struct device_caps *caps, const struct operator_call *call)
{
    struct convolution conv = convolution_of(call);
    return !call->no_winograd && winograd_can_run(caps, &conv);
}

static bool conv2d_winograd_is_preferred(const struct device_caps *caps, const struct operator_call *call)
{
    struct convolution conv = convolution_of(call);
    return winograd_is_preferred(caps, &conv);
}

static plugcl_status conv2d_winograd(struct schedule *schedule, const struct operator_call *call)
{
    struct convolution conv = convolution_of(call);
    return call_is_empty(call) ? PLUGCL_OK : winograd_plan(schedule, &conv);
}

static bool conv2d_tile_can_run(const struct device_caps *caps, const struct operator_call *call)
{
    struct convolution conv = convolution_of(call);
    return tile_can_run(caps, &conv);
}

static bool conv2d_tile_is_preferred(const struct device_caps *caps, const struct operator_call *call)
{
    return tile_is_preferred(caps, call->outputs[0].shape.dims[1]);
}

static plugcl_status conv2d_tile(struct schedule *schedule, const struct operator_call *call)
{
    struct convolution conv = convolution_of(call);
    return call_is_empty(call) ? PLUGCL_OK : tile_plan(schedule, &conv);
}

static plugcl_status conv2d_direct(struct schedule *schedule, const struct operator_call *call)
{
    struct convolution conv = convolution_of(call);
    return call_is_empty(call) ? PLUGCL_OK : direct_plan(schedule, &conv);
}

static bool conv2d_tile_name(const struct variant *variant, const struct device_caps *caps, const struct operator_call *call,
                             uint32_t number, char name[TILE_NAME])
{
    struct convolution conv = convolution_of(call);
    return (variant->plan == conv2d_winograd && winograd_tile(caps, &conv, number, name)) ||
           (variant->plan == conv2d_taps && taps_tile(caps, conv.outputs, number, name)) ||
           (variant->plan == conv2d_tile && tile_name(caps, &conv, number, name));
}

static const struct variant variants[] = {
    { "cpu_depthwise", conv2d_depthwise_can_run, conv2d_depthwise_is_preferred, conv2d_depthwise },
    { "gpu_depthwise", conv2d_depthwise_can_run, conv2d_gpu_depthwise_is_preferred, conv2d_gpu_depthwise },
    { WINOGRAD_ROW, conv2d_winograd_can_run, conv2d_winograd_is_preferred, conv2d_winograd },
    { TAPS_ROW, conv2d_taps_can_run, NULL, conv2d_taps },
    { "gpu_tile", conv2d_tile_can_run, conv2d_tile_is_preferred, conv2d_tile },
    { "generic", variant_always, NULL, conv2d_direct },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_conv2d = {
    .name = "conv2d",
    .params_size = sizeof(struct plugcl_conv2d_params),
    .shape = conv2d_shape,
    .need = conv2d_need,
    .layout = OUTPUT_CHANNELS_LAST,
    .epilogue = EPILOGUE_OF_LAYER,
    .residual_input = 3,
    .variants = variants,
    .tile = conv2d_tile_name,
    .flops = conv2d_flops,
};

plugcl_status conv2d_plan_together(struct schedule *schedule, const struct operator_call *calls, size_t count)
{
    struct convolution convs[CONVOLUTION_MAX_PARTS];
    const size_t allowed = schedule_caps(schedule)->max_allocation / sizeof(float);
    const int64_t most = allowed < INT32_MAX ? (int64_t)allowed : INT32_MAX;
    size_t joined = 0;
    int64_t packed = 0;
    for (size_t i = 0; i < count; i++) {
        struct choice choice;
        struct convolution conv = convolution_of(&calls[i]);
        plugcl_status status = variant_select(schedule, &calls[i], NULL, &choice);
        const int64_t elements = taps_packed_elements(conv.outputs, conv.channels * conv.kernel[0] * conv.kernel[1], 64);
        if (status == PLUGCL_OK && choice.variant->plan == conv2d_taps && !call_is_empty(&calls[i]) &&
            joined < CONVOLUTION_MAX_PARTS && packed + elements <= most && (joined == 0 || choice.tile == convs[0].tile)) {
            conv.tile = choice.tile;
            convs[joined++] = conv;
            packed += elements;
        } else if (status == PLUGCL_OK) {
            status = choice_plan(schedule, &calls[i], &choice);
        }
        if (status != PLUGCL_OK)
            return schedule_fail(schedule, status);
    }
    return joined > 0 ? taps_plan_parts(schedule, convs, joined) : schedule_status(schedule);
}
