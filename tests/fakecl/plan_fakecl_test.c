/* SPDX-License-Identifier: Apache-2.0 */
/* plan_fakecl_test.c: graphs, plans and runs when any one OpenCL call or any allocation fails, and what a run asks of OpenCL. */
#include <plugcl/plugcl.h>

#include "base/memory.h"
#include "device/context.h"
#include "fail_each.h"
#include "fakecl.h"

#include "../unit/unit.h"

enum { CHANNELS = 8, SIZE = 4, ELEMENTS = CHANNELS * SIZE * SIZE };

struct things {
    plugcl_context *context;
    plugcl_graph *graph;
    plugcl_plan *plan;
    plugcl_run *run;
    plugcl_tensor *x, *y;
};

#define STEP(call)                   \
    do {                             \
        plugcl_status step = (call); \
        if (step != PLUGCL_OK)       \
            return step;             \
    } while (0)

static plugcl_value constant(plugcl_graph *graph, const plugcl_shape *shape)
{
    static const float ones[CHANNELS * CHANNELS * 9] = { 1.0f };
    return plugcl_graph_constant(graph, PLUGCL_F32, shape, ones);
}

static plugcl_value own_kernel(plugcl_graph *graph, plugcl_value x)
{
    static const char source[] = "__kernel void own(__global const float *x, uint x_at, __global float *y, uint y_at) { }";
    const struct plugcl_kernel_argument arguments[] = { plugcl_argument_input(0), plugcl_argument_output(0) };
    return plugcl_graph_kernel(graph, &x, 1,
                               plugcl_kernel_params(.source = source, .entry = "own", .arguments = arguments, .n_arguments = 2,
                                                    .output_shapes = PLUGCL_SHAPE(PLUGCL_DIM_ANY, CHANNELS, SIZE, SIZE)),
                               NULL);
}

/* Something of each kind: folds, a residual, both gates, a kernel of one's own, a concat, a copy between layouts, an output read
 * back. */
static plugcl_status build(plugcl_graph *graph)
{
    const plugcl_value none = { 0 };
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(PLUGCL_DIM_ANY, CHANNELS, SIZE, SIZE));
    plugcl_value y = plugcl_graph_conv2d(graph, x, constant(graph, PLUGCL_SHAPE(CHANNELS, CHANNELS, 3, 3)), none,
                                         plugcl_conv2d_params(.pad = { 1, 1, 1, 1 }));
    y = plugcl_graph_batch_norm(graph, y, constant(graph, PLUGCL_SHAPE(CHANNELS)), constant(graph, PLUGCL_SHAPE(CHANNELS)), none,
                                none, 1e-5f);
    y = plugcl_graph_activation(graph, plugcl_graph_binary(graph, PLUGCL_ADD, y, x), PLUGCL_RELU, 0, 0);
    y = plugcl_graph_channel_gate(graph, y, constant(graph, PLUGCL_SHAPE(2, CHANNELS)), none,
                                  constant(graph, PLUGCL_SHAPE(CHANNELS, 2)), none, plugcl_channel_gate_params(.act = PLUGCL_RELU),
                                  NULL);
    y = plugcl_graph_spatial_gate(graph, y, constant(graph, PLUGCL_SHAPE(1, 2, 3, 3)), none, NULL, NULL);
    y = plugcl_graph_concat(graph, (plugcl_value[]){ own_kernel(graph, y), x }, 2, 1);
    plugcl_graph_output(graph, "y", plugcl_graph_softmax(graph, plugcl_graph_flatten(graph, y, 1, -1), -1));
    return plugcl_graph_status(graph);
}

static plugcl_status make_plan(struct things *t, const struct plugcl_context_params *params)
{
    const struct plugcl_input_shape shape = { "x", *PLUGCL_SHAPE(1, CHANNELS, SIZE, SIZE) };
    STEP(context_create_with_api(fakecl_api(), params, &t->context));
    STEP(plugcl_graph_create(NULL, &t->graph));
    STEP(build(t->graph));
    return plugcl_plan_create(t->context, t->graph, plugcl_plan_params(.shapes = &shape, .n_shapes = 1, .profile = true), &t->plan);
}

static plugcl_status run_twice(struct things *t)
{
    static float x[ELEMENTS];
    const struct plugcl_binding bindings[2] = { { "x", t->x }, { "y", t->y } };
    for (int i = 0; i < 2; i++) {
        plugcl_run_destroy(&t->run);
        STEP(plugcl_tensor_write(t->x, x, sizeof x));
        STEP(plugcl_plan_run(t->plan, bindings, 2, &t->run));
        STEP(plugcl_run_wait(t->run, PLUGCL_WAIT_FOREVER));
    }
    return PLUGCL_OK;
}

static float y[2 * ELEMENTS];

static plugcl_status drive_things(struct things *t, const struct plugcl_context_params *params)
{
    char *text = NULL;
    STEP(make_plan(t, params));
    STEP(plugcl_tensor_create(t->context, plugcl_tensor_params(.shape = *PLUGCL_SHAPE(1, CHANNELS, SIZE, SIZE)), &t->x));
    STEP(plugcl_tensor_wrap_host(y, sizeof y, PLUGCL_F32, PLUGCL_SHAPE(1, 2 * ELEMENTS), PLUGCL_NCHW, &t->y));
    STEP(run_twice(t));
    STEP(plugcl_plan_describe(t->plan, PLUGCL_TEXT, &text));
    plugcl_free(text);
    return PLUGCL_OK;
}

static void destroy(struct things *t)
{
    plugcl_context_destroy(&t->context);
    plugcl_graph_destroy(&t->graph);
    plugcl_plan_destroy(&t->plan);
    plugcl_tensor_destroy(&t->x);
    plugcl_tensor_destroy(&t->y);
    plugcl_run_destroy(&t->run);
}

static plugcl_status drive(const struct plugcl_context_params *params)
{
    struct things t = { 0 };
    plugcl_status status = drive_things(&t, params);
    destroy(&t);
    return status;
}

static void test_calls(void **state)
{
    (void)state;
    for (int gpu = 0; gpu < 2; gpu++) {
        fakecl_use_gpu(gpu);
        fail_each_call(drive, plugcl_context_params(.no_disk_cache = true), false);
    }
    fakecl_use_gpu(false);
    fakecl_use_host(true);
    fail_each_call(drive, plugcl_context_params(.no_disk_cache = true), false);
    fakecl_use_host(false);
}

static void test_allocations(void **state)
{
    (void)state;
    for (int in_place = 0; in_place < 2; in_place++) {
        fakecl_use_host(in_place);
        fail_each_allocation(drive, plugcl_context_params(.no_disk_cache = true));
    }
    fakecl_use_host(false);
}

/* A run allocates its handle and the event in it, and asks OpenCL for nothing but to enqueue. */
static void check_allocations_of_runs(void)
{
    struct things t = { 0 };
    plugcl_graph *graph = NULL;
    plugcl_plan *plan = NULL;
    static float x[ELEMENTS];
    assert_int_equal(context_create_with_api(fakecl_api(), plugcl_context_params(.no_disk_cache = true), &t.context), PLUGCL_OK);
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    assert_int_equal(build(graph), PLUGCL_OK);
    const struct plugcl_input_shape shape = { "x", *PLUGCL_SHAPE(1, CHANNELS, SIZE, SIZE) };
    assert_int_equal(plugcl_plan_create(t.context, graph, plugcl_plan_params(.shapes = &shape, .n_shapes = 1), &plan), PLUGCL_OK);
    assert_int_equal(plugcl_tensor_wrap_host(x, sizeof x, PLUGCL_F32, &shape.shape, PLUGCL_NCHW, &t.x), PLUGCL_OK);
    assert_int_equal(plugcl_tensor_wrap_host(y, sizeof y, PLUGCL_F32, PLUGCL_SHAPE(1, 2 * ELEMENTS), PLUGCL_NCHW, &t.y), PLUGCL_OK);
    const struct plugcl_binding bindings[2] = { { "x", t.x }, { "y", t.y } };
    for (int i = 0; i < 4; i++) {
        fakecl_fail_at(0);
        memory_fail_after(i > 0 ? 3 : 0); /* from the second run on the third allocation fails: there is none */
        assert_int_equal(plugcl_plan_run(plan, bindings, 2, i > 1 ? &t.run : NULL), PLUGCL_OK);
        memory_fail_after(0);
        plugcl_run_destroy(&t.run);
        assert_true(i == 0 || fakecl_made() == 0);
    }
    plugcl_graph_destroy(&graph);
    plugcl_plan_destroy(&plan);
    destroy(&t);
    assert_int_equal(fakecl_live_objects(), 0);
}

static void test_runs_allocate_nothing(void **state)
{
    (void)state;
    for (int in_place = 0; in_place < 2; in_place++) {
        fakecl_use_host(in_place);
        check_allocations_of_runs();
    }
    fakecl_use_host(false);
}

/* A second run makes no buffer and no program: the objects that are alive do not change, nor do the bytes. */
static void test_runs_only_enqueue(void **state)
{
    (void)state;
    struct things t = { 0 };
    fakecl_fail_at(0);
    assert_int_equal(drive_things(&t, plugcl_context_params(.no_disk_cache = true)), PLUGCL_OK);
    long objects = fakecl_live_objects();
    size_t bytes = fakecl_live_bytes();
    fakecl_fail_at(0);
    assert_int_equal(run_twice(&t), PLUGCL_OK);
    assert_int_equal(fakecl_live_objects(), objects);
    assert_int_equal(fakecl_live_bytes(), bytes);
    assert_true(fakecl_launches() >= 2 * (long)plugcl_plan_steps(t.plan));
    destroy(&t);
    assert_int_equal(fakecl_live_objects(), 0);
}

/* A plan that measures: the fake's kernels take no time, so every choice is right. */
static plugcl_status drive_tuned(const struct plugcl_context_params *params)
{
    const struct plugcl_input_shape shape = { "x", *PLUGCL_SHAPE(1, CHANNELS, SIZE, SIZE) };
    struct things t = { 0 };
    plugcl_status status = context_create_with_api(fakecl_api(), params, &t.context);
    if (status == PLUGCL_OK)
        status = plugcl_graph_create(NULL, &t.graph);
    if (status == PLUGCL_OK)
        status = build(t.graph);
    if (status == PLUGCL_OK)
        status = plugcl_plan_create(t.context, t.graph,
                                    plugcl_plan_params(.shapes = &shape, .n_shapes = 1, .tune = PLUGCL_TUNE_ALL), &t.plan);
    destroy(&t);
    return status;
}

/* A candidate that fails is left out, so the plan may be made all the same; what fails behind tuning is a failure as ever. Calls
 * are many, since candidates run many times: some of them stand for all. */
static void test_tuning(void **state)
{
    (void)state;
    const struct plugcl_context_params *params = plugcl_context_params(.no_disk_cache = true);
    for (int gpu = 0; gpu < 2; gpu++) {
        fakecl_use_gpu(gpu);
        fakecl_error(CL_INVALID_OPERATION);
        fakecl_fail_at(0);
        assert_int_equal(drive_tuned(params), PLUGCL_OK);
        long calls = fakecl_calls(), survived = 0, failed = 0;
        for (long n = 1; n <= calls; n += 1 + n / 48) {
            fakecl_fail_at(n);
            plugcl_status status = drive_tuned(params);
            if (status != PLUGCL_OK && status != PLUGCL_DEVICE)
                fail_msg("call %ld: %s, %s", n, plugcl_status_name(status), plugcl_error_message());
            survived += status == PLUGCL_OK;
            failed += status != PLUGCL_OK;
            assert_int_equal(fakecl_live_objects(), 0);
        }
        assert_true(survived > 0 && failed > 0);
        fakecl_fail_at(0);
        fail_each_allocation(drive_tuned, params);
    }
    fakecl_use_gpu(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_allocations),
        cmocka_unit_test(test_runs_only_enqueue),
        cmocka_unit_test(test_runs_allocate_nothing),
        cmocka_unit_test(test_tuning),
    };
    return cmocka_run_group_tests_name("fakecl/plan", tests, NULL, NULL) ? 1 : 0;
}
