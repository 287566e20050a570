/* SPDX-License-Identifier: Apache-2.0 */
/* conv_transpose2d.c: strides, dilations with and without a common divisor, output_pad, groups, and outputs that no tap reaches. */
#include "checkcl/checkcl.h"
#include "ref/conv_transpose2d.h"

struct geometry {
    const char *name;
    int64_t x[4], outputs, kernel[2];
    uint32_t stride[2], pad[4], output_pad[2], dilation[2], groups;
};

static void reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                      double *const *outputs)
{
    ref_conv_transpose2d(inputs[0], &row->inputs[0].shape, inputs[1], &row->inputs[1].shape, inputs[2], row->params,
                         &output_shapes[0], outputs[0]);
}

static void check_one(struct checkcl *check, const struct geometry *geometry, bool has_bias, enum checkcl_layout in,
                      enum checkcl_layout out, bool constant, enum checkcl_fill fill)
{
    struct plugcl_conv_transpose2d_params params = plugcl_conv_transpose2d_params_init();
    for (int i = 0; i < 2; i++) {
        params.stride[i] = geometry->stride[i];
        params.output_pad[i] = geometry->output_pad[i];
        params.dilation[i] = geometry->dilation[i];
    }
    for (int i = 0; i < 4; i++)
        params.pad[i] = geometry->pad[i];
    params.groups = geometry->groups;
    const int64_t *x = geometry->x;
    struct checkcl_case row = {
        .info = &operator_conv_transpose2d,
        .params = &params,
        .inputs = { { .present = true, .shape = { 4, { x[0], x[1], x[2], x[3] } }, .layout = in, .fill = fill },
                    { .present = true, .constant = constant,
                      .shape = { 4, { x[1], geometry->outputs / geometry->groups, geometry->kernel[0], geometry->kernel[1] } } },
                    { .present = has_bias, .constant = constant, .shape = { 1, { geometry->outputs } } } },
        .output_layout = out,
        .budget = 1e-4,
        .reference = reference,
    };
    checkcl_run(check, &row, "%s_n%lldc%lldh%lldw%lldo%lld_%s_to_%s%s%s%s", geometry->name, (long long)x[0], (long long)x[1],
                (long long)x[2], (long long)x[3], (long long)geometry->outputs, checkcl_layouts[in], checkcl_layouts[out],
                has_bias ? "_bias" : "", constant ? "" : "_computed", fill == CHECKCL_SPECIAL ? "_special" : "");
}

static const struct geometry geometries[] = {
    { "k1", { 1, 5, 3, 4 }, 7, { 1, 1 }, { 1, 1 }, { 0 }, { 0 }, { 1, 1 }, 1 },
    { "k2s2", { 2, 19, 5, 7 }, 33, { 2, 2 }, { 2, 2 }, { 0 }, { 0 }, { 1, 1 }, 1 },
    { "k3s1p1", { 1, 8, 1, 1 }, 17, { 3, 3 }, { 1, 1 }, { 1, 1, 1, 1 }, { 0 }, { 1, 1 }, 1 },
    { "k3s2p1o1", { 3, 16, 6, 5 }, 24, { 3, 3 }, { 2, 2 }, { 1, 1, 1, 1 }, { 1, 1 }, { 1, 1 }, 1 },
    { "k4s2p1", { 1, 64, 9, 11 }, 50, { 4, 4 }, { 2, 2 }, { 1, 1, 1, 1 }, { 0 }, { 1, 1 }, 1 },
    { "k5x2s3x1p2031", { 2, 6, 7, 4 }, 9, { 5, 2 }, { 3, 1 }, { 2, 0, 3, 1 }, { 1, 0 }, { 1, 1 }, 1 },
    { "k1s3", { 1, 4, 3, 3 }, 6, { 1, 1 }, { 3, 3 }, { 0 }, { 2, 1 }, { 1, 1 }, 1 }, /* most outputs are the bias alone */
    { "k3s2d2", { 1, 10, 5, 6 }, 12, { 3, 3 }, { 2, 2 }, { 2, 1, 1, 2 }, { 1, 0 }, { 2, 2 }, 1 },
    { "k3s2d3p2", { 2, 10, 5, 6 }, 12, { 3, 3 }, { 2, 2 }, { 2, 2, 2, 2 }, { 1, 1 }, { 3, 3 }, 1 },
    { "k3s4d6", { 1, 6, 4, 5 }, 8, { 3, 3 }, { 4, 4 }, { 3, 0, 1, 2 }, { 3, 5 }, { 6, 6 }, 1 },
    { "k4s2p1g2", { 2, 12, 5, 4 }, 10, { 4, 4 }, { 2, 2 }, { 1, 1, 1, 1 }, { 0 }, { 1, 1 }, 2 },
    { "k4s2p1depthwise", { 1, 9, 5, 6 }, 9, { 4, 4 }, { 2, 2 }, { 1, 1, 1, 1 }, { 0 }, { 1, 1 }, 9 },
    { "k2s2", { 0, 4, 3, 3 }, 6, { 2, 2 }, { 2, 2 }, { 0 }, { 0 }, { 1, 1 }, 1 },
};

void checkcl_conv_transpose2d(struct checkcl *check)
{
    for (size_t i = 0; i < sizeof geometries / sizeof *geometries; i++) {
        check_one(check, &geometries[i], true, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, true, CHECKCL_RANDOM);
        check_one(check, &geometries[i], false, CHECKCL_CHANNEL_VIEW, CHECKCL_CHANNEL_VIEW, true, CHECKCL_RANDOM);
        check_one(check, &geometries[i], true, CHECKCL_CHANNELS_LAST, CHECKCL_ROW_MAJOR, true, CHECKCL_RANDOM);
        check_one(check, &geometries[i], true, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, false, CHECKCL_RANDOM);
    }
    check_one(check, &geometries[3], true, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, true, CHECKCL_SPECIAL);
}
