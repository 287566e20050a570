/* SPDX-License-Identifier: Apache-2.0 */
/* build_norm.c: the calls of <plugcl/graph.h> that normalise by the input's own statistics. */
#include "graph/build.h"

plugcl_value plugcl_graph_layer_norm(plugcl_graph *graph, plugcl_value x, uint32_t n_axes, plugcl_value weight, plugcl_value bias,
                                     float eps)
{
    struct layer_norm_params params = { n_axes, eps };
    return add_one(graph, &operator_layer_norm, &params, (plugcl_value[]){ x, weight, bias }, 3);
}

plugcl_value plugcl_graph_group_norm(plugcl_graph *graph, plugcl_value x, uint32_t groups, plugcl_value weight, plugcl_value bias,
                                     float eps)
{
    struct group_norm_params params = { groups, eps };
    if (groups == 0)
        graph_fail(graph, fail(PLUGCL_INVALID, "group_norm of 0 groups; it needs at least 1"));
    return add_one(graph, &operator_group_norm, &params, (plugcl_value[]){ x, weight, bias }, 3);
}

plugcl_value plugcl_graph_instance_norm(plugcl_graph *graph, plugcl_value x, plugcl_value weight, plugcl_value bias, float eps)
{
    struct group_norm_params params = { 0, eps };
    return add_one(graph, &operator_group_norm, &params, (plugcl_value[]){ x, weight, bias }, 3);
}
