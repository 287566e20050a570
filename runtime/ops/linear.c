/* SPDX-License-Identifier: Apache-2.0 */
/* linear.c: F.linear over the last axis, as a convolution of one tap whose pixels are the rows of x. */
#include "ops/convolution.h"
#include "ops/product.h"

static plugcl_status linear_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const plugcl_shape *x = &inputs[0], *weight = &inputs[1], *bias = &inputs[2];
    (void)params;
    if (x->rank < 1)
        return fail(PLUGCL_INVALID, "linear's x is a scalar; it must be [..., K]");
    if (weight->rank != 2 && !(weight->rank == 4 && weight->dims[2] == 1 && weight->dims[3] == 1))
        return fail(PLUGCL_INVALID, "linear's weight has rank %u; it must be [O, K] or [O, K, 1, 1]", weight->rank);
    long long depth = x->dims[x->rank - 1], n_outputs = weight->dims[0];
    if (depth < 1 || n_outputs < 1)
        return fail(PLUGCL_INVALID, "linear's weight is %lld x %lld; both must be at least 1", n_outputs,
                    (long long)weight->dims[1]);
    if (weight->dims[1] != depth)
        return fail(PLUGCL_INVALID, "linear's weight takes %lld inputs; x has %lld along its last axis", (long long)weight->dims[1],
                    depth);
    if (present[2] && (bias->rank != 1 || bias->dims[0] != n_outputs))
        return fail(PLUGCL_INVALID, "linear's bias has rank %u and %lld elements; it must be [%lld]", bias->rank,
                    (long long)plugcl_shape_elements(bias), n_outputs);
    outputs[0] = *x;
    outputs[0].dims[x->rank - 1] = n_outputs;
    return PLUGCL_OK;
}

/* One stride that walks axes first … end−1 of an operand in order; false if there is none. */
static bool collapse(const struct operand *operand, uint32_t first, uint32_t end, int64_t *stride)
{
    int64_t expected = -1;
    *stride = 0;
    for (uint32_t axis = end; axis-- > first;) {
        if (operand->shape.dims[axis] == 1)
            continue;
        if (expected < 0)
            expected = *stride = operand->strides[axis];
        else if (operand->strides[axis] != expected)
            return false;
        expected *= operand->shape.dims[axis];
    }
    return true;
}

static bool collapse_all(const struct operand *operand, uint32_t split, int64_t strides[4])
{
    uint32_t last = operand->shape.rank - 1;
    strides[IMAGE_STRIDE] = 0;
    strides[CHANNEL_STRIDE] = operand->strides[last];
    return collapse(operand, 0, split, &strides[ROW_STRIDE]) && collapse(operand, split, last, &strides[PIXEL_STRIDE]);
}

/* The rows of all operands as a picture of outer × inner pixels; a slice of a concat needs both.
 * False if two levels are too few. */
static bool convolution_of(const struct operator_call *call, struct convolution *conv)
{
    *conv = (struct convolution){ .images = 1, .groups = 1, .in = { 1, 1 }, .kernel = { 1, 1 }, .stride = { 1, 1 },
                                  .dilation = { 1, 1 }, .tile = call->tile };
    convolution_take_operands(conv, call);
    uint32_t last = conv->x->shape.rank - 1, split = 0;
    conv->channels = conv->x->shape.dims[last];
    conv->outputs = conv->y->shape.dims[last];
    for (int i = 0; i < 2; i++)
        conv->weight_strides[i] = conv->weight->strides[i];
    while (!(collapse_all(conv->x, split, conv->x_strides) && collapse_all(conv->y, split, conv->y_strides) &&
             (!conv->residual->present || collapse_all(conv->residual, split, conv->residual_strides)))) {
        if (split++ == last)
            return false;
    }
    for (uint32_t axis = 0; axis < last; axis++)
        conv->in[axis < split ? 0 : 1] *= conv->x->shape.dims[axis];
    conv->out[0] = conv->in[0];
    conv->out[1] = conv->in[1];
    return true;
}

static enum operand_need linear_need(const struct operator_call *call, size_t input)
{
    struct convolution conv;
    const struct operand *operand = &call->inputs[input];
    convolution_take_operands(&conv, call);
    if (operand == conv.weight || operand == conv.bias)
        return operand->constant != NULL ? NEED_HOST : NEED_NOTHING;
    return NEED_ROW_MAJOR;
}

static uint64_t linear_flops(const struct operator_call *call)
{
    const plugcl_shape *x = &call->inputs[0].shape;
    return 2 * (uint64_t)operand_elements(&call->outputs[0]) * (uint64_t)x->dims[x->rank - 1];
}

static bool linear_taps_can_run(const struct device_caps *caps, const struct operator_call *call)
{
    struct convolution conv;
    return convolution_of(call, &conv) && taps_can_run(caps, &conv);
}

static bool linear_tile_can_run(const struct device_caps *caps, const struct operator_call *call)
{
    struct convolution conv;
    return convolution_of(call, &conv) && tile_can_run(caps, &conv);
}

static bool linear_tile_is_preferred(const struct device_caps *caps, const struct operator_call *call)
{
    const plugcl_shape *y = &call->outputs[0].shape;
    return tile_is_preferred(caps, y->dims[y->rank - 1]);
}

static plugcl_status plan_with(plugcl_status (*plan)(struct schedule *, const struct convolution *), struct schedule *schedule,
                               const struct operator_call *call)
{
    struct convolution conv;
    if (call_is_empty(call))
        return PLUGCL_OK;
    if (!convolution_of(call, &conv))
        return schedule_fail(schedule, fail(PLUGCL_UNSUPPORTED, "linear's operands have more than two levels of strides"));
    return plan(schedule, &conv);
}

static plugcl_status linear_taps(struct schedule *schedule, const struct operator_call *call)
{
    return plan_with(taps_plan, schedule, call);
}

static plugcl_status linear_tile(struct schedule *schedule, const struct operator_call *call)
{
    return plan_with(tile_plan, schedule, call);
}

static plugcl_status linear_direct(struct schedule *schedule, const struct operator_call *call)
{
    return plan_with(direct_plan, schedule, call);
}

/*
 * CLBlast: y begins as bias and residual, to which the product adds; the activation comes after.
 */
static void matmul_of_convolution(const struct convolution *conv, struct matmul *matmul)
{
    *matmul = (struct matmul){ .a = conv->x, .b = conv->weight, .y = conv->y, .rows = conv->in[1], .columns = conv->outputs,
                               .depth = conv->channels, .a_row = conv->x_strides[PIXEL_STRIDE],
                               .a_depth = conv->x_strides[CHANNEL_STRIDE], .b_depth = conv->weight_strides[1],
                               .b_column = conv->weight_strides[0], .y_row = conv->y_strides[PIXEL_STRIDE],
                               .y_column = conv->y_strides[CHANNEL_STRIDE] };
    strided_begin(&matmul->batch, PLUGCL_SHAPE(conv->in[0]));
    strided_add(&matmul->batch, &conv->x_strides[ROW_STRIDE]);
    strided_add(&matmul->batch, (const int64_t[]){ 0 });
    strided_add(&matmul->batch, &conv->y_strides[ROW_STRIDE]);
    strided_fold(&matmul->batch);
}

static bool linear_product_can_run(const struct device_caps *caps, const struct operator_call *call)
{
    struct convolution conv;
    struct matmul matmul;
    if (!convolution_of(call, &conv))
        return false;
    matmul_of_convolution(&conv, &matmul);
    return product_can_run(caps, call, &matmul);
}

static bool linear_product_is_preferred(const struct device_caps *caps, const struct operator_call *call)
{
    (void)caps;
    return call->gemm == PLUGCL_GEMM_CLBLAST;
}

static void plan_step(struct schedule *schedule, const struct operator_info *info, const void *params, const struct operand *first,
                      const struct operand *second, const struct operand *y)
{
    struct operator_call call = { .info = info, .params = params, .inputs = { *first }, .outputs = { *y } };
    if (second != NULL)
        call.inputs[1] = *second;
    schedule_fail(schedule, variant_plan(schedule, &call));
}

/* False if there is nothing that the product adds to. */
static bool plan_summand(struct schedule *schedule, const struct convolution *conv)
{
    const struct binary_params sum = { PLUGCL_ADD };
    struct operand bias = *conv->bias;
    bias.shape = conv->y->shape;
    for (uint32_t i = 0; i < bias.shape.rank; i++)
        bias.strides[i] = i + 1 == bias.shape.rank ? conv->bias->strides[0] : 0;
    if (conv->bias->present && conv->residual->present)
        plan_step(schedule, &operator_binary, &sum, &bias, conv->residual, conv->y);
    else if (conv->bias->present || conv->residual->present)
        plan_step(schedule, &operator_copy, NULL, conv->bias->present ? &bias : conv->residual, NULL, conv->y);
    return conv->bias->present || conv->residual->present;
}

static plugcl_status linear_product(struct schedule *schedule, const struct operator_call *call)
{
    const struct activation_params act = { call->epilogue.act, call->epilogue.alpha, call->epilogue.beta };
    struct convolution conv;
    struct matmul matmul;
    if (call_is_empty(call))
        return PLUGCL_OK;
    convolution_of(call, &conv);
    matmul_of_convolution(&conv, &matmul);
    product_plan(schedule, &matmul, plan_summand(schedule, &conv) ? 1.0f : 0.0f);
    if (act.kind != PLUGCL_IDENTITY)
        plan_step(schedule, &operator_activation, &act, conv.y, NULL, conv.y);
    return schedule_status(schedule);
}

static bool linear_tile_name(const struct variant *variant, const struct device_caps *caps, const struct operator_call *call,
                             uint32_t number, char name[TILE_NAME])
{
    struct convolution conv;
    return convolution_of(call, &conv) && ((variant->plan == linear_taps && taps_tile(caps, conv.outputs, number, name)) ||
                                           (variant->plan == linear_tile && tile_name(caps, &conv, number, name)));
}

static const struct variant variants[] = {
    { CLBLAST_ROW, linear_product_can_run, linear_product_is_preferred, linear_product },
    { "cpu_taps", linear_taps_can_run, NULL, linear_taps },
    { "gpu_tile", linear_tile_can_run, linear_tile_is_preferred, linear_tile },
    { "generic", variant_always, NULL, linear_direct },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_linear = {
    .name = "linear",
    .shape = linear_shape,
    .need = linear_need,
    .layout = OUTPUT_ROW_MAJOR,
    .dense_outputs = true,
    .epilogue = EPILOGUE_OF_LAYER,
    .residual_input = 3,
    .variants = variants,
    .tile = linear_tile_name,
    .flops = linear_flops,
};
