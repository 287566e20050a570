/* SPDX-License-Identifier: Apache-2.0 */
/* attention.c: attention in every mode: odd sizes, size 1, no keys, batches, views, blocks, NaN and infinities. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "checkcl/checkcl.h"
#include "ops/attention.h"
#include "ref/attention.h"

static struct ref_attention reference_of(const struct checkcl_case *row)
{
    const struct plugcl_attention_params *params = row->params;
    const int64_t *q = row->inputs[0].shape.dims, *k = row->inputs[1].shape.dims;
    return (struct ref_attention){ q[0], q[1], k[1], q[2], row->inputs[2].shape.dims[2] /* of v */, params->mode, params->scale,
                                   params->softmax_over_queries };
}

static void reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                      double *const *outputs)
{
    const struct ref_attention attention = reference_of(row);
    ref_attention(&attention, inputs[0], inputs[1], inputs[2], outputs[0]);
    /* q · (kᵀ · v) is (q · kᵀ) · v but for the kind of what is not finite. */
    if (attention.mode == PLUGCL_ATTENTION_DOT_PRODUCT)
        for (int64_t i = 0; i < plugcl_shape_elements(&output_shapes[0]); i++)
            if (!isfinite(outputs[0][i]))
                outputs[0][i] = CHECKCL_UNCHECKED;
}

struct size {
    int64_t images, queries, keys, depth, columns;
};

static const char *const names[] = { "keys", "queries", "dot_product", "concatenation" };

/* Modes as `names` counts them. */
static struct plugcl_attention_params params_of(int mode)
{
    struct plugcl_attention_params params = plugcl_attention_params_init();
    params.mode = mode < 2 ? PLUGCL_ATTENTION_SOFTMAX
                           : mode == 2 ? PLUGCL_ATTENTION_DOT_PRODUCT : PLUGCL_ATTENTION_CONCATENATION;
    params.softmax_over_queries = mode == 1;
    params.scale = 1;
    return params;
}

enum special { NOTHING_SPECIAL, SPECIAL_Q, SPECIAL_K, SPECIAL_V, LARGE_SCORES };

static void check_with_tiles(struct checkcl *check, const struct size *size, int mode, float scale, uint64_t memory,
                             enum checkcl_layout layout, enum special special, bool every_tile)
{
    static const char *const specials[] = { "", "_special_q", "_special_k", "_special_v", "_large" };
    struct plugcl_attention_params params = params_of(mode);
    params.scale = scale;
    params.memory = memory;
    int64_t depth = mode == 3 ? 1 : size->depth;
    struct checkcl_case row = {
        .info = &operator_attention,
        .params = &params,
        .inputs = { { .shape = { 3, { size->images, size->queries, depth } },
                      .fill = special == SPECIAL_Q ? CHECKCL_SPECIAL : special == LARGE_SCORES ? CHECKCL_LARGE : CHECKCL_RANDOM },
                    { .shape = { 3, { size->images, size->keys, depth } },
                      .fill = special == SPECIAL_K ? CHECKCL_SPECIAL : CHECKCL_RANDOM },
                    { .shape = { 3, { size->images, size->keys, size->columns } },
                      .fill = special == SPECIAL_V ? CHECKCL_SPECIAL : CHECKCL_RANDOM } },
        .every_tile = every_tile,
        .budget = 1e-4,
        .reference = reference,
    };
    for (int i = 0; i < 3; i++) {
        row.inputs[i].present = true;
        row.inputs[i].layout = layout;
    }
    checkcl_run(check, &row, "%s%s_n%lldq%lldk%lldd%llde%lld%s%s%s%s", every_tile ? "tiles_" : "", names[mode],
                (long long)size->images, (long long)size->queries, (long long)size->keys, (long long)depth,
                (long long)size->columns, scale != 1 ? "_scaled" : "", memory ? "_blocks" : "",
                layout == CHECKCL_ODD_VIEW ? "_odd" : "", specials[special]);
}

static void check_attention(struct checkcl *check, const struct size *size, int mode, float scale, uint64_t memory,
                            enum checkcl_layout layout, enum special special)
{
    check_with_tiles(check, size, mode, scale, memory, layout, special, false);
}

/* Every tile: several steps of keys, the last of them short, and columns for more than one work-group. */
static void check_tiles(struct checkcl *check)
{
    static const struct size sizes[] = { { 2, 70, 129, 18, 21 }, { 1, 33, 200, 9, 133 } };
    for (int mode = 0; mode < 2; mode++) {
        check_with_tiles(check, &sizes[0], mode, 1, 0, CHECKCL_ROW_MAJOR, LARGE_SCORES, true);
        check_with_tiles(check, &sizes[1], mode, 1, 0, CHECKCL_ODD_VIEW, NOTHING_SPECIAL, true);
    }
    check_with_tiles(check, &sizes[0], 0, 1, 0, CHECKCL_ROW_MAJOR, SPECIAL_K, true);
}

/* y = residual + bias + weight · result, pixels last. */
static void projected_reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                                double *const *outputs)
{
    const struct ref_attention attention = reference_of(row);
    const int64_t *y = output_shapes[0].dims, pixels = attention.queries, columns = attention.columns;
    double *result = calloc((size_t)(attention.images * pixels * columns) + 1, sizeof *result);
    if (result == NULL)
        abort();
    ref_attention(&attention, inputs[0], inputs[1], inputs[2], result);
    for (int64_t i = 0; i < plugcl_shape_elements(&output_shapes[0]); i++) {
        const int64_t output = i / pixels % y[1], line = i / pixels / y[1] * pixels + i % pixels;
        double sum = inputs[ATTENTION_RESIDUAL][i] + (row->inputs[ATTENTION_BIAS].present ? inputs[ATTENTION_BIAS][output] : 0);
        for (int64_t e = 0; e < columns; e++)
            sum += inputs[ATTENTION_WEIGHT][output * columns + e] * result[line * columns + e];
        outputs[0][i] = attention.mode == PLUGCL_ATTENTION_DOT_PRODUCT && !isfinite(sum) ? CHECKCL_UNCHECKED : sum;
    }
    free(result);
}

/* A projection of a map [images, outputs, height, width] behind it. */
struct map {
    int64_t height, width, outputs;
    bool has_bias;
    enum checkcl_layout residual, y;
};

static void check_projected(struct checkcl *check, const struct size *size, const struct map *map, int mode, enum special special,
                            bool every_tile)
{
    static const char *const specials[] = { "", "_special_q", "_special_k", "_special_v", "_large" };
    const struct plugcl_attention_params params = params_of(mode);
    const int64_t depth = mode == 3 ? 1 : size->depth;
    const plugcl_shape y = { 4, { size->images, map->outputs, map->height, map->width } };
    struct checkcl_case row = {
        .info = &operator_attention,
        .params = &params,
        .epilogue = { .has_residual = true },
        .inputs = { { .present = true, .shape = { 3, { size->images, map->height * map->width, depth } },
                      .fill = special == SPECIAL_Q ? CHECKCL_SPECIAL : special == LARGE_SCORES ? CHECKCL_LARGE : CHECKCL_RANDOM },
                    { .present = true, .shape = { 3, { size->images, size->keys, depth } },
                      .fill = special == SPECIAL_K ? CHECKCL_SPECIAL : CHECKCL_RANDOM },
                    { .present = true, .shape = { 3, { size->images, size->keys, size->columns } },
                      .fill = special == SPECIAL_V ? CHECKCL_SPECIAL : CHECKCL_RANDOM },
                    { .present = true, .constant = true, .shape = { 4, { map->outputs, size->columns, 1, 1 } } },
                    { .present = map->has_bias, .constant = true, .shape = { 1, { map->outputs } } },
                    { .present = true, .shape = y, .layout = map->residual } },
        .output_layout = map->y,
        .every_tile = every_tile,
        .budget = 1e-4,
        .reference = projected_reference,
    };
    checkcl_run(check, &row, "projected_%s%s_n%lldh%lldw%lldk%lldd%llde%lldo%lld%s_%s_%s%s", every_tile ? "tiles_" : "",
                names[mode], (long long)size->images, (long long)map->height, (long long)map->width, (long long)size->keys,
                (long long)depth, (long long)size->columns, (long long)map->outputs, map->has_bias ? "_bias" : "",
                checkcl_layouts[map->residual], checkcl_layouts[map->y], specials[special]);
}

/* What a Non-local block's plan makes of attention and the convolution behind it, on CPU devices. */
static void check_projections(struct checkcl *check)
{
    static const struct size sizes[] = { { 1, 0, 1, 1, 1 }, { 2, 0, 53, 9, 17 }, { 0, 0, 4, 3, 2 }, { 2, 0, 0, 3, 4 } };
    static const enum checkcl_layout nhwc = CHECKCL_CHANNELS_LAST, nchw = CHECKCL_ROW_MAJOR, view = CHECKCL_CHANNEL_VIEW,
                                     odd = CHECKCL_ODD_VIEW, rows = CHECKCL_ROW_VIEW;
    static const struct map maps[] = {
        { 1, 1, 1, true, nchw, nchw },   { 1, 1, 2, false, nhwc, nhwc },  { 7, 9, 33, true, nchw, nchw },
        { 7, 9, 33, true, nhwc, nhwc },  { 12, 4, 16, false, view, view }, { 12, 4, 16, false, nchw, nchw },
        { 5, 1, 19, true, view, nhwc },  { 3, 5, 7, true, nchw, nhwc },   { 3, 5, 7, false, odd, nchw },
        { 3, 5, 35, true, rows, nchw },  { 1, 1, 35, true, rows, nchw },  { 1, 1, 35, false, nchw, rows },
    };
    for (int mode = 0; mode < 4; mode++)
        for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
            check_projected(check, &sizes[i > 1], &maps[i], mode, NOTHING_SPECIAL, false);
    for (size_t i = 2; i < 4; i++) {
        for (enum special special = SPECIAL_Q; special <= LARGE_SCORES; special++)
            check_projected(check, &sizes[1], &maps[i], 0, special, false);
        check_projected(check, &sizes[i], &maps[i], 0, NOTHING_SPECIAL, false);
        check_projected(check, &sizes[1], &maps[i], 0, NOTHING_SPECIAL, true);
    }
}

static void map_reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                          double *const *outputs)
{
    struct ref_attention attention = reference_of(row);
    const int64_t *dims = output_shapes[0].dims;
    double *whole = calloc((size_t)(attention.images * attention.queries * attention.keys) + 1, sizeof *whole);
    if (whole == NULL)
        abort();
    ref_affinity(&attention, inputs[0], inputs[1], whole);
    for (int64_t i = 0; i < dims[0] * dims[1]; i++) {
        int64_t chosen = row->inputs[2].present ? (int64_t)inputs[2][i % dims[1]] : i % dims[1];
        int64_t query = i / dims[1] * attention.queries + chosen;
        memcpy(outputs[0] + i * dims[2], whole + query * dims[2], (size_t)dims[2] * sizeof *whole);
    }
    free(whole);
}

static void check_map(struct checkcl *check, const struct size *size, int mode, float scale, enum checkcl_layout layout,
                      enum checkcl_fill fill, bool all)
{
    struct plugcl_attention_params params = params_of(mode);
    const float rows[3] = { (float)(size->queries - 1), 0, (float)(size->queries / 2) };
    int64_t depth = mode == 3 ? 1 : size->depth;
    params.scale = scale;
    const struct checkcl_case row = {
        .info = &operator_attention_map,
        .params = &params,
        .inputs = { { .present = true, .shape = { 3, { size->images, size->queries, depth } }, .layout = layout, .fill = fill },
                    { .present = true, .shape = { 3, { size->images, size->keys, depth } }, .layout = layout },
                    { .present = !all, .constant = true, .dtype = PLUGCL_I32, .shape = { 1, { 3 } }, .values = rows } },
        .budget = 1e-4,
        .reference = map_reference,
    };
    checkcl_run(check, &row, "%s_n%lldq%lldk%lldd%lld%s%s%s", names[mode], (long long)size->images, (long long)size->queries,
                (long long)size->keys, (long long)depth, all ? "_all" : "", layout == CHECKCL_ODD_VIEW ? "_odd" : "",
                fill == CHECKCL_SPECIAL ? "_special" : "");
}

void checkcl_attention(struct checkcl *check)
{
    static const struct size sizes[] = {
        { 1, 1, 1, 1, 1 },   { 2, 3, 5, 7, 2 },     { 2, 47, 53, 9, 17 }, { 1, 196, 49, 32, 33 },
        { 3, 50, 101, 8, 8 }, { 2, 0, 5, 3, 4 },     { 2, 5, 0, 3, 4 },    { 0, 5, 6, 3, 4 },
        { 1, 65, 130, 70, 131 },
    };
    for (int mode = 0; mode < 4; mode++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            check_attention(check, &sizes[i], mode, 1, 0, CHECKCL_ROW_MAJOR, NOTHING_SPECIAL);
        check_attention(check, &sizes[2], mode, -0.5f, 0, CHECKCL_ODD_VIEW, NOTHING_SPECIAL);
        check_attention(check, &sizes[2], mode, 1, 2000, CHECKCL_ROW_MAJOR, NOTHING_SPECIAL);
        check_attention(check, &sizes[4], mode, 0.25f, 1, CHECKCL_ODD_VIEW, NOTHING_SPECIAL);
        check_map(check, &sizes[0], mode, 1, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM, false);
        check_map(check, &sizes[1], mode, 3, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM, false);
        check_map(check, &sizes[2], mode, -0.5f, CHECKCL_ODD_VIEW, CHECKCL_RANDOM, false);
        check_map(check, &sizes[2], mode, 1, CHECKCL_ROW_MAJOR, CHECKCL_RANDOM, true);
        check_map(check, &sizes[2], mode, 1, CHECKCL_ROW_MAJOR, CHECKCL_SPECIAL, false);
        for (enum special special = SPECIAL_Q; special <= LARGE_SCORES; special++)
            check_attention(check, &sizes[2], mode, 1, 0, CHECKCL_ROW_MAJOR, special);
    }
    check_tiles(check);
    check_projections(check);
    if (checkcl_is_quick(check))
        return;
    for (int mode = 0; mode < 4; mode++)
        check_attention(check, &(struct size){ 1, 784, 784, 64, 64 }, mode, 1, 0, CHECKCL_ROW_MAJOR, NOTHING_SPECIAL);
    check_attention(check, &(struct size){ 1, 3136, 3136, 128, 128 }, 0, 1, 0, CHECKCL_ROW_MAJOR, NOTHING_SPECIAL);
    check_attention(check, &(struct size){ 1, 3136, 3136, 128, 128 }, 1, 1, 0, CHECKCL_ROW_MAJOR, NOTHING_SPECIAL);
}
