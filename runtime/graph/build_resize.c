/* SPDX-License-Identifier: Apache-2.0 */
/* build_resize.c: the call that resizes. */
#include "graph/build.h"

plugcl_value plugcl_graph_resize(plugcl_graph *graph, plugcl_value x, plugcl_value like, const struct plugcl_resize_params *params)
{
    struct plugcl_resize_params own;
    take_params(graph, "plugcl_resize_params", &own, sizeof own, params);
    if ((unsigned)own.mode > PLUGCL_SAMPLE_BICUBIC)
        graph_fail(graph, fail(PLUGCL_INVALID, "resize: there is no mode %d", (int)own.mode));
    if ((unsigned)own.coordinates > PLUGCL_RESIZE_PYTORCH_HALF_PIXEL)
        graph_fail(graph, fail(PLUGCL_INVALID, "resize: there is no coordinate rule %d", (int)own.coordinates));
    if ((unsigned)own.rounding > PLUGCL_RESIZE_PREFER_CEIL)
        graph_fail(graph, fail(PLUGCL_INVALID, "resize: there is no rounding %d", (int)own.rounding));
    const plugcl_value operands[2] = { x, like };
    return has_operands(graph, "resize", operands, 1) ? add_one(graph, &operator_resize, &own, operands, 2) : no_value;
}
