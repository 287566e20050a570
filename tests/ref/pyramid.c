/* SPDX-License-Identifier: Apache-2.0 */
#include "ref/pyramid.h"

#include <stdlib.h>
#include <string.h>

#include "ref/conv2d.h"
#include "ref/elementwise.h"

struct map {
    plugcl_shape shape;
    double *values;
};

static struct map map_of(int64_t images, int64_t channels, int64_t height, int64_t width)
{
    struct map map = { { 4, { images, channels, height, width } }, NULL };
    map.values = calloc((size_t)plugcl_shape_elements(&map.shape) + 1, sizeof *map.values);
    if (map.values == NULL)
        abort();
    return map;
}

/* A convolution that keeps the picture's size. */
static struct map convolve(const double *x, const plugcl_shape *x_shape, const double *weight, const plugcl_shape *weight_shape,
                           const double *bias, uint32_t dilation)
{
    uint32_t pad = dilation * (uint32_t)(weight_shape->dims[2] / 2), groups = (uint32_t)(x_shape->dims[1] / weight_shape->dims[1]);
    const struct plugcl_conv2d_params params = { sizeof params, { 1, 1 }, { pad, pad, pad, pad }, { dilation, dilation }, groups };
    struct map y = map_of(x_shape->dims[0], weight_shape->dims[0], x_shape->dims[2], x_shape->dims[3]);
    ref_conv2d(x, x_shape, weight, weight_shape, bias, &params, &y.shape, y.values);
    return y;
}

static void activate(const struct pyramid_params *params, struct map *map)
{
    for (int64_t i = 0; i < plugcl_shape_elements(&map->shape); i++)
        map->values[i] = ref_activation(params->act, map->values[i], params->act_alpha, 0);
}

/* Puts a part beside those before it; a part of one pixel is repeated. Frees it. */
static void place(struct map *all, int64_t *channel, struct map *part)
{
    int64_t pixels = all->shape.dims[2] * all->shape.dims[3], own = part->shape.dims[2] * part->shape.dims[3];
    for (int64_t n = 0; n < part->shape.dims[0]; n++)
        for (int64_t c = 0; c < part->shape.dims[1]; c++)
            for (int64_t p = 0; p < pixels; p++)
                all->values[(n * all->shape.dims[1] + *channel + c) * pixels + p] =
                    part->values[(n * part->shape.dims[1] + c) * own + (own == 1 ? 0 : p)];
    *channel += part->shape.dims[1];
    free(part->values);
}

static void place_pool(const struct pyramid_params *params, const double *const *inputs, const plugcl_shape *shapes,
                       struct map *all, int64_t *channel)
{
    int64_t planes = shapes[0].dims[0] * shapes[0].dims[1], pixels = shapes[0].dims[2] * shapes[0].dims[3];
    struct map means = map_of(shapes[0].dims[0], shapes[0].dims[1], 1, 1);
    for (int64_t i = 0; i < planes * pixels; i++)
        means.values[i / pixels] += inputs[0][i] / (double)pixels;
    struct map part = convolve(means.values, &means.shape, inputs[1], &shapes[1], inputs[2], 1);
    activate(params, &part);
    place(all, channel, &part);
    free(means.values);
}

void ref_pyramid(const struct pyramid_params *params, const double *const *inputs, const plugcl_shape *shapes, double *y)
{
    const plugcl_shape *x = &shapes[0];
    struct map all = map_of(x->dims[0], shapes[3].dims[1], x->dims[2], x->dims[3]);
    int64_t channel = 0;
    if (inputs[1] != NULL && params->pool_first)
        place_pool(params, inputs, shapes, &all, &channel);
    for (uint32_t i = 0; i < params->branches; i++) {
        const double *const *own = inputs + 5 + 3 * i;
        const plugcl_shape *sizes = shapes + 5 + 3 * i;
        struct map split = { .values = NULL };
        if (own[0] != NULL)
            split = convolve(inputs[0], x, own[0], &sizes[0], NULL, params->dilation[i]);
        struct map part = convolve(split.values ? split.values : inputs[0], x, own[1], &sizes[1], own[2], params->dilation[i]);
        activate(params, &part);
        place(&all, &channel, &part);
        free(split.values);
    }
    if (inputs[1] != NULL && !params->pool_first)
        place_pool(params, inputs, shapes, &all, &channel);
    struct map result = convolve(all.values, &all.shape, inputs[3], &shapes[3], inputs[4], 1);
    activate(params, &result);
    memcpy(y, result.values, (size_t)plugcl_shape_elements(&result.shape) * sizeof *y);
    free(result.values);
    free(all.values);
}
