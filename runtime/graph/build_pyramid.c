/* SPDX-License-Identifier: Apache-2.0 */
/* build_pyramid.c: the call that adds a pyramid. */
#include "graph/build.h"

plugcl_value plugcl_graph_pyramid(plugcl_graph *graph, plugcl_value x, const struct plugcl_pyramid_branch *branches,
                                  size_t n_branches, plugcl_value pool, plugcl_value pool_bias, plugcl_value projection,
                                  plugcl_value projection_bias, const struct plugcl_pyramid_params *params)
{
    struct plugcl_pyramid_params given;
    plugcl_value inputs[OPERATOR_MAX_INPUTS] = { x, pool, pool_bias, projection, projection_bias };
    size_t n_inputs = 5;
    take_params(graph, "plugcl_pyramid_params", &given, sizeof given, params);
    struct pyramid_params own = { .branches = (uint32_t)n_branches, .pool_first = given.pool_first, .act = given.act,
                                  .act_alpha = given.act_alpha };
    if (n_branches < 1 || n_branches > PYRAMID_MAX_BRANCHES || branches == NULL) {
        graph_fail(graph, fail(PLUGCL_INVALID, "pyramid has %zu branches; it must have 1 to %d", branches ? n_branches : 0,
                               PYRAMID_MAX_BRANCHES));
        return no_value;
    }
    if ((unsigned)given.act > PLUGCL_SQRT)
        graph_fail(graph, fail(PLUGCL_INVALID, "pyramid: there is no activation %d", (int)given.act));
    if (pool.id == 0 && pool_bias.id != 0)
        graph_fail(graph, fail(PLUGCL_INVALID, "pyramid has a pool bias without a pool weight"));
    for (size_t i = 0; i < n_branches; i++) {
        own.dilation[i] = branches[i].dilation ? branches[i].dilation : 1;
        inputs[n_inputs++] = branches[i].depthwise;
        inputs[n_inputs++] = branches[i].weight;
        inputs[n_inputs++] = branches[i].bias;
        if (!has_operands(graph, "pyramid's branch", &branches[i].weight, 1))
            return no_value;
    }
    return has_operands(graph, "pyramid's projection", &projection, 1) ? add_one(graph, &operator_pyramid, &own, inputs, n_inputs)
                                                                       : no_value;
}
