/* SPDX-License-Identifier: Apache-2.0 */
/* channel_gate_definition.c: the channel gate's shapes, and what it is in primitives. */
#include "ops/channel_gate.h"

int channel_gate_pools(uint32_t pools)
{
    int count = 0;
    for (; pools != 0; pools >>= 1)
        count += pools & 1;
    return count;
}

static plugcl_status check_layer(const char *name, const plugcl_shape *shape, int64_t rows, int64_t columns)
{
    bool is_linear = shape->rank == 2 || (shape->rank == 4 && shape->dims[2] == 1 && shape->dims[3] == 1);
    if (!is_linear)
        return fail(PLUGCL_INVALID, "channel_gate's %s weight has rank %u; it must be [out, in] or [out, in, 1, 1]", name,
                    shape->rank);
    if ((rows >= 0 && shape->dims[0] != rows) || shape->dims[1] != columns || shape->dims[0] < 1)
        return fail(PLUGCL_INVALID, "channel_gate's %s weight is [%lld, %lld]; it must be [%s%lld, %lld]", name,
                    (long long)shape->dims[0],
                    (long long)shape->dims[1], rows < 0 ? "hidden ≥ " : "", (long long)(rows < 0 ? 1 : rows), (long long)columns);
    return PLUGCL_OK;
}

static plugcl_status check_bias(const char *name, const plugcl_shape *shape, int64_t elements)
{
    if (shape->rank != 1 || shape->dims[0] != elements)
        return fail(PLUGCL_INVALID, "channel_gate's %s bias has %lld elements and rank %u; it must be [%lld]", name,
                    (long long)plugcl_shape_elements(shape), shape->rank, (long long)elements);
    return PLUGCL_OK;
}

plugcl_status channel_gate_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const plugcl_shape *x = &inputs[X];
    const struct plugcl_channel_gate_params *gate = params;
    if (gate->pools > 15)
        return fail(PLUGCL_INVALID, "channel_gate's pools are 0x%x; they must be bits of plugcl_gate_pool", (unsigned)gate->pools);
    if (x->rank != 4)
        return fail(PLUGCL_INVALID, "channel_gate's x has rank %u; it must be 4: [N, C, H, W]", x->rank);
    if (x->dims[1] < 1 || x->dims[2] < 1 || x->dims[3] < 1)
        return fail(PLUGCL_INVALID, "channel_gate's x has %lld channels of %lld x %lld pixels; all must be at least 1",
                    (long long)x->dims[1], (long long)x->dims[2], (long long)x->dims[3]);
    if (!present[SECOND])
        return fail(PLUGCL_INVALID, "channel_gate needs a second weight [C, hidden]");
    if (!present[FIRST] && present[FIRST_BIAS])
        return fail(PLUGCL_INVALID, "channel_gate has a first bias without a first weight");
    int64_t hidden = present[FIRST] ? inputs[FIRST].dims[0] : x->dims[1];
    plugcl_status status = present[FIRST] ? check_layer("first", &inputs[FIRST], -1, x->dims[1]) : PLUGCL_OK;
    if (status == PLUGCL_OK)
        status = check_layer("second", &inputs[SECOND], x->dims[1], hidden);
    if (status == PLUGCL_OK && present[FIRST_BIAS])
        status = check_bias("first", &inputs[FIRST_BIAS], hidden);
    if (status == PLUGCL_OK && present[SECOND_BIAS])
        status = check_bias("second", &inputs[SECOND_BIAS], x->dims[1]);
    outputs[0] = *x;
    outputs[1] = (plugcl_shape){ 4, { x->dims[0], x->dims[1], 1, 1 } };
    return status;
}

static plugcl_value expand_pool(plugcl_graph *graph, plugcl_value x, uint32_t pool)
{
    static const int pixels[2] = { 2, 3 };
    if (pool == PLUGCL_POOL_AVG)
        return plugcl_graph_adaptive_avg_pool2d(graph, x, 1, 1);
    if (pool == PLUGCL_POOL_MAX)
        return plugcl_graph_adaptive_max_pool2d(graph, x, 1, 1);
    if (pool == PLUGCL_POOL_LP) {
        plugcl_value squares = plugcl_graph_binary(graph, PLUGCL_MUL, x, x);
        plugcl_value sum = plugcl_graph_reduce(graph, PLUGCL_REDUCE_SUM, squares, pixels, 2, true);
        return plugcl_graph_activation(graph, sum, PLUGCL_SQRT, 0, 0);
    }
    plugcl_value most = plugcl_graph_reduce(graph, PLUGCL_REDUCE_MAX, x, pixels, 2, true);
    plugcl_value powers = plugcl_graph_activation(graph, plugcl_graph_binary(graph, PLUGCL_SUB, x, most), PLUGCL_EXP, 0, 0);
    plugcl_value sum = plugcl_graph_reduce(graph, PLUGCL_REDUCE_SUM, powers, pixels, 2, true);
    return plugcl_graph_binary(graph, PLUGCL_ADD, most, plugcl_graph_activation(graph, sum, PLUGCL_LOG, 0, 0));
}

static plugcl_value expand_mlp(plugcl_graph *graph, plugcl_value pooled, const struct plugcl_channel_gate_params *params,
                               const plugcl_value *inputs)
{
    plugcl_value flat = plugcl_graph_flatten(graph, pooled, 1, -1);
    if (inputs[FIRST].id != 0) {
        flat = plugcl_graph_linear(graph, flat, inputs[FIRST], inputs[FIRST_BIAS]);
        flat = plugcl_graph_activation(graph, flat, params->act, params->act_alpha, 0);
    }
    return plugcl_graph_linear(graph, flat, inputs[SECOND], inputs[SECOND_BIAS]);
}

static plugcl_value add_or_take(plugcl_graph *graph, plugcl_value sum, plugcl_value term)
{
    return sum.id == 0 ? term : plugcl_graph_binary(graph, PLUGCL_ADD, sum, term);
}

void channel_gate_expand(plugcl_graph *graph, const void *parameters, const plugcl_value *inputs, plugcl_value *results)
{
    const struct plugcl_channel_gate_params *params = parameters;
    uint32_t pools = params->pools ? params->pools : PLUGCL_POOL_AVG;
    float share = 1.0f / (float)channel_gate_pools(pools);
    plugcl_value sum = { 0 };
    for (uint32_t pool = PLUGCL_POOL_AVG; pool <= PLUGCL_POOL_LSE; pool <<= 1) {
        if ((pools & pool) == 0)
            continue;
        plugcl_value pooled = expand_pool(graph, inputs[X], pool);
        sum = add_or_take(graph, sum, params->average_pools ? pooled : expand_mlp(graph, pooled, params, inputs));
    }
    if (params->average_pools) {
        if (share != 1.0f)
            sum = plugcl_graph_binary(graph, PLUGCL_MUL, sum, plugcl_graph_constant(graph, PLUGCL_F32, PLUGCL_SHAPE(1), &share));
        sum = expand_mlp(graph, sum, params, inputs);
    }
    plugcl_value gate = plugcl_graph_activation(graph, sum, params->hard_gate ? PLUGCL_HARD_SIGMOID : PLUGCL_SIGMOID,
                                                params->gate_alpha, params->gate_beta);
    results[1] = plugcl_graph_reshape(graph, gate, PLUGCL_SHAPE(0, 0, 1, 1));
    results[0] = plugcl_graph_binary(graph, PLUGCL_MUL, inputs[X], results[1]);
}
