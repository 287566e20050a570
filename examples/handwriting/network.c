/* SPDX-License-Identifier: Apache-2.0 */
/* network.c: the two networks of README.md, built from the weights that PyTorch trained. */
#include "handwriting.h"

#include <stdio.h>
#include <string.h>

/* A network under construction. Its calls need no checks: the graph keeps the first error. */
struct builder {
    plugcl_graph *graph;
    plugcl_weights *weights;
};

/* Convolution 3x3 "<prefix>.conv<number>" and BatchNorm "<prefix>.bn<number>"; a plan makes one operator of them. */
static plugcl_value convolution(struct builder *builder, plugcl_value x, const char *prefix, const char *number, uint32_t stride)
{
    char name[64];
    snprintf(name, sizeof name, "%s.conv%s", prefix, number);
    x = plugcl_graph_conv2d_layer(builder->graph, x, builder->weights, name,
                                  plugcl_conv2d_params(.stride = { stride, stride }, .pad = { 1, 1, 1, 1 }));
    snprintf(name, sizeof name, "%s.bn%s", prefix, number);
    return plugcl_graph_batch_norm_layer(builder->graph, x, builder->weights, name, 1e-5f);
}

static plugcl_value relu(struct builder *builder, plugcl_value x)
{
    return plugcl_graph_activation(builder->graph, x, PLUGCL_RELU, 0, 0);
}

static plugcl_value unit(struct builder *builder, plugcl_value x, const char *prefix, uint32_t stride)
{
    return relu(builder, convolution(builder, x, prefix, "", stride));
}

static plugcl_value halve(struct builder *builder, plugcl_value x)
{
    return plugcl_graph_max_pool2d(builder->graph, x, plugcl_pool2d_params(.kernel = { 2, 2 }));
}

/* Plug-in `name` with the weights "<prefix>.…"; plugcl recognises the flavour by their names and shapes. */
static plugcl_node *plugin(struct builder *builder, plugcl_value x, const char *name, const char *prefix, const char *options)
{
    plugcl_node *node = NULL;
    plugcl_graph_plugin(builder->graph, name, &x, 1, builder->weights, prefix, options, &node);
    return node;
}

/* What a plug-in says beside its result becomes an output of the network. */
static void tell(struct builder *builder, plugcl_node *node, const char *name, enum output output)
{
    plugcl_graph_output(builder->graph, output_names[output], plugcl_node_output(node, name));
}

/* Two convolutions, the plug-in "<prefix>.<name>", the shortcut. */
static plugcl_value residual_block(struct builder *builder, plugcl_value x, const char *prefix, const char *name,
                                   plugcl_node **node)
{
    char below[64];
    snprintf(below, sizeof below, "%s.%s", prefix, name);
    plugcl_value y = relu(builder, convolution(builder, x, prefix, "1", 1));
    *node = plugin(builder, convolution(builder, y, prefix, "2", 1), name, below, NULL);
    return relu(builder, plugcl_graph_binary(builder->graph, PLUGCL_ADD, x, plugcl_node_output(*node, "y")));
}

/* The attention is an output for the marked pixels alone: the whole of it would be pixels × pixels. */
static plugcl_value non_local(struct builder *builder, plugcl_value x, const struct mark *marks, size_t count)
{
    char options[32 + 16 * MOST_SCENES * MARKS] = "query_pixels=";
    size_t length = strlen(options);
    for (size_t i = 0; i < count; i++)
        length +=
            (size_t)snprintf(options + length, sizeof options - length, "%s%d:%d", i ? "," : "", marks[i].row, marks[i].column);
    plugcl_node *node = plugin(builder, x, "nonlocal", "finder.non_local", count ? options : NULL);
    if (count > 0)
        tell(builder, node, "attention", ATTENTION);
    return plugcl_node_output(node, "y");
}

static void finder_layers(struct builder *builder, const struct mark *marks, size_t count)
{
    plugcl_node *se, *cbam, *aspp;
    plugcl_value x = plugcl_graph_input(builder->graph, "x", PLUGCL_F32, PLUGCL_SHAPE(1, 1, PLUGCL_DIM_ANY, PLUGCL_DIM_ANY));
    x = unit(builder, x, "finder.stem", 2);
    const plugcl_value fine_map = residual_block(builder, x, "finder.block1", "se", &se);
    x = unit(builder, halve(builder, fine_map), "finder.transition", 1);
    x = residual_block(builder, x, "finder.block2", "cbam", &cbam);
    x = non_local(builder, x, marks, count);
    aspp = plugin(builder, x, "aspp", "finder.aspp", "rates=2,4,6");
    x = plugcl_graph_resize(builder->graph, plugcl_node_output(aspp, "y"), fine_map, NULL);
    x = plugcl_graph_concat(builder->graph, (const plugcl_value[]){ x, fine_map }, 2, 1);
    x = unit(builder, x, "finder.merge", 1);
    x = plugcl_graph_conv2d_layer(builder->graph, x, builder->weights, "finder.mask", NULL);
    plugcl_graph_output(builder->graph, output_names[MASK], x);
    tell(builder, se, "gate", SE_GATE);
    tell(builder, cbam, "gate", CBAM_GATE);
    tell(builder, cbam, "spatial", CBAM_SPATIAL);
}

static void reader_layers(struct builder *builder)
{
    plugcl_value x = plugcl_graph_input(builder->graph, "x", PLUGCL_F32, PLUGCL_SHAPE(PLUGCL_DIM_ANY, 1, CROP, CROP));
    plugcl_node *stn = plugin(builder, x, "stn", "reader.stn", NULL);
    x = plugcl_node_output(stn, "y");
    tell(builder, stn, "theta", THETA);
    tell(builder, stn, "y", STRAIGHT);
    x = halve(builder, unit(builder, x, "reader.conv1", 1));
    x = halve(builder, unit(builder, x, "reader.conv2", 1));
    x = plugcl_graph_adaptive_avg_pool2d(builder->graph, unit(builder, x, "reader.conv3", 1), 1, 1);
    x = plugcl_graph_flatten(builder->graph, x, 1, -1);
    x = plugcl_graph_linear_layer(builder->graph, x, builder->weights, "reader.head");
    plugcl_graph_output(builder->graph, output_names[SCORES], x);
}

bool networks_build(const char *path, const struct mark *marks, size_t count, struct networks *networks)
{
    plugcl_weights *weights = NULL;
    if (!fine(plugcl_weights_open(path, &weights), "the weights"))
        return false;
    bool built = fine(plugcl_graph_create(NULL, &networks->finder), "the finder's graph") &&
                 fine(plugcl_graph_create(NULL, &networks->reader), "the reader's graph");
    if (built) {
        finder_layers(&(struct builder){ networks->finder, weights }, marks, count);
        reader_layers(&(struct builder){ networks->reader, weights });
        built =
            fine(plugcl_graph_status(networks->finder), "the finder") && fine(plugcl_graph_status(networks->reader), "the reader");
    }
    plugcl_weights_destroy(&weights); /* the graphs keep what they need */
    if (!built)
        networks_free(networks);
    return built;
}

void networks_free(struct networks *networks)
{
    plugcl_graph_destroy(&networks->finder);
    plugcl_graph_destroy(&networks->reader);
}
