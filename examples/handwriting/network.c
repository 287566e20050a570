/* SPDX-License-Identifier: Apache-2.0 */
/* network.c: the network of README.md, built from the weights that PyTorch trained. */
#include "handwriting.h"

#include <stdio.h>
#include <string.h>

const struct gate_kind gate_kinds[GATES] = {
    [BLOCK1_SE] = { "block1.se.gate", 24, 1, 1 },           [BLOCK2_CBAM] = { "block2.cbam.gate", 40, 1, 1 },
    [BLOCK2_SPATIAL] = { "block2.cbam.spatial", 1, 10, 10 }, [BLOCK3_SE] = { "block3.se.gate", 56, 1, 1 },
    [BLOCK3_CBAM] = { "block3.cbam.gate", 56, 1, 1 },       [BLOCK3_SPATIAL] = { "block3.cbam.spatial", 1, 5, 5 },
};

size_t gate_elements(int gate)
{
    return (size_t)gate_kinds[gate].channels * (size_t)gate_kinds[gate].height * (size_t)gate_kinds[gate].width;
}

/* The network under construction. Its calls need no checks: the graph keeps the first error. */
struct builder {
    plugcl_graph *graph;
    plugcl_weights *weights;
};

/* Convolution 3x3 "<prefix>.conv<number>" and BatchNorm "<prefix>.bn<number>"; a plan makes one operator of them. */
static plugcl_value convolution(struct builder *builder, plugcl_value x, const char *prefix, const char *number)
{
    char name[64];
    snprintf(name, sizeof name, "%s.conv%s", prefix, number);
    x = plugcl_graph_conv2d_layer(builder->graph, x, builder->weights, name, plugcl_conv2d_params(.pad = { 1, 1, 1, 1 }));
    snprintf(name, sizeof name, "%s.bn%s", prefix, number);
    return plugcl_graph_batch_norm_layer(builder->graph, x, builder->weights, name, 1e-5f);
}

static plugcl_value relu(struct builder *builder, plugcl_value x)
{
    return plugcl_graph_activation(builder->graph, x, PLUGCL_RELU, 0, 0);
}

/* Plug-in `name` with the weights "<block>.<name>.…"; plugcl recognises the flavour by their names and shapes. What it says beside
 * its result becomes an output of the network. */
static plugcl_value plugin(struct builder *builder, plugcl_value x, const char *block, const char *name)
{
    char prefix[64], output[80];
    snprintf(prefix, sizeof prefix, "%s.%s", block, name);
    plugcl_node *node;
    if (plugcl_graph_plugin(builder->graph, name, &x, 1, builder->weights, prefix, NULL, &node) != PLUGCL_OK)
        return (plugcl_value){ 0 };
    snprintf(output, sizeof output, "%s.gate", prefix);
    plugcl_graph_output(builder->graph, output, plugcl_node_output(node, "gate"));
    if (strcmp(name, "cbam") == 0) {
        snprintf(output, sizeof output, "%s.spatial", prefix);
        plugcl_graph_output(builder->graph, output, plugcl_node_output(node, "spatial"));
    }
    return plugcl_node_output(node, "y");
}

static plugcl_value residual_block(struct builder *builder, plugcl_value x, const char *prefix, bool se, bool cbam)
{
    plugcl_value y = relu(builder, convolution(builder, x, prefix, "1"));
    y = convolution(builder, y, prefix, "2");
    if (se)
        y = plugin(builder, y, prefix, "se");
    if (cbam)
        y = plugin(builder, y, prefix, "cbam");
    return relu(builder, plugcl_graph_binary(builder->graph, PLUGCL_ADD, x, y));
}

static plugcl_value halve(struct builder *builder, plugcl_value x)
{
    return plugcl_graph_max_pool2d(builder->graph, x, plugcl_pool2d_params(.kernel = { 2, 2 }));
}

static void layers(struct builder *builder)
{
    plugcl_value x = plugcl_graph_input(builder->graph, "x", PLUGCL_F32, PLUGCL_SHAPE(PLUGCL_DIM_ANY, 1, SIDE, SIDE));
    x = relu(builder, convolution(builder, x, "stem", ""));
    x = residual_block(builder, x, "block1", true, false);
    x = halve(builder, x);
    x = relu(builder, convolution(builder, x, "transition1", ""));
    x = residual_block(builder, x, "block2", false, true);
    x = halve(builder, x);
    x = relu(builder, convolution(builder, x, "transition2", ""));
    x = residual_block(builder, x, "block3", true, true);
    x = plugcl_graph_adaptive_avg_pool2d(builder->graph, x, 1, 1);
    x = plugcl_graph_flatten(builder->graph, x, 1, -1);
    x = plugcl_graph_linear_layer(builder->graph, x, builder->weights, "head");
    plugcl_graph_output(builder->graph, "logits", x);
}

bool network_build(const char *path, plugcl_graph **graph)
{
    struct builder builder = { NULL, NULL };
    if (!fine(plugcl_weights_open(path, &builder.weights), "the weights"))
        return false;
    bool built = fine(plugcl_graph_create(NULL, &builder.graph), "the graph");
    if (built) {
        layers(&builder);
        built = fine(plugcl_graph_status(builder.graph), "the network");
    }
    plugcl_weights_destroy(&builder.weights); /* the graph keeps what it needs */
    if (!built)
        plugcl_graph_destroy(&builder.graph);
    *graph = builder.graph;
    return built;
}
