/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_test.c: host memory as inputs and outputs of runs. Some devices compute in it and others are given a copy; an application
 * sees no difference: what it writes between runs is read, what runs write is there when they have finished, and nothing more.
 */
#include "unit.h"

enum { COUNT = 37, GUARD = 16 };

struct fixture {
    plugcl_context *context;
    plugcl_plan *plan; /* y = a + b */
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    plugcl_graph *graph = NULL;
    assert_int_equal(plugcl_context_create(plugcl_context_params(.device = "cpu,gpu"), &fixture->context), PLUGCL_OK);
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    plugcl_value a = plugcl_graph_input(graph, "a", PLUGCL_F32, PLUGCL_SHAPE(COUNT));
    plugcl_value b = plugcl_graph_input(graph, "b", PLUGCL_F32, PLUGCL_SHAPE(COUNT));
    plugcl_graph_output(graph, "y", plugcl_graph_binary(graph, PLUGCL_ADD, a, b));
    assert_int_equal(plugcl_plan_create(fixture->context, graph, NULL, &fixture->plan), PLUGCL_OK);
    plugcl_graph_destroy(&graph);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    plugcl_plan_destroy(&fixture->plan);
    plugcl_context_destroy(&fixture->context);
    free(fixture);
    return 0;
}

static plugcl_tensor *wrap(void *data)
{
    plugcl_tensor *tensor = NULL;
    assert_int_equal(plugcl_tensor_wrap_host(data, COUNT * sizeof(float), PLUGCL_F32, PLUGCL_SHAPE(COUNT), PLUGCL_NCHW, &tensor),
                     PLUGCL_OK);
    return tensor;
}

static plugcl_status run_tensors(const struct fixture *fixture, plugcl_tensor *a, plugcl_tensor *b, plugcl_tensor *y,
                                 plugcl_run **run)
{
    const struct plugcl_binding bindings[] = { { "a", a }, { "b", b }, { "y", y } };
    return plugcl_plan_run(fixture->plan, bindings, y ? 3 : 2, run);
}

/* Fresh tensors over the memory, as an application makes them for each call. */
static void run_memory(const struct fixture *fixture, void *a, void *b, void *y)
{
    plugcl_tensor *tensors[3] = { wrap(a), wrap(b), wrap(y) };
    assert_int_equal(run_tensors(fixture, tensors[0], tensors[1], tensors[2], NULL), PLUGCL_OK);
    for (int i = 0; i < 3; i++)
        plugcl_tensor_destroy(&tensors[i]);
}

static void fill(float *data, float first)
{
    for (int i = 0; i < COUNT; i++)
        data[i] = first + (float)i;
}

static void assert_sum(const float *y, float first)
{
    for (int i = 0; i < COUNT; i++)
        assert_true(y[i] == first + 2.0f * (float)i);
}

/* The same memory with new contents, by the same tensors and by new ones. */
static void test_same_memory(void **state)
{
    float a[COUNT], b[COUNT], y[COUNT];
    plugcl_tensor *tensors[3] = { wrap(a), wrap(b), wrap(y) };
    for (int round = 0; round < 4; round++) {
        fill(a, (float)round);
        fill(b, 10.0f * (float)round);
        assert_int_equal(run_tensors(*state, tensors[0], tensors[1], tensors[2], NULL), PLUGCL_OK);
        assert_sum(y, 11.0f * (float)round);
        fill(a, 100.0f);
        run_memory(*state, a, b, y);
        assert_sum(y, 100.0f + 10.0f * (float)round);
    }
    for (int i = 0; i < 3; i++)
        plugcl_tensor_destroy(&tensors[i]);
}

/* New memory for each run, some of it freed before the next; at any address that floats may have, with bytes round it that stay. */
static void test_moving_memory(void **state)
{
    float b[COUNT];
    fill(b, 1.0f);
    for (int shift = 0; shift < 8; shift++) {
        float *a = malloc((COUNT + 8) * sizeof *a), *y = malloc((COUNT + 2 * GUARD) * sizeof *y);
        for (int i = 0; i < COUNT + 2 * GUARD; i++)
            y[i] = -7.0f;
        fill(a + shift, 5.0f);
        run_memory(*state, a + shift, b, y + GUARD - shift);
        assert_sum(y + GUARD - shift, 6.0f);
        for (int i = 0; i < COUNT + 2 * GUARD; i++)
            assert_true((i >= GUARD - shift && i < GUARD - shift + COUNT) || y[i] == -7.0f);
        free(a);
        free(y);
    }
}

/* Inputs may share memory, wholly or in part; outputs may not. */
static void test_shared_inputs(void **state)
{
    float a[COUNT + 3], y[COUNT];
    fill(a, 1.0f);
    for (int i = COUNT; i < COUNT + 3; i++)
        a[i] = 1.0f + (float)i;
    for (int round = 0; round < 2; round++) {
        run_memory(*state, a, a, y);
        assert_sum(y, 2.0f);
        run_memory(*state, a, a + 3, y);
        assert_sum(y, 5.0f);
    }
    plugcl_tensor *x = wrap(a), *over = wrap(a + 2);
    assert_int_equal(run_tensors(*state, x, x, over, NULL), PLUGCL_INVALID);
    assert_message("the tensors bound to y and a share memory");
    plugcl_tensor_destroy(&x);
    plugcl_tensor_destroy(&over);
}

/* Memory that no float lies at. */
static void test_odd_address(void **state)
{
    char memory[COUNT * sizeof(float) + 1];
    float a[COUNT], b[COUNT], y[COUNT];
    fill(a, 3.0f);
    fill(b, 4.0f);
    memcpy(memory + 1, a, sizeof a);
    run_memory(*state, memory + 1, b, y);
    assert_sum(y, 7.0f);
}

/* Several runs under way at once, one after the other in the same memory, and outputs that are not asked for in between. */
static void test_in_flight(void **state)
{
    float a[COUNT], b[COUNT], y[3][COUNT];
    plugcl_tensor *x = wrap(a), *z = wrap(b), *outputs[3] = { wrap(y[0]), wrap(y[1]), NULL };
    plugcl_run *runs[6] = { NULL };
    fill(a, 1.0f);
    fill(b, 2.0f);
    memset(y, 0, sizeof y);
    for (int i = 0; i < 6; i++)
        assert_int_equal(run_tensors(*state, x, z, outputs[i % 3], &runs[i]), PLUGCL_OK);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(plugcl_run_wait(runs[i], PLUGCL_WAIT_FOREVER), PLUGCL_OK);
        plugcl_run_destroy(&runs[i]);
    }
    assert_sum(y[0], 3.0f);
    assert_sum(y[1], 3.0f);
    for (int i = 0; i < COUNT; i++)
        assert_true(y[2][i] == 0.0f);
    plugcl_tensor_destroy(&x);
    plugcl_tensor_destroy(&z);
    plugcl_tensor_destroy(&outputs[0]);
    plugcl_tensor_destroy(&outputs[1]);
}

/* Host and device tensors in turns. */
static void test_mixed(void **state)
{
    const struct fixture *fixture = *state;
    float a[COUNT], b[COUNT], y[COUNT];
    plugcl_tensor *on_device = NULL, *x = wrap(a), *z = wrap(b), *out = wrap(y);
    assert_int_equal(plugcl_tensor_create(fixture->context, plugcl_tensor_params(.shape = *PLUGCL_SHAPE(COUNT)), &on_device),
                     PLUGCL_OK);
    fill(b, 2.0f);
    for (int round = 0; round < 3; round++) {
        fill(a, (float)round);
        assert_int_equal(plugcl_tensor_write(on_device, a, sizeof a), PLUGCL_OK);
        assert_int_equal(run_tensors(fixture, on_device, z, out, NULL), PLUGCL_OK);
        assert_sum(y, 2.0f + (float)round);
        assert_int_equal(run_tensors(fixture, x, z, on_device, NULL), PLUGCL_OK);
        assert_int_equal(plugcl_tensor_read(on_device, y, sizeof y), PLUGCL_OK);
        assert_sum(y, 2.0f + (float)round);
    }
    plugcl_tensor_destroy(&on_device);
    plugcl_tensor_destroy(&x);
    plugcl_tensor_destroy(&z);
    plugcl_tensor_destroy(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_memory), cmocka_unit_test(test_moving_memory), cmocka_unit_test(test_shared_inputs),
        cmocka_unit_test(test_odd_address), cmocka_unit_test(test_in_flight),     cmocka_unit_test(test_mixed),
    };
    return cmocka_run_group_tests_name("host", tests, set_up, tear_down) ? 1 : 0;
}
