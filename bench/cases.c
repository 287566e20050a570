/* SPDX-License-Identifier: Apache-2.0 */
/* cases.c: the graph of each kind of case. Names of weights and semantics are those of peers/models.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contender.h"
#include "values.h"

static int64_t number(const struct model *model, const char *key)
{
    return case_number(model->json, key, key[0] == 'b' ? 1 : 0); /* a batch is 1 unless the case says more */
}

/* A weight "<prefix><name>" with made-up values. */
static plugcl_value add_weight(struct model *model, const char *prefix, const char *name, const plugcl_shape *shape)
{
    char full[96];
    size_t bytes = (size_t)plugcl_shape_elements(shape) * sizeof(float);
    float *values = malloc(bytes);
    if (values == NULL)
        give_up("no memory for %s", name);
    snprintf(full, sizeof full, "%s%s", prefix, name);
    fill_values(full, shape->rank, shape->dims, values);
    check(plugcl_weights_add(model->weights, full, PLUGCL_F32, shape, values, bytes));
    free(values);
    return plugcl_graph_weight(model->graph, model->weights, full);
}

static plugcl_value add_input(struct model *model, int64_t channels)
{
    int64_t size = number(model, "size");
    return plugcl_graph_input(model->graph, "x", PLUGCL_F32, PLUGCL_SHAPE(number(model, "batch"), channels, size, size));
}

static void add_norm(struct model *model, const char *prefix, int64_t channels)
{
    static const char *const names[] = { "weight", "bias", "running_mean", "running_var" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add_weight(model, prefix, names[i], PLUGCL_SHAPE(channels));
}

static plugcl_value add_plugin(struct model *model, plugcl_value x, const char *name, const char *prefix, const char *options)
{
    plugcl_node *node = NULL;
    plugcl_graph_plugin(model->graph, name, &x, 1, model->weights, prefix, options, &node);
    return plugcl_node_output(node, "y");
}

static plugcl_value add_se(struct model *model, plugcl_value x, const char *prefix, int64_t channels)
{
    add_weight(model, prefix, "fc.0.weight", PLUGCL_SHAPE(channels / 16, channels));
    add_weight(model, prefix, "fc.2.weight", PLUGCL_SHAPE(channels, channels / 16));
    return add_plugin(model, x, "se", prefix, "");
}

static plugcl_value add_cbam(struct model *model, plugcl_value x, const char *prefix, int64_t channels)
{
    add_weight(model, prefix, "ca.fc1.weight", PLUGCL_SHAPE(channels / 16, channels, 1, 1));
    add_weight(model, prefix, "ca.fc2.weight", PLUGCL_SHAPE(channels, channels / 16, 1, 1));
    add_weight(model, prefix, "sa.conv1.weight", PLUGCL_SHAPE(1, 2, 7, 7));
    return add_plugin(model, x, "cbam", prefix, "");
}

static plugcl_value build_gates(struct model *model)
{
    bool cbam = strcmp(case_text(model->json, "kind", ""), "cbam") == 0;
    int64_t channels = number(model, "channels"), blocks = case_number(model->json, "blocks", 1);
    plugcl_value x = add_input(model, channels);
    for (int64_t i = 0; i < blocks; i++) {
        char prefix[24];
        snprintf(prefix, sizeof prefix, "%lld.", (long long)i);
        x = cbam ? add_cbam(model, x, prefix, channels) : add_se(model, x, prefix, channels);
    }
    return x;
}

static void add_conv_and_norm(struct model *model, const char *conv, const char *norm, const plugcl_shape *shape)
{
    add_weight(model, conv, "weight", shape);
    add_norm(model, norm, shape->dims[0]);
}

static plugcl_value build_aspp(struct model *model)
{
    const json_t *rates = json_object_get(model->json, "rates");
    int64_t channels = number(model, "channels"), outputs = number(model, "outputs");
    char options[32], conv[24], norm[24];
    snprintf(options, sizeof options, "rates=%lld,%lld,%lld", (long long)json_integer_value(json_array_get(rates, 0)),
             (long long)json_integer_value(json_array_get(rates, 1)), (long long)json_integer_value(json_array_get(rates, 2)));
    for (int i = 0; i < 5; i++) {
        int64_t kernel = i == 0 || i == 4 ? 1 : 3;
        snprintf(conv, sizeof conv, "convs.%d.%d.", i, i == 4 ? 1 : 0);
        snprintf(norm, sizeof norm, "convs.%d.%d.", i, i == 4 ? 2 : 1);
        add_conv_and_norm(model, conv, norm, PLUGCL_SHAPE(outputs, channels, kernel, kernel));
    }
    add_conv_and_norm(model, "project.0.", "project.1.", PLUGCL_SHAPE(outputs, 5 * outputs, 1, 1));
    return add_plugin(model, add_input(model, channels), "aspp", "", options);
}

static plugcl_value build_nonlocal(struct model *model)
{
    static const char *const projections[] = { "theta.", "phi.", "g." };
    int64_t channels = number(model, "channels"), inner = channels / 2;
    for (size_t i = 0; i < 3; i++) {
        add_weight(model, projections[i], "weight", PLUGCL_SHAPE(inner, channels, 1, 1));
        add_weight(model, projections[i], "bias", PLUGCL_SHAPE(inner));
    }
    add_weight(model, "W.", "weight", PLUGCL_SHAPE(channels, inner, 1, 1));
    add_weight(model, "W.", "bias", PLUGCL_SHAPE(channels));
    return add_plugin(model, add_input(model, channels), "nonlocal", "", "");
}

static plugcl_value build_stn(struct model *model)
{
    plugcl_value theta = plugcl_graph_input(model->graph, "theta", PLUGCL_F32, PLUGCL_SHAPE(number(model, "batch"), 2, 3));
    return plugcl_graph_warp(model->graph, add_input(model, number(model, "channels")), theta, 0, 0, NULL);
}

static plugcl_value build_conv(struct model *model)
{
    int64_t channels = number(model, "channels"), outputs = number(model, "outputs"), kernel = number(model, "kernel");
    uint32_t groups = (uint32_t)case_number(model->json, "groups", 1), stride = (uint32_t)case_number(model->json, "stride", 1);
    uint32_t dilation = (uint32_t)case_number(model->json, "dilation", 1), pad = dilation * ((uint32_t)kernel / 2);
    plugcl_value weight = add_weight(model, "", "weight", PLUGCL_SHAPE(outputs, channels / groups, kernel, kernel));
    plugcl_value bias = add_weight(model, "", "bias", PLUGCL_SHAPE(outputs));
    plugcl_value y = plugcl_graph_conv2d(model->graph, add_input(model, channels), weight, bias,
                                         plugcl_conv2d_params(.stride = { stride, stride }, .pad = { pad, pad, pad, pad },
                                                              .dilation = { dilation, dilation }, .groups = groups));
    return plugcl_graph_activation(model->graph, y, PLUGCL_RELU, 0, 0);
}

/* rows x depth by depth x columns; a constant right operand is a linear layer's weight. */
static plugcl_value build_gemm(struct model *model)
{
    int64_t rows = number(model, "rows"), depth = number(model, "depth"), columns = number(model, "columns");
    plugcl_value x = plugcl_graph_input(model->graph, "x", PLUGCL_F32, PLUGCL_SHAPE(rows, depth)), none = { 0 };
    if (number(model, "constant"))
        return plugcl_graph_linear(model->graph, x, add_weight(model, "", "weight", PLUGCL_SHAPE(columns, depth)), none);
    plugcl_value k = plugcl_graph_input(model->graph, "k", PLUGCL_F32, PLUGCL_SHAPE(depth, columns));
    return plugcl_graph_matmul(model->graph, x, k, false, false);
}

static plugcl_value build_pool(struct model *model)
{
    const char *mode = case_text(model->json, "mode", "max");
    uint32_t kernel = (uint32_t)number(model, "kernel"), stride = (uint32_t)number(model, "stride"), pad = (kernel - 1) / 2;
    plugcl_value x = add_input(model, number(model, "channels"));
    if (strcmp(mode, "global") == 0)
        return plugcl_graph_adaptive_avg_pool2d(model->graph, x, 1, 1);
    const struct plugcl_pool2d_params *params =
        plugcl_pool2d_params(.kernel = { kernel, kernel }, .stride = { stride, stride }, .pad = { pad, pad, pad, pad });
    return strcmp(mode, "max") == 0 ? plugcl_graph_max_pool2d(model->graph, x, params)
                                    : plugcl_graph_avg_pool2d(model->graph, x, params);
}

static plugcl_value build_resize(struct model *model)
{
    uint32_t size = (uint32_t)number(model, "to");
    bool nearest = strcmp(case_text(model->json, "mode", "bilinear"), "nearest") == 0;
    return plugcl_graph_resize(model->graph, add_input(model, number(model, "channels")), (plugcl_value){ 0 },
                               plugcl_resize_params(.mode = nearest ? PLUGCL_SAMPLE_NEAREST : PLUGCL_SAMPLE_BILINEAR,
                                                    .size = { size, size }));
}

static plugcl_value build_rows(struct model *model)
{
    int64_t columns = number(model, "columns");
    plugcl_value x = plugcl_graph_input(model->graph, "x", PLUGCL_F32, PLUGCL_SHAPE(number(model, "rows"), columns));
    if (strcmp(case_text(model->json, "kind", ""), "softmax") == 0)
        return plugcl_graph_softmax(model->graph, x, -1);
    return plugcl_graph_layer_norm(model->graph, x, 1, add_weight(model, "", "weight", PLUGCL_SHAPE(columns)),
                                   add_weight(model, "", "bias", PLUGCL_SHAPE(columns)), 1e-5f);
}

/* "add" of two pictures and ReLU, as at the end of a residual block; "mul" by a value for each channel; "gelu". */
static plugcl_value build_elementwise(struct model *model)
{
    const char *mode = case_text(model->json, "mode", "add");
    int64_t channels = number(model, "channels"), size = number(model, "size"), batch = number(model, "batch");
    int64_t other = strcmp(mode, "mul") == 0 ? 1 : size;
    plugcl_value x = add_input(model, channels);
    if (strcmp(mode, "gelu") == 0)
        return plugcl_graph_activation(model->graph, x, PLUGCL_GELU, 0, 0);
    plugcl_value k = plugcl_graph_input(model->graph, "k", PLUGCL_F32, PLUGCL_SHAPE(batch, channels, other, other));
    if (strcmp(mode, "mul") == 0)
        return plugcl_graph_binary(model->graph, PLUGCL_MUL, x, k);
    return plugcl_graph_activation(model->graph, plugcl_graph_binary(model->graph, PLUGCL_ADD, x, k), PLUGCL_RELU, 0, 0);
}

/* Dense to dense: [rows, depth, columns] with its axes in another order. */
static plugcl_value build_transpose(struct model *model)
{
    const json_t *order = json_object_get(model->json, "order");
    int axes[3];
    for (size_t i = 0; i < 3; i++)
        axes[i] = (int)json_integer_value(json_array_get(order, i));
    plugcl_value x = plugcl_graph_input(model->graph, "x", PLUGCL_F32,
                                        PLUGCL_SHAPE(number(model, "rows"), number(model, "depth"), number(model, "columns")));
    return plugcl_graph_transpose(model->graph, x, axes, 3);
}

static plugcl_value add_unit(struct model *model, plugcl_value x, const char *prefix, int unit, const plugcl_shape *shape)
{
    char conv[48], norm[48];
    uint32_t pad = (uint32_t)shape->dims[2] / 2;
    snprintf(conv, sizeof conv, "%sconv%d.", prefix, unit);
    snprintf(norm, sizeof norm, "%sbn%d.", prefix, unit);
    add_conv_and_norm(model, conv, norm, shape);
    conv[strlen(conv) - 1] = norm[strlen(norm) - 1] = '\0';
    x = plugcl_graph_conv2d_layer(model->graph, x, model->weights, conv, plugcl_conv2d_params(.pad = { pad, pad, pad, pad }));
    return plugcl_graph_batch_norm_layer(model->graph, x, model->weights, norm, 1e-5f);
}

/* ResNet's bottleneck blocks with the plug-in before the shortcut. */
static plugcl_value build_bottlenecks(struct model *model)
{
    bool cbam = strcmp(case_text(model->json, "plugin", "se"), "cbam") == 0;
    int64_t channels = number(model, "channels"), inner = channels / 4, blocks = number(model, "blocks");
    plugcl_graph *graph = model->graph;
    plugcl_value x = add_input(model, channels);
    for (int64_t i = 0; i < blocks; i++) {
        char prefix[24], plugin[40];
        snprintf(prefix, sizeof prefix, "%lld.", (long long)i);
        snprintf(plugin, sizeof plugin, "%splugin.", prefix);
        plugcl_value y = add_unit(model, x, prefix, 1, PLUGCL_SHAPE(inner, channels, 1, 1));
        y = plugcl_graph_activation(graph, y, PLUGCL_RELU, 0, 0);
        y = plugcl_graph_activation(graph, add_unit(model, y, prefix, 2, PLUGCL_SHAPE(inner, inner, 3, 3)), PLUGCL_RELU, 0, 0);
        y = add_unit(model, y, prefix, 3, PLUGCL_SHAPE(channels, inner, 1, 1));
        y = cbam ? add_cbam(model, y, plugin, channels) : add_se(model, y, plugin, channels);
        x = plugcl_graph_activation(graph, plugcl_graph_binary(graph, PLUGCL_ADD, x, y), PLUGCL_RELU, 0, 0);
    }
    return x;
}

void build_case(struct model *model)
{
    static const struct {
        const char *kind;
        plugcl_value (*build)(struct model *model);
    } kinds[] = {
        { "aspp", build_aspp },           { "nonlocal", build_nonlocal }, { "se", build_gates },
        { "cbam", build_gates },          { "stn", build_stn },           { "conv", build_conv },
        { "gemm", build_gemm },           { "pool", build_pool },         { "resize", build_resize },
        { "softmax", build_rows },        { "layer_norm", build_rows },   { "elementwise", build_elementwise },
        { "transpose", build_transpose }, { "bottlenecks", build_bottlenecks },
    };
    const char *kind = case_text(model->json, "kind", "");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kind, kinds[i].kind) == 0) {
            plugcl_graph_output(model->graph, "y", kinds[i].build(model));
            return;
        }
    give_up("there is no kind of case \"%s\"", kind);
}
