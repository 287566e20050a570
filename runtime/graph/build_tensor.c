/* SPDX-License-Identifier: Apache-2.0 */
/* build_tensor.c: the calls of <plugcl/graph.h> that compare, choose, convert and rearrange elements. */
#include "graph/build.h"

plugcl_value plugcl_graph_cast(plugcl_graph *graph, plugcl_value x, plugcl_dtype dtype)
{
    struct cast_params params = { dtype };
    return add_one(graph, &operator_cast, &params, &x, 1);
}
