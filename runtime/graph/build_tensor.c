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
