/* SPDX-License-Identifier: Apache-2.0 */
/* build_sample.c: the calls of <plugcl/graph.h> that add affine grids and sampling. */
#include "graph/build.h"

/* A caller's parameters, which may be NULL. False, with an error in the graph, for values that there are not. */
static bool take_sample_params(plugcl_graph *graph, const char *what, const struct plugcl_sample_params *given,
                               struct sample_params *own)
{
    struct plugcl_sample_params params;
    take_params(graph, "plugcl_sample_params", &params, sizeof params, given);
    if ((unsigned)params.mode > PLUGCL_SAMPLE_BICUBIC)
        graph_fail(graph, fail(PLUGCL_INVALID, "%s: there is no mode %d", what, (int)params.mode));
    if ((unsigned)params.padding > PLUGCL_SAMPLE_REFLECTION)
        graph_fail(graph, fail(PLUGCL_INVALID, "%s: there is no padding %d", what, (int)params.padding));
    *own = (struct sample_params){ params.mode, params.padding, params.align_corners, { 0, 0 } };
    return graph_is_good(graph);
}

plugcl_value plugcl_graph_affine_grid(plugcl_graph *graph, plugcl_value theta, plugcl_value x, uint32_t height, uint32_t width,
                                      bool align_corners)
{
    struct sample_params params = { .align_corners = align_corners, .size = { height, width } };
    const plugcl_value operands[2] = { theta, x };
    return has_operands(graph, "affine_grid", operands, 1) ? add_one(graph, &operator_affine_grid, &params, operands, 2) : no_value;
}

plugcl_value plugcl_graph_grid_sample(plugcl_graph *graph, plugcl_value x, plugcl_value grid,
                                      const struct plugcl_sample_params *params)
{
    struct sample_params own;
    const plugcl_value operands[2] = { x, grid };
    if (!has_operands(graph, "grid_sample", operands, 2) || !take_sample_params(graph, "grid_sample", params, &own))
        return no_value;
    return add_one(graph, &operator_grid_sample, &own, operands, 2);
}

plugcl_value plugcl_graph_warp(plugcl_graph *graph, plugcl_value x, plugcl_value theta, uint32_t height, uint32_t width,
                               const struct plugcl_sample_params *params)
{
    struct sample_params own;
    const plugcl_value operands[2] = { x, theta };
    if (!has_operands(graph, "warp", operands, 2) || !take_sample_params(graph, "warp", params, &own))
        return no_value;
    own.size[0] = height;
    own.size[1] = width;
    return add_one(graph, &operator_warp, &own, operands, 2);
}
