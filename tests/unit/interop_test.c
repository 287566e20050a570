/* SPDX-License-Identifier: Apache-2.0 */
/* interop_test.c: an application's OpenCL context, queues, buffers and events in plugcl's hands. The application is this test. */
#include <pthread.h>
#include <time.h>

#include <plugcl/cl.h>

#include "device/context.h"
#include "device/queue.h"
#include "device/tensor.h"

#include "unit.h"

/* What the application made before it met plugcl. */
struct application {
    cl_platform_id platform;
    cl_device_id device;
    cl_context context;
    cl_command_queue queue;
};

static int start_application(void **state)
{
    static struct application app;
    cl_platform_id platforms[16];
    cl_uint count = 0;
    cl_int error = CL_SUCCESS;
    if (clGetPlatformIDs(16, platforms, &count) != CL_SUCCESS)
        return -1;
    for (cl_uint i = 0; i < count && i < 16 && !app.device; i++) {
        char name[64] = "";
        clGetPlatformInfo(platforms[i], CL_PLATFORM_NAME, sizeof name, name, NULL);
        if (strcmp(name, "Clover") == 0 || clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 1, &app.device, NULL) != CL_SUCCESS)
            app.device = NULL;
        app.platform = platforms[i];
    }
    if (!app.device)
        return -1;
    app.context = clCreateContext(NULL, 1, &app.device, NULL, NULL, &error);
    app.queue = app.context ? clCreateCommandQueue(app.context, app.device, 0, &error) : NULL;
    *state = &app;
    return app.queue ? 0 : -1;
}

static int stop_application(void **state)
{
    struct application *app = *state;
    clReleaseCommandQueue(app->queue);
    clReleaseContext(app->context);
    return 0;
}

static const struct plugcl_context_params *quiet(void)
{
    static struct plugcl_context_params params;
    params = plugcl_context_params_init();
    params.no_disk_cache = true;
    return &params;
}

static cl_uint references(cl_context context)
{
    cl_uint count = 0;
    assert_int_equal(clGetContextInfo(context, CL_CONTEXT_REFERENCE_COUNT, sizeof count, &count, NULL), CL_SUCCESS);
    return count;
}

/* A driver's thread may hold the last event for a moment. */
static void assert_references(cl_context context, cl_uint expected)
{
    for (int i = 0; i < 2000 && references(context) != expected; i++)
        nanosleep(&(const struct timespec){ .tv_nsec = 1000000 }, NULL);
    assert_int_equal(references(context), expected);
}

static void test_adopt(void **state)
{
    struct application *app = *state;
    plugcl_context *context = NULL;
    cl_uint before = references(app->context);
    assert_int_equal(plugcl_context_adopt(app->context, app->device, app->queue, quiet(), &context), PLUGCL_OK);
    struct queue *queue = NULL;
    struct buffer *buffer = NULL;
    uint32_t number = 0;
    assert_int_equal(queue_create(context, false, &queue), PLUGCL_OK);
    assert_int_equal(buffer_create(context, 64, false, &buffer), PLUGCL_OK);
    assert_int_equal(queue_fill(queue, buffer, 0, 17, 64), PLUGCL_OK);
    /* The queue is the application's own: finishing it finishes the fill. */
    assert_int_equal(clFinish(app->queue), CL_SUCCESS);
    assert_int_equal(buffer_read_now(buffer, 60, &number, 4), PLUGCL_OK);
    assert_int_equal(number, 17);
    plugcl_context_destroy(&context);
    queue_destroy(&queue);
    buffer_drop(&buffer);
    assert_references(app->context, before);
}

static void count_errors(void *user, plugcl_log_level level, const char *message)
{
    *(int *)user += level == PLUGCL_LOG_ERROR && strcmp(message, plugcl_error_message()) == 0;
}

static void test_adopt_errors(void **state)
{
    struct application *app = *state;
    plugcl_context *context = NULL;
    int errors = 0;
    struct plugcl_context_params params = *quiet();
    params.log = count_errors;
    params.log_user = &errors;
    params.log_level = PLUGCL_LOG_ERROR;
    assert_int_equal(plugcl_context_adopt(NULL, app->device, NULL, quiet(), &context), PLUGCL_INVALID);
    assert_int_equal(plugcl_context_adopt(app->context, NULL, NULL, quiet(), &context), PLUGCL_INVALID);
    cl_int error = CL_SUCCESS;
    cl_context other = clCreateContext(NULL, 1, &app->device, NULL, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    assert_int_equal(plugcl_context_adopt(other, app->device, app->queue, &params, &context), PLUGCL_INVALID);
    assert_message("another context");
    assert_int_equal(errors, 1);
    assert_int_equal(plugcl_context_adopt(app->context, (cl_device_id)(void *)app, NULL, &params, &context), PLUGCL_INVALID);
    assert_message("not one of the context's");
    assert_int_equal(errors, 2);
    assert_null(context);
    assert_int_equal(references(other), 1);
    assert_int_equal(plugcl_context_adopt(other, app->device, NULL, quiet(), &context), PLUGCL_OK);
    /* memory and events of another context are refused */
    cl_mem memory = clCreateBuffer(app->context, CL_MEM_READ_WRITE, 64, NULL, &error);
    cl_event user = clCreateUserEvent(app->context, &error);
    plugcl_tensor *tensor = NULL;
    plugcl_event *event = NULL;
    assert_int_equal(plugcl_tensor_wrap_cl_mem(context, memory, 0, plugcl_tensor_params(.shape = *PLUGCL_SHAPE(4)), &tensor),
                     PLUGCL_INVALID);
    assert_int_equal(plugcl_event_adopt(context, user, &event), PLUGCL_INVALID);
    clSetUserEventStatus(user, CL_COMPLETE);
    clReleaseEvent(user);
    clReleaseMemObject(memory);
    plugcl_context_destroy(&context);
    assert_references(other, 1);
    clReleaseContext(other);
}

static void test_wrap(void **state)
{
    struct application *app = *state;
    plugcl_context *context = NULL;
    plugcl_tensor *tensor = NULL;
    cl_int error = CL_SUCCESS;
    assert_int_equal(plugcl_context_adopt(app->context, app->device, app->queue, quiet(), &context), PLUGCL_OK);
    cl_mem memory = clCreateBuffer(app->context, CL_MEM_READ_WRITE, 64, NULL, &error);
    const plugcl_shape *shape = PLUGCL_SHAPE(2, 3);
    assert_int_equal(plugcl_tensor_wrap_cl_mem(context, memory, 42, plugcl_tensor_params(.shape = *shape), &tensor),
                     PLUGCL_INVALID);
    assert_message("multiple of 4");
    assert_int_equal(plugcl_tensor_wrap_cl_mem(context, memory, 44, plugcl_tensor_params(.shape = *shape), &tensor),
                     PLUGCL_INVALID);
    assert_message("64 bytes");
    assert_int_equal(plugcl_tensor_wrap_cl_mem(context, memory, 40, plugcl_tensor_params(.shape = *shape), &tensor), PLUGCL_OK);
    clReleaseMemObject(memory); /* the tensor holds it */
    size_t offset = 0;
    assert_ptr_equal(plugcl_tensor_cl_mem(tensor, &offset), memory);
    assert_int_equal(offset, 40);
    const float data[6] = { 1, 2, 3, 4, 5, 6 };
    float back[6] = { 0 };
    assert_int_equal(plugcl_tensor_write(tensor, data, sizeof data), PLUGCL_OK);
    assert_int_equal(clEnqueueReadBuffer(app->queue, memory, CL_TRUE, 40, sizeof back, back, 0, NULL, NULL), CL_SUCCESS);
    assert_memory_equal(back, data, sizeof data);
    void *place = NULL;
    assert_int_equal(plugcl_tensor_map(tensor, &place), PLUGCL_OK);
    assert_memory_equal(place, data, sizeof data);
    assert_int_equal(plugcl_tensor_unmap(tensor), PLUGCL_OK);
    plugcl_context_destroy(&context);
    plugcl_tensor_destroy(&tensor);
    assert_null(plugcl_tensor_cl_mem(NULL, NULL));
}

/* A queue whose end waits for an event of the application's. */
struct gated {
    plugcl_context *context;
    struct queue *queue;
    cl_event user;
    plugcl_event *gate, *end;
};

static void make_gated(const struct application *app, uint64_t poll_ns, struct gated *gated)
{
    struct plugcl_context_params params = *quiet();
    cl_int error = CL_SUCCESS;
    params.poll_ns = poll_ns;
    *gated = (struct gated){ 0 };
    assert_int_equal(plugcl_context_adopt(app->context, app->device, NULL, &params, &gated->context), PLUGCL_OK);
    assert_int_equal(queue_create(gated->context, false, &gated->queue), PLUGCL_OK);
    gated->user = clCreateUserEvent(app->context, &error);
    assert_int_equal(plugcl_event_adopt(gated->context, gated->user, &gated->gate), PLUGCL_OK);
    assert_int_equal(queue_wait_for(gated->queue, gated->gate), PLUGCL_OK);
    assert_int_equal(queue_marker(gated->queue, &gated->end), PLUGCL_OK);
}

static void drop_gated(struct gated *gated)
{
    plugcl_event_destroy(&gated->gate);
    plugcl_event_destroy(&gated->end);
    clReleaseEvent(gated->user);
    queue_destroy(&gated->queue);
    plugcl_context_destroy(&gated->context);
}

/* Waits with time limits, without polling and with polling for longer and for shorter than the limits. */
static void check_timeouts(const struct application *app, uint64_t poll_ns)
{
    struct gated gated;
    make_gated(app, poll_ns, &gated);
    assert_ptr_equal(plugcl_event_cl(gated.gate), gated.user);
    assert_int_equal(plugcl_event_wait(gated.gate, 0), PLUGCL_TIMEOUT);
    assert_int_equal(plugcl_event_wait(gated.end, 5000000), PLUGCL_TIMEOUT);
    assert_message("5.000 ms");
    assert_int_equal(clSetUserEventStatus(gated.user, CL_COMPLETE), CL_SUCCESS);
    assert_int_equal(plugcl_event_wait(gated.end, 20000000000u), PLUGCL_OK);
    assert_int_equal(plugcl_event_wait(gated.end, PLUGCL_WAIT_FOREVER), PLUGCL_OK);
    /* an event that failed */
    cl_int error = CL_SUCCESS;
    plugcl_event *failed = NULL;
    cl_event user = clCreateUserEvent(app->context, &error);
    assert_int_equal(plugcl_event_adopt(gated.context, user, &failed), PLUGCL_OK);
    clSetUserEventStatus(user, -5);
    assert_int_equal(plugcl_event_wait(failed, 1000000000), PLUGCL_NO_MEMORY);
    assert_message("CL_OUT_OF_RESOURCES");
    plugcl_event_destroy(&failed);
    clReleaseEvent(user);
    drop_gated(&gated);
}

static void test_timeout(void **state)
{
    check_timeouts(*state, 0);
    check_timeouts(*state, 1000000);
    check_timeouts(*state, 10000000000u);
}

static void *open_later(void *gate)
{
    nanosleep(&(const struct timespec){ .tv_nsec = 20000000 }, NULL);
    clSetUserEventStatus(gate, CL_COMPLETE);
    return NULL;
}

/* A wait for ever ends while it polls and after it has polled long enough. */
static void test_polling(void **state)
{
    const uint64_t poll_ns[] = { 10000000000u, 1000000 };
    for (size_t i = 0; i < sizeof poll_ns / sizeof *poll_ns; i++) {
        struct gated gated;
        pthread_t opener;
        make_gated(*state, poll_ns[i], &gated);
        assert_int_equal(pthread_create(&opener, NULL, open_later, gated.user), 0);
        assert_int_equal(plugcl_event_wait(gated.end, PLUGCL_WAIT_FOREVER), PLUGCL_OK);
        assert_int_equal(plugcl_event_wait(gated.gate, 0), PLUGCL_OK); /* so the wait did not end before the gate */
        pthread_join(opener, NULL);
        drop_gated(&gated);
    }
}

static void test_bridge(void **state)
{
    struct application *app = *state;
    cl_int error = CL_SUCCESS;
    cl_command_queue loose = clCreateCommandQueue(app->context, app->device, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &error);
    if (!loose)
        skip(); /* not every driver has out-of-order queues */
    plugcl_context *context = NULL;
    struct queue *queue = NULL;
    assert_int_equal(plugcl_context_adopt(app->context, app->device, loose, quiet(), &context), PLUGCL_OK);
    assert_int_equal(queue_create(context, false, &queue), PLUGCL_OK);
    cl_mem memory = clCreateBuffer(app->context, CL_MEM_READ_WRITE, 64, NULL, &error);
    plugcl_tensor *tensor = NULL;
    assert_int_equal(plugcl_tensor_wrap_cl_mem(context, memory, 0, plugcl_tensor_params(.shape = *PLUGCL_SHAPE(16)), &tensor),
                     PLUGCL_OK);
    size_t offset;
    struct buffer *buffer = tensor_buffer(tensor, &offset);
    const uint32_t first = 1;
    uint32_t back[16] = { 0 };
    /* The application's write is held back by a user event; our fill must come after it, its read after our fill. */
    cl_event gate = clCreateUserEvent(app->context, &error);
    assert_int_equal(clEnqueueFillBuffer(loose, memory, &first, 4, 0, 64, 1, &gate, NULL), CL_SUCCESS);
    assert_int_equal(queue_enter(queue), PLUGCL_OK);
    assert_int_equal(queue_fill(queue, buffer, 0, 2, 32), PLUGCL_OK);
    assert_int_equal(queue_leave(queue), PLUGCL_OK);
    assert_int_equal(clEnqueueReadBuffer(loose, memory, CL_FALSE, 0, sizeof back, back, 0, NULL, NULL), CL_SUCCESS);
    clFlush(loose);
    assert_int_equal(clSetUserEventStatus(gate, CL_COMPLETE), CL_SUCCESS);
    assert_int_equal(clFinish(loose), CL_SUCCESS);
    for (int i = 0; i < 16; i++)
        assert_int_equal(back[i], i < 8 ? 2 : 1);
    clReleaseEvent(gate);
    plugcl_tensor_destroy(&tensor);
    clReleaseMemObject(memory);
    queue_destroy(&queue);
    plugcl_context_destroy(&context);
    clReleaseCommandQueue(loose);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adopt), cmocka_unit_test(test_adopt_errors), cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_timeout), cmocka_unit_test(test_polling), cmocka_unit_test(test_bridge),
    };
    return cmocka_run_group_tests_name("interop", tests, start_application, stop_application) ? 1 : 0;
}
