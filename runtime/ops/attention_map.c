/* SPDX-License-Identifier: Apache-2.0 */
/* attention_map.c: rows of attention's affinity for chosen queries, as a picture of what they attend to. */
#include <string.h>

#include "ops/attention.h"

static plugcl_status map_dtype(const void *params, const plugcl_dtype *inputs, const bool *present, plugcl_dtype *outputs)
{
    (void)params;
    (void)present;
    if (inputs[ATTENTION_Q] != PLUGCL_F32 || inputs[ATTENTION_K] != PLUGCL_F32)
        return fail(PLUGCL_INVALID, "attention_map's q is %s and its k is %s; both must be f32",
                    plugcl_dtype_name(inputs[ATTENTION_Q]), plugcl_dtype_name(inputs[ATTENTION_K]));
    outputs[0] = PLUGCL_F32;
    return PLUGCL_OK;
}

/* The chosen queries are a constant, which knows more than a shape rule. */
static plugcl_status check_queries(const struct operand *rows, int64_t queries)
{
    for (int64_t i = 0; rows->present && i < rows->shape.dims[0]; i++) {
        int32_t query;
        memcpy(&query, (const char *)rows->constant->data + (size_t)i * sizeof query, sizeof query);
        if (query < 0 || query >= queries)
            return fail(PLUGCL_INVALID, "attention_map of query %ld; there are %lld, counted from 0", (long)query,
                        (long long)queries);
    }
    return PLUGCL_OK;
}

/* What softmax over the queries needs, on any device. */
static uint32_t plan_statistics(struct schedule *schedule, const struct attention *attention, float factor)
{
    uint32_t region = attention_plan_statistics(schedule, attention);
    if (region != REGION_NONE)
        return region;
    region = schedule_floats(schedule, attention->images * attention->keys * 2);
    struct launch *launch = schedule_launch(schedule, "common/attention.cl", NULL, "statistics");
    launch_operand(launch, &attention->k);
    launch_operand(launch, &attention->q);
    launch_region(launch, region, 0);
    launch_int(launch, attention->keys);
    launch_int(launch, attention->queries);
    launch_int(launch, attention->depth);
    launch_ints(launch, attention->k.strides, 3);
    launch_ints(launch, attention->q.strides, 3);
    launch_float(launch, factor);
    launch_range(launch, (size_t)attention->keys, (size_t)attention->images, 1, launch_max_work_group(launch) >= 64 ? 64 : 1, 1, 1);
    return region;
}

static void plan_softmax(struct schedule *schedule, const struct operand *y)
{
    const struct axis_params axis = { 2 };
    const struct operator_call call = { .info = &operator_softmax, .params = &axis, .inputs = { *y }, .outputs = { *y } };
    schedule_fail(schedule, variant_plan(schedule, &call));
}

static plugcl_status plan_map(struct schedule *schedule, const struct operator_call *call)
{
    static const struct operand absent;
    const struct operand *rows = &call->inputs[MAP_ROWS], *y = &call->outputs[0];
    struct attention attention;
    attention_of(call, &attention);
    const struct plugcl_attention_params *params = attention.params;
    plugcl_status status = check_queries(rows, attention.queries);
    if (status != PLUGCL_OK || operand_elements(y) == 0)
        return schedule_fail(schedule, status);
    bool is_softmax = params->mode == PLUGCL_ATTENTION_SOFTMAX, over_queries = params->softmax_over_queries;
    /* The operator softmax is of the natural exponential. */
    float factor = is_softmax && !over_queries ? params->scale : attention_factor(&attention);
    uint32_t statistics = over_queries ? plan_statistics(schedule, &attention, factor) : REGION_NONE;
    struct launch *launch = schedule_launch(schedule, "common/attention.cl", NULL, "affinity");
    launch_operand(launch, &attention.q);
    launch_operand(launch, &attention.k);
    launch_operand(launch, rows);
    if (over_queries)
        launch_region(launch, statistics, 0);
    else
        launch_operand(launch, &absent);
    launch_operand(launch, y);
    launch_int(launch, y->shape.dims[1]);
    launch_int(launch, attention.keys);
    launch_int(launch, attention.depth);
    launch_ints(launch, attention.q.strides, 3);
    launch_ints(launch, attention.k.strides, 3);
    launch_ints(launch, y->strides, 3);
    launch_int(launch, (int)params->mode);
    launch_int(launch, rows->present);
    launch_int(launch, over_queries);
    launch_float(launch, factor);
    launch_range(launch, (size_t)attention.keys, (size_t)y->shape.dims[1], (size_t)attention.images,
                 launch_max_work_group(launch) >= 64 ? 64 : 1, 1, 1);
    if (is_softmax && !over_queries)
        plan_softmax(schedule, y);
    return schedule_status(schedule);
}

static uint64_t map_flops(const struct operator_call *call)
{
    struct attention attention;
    attention_of(call, &attention);
    bool all = attention.params->softmax_over_queries;
    return 2 * (uint64_t)(attention.images * attention.keys * attention.depth) *
           (uint64_t)(all ? attention.queries : call->outputs[0].shape.dims[1]);
}

static const struct variant variants[] = {
    { "strided", variant_always, NULL, plan_map },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_attention_map = {
    .name = "attention_map",
    .params_size = sizeof(struct plugcl_attention_params),
    .shape = attention_map_shape,
    .dtype = map_dtype,
    .layout = OUTPUT_ROW_MAJOR,
    .variants = variants,
    .flops = map_flops,
};
