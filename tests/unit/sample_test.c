/* SPDX-License-Identifier: Apache-2.0 */
/* Affine grids and sampling in whole plans: warp and its definition, coordinates that are not finite or far away, and errors. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <plugcl/plugcl.h>

#include "ref/sample.h"
#include "unit.h"

enum { MOST = 4096 };

/* One plan: inputs "x" and "source" (theta or a grid), outputs "y" and perhaps "grid". */
struct trial {
    struct plugcl_sample_params params;
    plugcl_shape shapes[2];
    const float *data[2];
    uint32_t size[2];
    bool warps, wants_grid, no_fusion;
    float y[MOST], grid[MOST];
    plugcl_shape y_shape;
    size_t grids; /* steps that write one */
};

static void build(const struct trial *trial, plugcl_graph *graph)
{
    plugcl_shape x_shape = { 4, { PLUGCL_DIM_ANY, PLUGCL_DIM_ANY, PLUGCL_DIM_ANY, PLUGCL_DIM_ANY } }, source_shape = x_shape;
    source_shape.rank = trial->shapes[1].rank;
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, &x_shape);
    plugcl_value source = plugcl_graph_input(graph, "source", PLUGCL_F32, &source_shape);
    plugcl_value y = trial->warps ? plugcl_graph_warp(graph, x, source, trial->size[0], trial->size[1], &trial->params)
                                  : plugcl_graph_grid_sample(graph, x, source, &trial->params);
    plugcl_graph_output(graph, "y", y);
    if (trial->wants_grid)
        plugcl_graph_output(graph, "grid", plugcl_graph_affine_grid(graph, source, x, trial->size[0], trial->size[1],
                                                                    trial->params.align_corners));
    assert_int_equal(plugcl_graph_status(graph), PLUGCL_OK);
}

static plugcl_tensor *wrap(const plugcl_plan *plan, const char *name, const float *data)
{
    plugcl_tensor *tensor = NULL;
    plugcl_shape shape;
    assert_int_equal(plugcl_plan_shape(plan, name, &shape), PLUGCL_OK);
    size_t bytes = (size_t)plugcl_shape_elements(&shape) * sizeof *data;
    assert_true(bytes <= MOST * sizeof *data);
    assert_int_equal(plugcl_tensor_wrap_host((void *)(uintptr_t)data, bytes, PLUGCL_F32, &shape, PLUGCL_NCHW, &tensor), PLUGCL_OK);
    return tensor;
}

static void run(struct trial *trial, plugcl_context *context)
{
    plugcl_graph *graph = NULL;
    plugcl_plan *plan = NULL;
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    build(trial, graph);
    struct plugcl_input_shape shapes[2] = { { "x", trial->shapes[0] }, { "source", trial->shapes[1] } };
    const struct plugcl_plan_params *params =
        plugcl_plan_params(.shapes = shapes, .n_shapes = 2, .no_fusion = trial->no_fusion);
    if (plugcl_plan_create(context, graph, params, &plan) != PLUGCL_OK)
        fail_msg("%s", plugcl_error_message());
    plugcl_graph_destroy(&graph);
    plugcl_plan_shape(plan, "y", &trial->y_shape);
    struct plugcl_binding bindings[4] = { { "x", wrap(plan, "x", trial->data[0]) },
                                          { "source", wrap(plan, "source", trial->data[1]) },
                                          { "y", wrap(plan, "y", trial->y) } };
    if (trial->wants_grid)
        bindings[3] = (struct plugcl_binding){ "grid", wrap(plan, "grid", trial->grid) };
    assert_int_equal(plugcl_plan_run(plan, bindings, trial->wants_grid ? 4 : 3, NULL), PLUGCL_OK);
    trial->grids = 0;
    for (size_t i = 0; i < plugcl_plan_steps(plan); i++) {
        struct plugcl_step_info info = { .struct_size = sizeof info };
        assert_int_equal(plugcl_plan_step(plan, i, &info), PLUGCL_OK);
        trial->grids += strcmp(info.operation, "affine_grid") == 0;
    }
    for (size_t i = 0; i < 4; i++)
        plugcl_tensor_destroy(&bindings[i].tensor);
    plugcl_plan_destroy(&plan);
}

static void compare(const char *what, const float *found, const double *expected, size_t count)
{
    double most = 1e-3, error = 0;
    for (size_t i = 0; i < count; i++) {
        most = fmax(most, fabs(expected[i]));
        error = fmax(error, fabs((double)found[i] - expected[i]));
        if (isnan(found[i]))
            error = INFINITY;
    }
    if (!(error <= 1e-4 * most))
        fail_msg("%s is off by %g of %g", what, error, most);
}

static void test_warp_is_its_definition(void **state)
{
    static float x[MOST], theta[3 * 6];
    static double wide_x[MOST], wide_theta[3 * 6], grid[MOST], y[MOST];
    uint32_t random = 3;
    for (int i = 0; i < MOST; i++)
        wide_x[i] = x[i] = pseudo_random(&random);
    for (int i = 0; i < 18; i++)
        wide_theta[i] = theta[i] = pseudo_random(&random);
    for (int form = 0; form < 72; form++) {
        struct trial trial = {
            .params = { .struct_size = sizeof trial.params, .mode = (plugcl_sample_mode)(form % 3),
                        .padding = (plugcl_sample_padding)(form / 3 % 3), .align_corners = form / 9 % 2 },
            .shapes = { { 4, { 3, form % 2 ? 18 : 4, 5, 7 } }, { 3, { 3, 2, 3 } } },
            .data = { x, theta }, .size = { form / 18 % 2 ? 6 : 0, form / 18 % 2 ? 4 : 0 },
            .warps = true, .wants_grid = form / 18 % 2, .no_fusion = form / 36,
        };
        run(&trial, *state);
        int64_t rows = trial.size[0] ? 6 : 5, columns = trial.size[1] ? 4 : 7;
        assert_int_equal(trial.y_shape.dims[2], rows);
        assert_int_equal(trial.y_shape.dims[3], columns);
        ref_affine_grid(wide_theta, 3, rows, columns, trial.params.align_corners, grid);
        ref_grid_sample(&trial.params, &trial.shapes[0], rows, columns, wide_x, grid, y);
        compare("y", trial.y, y, (size_t)plugcl_shape_elements(&trial.y_shape));
        if (trial.wants_grid)
            compare("grid", trial.grid, grid, (size_t)(3 * rows * columns * 2));
        /* Fused, no grid is in memory but the one asked for. */
        assert_int_equal(trial.grids, (size_t)trial.wants_grid + trial.no_fusion);
    }
}

/* Points of one row, y in its middle, through every padding; what PyTorch 1.13 gives on the CPU. */
static void test_points_beyond_all_images(void **state)
{
    static const float x[4] = { 1, 2, 3, 4 };
    static const float coordinates[] = { NAN, INFINITY, -INFINITY, 1e30f, -1e30f, 1e4f, -1e4f, 3.4e38f };
    enum { POINTS = sizeof coordinates / sizeof *coordinates };
    /* bilinear, nearest; then under zeros, border */
    static const float expected[2][2][POINTS] = {
        { { NAN, NAN, NAN, 0, 0, 0, 0, NAN }, { 1, 4, 1, 4, 1, 4, 1, 4 } },
        { { 0, 0, 0, 0, 0, 0, 0, 0 }, { 1, 4, 1, 4, 1, 4, 1, 4 } },
    };
    float points[POINTS * 2];
    for (int i = 0; i < POINTS; i++) {
        points[2 * i] = coordinates[i];
        points[2 * i + 1] = 0;
    }
    for (int form = 0; form < 18; form++) {
        struct trial trial = { .params = { .struct_size = sizeof trial.params, .mode = (plugcl_sample_mode)(form % 3),
                                           .padding = (plugcl_sample_padding)(form / 3 % 3), .align_corners = form / 9 },
                               .shapes = { { 4, { 1, 1, 1, 4 } }, { 4, { 1, 1, POINTS, 2 } } }, .data = { x, points } };
        bool bicubic = trial.params.mode == PLUGCL_SAMPLE_BICUBIC, reflects = trial.params.padding == PLUGCL_SAMPLE_REFLECTION;
        run(&trial, *state);
        for (int i = 0; i < POINTS; i++) {
            float y = trial.y[i];
            bool is_far = isfinite(coordinates[i]) && fabsf(coordinates[i]) < 1e35f;
            if (i == 7 && trial.params.align_corners) /* 3.4e38 of pixels is an infinity or not */
                continue;
            bool right = bicubic && !is_far ? isnan(y)
                         : bicubic ? (trial.params.padding == PLUGCL_SAMPLE_ZEROS ? y == 0 : y >= 1 && y <= 4)
                         : reflects && is_far ? y >= 1 && y <= 4
                         : reflects ? y == 1
                         : isnan(expected[form % 3][form / 3 % 3][i]) ? isnan(y) : y == expected[form % 3][form / 3 % 3][i];
            if (!right)
                fail_msg("mode %d padding %d corners %d: at %g it is %g", trial.params.mode, trial.params.padding,
                         trial.params.align_corners, (double)coordinates[i], (double)y);
        }
    }
}

/* A reflection ends on a pixel of the image wherever it begins; the pixels differ, and each is whole under nearest. */
static void test_reflection_from_far_gives_pixels(void **state)
{
    static float x[5 * 7], points[64 * 2];
    for (int i = 0; i < 35; i++)
        x[i] = (float)(i + 1);
    for (int i = 0; i < 64; i++) {
        points[2 * i] = ldexpf(i % 2 ? -1.37f : 1.37f, i + 10);
        points[2 * i + 1] = ldexpf(1.71f, 110 - i);
    }
    for (int form = 0; form < 6; form++) {
        struct trial trial = { .params = { .struct_size = sizeof trial.params, .mode = (plugcl_sample_mode)(form % 3),
                                           .padding = PLUGCL_SAMPLE_REFLECTION, .align_corners = form / 3 },
                               .shapes = { { 4, { 1, 1, 5, 7 } }, { 4, { 1, 8, 8, 2 } } }, .data = { x, points } };
        run(&trial, *state);
        for (int i = 0; i < 64; i++) {
            bool whole = trial.params.mode != PLUGCL_SAMPLE_NEAREST || trial.y[i] == rintf(trial.y[i]);
            float beyond = trial.params.mode == PLUGCL_SAMPLE_BICUBIC ? 12 : 0; /* cubic curves overshoot */
            if (!(trial.y[i] >= 1 - beyond && trial.y[i] <= 35 + beyond) || !whole)
                fail_msg("form %d: at (%g, %g) it is %g", form, (double)points[2 * i], (double)points[2 * i + 1],
                         (double)trial.y[i]);
        }
    }
}

/* Half a pixel goes to the even one: of 0.5, 1.5, 2.5 and 3.5 to 0, 2, 2 and 4, which is outside. */
static void test_ties_go_to_even(void **state)
{
    static const float x[4] = { 10, 11, 12, 13 };
    static const float points[10] = { -0.5f, 0, 0, 0, 0.5f, 0, 1, 0, -1, 0 };
    static const float expected[5] = { 10, 12, 12, 0, 10 };
    struct trial trial = { .params = { .struct_size = sizeof trial.params, .mode = PLUGCL_SAMPLE_NEAREST },
                           .shapes = { { 4, { 1, 1, 1, 4 } }, { 4, { 1, 5, 1, 2 } } }, .data = { x, points } };
    run(&trial, *state);
    for (int i = 0; i < 5; i++)
        assert_float_equal(trial.y[i], expected[i], 0);
}

static void test_what_is_refused(void **state)
{
    static const struct {
        plugcl_shape x, source;
        int kind; /* 0 warp, 1 grid_sample, 2 affine_grid without x */
        uint32_t height;
        int mode, padding;
        const char *message;
    } cases[] = {
        { { 4, { 1, 3, 4, 4 } }, { 2, { 2, 3 } }, 0, 0, 0, 0, "warp's theta has rank 2; it must be 3: [N, 2, 3]" },
        { { 4, { 1, 3, 4, 4 } }, { 3, { 1, 3, 3 } }, 0, 0, 0, 0, "warp's theta is [1, 3, 3]; it must be [N, 2, 3]" },
        { { 4, { 2, 3, 4, 4 } }, { 3, { 1, 2, 3 } }, 0, 0, 0, 0, "warp's theta is for a batch of 1 and x is a batch of 2" },
        { { 3, { 3, 4, 4 } }, { 3, { 1, 2, 3 } }, 0, 0, 0, 0, "warp's x has rank 3; it must be 4" },
        { { 4, { 1, 3, 0, 4 } }, { 3, { 1, 2, 3 } }, 0, 0, 0, 0, "warp's x has 0 x 4 pixels" },
        { { 4, { 1, 3, 4, 4 } }, { 3, { 1, 2, 3 } }, 0, 0, 3, 0, "warp: there is no mode 3" },
        { { 4, { 1, 3, 4, 4 } }, { 4, { 1, 2, 3, 3 } }, 1, 0, 0, 0, "it must be [N, H, W, 2]" },
        { { 4, { 1, 3, 4, 4 } }, { 3, { 1, 3, 2 } }, 1, 0, 0, 0, "grid_sample's grid has rank 3" },
        { { 4, { 3, 3, 4, 4 } }, { 4, { 2, 2, 3, 2 } }, 1, 0, 0, 0,
          "grid_sample's grid is for a batch of 2 and x is a batch of 3" },
        { { 4, { 1, 3, 4, 4 } }, { 4, { 1, 2, 3, 2 } }, 1, 0, 0, -1, "grid_sample: there is no padding -1" },
        { { 4, { 1, 3, 4, 4 } }, { 3, { 1, 2, 3 } }, 2, 4, 0, 0, "affine_grid to 4 x 0; both must be at least 1 where no x" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plugcl_graph *graph = NULL;
        struct plugcl_sample_params params = plugcl_sample_params_init();
        params.mode = (plugcl_sample_mode)cases[i].mode;
        params.padding = (plugcl_sample_padding)cases[i].padding;
        assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
        plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, &cases[i].x);
        plugcl_value source = plugcl_graph_input(graph, "source", PLUGCL_F32, &cases[i].source), y;
        if (cases[i].kind == 0)
            y = plugcl_graph_warp(graph, x, source, cases[i].height, 0, &params);
        else if (cases[i].kind == 1)
            y = plugcl_graph_grid_sample(graph, x, source, &params);
        else
            y = plugcl_graph_affine_grid(graph, source, (plugcl_value){ 0 }, cases[i].height, 0, false);
        assert_int_equal(y.id, 0);
        assert_int_equal(plugcl_graph_status(graph), PLUGCL_INVALID);
        assert_message(cases[i].message);
        plugcl_graph_destroy(&graph);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_warp_is_its_definition), cmocka_unit_test(test_points_beyond_all_images),
        cmocka_unit_test(test_reflection_from_far_gives_pixels), cmocka_unit_test(test_ties_go_to_even),
        cmocka_unit_test(test_what_is_refused),
    };
    return cmocka_run_group_tests_name("sample", tests, make_context, destroy_context) ? 1 : 0;
}
