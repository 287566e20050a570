/* SPDX-License-Identifier: Apache-2.0 */
/* parts.c: layers and plug-ins with made-up weights. Names of weights are those of peers/models.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contender.h"
#include "values.h"

int64_t number(const struct model *model, const char *key)
{
    return case_number(model->json, key, 1);
}

plugcl_value add_input(struct model *model, int64_t channels)
{
    int64_t size = number(model, "size");
    return plugcl_graph_input(model->graph, "x", PLUGCL_F32, PLUGCL_SHAPE(number(model, "batch"), channels, size, size));
}

plugcl_value relu(struct model *model, plugcl_value x)
{
    return plugcl_graph_activation(model->graph, x, PLUGCL_RELU, 0, 0);
}

static void make_weight(struct model *model, const char *name, const plugcl_shape *shape)
{
    size_t bytes = (size_t)plugcl_shape_elements(shape) * sizeof(float);
    float *values = malloc(bytes);
    if (values == NULL)
        give_up("no memory for %s", name);
    fill_values(name, shape->rank, shape->dims, values);
    check(plugcl_weights_add(model->weights, name, PLUGCL_F32, shape, values, bytes));
    free(values);
}

/* A weight "<prefix><name>": of the model's file, else with made-up values. */
plugcl_value add_weight(struct model *model, const char *prefix, const char *name, const plugcl_shape *shape)
{
    char full[96];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    if (!model->has_file)
        make_weight(model, full, shape);
    return plugcl_graph_weight(model->graph, model->weights, full);
}

static void add_norm(struct model *model, const char *prefix, int64_t channels)
{
    static const char *const names[] = { "weight", "bias", "running_mean", "running_var" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add_weight(model, prefix, names[i], PLUGCL_SHAPE(channels));
}

plugcl_value add_plugin(struct model *model, plugcl_value x, const char *name, const char *prefix, const char *options)
{
    plugcl_node *node = NULL;
    plugcl_graph_plugin(model->graph, name, &x, 1, model->weights, prefix, options, &node);
    return plugcl_node_output(node, "y");
}

plugcl_value add_se(struct model *model, plugcl_value x, const char *prefix, int64_t channels, int64_t hidden)
{
    add_weight(model, prefix, "fc.0.weight", PLUGCL_SHAPE(hidden, channels));
    add_weight(model, prefix, "fc.2.weight", PLUGCL_SHAPE(channels, hidden));
    return add_plugin(model, x, "se", prefix, "");
}

plugcl_value add_cbam(struct model *model, plugcl_value x, const char *prefix, int64_t channels, int64_t hidden)
{
    add_weight(model, prefix, "ca.fc1.weight", PLUGCL_SHAPE(hidden, channels, 1, 1));
    add_weight(model, prefix, "ca.fc2.weight", PLUGCL_SHAPE(channels, hidden, 1, 1));
    add_weight(model, prefix, "sa.conv1.weight", PLUGCL_SHAPE(1, 2, 7, 7));
    return add_plugin(model, x, "cbam", prefix, "");
}

static void add_conv_and_norm(struct model *model, const char *conv, const char *norm, const plugcl_shape *shape)
{
    add_weight(model, conv, "weight", shape);
    add_norm(model, norm, shape->dims[0]);
}

plugcl_value add_aspp(struct model *model, plugcl_value x, const char *prefix, int64_t channels, int64_t outputs,
                      const char *rates)
{
    char conv[48], norm[48];
    for (int i = 0; i < 5; i++) {
        int64_t kernel = i == 0 || i == 4 ? 1 : 3;
        snprintf(conv, sizeof conv, "%sconvs.%d.%d.", prefix, i, i == 4 ? 1 : 0);
        snprintf(norm, sizeof norm, "%sconvs.%d.%d.", prefix, i, i == 4 ? 2 : 1);
        add_conv_and_norm(model, conv, norm, PLUGCL_SHAPE(outputs, channels, kernel, kernel));
    }
    snprintf(conv, sizeof conv, "%sproject.0.", prefix);
    snprintf(norm, sizeof norm, "%sproject.1.", prefix);
    add_conv_and_norm(model, conv, norm, PLUGCL_SHAPE(outputs, 5 * outputs, 1, 1));
    return add_plugin(model, x, "aspp", prefix, rates);
}

void add_layer(struct model *model, const char *prefix, const char *name, const plugcl_shape *shape)
{
    char full[48];
    snprintf(full, sizeof full, "%s%s.", prefix, name);
    add_weight(model, full, "weight", shape);
    add_weight(model, full, "bias", PLUGCL_SHAPE(shape->dims[0]));
}

plugcl_value add_nonlocal(struct model *model, plugcl_value x, const char *prefix, int64_t channels)
{
    add_layer(model, prefix, "theta", PLUGCL_SHAPE(channels / 2, channels, 1, 1));
    add_layer(model, prefix, "phi", PLUGCL_SHAPE(channels / 2, channels, 1, 1));
    add_layer(model, prefix, "g", PLUGCL_SHAPE(channels / 2, channels, 1, 1));
    add_layer(model, prefix, "W", PLUGCL_SHAPE(channels, channels / 2, 1, 1));
    return add_plugin(model, x, "nonlocal", prefix, "");
}

/* Convolution "<conv>" without bias, batch norm "<norm>", and ReLU unless `linear`. */
plugcl_value add_unit(struct model *model, plugcl_value x, const char *prefix, const char *conv, const char *norm,
                      const plugcl_shape *shape, uint32_t stride, bool linear)
{
    char layer[48];
    uint32_t pad = (uint32_t)shape->dims[2] / 2;
    snprintf(layer, sizeof layer, "%s%s.", prefix, conv);
    add_weight(model, layer, "weight", shape);
    layer[strlen(layer) - 1] = '\0';
    x = plugcl_graph_conv2d_layer(model->graph, x, model->weights, layer,
                                  plugcl_conv2d_params(.stride = { stride, stride }, .pad = { pad, pad, pad, pad }));
    snprintf(layer, sizeof layer, "%s%s.", prefix, norm);
    add_norm(model, layer, shape->dims[0]);
    layer[strlen(layer) - 1] = '\0';
    x = plugcl_graph_batch_norm_layer(model->graph, x, model->weights, layer, 1e-5f);
    return linear ? x : relu(model, x);
}
