/* SPDX-License-Identifier: Apache-2.0 */
/* deform_conv2d.c: v1 and v2, offset groups, groups, samples outside and not-finite offsets. */
#include "checkcl/checkcl.h"
#include "ref/deform_conv2d.h"

struct geometry {
    const char *name;
    int64_t x[4], outputs, kernel[2];
    uint32_t stride, pad, dilation, groups, offset_groups;
};

static void reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                      double *const *outputs)
{
    const int64_t *weight = row->inputs[1].shape.dims;
    ref_deform_conv2d(inputs[0], &row->inputs[0].shape, inputs[1], &row->inputs[1].shape, inputs[2], inputs[3], inputs[4],
                      row->inputs[3].shape.dims[1] / (2 * weight[2] * weight[3]), row->params, &output_shapes[0], outputs[0]);
}

static int64_t output_size(const struct geometry *geometry, int axis)
{
    int64_t span = (geometry->kernel[axis] - 1) * (int64_t)geometry->dilation + 1;
    return (geometry->x[2 + axis] + 2 * (int64_t)geometry->pad - span) / geometry->stride + 1;
}

struct layouts {
    const char *name;
    enum checkcl_layout x, maps, y;
};

static void check_one(struct checkcl *check, const struct geometry *geometry, bool has_mask, const struct layouts *layouts,
                      bool constant, enum checkcl_fill shifts)
{
    static const char *const fills[] = { "", "_positive", "_far", "_special" };
    const int64_t *x = geometry->x, taps = geometry->kernel[0] * geometry->kernel[1], groups = geometry->offset_groups;
    const int64_t height = output_size(geometry, 0), width = output_size(geometry, 1);
    const struct plugcl_conv2d_params params = { .struct_size = sizeof params,
                                                 .stride = { geometry->stride, geometry->stride },
                                                 .pad = { geometry->pad, geometry->pad, geometry->pad, geometry->pad },
                                                 .dilation = { geometry->dilation, geometry->dilation },
                                                 .groups = geometry->groups };
    struct checkcl_case row = {
        .info = &operator_deform_conv2d,
        .params = &params,
        .inputs = { { .present = true, .shape = { 4, { x[0], x[1], x[2], x[3] } }, .layout = layouts->x },
                    { .present = true, .constant = constant,
                      .shape = { 4, { geometry->outputs, x[1] / geometry->groups, geometry->kernel[0], geometry->kernel[1] } } },
                    { .present = has_mask, .constant = constant, .shape = { 1, { geometry->outputs } } },
                    { .present = true, .shape = { 4, { x[0], 2 * groups * taps, height, width } }, .layout = layouts->maps,
                      .fill = shifts },
                    { .present = has_mask, .shape = { 4, { x[0], groups * taps, height, width } }, .layout = layouts->maps } },
        .output_layout = layouts->y,
        .budget = 1e-4,
        .reference = reference,
    };
    checkcl_run(check, &row, "%s_n%lldc%lldh%lldw%lldo%lld_%s_%s%s%s", geometry->name, (long long)x[0], (long long)x[1],
                (long long)x[2], (long long)x[3], (long long)geometry->outputs, has_mask ? "v2" : "v1", layouts->name,
                constant ? "" : "_computed", fills[shifts]);
}

void checkcl_deform_conv2d(struct checkcl *check)
{
    static const struct layouts nhwc = { "nhwc", CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST };
    static const struct layouts mixed = { "mixed", CHECKCL_CHANNEL_VIEW, CHECKCL_ODD_VIEW, CHECKCL_CHANNEL_VIEW };
    static const struct layouts to_nchw = { "to_nchw", CHECKCL_CHANNELS_LAST, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR };
    static const struct geometry geometries[] = {
        { "k1", { 1, 4, 1, 1 }, 3, { 1, 1 }, 1, 0, 1, 1, 1 },
        { "k3p1", { 2, 19, 7, 9 }, 21, { 3, 3 }, 1, 1, 1, 1, 1 },
        { "k3p1og4", { 1, 16, 6, 5 }, 40, { 3, 3 }, 1, 1, 1, 1, 4 },
        { "k3s2p2d2", { 2, 6, 11, 8 }, 10, { 3, 3 }, 2, 2, 2, 1, 2 },
        { "k2x5p1", { 1, 5, 6, 8 }, 7, { 2, 5 }, 1, 1, 1, 1, 1 },
        { "k3p1g2og2", { 1, 12, 5, 6 }, 8, { 3, 3 }, 1, 1, 1, 2, 2 },
        { "k3p1", { 0, 4, 5, 6 }, 8, { 3, 3 }, 1, 1, 1, 1, 1 },
    };
    for (size_t i = 0; i < sizeof geometries / sizeof *geometries; i++) {
        check_one(check, &geometries[i], true, &nhwc, true, CHECKCL_RANDOM);
        check_one(check, &geometries[i], false, &mixed, true, CHECKCL_RANDOM);
        check_one(check, &geometries[i], true, &to_nchw, true, CHECKCL_RANDOM);
        check_one(check, &geometries[i], true, &nhwc, false, CHECKCL_RANDOM);
    }
    check_one(check, &geometries[1], true, &nhwc, true, CHECKCL_LARGE);
    check_one(check, &geometries[1], false, &nhwc, true, CHECKCL_SPECIAL);
}
