/* SPDX-License-Identifier: Apache-2.0 */
/* tuning_key.c: the identity of a call for tuning: operator, parameters, operands and epilogue, without data and places. */
#include "base/sha256.h"
#include "ops/tuning.h"

#define ALIGNMENT 16 /* elements: where in a line of the device's cache an operand begins matters, the line does not */

/* Parameters field by field, since what lies between the fields is not defined. Every operator with variants is here. */
struct field {
    size_t offset, bytes;
};
#define FIELD(type, member) { offsetof(struct type, member), sizeof ((struct type *)0)->member }
#define END { 0, 0 }

static const struct field axis_fields[] = { FIELD(axis_params, axis), END };
static const struct field conv2d_fields[] = { FIELD(plugcl_conv2d_params, stride), FIELD(plugcl_conv2d_params, pad),
                                              FIELD(plugcl_conv2d_params, dilation), FIELD(plugcl_conv2d_params, groups), END };
static const struct field attention_fields[] = { FIELD(plugcl_attention_params, mode),
                                                 FIELD(plugcl_attention_params, softmax_over_queries),
                                                 FIELD(plugcl_attention_params, memory), END };
static const struct field sample_fields[] = { FIELD(sample_params, mode), FIELD(sample_params, padding),
                                              FIELD(sample_params, align_corners), FIELD(sample_params, size), END };

static const struct {
    const struct operator_info *info;
    const struct field *fields;
} parameters[] = {
    { &operator_conv2d, conv2d_fields },
    { &operator_deform_conv2d, conv2d_fields },
    { &operator_conv_transpose2d,
      (const struct field[]){ FIELD(plugcl_conv_transpose2d_params, stride), FIELD(plugcl_conv_transpose2d_params, pad),
                              FIELD(plugcl_conv_transpose2d_params, output_pad), FIELD(plugcl_conv_transpose2d_params, dilation),
                              FIELD(plugcl_conv_transpose2d_params, groups), END } },
    { &operator_matmul, (const struct field[]){ FIELD(matmul_params, transpose_a), FIELD(matmul_params, transpose_b), END } },
    { &operator_attention, attention_fields },
    { &operator_attention_map, attention_fields },
    { &operator_pool2d,
      (const struct field[]){ FIELD(pool2d_params, is_max), FIELD(pool2d_params, window.kernel),
                              FIELD(pool2d_params, window.stride), FIELD(pool2d_params, window.pad),
                              FIELD(pool2d_params, window.dilation), FIELD(pool2d_params, window.ceil_mode),
                              FIELD(pool2d_params, window.count_exclude_pad), END } },
    { &operator_adaptive_pool2d, (const struct field[]){ FIELD(adaptive_pool2d_params, is_max), END } },
    { &operator_batch_norm, (const struct field[]){ END } },
    { &operator_layer_norm, (const struct field[]){ FIELD(layer_norm_params, axes), END } },
    { &operator_group_norm, (const struct field[]){ FIELD(group_norm_params, groups), END } },
    { &operator_activation, (const struct field[]){ FIELD(activation_params, kind), END } },
    { &operator_binary, (const struct field[]){ FIELD(binary_params, kind), END } },
    { &operator_compare, (const struct field[]){ FIELD(compare_params, kind), END } },
    { &operator_softmax, axis_fields },
    { &operator_reduce, (const struct field[]){ FIELD(reduce_params, kind), FIELD(reduce_params, axes), END } },
    { &operator_cast, (const struct field[]){ FIELD(cast_params, to), END } },
    { &operator_pad, (const struct field[]){ FIELD(plugcl_pad_params, mode), FIELD(plugcl_pad_params, before),
                                             FIELD(plugcl_pad_params, after), END } },
    { &operator_gather, axis_fields },
    { &operator_channel_gate,
      (const struct field[]){ FIELD(plugcl_channel_gate_params, pools), FIELD(plugcl_channel_gate_params, average_pools),
                              FIELD(plugcl_channel_gate_params, act), FIELD(plugcl_channel_gate_params, hard_gate), END } },
    { &operator_spatial_gate,
      (const struct field[]){ FIELD(plugcl_spatial_gate_params, max_first), FIELD(plugcl_spatial_gate_params, hard_gate), END } },
    { &operator_affine_grid, sample_fields },
    { &operator_grid_sample, sample_fields },
    { &operator_warp, sample_fields },
    { &operator_pyramid, (const struct field[]){ FIELD(pyramid_params, branches), FIELD(pyramid_params, dilation),
                                                 FIELD(pyramid_params, pool_first), FIELD(pyramid_params, act), END } },
    { &operator_resize, (const struct field[]){ FIELD(plugcl_resize_params, mode), FIELD(plugcl_resize_params, coordinates),
                                                FIELD(plugcl_resize_params, rounding), FIELD(plugcl_resize_params, scale), END } },
};

static bool add_parameters(struct sha256 *hash, const struct operator_call *call)
{
    if (call->info->params_size == 0 || call->params == NULL) /* a step that lowering adds, such as a cast at a port */
        return true;
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        if (parameters[i].info != call->info)
            continue;
        for (const struct field *field = parameters[i].fields; field->bytes > 0; field++)
            sha256_add_field(hash, (const char *)call->params + field->offset, field->bytes);
        return true;
    }
    return false;
}

static void add_operand(struct sha256 *hash, const struct operand *operand)
{
    const int64_t kind[6] = { operand->present, operand->dtype, operand->at_port, operand->constant != NULL,
                              operand->region != REGION_NONE, operand->offset & (ALIGNMENT - 1) };
    if (!operand->present) {
        sha256_add_field(hash, NULL, 0);
        return;
    }
    sha256_add_field(hash, kind, sizeof kind);
    sha256_add_field(hash, operand->shape.dims, operand->shape.rank * sizeof operand->shape.dims[0]);
    sha256_add_field(hash, operand->strides, operand->shape.rank * sizeof operand->strides[0]);
}

bool tuning_key(const struct operator_call *call, uint8_t key[32])
{
    const int64_t rest[4] = { call->epilogue.has_residual, call->epilogue.act, call->gemm, call->no_winograd };
    struct sha256 hash;
    sha256_start(&hash);
    sha256_add_string(&hash, call->info->name);
    if (!add_parameters(&hash, call))
        return false;
    sha256_add_field(&hash, rest, sizeof rest);
    for (size_t i = 0; i < OPERATOR_MAX_INPUTS; i++)
        add_operand(&hash, &call->inputs[i]);
    for (size_t i = 0; i < OPERATOR_MAX_OUTPUTS; i++)
        add_operand(&hash, &call->outputs[i]);
    sha256_finish(&hash, key);
    return true;
}
