/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nonlocal_graph.c: a Non-local block in operators: 1x1 convolutions, attention over the pixels, and a 1x1 convolution with x as
 * its residual. Sequences are [N, pixels, channels].
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugins/nonlocal.h"

#define NORM_EPS 1e-5f
#define MAX_QUERIES 256 /* of the option */
#define MAX_PARTS 32    /* of plugcl_graph_concat */

/* A layer's value; a 1x1x1 convolution and a linear layer become a 1x1 convolution. Sizes of −1 may be any. */
static bool take_layer(struct nonlocal *self, const char *name, int64_t rows, int64_t columns, plugcl_value *weight,
                       plugcl_value *bias)
{
    char found[128], wanted[2][24];
    if (!layers_take(self->graph, self->call, name, false, weight, bias))
        return false;
    const struct plugcl_weights_entry *entry = layers_find(self->call, name, "weight");
    const int64_t *dims = entry->shape.dims;
    bool fits = entry->shape.rank >= 2 && dims[0] > 0 && dims[1] > 0 && (rows < 0 || dims[0] == rows) &&
                (columns < 0 || dims[1] == columns) && plugcl_shape_elements(&entry->shape) == dims[0] * dims[1];
    if (!layers_check_type(self->graph, entry))
        return false;
    if (!fits) {
        snprintf(wanted[0], sizeof wanted[0], rows < 0 ? "inner" : "%lld", (long long)rows);
        snprintf(wanted[1], sizeof wanted[1], columns < 0 ? "C" : "%lld", (long long)columns);
        layers_fail(self->graph, PLUGCL_INVALID, "%s is %s; it must be [%s, %s, 1, 1]", entry->name,
                    layers_write_shape(found, &entry->shape), wanted[0], wanted[1]);
        return false;
    }
    if (entry->shape.rank != 4)
        *weight = plugcl_graph_constant(self->graph, entry->dtype, PLUGCL_SHAPE(dims[0], dims[1], 1, 1), entry->data);
    return layers_check_vector(self->graph, layers_find(self->call, name, "bias"), dims[0]);
}

/* x through a layer [inter, channels]; the first one tells sizes that are not known yet. */
static plugcl_value embed(struct nonlocal *self, const char *name, plugcl_value x)
{
    plugcl_value weight = { 0 }, bias = { 0 };
    if (!take_layer(self, name, self->inter, self->channels, &weight, &bias))
        return (plugcl_value){ 0 };
    const struct plugcl_weights_entry *entry = layers_find(self->call, name, "weight");
    self->inter = entry->shape.dims[0];
    self->channels = entry->shape.dims[1];
    return plugcl_graph_conv2d(self->graph, x, weight, bias, NULL);
}

static plugcl_value sub_sampled(struct nonlocal *self, plugcl_value x)
{
    struct plugcl_pool2d_params params = plugcl_pool2d_params_init();
    params.kernel[0] = params.kernel[1] = 2;
    return self->sub_sample ? plugcl_graph_max_pool2d(self->graph, x, &params) : x;
}

/* [N, H, W, channels]; the order in which the pixels of a sequence are */
static plugcl_value pixels_first(plugcl_graph *graph, plugcl_value map)
{
    static const int order[4] = { 0, 2, 3, 1 };
    return plugcl_graph_transpose(graph, map, order, 4);
}

/* The sequence of a map. The seed cuts its channels into `channels` pieces, each with a part of the pixels. */
static plugcl_value sequence_of(struct nonlocal *self, plugcl_value map)
{
    static const int order[3] = { 0, 2, 1 };
    if (!self->seed_view)
        return plugcl_graph_flatten(self->graph, pixels_first(self->graph, map), 1, 2);
    plugcl_value cut = plugcl_graph_reshape(self->graph, map, PLUGCL_SHAPE(0, self->channels, -1));
    return plugcl_graph_transpose(self->graph, cut, order, 3);
}

/* The map of a sequence, with the height and width of `like`. */
static plugcl_value map_of(struct nonlocal *self, plugcl_value sequence, plugcl_value like)
{
    static const int pixels_last[4] = { 0, 3, 1, 2 }, order[3] = { 0, 2, 1 };
    if (self->seed_view)
        return plugcl_graph_reshape_as(self->graph, plugcl_graph_transpose(self->graph, sequence, order, 3), like);
    plugcl_value map = plugcl_graph_reshape_as(self->graph, sequence, pixels_first(self->graph, like));
    return plugcl_graph_transpose(self->graph, map, pixels_last, 4);
}

/* One half of the concatenation's projection: theta's comes first. */
static plugcl_value project_half(struct nonlocal *self, plugcl_value map, int half)
{
    const struct plugcl_weights_entry *entry = layers_find(self->call, self->form->concatenation, "weight");
    const char *data = (const char *)entry->data + (size_t)(half * self->inter) * plugcl_dtype_size(entry->dtype);
    plugcl_value weight = plugcl_graph_constant(self->graph, entry->dtype, PLUGCL_SHAPE(1, self->inter, 1, 1), data);
    return plugcl_graph_conv2d(self->graph, map, weight, (plugcl_value){ 0 }, NULL);
}

static bool check_projection(struct nonlocal *self)
{
    plugcl_value weight = { 0 }, bias = { 0 };
    if (!take_layer(self, self->form->concatenation, 1, 2 * self->inter, &weight, &bias))
        return false;
    if (bias.id != 0)
        layers_fail(self->graph, PLUGCL_UNSUPPORTED, "%s has a bias; in no published form it has one", self->form->concatenation);
    return bias.id == 0;
}

/* The seed's code raises an error here too. Where sizes are unknown, reshape finds it when a plan is made. */
static bool check_view(struct nonlocal *self, plugcl_value x)
{
    plugcl_shape shape;
    if (!self->seed_view || plugcl_graph_shape(self->graph, x, &shape) != PLUGCL_OK || shape.dims[2] < 0 || shape.dims[3] < 0)
        return plugcl_graph_status(self->graph) == PLUGCL_OK;
    long long elements = (long long)(self->inter * shape.dims[2] * shape.dims[3]);
    if (elements % self->channels == 0)
        return true;
    layers_fail(
        self->graph, PLUGCL_INVALID,
        "view=seed: the inner map of %lld elements (%lld channels of %lld x %lld) cannot be cut into the %lld channels of x; "
        "their number must divide it",
        elements, (long long)self->inter, (long long)shape.dims[2], (long long)shape.dims[3], (long long)self->channels);
    return false;
}

static float scale_of(const struct nonlocal *self)
{
    int64_t size = self->scale == NONLOCAL_SCALE_INTER ? self->inter : self->channels;
    return self->scale == NONLOCAL_SCALE_NONE ? 1.0f : (float)(1 / sqrt((double)size));
}

static struct plugcl_attention_params attention_params(const struct nonlocal *self)
{
    struct plugcl_attention_params params = plugcl_attention_params_init();
    params.scale = scale_of(self);
    params.softmax_over_queries = self->over_queries;
    if (self->mode == NONLOCAL_DOT_PRODUCT)
        params.mode = PLUGCL_ATTENTION_DOT_PRODUCT;
    else if (self->mode == NONLOCAL_CONCATENATION)
        params.mode = PLUGCL_ATTENTION_CONCATENATION;
    return params;
}

/* The output convolution with its norm folded. */
static plugcl_value project_out(struct nonlocal *self, plugcl_value map)
{
    plugcl_value weight = { 0 }, bias = { 0 };
    if (!take_layer(self, self->out, self->channels, self->inter, &weight, &bias))
        return (plugcl_value){ 0 };
    for (int i = 0; i < 2; i++)
        if (layers_have_norm(self->call, self->form->norm[i]) &&
            !layers_fold_norm(self->graph, self->call, self->form->norm[i], self->channels, NORM_EPS, &weight, &bias))
            return (plugcl_value){ 0 };
    return plugcl_graph_conv2d(self->graph, map, weight, bias, NULL);
}

/*
 * The output `attention`.
 */
struct pixel {
    long row, column;
};

static bool is_inside(struct nonlocal *self, const plugcl_shape *x, const struct pixel *pixel)
{
    int64_t height = x->dims[2], width = x->dims[3];
    if (pixel->row >= 0 && (height < 0 || pixel->row < height) && pixel->column >= 0 && (width < 0 || pixel->column < width))
        return true;
    layers_fail(self->graph, PLUGCL_INVALID,
                "option query_pixels names pixel %ld:%ld; x has %lld rows and %lld columns, counted from 0", pixel->row,
                pixel->column, (long long)height, (long long)width);
    return false;
}

/* The option's list. */
static bool read_pixels(struct nonlocal *self, const plugcl_shape *x, struct pixel *pixels, size_t *count)
{
    const char *text = plugcl_call_text(self->call, "query_pixels");
    *count = 0;
    for (const char *item = text; item != NULL && *item != '\0'; item = *item == ',' ? item + 1 : NULL) {
        char *colon = NULL, *end = NULL;
        struct pixel pixel = { strtol(item, &colon, 10), 0 };
        if (*colon == ':')
            pixel.column = strtol(colon + 1, &end, 10);
        if (*count == MAX_QUERIES || colon == item || end == NULL || end == colon + 1 || (*end != ',' && *end != '\0')) {
            layers_fail(self->graph, PLUGCL_INVALID, "option query_pixels is %s; it must be Y:X,Y:X,..., at most %d", text,
                        MAX_QUERIES);
            return false;
        }
        if (!is_inside(self, x, &pixel))
            return false;
        pixels[(*count)++] = pixel;
        item = end;
    }
    return true;
}

/* The query of a pixel where the size of x is known. The seed's cut puts it at the same place of some channel. */
static bool query_of(struct nonlocal *self, const plugcl_shape *x, const struct pixel *pixel, uint32_t *query)
{
    int64_t pixels = x->dims[2] * x->dims[3], place = pixel->row * x->dims[3] + pixel->column;
    int64_t queries = self->seed_view ? pixels * self->inter / self->channels : pixels;
    if (pixels % queries != 0) {
        layers_fail(self->graph, PLUGCL_UNSUPPORTED, "option query_pixels: with view=seed and %lld inner channels for %lld of x, a "
                    "pixel is not one query", (long long)self->inter, (long long)self->channels);
        return false;
    }
    *query = (uint32_t)(place % queries);
    return true;
}

static plugcl_value map_of_queries(struct nonlocal *self, const plugcl_shape *x, const struct pixel *pixels, size_t count,
                                   plugcl_value q, plugcl_value k, const struct plugcl_attention_params *params)
{
    uint32_t queries[MAX_QUERIES];
    for (size_t i = 0; i < count; i++)
        if (!query_of(self, x, &pixels[i], &queries[i]))
            return (plugcl_value){ 0 };
    return plugcl_graph_attention_map(self->graph, q, k, params, count > 0 ? queries : NULL, count);
}

/* As many parts as there are, in their order. */
static plugcl_value join(plugcl_graph *graph, plugcl_value *parts, size_t count)
{
    while (count > 1) {
        size_t joined = 0;
        for (size_t first = 0; first < count; first += MAX_PARTS)
            parts[joined++] = plugcl_graph_concat(graph, parts + first, count - first < MAX_PARTS ? count - first : MAX_PARTS, 1);
        count = joined;
    }
    return parts[0];
}

/* The queries cut out of theta, whose size may be unknown. Each must be a query for itself: the softmax is over the keys. */
static plugcl_value map_of_pixels(struct nonlocal *self, plugcl_value theta, const struct pixel *pixels, size_t count,
                                  plugcl_value k, const struct plugcl_attention_params *params)
{
    plugcl_value rows[MAX_QUERIES];
    for (size_t i = 0; i < count; i++) {
        const struct plugcl_slice slices[2] = { { 2, pixels[i].row, pixels[i].row + 1, 1 },
                                                { 3, pixels[i].column, pixels[i].column + 1, 1 } };
        int64_t depth = self->mode == NONLOCAL_CONCATENATION ? 1 : self->mode == NONLOCAL_GAUSSIAN ? self->channels : self->inter;
        rows[i] = plugcl_graph_reshape(self->graph, plugcl_graph_slice(self->graph, theta, slices, 2), PLUGCL_SHAPE(0, 1, depth));
    }
    return plugcl_graph_attention_map(self->graph, join(self->graph, rows, count), k, params, NULL, 0);
}

static void add_map(struct nonlocal *self, plugcl_value x, plugcl_value theta, plugcl_value q, plugcl_value k,
                    const struct plugcl_attention_params *params)
{
    struct pixel pixels[MAX_QUERIES];
    plugcl_shape shape;
    plugcl_value map = { 0 };
    size_t count;
    if (plugcl_graph_shape(self->graph, x, &shape) != PLUGCL_OK || !read_pixels(self, &shape, pixels, &count))
        return;
    if (count == 0 || (shape.dims[2] >= 0 && shape.dims[3] >= 0))
        map = map_of_queries(self, &shape, pixels, count, q, k, params);
    else if (self->over_queries || self->seed_view)
        plugcl_call_note(self->call, "without output attention: query_pixels with softmax_axis=queries or view=seed needs the "
                                     "height and width of x when the graph is built");
    else
        map = map_of_pixels(self, theta, pixels, count, k, params);
    if (map.id != 0)
        plugcl_call_set_output(self->call, "attention", map);
}

void nonlocal_add(struct nonlocal *self, plugcl_value x)
{
    plugcl_graph *graph = self->graph;
    self->inter = -1;
    if (!layers_read_channels(graph, x, &self->channels))
        return;
    plugcl_value pooled = self->form->pools_input ? sub_sampled(self, x) : x;
    plugcl_value g = embed(self, self->g, pooled), theta = x, phi = pooled;
    if (self->mode != NONLOCAL_GAUSSIAN) {
        theta = embed(self, self->form->theta, x);
        phi = embed(self, self->phi, pooled);
    }
    if (plugcl_graph_status(graph) != PLUGCL_OK || !check_view(self, x))
        return;
    plugcl_value like = self->form->pools_input ? theta : g; /* as many channels as a result, as many pixels as x */
    if (!self->form->pools_input) {
        g = sub_sampled(self, g);
        phi = sub_sampled(self, phi);
    }
    if (self->mode == NONLOCAL_CONCATENATION) {
        if (!check_projection(self))
            return;
        theta = project_half(self, theta, 0);
        phi = project_half(self, phi, 1);
    }
    plugcl_value q = sequence_of(self, theta), k = theta.id == phi.id ? q : sequence_of(self, phi), v = sequence_of(self, g);
    struct plugcl_attention_params params = attention_params(self);
    plugcl_value y = map_of(self, plugcl_graph_attention(graph, q, k, v, &params), like);
    y = plugcl_graph_binary(graph, PLUGCL_ADD, project_out(self, y), x);
    if (plugcl_graph_status(graph) == PLUGCL_OK)
        plugcl_call_set_output(self->call, "y", y);
    add_map(self, x, theta, q, k, &params);
}
