/* SPDX-License-Identifier: Apache-2.0 */
/* resize.c: every mode and coordinate rule, by size, by scale and by another value's size; up, down, to and from one pixel. */
#include "checkcl/checkcl.h"
#include "ref/resize.h"

struct geometry {
    int64_t x[4];
    uint32_t size[2];
    double scale[2];
    bool like; /* the size is that of another value */
};

static void reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                      double *const *outputs)
{
    ref_resize(row->params, &row->inputs[0].shape, &output_shapes[0], inputs[0], outputs[0]);
}

static void check_one(struct checkcl *check, const struct geometry *geometry, const struct plugcl_resize_params *rule,
                      const char *rule_name, enum checkcl_layout layout, enum checkcl_fill fill)
{
    const int64_t *x = geometry->x;
    struct plugcl_resize_params params = *rule;
    plugcl_shape like = { 4, { x[0] + 1, 2, geometry->size[0], geometry->size[1] } };
    for (int i = 0; i < 2; i++) {
        params.size[i] = geometry->like ? 0 : geometry->size[i];
        params.scale[i] = geometry->scale[i];
    }
    struct checkcl_case row = {
        .info = &operator_resize,
        .params = &params,
        .inputs = { { .present = true, .shape = { 4, { x[0], x[1], x[2], x[3] } }, .layout = layout, .fill = fill },
                    { .present = geometry->like, .shape = like } },
        .output_layout = layout,
        .budget = 1e-5,
        .reference = reference,
    };
    checkcl_run(check, &row, "%s_n%lldc%lldh%lldw%lldto%ux%u_by%gx%g%s_%s%s", rule_name, (long long)x[0], (long long)x[1],
                (long long)x[2], (long long)x[3], geometry->size[0], geometry->size[1], geometry->scale[0], geometry->scale[1],
                geometry->like ? "_like" : "", checkcl_layouts[layout], fill == CHECKCL_SPECIAL ? "_special" : "");
}

void checkcl_resize(struct checkcl *check)
{
    static const struct geometry geometries[] = {
        { { 1, 5, 7, 7 }, { 10, 10 }, { 0, 0 }, false },     { { 1, 5, 7, 7 }, { 0, 0 }, { 10 / 7.0 + 0.01, 1.5 }, false },
        { { 2, 19, 6, 9 }, { 13, 4 }, { 0, 0 }, true },      { { 3, 33, 1, 1 }, { 5, 3 }, { 0, 0 }, false },
        { { 1, 3, 23, 17 }, { 1, 1 }, { 0, 0 }, false },     { { 2, 4, 12, 10 }, { 0, 0 }, { 0.5, 0.3 }, false },
        { { 1, 17, 9, 40 }, { 18, 80 }, { 2, 2 }, false },   { { 1, 1, 31, 5 }, { 8, 33 }, { 0.26, 6.7 }, false },
        { { 0, 3, 4, 4 }, { 8, 8 }, { 0, 0 }, false },       { { 1, 2, 5, 6 }, { 5, 6 }, { 0, 0 }, false },
        { { 1, 2, 9, 5 }, { 0, 0 }, { 1.01, 2 }, false },
        { { 1, 8, 4, 70 }, { 9, 211 }, { 0, 0 }, false },     { { 2, 93, 3, 4 }, { 5, 9 }, { 0, 0 }, false },
    };
    static const struct {
        const char *name;
        struct plugcl_resize_params params;
    } rules[] = {
        { "bilinear", { .mode = PLUGCL_SAMPLE_BILINEAR } },
        { "bilinear_corners", { .mode = PLUGCL_SAMPLE_BILINEAR, .coordinates = PLUGCL_RESIZE_ALIGN_CORNERS } },
        { "bilinear_asymmetric", { .mode = PLUGCL_SAMPLE_BILINEAR, .coordinates = PLUGCL_RESIZE_ASYMMETRIC } },
        { "bilinear_pytorch_half", { .mode = PLUGCL_SAMPLE_BILINEAR, .coordinates = PLUGCL_RESIZE_PYTORCH_HALF_PIXEL } },
        { "bicubic", { .mode = PLUGCL_SAMPLE_BICUBIC } },
        { "bicubic_corners", { .mode = PLUGCL_SAMPLE_BICUBIC, .coordinates = PLUGCL_RESIZE_ALIGN_CORNERS } },
        { "bicubic_asymmetric_half",
          { .mode = PLUGCL_SAMPLE_BICUBIC, .coordinates = PLUGCL_RESIZE_ASYMMETRIC, .cubic_coefficient = -0.5f } },
        { "nearest", { .mode = PLUGCL_SAMPLE_NEAREST } },
        { "nearest_exact",
          { .mode = PLUGCL_SAMPLE_NEAREST, .coordinates = PLUGCL_RESIZE_HALF_PIXEL, .rounding = PLUGCL_RESIZE_PREFER_CEIL } },
        { "nearest_half_floor",
          { .mode = PLUGCL_SAMPLE_NEAREST, .coordinates = PLUGCL_RESIZE_HALF_PIXEL, .rounding = PLUGCL_RESIZE_PREFER_FLOOR } },
        { "nearest_ceil",
          { .mode = PLUGCL_SAMPLE_NEAREST, .coordinates = PLUGCL_RESIZE_PYTORCH_HALF_PIXEL, .rounding = PLUGCL_RESIZE_CEIL } },
        { "nearest_corners",
          { .mode = PLUGCL_SAMPLE_NEAREST, .coordinates = PLUGCL_RESIZE_ALIGN_CORNERS, .rounding = PLUGCL_RESIZE_PREFER_CEIL } },
    };
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
        for (size_t g = 0; g < sizeof geometries / sizeof *geometries; g++)
            check_one(check, &geometries[g], &rules[r].params, rules[r].name, (enum checkcl_layout)((r + g) % 4), CHECKCL_RANDOM);
        check_one(check, &geometries[2], &rules[r].params, rules[r].name, CHECKCL_CHANNELS_LAST, CHECKCL_SPECIAL);
        check_one(check, &geometries[6], &rules[r].params, rules[r].name, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM);
        check_one(check, &geometries[6], &rules[r].params, rules[r].name, CHECKCL_CHANNELS_LAST, CHECKCL_RANDOM);
        /* More channels than go into the vectors that are copied together. */
        check_one(check, &geometries[12], &rules[r].params, rules[r].name, CHECKCL_CHANNELS_LAST, CHECKCL_SPECIAL);
    }
}
