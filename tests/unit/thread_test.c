/* SPDX-License-Identifier: Apache-2.0 */
/* thread_test.c: threads that share a context, weights and a graph, each with plans of its own; and plans that are cancelled. */
#include <pthread.h>

#include <plugcl/plugcl.h>

#include "unit.h"

enum { THREADS = 8, ROUNDS = 6, CHANNELS = 8, MOST = CHANNELS * 9 * 9 };

struct shared {
    plugcl_context *context;
    plugcl_weights *weights;
    plugcl_graph *graph; /* read by all threads at once */
    float x[MOST], expected[3][MOST];
};

struct worker {
    struct shared *shared;
    int number;
    char failure[512];
};

static int64_t size_of(int round)
{
    return 5 + 2 * (round % 3);
}

/* A kernel of the user's own, whose copy of source and arguments the graph shares with every plan. */
static plugcl_value halve(plugcl_graph *graph, plugcl_value x)
{
    static const char source[] = "__kernel void halve(__global const float *x, uint x_at, __global float *y, uint y_at)\n"
                                 "{ y[y_at + get_global_id(0)] = x[x_at + get_global_id(0)] * 0.5f; }\n";
    const struct plugcl_kernel_argument arguments[] = { plugcl_argument_input(0), plugcl_argument_output(0) };
    return plugcl_graph_kernel(
        graph, &x, 1, plugcl_kernel_params(.source = source, .entry = "halve", .arguments = arguments, .n_arguments = 2), NULL);
}

static void build(plugcl_graph *graph, plugcl_weights *weights)
{
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(1, CHANNELS, PLUGCL_DIM_ANY, PLUGCL_DIM_ANY));
    plugcl_value y = plugcl_graph_conv2d_layer(graph, x, weights, "conv", plugcl_conv2d_params(.pad = { 1, 1, 1, 1 }));
    y = plugcl_graph_activation(graph, plugcl_graph_binary(graph, PLUGCL_ADD, halve(graph, y), x), PLUGCL_RELU, 0, 0);
    plugcl_node *node = NULL;
    plugcl_graph_plugin(graph, "se", &y, 1, weights, "se.", NULL, &node);
    plugcl_graph_output(graph, "y", plugcl_graph_softmax(graph, plugcl_node_output(node, "y"), 1));
}

static plugcl_status plan_and_run(struct shared *shared, plugcl_graph *graph, int round, float *y)
{
    struct plugcl_input_shape shape = { "x", *PLUGCL_SHAPE(1, CHANNELS, size_of(round), size_of(round)) };
    plugcl_plan *plan = NULL;
    plugcl_tensor *tensors[2] = { NULL, NULL };
    plugcl_run *run = NULL;
    plugcl_status status =
        plugcl_plan_create(shared->context, graph, plugcl_plan_params(.shapes = &shape, .n_shapes = 1), &plan);
    if (status == PLUGCL_OK)
        status = plugcl_tensor_create(shared->context, plugcl_tensor_params(.shape = shape.shape), &tensors[0]);
    if (status == PLUGCL_OK)
        status = plugcl_tensor_write(tensors[0], shared->x, plugcl_tensor_bytes(tensors[0]));
    if (status == PLUGCL_OK)
        status = plugcl_tensor_wrap_host(y, MOST * sizeof *y, PLUGCL_F32, &shape.shape, PLUGCL_NCHW, &tensors[1]);
    const struct plugcl_binding bindings[2] = { { "x", tensors[0] }, { "y", tensors[1] } };
    for (int i = 0; status == PLUGCL_OK && i < 3; i++) {
        plugcl_run_destroy(&run);
        status = plugcl_plan_run(plan, bindings, 2, &run);
    }
    plugcl_plan_destroy(&plan);
    if (status == PLUGCL_OK)
        status = plugcl_run_wait(run, PLUGCL_WAIT_FOREVER);
    plugcl_run_destroy(&run);
    plugcl_tensor_destroy(&tensors[0]);
    plugcl_tensor_destroy(&tensors[1]);
    return status;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct shared *shared = worker->shared;
    plugcl_graph *own = NULL;
    static _Thread_local float y[MOST];
    plugcl_status status = plugcl_graph_create(NULL, &own);
    build(own, shared->weights);
    for (int i = 0; status == PLUGCL_OK && i < ROUNDS; i++) {
        int round = i + worker->number;
        status = plan_and_run(shared, i % 2 ? own : shared->graph, round, y);
        size_t bytes = (size_t)(CHANNELS * size_of(round) * size_of(round)) * sizeof *y;
        if (status == PLUGCL_OK && memcmp(y, shared->expected[round % 3], bytes) != 0)
            snprintf(worker->failure, sizeof worker->failure, "round %d gives other values than one thread alone", round);
    }
    if (status != PLUGCL_OK)
        snprintf(worker->failure, sizeof worker->failure, "%s", plugcl_error_message());
    plugcl_graph_destroy(&own);
    return NULL;
}

static void add(plugcl_weights *weights, const char *name, const plugcl_shape *shape)
{
    float data[CHANNELS * CHANNELS * 9];
    size_t count = (size_t)plugcl_shape_elements(shape);
    for (size_t i = 0; i < count; i++)
        data[i] = (float)((i * 7 + strlen(name)) % 13) / 13.0f - 0.5f;
    assert_int_equal(plugcl_weights_add(weights, name, PLUGCL_F32, shape, data, count * sizeof *data), PLUGCL_OK);
}

static int set_up(void **state)
{
    struct shared *shared = calloc(1, sizeof *shared);
    *state = shared;
    assert_int_equal(plugcl_context_create(plugcl_context_params(.device = "cpu,gpu", .no_disk_cache = true), &shared->context),
                     PLUGCL_OK);
    assert_int_equal(plugcl_weights_create(&shared->weights), PLUGCL_OK);
    assert_int_equal(plugcl_graph_create(NULL, &shared->graph), PLUGCL_OK);
    add(shared->weights, "conv.weight", PLUGCL_SHAPE(CHANNELS, CHANNELS, 3, 3));
    add(shared->weights, "conv.bias", PLUGCL_SHAPE(CHANNELS));
    add(shared->weights, "se.fc.0.weight", PLUGCL_SHAPE(2, CHANNELS));
    add(shared->weights, "se.fc.2.weight", PLUGCL_SHAPE(CHANNELS, 2));
    for (int i = 0; i < MOST; i++)
        shared->x[i] = (float)(i % 17) / 8.0f - 1.0f;
    build(shared->graph, shared->weights);
    return 0;
}

static int tear_down(void **state)
{
    struct shared *shared = *state;
    plugcl_weights_destroy(&shared->weights);
    plugcl_graph_destroy(&shared->graph);
    plugcl_context_destroy(&shared->context);
    free(shared);
    return 0;
}

static void run_threads(struct shared *shared)
{
    pthread_t threads[THREADS];
    struct worker workers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){ shared, i, "" };
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        if (workers[i].failure[0] != '\0')
            fail_msg("thread %d: %s", i, workers[i].failure);
}

static void test_threads_share_a_context(void **state)
{
    struct shared *shared = *state;
    struct plugcl_context_statistics before = { .struct_size = sizeof before }, after = { .struct_size = sizeof after };
    for (int i = 0; i < 3; i++)
        assert_int_equal(plan_and_run(shared, shared->graph, i, shared->expected[i]), PLUGCL_OK);
    plugcl_context_statistics(shared->context, &before);
    run_threads(shared);
    plugcl_context_statistics(shared->context, &after);
    assert_int_equal(after.programs_compiled, before.programs_compiled);
    assert_int_equal(after.device_bytes, 0);
    /* Once more from nothing: all threads ask for the same programs at once, and each is compiled once. */
    plugcl_context_destroy(&shared->context);
    assert_int_equal(plugcl_context_create(plugcl_context_params(.device = "cpu,gpu", .no_disk_cache = true), &shared->context),
                     PLUGCL_OK);
    run_threads(shared);
    plugcl_context_statistics(shared->context, &after);
    assert_int_equal(after.programs_compiled, before.programs_compiled);
    assert_int_equal(after.device_bytes, 0);
}

/*
 * Progress.
 */
struct watch {
    size_t calls, cancel_at, last, total;
    bool wrong, last_half;
};

static bool on_progress(void *user, const char *what, size_t done, size_t total)
{
    struct watch *watch = user;
    watch->wrong = watch->wrong || what == NULL || what[0] == '\0' || done < watch->last || done > total ||
                   (watch->total != 0 && total != watch->total);
    watch->last = done;
    watch->total = total;
    watch->last_half = watch->last_half || (done >= total / 2 && done < total);
    return ++watch->calls != watch->cancel_at;
}

static plugcl_status watched_plan(struct shared *shared, struct watch *watch)
{
    struct plugcl_input_shape shape = { "x", *PLUGCL_SHAPE(1, CHANNELS, 5, 5) };
    plugcl_plan *plan = NULL;
    plugcl_status status = plugcl_plan_create(
        shared->context, shared->graph,
        plugcl_plan_params(.shapes = &shape, .n_shapes = 1, .progress = on_progress, .progress_user = watch), &plan);
    assert_true((status == PLUGCL_OK) == (plan != NULL));
    plugcl_plan_destroy(&plan);
    return status;
}

static void test_progress_and_cancelling(void **state)
{
    struct shared *shared = *state;
    struct watch all = { 0 }, warm = { 0 };
    assert_int_equal(watched_plan(shared, &all), PLUGCL_OK);
    assert_false(all.wrong);
    assert_true(all.last_half); /* of a fresh context: kernels were launched for the first time */
    assert_int_equal(all.last, all.total);
    assert_int_equal(watched_plan(shared, &warm), PLUGCL_OK);
    assert_int_equal(warm.last, warm.total);
    for (size_t i = 1; i <= all.calls; i++) { /* cancelled everywhere, from a fresh context each time */
        struct watch watch = { .cancel_at = i };
        plugcl_context_destroy(&shared->context);
        assert_int_equal(
            plugcl_context_create(plugcl_context_params(.device = "cpu,gpu", .no_disk_cache = true), &shared->context), PLUGCL_OK);
        assert_int_equal(watched_plan(shared, &watch), PLUGCL_CANCELLED);
        assert_message("cancelled");
        assert_int_equal(watch.calls, i);
        assert_int_equal(device_bytes(shared->context), 0);
        /* The context is as good as new. */
        assert_int_equal(plan_and_run(shared, shared->graph, 0, shared->expected[0]), PLUGCL_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_threads_share_a_context, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_progress_and_cancelling, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("thread", tests, NULL, NULL) ? 1 : 0;
}
