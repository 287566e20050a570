/* SPDX-License-Identifier: Apache-2.0 */
/* attention.h: attention and its map as their planner functions see them. */
#ifndef PLUGCL_OPS_ATTENTION_H
#define PLUGCL_OPS_ATTENTION_H

#include "ops/operator.h"

enum { ATTENTION_Q, ATTENTION_K, ATTENTION_V, ATTENTION_WEIGHT, ATTENTION_BIAS, ATTENTION_RESIDUAL };
enum { MAP_ROWS = 2 }; /* attention_map's third input */
#define ATTENTION_LOG2_E 1.44269504f /* exp(x) is exp2 of x times this */

struct attention {
    const struct plugcl_attention_params *params;
    struct operand q, k, v, y; /* v is not present in a map */
    struct operand weight, bias, residual; /* of the projection behind it; weight is not present where there is none */
    int64_t images, queries, keys, depth, columns;
    plugcl_gemm gemm; /* whose products */
    uint32_t tile;    /* operator_call.tile */
};

/* What scores are multiplied by: for a softmax they come in powers of two; else 1 / keys is in it. */
float attention_factor(const struct attention *attention);
void attention_of(const struct operator_call *call, struct attention *attention);

/* attention_definition.c */
plugcl_status attention_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs);
void attention_expand(plugcl_graph *graph, const void *params, const plugcl_value *inputs, plugcl_value *results);
plugcl_status attention_map_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs);

/* attention_projection.c: attention by `plan`, then, where a projection follows it, that as a convolution. */
plugcl_status attention_plan_projection(struct schedule *schedule, const struct attention *attention,
                                        plugcl_status (*plan)(struct schedule *schedule, const struct attention *attention));

/* attention_blocks.c: any device, in matrix products. */
plugcl_status attention_plan_blocks(struct schedule *schedule, const struct attention *attention);

/* The dot product mode as q · (kᵀ · v): no affinity at all. */
plugcl_status attention_plan_reordered(struct schedule *schedule, const struct attention *attention);

/* attention_tiled.c: cl/cpu/attention.cl and cl/gpu/attention.cl. */
bool attention_cpu_can_run(const struct device_caps *caps, const struct attention *attention);
/* Its projection too, if it has one. */
bool attention_cpu_can_project(const struct attention *attention);
plugcl_status attention_plan_cpu(struct schedule *schedule, const struct attention *attention);
bool attention_gpu_can_run(const struct device_caps *caps, const struct attention *attention);
bool attention_gpu_tile(const struct device_caps *caps, const struct attention *attention, uint32_t number, char name[TILE_NAME]);
plugcl_status attention_plan_gpu(struct schedule *schedule, const struct attention *attention);
/* For softmax over the queries: for each image and key the largest score over the queries, and 1 / the sum of powers of two, in a
 * region of pairs of floats. REGION_NONE where neither kernel can run. */
uint32_t attention_plan_statistics(struct schedule *schedule, const struct attention *attention);

#endif
