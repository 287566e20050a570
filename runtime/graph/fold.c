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

enum { WEIGHT, BIAS, MEAN, VARIANCE, FACTOR, SHIFT, PARTS }; /* the layer's, then the norm's */

struct fold {
    float eps;
    int64_t channels;
};

/* In double: the folded weights are rounded once. */
static double scale_of(const float *const *parts, const struct constant *const *constants, const struct fold *fold, size_t c)
{
    double variance = element(parts[VARIANCE], constants[VARIANCE], c, 1.0);
    return element(parts[FACTOR], constants[FACTOR], c, 1.0) / sqrt(variance + fold->eps);
}

static void fold_weight(const float *const *parts, const struct constant *const *constants, const void *parameters, float *folded)
{
    const struct fold *fold = parameters;
    const size_t channels = (size_t)fold->channels;
    const size_t row = channels > 0 ? (size_t)plugcl_shape_elements(&constants[WEIGHT]->shape) / channels : 0;
    for (size_t c = 0; c < channels; c++) {
        double scale = scale_of(parts, constants, fold, c);
        for (size_t i = c * row; i < (c + 1) * row; i++)
            folded[i] = (float)(parts[WEIGHT][i] * scale);
    }
}

static void fold_bias(const float *const *parts, const struct constant *const *constants, const void *parameters, float *folded)
{
    const struct fold *fold = parameters;
    for (size_t c = 0; c < (size_t)fold->channels; c++) {
        double centred = (parts[BIAS] ? parts[BIAS][c] : 0.0) - element(parts[MEAN], constants[MEAN], c, 0.0);
        folded[c] = (float)(centred * scale_of(parts, constants, fold, c) + element(parts[SHIFT], constants[SHIFT], c, 0.0));
    }
}

plugcl_status fold_batch_norm(const struct batch_norm_constants *norm, struct constant *weight, struct constant *bias,
                              struct constant **folded_weight, struct constant **folded_bias)
{
    struct constant *parts[PARTS] = { weight, bias, norm->mean, norm->variance, norm->weight, norm->bias };
    const plugcl_shape channels = { 1, { weight->shape.rank > 0 ? weight->shape.dims[0] : 0 } };
    const struct fold fold = { .eps = norm->eps, .channels = channels.dims[0] };
    char name[2][64];
    plugcl_status status = check_sizes(norm, channels.dims[0]);
    if (status == PLUGCL_OK && bias != NULL && plugcl_shape_elements(&bias->shape) != channels.dims[0])
        status = fail(PLUGCL_INVALID, "a bias has %lld elements; its layer has %lld channels",
                      (long long)plugcl_shape_elements(&bias->shape), (long long)channels.dims[0]);
    snprintf(name[0], sizeof name[0], "batch norm weight %a %d", (double)norm->eps, norm->broadcast);
    snprintf(name[1], sizeof name[1], "batch norm bias %a %d", (double)norm->eps, norm->broadcast);
    if (status == PLUGCL_OK)
        status = constant_derive(&(struct recipe){ name[0], fold_weight, &fold, sizeof fold }, &weight->shape, parts, PARTS,
                                 folded_weight);
    parts[WEIGHT] = NULL; /* of which the bias needs nothing */
    if (status == PLUGCL_OK)
        status = constant_derive(&(struct recipe){ name[1], fold_bias, &fold, sizeof fold }, &channels, parts, PARTS, folded_bias);
    if (status != PLUGCL_OK) {
        constant_drop(folded_weight);
        constant_drop(folded_bias);
    }
    return status;
}
