/* SPDX-License-Identifier: Apache-2.0 */
/* types_test.c: I32, I64 and BOOL in whole plans: conversion at the inputs and outputs, constants, views, and the type rules. */
#include <limits.h>
#include <math.h>

#include <plugcl/plugcl.h>

#include "unit.h"

static plugcl_context *context;
static plugcl_graph *graph;

static int set_up(void **state)
{
    (void)state;
    context = NULL;
    graph = NULL;
    assert_int_equal(plugcl_context_create(plugcl_context_params(.device = "cpu,gpu"), &context), PLUGCL_OK);
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    plugcl_graph_destroy(&graph);
    plugcl_context_destroy(&context);
    return 0;
}

struct bound {
    const char *name;
    plugcl_dtype dtype;
    void *data;
};

/* In the caller's memory, or (`on_device`) copied to and from device tensors. */
static void run(const struct plugcl_plan_params *params, const struct bound *bound, size_t n, size_t n_inputs, bool on_device)
{
    plugcl_plan *plan = NULL;
    struct plugcl_binding bindings[8] = { { NULL, NULL } };
    assert_int_equal(plugcl_plan_create(context, graph, params, &plan), PLUGCL_OK);
    for (size_t i = 0; i < n; i++) {
        struct plugcl_tensor_params tensor = plugcl_tensor_params_init();
        plugcl_dtype dtype;
        assert_int_equal(plugcl_plan_shape(plan, bound[i].name, &tensor.shape), PLUGCL_OK);
        assert_int_equal(plugcl_plan_dtype(plan, bound[i].name, &dtype), PLUGCL_OK);
        assert_int_equal(dtype, bound[i].dtype);
        tensor.dtype = dtype;
        tensor.layout = params != NULL && params->channels_last && tensor.shape.rank == 4 ? PLUGCL_NHWC : PLUGCL_NCHW;
        size_t bytes = (size_t)plugcl_shape_elements(&tensor.shape) * plugcl_dtype_size(dtype);
        bindings[i].name = bound[i].name;
        if (on_device)
            assert_int_equal(plugcl_tensor_create(context, &tensor, &bindings[i].tensor), PLUGCL_OK);
        else
            assert_int_equal(plugcl_tensor_wrap_host(bound[i].data, bytes, dtype, &tensor.shape, tensor.layout,
                                                     &bindings[i].tensor), PLUGCL_OK);
        if (on_device && i < n_inputs)
            assert_int_equal(plugcl_tensor_write(bindings[i].tensor, bound[i].data, bytes), PLUGCL_OK);
    }
    assert_int_equal(plugcl_plan_run(plan, bindings, n, NULL), PLUGCL_OK);
    for (size_t i = 0; i < n; i++) {
        if (on_device && i >= n_inputs)
            assert_int_equal(plugcl_tensor_read(bindings[i].tensor, bound[i].data, plugcl_tensor_bytes(bindings[i].tensor)),
                             PLUGCL_OK);
        plugcl_tensor_destroy(&bindings[i].tensor);
    }
    plugcl_plan_destroy(&plan);
}

static void test_outside_and_inside(void **state)
{
    const float floats[6] = { 2.9f, -2.9f, NAN, 3e9f, -INFINITY, 0.0f };
    const int64_t wide[6] = { 5, -5, 0, INT64_MAX, INT64_MIN, 77 };
    const uint8_t truth[6] = { 0, 1, 2, 255, 0, 1 };
    const int32_t narrow[6] = { INT_MAX, INT_MIN, 0, -1, 8, 16777217 };
    plugcl_value f = plugcl_graph_input(graph, "f", PLUGCL_F32, PLUGCL_SHAPE(2, PLUGCL_DIM_ANY));
    plugcl_value w = plugcl_graph_input(graph, "w", PLUGCL_I64, PLUGCL_SHAPE(2, 3));
    plugcl_value b = plugcl_graph_input(graph, "b", PLUGCL_BOOL, PLUGCL_SHAPE(2, 3));
    plugcl_value i = plugcl_graph_input(graph, "i", PLUGCL_I32, PLUGCL_SHAPE(2, 3));
    (void)state;
    plugcl_graph_output(graph, "f_i64", plugcl_graph_cast(graph, f, PLUGCL_I64));
    plugcl_graph_output(graph, "f_bool", plugcl_graph_cast(graph, f, PLUGCL_BOOL));
    plugcl_graph_output(graph, "w_same", w);
    plugcl_graph_output(graph, "b_f32", plugcl_graph_cast(graph, b, PLUGCL_F32));
    struct plugcl_input_shape shape = { "f", *PLUGCL_SHAPE(2, 3) };
    for (int pass = 0; pass < 4; pass++) {
        int64_t f_i64[6], w_same[6];
        uint8_t f_bool[6];
        float b_f32[6];
        const struct bound bound[8] = { { "f", PLUGCL_F32, (void *)floats },    { "w", PLUGCL_I64, (void *)wide },
                                        { "b", PLUGCL_BOOL, (void *)truth },    { "i", PLUGCL_I32, (void *)narrow },
                                        { "f_i64", PLUGCL_I64, f_i64 },         { "f_bool", PLUGCL_BOOL, f_bool },
                                        { "w_same", PLUGCL_I64, w_same },       { "b_f32", PLUGCL_F32, b_f32 } };
        run(plugcl_plan_params(.shapes = &shape, .n_shapes = 1, .no_fusion = pass & 1), bound, 8, 4, pass & 2);
        const int64_t f_expected[6] = { 2, -2, 0, INT_MAX, INT_MIN, 0 }, w_expected[6] = { 5, -5, 0, INT_MAX, INT_MIN, 77 };
        for (int k = 0; k < 6; k++) {
            assert_int_equal(f_i64[k], f_expected[k]);
            assert_int_equal(w_same[k], w_expected[k]);
            assert_int_equal(f_bool[k], k != 5);
            assert_true(b_f32[k] == (truth[k] ? 1.0f : 0.0f));
        }
    }
    (void)i;
}

/* Views and copies of integers in both layouts: [2, 3, 2, 2] joined along the channels with a constant, then flattened. */
static void test_views_of_integers(void **state)
{
    int64_t x[2][3][2][2], x_last[2][2][2][3], constant[2][1][2][2], flat[2][16];
    (void)state;
    for (int k = 0; k < 24; k++) {
        int n = k / 12, c = k / 4 % 3, h = k / 2 % 2, w = k % 2;
        x[n][c][h][w] = x_last[n][h][w][c] = 16777217 + k;
    }
    for (int k = 0; k < 8; k++)
        constant[k / 4][0][k / 2 % 2][k % 2] = -100 - k;
    plugcl_value value = plugcl_graph_input(graph, "x", PLUGCL_I64, PLUGCL_SHAPE(2, 3, 2, 2));
    plugcl_value parts[2] = { value, plugcl_graph_constant(graph, PLUGCL_I64, PLUGCL_SHAPE(2, 1, 2, 2), constant) };
    plugcl_graph_output(graph, "y", plugcl_graph_flatten(graph, plugcl_graph_concat(graph, parts, 2, 1), 1, -1));
    for (int last = 0; last < 2; last++) {
        memset(flat, 0, sizeof flat);
        const struct bound bound[2] = { { "x", PLUGCL_I64, last ? (void *)x_last : (void *)x }, { "y", PLUGCL_I64, flat } };
        run(plugcl_plan_params(.channels_last = last), bound, 2, 1, false);
        for (int n = 0; n < 2; n++)
            for (int k = 0; k < 16; k++)
                assert_int_equal(flat[n][k], k < 12 ? x[n][k / 4][k / 2 % 2][k % 2] : constant[n][0][k / 2 % 2][k % 2]);
    }
}

static void expect(plugcl_status status, const char *part)
{
    assert_int_equal(plugcl_graph_status(graph), status);
    assert_message(part);
    plugcl_graph_destroy(&graph);
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
}

static void test_errors(void **state)
{
    const int64_t too_large[2] = { 1, 2147483648 };
    plugcl_dtype dtype;
    (void)state;
    plugcl_graph_input(graph, "x", PLUGCL_F16, PLUGCL_SHAPE(2));
    expect(PLUGCL_UNSUPPORTED, "input x is f16; inputs are of f32, i32, i64 or bool");
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_I32, PLUGCL_SHAPE(2));
    assert_int_equal(plugcl_graph_dtype(graph, x, &dtype), PLUGCL_OK);
    assert_int_equal(dtype, PLUGCL_I32);
    plugcl_graph_activation(graph, x, PLUGCL_RELU, 0, 0);
    expect(PLUGCL_INVALID, "activation: operand 0 is i32; it must be f32, which plugcl_graph_cast makes");
    x = plugcl_graph_input(graph, "x", PLUGCL_I32, PLUGCL_SHAPE(2));
    plugcl_value both[2] = { x, plugcl_graph_constant(graph, PLUGCL_I64, PLUGCL_SHAPE(2), too_large) };
    plugcl_graph_concat(graph, both, 2, 0);
    expect(PLUGCL_INVALID, "concat's operand 1 is i64; the first is i32");
    plugcl_graph_cast(graph, plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(2)), PLUGCL_F16);
    expect(PLUGCL_INVALID, "cast to f16; values are of f32, i32, i64 or bool");

    plugcl_plan *plan = NULL;
    plugcl_graph_output(graph, "y", plugcl_graph_constant(graph, PLUGCL_I64, PLUGCL_SHAPE(2), too_large));
    assert_int_equal(plugcl_plan_create(context, graph, NULL, &plan), PLUGCL_UNSUPPORTED);
    assert_message("element 1 of an i64 constant is 2147483648; a plan computes with 32 bits");
}

static void test_bound_type(void **state)
{
    plugcl_plan *plan = NULL;
    int32_t data[2] = { 0, 0 };
    struct plugcl_binding binding = { "x", NULL };
    (void)state;
    plugcl_graph_output(graph, "y", plugcl_graph_input(graph, "x", PLUGCL_I64, PLUGCL_SHAPE(2)));
    assert_int_equal(plugcl_plan_create(context, graph, NULL, &plan), PLUGCL_OK);
    assert_int_equal(plugcl_tensor_wrap_host(data, sizeof data, PLUGCL_I32, PLUGCL_SHAPE(2), PLUGCL_NCHW, &binding.tensor),
                     PLUGCL_OK);
    assert_int_equal(plugcl_plan_run(plan, &binding, 1, NULL), PLUGCL_INVALID);
    assert_message("the tensor bound to x is i32; it must be i64");
    plugcl_tensor_destroy(&binding.tensor);
    plugcl_plan_destroy(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_outside_and_inside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_views_of_integers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bound_type, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
