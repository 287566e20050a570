/* SPDX-License-Identifier: Apache-2.0 */
/* cases.c: the graph of each kind of case. Semantics are those of peers/models.py. */
#include <stdio.h>
#include <string.h>

#include "contender.h"

static plugcl_value build_gates(struct model *model)
{
    bool cbam = strcmp(case_text(model->json, "kind", ""), "cbam") == 0;
    int64_t channels = number(model, "channels"), blocks = case_number(model->json, "blocks", 1);
    plugcl_value x = add_input(model, channels);
    for (int64_t i = 0; i < blocks; i++) {
        char prefix[24];
        snprintf(prefix, sizeof prefix, "%lld.", (long long)i);
        x = cbam ? add_cbam(model, x, prefix, channels, channels / 16) : add_se(model, x, prefix, channels, channels / 16);
    }
    return x;
}

static plugcl_value build_aspp(struct model *model)
{
    const json_t *rates = json_object_get(model->json, "rates");
    int64_t channels = number(model, "channels"), rate[3];
    char options[48];
    for (size_t i = 0; i < 3; i++)
        rate[i] = (int64_t)json_integer_value(json_array_get(rates, i));
    snprintf(options, sizeof options, "rates=%d,%d,%d", (int)rate[0], (int)rate[1], (int)rate[2]);
    return add_aspp(model, add_input(model, channels), "", channels, number(model, "outputs"), options);
}

static plugcl_value build_nonlocal(struct model *model)
{
    return add_nonlocal(model, add_input(model, number(model, "channels")), "", number(model, "channels"));
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
    return relu(model, y);
}

/* rows x depth by depth x columns; a constant right operand is a linear layer's weight. */
static plugcl_value build_gemm(struct model *model)
{
    int64_t rows = number(model, "rows"), depth = number(model, "depth"), columns = number(model, "columns");
    plugcl_value x = plugcl_graph_input(model->graph, "x", PLUGCL_F32, PLUGCL_SHAPE(rows, depth)), none = { 0 };
    if (case_number(model->json, "constant", 0))
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
    return relu(model, plugcl_graph_binary(model->graph, PLUGCL_ADD, x, k));
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
        { "finder", build_finder },       { "reader", build_reader },
    };
    const char *kind = case_text(model->json, "kind", "");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kind, kinds[i].kind) == 0) {
            plugcl_graph_output(model->graph, "y", kinds[i].build(model));
            return;
        }
    give_up("there is no kind of case \"%s\"", kind);
}
