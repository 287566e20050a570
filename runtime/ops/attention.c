/* SPDX-License-Identifier: Apache-2.0 */
/* attention.c: the affinity of queries and keys times values. */
#include "ops/attention.h"

void attention_of(const struct operator_call *call, struct attention *attention)
{
    *attention = (struct attention){ .params = call->params, .q = call->inputs[ATTENTION_Q], .k = call->inputs[ATTENTION_K],
                                     .y = call->outputs[0] };
    attention->images = attention->q.shape.dims[0];
    attention->queries = attention->q.shape.dims[1];
    attention->depth = attention->q.shape.dims[2];
    attention->keys = attention->k.shape.dims[1];
    if (call->info == &operator_attention) {
        attention->v = call->inputs[ATTENTION_V];
        attention->columns = attention->v.shape.dims[2];
    }
}

static plugcl_status plan_blocks(struct schedule *schedule, const struct operator_call *call)
{
    struct attention attention;
    attention_of(call, &attention);
    return attention_plan_blocks(schedule, &attention, NULL);
}

static uint64_t attention_flops(const struct operator_call *call)
{
    struct attention attention;
    attention_of(call, &attention);
    return 2 * (uint64_t)(attention.images * attention.queries * attention.keys) *
           (uint64_t)(attention.depth + attention.columns);
}

static const struct variant variants[] = {
    { "blocks", variant_always, NULL, plan_blocks },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_attention = {
    .name = "attention",
    .params_size = sizeof(struct plugcl_attention_params),
    .shape = attention_shape,
    .layout = OUTPUT_ROW_MAJOR,
    .variants = variants,
    .flops = attention_flops,
    .expand = attention_expand,
};
