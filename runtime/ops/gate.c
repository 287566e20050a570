/* SPDX-License-Identifier: Apache-2.0 */
/* gate.c: the layouts and the last step of channel_gate and spatial_gate. */
#include "ops/gate.h"

#include <math.h>

#include "ops/strided.h"

static bool is_planes(const struct operand *operand)
{
    const int64_t *dims = operand->shape.dims, *strides = operand->strides;
    return !operand->present || ((dims[3] == 1 || strides[3] == 1) && (dims[2] == 1 || strides[2] == dims[3]));
}

static bool is_channels_last(const struct operand *operand)
{
    return !operand->present || operand_is_channels_last(operand);
}

bool gate_has_planes(const struct operator_call *call)
{
    return is_planes(&call->inputs[0]) && is_planes(gate_residual(call)) && is_planes(&call->outputs[0]);
}

bool gate_has_channels_last(const struct operator_call *call)
{
    return is_channels_last(&call->inputs[0]) && is_channels_last(gate_residual(call)) && is_channels_last(&call->outputs[0]);
}

bool gate_prefers_images(const struct device_caps *caps, const struct operator_call *call, int64_t image_bytes)
{
    return caps->cpu_family &&
           (call->inputs[0].shape.dims[0] >= (int64_t)caps->compute_units || image_bytes <= GATE_IMAGE_BYTES);
}

enum operand_need gate_residual_need(const struct operator_call *call)
{
    const struct operand *x = &call->inputs[0];
    return operand_is_channels_last(x) && !operand_is_row_major(x) ? NEED_CHANNELS_LAST : NEED_ROW_MAJOR;
}

const struct operand *gate_residual(const struct operator_call *call)
{
    return &call->inputs[call->info->residual_input];
}

int64_t gate_stride(const struct operand *operand, int axis)
{
    return operand->present ? operand->strides[axis] : 0;
}

int64_t gate_step(const struct operand *operand, bool channels_last)
{
    return gate_stride(operand, !channels_last ? 1 : operand->present && operand->shape.dims[3] != 1 ? 3 : 2);
}

bool gate_clips(const struct operator_call *call)
{
    return call->epilogue.act != PLUGCL_IDENTITY;
}

void launch_gate_bounds(struct launch *launch, const struct operator_call *call)
{
    const struct epilogue *epilogue = &call->epilogue;
    float low = 0.0f, high = INFINITY;
    if (epilogue->act == PLUGCL_IDENTITY)
        low = -INFINITY;
    else if (epilogue->act == PLUGCL_RELU6)
        high = 6.0f;
    else if (epilogue->act == PLUGCL_CLIP) {
        low = epilogue->alpha;
        high = epilogue->beta;
    }
    launch_float(launch, low);
    launch_float(launch, high);
}

void launch_gate_scale(struct schedule *schedule, const struct operator_call *call, const struct operand *channel,
                       uint32_t spatial)
{
    const struct operand *x = &call->inputs[0], *residual = gate_residual(call), *y = &call->outputs[0];
    const struct operand absent = { .present = false };
    if (!y->present)
        return;
    struct launch *launch = schedule_launch(schedule, "common/gate.cl", NULL, "scale");
    bool channels_inner = x->strides[1] == 1 && x->shape.dims[1] > 1;
    launch_operand(launch, x);
    launch_operand(launch, residual);
    launch_operand(launch, y);
    launch_operand(launch, channel);
    if (spatial != REGION_NONE)
        launch_region(launch, spatial, 0);
    else
        launch_operand(launch, &absent);
    launch_ints(launch, x->shape.dims, 4);
    launch_ints(launch, x->strides, 4);
    launch_ints(launch, residual->strides, 4);
    launch_ints(launch, y->strides, 4);
    launch_ints(launch, (const int64_t[]){ gate_stride(channel, 0), gate_stride(channel, 1), channel->present,
                                           spatial != REGION_NONE, residual->present, channels_inner }, 6);
    launch_gate_bounds(launch, call);
    size_t inner = (size_t)x->shape.dims[channels_inner ? 1 : 3], outer = (size_t)x->shape.dims[channels_inner ? 3 : 1];
    size_t group = launch_power_of_two(launch, 64), local = 1;
    while (local < inner && local < group)
        local *= 2;
    launch_range(launch, inner, outer, (size_t)(x->shape.dims[0] * x->shape.dims[2]), local, group / local, 1);
}
