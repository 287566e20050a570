/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/operator.h"

#include "ops/tuning.h"

#include <string.h>

const struct operator_info *const operators[] = {
    &operator_conv2d,
    &operator_conv_transpose2d,
    &operator_deform_conv2d,
    &operator_linear,
    &operator_matmul,
    &operator_attention,
    &operator_attention_map,
    &operator_pool2d,
    &operator_adaptive_pool2d,
    &operator_batch_norm,
    &operator_layer_norm,
    &operator_group_norm,
    &operator_activation,
    &operator_prelu,
    &operator_binary,
    &operator_compare,
    &operator_where,
    &operator_softmax,
    &operator_reduce,
    &operator_copy,
    &operator_cast,
    &operator_pad,
    &operator_gather,
    &operator_channel_gate,
    &operator_spatial_gate,
    &operator_affine_grid,
    &operator_grid_sample,
    &operator_warp,
    &operator_pyramid,
    &operator_resize,
    NULL,
};

const struct variant *variant_find(const struct operator_info *info, const char *name)
{
    for (const struct variant *variant = info->variants; variant->name != NULL; variant++)
        if (strcmp(variant->name, name) == 0)
            return variant;
    return NULL;
}

plugcl_status variant_fail_unknown(const struct operator_info *info, const char *name)
{
    char names[256] = "";
    for (const struct variant *variant = info->variants; variant->name != NULL; variant++) {
        size_t used = strlen(names);
        if (used + strlen(variant->name) + 3 < sizeof names)
            strcat(strcat(names, used ? ", " : ""), variant->name);
    }
    return fail(PLUGCL_NOT_FOUND, "%s has no variant \"%s\"; it has %s", info->name, name, names);
}

static plugcl_status choose_forced(const struct operator_info *info, const struct device_caps *caps,
                                   const struct operator_call *call, const char *forced, const struct variant **chosen)
{
    *chosen = variant_find(info, forced);
    if (*chosen == NULL)
        return variant_fail_unknown(info, forced);
    if (strcmp(forced, CLBLAST_ROW) == 0 && !caps->has_clblast)
        return fail(PLUGCL_UNSUPPORTED, "variant %s of %s: this build of plugcl has no CLBlast (meson's option clblast)", forced,
                    info->name);
    if (strcmp(forced, WINOGRAD_ROW) == 0 && call->no_winograd)
        return fail(PLUGCL_UNSUPPORTED, "variant %s of %s is forbidden: it needs fusion, and Winograd's method allowed",
                    forced, info->name);
    if (!(*chosen)->can_run(caps, call))
        return fail(PLUGCL_UNSUPPORTED, "variant %s of %s cannot run this shape on this device", forced, info->name);
    return PLUGCL_OK;
}

plugcl_status variant_choose(const struct operator_info *info, const struct device_caps *caps, const struct operator_call *call,
                             const char *forced, const struct variant **chosen)
{
    if (forced == NULL && call->gemm == PLUGCL_GEMM_CLBLAST && variant_find(info, CLBLAST_ROW) != NULL)
        forced = CLBLAST_ROW;
    if (forced != NULL)
        return choose_forced(info, caps, call, forced, chosen);
    *chosen = NULL;
    for (const struct variant *variant = info->variants; variant->name != NULL; variant++) {
        if (!variant->can_run(caps, call))
            continue;
        *chosen = variant; /* the last row that can run serves when none is preferred */
        if (variant->is_preferred == NULL || variant->is_preferred(caps, call))
            return PLUGCL_OK;
    }
    return *chosen ? PLUGCL_OK : fail(PLUGCL_UNSUPPORTED, "%s has no implementation for this call", info->name);
}

plugcl_status variant_select(struct schedule *schedule, const struct operator_call *call, const char *forced, struct choice *choice)
{
    bool is_forced = forced != NULL || (call->gemm == PLUGCL_GEMM_CLBLAST && variant_find(call->info, CLBLAST_ROW) != NULL);
    *choice = (struct choice){ .kind = is_forced ? PLUGCL_CHOICE_FORCED : PLUGCL_CHOICE_BUILT_IN };
    plugcl_status status = variant_choose(call->info, schedule_caps(schedule), call, forced, &choice->variant);
    return status == PLUGCL_OK && !is_forced ? tuning_choose(schedule, call, choice) : status;
}

plugcl_status choice_plan(struct schedule *schedule, const struct operator_call *call, const struct choice *choice)
{
    struct operator_call with_tile = *call;
    with_tile.tile = choice->tile;
    return choice->variant->plan(schedule, &with_tile);
}

plugcl_status variant_plan(struct schedule *schedule, const struct operator_call *call)
{
    struct choice choice;
    plugcl_status status = variant_select(schedule, call, NULL, &choice);
    if (status == PLUGCL_OK && choice.kind == PLUGCL_CHOICE_TUNED)
        schedule_step_is_tuned(schedule);
    return status == PLUGCL_OK ? choice_plan(schedule, call, &choice) : status;
}

plugcl_status variant_plan_copy(struct schedule *schedule, const struct operand *from, const struct operand *to)
{
    const struct operator_call call = { .info = &operator_copy, .inputs = { *from }, .outputs = { *to } };
    return variant_plan(schedule, &call);
}

plugcl_status shape_broadcast(const plugcl_shape *inputs, size_t n_inputs, plugcl_shape *output)
{
    *output = (plugcl_shape){ .rank = 0 };
    for (size_t i = 0; i < n_inputs; i++)
        output->rank = inputs[i].rank > output->rank ? inputs[i].rank : output->rank;
    for (uint32_t axis = 0; axis < output->rank; axis++) {
        int64_t size = 1;
        for (size_t i = 0; i < n_inputs; i++) {
            uint32_t missing = output->rank - inputs[i].rank;
            int64_t own = axis < missing ? 1 : inputs[i].dims[axis - missing];
            if (own != size && own != 1 && size != 1)
                return fail(PLUGCL_INVALID,
                            "operands of %lld and %lld elements along axis %u (of %u) do not broadcast; they must be equal or 1",
                            (long long)size, (long long)own, axis, output->rank);
            size = own == 1 ? size : own;
        }
        output->dims[axis] = size;
    }
    return PLUGCL_OK;
}

plugcl_dtype dtype_computed(plugcl_dtype dtype)
{
    return dtype == PLUGCL_I32 || dtype == PLUGCL_I64 || dtype == PLUGCL_BOOL ? dtype : PLUGCL_F32;
}

plugcl_status dtype_of_first(const void *params, const plugcl_dtype *inputs, const bool *present, plugcl_dtype *outputs)
{
    (void)params;
    (void)present;
    outputs[0] = inputs[0];
    return PLUGCL_OK;
}

plugcl_status operator_dtypes(const struct operator_info *info, const void *params, const plugcl_dtype *inputs,
                              const bool *present, plugcl_dtype *outputs)
{
    for (size_t i = 0; i < OPERATOR_MAX_OUTPUTS; i++)
        outputs[i] = PLUGCL_F32;
    if (info->dtype != NULL)
        return info->dtype(params, inputs, present, outputs);
    for (size_t i = 0; i < OPERATOR_MAX_INPUTS; i++)
        if (present[i] && inputs[i] != PLUGCL_F32)
            return fail(PLUGCL_INVALID, "%s: operand %zu is %s; it must be f32, which plugcl_graph_cast makes", info->name, i,
                        plugcl_dtype_name(inputs[i]));
    return PLUGCL_OK;
}

void operand_set_strides(struct operand *operand, bool channels_last)
{
    static const uint32_t nhwc[4] = { 1, 3, 2, 0 };
    int64_t stride = 1;
    for (uint32_t i = 0; i < operand->shape.rank; i++) {
        uint32_t axis = channels_last && operand->shape.rank == 4 ? nhwc[i] : operand->shape.rank - 1 - i;
        operand->strides[axis] = stride;
        stride *= operand->shape.dims[axis];
    }
}

struct operand operand_dense(plugcl_dtype dtype, const plugcl_shape *shape, bool channels_last, uint32_t region)
{
    struct operand operand = { .present = true, .dtype = dtype, .shape = *shape, .region = region };
    operand_set_strides(&operand, channels_last);
    return operand;
}

size_t operand_element_size(const struct operand *operand)
{
    return operand->at_port ? plugcl_dtype_size(operand->dtype) : 4;
}

int64_t operand_elements(const struct operand *operand)
{
    return plugcl_shape_elements(&operand->shape);
}

bool call_is_empty(const struct operator_call *call)
{
    return operand_elements(&call->outputs[0]) == 0;
}

/* Strides of dimensions of size 1 do not matter. */
static bool strides_follow(const struct operand *operand, const uint32_t *order, uint32_t rank, int64_t first_stride)
{
    int64_t expected = first_stride;
    for (uint32_t i = rank; i-- > 0;) {
        uint32_t axis = order[i];
        if (operand->shape.dims[axis] != 1 && operand->strides[axis] != expected)
            return false;
        expected *= operand->shape.dims[axis];
    }
    return true;
}

bool operand_is_row_major(const struct operand *operand)
{
    static const uint32_t order[PLUGCL_MAX_RANK] = { 0, 1, 2, 3, 4, 5, 6, 7 };
    return strides_follow(operand, order, operand->shape.rank, 1);
}

bool operand_is_channels_last(const struct operand *operand)
{
    static const uint32_t pixels[3] = { 0, 2, 3 };
    const int64_t *dims = operand->shape.dims, *strides = operand->strides;
    if (operand->shape.rank != 4 || (dims[1] != 1 && strides[1] != 1))
        return false;
    /* The pixel stride of the innermost axis that has more than one pixel; a single pixel has none to check. */
    int64_t pixel = dims[3] != 1 ? strides[3] : dims[2] != 1 ? strides[2] : dims[0] != 1 ? strides[0] : dims[1];
    return pixel >= dims[1] && strides_follow(operand, pixels, 3, pixel);
}

bool operand_is_dense(const struct operand *operand)
{
    static const uint32_t channels_last[4] = { 0, 2, 3, 1 };
    return operand_is_row_major(operand) || (operand->shape.rank == 4 && strides_follow(operand, channels_last, 4, 1));
}

bool variant_always(const struct device_caps *caps, const struct operator_call *call)
{
    (void)caps;
    (void)call;
    return true;
}

bool variant_on_cpu(const struct device_caps *caps, const struct operator_call *call)
{
    (void)call;
    return caps->cpu_family;
}

bool variant_on_gpu(const struct device_caps *caps, const struct operator_call *call)
{
    (void)call;
    return !caps->cpu_family;
}
