/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample.c: affine_grid, grid_sample and warp: every mode, padding and align_corners; coordinates inside, up to ten widths outside,
 * far beyond, and not finite; maps with flips and without extent; images of one row, column or pixel.
 */
#include <math.h>
#include <stdlib.h>

#include "checkcl/checkcl.h"
#include "ref/sample.h"

static const char *const modes[] = { "bilinear", "nearest", "bicubic" };
static const char *const paddings[] = { "zeros", "border", "reflection" };

/* Where the coordinates lie. */
enum reach {
    NEAR,    /* in and just outside the image */
    OUTSIDE, /* up to ten widths */
    DISTANT, /* up to 1e4 */
    EXTREME  /* near ones with 1e4, 1e30, NaN and infinities strewn in */
};
static const char *const reaches[] = { "near", "outside", "distant", "extreme" };

/* The coordinates are known before the row runs: its budget follows from them. */
struct sample_row {
    struct checkcl_case row; /* first: the harness hands it back */
    struct plugcl_sample_params params;
    bool has_special_pixels;
    double largest; /* coordinate, in pixels, but for those beyond any image */
};

static double pixel_of(const struct sample_row *sample, double coordinate, int axis)
{
    return ref_pixel_coordinate(coordinate, sample->row.inputs[0].shape.dims[3 - axis], sample->params.align_corners);
}

/* True where rounding decides: between pixels, of which one may be NaN; and, reflected from far away, on everything. */
static bool is_open(const struct sample_row *sample, const double *point)
{
    double margin = 1e-6 * fmax(sample->largest, 1);
    for (int axis = 0; axis < 2; axis++) {
        double x = pixel_of(sample, point[axis], axis), from_whole = fabs(x - nearbyint(x));
        if (isfinite(x) && fabs(x) > 1e6 && sample->params.padding == PLUGCL_SAMPLE_REFLECTION)
            return true;
        if (sample->params.mode == PLUGCL_SAMPLE_NEAREST ? fabs(from_whole - 0.5) <= margin
                                                         : sample->has_special_pixels && from_whole <= 0.01 + margin)
            return true;
    }
    return false;
}

static void reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                      double *const *outputs)
{
    const struct sample_row *sample = (const struct sample_row *)row;
    const int64_t *dims = output_shapes[0].dims, pixels = dims[2] * dims[3];
    double *grid = calloc((size_t)(dims[0] * pixels) * 2 + 1, sizeof *grid);
    if (grid == NULL)
        abort();
    if (row->info == &operator_warp)
        ref_affine_grid(inputs[1], dims[0], dims[2], dims[3], sample->params.align_corners, grid);
    const double *points = row->info == &operator_warp ? grid : inputs[1];
    ref_grid_sample(&sample->params, &row->inputs[0].shape, dims[2], dims[3], inputs[0], points, outputs[0]);
    for (int64_t i = 0; i < dims[0] * dims[1] * pixels; i++) {
        double y = outputs[0][i];
        bool cancels = sample->has_special_pixels && isfinite(y) && fabs(y) > 1e20; /* pixels of ±1e30, weighted */
        if (cancels || is_open(sample, points + 2 * (i / (dims[1] * pixels) * pixels + i % pixels)))
            outputs[0][i] = CHECKCL_UNCHECKED;
    }
    free(grid);
}

/* Deterministic, −1 … 1. */
static float unit(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)(*state >> 40) / 8388608.0f - 1.0f;
}

static float random_coordinate(enum reach reach, uint64_t *state)
{
    static const float extremes[] = { NAN, INFINITY, -INFINITY, 1e4f, -1e4f, 1e30f, -1e30f };
    float x = unit(state), pick = unit(state);
    if (reach == EXTREME && pick > 0.6f)
        return extremes[(int)((pick - 0.6f) * 17.4f)];
    return x * (reach == OUTSIDE ? 21.0f : reach == DISTANT ? 1e4f : 1.3f);
}

/* An affine map; the first ones are the plain ones. */
static void make_theta(enum reach reach, int64_t image, uint64_t *state, float theta[6])
{
    static const float maps[][6] = {
        { -1, 0, 0, 0, 1, 0 },       /* a flip */
        { 0.5f, 0, 0.1f, 0, 0, 0 },  /* one row */
        { 0, 0, 0.3f, 0, 0, -0.2f }, /* one point */
        { 0, 1, 0, -1, 0, 0 },       /* a quarter turn */
    };
    for (int i = 0; i < 6; i++)
        theta[i] = reach == NEAR && image < 4 ? maps[image][i] : unit(state);
    if (reach == OUTSIDE || reach == DISTANT)
        for (int i = 0; i < 6; i++)
            theta[i] *= reach == OUTSIDE ? 7.0f : 3e3f;
    if (reach == EXTREME) /* in one place, so that no large terms cancel */
        theta[image % 6] = random_coordinate(reach, state);
}

static float *make_source(const struct sample_row *sample, const plugcl_shape *shape, enum reach reach)
{
    int64_t count = plugcl_shape_elements(shape);
    uint64_t state = (uint64_t)count * 31 + (uint64_t)reach;
    float *values = calloc((size_t)count + 1, sizeof *values);
    if (values == NULL)
        abort();
    if (sample->row.info == &operator_grid_sample)
        for (int64_t i = 0; i < count; i++)
            values[i] = random_coordinate(reach, &state);
    for (int64_t i = 0; sample->row.info != &operator_grid_sample && i < count / 6; i++)
        make_theta(reach, i, &state, values + 6 * i);
    return values;
}

static double largest_coordinate(const struct sample_row *sample, const float *source, int64_t images, int64_t rows,
                                 int64_t columns)
{
    int64_t points = images * rows * columns;
    double *grid = calloc((size_t)points * 2 + 1, sizeof *grid), *wide = calloc((size_t)images * 6 + 1, sizeof *wide), most = 0;
    if (grid == NULL || wide == NULL)
        abort();
    if (sample->row.info == &operator_warp) {
        for (int64_t i = 0; i < images * 6; i++)
            wide[i] = (double)source[i];
        ref_affine_grid(wide, images, rows, columns, sample->params.align_corners, grid);
    }
    for (int64_t i = 0; i < points * 2; i++) {
        double x = fabs(pixel_of(sample, sample->row.info == &operator_warp ? grid[i] : (double)source[i], (int)(i % 2)));
        if (x <= 1e6 && x > most)
            most = x;
    }
    free(grid);
    free(wide);
    return most;
}

struct form {
    plugcl_shape x;
    uint32_t rows, columns;
    enum checkcl_layout in, source, out;
    enum checkcl_fill fill;
    enum reach reach;
};

static void check_form(struct checkcl *check, const struct operator_info *info, const struct form *form, int mode, int padding,
                       bool align_corners)
{
    const int64_t *dims = form->x.dims;
    struct sample_params params = { (plugcl_sample_mode)mode, (plugcl_sample_padding)padding, align_corners, { 0, 0 } };
    struct sample_row sample = {
        .row = { .info = info, .params = &params, .reference = reference, .output_layout = form->out,
                 .inputs = { { .present = true, .shape = form->x, .layout = form->in, .fill = form->fill },
                             { .present = true, .shape = { 4, { dims[0], form->rows, form->columns, 2 } },
                               .layout = form->source } } },
        .params = { .struct_size = sizeof sample.params, .mode = params.mode, .padding = params.padding,
                    .align_corners = align_corners },
        .has_special_pixels = form->fill == CHECKCL_SPECIAL,
    };
    if (info == &operator_warp) {
        params.size[0] = form->rows;
        params.size[1] = form->columns;
        sample.row.inputs[1].shape = (plugcl_shape){ 3, { dims[0], 2, 3 } };
    }
    float *source = make_source(&sample, &sample.row.inputs[1].shape, form->reach);
    sample.row.inputs[1].values = source;
    sample.largest = largest_coordinate(&sample, source, dims[0], form->rows, form->columns);
    sample.row.budget = fmax(1e-4, 2e-6 * sample.largest);
    checkcl_run(check, &sample.row, "%s_%s_%s%s%s_n%lldc%lldh%lldw%lld_h%uw%u_%s_to_%s", modes[mode], paddings[padding],
                align_corners ? "corners_" : "", reaches[form->reach], form->fill == CHECKCL_SPECIAL ? "_special" : "",
                (long long)dims[0], (long long)dims[1], (long long)dims[2], (long long)dims[3], form->rows, form->columns,
                checkcl_layouts[form->in], checkcl_layouts[form->out]);
    free(source);
}

static void check_all(struct checkcl *check, const struct form *form)
{
    for (int mode = 0; mode < 3; mode++) {
        for (int padding = 0; padding < 3; padding++) {
            for (int corners = 0; corners < 2; corners++) {
                check_form(check, &operator_grid_sample, form, mode, padding, corners);
                check_form(check, &operator_warp, form, mode, padding, corners);
            }
        }
    }
}

static void grid_reference(const struct checkcl_case *row, const double *const *inputs, const plugcl_shape *output_shapes,
                           double *const *outputs)
{
    const struct sample_params *params = row->params;
    const int64_t *dims = output_shapes[0].dims;
    ref_affine_grid(inputs[0], dims[0], dims[1], dims[2], params->align_corners, outputs[0]);
}

static void check_grid(struct checkcl *check, int64_t images, uint32_t rows, uint32_t columns, enum checkcl_layout in,
                       enum checkcl_layout out, bool align_corners)
{
    struct sample_params params = { .align_corners = align_corners, .size = { rows, columns } };
    struct checkcl_case row = {
        .info = &operator_affine_grid, .params = &params, .budget = 1e-6, .reference = grid_reference, .output_layout = out,
        .inputs = { { .present = true, .shape = { 3, { images, 2, 3 } }, .layout = in },
                    { .present = columns == 9, .shape = { 4, { images, 3, rows, columns } } } },
    };
    if (columns == 9) /* x gives the width */
        params.size[1] = 0;
    checkcl_run(check, &row, "%sn%lldh%uw%u_%s_to_%s", align_corners ? "corners_" : "", (long long)images, rows, columns,
                checkcl_layouts[in], checkcl_layouts[out]);
}

static const struct form forms[] = {
    { { 4, { 2, 5, 7, 9 } }, 6, 11, .reach = NEAR },
    { { 4, { 5, 3, 8, 10 } }, 5, 9, .reach = OUTSIDE },
    { { 4, { 7, 2, 6, 5 } }, 9, 7, .reach = EXTREME },
    { { 4, { 2, 19, 9, 13 } }, 7, 8, CHECKCL_CHANNELS_LAST, CHECKCL_ROW_MAJOR, CHECKCL_CHANNELS_LAST, .reach = OUTSIDE },
    { { 4, { 8, 17, 5, 6 } }, 5, 5, CHECKCL_CHANNELS_LAST, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, .reach = EXTREME },
};

/* Each with one mode, padding and align_corners in turn. */
static const struct form more[] = {
    { { 4, { 1, 3, 1, 1 } }, 3, 5, .reach = OUTSIDE },
    { { 4, { 2, 16, 1, 13 } }, 1, 1, .reach = NEAR },
    { { 4, { 3, 17, 13, 1 } }, 4, 1, CHECKCL_CHANNELS_LAST, CHECKCL_ROW_MAJOR, CHECKCL_CHANNELS_LAST, .reach = EXTREME },
    { { 4, { 5, 4, 6, 7 } }, 9, 5, .reach = DISTANT },
    { { 4, { 4, 6, 9, 8 } }, 9, 8, CHECKCL_ODD_VIEW, CHECKCL_ODD_VIEW, CHECKCL_ODD_VIEW, .reach = NEAR },
    { { 4, { 2, 37, 6, 5 } }, 7, 9, CHECKCL_CHANNEL_VIEW, CHECKCL_ODD_VIEW, CHECKCL_CHANNEL_VIEW, .reach = NEAR },
    { { 4, { 2, 33, 6, 11 } }, 8, 8, CHECKCL_ROW_MAJOR, CHECKCL_CHANNELS_LAST, CHECKCL_CHANNELS_LAST, .reach = OUTSIDE },
    { { 4, { 2, 21, 6, 11 } }, 9, 5, CHECKCL_ODD_VIEW, CHECKCL_ROW_MAJOR, CHECKCL_CHANNEL_VIEW, .reach = NEAR },
    { { 4, { 2, 18, 9, 9 } }, 9, 9, .fill = CHECKCL_SPECIAL, .reach = NEAR },
    { { 4, { 2, 3, 9, 9 } }, 9, 9, .fill = CHECKCL_SPECIAL, .reach = EXTREME },
    { { 4, { 0, 3, 4, 4 } }, 5, 5, .reach = NEAR },
    { { 4, { 1, 200, 4, 4 } }, 4, 4, CHECKCL_CHANNELS_LAST, CHECKCL_ROW_MAJOR, CHECKCL_CHANNELS_LAST, .reach = NEAR },
};

static const struct form large[] = {
    { { 4, { 1, 3, 224, 224 } }, 224, 224, .reach = NEAR },
    { { 4, { 8, 3, 224, 224 } }, 224, 224, .reach = NEAR },
    { { 4, { 1, 64, 56, 56 } }, 56, 56, .reach = NEAR },
    { { 4, { 1, 64, 56, 56 } }, 56, 56, CHECKCL_CHANNELS_LAST, CHECKCL_ROW_MAJOR, CHECKCL_CHANNELS_LAST, .reach = OUTSIDE },
};

void checkcl_sample(struct checkcl *check)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        check_all(check, &forms[i]);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        for (int turn = 0; turn < 3; turn++) {
            int mode = (turn + (int)i) % 3;
            check_form(check, &operator_grid_sample, &more[i], mode, turn, turn == 1);
            check_form(check, &operator_warp, &more[i], mode, turn, turn != 1);
        }
    }
    for (size_t i = 0; i < sizeof large / sizeof *large && !checkcl_is_quick(check); i++) {
        for (int mode = 0; mode < 3; mode++) {
            check_form(check, &operator_grid_sample, &large[i], mode, PLUGCL_SAMPLE_ZEROS, false);
            check_form(check, &operator_warp, &large[i], mode, PLUGCL_SAMPLE_REFLECTION, true);
        }
    }
    for (int corners = 0; corners < 2; corners++) {
        check_grid(check, 2, 7, 9, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, corners);
        check_grid(check, 3, 1, 5, CHECKCL_ODD_VIEW, CHECKCL_ODD_VIEW, corners);
        check_grid(check, 1, 4, 1, CHECKCL_ROW_MAJOR, CHECKCL_CHANNELS_LAST, corners);
        check_grid(check, 0, 4, 4, CHECKCL_ROW_MAJOR, CHECKCL_ROW_MAJOR, corners);
    }
}
