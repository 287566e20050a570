/* SPDX-License-Identifier: Apache-2.0 */
/* norm.c: layer, group and instance norm. */
#include "checkcl/checkcl.h"
#include "ref/norm.h"

static void layer_reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                            double *const *outputs)
{
    const struct layer_norm_params *params = row->params;
    ref_layer_norm(inputs[0], &output_shapes[0], params->axes, inputs[1], inputs[2], params->eps, outputs[0]);
}

static void group_reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                            double *const *outputs)
{
    const struct group_norm_params *params = row->params;
    int64_t groups = params->groups > 0 ? params->groups : output_shapes[0].dims[1];
    ref_group_norm(inputs[0], &output_shapes[0], groups, inputs[1], inputs[2], params->eps, outputs[0]);
}

static void check_layer(struct checkcl *check, const plugcl_shape *shape, uint32_t axes, bool has_weight, bool has_bias,
                        enum checkcl_layout in, enum checkcl_layout out, enum checkcl_fill fill)
{
    struct layer_norm_params params = { axes, 1e-5f };
    plugcl_shape parameter = { .rank = axes };
    for (uint32_t i = 0; i < axes; i++)
        parameter.dims[i] = shape->dims[shape->rank - axes + i];
    struct checkcl_case row = {
        .info = &operator_layer_norm,
        .params = &params,
        .inputs = { { .present = true, .shape = *shape, .layout = in, .fill = fill },
                    { .present = has_weight, .constant = true, .shape = parameter },
                    { .present = has_bias, .shape = parameter } },
        .output_layout = out,
        .budget = 1e-5,
        .reference = layer_reference,
    };
    checkcl_run(check, &row, "rank%u_%lld_last%u_%s%s%s_%s_to_%s", shape->rank, (long long)plugcl_shape_elements(shape), axes,
                has_weight ? "weight_" : "", has_bias ? "bias_" : "", checkcl_fills[fill], checkcl_layouts[in],
                checkcl_layouts[out]);
}

static void check_group(struct checkcl *check, const plugcl_shape *shape, uint32_t groups, bool has_weight, bool has_bias,
                        enum checkcl_layout in, enum checkcl_layout out, enum checkcl_fill fill)
{
    struct group_norm_params params = { groups, 1e-3f };
    plugcl_shape parameter = { .rank = 1, .dims = { shape->dims[1] } };
    struct checkcl_case row = {
        .info = &operator_group_norm,
        .params = &params,
        .inputs = { { .present = true, .shape = *shape, .layout = in, .fill = fill },
                    { .present = has_weight, .constant = true, .shape = parameter },
                    { .present = has_bias, .constant = true, .shape = parameter } },
        .output_layout = out,
        .budget = 1e-5,
        .reference = group_reference,
    };
    checkcl_run(check, &row, "n%lldc%lld_rank%u_%lld_g%u_%s%s%s_%s_to_%s", (long long)shape->dims[0], (long long)shape->dims[1],
                shape->rank, (long long)plugcl_shape_elements(shape), groups, has_weight ? "weight_" : "", has_bias ? "bias_" : "",
                checkcl_fills[fill], checkcl_layouts[in], checkcl_layouts[out]);
}

void checkcl_norm(struct checkcl *check)
{
    check_layer(check, PLUGCL_SHAPE(7, 5, 33), 1, true, true, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
    check_layer(check, PLUGCL_SHAPE(3, 128), 1, false, false, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_LARGE);
    check_layer(check, PLUGCL_SHAPE(2, 6, 5, 7), 3, true, true, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_RANDOM);
    check_layer(check, PLUGCL_SHAPE(2, 6, 5, 7), 2, true, false, CHECKCL_ODD_VIEW, CHECKCL_CHANNEL_VIEW, CHECKCL_SPECIAL);
    check_layer(check, PLUGCL_SHAPE(5, 1), 1, false, true, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
    check_layer(check, PLUGCL_SHAPE(17), 1, true, true, CHECKCL_ODD_VIEW, CHECKCL_ROW_MAJOR, CHECKCL_POSITIVE);
    check_layer(check, PLUGCL_SHAPE(0, 8), 1, true, true, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
    check_layer(check, PLUGCL_SHAPE(2, 5000), 1, true, true, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_POSITIVE);
    check_group(check, PLUGCL_SHAPE(2, 12, 5, 7), 3, true, true, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
    check_group(check, PLUGCL_SHAPE(3, 40, 9, 4), 4, true, true, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_RANDOM);
    check_group(check, PLUGCL_SHAPE(2, 21, 4, 6), 7, true, false, CHECKCL_CHANNEL_VIEW, CHECKCL_ROW_MAJOR, CHECKCL_LARGE);
    check_group(check, PLUGCL_SHAPE(2, 10, 3, 5), 1, false, true, CHECKCL_ODD_VIEW, CHECKCL_CHANNEL_VIEW, CHECKCL_SPECIAL);
    check_group(check, PLUGCL_SHAPE(2, 9, 6, 5), 0, true, true, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_RANDOM);
    check_group(check, PLUGCL_SHAPE(2, 9, 6, 5), 0, false, false, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_POSITIVE);
    check_group(check, PLUGCL_SHAPE(1, 4, 1, 1), 0, true, true, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
    check_group(check, PLUGCL_SHAPE(4, 6), 2, true, true, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
    check_group(check, PLUGCL_SHAPE(0, 6, 2, 2), 2, true, true, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_RANDOM);
    check_group(check, PLUGCL_SHAPE(2, 30, 9, 11), 10, true, true, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_RANDOM);
    check_group(check, PLUGCL_SHAPE(1, 70, 10, 10), 0, true, true, CHECKCL_CHANNEL_VIEW, CHECKCL_CHANNELS_LAST, CHECKCL_POSITIVE);
    check_group(check, PLUGCL_SHAPE(2, 150, 3, 4), 2, true, true, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNEL_VIEW, CHECKCL_SPECIAL);
    /* Groups wider than four vectors, of 16 lanes, of 8 and of 4, whose last vector is not full. */
    check_group(check, PLUGCL_SHAPE(2, 150, 3, 4), 2, true, true, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_POSITIVE);
    check_group(check, PLUGCL_SHAPE(2, 36, 5, 3), 1, true, true, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_POSITIVE);
    check_group(check, PLUGCL_SHAPE(1, 36, 5, 4), 2, true, true, CHECKCL_CHANNEL_VIEW, CHECKCL_CHANNELS_LAST, CHECKCL_POSITIVE);
    check_group(check, PLUGCL_SHAPE(2, 70, 1, 1), 7, false, true, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_RANDOM);
    check_group(check, PLUGCL_SHAPE(1, 32, 20, 20), 2, true, true, CHECKCL_CHANNELS_LAST, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
}
