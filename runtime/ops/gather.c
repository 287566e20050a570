/* SPDX-License-Identifier: Apache-2.0 */
/* gather.c: rows of x by a list of their numbers. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ops/strided.h"

static plugcl_status gather_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    uint32_t axis = ((const struct axis_params *)params)->axis;
    const plugcl_shape *x = &inputs[0], *indices = &inputs[1];
    (void)present;
    if (axis >= x->rank)
        return fail(PLUGCL_INVALID, "gather along axis %u; x has rank %u", axis, x->rank);
    if (x->rank - 1 + indices->rank > PLUGCL_MAX_RANK)
        return fail(PLUGCL_INVALID, "gather from rank %u by indices of rank %u has rank %u; at most %d is supported", x->rank,
                    indices->rank, x->rank - 1 + indices->rank, PLUGCL_MAX_RANK);
    outputs[0] = (plugcl_shape){ .rank = x->rank - 1 + indices->rank };
    for (uint32_t i = 0; i < outputs[0].rank; i++)
        outputs[0].dims[i] = i < axis                   ? x->dims[i]
                             : i < axis + indices->rank ? indices->dims[i - axis]
                                                        : x->dims[i - indices->rank + 1];
    return PLUGCL_OK;
}

static plugcl_status gather_dtype(const void *params, const plugcl_dtype *inputs, const bool *present, plugcl_dtype *outputs)
{
    (void)params;
    (void)present;
    if (inputs[1] != PLUGCL_I32 && inputs[1] != PLUGCL_I64)
        return fail(PLUGCL_INVALID, "gather's indices are %s; they must be i32 or i64", plugcl_dtype_name(inputs[1]));
    outputs[0] = inputs[0];
    return PLUGCL_OK;
}

/* Constant indices can be told before any run. */
static plugcl_status check_indices(const struct constant *constant, int64_t size)
{
    size_t count = (size_t)plugcl_shape_elements(&constant->shape), element = plugcl_dtype_size(constant->dtype);
    for (size_t i = 0; i < count; i++) {
        int64_t index;
        int32_t narrow;
        memcpy(element == sizeof index ? (void *)&index : (void *)&narrow, (const uint8_t *)constant->data + i * element, element);
        index = element == sizeof index ? index : narrow;
        if (index < -size || index >= size)
            return fail(PLUGCL_INVALID, "gather: index %zu is %lld; the axis has %lld elements, %lld to %lld", i, (long long)index,
                        (long long)size, (long long)-size, (long long)size - 1);
    }
    return PLUGCL_OK;
}

/* What a place has whose index is none: NaN, or 0. */
static int32_t missing_bits(plugcl_dtype dtype)
{
    const float value = NAN;
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return dtype == PLUGCL_F32 ? bits : 0;
}

static plugcl_status plan_gather(struct schedule *schedule, const struct operator_call *call)
{
    const struct device_caps *caps = schedule_caps(schedule);
    const struct operand *x = &call->inputs[0], *indices = &call->inputs[1], *y = &call->outputs[0];
    uint32_t axis = ((const struct axis_params *)call->params)->axis;
    int64_t x_strides[PLUGCL_MAX_RANK] = { 0 }, index_strides[PLUGCL_MAX_RANK] = { 0 }, size = x->shape.dims[axis];
    struct strided space;
    char options[32];
    plugcl_status status = indices->constant != NULL ? check_indices(indices->constant, size) : PLUGCL_OK;
    if (status != PLUGCL_OK || operand_elements(y) == 0)
        return status != PLUGCL_OK ? status : schedule_status(schedule);
    for (uint32_t i = 0; i < y->shape.rank; i++) {
        if (i >= axis && i < axis + indices->shape.rank)
            index_strides[i] = indices->strides[i - axis];
        else
            x_strides[i] = x->strides[i < axis ? i : i - indices->shape.rank + 1];
    }
    strided_begin(&space, &y->shape);
    strided_add(&space, x_strides);
    strided_add(&space, index_strides);
    strided_add(&space, y->strides);
    strided_fold(&space);
    snprintf(options, sizeof options, "-DVECTOR=%d", caps_vector(caps));
    struct launch *launch = schedule_launch(schedule, "common/gather.cl", options, "gather");
    launch_strided(launch, x);
    launch_strided(launch, indices);
    launch_strided(launch, y);
    launch_rows(launch, &space, caps);
    launch_int(launch, size);
    launch_int(launch, x->strides[axis]);
    launch_int(launch, missing_bits(x->dtype));
    return schedule_status(schedule);
}

static const struct variant gather_variants[] = {
    { "strided", variant_always, NULL, plan_gather },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_gather = {
    .name = "gather",
    .params_size = sizeof(struct axis_params),
    .shape = gather_shape,
    .dtype = gather_dtype,
    .variants = gather_variants,
};
