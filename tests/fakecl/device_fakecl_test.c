/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_fakecl_test.c: the device floor when any one OpenCL call or any allocation fails: the right status, and nothing left
 * behind (AddressSanitizer sees the host's memory, the fake counts OpenCL objects).
 */
#include "base/memory.h"
#include "device/context.h"
#include "device/queue.h"
#include "device/tensor.h"
#include "fail_each.h"
#include "fakecl.h"

#include "../unit/unit.h"

static const char source[] = "__kernel void copy(__global const int *x, __global int *y, uint n) { y[0] = x[0]; }";

/* A store that holds one program, the last, so that the cache's calls are made as well. */
struct shelf {
    bool open;
    char key[65];
    uint8_t *data;
    size_t bytes;
};

static size_t shelf_get(void *user, const char *key, void *data, size_t capacity)
{
    struct shelf *shelf = user;
    if (!shelf->data || strcmp(key, shelf->key) != 0)
        return 0;
    if (data)
        memcpy(data, shelf->data, shelf->bytes < capacity ? shelf->bytes : capacity);
    return shelf->bytes;
}

static void shelf_set(void *user, const char *key, const void *data, size_t bytes)
{
    struct shelf *shelf = user;
    if (!shelf->open)
        return;
    strcpy(shelf->key, key);
    free(shelf->data);
    shelf->data = exact_copy(data, bytes);
    shelf->bytes = bytes;
}

struct things {
    plugcl_context *context;
    struct buffer *x, *y;
    struct kernel *kernel;
    struct queue *queue;
    plugcl_event *event, *marker;
    plugcl_tensor *tensor;
};

#define STEP(call)                     \
    do {                               \
        plugcl_status step = (call);   \
        if (step != PLUGCL_OK)         \
            return step;               \
    } while (0)

static plugcl_status compute(struct things *t)
{
    const size_t global[3] = { 4, 1, 1 }, local[3] = { 2, 1, 1 };
    int data[4] = { 1, 2, 3, 4 };
    uint32_t n = 4;
    uint64_t start, end;
    STEP(kernel_create_from_source(t->context, "copy", source, "-DA=1", "copy", &t->kernel));
    STEP(kernel_set_buffer(t->kernel, 0, t->x));
    STEP(kernel_set_buffer(t->kernel, 1, t->y));
    STEP(kernel_set_value(t->kernel, 2, &n, sizeof n));
    STEP(kernel_set_local(t->kernel, 3, 64));
    STEP(queue_create(t->context, true, &t->queue));
    if (kernel_begin_warming(t->kernel, local))
        kernel_end_warming(t->kernel);
    STEP(queue_write(t->queue, t->x, 0, data, sizeof data));
    STEP(queue_launch(t->queue, t->kernel, 1, global, local, &t->event));
    STEP(queue_fill(t->queue, t->y, 0, 9, 8));
    STEP(queue_copy(t->queue, t->x, 0, t->y, 8, 8));
    STEP(queue_marker(t->queue, &t->marker));
    STEP(queue_wait_for(t->queue, t->event));
    STEP(queue_flush(t->queue));
    STEP(plugcl_event_wait(t->event, 1000000));
    STEP(plugcl_event_wait(t->marker, PLUGCL_WAIT_FOREVER));
    STEP(event_times(t->event, &start, &end));
    STEP(queue_read(t->queue, t->y, 0, data, sizeof data));
    STEP(queue_finish(t->queue));
    programs_store(t->context);
    return PLUGCL_OK;
}

static plugcl_status use_tensor(struct things *t)
{
    float data[6] = { 0 };
    void *place = NULL;
    const plugcl_shape *shape = PLUGCL_SHAPE(2, 3);
    STEP(plugcl_tensor_create(t->context, plugcl_tensor_params(.shape = *shape, .memory = PLUGCL_MEMORY_MAPPED), &t->tensor));
    STEP(plugcl_tensor_write(t->tensor, data, sizeof data));
    STEP(plugcl_tensor_map(t->tensor, &place));
    STEP(plugcl_tensor_unmap(t->tensor));
    STEP(plugcl_tensor_read(t->tensor, data, sizeof data));
    plugcl_tensor_destroy(&t->tensor);
    return plugcl_tensor_create(t->context, plugcl_tensor_params(.shape = *shape), &t->tensor);
}

static plugcl_status drive_things(struct things *t, const struct plugcl_context_params *params)
{
    int data[4] = { 0 };
    STEP(context_create_with_api(fakecl_api(), params, &t->context));
    STEP(buffer_create(t->context, 16, false, &t->x));
    STEP(buffer_create(t->context, 16, true, &t->y));
    STEP(buffer_write_now(t->x, 0, data, sizeof data));
    STEP(compute(t));
    STEP(buffer_read_now(t->y, 0, data, sizeof data));
    return use_tensor(t);
}

/* Creates, uses and destroys one of everything. The context goes first: the others hold it. */
static plugcl_status drive(const struct plugcl_context_params *params)
{
    struct things t = { 0 };
    plugcl_status status = drive_things(&t, params);
    plugcl_context_destroy(&t.context);
    plugcl_event_destroy(&t.event);
    plugcl_event_destroy(&t.marker);
    kernel_destroy(&t.kernel);
    queue_destroy(&t.queue);
    plugcl_tensor_destroy(&t.tensor);
    buffer_drop(&t.y);
    buffer_drop(&t.x);
    return status;
}

/* Adopts a context and an out-of-order queue of an application, bridges, and wraps what it has. */
static plugcl_status drive_adopted(const struct plugcl_context_params *params)
{
    const struct opencl_api *api = fakecl_api();
    struct opencl_library library = { .api = api };
    struct things t = { 0 };
    cl_device_id device = NULL;
    cl_int error = CL_SUCCESS;
    if ((error = api->clGetDeviceIDs(NULL, CL_DEVICE_TYPE_ALL, 1, &device, NULL)) != CL_SUCCESS)
        return opencl_fail("the application", error);
    cl_context cl = api->clCreateContext(NULL, 1, &device, NULL, NULL, &error);
    if (!cl)
        return opencl_fail("the application", error);
    cl_command_queue loose = api->clCreateCommandQueue(cl, device, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &error);
    cl_mem memory = loose ? api->clCreateBuffer(cl, CL_MEM_READ_WRITE, 64, NULL, &error) : NULL;
    plugcl_status status = memory ? context_adopt_with_api(&library, cl, device, loose, params, &t.context)
                                  : opencl_fail("the application", error);
    if (status == PLUGCL_OK)
        status = queue_create(t.context, false, &t.queue);
    if (status == PLUGCL_OK)
        status = queue_enter(t.queue);
    if (status == PLUGCL_OK)
        status = queue_leave(t.queue);
    if (status == PLUGCL_OK)
        status = plugcl_tensor_wrap_cl_mem(t.context, memory, 4, plugcl_tensor_params(.shape = *PLUGCL_SHAPE(15)), &t.tensor);
    if (status == PLUGCL_OK)
        status = queue_marker(t.queue, &t.event);
    if (status == PLUGCL_OK)
        status = plugcl_event_adopt(t.context, plugcl_event_cl(t.event), &t.marker);
    plugcl_context_destroy(&t.context);
    plugcl_event_destroy(&t.marker);
    plugcl_event_destroy(&t.event);
    plugcl_tensor_destroy(&t.tensor);
    queue_destroy(&t.queue);
    if (memory)
        api->clReleaseMemObject(memory);
    if (loose)
        api->clReleaseCommandQueue(loose);
    api->clReleaseContext(cl);
    return status;
}

static plugcl_status list_devices(const struct plugcl_context_params *params)
{
    (void)params;
    plugcl_device_list *list = NULL;
    plugcl_status status = device_list_create_with_api(fakecl_api(), NULL, &list);
    plugcl_device_list_destroy(&list);
    return status;
}

static void test_calls(void **state)
{
    (void)state;
    for (int gpu = 0; gpu < 2; gpu++) {
        fakecl_use_gpu(gpu);
        fail_each_call(drive, plugcl_context_params(.no_disk_cache = true), false);
        fail_each_call(drive, plugcl_context_params(.no_disk_cache = true, .poll_ns = 1000000), false);
        fail_each_call(drive_adopted, plugcl_context_params(.no_disk_cache = true), false);
    }
    fakecl_use_gpu(false);
    fail_each_call(list_devices, NULL, true);
}

static void test_allocations(void **state)
{
    (void)state;
    fail_each_allocation(drive, plugcl_context_params(.no_disk_cache = true));
    fail_each_allocation(drive_adopted, plugcl_context_params(.no_disk_cache = true));
    fail_each_allocation(list_devices, NULL);
}

/* With a cache that is empty, and with one that holds a program. */
static void test_cached(void **state)
{
    (void)state;
    struct shelf shelf = { 0 };
    const struct plugcl_context_params *params =
        plugcl_context_params(.cache_get = shelf_get, .cache_set = shelf_set, .cache_user = &shelf);
    fail_each_call(drive, params, false);
    fail_each_allocation(drive, params);
    shelf.open = true;
    assert_int_equal(drive(params), PLUGCL_OK);
    assert_non_null(shelf.data);
    shelf.open = false;
    plugcl_context *context = NULL;
    struct kernel *kernel = NULL;
    struct plugcl_context_statistics statistics = { .struct_size = sizeof statistics };
    assert_int_equal(context_create_with_api(fakecl_api(), params, &context), PLUGCL_OK);
    assert_int_equal(kernel_create_from_source(context, "copy", source, "-DA=1", "copy", &kernel), PLUGCL_OK);
    plugcl_context_statistics(context, &statistics);
    assert_true(statistics.programs_loaded == 1 && statistics.programs_compiled == 1); /* the other one is the probe */
    kernel_destroy(&kernel);
    plugcl_context_destroy(&context);
    /* A build of the cached binary may fail: then it is built from source. */
    fakecl_error(CL_INVALID_BINARY);
    long n = 1;
    do {
        fakecl_fail_at(n++);
        plugcl_status status = drive(params);
        assert_true(status == PLUGCL_OK || status == PLUGCL_DEVICE);
        assert_int_equal(fakecl_live_objects(), 0);
    } while (fakecl_failed_call());
    fakecl_fail_at(0);
    fail_each_allocation(drive, params);
    free(shelf.data);
}

static void test_selection(void **state)
{
    (void)state;
    plugcl_context *context = NULL;
    fakecl_use_gpu(true);
    assert_int_equal(context_create_with_api(fakecl_api(), plugcl_context_params(.device = "cpu", .no_disk_cache = true), &context),
                     PLUGCL_NOT_FOUND);
    assert_message("no device for \"cpu\" works; there is 0:0 fake device (Fake)");
    assert_int_equal(context_create_with_api(fakecl_api(), plugcl_context_params(.device = "GPU", .no_disk_cache = true), &context),
                     PLUGCL_OK);
    assert_false(context_caps(context)->cpu_family);
    plugcl_context_destroy(&context);
    fakecl_use_gpu(false);
    assert_int_equal(context_create_with_api(fakecl_api(), plugcl_context_params(.no_disk_cache = true), &context), PLUGCL_OK);
    assert_true(context_caps(context)->cpu_family && context_caps(context)->vector_width == 8);
    struct kernel *kernel = NULL;
    assert_int_equal(kernel_create_from_source(context, "bad", "#error no", NULL, "f", &kernel), PLUGCL_BUILD);
    assert_non_null(strstr(plugcl_error_message(), "an #error is in the way"));
    plugcl_context_destroy(&context);
    assert_int_equal(fakecl_live_objects(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls), cmocka_unit_test(test_allocations), cmocka_unit_test(test_cached),
        cmocka_unit_test(test_selection),
    };
    return cmocka_run_group_tests_name("fakecl", tests, NULL, NULL) ? 1 : 0;
}
