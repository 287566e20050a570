/* SPDX-License-Identifier: Apache-2.0 */
/* rearrange.c: slice, squeeze, unsqueeze and pixel_shuffle: shape rules; the planner makes views or copies of them. */
#include "ops/operator.h"

static int64_t clamped(int64_t place, int64_t size, int64_t least, int64_t most)
{
    place += place < 0 ? size : 0;
    return place < least ? least : place > most ? most : place;
}

int64_t slice_elements(const struct slice_params *params, uint32_t axis, int64_t size, int64_t *first, int64_t *step)
{
    *first = 0;
    *step = 1;
    if (params->step[axis] == 0)
        return size;
    /* A step beyond the axis takes one element, whatever its length. */
    *step = params->step[axis] > size + 1 ? size + 1 : params->step[axis] < -size - 1 ? -size - 1 : params->step[axis];
    bool forwards = *step > 0;
    int64_t least = forwards ? 0 : -1, most = forwards ? size : size - 1;
    *first = clamped(params->start[axis], size, least, most);
    int64_t end = clamped(params->end[axis], size, least, most);
    int64_t length = forwards ? end - *first : *first - end, each = forwards ? *step : -*step;
    return length > 0 ? (length + each - 1) / each : 0;
}

static plugcl_status slice_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const struct slice_params *slice = params;
    int64_t first, step;
    (void)present;
    outputs[0] = inputs[0];
    for (uint32_t i = 0; i < inputs[0].rank; i++) {
        if (slice->whole[i] != 0 && slice->whole[i] != inputs[0].dims[i])
            return fail(PLUGCL_INVALID, "split's sizes add up to %lld; axis %u has %lld elements", (long long)slice->whole[i], i,
                        (long long)inputs[0].dims[i]);
        outputs[0].dims[i] = slice_elements(slice, i, inputs[0].dims[i], &first, &step);
    }
    return PLUGCL_OK;
}

static plugcl_status squeeze_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const struct squeeze_params *squeeze = params;
    (void)present;
    outputs[0] = (plugcl_shape){ .rank = 0 };
    for (uint32_t i = 0; i < inputs[0].rank; i++) {
        if (!squeeze->axes[i])
            outputs[0].dims[outputs[0].rank++] = inputs[0].dims[i];
        else if (inputs[0].dims[i] != 1)
            return fail(PLUGCL_INVALID, "squeeze of axis %u, which has %lld elements; it must have 1", i,
                        (long long)inputs[0].dims[i]);
    }
    return PLUGCL_OK;
}

static plugcl_status unsqueeze_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const struct squeeze_params *unsqueeze = params;
    uint32_t from = 0;
    (void)present;
    outputs[0] = (plugcl_shape){ .rank = 0 };
    for (uint32_t i = 0; i < PLUGCL_MAX_RANK && (unsqueeze->axes[i] || from < inputs[0].rank); i++) {
        outputs[0].dims[i] = unsqueeze->axes[i] ? 1 : inputs[0].dims[from++];
        outputs[0].rank = i + 1;
    }
    return PLUGCL_OK;
}

static plugcl_status pixel_shuffle_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const struct pixel_shuffle_params *shuffle = params;
    const char *name = shuffle->inverse ? "pixel_unshuffle" : "pixel_shuffle";
    int64_t f = shuffle->factor;
    uint32_t rank = inputs[0].rank;
    (void)present;
    if (rank < 3 || rank > PLUGCL_MAX_RANK - 2)
        return fail(PLUGCL_INVALID, "%s of a tensor of rank %u; it must be [..., C, H, W] of rank 3 to %d", name, rank,
                    PLUGCL_MAX_RANK - 2);
    if (f < 1 || f > 32768)
        return fail(PLUGCL_INVALID, "%s by a factor of %lld; it must be 1 to 32768", name, (long long)f);
    outputs[0] = inputs[0];
    int64_t *channels = &outputs[0].dims[rank - 3], *height = &outputs[0].dims[rank - 2], *width = &outputs[0].dims[rank - 1];
    if (shuffle->inverse ? *height % f != 0 || *width % f != 0 : *channels % (f * f) != 0)
        return fail(PLUGCL_INVALID, "%s by %lld of %lld x %lld x %lld (C x H x W); %s must be a multiple of %lld", name,
                    (long long)f, (long long)*channels, (long long)*height, (long long)*width,
                    shuffle->inverse ? "height and width" : "the channels", (long long)(shuffle->inverse ? f : f * f));
    *channels = shuffle->inverse ? *channels * f * f : *channels / (f * f);
    *height = shuffle->inverse ? *height / f : *height * f;
    *width = shuffle->inverse ? *width / f : *width * f;
    return PLUGCL_OK;
}

static const struct variant no_variants[] = { { NULL, NULL, NULL, NULL } };

const struct operator_info operator_slice = {
    .name = "slice",
    .params_size = sizeof(struct slice_params),
    .shape = slice_shape,
    .dtype = dtype_of_first,
    .variants = no_variants,
};
const struct operator_info operator_squeeze = {
    .name = "squeeze",
    .params_size = sizeof(struct squeeze_params),
    .shape = squeeze_shape,
    .dtype = dtype_of_first,
    .variants = no_variants,
};
const struct operator_info operator_unsqueeze = {
    .name = "unsqueeze",
    .params_size = sizeof(struct squeeze_params),
    .shape = unsqueeze_shape,
    .dtype = dtype_of_first,
    .variants = no_variants,
};
const struct operator_info operator_pixel_shuffle = {
    .name = "pixel_shuffle",
    .params_size = sizeof(struct pixel_shuffle_params),
    .shape = pixel_shuffle_shape,
    .dtype = dtype_of_first,
    .variants = no_variants,
};
