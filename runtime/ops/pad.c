/* SPDX-License-Identifier: Apache-2.0 */
/* pad.c: borders of a constant, of the mirrored picture or of its edge, on any axis; negative ones cut off. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ops/strided.h"

static plugcl_status pad_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const struct plugcl_pad_params *pad = params;
    (void)present;
    if ((int)pad->mode < PLUGCL_PAD_CONSTANT || pad->mode > PLUGCL_PAD_EDGE)
        return fail(PLUGCL_INVALID, "pad's mode is %d; modes go from 0 to %d", (int)pad->mode, PLUGCL_PAD_EDGE);
    outputs[0] = inputs[0];
    for (uint32_t i = 0; i < PLUGCL_MAX_RANK; i++) {
        int64_t before = pad->before[i], after = pad->after[i], size = i < inputs[0].rank ? inputs[0].dims[i] : 0;
        if (before == 0 && after == 0)
            continue;
        if (i >= inputs[0].rank)
            return fail(PLUGCL_INVALID, "pad of axis %u; x has rank %u", i, inputs[0].rank);
        if (before > INT32_MAX || before < -INT32_MAX || after > INT32_MAX || after < -INT32_MAX || size + before + after < 0)
            return fail(PLUGCL_INVALID, "pad of axis %u of %lld elements by %lld before and %lld after; at least 0 must be left", i,
                        (long long)size, (long long)before, (long long)after);
        if (pad->mode == PLUGCL_PAD_REFLECT && ((before > 0 && before >= size) || (after > 0 && after >= size)))
            return fail(PLUGCL_INVALID, "pad reflects axis %u of %lld elements by %lld before and %lld after; each must be less "
                        "than the axis", i, (long long)size, (long long)before, (long long)after);
        if (pad->mode == PLUGCL_PAD_EDGE && size == 0 && before + after > 0)
            return fail(PLUGCL_INVALID, "pad repeats the edge of axis %u, which has no elements", i);
        outputs[0].dims[i] = size + before + after;
    }
    return PLUGCL_OK;
}

static plugcl_status pad_dtype(const void *params, const plugcl_dtype *inputs, const bool *present, plugcl_dtype *outputs)
{
    const struct plugcl_pad_params *pad = params;
    float value = pad->mode == PLUGCL_PAD_CONSTANT ? pad->value : 0.0f, most = inputs[0] == PLUGCL_BOOL ? 1.0f : 2147483520.0f;
    (void)present;
    float least = inputs[0] == PLUGCL_BOOL ? 0.0f : -most;
    if (inputs[0] != PLUGCL_F32 && !(value == truncf(value) && value <= most && value >= least))
        return fail(PLUGCL_INVALID, "pad with %g of %s; the value must be %s", (double)value, plugcl_dtype_name(inputs[0]),
                    inputs[0] == PLUGCL_BOOL ? "0 or 1" : "a 32-bit integer");
    outputs[0] = inputs[0];
    return PLUGCL_OK;
}

/* One axis of the output: element i is element i − before of x, where that is 0 … x_size−1. */
struct padded_axis {
    int64_t size, x_size, before, x_stride, y_stride;
};

static bool is_padded(const struct padded_axis *axis)
{
    return axis->before != 0 || axis->x_size != axis->size;
}

/* The axes, outermost first in y, with neighbours that are not padded merged; at least one. */
static uint32_t axes_of(const struct operator_call *call, struct padded_axis axes[PLUGCL_MAX_RANK])
{
    const struct plugcl_pad_params *pad = call->params;
    const struct operand *x = &call->inputs[0], *y = &call->outputs[0];
    struct padded_axis sorted[PLUGCL_MAX_RANK] = { { 1, 1, 0, 1, 1 } };
    uint32_t count = 0, kept = 0;
    for (uint32_t i = 0; i < y->shape.rank; i++) {
        struct padded_axis axis = { y->shape.dims[i], x->shape.dims[i], pad->before[i], x->strides[i], y->strides[i] };
        if (axis.size == 1 && !is_padded(&axis))
            continue;
        uint32_t place = count++;
        for (; place > 0 && sorted[place - 1].y_stride < axis.y_stride; place--)
            sorted[place] = sorted[place - 1];
        sorted[place] = axis;
    }
    axes[0] = sorted[0];
    for (uint32_t i = 1; i < count; i++) {
        struct padded_axis *outer = &axes[kept];
        if (!is_padded(outer) && !is_padded(&sorted[i]) && outer->x_stride == sorted[i].x_stride * sorted[i].size &&
            outer->y_stride == sorted[i].y_stride * sorted[i].size)
            *outer = (struct padded_axis){ outer->size * sorted[i].size, outer->size * sorted[i].size, 0, sorted[i].x_stride,
                                           sorted[i].y_stride };
        else
            axes[++kept] = sorted[i];
    }
    return kept + 1;
}

static void launch_axes(struct launch *launch, const struct padded_axis *axes, uint32_t count)
{
    int32_t table[5 * PLUGCL_MAX_RANK] = { 0 };
    size_t used = 0;
    for (uint32_t i = 0; i + 1 < count; i++) {
        const int64_t values[5] = { axes[i].size, axes[i].x_size, axes[i].before, axes[i].x_stride, axes[i].y_stride };
        for (int k = 0; k < 5; k++) {
            if (values[k] < INT32_MIN || values[k] > INT32_MAX)
                launch_int(launch, values[k]); /* tells the failure */
            table[used++] = (int32_t)values[k];
        }
    }
    launch_table(launch, table, used ? used : 1);
    launch_int(launch, count - 1);
    const struct padded_axis *inner = &axes[count - 1];
    launch_int(launch, inner->size);
    launch_int(launch, inner->x_size);
    launch_int(launch, inner->before);
    launch_int(launch, inner->x_stride);
    launch_int(launch, inner->y_stride);
}

static int32_t bits_of(float value, plugcl_dtype dtype)
{
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return dtype == PLUGCL_F32 ? bits : (int32_t)value;
}

static plugcl_status plan_pad(struct schedule *schedule, const struct operator_call *call)
{
    const struct plugcl_pad_params *pad = call->params;
    const struct device_caps *caps = schedule_caps(schedule);
    struct padded_axis axes[PLUGCL_MAX_RANK];
    int64_t elements = operand_elements(&call->outputs[0]);
    char options[48];
    if (elements == 0)
        return schedule_status(schedule);
    uint32_t count = axes_of(call, axes);
    snprintf(options, sizeof options, "-DMODE=%d -DVECTOR=%d", (int)pad->mode, caps_vector(caps));
    struct launch *launch = schedule_launch(schedule, "common/pad.cl", options, "pad");
    launch_strided(launch, &call->inputs[0]);
    launch_strided(launch, &call->outputs[0]);
    launch_axes(launch, axes, count);
    launch_int(launch, bits_of(pad->mode == PLUGCL_PAD_CONSTANT ? pad->value : 0.0f, call->inputs[0].dtype));
    launch_row_range(launch, axes[count - 1].size, elements / axes[count - 1].size, caps);
    return schedule_status(schedule);
}

static const struct variant pad_variants[] = {
    { "strided", variant_always, NULL, plan_pad },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_pad = {
    .name = "pad",
    .params_size = sizeof(struct plugcl_pad_params),
    .shape = pad_shape,
    .dtype = pad_dtype,
    .variants = pad_variants,
};
