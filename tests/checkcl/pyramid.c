/* SPDX-License-Identifier: Apache-2.0 */
/* pyramid.c: with and without a pooled branch, before and after the others, separable and of several widths, 1x1 and 3x3
 * projections. */
#include "checkcl/checkcl.h"
#include "ref/pyramid.h"

struct geometry {
    const char *name;
    int64_t x[4];
    uint32_t branches, outputs[3], kernel[3], dilation[3];
    uint32_t pool, projection[2]; /* outputs (0: none), and outputs and kernel */
    bool pool_first, separable, has_biases;
    plugcl_activation act;
};

static void reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                      double *const *outputs)
{
    plugcl_shape shapes[OPERATOR_MAX_INPUTS];
    (void)output_shapes;
    for (size_t i = 0; i < OPERATOR_MAX_INPUTS; i++)
        shapes[i] = row->inputs[i].shape;
    ref_pyramid(row->params, inputs, shapes, outputs[0]);
}

static struct checkcl_tensor weight_of(bool present, bool constant, int64_t outputs, int64_t channels, int64_t kernel)
{
    return (struct checkcl_tensor){ .present = present, .constant = constant,
                                    .shape = { 4, { outputs, channels, kernel, kernel } } };
}

static struct checkcl_tensor bias_of(bool present, bool constant, int64_t outputs)
{
    return (struct checkcl_tensor){ .present = present, .constant = constant, .shape = { 1, { outputs } } };
}

static void check_one(struct checkcl *check, const struct geometry *geometry, enum checkcl_layout layout, enum checkcl_fill fill,
                      bool constant)
{
    const int64_t *x = geometry->x;
    const bool biases = geometry->has_biases;
    struct pyramid_params params = { .branches = geometry->branches, .pool_first = geometry->pool_first, .act = geometry->act,
                                     .act_alpha = 0.1f };
    struct checkcl_case row = { .info = &operator_pyramid, .params = &params, .output_layout = layout, .budget = 1e-4,
                                .reference = reference };
    int64_t channels = geometry->pool;
    for (uint32_t i = 0; i < geometry->branches; i++) {
        struct checkcl_tensor *own = row.inputs + 5 + 3 * i;
        bool split = geometry->separable && geometry->kernel[i] > 1;
        params.dilation[i] = geometry->dilation[i];
        own[0] = weight_of(split, constant, x[1], 1, geometry->kernel[i]);
        own[1] = weight_of(true, constant, geometry->outputs[i], x[1], split ? 1 : geometry->kernel[i]);
        own[2] = bias_of(biases, constant, geometry->outputs[i]);
        channels += geometry->outputs[i];
    }
    row.inputs[0] = (struct checkcl_tensor){ .present = true, .shape = { 4, { x[0], x[1], x[2], x[3] } }, .layout = layout,
                                             .fill = fill };
    row.inputs[1] = weight_of(geometry->pool > 0, constant, geometry->pool, x[1], 1);
    row.inputs[2] = bias_of(geometry->pool > 0 && biases, constant, geometry->pool);
    row.inputs[3] = weight_of(true, constant, geometry->projection[0], channels, geometry->projection[1]);
    row.inputs[4] = bias_of(biases, constant, geometry->projection[0]);
    checkcl_run(check, &row, "%s_n%lldc%lldh%lldw%lld_%s%s%s", geometry->name, (long long)x[0], (long long)x[1], (long long)x[2],
                (long long)x[3], layout == CHECKCL_CHANNEL_VIEW ? "view" : "nhwc", fill == CHECKCL_SPECIAL ? "_special" : "",
                constant ? "" : "_computed");
}

void checkcl_pyramid(struct checkcl *check)
{
    static const struct geometry geometries[] = {
        { "pool_last", { 2, 12, 9, 11 }, 3, { 5, 5, 5 }, { 1, 3, 3 }, { 1, 3, 6 }, 5, { 7, 1 }, false, false, true, PLUGCL_RELU },
        { "pool_first", { 3, 9, 7, 5 }, 3, { 4, 3, 2 }, { 3, 1, 5 }, { 2, 1, 1 }, 6, { 35, 1 }, true, false, false,
          PLUGCL_IDENTITY },
        { "wide", { 1, 10, 8, 6 }, 2, { 20, 4 }, { 3, 3 }, { 12, 1 }, 3, { 6, 3 }, true, false, true, PLUGCL_LEAKY_RELU },
        { "wide_last", { 2, 10, 5, 6 }, 2, { 3, 4 }, { 1, 3 }, { 1, 2 }, 3, { 6, 3 }, false, false, false, PLUGCL_RELU },
        { "no_pool", { 2, 7, 6, 9 }, 2, { 8, 8 }, { 3, 3 }, { 1, 4 }, 0, { 5, 1 }, false, false, true, PLUGCL_SILU },
        { "separable", { 2, 11, 9, 8 }, 3, { 6, 6, 6 }, { 1, 3, 3 }, { 1, 2, 5 }, 6, { 6, 1 }, false, true, false, PLUGCL_RELU },
        { "pixel", { 2, 1, 1, 1 }, 3, { 1, 1, 1 }, { 1, 3, 3 }, { 1, 6, 12 }, 1, { 1, 1 }, false, false, true, PLUGCL_RELU },
        { "empty", { 0, 4, 3, 3 }, 1, { 2 }, { 3 }, { 2 }, 2, { 2, 1 }, false, false, true, PLUGCL_RELU },
    };
    for (size_t i = 0; i < sizeof geometries / sizeof *geometries; i++) {
        check_one(check, &geometries[i], CHECKCL_CHANNELS_LAST, CHECKCL_RANDOM, true);
        check_one(check, &geometries[i], CHECKCL_CHANNEL_VIEW, CHECKCL_RANDOM, true);
        check_one(check, &geometries[i], CHECKCL_CHANNELS_LAST, CHECKCL_RANDOM, false);
    }
    check_one(check, &geometries[0], CHECKCL_CHANNELS_LAST, CHECKCL_SPECIAL, true);
}
