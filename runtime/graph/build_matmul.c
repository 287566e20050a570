/* SPDX-License-Identifier: Apache-2.0 */
/* build_matmul.c: the calls of <plugcl/graph.h> that add matrix products and attention. */
#include "graph/build.h"

void plugcl_graph_gemm(plugcl_graph *graph, plugcl_gemm gemm)
{
    if (!graph_is_good(graph))
        return;
    if ((unsigned)gemm > PLUGCL_GEMM_CLBLAST)
        graph_fail(graph, fail(PLUGCL_INVALID, "plugcl_graph_gemm: there is no choice %d", (int)gemm));
    else
        graph->gemm = gemm;
}

plugcl_value plugcl_graph_matmul(plugcl_graph *graph, plugcl_value a, plugcl_value b, bool transpose_a, bool transpose_b)
{
    const struct matmul_params params = { transpose_a, transpose_b };
    const plugcl_value operands[2] = { a, b };
    return has_operands(graph, "matmul", operands, 2) ? add_one(graph, &operator_matmul, &params, operands, 2) : no_value;
}

/* A caller's parameters, which may be NULL, with defaults filled in. False, with an error in the graph, for what there is not. */
static bool take_attention_params(plugcl_graph *graph, const char *what, const struct plugcl_attention_params *given,
                                  struct plugcl_attention_params *own)
{
    take_params(graph, "plugcl_attention_params", own, sizeof *own, given);
    own->scale = own->scale == 0 ? 1.0f : own->scale;
    if ((unsigned)own->mode > PLUGCL_ATTENTION_CONCATENATION)
        graph_fail(graph, fail(PLUGCL_INVALID, "%s: there is no mode %d", what, (int)own->mode));
    if (own->softmax_over_queries && own->mode != PLUGCL_ATTENTION_SOFTMAX)
        graph_fail(graph, fail(PLUGCL_INVALID, "%s: softmax_over_queries without a softmax; the mode must be softmax", what));
    return graph_is_good(graph);
}

plugcl_value plugcl_graph_attention(plugcl_graph *graph, plugcl_value q, plugcl_value k, plugcl_value v,
                                    const struct plugcl_attention_params *params)
{
    struct plugcl_attention_params own;
    const plugcl_value operands[3] = { q, k, v };
    if (!has_operands(graph, "attention", operands, 3) || !take_attention_params(graph, "attention", params, &own))
        return no_value;
    return add_one(graph, &operator_attention, &own, operands, 3);
}

plugcl_value plugcl_graph_attention_map(plugcl_graph *graph, plugcl_value q, plugcl_value k,
                                        const struct plugcl_attention_params *params, const uint32_t *queries, size_t n_queries)
{
    struct plugcl_attention_params own;
    const plugcl_shape shape = { .rank = 1, .dims = { (int64_t)n_queries } };
    const plugcl_value operands[2] = { q, k };
    if (!has_operands(graph, "attention_map", operands, 2) || !take_attention_params(graph, "attention_map", params, &own))
        return no_value;
    if (queries == NULL && n_queries == 0)
        return add_one(graph, &operator_attention_map, &own, operands, 2);
    if (queries == NULL || n_queries == 0)
        graph_fail(graph, fail(PLUGCL_INVALID, "attention_map of no queries; it needs at least one, or NULL and 0 for all"));
    for (size_t i = 0; graph_is_good(graph) && i < n_queries; i++)
        if (queries[i] > INT32_MAX)
            graph_fail(graph, fail(PLUGCL_INVALID, "attention_map of query %lu; there are at most 2147483648",
                                   (unsigned long)queries[i]));
    /* The bits of an int that is not negative are those of the uint32_t. */
    plugcl_value rows = graph_is_good(graph) ? plugcl_graph_constant(graph, PLUGCL_I32, &shape, queries) : no_value;
    return add_one(graph, &operator_attention_map, &own, (plugcl_value[]){ q, k, rows }, 3);
}
