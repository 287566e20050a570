/* SPDX-License-Identifier: Apache-2.0 */
/* build_convolution.c: the calls of <plugcl/graph.h> that add convolutions. */
#include "graph/build.h"

static void one_where_zero(uint32_t *sizes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sizes[i] = sizes[i] ? sizes[i] : 1;
}

static struct plugcl_conv2d_params take_conv2d_params(plugcl_graph *graph, const struct plugcl_conv2d_params *params)
{
    struct plugcl_conv2d_params own;
    take_params(graph, "plugcl_conv2d_params", &own, sizeof own, params);
    one_where_zero(own.stride, 2);
    one_where_zero(own.dilation, 2);
    one_where_zero(&own.groups, 1);
    return own;
}

plugcl_value plugcl_graph_conv2d(plugcl_graph *graph, plugcl_value x, plugcl_value weight, plugcl_value bias,
                                 const struct plugcl_conv2d_params *params)
{
    struct plugcl_conv2d_params own = take_conv2d_params(graph, params);
    return add_one(graph, &operator_conv2d, &own, (plugcl_value[]){ x, weight, bias }, 3);
}

plugcl_value plugcl_graph_conv2d_layer(plugcl_graph *graph, plugcl_value x, plugcl_weights *weights, const char *layer,
                                       const struct plugcl_conv2d_params *params)
{
    char *outer = begin_layer(graph, layer);
    plugcl_value weight = layer_value(graph, weights, layer, "weight", false);
    plugcl_value y = plugcl_graph_conv2d(graph, x, weight, layer_value(graph, weights, layer, "bias", true), params);
    return end_layer(graph, outer, y);
}

plugcl_value plugcl_graph_conv_transpose2d(plugcl_graph *graph, plugcl_value x, plugcl_value weight, plugcl_value bias,
                                           const struct plugcl_conv_transpose2d_params *params)
{
    struct plugcl_conv_transpose2d_params own;
    take_params(graph, "plugcl_conv_transpose2d_params", &own, sizeof own, params);
    one_where_zero(own.stride, 2);
    one_where_zero(own.dilation, 2);
    one_where_zero(&own.groups, 1);
    return add_one(graph, &operator_conv_transpose2d, &own, (plugcl_value[]){ x, weight, bias }, 3);
}

plugcl_value plugcl_graph_conv_transpose2d_layer(plugcl_graph *graph, plugcl_value x, plugcl_weights *weights,
                                                 const char *layer, const struct plugcl_conv_transpose2d_params *params)
{
    char *outer = begin_layer(graph, layer);
    plugcl_value weight = layer_value(graph, weights, layer, "weight", false);
    plugcl_value y = plugcl_graph_conv_transpose2d(graph, x, weight, layer_value(graph, weights, layer, "bias", true), params);
    return end_layer(graph, outer, y);
}

plugcl_value plugcl_graph_deform_conv2d(plugcl_graph *graph, plugcl_value x, plugcl_value offset, plugcl_value mask,
                                        plugcl_value weight, plugcl_value bias, const struct plugcl_conv2d_params *params)
{
    struct plugcl_conv2d_params own = take_conv2d_params(graph, params);
    return add_one(graph, &operator_deform_conv2d, &own, (plugcl_value[]){ x, weight, bias, offset, mask }, 5);
}
