/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interop_plan_test.c: a plan between the commands of an application: its context, queues and buffers, ordered by events in both
 * directions or by its queue alone, and never a wait of the host in between. Uses the public headers only, as an application does.
 */
#include <math.h>

#include <plugcl/cl.h>
#include <plugcl/plugcl.h>

#include "unit.h"

enum { CHANNELS = 6, HEIGHT = 5, WIDTH = 7, ELEMENTS = CHANNELS * HEIGHT * WIDTH, LEAD = 12, BYTES = ELEMENTS * sizeof(float) };

/* What the application has before it meets plugcl. */
struct application {
    cl_device_id device;
    cl_context context;
    cl_command_queue producer, consumer;
    cl_mem in, out; /* the tensors begin LEAD floats in */
    cl_event gate;  /* holds the producer back until everything is enqueued */
    plugcl_context *adopted;
    plugcl_plan *plan;
    plugcl_tensor *x, *y;
};

static float input_at(int round, int i)
{
    return (float)((i * 5 + round * 11) % 23) / 8.0f - 1.25f;
}

static float expected_at(int round, int i)
{
    float x = input_at(round, i);
    return (x > 0 ? x : 0) + x;
}

static int start(void **state)
{
    struct application *app = calloc(1, sizeof *app);
    cl_platform_id platforms[16];
    cl_uint count = 0;
    *state = app;
    if (clGetPlatformIDs(16, platforms, &count) != CL_SUCCESS)
        return -1;
    for (cl_uint i = 0; i < count && i < 16 && !app->device; i++) {
        char name[64] = "";
        clGetPlatformInfo(platforms[i], CL_PLATFORM_NAME, sizeof name, name, NULL);
        if (strcmp(name, "Clover") == 0 || clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 1, &app->device, NULL) != CL_SUCCESS)
            app->device = NULL;
    }
    app->context = app->device ? clCreateContext(NULL, 1, &app->device, NULL, NULL, NULL) : NULL;
    if (!app->context)
        return -1;
    app->producer = clCreateCommandQueue(app->context, app->device, 0, NULL);
    app->consumer = clCreateCommandQueue(app->context, app->device, 0, NULL);
    app->in = clCreateBuffer(app->context, CL_MEM_READ_ONLY, BYTES + LEAD * sizeof(float), NULL, NULL);
    app->out = clCreateBuffer(app->context, CL_MEM_READ_WRITE, BYTES + LEAD * sizeof(float), NULL, NULL);
    return app->producer && app->consumer && app->in && app->out ? 0 : -1;
}

static int stop(void **state)
{
    struct application *app = *state;
    clReleaseMemObject(app->in);
    clReleaseMemObject(app->out);
    clReleaseCommandQueue(app->producer);
    clReleaseCommandQueue(app->consumer);
    clReleaseContext(app->context);
    free(app);
    return 0;
}

/* relu(x) + x on the application's memory. The graph goes as soon as the plan is there. */
static void meet_plugcl(struct application *app, cl_command_queue queue, plugcl_layout layout)
{
    const plugcl_shape *shape = PLUGCL_SHAPE(1, CHANNELS, HEIGHT, WIDTH);
    const struct plugcl_tensor_params *params = plugcl_tensor_params(.shape = *shape, .layout = layout);
    plugcl_graph *graph = NULL;
    assert_int_equal(
        plugcl_context_adopt(app->context, app->device, queue, plugcl_context_params(.no_disk_cache = true), &app->adopted),
        PLUGCL_OK);
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, shape);
    plugcl_value relu = plugcl_graph_activation(graph, x, PLUGCL_RELU, 0, 0);
    plugcl_graph_output(graph, "y", plugcl_graph_binary(graph, PLUGCL_ADD, relu, x));
    assert_int_equal(
        plugcl_plan_create(app->adopted, graph, plugcl_plan_params(.channels_last = layout == PLUGCL_NHWC), &app->plan), PLUGCL_OK);
    plugcl_graph_destroy(&graph);
    assert_int_equal(plugcl_tensor_wrap_cl_mem(app->adopted, app->in, LEAD * sizeof(float), params, &app->x), PLUGCL_OK);
    assert_int_equal(plugcl_tensor_wrap_cl_mem(app->adopted, app->out, LEAD * sizeof(float), params, &app->y), PLUGCL_OK);
    app->gate = clCreateUserEvent(app->context, NULL);
    assert_non_null(app->gate);
}

static void leave_plugcl(struct application *app)
{
    plugcl_context_destroy(&app->adopted);
    plugcl_plan_destroy(&app->plan);
    plugcl_tensor_destroy(&app->x);
    plugcl_tensor_destroy(&app->y);
    clReleaseEvent(app->gate);
}

static void check(const float *got, int round)
{
    for (int i = 0; i < ELEMENTS; i++)
        if (fabsf(got[i] - expected_at(round, i)) > 1e-6f)
            fail_msg("round %d: element %d is %g in place of %g", round, i, (double)got[i], (double)expected_at(round, i));
}

/* Producer → event → plan → event → consumer, three rounds of one plan on the same memory. */
static void by_events(struct application *app, cl_command_queue queue, plugcl_layout layout)
{
    static float data[3][ELEMENTS], back[3][ELEMENTS];
    meet_plugcl(app, queue, layout);
    const struct plugcl_binding bindings[2] = { { "x", app->x }, { "y", app->y } };
    cl_event read = NULL;
    for (int round = 0; round < 3; round++) {
        cl_event written = NULL, waits[2] = { app->gate, read };
        plugcl_event *before = NULL, *after = NULL;
        plugcl_run *run = NULL;
        for (int i = 0; i < ELEMENTS; i++)
            data[round][i] = input_at(round, i);
        memset(back[round], 0xFF, sizeof back[round]);
        assert_int_equal(clEnqueueWriteBuffer(app->producer, app->in, CL_FALSE, LEAD * sizeof(float), BYTES, data[round],
                                              read ? 2 : 1, waits, &written),
                         CL_SUCCESS);
        assert_int_equal(plugcl_event_adopt(app->adopted, written, &before), PLUGCL_OK);
        clReleaseEvent(written);
        if (read)
            clReleaseEvent(read);
        assert_int_equal(plugcl_plan_run_after(app->plan, bindings, 2, &before, 1, &run), PLUGCL_OK);
        plugcl_event_destroy(&before);
        assert_int_equal(plugcl_run_event(run, &after), PLUGCL_OK);
        assert_int_equal(plugcl_run_wait(run, 0), PLUGCL_TIMEOUT); /* nothing has begun */
        plugcl_run_destroy(&run);
        cl_event done = plugcl_event_cl(after);
        assert_int_equal(
            clEnqueueReadBuffer(app->consumer, app->out, CL_FALSE, LEAD * sizeof(float), BYTES, back[round], 1, &done, &read),
            CL_SUCCESS);
        plugcl_event_destroy(&after);
        clFlush(app->producer);
        clFlush(app->consumer);
    }
    plugcl_tensor_destroy(&app->x); /* what is enqueued keeps what it needs */
    plugcl_tensor_destroy(&app->y);
    plugcl_plan_destroy(&app->plan);
    assert_int_equal(clSetUserEventStatus(app->gate, CL_COMPLETE), CL_SUCCESS);
    assert_int_equal(clWaitForEvents(1, &read), CL_SUCCESS);
    clReleaseEvent(read);
    for (int round = 0; round < 3; round++)
        check(back[round], round);
    leave_plugcl(app);
}

/* No events at all: the application's own queue, in order or not, is order enough for what comes before and after a run. */
static void by_queue(struct application *app, cl_command_queue queue)
{
    static float data[ELEMENTS], back[ELEMENTS];
    meet_plugcl(app, queue, PLUGCL_NCHW);
    const struct plugcl_binding bindings[2] = { { "x", app->x }, { "y", app->y } };
    plugcl_run *run = NULL;
    for (int round = 0; round < 3; round++) {
        cl_event gate = clCreateUserEvent(app->context, NULL), read = NULL;
        for (int i = 0; i < ELEMENTS; i++)
            data[i] = input_at(round, i);
        assert_int_equal(clEnqueueWriteBuffer(queue, app->in, CL_FALSE, LEAD * sizeof(float), BYTES, data, 1, &gate, NULL),
                         CL_SUCCESS);
        assert_int_equal(plugcl_plan_run(app->plan, bindings, 2, &run), PLUGCL_OK);
        assert_int_equal(clEnqueueReadBuffer(queue, app->out, CL_FALSE, LEAD * sizeof(float), BYTES, back, 0, NULL, &read),
                         CL_SUCCESS);
        clFlush(queue);
        assert_int_equal(plugcl_run_wait(run, 1000000), PLUGCL_TIMEOUT);
        assert_int_equal(clSetUserEventStatus(gate, CL_COMPLETE), CL_SUCCESS);
        assert_int_equal(clWaitForEvents(1, &read), CL_SUCCESS);
        check(back, round);
        clReleaseEvent(gate);
        clReleaseEvent(read);
        plugcl_run_destroy(&run);
    }
    leave_plugcl(app);
}

static void test_own_queue(void **state)
{
    by_events(*state, NULL, PLUGCL_NCHW);
    by_events(*state, NULL, PLUGCL_NHWC);
}

static void test_in_order_queue(void **state)
{
    struct application *app = *state;
    cl_command_queue queue = clCreateCommandQueue(app->context, app->device, 0, NULL);
    by_events(app, queue, PLUGCL_NCHW);
    by_queue(app, queue);
    clReleaseCommandQueue(queue);
}

static void test_out_of_order_queue(void **state)
{
    struct application *app = *state;
    cl_command_queue queue = clCreateCommandQueue(app->context, app->device, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, NULL);
    if (!queue)
        skip(); /* not every driver has them */
    by_events(app, queue, PLUGCL_NCHW);
    by_queue(app, queue);
    clReleaseCommandQueue(queue);
}

static void test_misuse(void **state)
{
    struct application *app = *state;
    plugcl_context *other = NULL;
    plugcl_event *foreign = NULL;
    plugcl_tensor *again = NULL, *inside = NULL;
    const struct plugcl_tensor_params *params = plugcl_tensor_params(.shape = *PLUGCL_SHAPE(1, CHANNELS, HEIGHT, WIDTH));
    meet_plugcl(app, NULL, PLUGCL_NCHW);
    /* One cl_mem wrapped twice is still one memory. */
    assert_int_equal(plugcl_tensor_wrap_cl_mem(app->adopted, app->in, 0, params, &again), PLUGCL_OK);
    assert_int_equal(plugcl_plan_run(app->plan, (struct plugcl_binding[]){ { "x", app->x }, { "y", again } }, 2, NULL),
                     PLUGCL_INVALID);
    assert_message("share memory");
    /* An event and a tensor of another OpenCL context. */
    cl_context strange = clCreateContext(NULL, 1, &app->device, NULL, NULL, NULL);
    cl_event event = clCreateUserEvent(strange, NULL);
    clSetUserEventStatus(event, CL_COMPLETE);
    assert_int_equal(plugcl_context_adopt(strange, app->device, NULL, plugcl_context_params(.no_disk_cache = true), &other),
                     PLUGCL_OK);
    assert_int_equal(plugcl_event_adopt(other, event, &foreign), PLUGCL_OK);
    const struct plugcl_binding bindings[2] = { { "x", app->x }, { "y", app->y } };
    assert_int_equal(plugcl_plan_run_after(app->plan, bindings, 2, &foreign, 1, NULL), PLUGCL_INVALID);
    assert_message("another context");
    assert_int_equal(plugcl_tensor_create(other, params, &inside), PLUGCL_OK);
    assert_int_equal(plugcl_plan_run(app->plan, (struct plugcl_binding[]){ { "x", app->x }, { "y", inside } }, 2, NULL),
                     PLUGCL_INVALID);
    assert_message("another context");
    assert_int_equal(plugcl_plan_run(app->plan, bindings, 2, NULL), PLUGCL_OK); /* the plan is none the worse */
    plugcl_event_destroy(&foreign);
    plugcl_tensor_destroy(&inside);
    plugcl_tensor_destroy(&again);
    plugcl_context_destroy(&other);
    clReleaseEvent(event);
    clReleaseContext(strange);
    clSetUserEventStatus(app->gate, CL_COMPLETE);
    leave_plugcl(app);
}

/* What is wrong with a call is said at once: the caller may be the one for whom the device waits. */
static void test_refused_at_once(void **state)
{
    struct application *app = *state;
    plugcl_context *other = NULL;
    plugcl_event *events[2] = { NULL, NULL };
    meet_plugcl(app, NULL, PLUGCL_NCHW);
    const struct plugcl_binding bindings[2] = { { "x", app->x }, { "y", app->y } };
    assert_int_equal(plugcl_event_adopt(app->adopted, app->gate, &events[0]), PLUGCL_OK);
    assert_int_equal(plugcl_plan_run_after(app->plan, &bindings[1], 1, events, 1, NULL), PLUGCL_INVALID);
    assert_message("input x is not bound");
    cl_context strange = clCreateContext(NULL, 1, &app->device, NULL, NULL, NULL);
    cl_event event = clCreateUserEvent(strange, NULL);
    assert_int_equal(plugcl_context_adopt(strange, app->device, NULL, plugcl_context_params(.no_disk_cache = true), &other),
                     PLUGCL_OK);
    assert_int_equal(plugcl_event_adopt(other, event, &events[1]), PLUGCL_OK);
    assert_int_equal(plugcl_plan_run_after(app->plan, bindings, 2, events, 2, NULL), PLUGCL_INVALID);
    assert_message("another context");
    plugcl_event_destroy(&events[0]);
    plugcl_event_destroy(&events[1]);
    plugcl_context_destroy(&other);
    clSetUserEventStatus(event, CL_COMPLETE);
    clReleaseEvent(event);
    clReleaseContext(strange);
    assert_int_equal(plugcl_plan_run(app->plan, bindings, 2, NULL), PLUGCL_OK); /* nothing was left that waits for the gate */
    clSetUserEventStatus(app->gate, CL_COMPLETE);
    leave_plugcl(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_own_queue, start, stop),
        cmocka_unit_test_setup_teardown(test_in_order_queue, start, stop),
        cmocka_unit_test_setup_teardown(test_out_of_order_queue, start, stop),
        cmocka_unit_test_setup_teardown(test_misuse, start, stop),
        cmocka_unit_test_setup_teardown(test_refused_at_once, start, stop),
    };
    return cmocka_run_group_tests_name("interop_plan", tests, NULL, NULL) ? 1 : 0;
}
