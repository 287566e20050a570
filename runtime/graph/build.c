/* SPDX-License-Identifier: Apache-2.0 */
/* build.c: the calls of <plugcl/graph.h> that add operators. */
#include <math.h>

#include "graph/build.h"

plugcl_value plugcl_graph_activation(plugcl_graph *graph, plugcl_value x, plugcl_activation kind, float alpha, float beta)
{
    struct activation_params params = { kind, alpha, beta };
    if ((unsigned)kind > PLUGCL_CLIP)
        graph_fail(graph, fail(PLUGCL_INVALID, "there is no activation %d", (int)kind));
    if (kind == PLUGCL_CLIP && (isnan(alpha) || isnan(beta)))
        graph_fail(graph, fail(PLUGCL_INVALID, "clip's limits are %g and %g; each must be a number or an infinity", (double)alpha,
                               (double)beta));
    return add_one(graph, &operator_activation, &params, &x, 1);
}

plugcl_value plugcl_graph_prelu(plugcl_graph *graph, plugcl_value x, plugcl_value slope)
{
    const plugcl_value operands[2] = { x, slope };
    return has_operands(graph, "prelu", operands, 2) ? add_one(graph, &operator_prelu, NULL, operands, 2) : no_value;
}

plugcl_value plugcl_graph_binary(plugcl_graph *graph, plugcl_binary kind, plugcl_value a, plugcl_value b)
{
    struct binary_params params = { kind };
    if ((unsigned)kind > PLUGCL_POW)
        graph_fail(graph, fail(PLUGCL_INVALID, "there is no binary operator %d", (int)kind));
    const plugcl_value operands[2] = { a, b };
    return has_operands(graph, "binary", operands, 2) ? add_one(graph, &operator_binary, &params, operands, 2) : no_value;
}

plugcl_value plugcl_graph_linear(plugcl_graph *graph, plugcl_value x, plugcl_value weight, plugcl_value bias)
{
    return add_one(graph, &operator_linear, NULL, (plugcl_value[]){ x, weight, bias }, 3);
}

plugcl_value plugcl_graph_linear_layer(plugcl_graph *graph, plugcl_value x, plugcl_weights *weights, const char *layer)
{
    char *outer = begin_layer(graph, layer);
    plugcl_value weight = layer_value(graph, weights, layer, "weight", false);
    plugcl_value y = plugcl_graph_linear(graph, x, weight, layer_value(graph, weights, layer, "bias", true));
    return end_layer(graph, outer, y);
}

plugcl_value plugcl_graph_batch_norm(plugcl_graph *graph, plugcl_value x, plugcl_value mean, plugcl_value variance,
                                     plugcl_value weight, plugcl_value bias, float eps)
{
    struct batch_norm_params params = { eps };
    return add_one(graph, &operator_batch_norm, &params, (plugcl_value[]){ x, mean, variance, weight, bias }, 5);
}

plugcl_value plugcl_graph_batch_norm_layer(plugcl_graph *graph, plugcl_value x, plugcl_weights *weights, const char *layer,
                                           float eps)
{
    char *outer = begin_layer(graph, layer);
    plugcl_value mean = layer_value(graph, weights, layer, "running_mean", false);
    plugcl_value variance = layer_value(graph, weights, layer, "running_var", false);
    plugcl_value weight = layer_value(graph, weights, layer, "weight", true);
    plugcl_value y =
        plugcl_graph_batch_norm(graph, x, mean, variance, weight, layer_value(graph, weights, layer, "bias", true), eps);
    return end_layer(graph, outer, y);
}

static plugcl_value add_pool2d(plugcl_graph *graph, plugcl_value x, const struct plugcl_pool2d_params *params, bool is_max)
{
    struct pool2d_params own = { .is_max = is_max };
    take_params(graph, "plugcl_pool2d_params", &own.window, sizeof own.window, params);
    for (int i = 0; i < 2; i++) {
        own.window.stride[i] = own.window.stride[i] ? own.window.stride[i] : own.window.kernel[i];
        own.window.dilation[i] = own.window.dilation[i] ? own.window.dilation[i] : 1;
    }
    return add_one(graph, &operator_pool2d, &own, &x, 1);
}

plugcl_value plugcl_graph_max_pool2d(plugcl_graph *graph, plugcl_value x, const struct plugcl_pool2d_params *params)
{
    return add_pool2d(graph, x, params, true);
}

plugcl_value plugcl_graph_avg_pool2d(plugcl_graph *graph, plugcl_value x, const struct plugcl_pool2d_params *params)
{
    return add_pool2d(graph, x, params, false);
}

plugcl_value plugcl_graph_adaptive_avg_pool2d(plugcl_graph *graph, plugcl_value x, uint32_t height, uint32_t width)
{
    struct adaptive_pool2d_params params = { false, height, width };
    return add_one(graph, &operator_adaptive_pool2d, &params, &x, 1);
}

plugcl_value plugcl_graph_adaptive_max_pool2d(plugcl_graph *graph, plugcl_value x, uint32_t height, uint32_t width)
{
    struct adaptive_pool2d_params params = { true, height, width };
    return add_one(graph, &operator_adaptive_pool2d, &params, &x, 1);
}

plugcl_value plugcl_graph_concat(plugcl_graph *graph, const plugcl_value *values, size_t n_values, int axis)
{
    if (n_values == 0 || values == NULL) {
        graph_fail(graph, fail(PLUGCL_INVALID, "concat of no values; it needs at least one"));
        return no_value;
    }
    int from_front = has_operands(graph, "concat", values, n_values) ? axis_of(graph, values[0], axis, "concat") : -1;
    if (from_front < 0)
        return no_value;
    /* A node takes so many operands; longer lists are chains. */
    struct axis_params params = { (uint32_t)from_front };
    plugcl_value inputs[OPERATOR_MAX_INPUTS];
    size_t used = 0;
    for (size_t i = 0; i < n_values; i++) {
        inputs[used++] = values[i];
        if (used == OPERATOR_MAX_INPUTS && i + 1 < n_values) {
            inputs[0] = add_one(graph, &operator_concat, &params, inputs, used);
            used = 1;
        }
    }
    return add_one(graph, &operator_concat, &params, inputs, used);
}

plugcl_value plugcl_graph_reshape(plugcl_graph *graph, plugcl_value x, const plugcl_shape *shape)
{
    struct reshape_params params = { .is_flatten = false };
    if (shape == NULL || shape->rank > PLUGCL_MAX_RANK) {
        graph_fail(graph, fail(PLUGCL_INVALID, "reshape needs a shape of rank 0 to %d", PLUGCL_MAX_RANK));
        return no_value;
    }
    params.shape = *shape;
    return add_one(graph, &operator_reshape, &params, &x, 1);
}

plugcl_value plugcl_graph_reshape_as(plugcl_graph *graph, plugcl_value x, plugcl_value like)
{
    const struct reshape_params params = { .is_flatten = false };
    const plugcl_value operands[2] = { x, like };
    return has_operands(graph, "reshape_as", operands, 2) ? add_one(graph, &operator_reshape, &params, operands, 2) : no_value;
}

plugcl_value plugcl_graph_flatten(plugcl_graph *graph, plugcl_value x, int start, int end)
{
    int first = axis_of(graph, x, start, "flatten"), last = axis_of(graph, x, end, "flatten");
    struct reshape_params params = { .is_flatten = true, .start = first, .end = last };
    return first < 0 || last < 0 ? no_value : add_one(graph, &operator_reshape, &params, &x, 1);
}

plugcl_value plugcl_graph_transpose(plugcl_graph *graph, plugcl_value x, const int *order, size_t rank)
{
    struct transpose_params params = { { 0 } };
    bool used[PLUGCL_MAX_RANK] = { false };
    if (rank_of(graph, x) < 0)
        return no_value;
    bool fits = (order != NULL || rank == 0) && (int)rank == rank_of(graph, x);
    for (size_t i = 0; fits && i < rank; i++) {
        fits = order[i] >= 0 && order[i] < (int)rank && !used[order[i]];
        if (fits)
            used[params.order[i] = (uint32_t)order[i]] = true;
    }
    if (!fits) {
        graph_fail(graph, fail(PLUGCL_INVALID, "transpose: the order must name each of the %d axes once", rank_of(graph, x)));
        return no_value;
    }
    return add_one(graph, &operator_transpose, &params, &x, 1);
}

plugcl_value plugcl_graph_softmax(plugcl_graph *graph, plugcl_value x, int axis)
{
    int from_front = axis_of(graph, x, axis, "softmax");
    struct axis_params params = { (uint32_t)from_front };
    return from_front < 0 ? no_value : add_one(graph, &operator_softmax, &params, &x, 1);
}

plugcl_value plugcl_graph_reduce(plugcl_graph *graph, plugcl_reduce kind, plugcl_value x, const int *axes, size_t n_axes,
                                 bool keep_dimensions)
{
    struct reduce_params params = { .kind = kind, .keep_dimensions = keep_dimensions };
    int rank = has_axes(graph, "reduce", axes, n_axes) ? rank_of(graph, x) : -1;
    for (int i = 0; n_axes == 0 && i < rank; i++)
        params.axes[i] = true;
    for (size_t i = 0; rank >= 0 && i < n_axes; i++) {
        int axis = axis_of(graph, x, axes[i], "reduce");
        if (axis >= 0 && params.axes[axis])
            graph_fail(graph, fail(PLUGCL_INVALID, "reduce: axis %d is named twice", axis));
        if (axis < 0 || params.axes[axis])
            return no_value;
        params.axes[axis] = true;
    }
    return rank < 0 ? no_value : add_one(graph, &operator_reduce, &params, &x, 1);
}

plugcl_value plugcl_graph_channel_gate(plugcl_graph *graph, plugcl_value x, plugcl_value first, plugcl_value first_bias,
                                       plugcl_value second, plugcl_value second_bias,
                                       const struct plugcl_channel_gate_params *params, plugcl_value *gate)
{
    struct plugcl_channel_gate_params own;
    plugcl_value results[2];
    take_params(graph, "plugcl_channel_gate_params", &own, sizeof own, params);
    own.pools = own.pools ? own.pools : PLUGCL_POOL_AVG;
    if ((unsigned)own.act > PLUGCL_SQRT)
        graph_fail(graph, fail(PLUGCL_INVALID, "channel_gate takes no activation %d; it takes those up to sqrt, %d", (int)own.act,
                               PLUGCL_SQRT));
    graph_add(graph, &operator_channel_gate, &own, (plugcl_value[]){ x, first, first_bias, second, second_bias }, 5, 2, results);
    if (gate != NULL)
        *gate = results[1];
    return results[0];
}

plugcl_value plugcl_graph_spatial_gate(plugcl_graph *graph, plugcl_value x, plugcl_value weight, plugcl_value bias,
                                       const struct plugcl_spatial_gate_params *params, plugcl_value *gate)
{
    struct plugcl_spatial_gate_params own;
    plugcl_value results[2];
    take_params(graph, "plugcl_spatial_gate_params", &own, sizeof own, params);
    graph_add(graph, &operator_spatial_gate, &own, (plugcl_value[]){ x, weight, bias }, 3, 2, results);
    if (gate != NULL)
        *gate = results[1];
    return results[0];
}

void plugcl_graph_fold_batch_norm(plugcl_graph *graph, plugcl_value *weight, plugcl_value *bias, plugcl_weights *weights,
                                  const char *layer, float eps)
{
    struct batch_norm_constants norm = { .eps = eps };
    norm.mean = constant_of(graph, layer_value(graph, weights, layer, "running_mean", false));
    norm.variance = constant_of(graph, layer_value(graph, weights, layer, "running_var", false));
    norm.weight = constant_of(graph, layer_value(graph, weights, layer, "weight", true));
    norm.bias = constant_of(graph, layer_value(graph, weights, layer, "bias", true));
    if (graph_is_good(graph) && constant_of(graph, *weight) == NULL)
        graph_fail(graph, fail(PLUGCL_INVALID, "%s: batch norm folds into a constant weight only", layer));
    if (!graph_is_good(graph))
        return;
    struct constant *folded_weight = NULL, *folded_bias = NULL;
    graph_fail(graph, fold_batch_norm(&norm, constant_of(graph, *weight), constant_of(graph, *bias), &folded_weight, &folded_bias));
    *weight = graph_add_constant(graph, folded_weight);
    *bias = graph_add_constant(graph, folded_bias);
}
