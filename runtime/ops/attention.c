/* SPDX-License-Identifier: Apache-2.0 */
/* attention.c: the affinity of queries and keys times values. */
#include "ops/attention.h"
#include "ops/product.h"

void attention_of(const struct operator_call *call, struct attention *attention)
{
    *attention = (struct attention){ .params = call->params, .q = call->inputs[ATTENTION_Q], .k = call->inputs[ATTENTION_K],
                                     .y = call->outputs[0], .gemm = call->gemm, .tile = call->tile };
    attention->images = attention->q.shape.dims[0];
    attention->queries = attention->q.shape.dims[1];
    attention->depth = attention->q.shape.dims[2];
    attention->keys = attention->k.shape.dims[1];
    if (call->info == &operator_attention) {
        attention->v = call->inputs[ATTENTION_V];
        attention->columns = attention->v.shape.dims[2];
        attention->weight = call->inputs[ATTENTION_WEIGHT];
        attention->bias = call->inputs[ATTENTION_BIAS];
        attention->residual = call->inputs[ATTENTION_RESIDUAL];
    }
}

float attention_factor(const struct attention *attention)
{
    const struct plugcl_attention_params *params = attention->params;
    return params->mode == PLUGCL_ATTENTION_SOFTMAX ? params->scale * ATTENTION_LOG2_E : params->scale / (float)attention->keys;
}

static plugcl_status plan_blocks(struct schedule *schedule, const struct operator_call *call)
{
    struct attention attention;
    attention_of(call, &attention);
    return attention_plan_projection(schedule, &attention, attention_plan_blocks);
}

/* Blocks whose products are CLBlast's. */
static bool can_take_products(const struct device_caps *caps, const struct operator_call *call)
{
    struct attention attention;
    attention_of(call, &attention);
    return caps->has_clblast && call->gemm != PLUGCL_GEMM_OWN && attention.images <= PRODUCT_MAX_IMAGES &&
           attention.depth > 0 && product_fits(&attention.q) && product_fits(&attention.k) && product_fits(&attention.v) &&
           (attention.weight.present || product_fits(&attention.y));
}

static bool prefers_products(const struct device_caps *caps, const struct operator_call *call)
{
    struct attention attention;
    attention_of(call, &attention);
    return product_is_preferred(caps, call, (double)attention.queries * (double)attention.keys * (double)attention.columns);
}

static plugcl_status plan_products(struct schedule *schedule, const struct operator_call *call)
{
    struct attention attention;
    attention_of(call, &attention);
    attention.gemm = PLUGCL_GEMM_CLBLAST;
    return attention_plan_projection(schedule, &attention, attention_plan_blocks);
}

static bool can_run_cpu(const struct device_caps *caps, const struct operator_call *call)
{
    struct attention attention;
    attention_of(call, &attention);
    return attention_cpu_can_run(caps, &attention);
}

static plugcl_status plan_cpu(struct schedule *schedule, const struct operator_call *call)
{
    struct attention attention;
    attention_of(call, &attention);
    return attention_cpu_can_project(&attention) ? attention_plan_cpu(schedule, &attention)
                                                 : attention_plan_projection(schedule, &attention, attention_plan_cpu);
}

static bool can_run_gpu(const struct device_caps *caps, const struct operator_call *call)
{
    struct attention attention;
    attention_of(call, &attention);
    return attention_gpu_can_run(caps, &attention);
}

static bool prefers_gpu(const struct device_caps *caps, const struct operator_call *call)
{
    (void)call;
    return caps->fast_local_memory;
}

static plugcl_status plan_gpu(struct schedule *schedule, const struct operator_call *call)
{
    struct attention attention;
    attention_of(call, &attention);
    return attention_plan_projection(schedule, &attention, attention_plan_gpu);
}

static bool can_reorder(const struct device_caps *caps, const struct operator_call *call)
{
    (void)caps;
    return ((const struct plugcl_attention_params *)call->params)->mode == PLUGCL_ATTENTION_DOT_PRODUCT;
}

static bool prefers_reordered(const struct device_caps *caps, const struct operator_call *call)
{
    struct attention attention;
    (void)caps;
    attention_of(call, &attention);
    double depth = (double)attention.depth, columns = (double)attention.columns;
    double queries = (double)attention.queries, keys = (double)attention.keys;
    return depth * columns * (queries + keys) < queries * keys * (depth + columns);
}

static plugcl_status plan_reordered(struct schedule *schedule, const struct operator_call *call)
{
    struct attention attention;
    attention_of(call, &attention);
    return attention_plan_projection(schedule, &attention, attention_plan_reordered);
}

static uint64_t attention_flops(const struct operator_call *call)
{
    struct attention attention;
    attention_of(call, &attention);
    const int64_t outputs = attention.weight.present ? attention.weight.shape.dims[0] : 0;
    return 2 * (uint64_t)(attention.images * attention.queries) *
           (uint64_t)(attention.keys * (attention.depth + attention.columns) + attention.columns * outputs);
}

static enum operand_need attention_need(const struct operator_call *call, size_t input)
{
    (void)call;
    return input == ATTENTION_WEIGHT || input == ATTENTION_BIAS ? NEED_ROW_MAJOR : NEED_NOTHING;
}

static bool attention_tile(const struct variant *variant, const struct device_caps *caps, const struct operator_call *call,
                           uint32_t number, char name[TILE_NAME])
{
    struct attention attention;
    attention_of(call, &attention);
    return variant->plan == plan_gpu && attention_gpu_tile(caps, &attention, number, name);
}

static const struct variant variants[] = {
    { "reordered", can_reorder, prefers_reordered, plan_reordered },
    { CLBLAST_ROW, can_take_products, prefers_products, plan_products },
    { "cpu_tiled", can_run_cpu, NULL, plan_cpu },
    { "gpu_tiled", can_run_gpu, prefers_gpu, plan_gpu },
    { "blocks", variant_always, NULL, plan_blocks },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_attention = {
    .name = "attention",
    .params_size = sizeof(struct plugcl_attention_params),
    .shape = attention_shape,
    .need = attention_need,
    .layout = OUTPUT_LIKE_RESIDUAL,
    .residual_input = ATTENTION_RESIDUAL,
    .variants = variants,
    .tile = attention_tile,
    .flops = attention_flops,
    .expand = attention_expand,
};
