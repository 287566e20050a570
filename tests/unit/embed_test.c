/* SPDX-License-Identifier: Apache-2.0 */
/*
 * embed_test.c: what an application may count on beyond right results: any order of destruction, NULL where it can occur, memory
 * that is given back, parameters of other versions, descriptions that can be read.
 */
#include <jansson.h>
#include <math.h>

#include <plugcl/plugcl.h>

#include "unit.h"

enum { CHANNELS = 4, SIZE = 6, ELEMENTS = CHANNELS * SIZE * SIZE };

static const plugcl_value none = { 0 };

static plugcl_context *open_context(void)
{
    plugcl_context *context = NULL;
    assert_int_equal(plugcl_context_create(plugcl_context_params(.device = "cpu,gpu", .no_disk_cache = true), &context), PLUGCL_OK);
    return context;
}

/*
 * Lifetimes.
 */
struct things {
    plugcl_context *context;
    plugcl_weights *weights;
    plugcl_graph *graph;
    plugcl_plan *plan;
    plugcl_tensor *x, *y;
    plugcl_run *run;
    plugcl_event *event;
};

static void make_weights(plugcl_weights **weights)
{
    float data[CHANNELS * CHANNELS] = { 0 };
    for (int i = 0; i < CHANNELS; i++)
        data[i * CHANNELS + i] = (float)(i + 1);
    assert_int_equal(plugcl_weights_create(weights), PLUGCL_OK);
    assert_int_equal(
        plugcl_weights_add(*weights, "c.weight", PLUGCL_F32, PLUGCL_SHAPE(CHANNELS, CHANNELS, 1, 1), data, sizeof data), PLUGCL_OK);
}

static plugcl_value own_relu(plugcl_graph *graph, plugcl_value x)
{
    static const char source[] = "__kernel void relu(__global const float *x, uint x_at, __global float *y, uint y_at)\n"
                                 "{ y[y_at + get_global_id(0)] = fmax(x[x_at + get_global_id(0)], 0.0f); }\n";
    const struct plugcl_kernel_argument arguments[] = { plugcl_argument_input(0), plugcl_argument_output(0) };
    return plugcl_graph_kernel(
        graph, &x, 1, plugcl_kernel_params(.source = source, .entry = "relu", .arguments = arguments, .n_arguments = 2), NULL);
}

static void make(struct things *t, float *x, float *y)
{
    const plugcl_shape *shape = PLUGCL_SHAPE(1, CHANNELS, SIZE, SIZE);
    for (int i = 0; i < ELEMENTS; i++)
        x[i] = (float)(i % 7) - 3.0f;
    t->context = open_context();
    make_weights(&t->weights);
    assert_int_equal(plugcl_graph_create(NULL, &t->graph), PLUGCL_OK);
    plugcl_value value = plugcl_graph_input(t->graph, "x", PLUGCL_F32, shape);
    value = plugcl_graph_conv2d_layer(t->graph, value, t->weights, "c", NULL);
    plugcl_graph_output(t->graph, "y", own_relu(t->graph, value));
    assert_int_equal(plugcl_plan_create(t->context, t->graph, NULL, &t->plan), PLUGCL_OK);
    assert_int_equal(plugcl_tensor_create(t->context, plugcl_tensor_params(.shape = *shape), &t->x), PLUGCL_OK);
    assert_int_equal(plugcl_tensor_write(t->x, x, ELEMENTS * sizeof *x), PLUGCL_OK);
    assert_int_equal(plugcl_tensor_wrap_host(y, ELEMENTS * sizeof *y, PLUGCL_F32, shape, PLUGCL_NCHW, &t->y), PLUGCL_OK);
    const struct plugcl_binding bindings[2] = { { "x", t->x }, { "y", t->y } };
    assert_int_equal(plugcl_plan_run(t->plan, bindings, 2, &t->run), PLUGCL_OK);
    assert_int_equal(plugcl_run_event(t->run, &t->event), PLUGCL_OK);
}

static void destroy_one(struct things *t, int which)
{
    switch (which) {
    case 0:
        plugcl_context_destroy(&t->context);
        break;
    case 1:
        plugcl_weights_destroy(&t->weights);
        break;
    case 2:
        plugcl_graph_destroy(&t->graph);
        break;
    case 3:
        plugcl_plan_destroy(&t->plan);
        break;
    case 4:
        plugcl_tensor_destroy(&t->x);
        break;
    case 5:
        plugcl_tensor_destroy(&t->y);
        break;
    case 6:
        plugcl_run_destroy(&t->run);
        break;
    default:
        plugcl_event_destroy(&t->event);
        break;
    }
}

/* 32 orders: forwards and backwards from every beginning, while the run is in flight. The
 * event is waited for when it goes; what goes after it finds the run finished. */
static void test_any_order_of_destruction(void **state)
{
    (void)state;
    for (int start = 0; start < 8; start++) {
        for (int step = 1; step < 8; step += 2) {
            static float x[ELEMENTS], y[ELEMENTS];
            struct things t = { 0 };
            make(&t, x, y);
            for (int i = 0; i < 8; i++) {
                int which = (start + i * step) % 8;
                if (which == 7) {
                    assert_int_equal(plugcl_event_wait(t.event, PLUGCL_WAIT_FOREVER), PLUGCL_OK);
                    for (int j = 0; j < ELEMENTS; j++)
                        assert_true(y[j] == fmaxf(x[j], 0) * (float)(j / SIZE / SIZE + 1));
                }
                destroy_one(&t, which);
            }
            assert_null(t.context);
            assert_null(t.event);
        }
    }
}

/* Everything but the context goes: no device memory stays, in whichever order, and a destroyed tensor's is free at once. */
static void test_device_memory_is_given_back(void **state)
{
    (void)state;
    static float x[ELEMENTS], y[ELEMENTS];
    for (int order = 0; order < 2; order++) {
        struct things t = { 0 };
        make(&t, x, y);
        plugcl_context *context = t.context;
        assert_int_equal(plugcl_run_wait(t.run, PLUGCL_WAIT_FOREVER), PLUGCL_OK);
        plugcl_run_destroy(&t.run);
        uint64_t with = device_bytes(context);
        plugcl_tensor_destroy(&t.x);
        assert_int_equal(device_bytes(context), with - ELEMENTS * sizeof(float));
        for (int i = 1; i < 8; i++)
            destroy_one(&t, order ? 8 - i : i);
        assert_int_equal(device_bytes(context), 0);
        plugcl_context_destroy(&t.context);
    }
}

/* The bytes of a file or of the caller are not needed once the weights and graphs are gone, and may not be needed by plans. */
static void test_plan_outlives_weights(void **state)
{
    (void)state;
    static float x[ELEMENTS], y[ELEMENTS];
    struct things t = { 0 };
    make(&t, x, y);
    plugcl_weights_destroy(&t.weights);
    plugcl_graph_destroy(&t.graph);
    const struct plugcl_binding bindings[2] = { { "x", t.x }, { "y", t.y } };
    for (int i = 0; i < 3; i++) {
        memset(y, 0xFF, sizeof y);
        assert_int_equal(plugcl_plan_run(t.plan, bindings, 2, NULL), PLUGCL_OK);
        assert_true(y[ELEMENTS - 1] == fmaxf(x[ELEMENTS - 1], 0) * CHANNELS);
    }
    for (int i = 0; i < 8; i++)
        destroy_one(&t, i);
}

/* Resident pages; 0 where /proc does not tell. */
static long resident_pages(void)
{
    long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%ld %ld", &total, &resident) != 2)
            resident = 0;
        fclose(file);
    }
    return resident;
}

static void test_contexts_leave_memory_flat(void **state)
{
    (void)state;
    static float x[ELEMENTS], y[ELEMENTS];
    long pages = 0;
    for (int i = 0; i < 200; i++) {
        struct things t = { 0 };
        make(&t, x, y);
        for (int j = 0; j < 8; j++)
            destroy_one(&t, j == 0 ? 7 : j - 1);
        if (i == 50)
            pages = resident_pages();
    }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    /* Drivers keep something of each context, PoCL a few dozen KiB of the programs it loaded. */
    if (getenv("PLUGCL_TEST_PRINT"))
        print_message("%ld pages in 149 contexts\n", resident_pages() - pages);
    assert_true(resident_pages() - pages < 149 * 64);
#else
    (void)pages;
#endif
}

/*
 * NULL.
 */
static void test_null_graph(void **state)
{
    (void)state;
    plugcl_graph *graph = NULL;
    plugcl_weights *weights = NULL;
    plugcl_context *context = open_context();
    plugcl_plan *plan = NULL;
    plugcl_node *node = NULL;
    plugcl_shape shape;
    make_weights(&weights);
    plugcl_graph_label(graph, "a");
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(1, 4, 3, 3));
    plugcl_value w = plugcl_graph_weight(graph, weights, "c.weight");
    plugcl_value y[] = {
        x,
        w,
        plugcl_graph_constant(graph, PLUGCL_F32, PLUGCL_SHAPE(1), &(float){ 1 }),
        plugcl_graph_activation(graph, x, PLUGCL_RELU, 0, 0),
        plugcl_graph_prelu(graph, x, w),
        plugcl_graph_binary(graph, PLUGCL_ADD, x, x),
        plugcl_graph_conv2d(graph, x, w, none, NULL),
        plugcl_graph_conv2d_layer(graph, x, weights, "c", plugcl_conv2d_params(.groups = 2)),
        plugcl_graph_linear(graph, x, w, none),
        plugcl_graph_linear_layer(graph, x, weights, "c"),
        plugcl_graph_batch_norm(graph, x, w, w, w, w, 0),
        plugcl_graph_batch_norm_layer(graph, x, weights, "c", 0),
        plugcl_graph_max_pool2d(graph, x, plugcl_pool2d_params(.kernel = { 2, 2 })),
        plugcl_graph_avg_pool2d(graph, x, NULL),
        plugcl_graph_adaptive_avg_pool2d(graph, x, 1, 1),
        plugcl_graph_adaptive_max_pool2d(graph, x, 1, 1),
        plugcl_graph_concat(graph, &x, 1, 1),
        plugcl_graph_reshape(graph, x, PLUGCL_SHAPE(-1)),
        plugcl_graph_flatten(graph, x, 1, -1),
        plugcl_graph_transpose(graph, x, (const int[]){ 0, 1, 2, 3 }, 4),
        plugcl_graph_softmax(graph, x, 1),
        plugcl_graph_reduce(graph, PLUGCL_REDUCE_MEAN, x, NULL, 0, true),
        plugcl_graph_channel_gate(graph, x, w, none, w, none, NULL, NULL),
        plugcl_graph_spatial_gate(graph, x, w, none, NULL, NULL),
        plugcl_node_output(node, "y"),
    };
    for (size_t i = 0; i < sizeof y / sizeof y[0]; i++)
        assert_int_equal(y[i].id, 0);
    plugcl_graph_fold_batch_norm(graph, &w, &x, weights, "c", 0);
    plugcl_graph_output(graph, "y", x);
    assert_int_equal(plugcl_graph_plugin(graph, "se", &x, 1, weights, "", NULL, &node), PLUGCL_INVALID);
    assert_int_equal(plugcl_graph_shape(graph, x, &shape), PLUGCL_INVALID);
    assert_int_equal(plugcl_graph_fail(graph, PLUGCL_FORMAT, "mine"), PLUGCL_FORMAT);
    assert_int_equal(plugcl_graph_status(graph), PLUGCL_INVALID);
    assert_int_equal(plugcl_plan_create(context, graph, NULL, &plan), PLUGCL_INVALID);
    assert_message("the graph is NULL");
    plugcl_graph_destroy(&graph);
    plugcl_graph_destroy(NULL);
    plugcl_weights_destroy(&weights);
    plugcl_context_destroy(&context);
}

static void test_null_elsewhere(void **state)
{
    (void)state;
    plugcl_graph *graph = NULL;
    plugcl_plan *plan = NULL;
    plugcl_event *event = NULL;
    plugcl_shape shape;
    struct plugcl_step_info info = { .struct_size = sizeof info };
    uint64_t start, end;
    char *text = NULL;
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    assert_int_equal(plugcl_plan_create(NULL, graph, NULL, &plan), PLUGCL_INVALID);
    assert_int_equal(plugcl_plan_run(NULL, NULL, 0, NULL), PLUGCL_INVALID);
    assert_int_equal(plugcl_plan_shape(NULL, "x", &shape), PLUGCL_INVALID);
    assert_int_equal(plugcl_plan_steps(NULL), 0);
    assert_int_equal(plugcl_plan_step(NULL, 0, &info), PLUGCL_INVALID);
    assert_int_equal(plugcl_plan_describe(NULL, PLUGCL_JSON, &text), PLUGCL_INVALID);
    assert_int_equal(plugcl_run_wait(NULL, 0), PLUGCL_INVALID);
    assert_int_equal(plugcl_run_event(NULL, &event), PLUGCL_INVALID);
    assert_int_equal(plugcl_run_step_time(NULL, 0, &start, &end), PLUGCL_INVALID);
    assert_null(plugcl_context_device(NULL));
    assert_null(plugcl_tensor_shape(NULL));
    assert_int_equal(plugcl_tensor_bytes(NULL), 0);
    assert_int_equal(plugcl_weights_count(NULL), 0);
    assert_null(plugcl_weights_find(NULL, "x"));
    assert_string_equal(plugcl_node_flavour(NULL), "");
    plugcl_context_destroy(NULL);
    plugcl_context_destroy(&(plugcl_context *){ NULL });
    plugcl_plan_destroy(NULL);
    plugcl_plan_destroy(&plan);
    plugcl_run_destroy(NULL);
    plugcl_run_destroy(&(plugcl_run *){ NULL });
    plugcl_tensor_destroy(NULL);
    plugcl_tensor_destroy(&(plugcl_tensor *){ NULL });
    plugcl_event_destroy(NULL);
    plugcl_event_destroy(&event);
    plugcl_weights_destroy(NULL);
    plugcl_weights_destroy(&(plugcl_weights *){ NULL });
    plugcl_registry_destroy(NULL);
    plugcl_registry_destroy(&(plugcl_registry *){ NULL });
    plugcl_device_list_destroy(NULL);
    plugcl_device_list_destroy(&(plugcl_device_list *){ NULL });
    plugcl_free(NULL);
    plugcl_graph_destroy(&graph);
}

static void test_null_bindings(void **state)
{
    (void)state;
    static float x[ELEMENTS], y[ELEMENTS];
    struct things t = { 0 };
    make(&t, x, y);
    assert_int_equal(plugcl_plan_run(t.plan, (struct plugcl_binding[]){ { "x", NULL } }, 1, NULL), PLUGCL_INVALID);
    assert_message("binding 0 has no tensor");
    assert_int_equal(plugcl_plan_run(t.plan, (struct plugcl_binding[]){ { NULL, t.x } }, 1, NULL), PLUGCL_INVALID);
    assert_int_equal(plugcl_plan_run(t.plan, NULL, 1, NULL), PLUGCL_INVALID);
    assert_int_equal(plugcl_plan_run_after(t.plan, (struct plugcl_binding[]){ { "x", t.x } }, 1, NULL, 1, NULL), PLUGCL_INVALID);
    /* A NULL event is no event; an output may be left out. */
    assert_int_equal(
        plugcl_plan_run_after(t.plan, (struct plugcl_binding[]){ { "x", t.x } }, 1, (plugcl_event *[]){ NULL, t.event }, 2, NULL),
        PLUGCL_OK);
    for (int i = 0; i < 8; i++)
        destroy_one(&t, i);
}

/*
 * Parameters and names.
 */
static void test_struct_size(void **state)
{
    (void)state;
    plugcl_graph *graph = NULL;
    plugcl_plan *plan = NULL;
    plugcl_context *context = open_context();
    struct plugcl_conv2d_params forgotten = { .groups = 2 };
    assert_int_equal(plugcl_graph_create(&(struct plugcl_graph_params){ 0 }, &graph), PLUGCL_INVALID);
    assert_null(graph);
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(1, 4, 3, 3));
    plugcl_value w = plugcl_graph_constant(graph, PLUGCL_F32, PLUGCL_SHAPE(4, 2, 1, 1), (const float[8]){ 1 });
    plugcl_graph_conv2d(graph, x, w, none, &forgotten);
    assert_int_equal(plugcl_graph_status(graph), PLUGCL_INVALID);
    assert_message("struct_size of plugcl_conv2d_params");
    plugcl_graph_destroy(&graph);
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    assert_int_equal(plugcl_plan_create(context, graph, &(struct plugcl_plan_params){ 0 }, &plan), PLUGCL_INVALID);
    assert_message("struct_size");
    struct {
        struct plugcl_plan_params known;
        void *later;
    } newer = { plugcl_plan_params_init(), &newer };
    newer.known.struct_size = sizeof newer;
    assert_int_equal(plugcl_plan_create(context, graph, &newer.known, &plan), PLUGCL_UNSUPPORTED);
    newer.later = NULL; /* not used: as if it were not there */
    assert_int_equal(plugcl_plan_create(context, graph, &newer.known, &plan), PLUGCL_INVALID);
    assert_message("no output");
    plugcl_graph_destroy(&graph);
    plugcl_context_destroy(&context);
}

/* Labels come back after layers and plug-ins, and descriptions are JSON whatever names are given. */
static void test_labels_and_description(void **state)
{
    (void)state;
    plugcl_graph *graph = NULL;
    plugcl_weights *weights = NULL;
    plugcl_plan *plan = NULL;
    char *text = NULL;
    plugcl_context *context = open_context();
    make_weights(&weights);
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    plugcl_value x = plugcl_graph_input(graph, "x \"\xff\xfe\"", PLUGCL_F32, PLUGCL_SHAPE(1, 4, 3, 3));
    plugcl_graph_label(graph, "mine\x80\n\\");
    plugcl_value y = plugcl_graph_softmax(graph, plugcl_graph_conv2d_layer(graph, x, weights, "c", NULL), 1);
    plugcl_graph_output(graph, "y", y);
    assert_int_equal(plugcl_plan_create(context, graph, NULL, &plan), PLUGCL_OK);
    struct plugcl_step_info info = { .struct_size = sizeof info, .operation = "" };
    for (size_t i = 0; strcmp(info.operation, "softmax") != 0; i++)
        assert_int_equal(plugcl_plan_step(plan, i, &info), PLUGCL_OK);
    assert_string_equal(info.name, "mine\x80\n\\");
    assert_int_equal(plugcl_plan_step(plan, plugcl_plan_steps(plan), &info), PLUGCL_INVALID);
    assert_int_equal(plugcl_plan_describe(plan, PLUGCL_JSON, &text), PLUGCL_OK);
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    assert_int_equal(json_array_size(json_object_get(json, "steps")), plugcl_plan_steps(plan));
    json_int_t arena = json_integer_value(json_object_get(json, "arena_bytes"));
    json_int_t constants = json_integer_value(json_object_get(json, "constant_bytes"));
    assert_true(arena > 0 && constants > 0);
    assert_int_equal(arena + constants, device_bytes(context));
    json_decref(json);
    plugcl_free(text);
    assert_int_equal(plugcl_plan_describe(plan, PLUGCL_TEXT, &text), PLUGCL_OK);
    assert_non_null(strstr(text, "softmax"));
    plugcl_free(text);
    plugcl_plan_destroy(&plan);
    plugcl_graph_destroy(&graph);
    plugcl_weights_destroy(&weights);
    plugcl_context_destroy(&context);
}

/*
 * Errors of a plan.
 */
static void count_errors(void *user, plugcl_log_level level, const char *message)
{
    *(int *)user += level == PLUGCL_LOG_ERROR && strcmp(message, plugcl_error_message()) == 0;
}

static plugcl_status plan_broken_kernel(plugcl_context *context)
{
    const struct plugcl_kernel_argument arguments[] = { plugcl_argument_input(0), plugcl_argument_output(0) };
    const struct plugcl_kernel_params *params =
        plugcl_kernel_params(.source = "__kernel void f(__global int *x) { x[0] = nonesuch; }", .entry = "f",
                             .arguments = arguments, .n_arguments = 2);
    plugcl_graph *graph = NULL;
    plugcl_plan *plan = NULL;
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(4));
    plugcl_graph_label(graph, "stem");
    plugcl_graph_output(graph, "y", plugcl_graph_kernel(graph, &x, 1, params, NULL));
    plugcl_status status = plugcl_plan_create(context, graph, NULL, &plan);
    plugcl_graph_destroy(&graph);
    return status;
}

/* Each failure is told to the log of what it belongs to, once. */
static void test_failures_are_logged(void **state)
{
    (void)state;
    static float x[ELEMENTS], y[ELEMENTS];
    int in_graph = 0, in_context = 0;
    struct things t = { 0 };
    plugcl_graph *graph = NULL;
    plugcl_plan *plan = NULL;
    plugcl_context *context = NULL;
    assert_int_equal(plugcl_graph_create(plugcl_graph_params(.log = count_errors, .log_user = &in_graph), &graph), PLUGCL_OK);
    plugcl_graph_softmax(graph, none, 0);
    plugcl_graph_softmax(graph, none, 0);
    assert_int_equal(in_graph, 1);
    assert_int_equal(plugcl_context_create(plugcl_context_params(.device = "cpu,gpu", .no_disk_cache = true, .log = count_errors,
                                                                 .log_user = &in_context),
                                           &context),
                     PLUGCL_OK);
    assert_int_equal(plugcl_plan_create(context, graph, NULL, &plan), PLUGCL_INVALID);
    assert_int_equal(in_context, 1);
    make(&t, x, y);
    assert_int_equal(plugcl_plan_create(context, t.graph, NULL, &plan), PLUGCL_OK);
    assert_int_equal(plugcl_plan_run(plan, NULL, 0, NULL), PLUGCL_INVALID);
    assert_int_equal(in_context, 2);
    assert_int_equal(plan_broken_kernel(context), PLUGCL_BUILD);
    assert_non_null(strstr(plugcl_error_message(), "stem"));
    assert_int_equal(in_context, 3);
    for (int i = 0; i < 8; i++)
        destroy_one(&t, i);
    plugcl_plan_destroy(&plan);
    plugcl_graph_destroy(&graph);
    plugcl_context_destroy(&context);
}

static void test_too_large(void **state)
{
    (void)state;
    plugcl_context *context = open_context();
    uint64_t most = plugcl_context_device(context)->max_allocation;
    for (int huge = 0; huge < 2; huge++) {
        plugcl_graph *graph = NULL;
        plugcl_plan *plan = NULL;
        char wanted[32];
        int64_t side =
            huge ? INT64_C(1) << 31 : (int64_t)sqrt((double)most / 4) + 8; /* 2^62 elements: bytes that wrap round to 0 */
        assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
        plugcl_value rows = plugcl_graph_input(graph, "rows", PLUGCL_F32, PLUGCL_SHAPE(side, 1));
        plugcl_value columns = plugcl_graph_input(graph, "columns", PLUGCL_F32, PLUGCL_SHAPE(1, side));
        plugcl_graph_label(graph, "outer");
        plugcl_value all = plugcl_graph_binary(graph, PLUGCL_MUL, rows, columns);
        plugcl_graph_label(graph, NULL);
        plugcl_graph_output(graph, "y", plugcl_graph_reduce(graph, PLUGCL_REDUCE_SUM, all, NULL, 0, false));
        assert_int_equal(plugcl_graph_status(graph), PLUGCL_OK);
        assert_int_equal(plugcl_plan_create(context, graph, NULL, &plan), PLUGCL_NO_MEMORY);
        assert_message("outer: ");
        snprintf(wanted, sizeof wanted, "%llu bytes", (unsigned long long)side * (unsigned long long)side * 4);
        if (!huge)
            assert_message(wanted);
        assert_int_equal(device_bytes(context), 0);
        plugcl_graph_destroy(&graph);
    }
    plugcl_context_destroy(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order_of_destruction),
        cmocka_unit_test(test_device_memory_is_given_back),
        cmocka_unit_test(test_plan_outlives_weights),
        cmocka_unit_test(test_contexts_leave_memory_flat),
        cmocka_unit_test(test_null_graph),
        cmocka_unit_test(test_null_elsewhere),
        cmocka_unit_test(test_null_bindings),
        cmocka_unit_test(test_struct_size),
        cmocka_unit_test(test_labels_and_description),
        cmocka_unit_test(test_failures_are_logged),
        cmocka_unit_test(test_too_large),
    };
    return cmocka_run_group_tests_name("embed", tests, NULL, NULL) ? 1 : 0;
}
