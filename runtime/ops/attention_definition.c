/* SPDX-License-Identifier: Apache-2.0 */
/* attention_definition.c: attention's shapes, and what it is in primitives. */
#include "ops/attention.h"

static plugcl_status check_rank(const char *what, const char *name, const char *wanted, const plugcl_shape *shape)
{
    if (shape->rank != 3)
        return fail(PLUGCL_INVALID, "%s's %s has rank %u; it must be 3: %s", what, name, shape->rank, wanted);
    return PLUGCL_OK;
}

/* q and k, which attention and its map share. */
static plugcl_status check_affinity(const char *what, const struct plugcl_attention_params *params, const plugcl_shape *q,
                                    const plugcl_shape *k)
{
    plugcl_status status = check_rank(what, "q", "[N, queries, D]", q);
    if (status == PLUGCL_OK)
        status = check_rank(what, "k", "[N, keys, D]", k);
    if (status != PLUGCL_OK)
        return status;
    if (k->dims[0] != q->dims[0])
        return fail(PLUGCL_INVALID, "%s's k is a batch of %lld and q is a batch of %lld; they must be the same", what,
                    (long long)k->dims[0], (long long)q->dims[0]);
    if (k->dims[2] != q->dims[2])
        return fail(PLUGCL_INVALID, "%s's keys have %lld channels and its queries have %lld; they must be the same", what,
                    (long long)k->dims[2], (long long)q->dims[2]);
    if (params->mode == PLUGCL_ATTENTION_CONCATENATION && q->dims[2] != 1)
        return fail(PLUGCL_INVALID, "%s's q and k have %lld channels; by concatenation they must have 1, the projected halves",
                    what, (long long)q->dims[2]);
    return PLUGCL_OK;
}

plugcl_status attention_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const plugcl_shape *q = &inputs[ATTENTION_Q], *k = &inputs[ATTENTION_K], *v = &inputs[ATTENTION_V];
    plugcl_status status = check_affinity("attention", params, q, k);
    if (status == PLUGCL_OK)
        status = check_rank("attention", "v", "[N, keys, E]", v);
    if (status != PLUGCL_OK)
        return status;
    if (v->dims[0] != k->dims[0] || v->dims[1] != k->dims[1])
        return fail(PLUGCL_INVALID,
                    "attention's v is a batch of %lld with %lld rows; k is a batch of %lld with %lld, one for each key",
                    (long long)v->dims[0], (long long)v->dims[1], (long long)k->dims[0], (long long)k->dims[1]);
    outputs[0] = present[ATTENTION_WEIGHT] ? inputs[ATTENTION_RESIDUAL]
                                           : (plugcl_shape){ 3, { q->dims[0], q->dims[1], v->dims[2] } };
    return PLUGCL_OK;
}

plugcl_status attention_map_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const plugcl_shape *q = &inputs[ATTENTION_Q], *k = &inputs[ATTENTION_K];
    int64_t rows = present[MAP_ROWS] ? inputs[MAP_ROWS].dims[0] : q->dims[1];
    outputs[0] = (plugcl_shape){ 3, { q->dims[0], rows, k->dims[1] } };
    return check_affinity("attention_map", params, q, k);
}

static plugcl_value constant(plugcl_graph *graph, float value)
{
    return plugcl_graph_constant(graph, PLUGCL_F32, PLUGCL_SHAPE(1), &value);
}

/* [N, queries, keys] */
static plugcl_value expand_affinity(plugcl_graph *graph, const struct plugcl_attention_params *params, plugcl_value q,
                                    plugcl_value k)
{
    static const int transposed[3] = { 0, 2, 1 };
    const bool concatenates = params->mode == PLUGCL_ATTENTION_CONCATENATION;
    plugcl_shape keys = { 0 };
    plugcl_value scores =
        concatenates ? plugcl_graph_binary(graph, PLUGCL_ADD, q, plugcl_graph_transpose(graph, k, transposed, 3))
                     : plugcl_graph_matmul(graph, q, k, false, true);
    if (params->scale != 1.0f)
        scores = plugcl_graph_binary(graph, PLUGCL_MUL, scores, constant(graph, params->scale));
    if (params->mode == PLUGCL_ATTENTION_SOFTMAX)
        return plugcl_graph_softmax(graph, scores, params->softmax_over_queries ? 1 : 2);
    if (concatenates)
        scores = plugcl_graph_activation(graph, scores, PLUGCL_RELU, 0, 0);
    plugcl_graph_shape(graph, k, &keys);
    return plugcl_graph_binary(graph, PLUGCL_DIV, scores, constant(graph, (float)keys.dims[1]));
}

void attention_expand(plugcl_graph *graph, const void *params, const plugcl_value *inputs, plugcl_value *results)
{
    plugcl_value affinity = expand_affinity(graph, params, inputs[ATTENTION_Q], inputs[ATTENTION_K]);
    results[0] = plugcl_graph_matmul(graph, affinity, inputs[ATTENTION_V], false, false);
}
