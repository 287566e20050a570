/* SPDX-License-Identifier: Apache-2.0 */
/* Winograd's method in plans: that it is taken where it pays, alone and within a pyramid, and never where it is forbidden. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <plugcl/plugcl.h>

#include "unit.h"

enum { CHANNELS = 32, SIDE = 56, ELEMENTS = CHANNELS * SIDE * SIDE, TAPS = CHANNELS * CHANNELS * 9 };

struct fixture {
    plugcl_context *context;
    plugcl_graph *graph;
    bool is_cpu; /* the kind of device that it is for */
    float input[ELEMENTS], results[2][ELEMENTS];
};

static plugcl_value constant_of(struct fixture *fixture, const plugcl_shape *shape)
{
    static float data[TAPS];
    uint32_t state = (uint32_t)plugcl_shape_elements(shape);
    for (int64_t i = 0; i < plugcl_shape_elements(shape); i++)
        data[i] = pseudo_random(&state) / 17.0f;
    return plugcl_graph_constant(fixture->graph, PLUGCL_F32, shape, data);
}

/* A layer "layer", and a pyramid of one branch and its projection. */
static void build(struct fixture *fixture)
{
    plugcl_graph *graph = fixture->graph;
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(1, CHANNELS, SIDE, SIDE));
    plugcl_value taps = constant_of(fixture, PLUGCL_SHAPE(CHANNELS, CHANNELS, 3, 3));
    plugcl_value projection = constant_of(fixture, PLUGCL_SHAPE(CHANNELS, CHANNELS, 1, 1));
    const plugcl_value none = { 0 };
    const struct plugcl_pyramid_branch branch = { .weight = taps, .dilation = 2 };
    plugcl_graph_output(graph, "layer", plugcl_graph_conv2d(graph, x, taps, constant_of(fixture, PLUGCL_SHAPE(CHANNELS)),
                                                            plugcl_conv2d_params(.pad = { 1, 1, 1, 1 })));
    plugcl_graph_output(graph, "pyramid",
                        plugcl_graph_pyramid(graph, x, &branch, 1, none, none, projection, none, NULL));
    assert_int_equal(plugcl_graph_status(graph), PLUGCL_OK);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    uint32_t seed = 1;
    *state = fixture;
    for (int i = 0; i < ELEMENTS; i++)
        fixture->input[i] = pseudo_random(&seed);
    assert_int_equal(plugcl_context_create(plugcl_context_params(.device = "cpu,gpu"), &fixture->context), PLUGCL_OK);
    assert_int_equal(plugcl_graph_create(NULL, &fixture->graph), PLUGCL_OK);
    build(fixture);
    const struct plugcl_device_info *device = plugcl_context_device(fixture->context);
    fixture->is_cpu = device->type == PLUGCL_DEVICE_CPU && device->float_vector_width >= 4;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    plugcl_context_destroy(&fixture->context);
    plugcl_graph_destroy(&fixture->graph);
    free(fixture);
    return 0;
}

/* Runs a plan; true if a step of its own is Winograd's. */
static bool run(struct fixture *fixture, const struct plugcl_plan_params *params, const char *output, float *y)
{
    plugcl_plan *plan;
    plugcl_tensor *tensors[2];
    struct plugcl_step_info step = { .struct_size = sizeof step };
    bool found = false;
    const plugcl_shape *shape = PLUGCL_SHAPE(1, CHANNELS, SIDE, SIDE);
    assert_int_equal(plugcl_plan_create(fixture->context, fixture->graph, params, &plan), PLUGCL_OK);
    for (size_t i = 0; i < plugcl_plan_steps(plan); i++) {
        assert_int_equal(plugcl_plan_step(plan, i, &step), PLUGCL_OK);
        found = found || strcmp(step.variant, "cpu_winograd") == 0;
    }
    float *const data[2] = { fixture->input, y };
    for (int i = 0; i < 2; i++)
        assert_int_equal(plugcl_tensor_wrap_host(data[i], sizeof fixture->input, PLUGCL_F32, shape, PLUGCL_NCHW, &tensors[i]),
                         PLUGCL_OK);
    const struct plugcl_binding bindings[] = { { "x", tensors[0] }, { output, tensors[1] } };
    assert_int_equal(plugcl_plan_run(plan, bindings, 2, NULL), PLUGCL_OK);
    plugcl_tensor_destroy(&tensors[0]);
    plugcl_tensor_destroy(&tensors[1]);
    plugcl_plan_destroy(&plan);
    return found;
}

static void expect_close(const struct fixture *fixture)
{
    float largest = 0, error = 0;
    for (int i = 0; i < ELEMENTS; i++) {
        largest = fmaxf(largest, fabsf(fixture->results[0][i]));
        error = fmaxf(error, fabsf(fixture->results[0][i] - fixture->results[1][i]));
    }
    assert_true(error <= 5e-5f * largest);
}

static void test_taken_where_it_pays(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(run(fixture, NULL, "layer", fixture->results[0]), fixture->is_cpu);
    assert_false(run(fixture, plugcl_plan_params(.no_winograd = true), "layer", fixture->results[1]));
    expect_close(fixture);
    assert_false(run(fixture, plugcl_plan_params(.no_fusion = true), "layer", fixture->results[1]));
    expect_close(fixture);
}

/* A composite's own choices are not among the steps, but Winograd's method rounds in a way of its own. */
static void test_pyramid(void **state)
{
    struct fixture *fixture = *state;
    run(fixture, NULL, "pyramid", fixture->results[0]);
    run(fixture, plugcl_plan_params(.no_winograd = true), "pyramid", fixture->results[1]);
    expect_close(fixture);
    assert_int_equal(memcmp(fixture->results[0], fixture->results[1], sizeof fixture->results[0]) != 0, fixture->is_cpu);
}

static void test_forced_and_forbidden(void **state)
{
    struct fixture *fixture = *state;
    plugcl_plan *plan;
    assert_int_equal(plugcl_plan_create(fixture->context, fixture->graph,
                                        plugcl_plan_params(.variants = "conv2d=cpu_winograd", .no_winograd = true), &plan),
                     PLUGCL_UNSUPPORTED);
    assert_message("forbidden");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_taken_where_it_pays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pyramid, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forced_and_forbidden, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
