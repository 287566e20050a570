/* SPDX-License-Identifier: Apache-2.0 */
/* build_tensor.c: the calls of <plugcl/graph.h> that compare, choose, convert and rearrange elements. */
#include "graph/build.h"

plugcl_value plugcl_graph_compare(plugcl_graph *graph, plugcl_comparison kind, plugcl_value a, plugcl_value b)
{
    struct compare_params params = { kind };
    const plugcl_value operands[2] = { a, b };
    return has_operands(graph, "compare", operands, 2) ? add_one(graph, &operator_compare, &params, operands, 2) : no_value;
}

plugcl_value plugcl_graph_where(plugcl_graph *graph, plugcl_value chooser, plugcl_value a, plugcl_value b)
{
    const plugcl_value operands[3] = { chooser, a, b };
    return has_operands(graph, "where", operands, 3) ? add_one(graph, &operator_where, NULL, operands, 3) : no_value;
}

plugcl_value plugcl_graph_cast(plugcl_graph *graph, plugcl_value x, plugcl_dtype dtype)
{
    struct cast_params params = { dtype };
    return add_one(graph, &operator_cast, &params, &x, 1);
}

plugcl_value plugcl_graph_pad(plugcl_graph *graph, plugcl_value x, const struct plugcl_pad_params *params)
{
    struct plugcl_pad_params own;
    take_params(graph, "plugcl_pad_params", &own, sizeof own, params);
    return add_one(graph, &operator_pad, &own, &x, 1);
}

plugcl_value plugcl_graph_gather(plugcl_graph *graph, plugcl_value x, plugcl_value indices, int axis)
{
    const plugcl_value operands[2] = { x, indices };
    int from_front = has_operands(graph, "gather", operands, 2) ? axis_of(graph, x, axis, "gather") : -1;
    struct axis_params params = { (uint32_t)from_front };
    return from_front < 0 ? no_value : add_one(graph, &operator_gather, &params, operands, 2);
}
