/* SPDX-License-Identifier: Apache-2.0 */
/* copy.c: from any strides to any strides of the same shape: layout conversions and what cannot be a view. */
#include <stdio.h>

#include "ops/strided.h"

#define TILE 16
#define TRANSPOSE_WIDE 64   /* columns, of which neighbours share cache lines and pages */
#define TRANSPOSE_WORK 8192 /* elements of a work-group of cpu/copy.cl */

static plugcl_status copy_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    (void)params;
    (void)present;
    outputs[0] = inputs[0];
    return PLUGCL_OK;
}

static void copy_space(const struct operator_call *call, struct strided *space)
{
    strided_begin(space, &call->outputs[0].shape);
    strided_add(space, call->inputs[0].strides);
    strided_add(space, call->outputs[0].strides);
    strided_fold(space);
}

/* The dimension along which x is contiguous while y is along the last; −1 if the space is not a transposition. */
static int columns_of(const struct strided *space)
{
    uint32_t last = space->rank - 1;
    if (space->strides[1][last] != 1)
        return -1;
    for (uint32_t i = 0; i < last; i++)
        if (space->strides[0][i] == 1)
            return (int)i;
    return -1;
}

static bool is_transposition(const struct operator_call *call)
{
    struct strided space;
    copy_space(call, &space);
    return operand_elements(&call->outputs[0]) > 0 && columns_of(&space) >= 0;
}

static bool can_transpose(const struct device_caps *caps, const struct operator_call *call)
{
    (void)caps;
    return is_transposition(call);
}

static bool can_transpose_in_groups(const struct device_caps *caps, const struct operator_call *call)
{
    return caps->max_work_group >= TILE * TILE && is_transposition(call);
}

/* Dimensions with the columns moved next to the last one. */
static void transposed_space(const struct operator_call *call, struct strided *space)
{
    copy_space(call, space);
    uint32_t columns = (uint32_t)columns_of(space), last = space->rank - 1;
    for (uint32_t i = columns; i + 1 < last; i++) {
        int64_t size = space->sizes[i];
        space->sizes[i] = space->sizes[i + 1];
        space->sizes[i + 1] = size;
        for (uint32_t k = 0; k < space->operands; k++) {
            int64_t stride = space->strides[k][i];
            space->strides[k][i] = space->strides[k][i + 1];
            space->strides[k][i + 1] = stride;
        }
    }
}

static struct launch *launch_transpose(struct schedule *schedule, const struct operator_call *call, const char *file,
                                       const char *options, const struct strided *space)
{
    uint32_t last = space->rank - 1;
    struct launch *launch = schedule_launch(schedule, file, options, "transpose");
    launch_strided(launch, &call->inputs[0]);
    launch_strided(launch, &call->outputs[0]);
    launch_space(launch, space, 0, last - 1);
    launch_int(launch, space->sizes[last - 1]);
    launch_int(launch, space->sizes[last]);
    launch_int(launch, space->strides[0][last]);
    launch_int(launch, space->strides[1][last - 1]);
    return launch;
}

static plugcl_status plan_transpose_cpu(struct schedule *schedule, const struct operator_call *call)
{
    struct strided space;
    transposed_space(call, &space);
    int64_t columns = space.sizes[space.rank - 2], inner = space.sizes[space.rank - 1];
    int64_t piece = TRANSPOSE_WORK / TRANSPOSE_WIDE, wide = TRANSPOSE_WORK / (inner < piece ? inner : piece) / TILE * TILE;
    char options[32];
    snprintf(options, sizeof options, "-DVECTOR=%u", schedule_caps(schedule)->vector_width);
    struct launch *launch = launch_transpose(schedule, call, "cpu/copy.cl", options, &space);
    launch_int(launch, wide);
    launch_int(launch, piece);
    launch_groups(launch, (size_t)divide_up(columns, wide), (size_t)divide_up(inner, piece),
                  (size_t)(strided_elements(&space) / columns / inner));
    return schedule_status(schedule);
}

static plugcl_status plan_transpose_gpu(struct schedule *schedule, const struct operator_call *call)
{
    struct strided space;
    transposed_space(call, &space);
    int64_t columns = space.sizes[space.rank - 2], inner = space.sizes[space.rank - 1];
    struct launch *launch = launch_transpose(schedule, call, "gpu/copy.cl", NULL, &space);
    launch_range(launch, (size_t)columns, (size_t)inner, (size_t)(strided_elements(&space) / columns / inner), TILE, TILE, 1);
    return schedule_status(schedule);
}

static plugcl_status plan_strided(struct schedule *schedule, const struct operator_call *call)
{
    const struct device_caps *caps = schedule_caps(schedule);
    if (call_is_empty(call))
        return schedule_status(schedule);
    struct strided space;
    copy_space(call, &space);
    char options[32];
    snprintf(options, sizeof options, "-DVECTOR=%d", caps_vector(caps));
    struct launch *launch = schedule_launch(schedule, "common/copy.cl", options, "copy");
    launch_strided(launch, &call->inputs[0]);
    launch_strided(launch, &call->outputs[0]);
    launch_rows(launch, &space, caps);
    return schedule_status(schedule);
}

static uint64_t copy_flops(const struct operator_call *call)
{
    (void)call;
    return 0;
}

static const struct variant copy_variants[] = {
    { "cpu_transpose", can_transpose, variant_on_cpu, plan_transpose_cpu },
    { "gpu_transpose", can_transpose_in_groups, variant_on_gpu, plan_transpose_gpu },
    { "strided", variant_always, NULL, plan_strided },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_copy = {
    .name = "copy",
    .shape = copy_shape,
    .dtype = dtype_of_first,
    .variants = copy_variants,
    .flops = copy_flops,
};
