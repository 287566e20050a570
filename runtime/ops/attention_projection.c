/* SPDX-License-Identifier: Apache-2.0 */
/* attention_projection.c: the projection behind an attention as a convolution of its own, where no kernel does both. */
#include "ops/attention.h"

static size_t bytes_of(const plugcl_shape *shape)
{
    return (size_t)plugcl_shape_elements(shape) * sizeof(float);
}

/* Memory for an operand in the layout that convolutions take. */
static struct operand channels_last(struct schedule *schedule, const struct operand *operand)
{
    return operand_dense(PLUGCL_F32, &operand->shape, true, schedule_scratch(schedule, bytes_of(&operand->shape)));
}

static plugcl_status plan_convolution(struct schedule *schedule, const struct attention *attention, uint32_t region)
{
    const struct plugcl_conv2d_params params = { .struct_size = sizeof params, .stride = { 1, 1 }, .dilation = { 1, 1 },
                                                 .groups = 1 };
    const int64_t *dims = attention->y.shape.dims;
    struct operator_call call = { .info = &operator_conv2d, .params = &params, .outputs = { attention->y } };
    call.inputs[0] = operand_dense(PLUGCL_F32, PLUGCL_SHAPE(dims[0], attention->columns, dims[2], dims[3]), true, region);
    call.inputs[1] = attention->weight;
    call.inputs[2] = attention->bias;
    call.inputs[3] = attention->residual;
    call.epilogue.has_residual = true;
    if (!operand_is_channels_last(&attention->residual)) {
        call.inputs[3] = channels_last(schedule, &attention->residual);
        schedule_fail(schedule, variant_plan_copy(schedule, &attention->residual, &call.inputs[3]));
    }
    if (!operand_is_channels_last(&attention->y))
        call.outputs[0] = channels_last(schedule, &attention->y);
    schedule_fail(schedule, variant_plan(schedule, &call));
    if (!operand_is_channels_last(&attention->y))
        schedule_fail(schedule, variant_plan_copy(schedule, &call.outputs[0], &attention->y));
    return schedule_status(schedule);
}

plugcl_status attention_plan_projection(struct schedule *schedule, const struct attention *attention,
                                        plugcl_status (*plan)(struct schedule *schedule, const struct attention *attention))
{
    if (!attention->weight.present)
        return plan(schedule, attention);
    if (operand_elements(&attention->y) == 0)
        return schedule_status(schedule);
    const plugcl_shape *shape = PLUGCL_SHAPE(attention->images, attention->queries, attention->columns);
    const uint32_t region = schedule_scratch(schedule, bytes_of(shape));
    struct attention alone = *attention;
    alone.weight.present = false;
    alone.y = operand_dense(PLUGCL_F32, shape, false, region);
    plugcl_status status = plan(schedule, &alone);
    return status == PLUGCL_OK ? plan_convolution(schedule, attention, region) : status;
}
