/* SPDX-License-Identifier: Apache-2.0 */
/* batch_norm.c: batch normalisation with known statistics, over axis 1. */
#include <math.h>
#include <stdio.h>

#include "ops/strided.h"

enum { INPUT_X, INPUT_MEAN, INPUT_VARIANCE, INPUT_WEIGHT, INPUT_BIAS, N_INPUTS };

static const char *const input_names[N_INPUTS] = { "x", "mean", "variance", "weight", "bias" };

static plugcl_status batch_norm_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const struct batch_norm_params *norm = params;
    if (inputs[INPUT_X].rank < 2)
        return fail(PLUGCL_INVALID, "batch_norm's x has rank %u; it must be at least 2, with the channels on axis 1",
                    inputs[INPUT_X].rank);
    if (!(norm->eps >= 0.0f))
        return fail(PLUGCL_INVALID, "batch_norm's eps is %g; it must not be negative", (double)norm->eps);
    int64_t channels = inputs[INPUT_X].dims[1];
    for (int i = INPUT_MEAN; i < N_INPUTS; i++) {
        if (!present[i] && i >= INPUT_WEIGHT)
            continue;
        if (!present[i])
            return fail(PLUGCL_INVALID, "batch_norm's %s is missing", input_names[i]);
        if (plugcl_shape_elements(&inputs[i]) != channels)
            return fail(PLUGCL_INVALID, "batch_norm's %s has %lld elements; x has %lld channels", input_names[i],
                        (long long)plugcl_shape_elements(&inputs[i]), (long long)channels);
    }
    outputs[0] = inputs[INPUT_X];
    return PLUGCL_OK;
}

static enum operand_need batch_norm_need(const struct operator_call *call, size_t input)
{
    (void)call;
    return input == INPUT_X ? NEED_NOTHING : NEED_HOST;
}

/* All scales, then all shifts; in double, since the mean may be large against the deviation. */
static void pack_scale_and_shift(const float *const *sources, const struct constant *const *constants, const void *parameters,
                                 float *packed)
{
    float eps = *(const float *)parameters;
    size_t channels = (size_t)plugcl_shape_elements(&constants[0]->shape);
    for (size_t c = 0; c < channels; c++) {
        double scale = (sources[2] ? (double)sources[2][c] : 1.0) / sqrt((double)sources[1][c] + (double)eps);
        packed[c] = (float)scale;
        packed[channels + c] = (float)((sources[3] ? (double)sources[3][c] : 0.0) - (double)sources[0][c] * scale);
    }
}

static plugcl_status plan_batch_norm(struct schedule *schedule, const struct operator_call *call)
{
    const struct batch_norm_params *norm = call->params;
    const struct operand *x = &call->inputs[INPUT_X], *y = &call->outputs[0];
    const struct device_caps *caps = schedule_caps(schedule);
    struct constant *constants[N_INPUTS - 1];
    for (int i = INPUT_MEAN; i < N_INPUTS; i++) {
        constants[i - 1] = call->inputs[i].present ? call->inputs[i].constant : NULL;
        if (call->inputs[i].present && constants[i - 1] == NULL)
            return schedule_fail(schedule, fail(PLUGCL_UNSUPPORTED,
                                                "batch_norm's %s is computed; it must be a constant or a weight", input_names[i]));
    }
    if (operand_elements(y) == 0)
        return schedule_status(schedule);
    static const int64_t channel_strides[PLUGCL_MAX_RANK] = { 0, 1 };
    struct strided space;
    strided_begin(&space, &y->shape);
    strided_add(&space, x->strides);
    strided_add(&space, channel_strides);
    strided_add(&space, y->strides);
    strided_fold(&space);
    char options[32], packing[48];
    snprintf(options, sizeof options, "-DVECTOR=%d", caps_vector(caps));
    snprintf(packing, sizeof packing, "batch_norm %.9g", (double)norm->eps);
    int64_t channels = x->shape.dims[1];
    struct launch *launch = schedule_launch(schedule, "common/batch_norm.cl", options, "batch_norm");
    launch_strided(launch, x);
    launch_packed(launch, constants, N_INPUTS - 1, packing, (size_t)(2 * channels), pack_scale_and_shift, &norm->eps);
    launch_strided(launch, y);
    launch_int(launch, channels);
    launch_rows(launch, &space, caps);
    return schedule_status(schedule);
}

static uint64_t batch_norm_flops(const struct operator_call *call)
{
    return 2 * (uint64_t)operand_elements(&call->outputs[0]);
}

static const struct variant batch_norm_variants[] = {
    { "strided", variant_always, NULL, plan_batch_norm },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_batch_norm = {
    .name = "batch_norm",
    .params_size = sizeof(struct batch_norm_params),
    .shape = batch_norm_shape,
    .need = batch_norm_need,
    .variants = batch_norm_variants,
    .flops = batch_norm_flops,
};
