/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_test.c: devices, contexts, buffers, kernels, queues, events, tensors, on whatever device "gpu,cpu" finds. The group's
 * state is a folder, the program cache of every context. interop_test.c shares objects with an application.
 */
#include <pthread.h>

#include "base/thread.h"
#include "device/context.h"
#include "device/queue.h"
#include "device/source.h"
#include "device/tensor.h"

#include "unit.h"

static plugcl_context *open_context(void **state, const char *device)
{
    plugcl_context *context = NULL;
    plugcl_status status = plugcl_context_create(plugcl_context_params(.device = device, .cache_dir = *state), &context);
    if (status != PLUGCL_OK)
        fail_msg("%s", plugcl_error_message());
    return context;
}

static void test_listing(void **state)
{
    (void)state;
    plugcl_device_list *list = NULL;
    assert_int_equal(plugcl_device_list_create(NULL, &list), PLUGCL_OK);
    size_t usable = 0;
    for (size_t i = 0; i < plugcl_device_list_count(list); i++) {
        const struct plugcl_device_info *info = plugcl_device_list_at(list, i);
        assert_int_equal(info->struct_size, sizeof *info);
        assert_int_equal(info->usable, info->reason[0] == '\0');
        assert_int_equal(info->type == PLUGCL_DEVICE_NONE, info->name[0] == '\0');
        assert_true(info->platform && info->vendor && info->version && info->driver);
        usable += info->usable;
        assert_true(!info->usable || (info->max_work_group > 0 && info->compute_units > 0 && info->max_allocation > 0));
    }
    assert_true(usable > 0);
    assert_null(plugcl_device_list_at(list, plugcl_device_list_count(list)));
    size_t count = plugcl_device_list_count(list);
    plugcl_device_list_destroy(&list);
    assert_null(list);
    plugcl_device_list_destroy(&list);
    assert_int_equal(plugcl_device_list_count(NULL), 0);
    assert_int_equal(plugcl_device_list_create(plugcl_device_list_params(.no_probe = true), &list), PLUGCL_OK);
    assert_int_equal(plugcl_device_list_count(list), count);
    plugcl_device_list_destroy(&list);
    const struct plugcl_device_list_params no_size = { 0 };
    assert_int_equal(plugcl_device_list_create(&no_size, &list), PLUGCL_INVALID);
    assert_message("struct_size");
}

static void assert_selects(void **state, const char *device, const struct plugcl_device_info *wanted)
{
    plugcl_context *context = open_context(state, device);
    const struct plugcl_device_info *info = plugcl_context_device(context);
    assert_true(!wanted || (info->platform_index == wanted->platform_index && info->device_index == wanted->device_index));
    plugcl_context_destroy(&context);
}

static void test_selectors(void **state)
{
    plugcl_context *context = open_context(state, NULL);
    const struct plugcl_device_info *info = plugcl_context_device(context);
    char text[256];
    assert_selects(state, "gpu,cpu", NULL);
    assert_selects(state, info->type == PLUGCL_DEVICE_GPU ? "GPU" : "cpu", NULL);
    snprintf(text, sizeof text, "%u:%u", (unsigned)info->platform_index, (unsigned)info->device_index);
    assert_selects(state, text, info);
    snprintf(text, sizeof text, "no such device,99:0,%u:%u", (unsigned)info->platform_index, (unsigned)info->device_index);
    assert_selects(state, text, info);
    snprintf(text, sizeof text, "%s", info->platform);
    text[0] = text[0] >= 'A' && text[0] <= 'Z' ? (char)(text[0] + 32) : text[0];
    assert_selects(state, text, info);
    plugcl_context_destroy(&context);
}

static void test_unknown_device(void **state)
{
    plugcl_context *context = open_context(state, NULL);
    char name[256];
    snprintf(name, sizeof name, "%s", plugcl_context_device(context)->name);
    plugcl_context_destroy(&context);
    assert_int_equal(plugcl_context_create(plugcl_context_params(.device = "frobnicator"), &context), PLUGCL_NOT_FOUND);
    assert_null(context);
    assert_message("\"frobnicator\"");
    assert_message(name);
    assert_int_equal(plugcl_context_create(plugcl_context_params(.device = "99:0"), &context), PLUGCL_NOT_FOUND);
    assert_int_equal(plugcl_context_create(plugcl_context_params(.device = "gpu,,cpu"), &context), PLUGCL_INVALID);
    assert_message("empty item");
    assert_int_equal(plugcl_context_create(plugcl_context_params(.device = ""), &context), PLUGCL_INVALID);
    assert_int_equal(plugcl_context_create(plugcl_context_params(.device = "cpu,"), &context), PLUGCL_INVALID);
    assert_int_equal(plugcl_context_create(NULL, NULL), PLUGCL_INVALID);
    const struct plugcl_context_params no_size = { 0 };
    assert_int_equal(plugcl_context_create(&no_size, &context), PLUGCL_INVALID);
    unsigned char newer[sizeof(struct plugcl_context_params) + 16] = { 0 };
    const struct plugcl_context_params today = { .struct_size = sizeof newer, .no_disk_cache = true };
    memcpy(newer, &today, sizeof today);
    assert_int_equal(plugcl_context_create((const void *)newer, &context), PLUGCL_OK);
    plugcl_context_destroy(&context);
    newer[sizeof newer - 1] = 1;
    assert_int_equal(plugcl_context_create((const void *)newer, &context), PLUGCL_UNSUPPORTED);
}

struct store {
    mutex lock;
    struct buffer *buffer;
};
static int cleared;

static void store_clear(void *user)
{
    struct store *store = user;
    buffer_drop(&store->buffer);
    cleared++;
}

/* A store holds buffers, buffers hold the context: it must come to an end all the same. */
static void test_store(void **state)
{
    plugcl_context *context = open_context(state, NULL), *other = context_take(context);
    struct store *store = context_store(context, PLACE_PACKED, sizeof *store, store_clear);
    assert_non_null(store);
    assert_null(store->buffer);
    assert_ptr_equal(context_store(context, PLACE_PACKED, sizeof *store, store_clear), store);
    mutex_lock(&store->lock);
    mutex_unlock(&store->lock);
    assert_int_equal(buffer_create(context, 64, false, &store->buffer), PLUGCL_OK);
    plugcl_context_destroy(&context);
    assert_int_equal(cleared, 0);
    plugcl_context_destroy(&other);
    assert_int_equal(cleared, 1);
}

static void test_buffer(void **state)
{
    plugcl_context *context = open_context(state, NULL);
    const struct device_caps *caps = context_caps(context);
    assert_true(caps->vector_width == 4 || caps->vector_width == 8 || caps->vector_width == 16);
    assert_int_equal(device_bytes(context), 0);
    struct buffer *buffer = NULL;
    assert_int_equal(buffer_create(context, 100, false, &buffer), PLUGCL_OK);
    assert_int_equal(device_bytes(context), 100);
    char text[8] = "";
    assert_int_equal(buffer_write_now(buffer, 50, "hello", 6), PLUGCL_OK);
    assert_int_equal(buffer_read_now(buffer, 50, text, 6), PLUGCL_OK);
    assert_string_equal(text, "hello");
    assert_int_equal(buffer_read_now(buffer, 99, text, 6), PLUGCL_DEVICE);
    assert_int_equal(buffer_write_now(buffer, 50, NULL, 0), PLUGCL_OK);
    assert_false(buffer_is_shared(buffer));
    struct buffer *again = buffer_take(buffer);
    assert_true(buffer_is_shared(buffer));
    buffer_drop(&again);
    struct buffer *huge = NULL;
    assert_int_equal(buffer_create(context, SIZE_MAX, false, &huge), PLUGCL_NO_MEMORY);
    assert_message("one allocation");
    assert_null(huge);
    struct buffer *empty = NULL;
    assert_int_equal(buffer_create(context, 0, true, &empty), PLUGCL_OK);
    assert_int_equal(buffer_bytes(empty), 4);
    buffer_drop(&empty);
    plugcl_context_destroy(&context); /* the buffer outlives it */
    assert_int_equal(buffer_read_now(buffer, 50, text, 6), PLUGCL_OK);
    buffer_drop(&buffer);
    buffer_drop(&buffer);
}

static const char scale_source[] =
    "#include \"types.h\"\n"
    "__kernel void scale(__global const float *x, __global float *y, float factor, __local float *scratch)\n"
    "{\n"
    "    uint i = (uint)get_global_id(0);\n"
    "    scratch[get_local_id(0)] = x[i] * factor + (float)BIAS;\n"
    "    y[i] = scratch[get_local_id(0)];\n"
    "}\n";

static void test_kernel(void **state)
{
    enum { N = 32 };
    plugcl_context *context = open_context(state, NULL);
    struct kernel *kernel = NULL;
    struct queue *queue = NULL;
    struct buffer *x = NULL, *y = NULL;
    plugcl_event *event = NULL;
    float in[N], out[N], factor = 3.0f;
    for (int i = 0; i < N; i++)
        in[i] = (float)i;
    assert_int_equal(kernel_create_from_source(context, "mine", scale_source, "-DBIAS=2", "scale", &kernel), PLUGCL_OK);
    assert_true(kernel_max_work_group(kernel) >= 1);
    assert_int_equal(queue_create(context, true, &queue), PLUGCL_OK);
    assert_int_equal(buffer_create(context, sizeof in, false, &x), PLUGCL_OK);
    assert_int_equal(buffer_create(context, sizeof out, false, &y), PLUGCL_OK);
    assert_int_equal(kernel_set_buffer(kernel, 0, x), PLUGCL_OK);
    assert_int_equal(kernel_set_buffer(kernel, 1, y), PLUGCL_OK);
    assert_int_equal(kernel_set_value(kernel, 2, &factor, sizeof factor), PLUGCL_OK);
    assert_int_equal(kernel_set_local(kernel, 3, 64 * sizeof(float)), PLUGCL_OK);
    assert_int_equal(kernel_set_value(kernel, 9, &factor, sizeof factor), PLUGCL_DEVICE);
    assert_message("kernel scale, argument 9");
    const size_t one[3] = { 1, 0, 0 }, none[3] = { 0, 0, 0 }, all[3] = { N, 1, 1 };
    assert_true(kernel_begin_warming(kernel, one));
    assert_false(kernel_begin_warming(kernel, one));
    assert_true(kernel_begin_warming(kernel, none));
    assert_int_equal(queue_write(queue, x, 0, in, sizeof in), PLUGCL_OK);
    assert_int_equal(queue_launch(queue, kernel, 1, all, one, &event), PLUGCL_OK);
    assert_int_equal(queue_read(queue, y, 0, out, sizeof out), PLUGCL_OK);
    assert_int_equal(queue_finish(queue), PLUGCL_OK);
    for (int i = 0; i < N; i++)
        assert_true(out[i] == 3.0f * (float)i + 2.0f);
    uint64_t start = 0, end = 0;
    assert_int_equal(event_times(event, &start, &end), PLUGCL_OK);
    assert_true(start <= end && end > 0);
    assert_int_equal(plugcl_event_wait(event, PLUGCL_WAIT_FOREVER), PLUGCL_OK);
    assert_int_equal(plugcl_event_wait(event, 0), PLUGCL_OK);
    plugcl_event_destroy(&event);
    const size_t no_items[3] = { 0, 1, 1 };
    assert_int_equal(queue_launch(queue, kernel, 1, no_items, none, &event), PLUGCL_OK);
    assert_null(event);
    assert_int_equal(plugcl_event_wait(event, 0), PLUGCL_OK);
    assert_int_equal(queue_wait_for(queue, NULL), PLUGCL_OK);
    /* fill, copy, marker */
    assert_int_equal(queue_fill(queue, x, 4, 0x40000000u, 8), PLUGCL_OK);
    assert_int_equal(queue_copy(queue, x, 4, y, 0, 12), PLUGCL_OK);
    assert_int_equal(queue_marker(queue, &event), PLUGCL_OK);
    assert_int_equal(queue_flush(queue), PLUGCL_OK);
    assert_int_equal(plugcl_event_wait(event, 10000000000u), PLUGCL_OK);
    plugcl_event_destroy(&event);
    assert_int_equal(buffer_read_now(y, 0, out, 12), PLUGCL_OK);
    assert_true(out[0] == 2.0f && out[1] == 2.0f && out[2] == 3.0f);
    assert_int_equal(queue_enter(queue), PLUGCL_OK);
    assert_int_equal(queue_leave(queue), PLUGCL_OK);
    plugcl_context_destroy(&context);
    buffer_drop(&x);
    kernel_destroy(&kernel);
    queue_destroy(&queue);
    buffer_drop(&y);
}

static void count_errors(void *user, plugcl_log_level level, const char *message)
{
    (void)message;
    *(int *)user += level == PLUGCL_LOG_ERROR;
}

/* Whether a kernel that does not compile is an error is for its plan to say: tuning just leaves it out. */
static void test_build_errors(void **state)
{
    plugcl_context *context = NULL;
    struct kernel *kernel = NULL;
    int errors = 0;
    assert_int_equal(plugcl_context_create(plugcl_context_params(.cache_dir = *state, .log = count_errors, .log_user = &errors),
                                           &context),
                     PLUGCL_OK);
    const char *broken = "\n#include \"types.h\"\n\n__kernel void f(__global int *x) { x[0] = nonesuch; }\n";
    assert_int_equal(kernel_create_from_source(context, "broken.cl", broken, NULL, "f", &kernel), PLUGCL_BUILD);
    assert_null(kernel);
    assert_non_null(strstr(plugcl_error_message(), "broken.cl"));
    assert_non_null(strstr(plugcl_error_message(), "nonesuch"));
    assert_int_equal(kernel_create_from_source(context, "broken.cl", broken, NULL, "f", &kernel), PLUGCL_BUILD);
    const char *good = "__kernel void f(__global int *x) { x[0] = 1; }";
    assert_int_equal(kernel_create_from_source(context, "good", good, "", "g", &kernel), PLUGCL_NOT_FOUND);
    assert_message("good has no kernel \"g\"");
    assert_int_equal(kernel_create(context, "cpu/nonesuch.cl", NULL, "f", &kernel), PLUGCL_NOT_FOUND);
    assert_message("cpu/nonesuch.cl");
    assert_int_equal(kernel_create_from_source(context, "none", NULL, NULL, "f", &kernel), PLUGCL_INVALID);
    assert_int_equal(errors, 0);
    plugcl_context_destroy(&context);
}

static void *make_same_kernel(void *context)
{
    struct kernel *kernel = NULL;
    plugcl_status status = kernel_create_from_source(context, "same", "__kernel void f(__global int *x) { x[0] = 7; }", NULL, "f",
                                                     &kernel);
    kernel_destroy(&kernel);
    return status == PLUGCL_OK ? context : NULL;
}

static void *fail_same_kernel(void *context)
{
    struct kernel *kernel = NULL;
    plugcl_status status = kernel_create_from_source(context, "same", "__kernel void f(__global int *x) { x[0] = ; }", NULL, "f",
                                                     &kernel);
    return status == PLUGCL_BUILD && strstr(plugcl_error_message(), "does not compile") ? context : NULL;
}

static void test_threads(void **state)
{
    plugcl_context *context = open_context(state, NULL);
    struct plugcl_context_statistics before = { .struct_size = sizeof before }, after = before;
    plugcl_context_statistics(context, &before);
    for (int round = 0; round < 2; round++) {
        pthread_t threads[8];
        for (int i = 0; i < 8; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, round ? fail_same_kernel : make_same_kernel, context), 0);
        for (int i = 0; i < 8; i++) {
            void *result = NULL;
            pthread_join(threads[i], &result);
            assert_non_null(result);
        }
    }
    plugcl_context_statistics(context, &after);
    assert_int_equal(after.programs_compiled + after.programs_loaded, before.programs_compiled + before.programs_loaded + 1);
    plugcl_context_destroy(&context);
}

static void test_tensors(void **state)
{
    plugcl_context *context = open_context(state, NULL);
    float data[24], back[24];
    for (int i = 0; i < 24; i++)
        data[i] = (float)i;
    const plugcl_memory kinds[] = { PLUGCL_MEMORY_DEVICE, PLUGCL_MEMORY_MAPPED, PLUGCL_MEMORY_HOST };
    for (size_t k = 0; k < 3; k++) {
        plugcl_tensor *tensor = NULL;
        float host[24] = { 0 };
        const plugcl_shape *shape = PLUGCL_SHAPE(1, 2, 3, 4);
        if (kinds[k] == PLUGCL_MEMORY_HOST)
            assert_int_equal(plugcl_tensor_wrap_host(host, sizeof host, PLUGCL_F32, shape, PLUGCL_NHWC, &tensor), PLUGCL_OK);
        else
            assert_int_equal(plugcl_tensor_create(context, plugcl_tensor_params(.shape = *shape, .layout = PLUGCL_NHWC,
                                                                                .memory = kinds[k]), &tensor), PLUGCL_OK);
        assert_int_equal(plugcl_tensor_bytes(tensor), sizeof data);
        assert_int_equal(plugcl_tensor_dtype(tensor), PLUGCL_F32);
        assert_int_equal(plugcl_tensor_layout(tensor), PLUGCL_NHWC);
        assert_int_equal(plugcl_tensor_shape(tensor)->dims[3], 4);
        assert_int_equal(plugcl_tensor_write(tensor, data, sizeof data - 4), PLUGCL_INVALID);
        assert_int_equal(plugcl_tensor_write(tensor, data, sizeof data), PLUGCL_OK);
        float *mapped = NULL;
        void *place = NULL;
        assert_int_equal(plugcl_tensor_unmap(tensor), PLUGCL_STATE);
        assert_int_equal(plugcl_tensor_map(tensor, &place), PLUGCL_OK);
        mapped = place;
        assert_memory_equal(mapped, data, sizeof data);
        mapped[7] = -1.0f;
        assert_int_equal(tensor_is_mapped(tensor), kinds[k] != PLUGCL_MEMORY_HOST);
        assert_int_equal(plugcl_tensor_map(tensor, &place), PLUGCL_STATE);
        assert_int_equal(plugcl_tensor_read(tensor, back, sizeof back), PLUGCL_STATE);
        assert_int_equal(plugcl_tensor_unmap(tensor), PLUGCL_OK);
        assert_int_equal(plugcl_tensor_read(tensor, back, sizeof back), PLUGCL_OK);
        assert_true(back[7] == -1.0f && back[8] == 8.0f);
        assert_int_equal(plugcl_tensor_map(tensor, &place), PLUGCL_OK); /* destroyed while it is mapped */
        plugcl_tensor *other = tensor_take(tensor);
        plugcl_tensor_destroy(&other);
        plugcl_tensor_destroy(&tensor);
        assert_null(tensor);
    }
    assert_int_equal(device_bytes(context), 0);
    plugcl_context_destroy(&context);
}

static void test_tensor_errors(void **state)
{
    plugcl_context *context = open_context(state, NULL);
    plugcl_tensor *tensor = NULL;
    float data[4];
    const plugcl_shape *two = PLUGCL_SHAPE(2, 2);
    assert_int_equal(plugcl_tensor_wrap_host(data, 15, PLUGCL_F32, two, PLUGCL_NCHW, &tensor), PLUGCL_INVALID);
    assert_message("15 bytes; the tensor needs 16");
    assert_null(tensor);
    assert_int_equal(plugcl_tensor_wrap_host(data, 16, PLUGCL_F32, two, PLUGCL_NHWC, &tensor), PLUGCL_INVALID);
    assert_message("NHWC of rank 2; it must be NCHW");
    assert_int_equal(plugcl_tensor_wrap_host(NULL, 16, PLUGCL_F32, two, PLUGCL_NCHW, &tensor), PLUGCL_INVALID);
    assert_int_equal(plugcl_tensor_wrap_host(data, 16, (plugcl_dtype)77, two, PLUGCL_NCHW, &tensor), PLUGCL_INVALID);
    assert_message("unknown type 77; it must be f32");
    assert_int_equal(plugcl_tensor_wrap_host(data, 16, PLUGCL_F64, two, PLUGCL_NCHW, &tensor), PLUGCL_INVALID);
    assert_message("type f64; it must be f32");
    assert_int_equal(plugcl_tensor_wrap_host(data, 16, PLUGCL_F32, two, (plugcl_layout)5, &tensor), PLUGCL_INVALID);
    assert_message("layout 5; it must be NCHW");
    assert_int_equal(plugcl_tensor_wrap_host(data, 16, PLUGCL_F32, NULL, PLUGCL_NCHW, &tensor), PLUGCL_INVALID);
    assert_message("a shape, not NULL");
    assert_int_equal(plugcl_tensor_wrap_host(data, 16, PLUGCL_F32, &(plugcl_shape){ .rank = 9 }, PLUGCL_NCHW, &tensor),
                     PLUGCL_INVALID);
    assert_message("rank 9; it must be at most 8");
    assert_int_equal(plugcl_tensor_wrap_host(data, 16, PLUGCL_F32, PLUGCL_SHAPE(2, PLUGCL_DIM_ANY), PLUGCL_NCHW, &tensor),
                     PLUGCL_INVALID);
    assert_message("dimension 1");
    const plugcl_shape *large = PLUGCL_SHAPE(INT64_MAX, 2);
    assert_int_equal(plugcl_tensor_create(context, plugcl_tensor_params(.shape = *large), &tensor), PLUGCL_INVALID);
    const plugcl_shape *too_large = PLUGCL_SHAPE(1 << 20, 1 << 20, 1 << 18);
    assert_int_equal(plugcl_tensor_create(context, plugcl_tensor_params(.shape = *too_large), &tensor), PLUGCL_NO_MEMORY);
    assert_null(tensor);
    assert_int_equal(plugcl_tensor_create(context, plugcl_tensor_params(.shape = *two, .memory = PLUGCL_MEMORY_HOST), &tensor),
                     PLUGCL_INVALID);
    assert_int_equal(plugcl_tensor_create(NULL, plugcl_tensor_params(.shape = *two), &tensor), PLUGCL_INVALID);
    /* empty and scalar tensors */
    const plugcl_shape *empty = PLUGCL_SHAPE(0, 3, 2, 2);
    void *place = NULL;
    assert_int_equal(plugcl_tensor_create(context, plugcl_tensor_params(.shape = *empty), &tensor), PLUGCL_OK);
    assert_int_equal(plugcl_tensor_write(tensor, NULL, 0), PLUGCL_OK);
    assert_int_equal(plugcl_tensor_map(tensor, &place), PLUGCL_OK);
    assert_non_null(place);
    assert_int_equal(plugcl_tensor_unmap(tensor), PLUGCL_OK);
    plugcl_tensor_destroy(&tensor);
    assert_int_equal(plugcl_tensor_create(context, plugcl_tensor_params(.dtype = PLUGCL_I64), &tensor), PLUGCL_OK);
    plugcl_context_destroy(&context); /* the tensor outlives it */
    int64_t number = 41, back = 0;
    assert_int_equal(plugcl_tensor_write(tensor, &number, sizeof number), PLUGCL_OK);
    assert_int_equal(plugcl_tensor_read(tensor, &back, sizeof back), PLUGCL_OK);
    assert_int_equal(back, 41);
    plugcl_tensor_destroy(&tensor);
    plugcl_tensor_destroy(&tensor);
}

static void test_expansion(void **state)
{
    (void)state;
    struct text out = { 0 };
    const char *source = "int a;\n # include \"types.h\" \n#include \"types.h\"\n#include \"nonesuch.h\"\n"
                         "#include <types.h>\nint b;";
    source_expand("my \"file\".cl", source, strlen(source), &out);
    assert_false(out.failed);
    const char *start = "#line 1 \"my _file_.cl\"\nint a;\n#line 1 \"include/types.h\"\n/* SPDX";
    assert_memory_equal(out.data, start, strlen(start));
    const char *end = "#line 3 \"my _file_.cl\"\n\n#include \"nonesuch.h\"\n#include <types.h>\nint b;\n";
    assert_true(out.length > strlen(end));
    assert_string_equal(out.data + out.length - strlen(end), end);
    text_free(&out);
    source_expand("empty", "", 0, &out);
    assert_string_equal(out.data, "#line 1 \"empty\"\n");
    text_free(&out);
    for (size_t i = 0; i < embedded_file_count; i++)
        assert_ptr_equal(embedded_file_find(embedded_files[i].name), &embedded_files[i]);
    assert_null(embedded_file_find("include/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listing), cmocka_unit_test(test_selectors), cmocka_unit_test(test_unknown_device),
        cmocka_unit_test(test_store), cmocka_unit_test(test_buffer), cmocka_unit_test(test_kernel),
        cmocka_unit_test(test_build_errors), cmocka_unit_test(test_threads), cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_tensor_errors), cmocka_unit_test(test_expansion),
    };
    return cmocka_run_group_tests_name("device", tests, make_folder, remove_folder) ? 1 : 0;
}
