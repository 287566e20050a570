/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>

#include "graph/graph.h"

static bool is_one(const struct constant *constant)
{
    return plugcl_shape_elements(&constant->shape) == 1;
}

/* Element c of a part of one element for each channel, or of one for all; `otherwise` for an absent part. */
static double element(const float *part, const struct constant *constant, size_t c, double otherwise)
{
    return part == NULL ? otherwise : part[is_one(constant) ? 0 : c];
}

static plugcl_status check_sizes(const struct batch_norm_constants *norm, int64_t channels)
{
    const struct constant *parts[4] = { norm->mean, norm->variance, norm->weight, norm->bias };
    static const char *const names[4] = { "mean", "variance", "weight", "bias" };
    for (int i = 0; i < 4; i++)
        if (parts[i] != NULL && plugcl_shape_elements(&parts[i]->shape) != channels && !(norm->broadcast && is_one(parts[i])))
            return fail(PLUGCL_INVALID, "batch norm's %s has %lld elements; the layer before it has %lld channels", names[i],
                        (long long)plugcl_shape_elements(&parts[i]->shape), (long long)channels);
    return PLUGCL_OK;
}

static void scale_rows(const struct batch_norm_constants *norm, float *const *floats, size_t channels, size_t row,
                       float *new_weight, float *new_bias)
{
    const float *weight = floats[0], *bias = floats[1];
    for (size_t c = 0; c < channels; c++) {
        /* In double: the folded weights are rounded once. */
        double variance = element(floats[3], norm->variance, c, 1.0);
        double scale = element(floats[4], norm->weight, c, 1.0) / sqrt(variance + norm->eps);
        double shift = element(floats[5], norm->bias, c, 0.0);
        for (size_t i = 0; i < row; i++)
            new_weight[c * row + i] = (float)(weight[c * row + i] * scale);
        new_bias[c] = (float)(((bias ? bias[c] : 0.0) - element(floats[2], norm->mean, c, 0.0)) * scale + shift);
    }
}

plugcl_status fold_batch_norm(const struct batch_norm_constants *norm, struct constant *weight, struct constant *bias,
                              struct constant **folded_weight, struct constant **folded_bias)
{
    struct constant *const sources[6] = { weight, bias, norm->mean, norm->variance, norm->weight, norm->bias };
    float *floats[6] = { NULL };
    char recipe[2][64];
    plugcl_shape channels = { 1, { weight->shape.rank > 0 ? weight->shape.dims[0] : 0 } };
    plugcl_status status = check_sizes(norm, channels.dims[0]);
    if (status == PLUGCL_OK && bias != NULL && plugcl_shape_elements(&bias->shape) != channels.dims[0])
        status = fail(PLUGCL_INVALID, "a bias has %lld elements; its layer has %lld channels",
                      (long long)plugcl_shape_elements(&bias->shape), (long long)channels.dims[0]);
    for (int i = 0; status == PLUGCL_OK && i < 6; i++)
        if (sources[i] != NULL && (floats[i] = constant_floats(sources[i])) == NULL)
            status = fail_no_memory((size_t)plugcl_shape_elements(&sources[i]->shape) * sizeof(float));
    snprintf(recipe[0], sizeof recipe[0], "batch norm weight %a %d", (double)norm->eps, norm->broadcast);
    snprintf(recipe[1], sizeof recipe[1], "batch norm bias %a %d", (double)norm->eps, norm->broadcast);
    if (status == PLUGCL_OK)
        status = constant_derive(recipe[0], &weight->shape, sources, 6, folded_weight);
    if (status == PLUGCL_OK)
        status = constant_derive(recipe[1], &channels, sources, 6, folded_bias);
    if (status == PLUGCL_OK && channels.dims[0] > 0)
        scale_rows(norm, floats, (size_t)channels.dims[0], (size_t)(plugcl_shape_elements(&weight->shape) / channels.dims[0]),
                   (*folded_weight)->owned, (*folded_bias)->owned);
    if (status != PLUGCL_OK) {
        constant_drop(folded_weight);
        constant_drop(folded_bias);
    }
    for (int i = 0; i < 6; i++)
        memory_free(floats[i]);
    return status;
}
