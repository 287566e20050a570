/* SPDX-License-Identifier: Apache-2.0 */
/* attention_test.c: attention in whole plans, fused and as its definition, against plain C in double. */
#include <math.h>
#include <stdlib.h>

#include <plugcl/plugcl.h>

#include "ref/attention.h"
#include "unit.h"

/* q, k, v in float and double. */
struct data {
    struct ref_attention at;
    float *floats[3];
    double *doubles[3];
    plugcl_shape shapes[3];
};

static void make_data(struct data *data, const struct ref_attention *at)
{
    uint32_t random = 12345;
    data->at = *at;
    data->shapes[0] = (plugcl_shape){ 3, { at->images, at->queries, at->depth } };
    data->shapes[1] = (plugcl_shape){ 3, { at->images, at->keys, at->depth } };
    data->shapes[2] = (plugcl_shape){ 3, { at->images, at->keys, at->columns } };
    for (int i = 0; i < 3; i++) {
        size_t count = (size_t)plugcl_shape_elements(&data->shapes[i]);
        data->floats[i] = malloc((count + 1) * sizeof(float));
        data->doubles[i] = malloc((count + 1) * sizeof(double));
        assert_non_null(data->floats[i]);
        assert_non_null(data->doubles[i]);
        for (size_t j = 0; j < count; j++)
            data->doubles[i][j] = data->floats[i][j] = pseudo_random(&random);
    }
}

static void free_data(struct data *data)
{
    for (int i = 0; i < 3; i++) {
        free(data->floats[i]);
        free(data->doubles[i]);
    }
}

static struct plugcl_attention_params params_of(const struct ref_attention *at)
{
    struct plugcl_attention_params params = plugcl_attention_params_init();
    params.mode = at->mode;
    params.scale = at->scale == 1 ? 0 : (float)at->scale;
    params.softmax_over_queries = at->over_queries;
    return params;
}

/* Runs a graph of inputs 0 … n−1 with output "y" into `y`. */
static void run_plan(plugcl_context *context, plugcl_graph *graph, const struct data *data, size_t n, bool no_fusion, float *y)
{
    static const char *const names[3] = { "q", "k", "v" };
    plugcl_tensor *tensors[4] = { NULL };
    struct plugcl_binding bindings[4];
    plugcl_plan *plan = NULL;
    plugcl_shape shape;
    assert_int_equal(plugcl_plan_create(context, graph, plugcl_plan_params(.no_fusion = no_fusion), &plan), PLUGCL_OK);
    assert_int_equal(plugcl_plan_shape(plan, "y", &shape), PLUGCL_OK);
    for (size_t i = 0; i <= n; i++) {
        assert_int_equal(plugcl_tensor_create(context, plugcl_tensor_params(.shape = i < n ? data->shapes[i] : shape), &tensors[i]),
                         PLUGCL_OK);
        bindings[i] = (struct plugcl_binding){ i < n ? names[i] : "y", tensors[i] };
        if (i < n)
            assert_int_equal(plugcl_tensor_write(tensors[i], data->floats[i], plugcl_tensor_bytes(tensors[i])), PLUGCL_OK);
    }
    assert_int_equal(plugcl_plan_run(plan, bindings, n + 1, NULL), PLUGCL_OK);
    assert_int_equal(plugcl_tensor_read(tensors[n], y, plugcl_tensor_bytes(tensors[n])), PLUGCL_OK);
    for (size_t i = 0; i <= n; i++)
        plugcl_tensor_destroy(&tensors[i]);
    plugcl_plan_destroy(&plan);
}

static void assert_close(const float *found, const double *wanted, size_t count)
{
    double most = 1e-3;
    for (size_t i = 0; i < count; i++)
        most = fabs(wanted[i]) > most ? fabs(wanted[i]) : most;
    for (size_t i = 0; i < count; i++)
        if (!(fabs(found[i] - wanted[i]) <= 1e-4 * most))
            fail_msg("element %zu is %g; it must be %g", i, (double)found[i], wanted[i]);
}

static void check_attention(plugcl_context *context, const struct ref_attention *at)
{
    struct data data;
    make_data(&data, at);
    const struct plugcl_attention_params params = params_of(at);
    plugcl_graph *graph = NULL;
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    plugcl_value q = plugcl_graph_input(graph, "q", PLUGCL_F32, &data.shapes[0]);
    plugcl_value k = plugcl_graph_input(graph, "k", PLUGCL_F32, &data.shapes[1]);
    plugcl_value v = plugcl_graph_input(graph, "v", PLUGCL_F32, &data.shapes[2]);
    plugcl_graph_output(graph, "y", plugcl_graph_attention(graph, q, k, v, &params));
    size_t count = (size_t)(at->images * at->queries * at->columns);
    double *wanted = malloc(count * sizeof *wanted);
    float *found = malloc(count * sizeof *found);
    assert_non_null(wanted);
    assert_non_null(found);
    ref_attention(at, data.doubles[0], data.doubles[1], data.doubles[2], wanted);
    for (int no_fusion = 0; no_fusion < 2; no_fusion++) {
        run_plan(context, graph, &data, 3, no_fusion, found);
        assert_close(found, wanted, count);
    }
    free(wanted);
    free(found);
    plugcl_graph_destroy(&graph);
    free_data(&data);
}

/* Rows of the affinity; the plan refuses what q does not have. */
static void check_map(plugcl_context *context, const struct ref_attention *at)
{
    struct data data;
    make_data(&data, at);
    const struct plugcl_attention_params params = params_of(at);
    const uint32_t queries[2] = { (uint32_t)at->queries - 1, 0 }, beyond = (uint32_t)at->queries;
    const size_t keys = (size_t)at->keys, rows = (size_t)(at->images * at->queries);
    double *whole = malloc(rows * keys * sizeof *whole), *wanted = malloc((size_t)at->images * 2 * keys * sizeof *wanted);
    float *found = malloc((size_t)at->images * 2 * keys * sizeof *found);
    assert_true(whole != NULL && wanted != NULL && found != NULL);
    ref_affinity(at, data.doubles[0], data.doubles[1], whole);
    for (size_t i = 0; i < (size_t)at->images * 2; i++)
        memcpy(wanted + i * keys, whole + (i / 2 * (size_t)at->queries + queries[i % 2]) * keys, keys * sizeof *wanted);
    for (int round = 0; round < 2; round++) {
        plugcl_graph *graph = NULL;
        plugcl_plan *plan = NULL;
        assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
        plugcl_value q = plugcl_graph_input(graph, "q", PLUGCL_F32, &data.shapes[0]);
        plugcl_value k = plugcl_graph_input(graph, "k", PLUGCL_F32, &data.shapes[1]);
        plugcl_graph_output(graph, "y", plugcl_graph_attention_map(graph, q, k, &params, round ? &beyond : queries, round ? 1 : 2));
        if (round == 0) {
            run_plan(context, graph, &data, 2, false, found);
            assert_close(found, wanted, (size_t)at->images * 2 * keys);
        } else {
            assert_int_equal(plugcl_plan_create(context, graph, NULL, &plan), PLUGCL_INVALID);
            assert_message("counted from 0");
        }
        plugcl_graph_destroy(&graph);
    }
    free(whole);
    free(wanted);
    free(found);
    free_data(&data);
}

static const struct ref_attention cases[] = {
    { 2, 35, 35, 9, 17, PLUGCL_ATTENTION_SOFTMAX, 1, false },
    { 2, 35, 19, 9, 17, PLUGCL_ATTENTION_SOFTMAX, 0.25, true },
    { 1, 1, 1, 1, 1, PLUGCL_ATTENTION_SOFTMAX, 1, false },
    { 3, 14, 70, 33, 5, PLUGCL_ATTENTION_SOFTMAX, -2, false },
    { 2, 21, 13, 8, 6, PLUGCL_ATTENTION_DOT_PRODUCT, 1, false },
    { 2, 21, 13, 1, 6, PLUGCL_ATTENTION_CONCATENATION, 1, false },
    { 1, 6, 90, 1, 40, PLUGCL_ATTENTION_CONCATENATION, -0.5, false },
};

static void test_modes_fused_and_as_defined(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_attention(*state, &cases[i]);
}

static void test_map_of_chosen_queries(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_map(*state, &cases[i]);
}

/* The pixels of a 128 x 128 map: affinities of 1 GiB. */
static plugcl_graph *large_graph(int64_t pixels, bool over_queries)
{
    plugcl_graph *graph = NULL;
    plugcl_value inputs[3];
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    for (int i = 0; i < 3; i++)
        inputs[i] = plugcl_graph_input(graph, (const char *[]){ "q", "k", "v" }[i], PLUGCL_F32, PLUGCL_SHAPE(1, pixels, 64));
    plugcl_graph_label(graph, "block");
    plugcl_graph_output(graph, "y", plugcl_graph_attention(graph, inputs[0], inputs[1], inputs[2],
                                                           plugcl_attention_params(.softmax_over_queries = over_queries)));
    return graph;
}

static void test_large_maps_fit_256_mib(void **state)
{
    static const char *const variants[] = { NULL, "attention=blocks" };
    for (int i = 0; i < 4; i++) {
        struct plugcl_context_statistics before = { .struct_size = sizeof before }, after = { .struct_size = sizeof after };
        plugcl_graph *graph = large_graph(128 * 128, i & 1);
        plugcl_plan *plan = NULL;
        plugcl_context_statistics(*state, &before);
        assert_int_equal(plugcl_plan_create(*state, graph, plugcl_plan_params(.variants = variants[i / 2]), &plan), PLUGCL_OK);
        plugcl_context_statistics(*state, &after);
        /* q, k, v and y are the caller's. */
        assert_in_range(after.device_bytes - before.device_bytes, 1, ((uint64_t)256 << 20) - (uint64_t)(4 * 16384 * 64 * 4));
        plugcl_plan_destroy(&plan);
        plugcl_graph_destroy(&graph);
    }
}

/* As its definition a map that no device has the memory for is refused before anything is allocated. */
static void test_definition_names_the_size(void **state)
{
    plugcl_graph *graph = large_graph((int64_t)1 << 20, false);
    plugcl_plan *plan = NULL;
    assert_int_equal(plugcl_plan_create(*state, graph, plugcl_plan_params(.no_fusion = true), &plan), PLUGCL_NO_MEMORY);
    assert_message("block: ");
    assert_message("4398046511104 bytes");
    plugcl_graph_destroy(&graph);
}

enum around { PLAIN, WITHOUT_RESIDUAL, READ_TWICE, OF_FOUR_TAPS };

/* The convolution of attention's rows as a map of 5 x 4 pixels, plus the queries' own map. */
static plugcl_graph *projection_graph(enum around around)
{
    static const float numbers[4 * 6 * 3] = { 1, -2, 3 };
    const int64_t kernel = around == OF_FOUR_TAPS ? 2 : 1;
    plugcl_graph *graph = NULL;
    plugcl_value inputs[3], maps[2];
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    for (int i = 0; i < 3; i++)
        inputs[i] = plugcl_graph_input(graph, (const char *[]){ "q", "k", "v" }[i], PLUGCL_F32, PLUGCL_SHAPE(2, 20, i < 2 ? 3 : 6));
    plugcl_value rows = plugcl_graph_attention(graph, inputs[0], inputs[1], inputs[2], NULL);
    for (int i = 0; i < 2; i++)
        maps[i] = plugcl_graph_transpose(graph, plugcl_graph_reshape(graph, i ? rows : inputs[0], PLUGCL_SHAPE(2, 5, 4, i ? 6 : 3)),
                                         (const int[]){ 0, 3, 1, 2 }, 4);
    plugcl_value weight = plugcl_graph_constant(graph, PLUGCL_F32, PLUGCL_SHAPE(3, 6, kernel, kernel), numbers);
    const uint32_t after = around == OF_FOUR_TAPS;
    plugcl_value y = plugcl_graph_conv2d(graph, maps[1], weight, (plugcl_value){ 0 },
                                         plugcl_conv2d_params(.pad = { 0, 0, after, after }));
    if (around != WITHOUT_RESIDUAL)
        y = plugcl_graph_binary(graph, PLUGCL_ADD, y, maps[0]);
    plugcl_graph_output(graph, "y", y);
    if (around == READ_TWICE)
        plugcl_graph_output(graph, "rows", rows);
    return graph;
}

/* On CPU devices; and only a 1x1 convolution of what nobody else reads, plus a residual. */
static void test_projections_join_their_attention(void **state)
{
    for (int around = PLAIN; around <= OF_FOUR_TAPS; around++) {
        plugcl_graph *graph = projection_graph((enum around)around);
        plugcl_plan *plan = NULL;
        bool on_cpu = false, convolves = false;
        assert_int_equal(plugcl_plan_create(*state, graph, NULL, &plan), PLUGCL_OK);
        for (size_t i = 0; i < plugcl_plan_steps(plan); i++) {
            struct plugcl_step_info step = { .struct_size = sizeof step };
            assert_int_equal(plugcl_plan_step(plan, i, &step), PLUGCL_OK);
            on_cpu = on_cpu || strcmp(step.variant, "cpu_tiled") == 0;
            convolves = convolves || strcmp(step.operation, "conv2d") == 0;
        }
        assert_int_equal(convolves, !on_cpu || around != PLAIN);
        plugcl_plan_destroy(&plan);
        plugcl_graph_destroy(&graph);
    }
}

enum apart { TOGETHER, OTHER_SIZE, AN_OUTPUT, OTHER_ACTIVATION };

/* y = relu(a) · relu(b) + relu(c), each a 1x1 convolution of x with two or three outputs. */
static plugcl_graph *siblings_graph(const plugcl_shape *x, enum apart apart)
{
    static const float numbers[5 * 3] = { 1, -2, 3, 0.5f, 1, -1, 2, -3, 0.25f, 1, 1, -4, 2, 5, -1 };
    plugcl_graph *graph = NULL;
    plugcl_value parts[3];
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    plugcl_value input = plugcl_graph_input(graph, "q", PLUGCL_F32, x);
    for (int i = 0; i < 3; i++) {
        const int64_t outputs = i == 2 && apart == OTHER_SIZE ? 1 : 2;
        plugcl_value bias = { 0 };
        if (i != 1)
            bias = plugcl_graph_constant(graph, PLUGCL_F32, PLUGCL_SHAPE(outputs), numbers + 2 * i);
        parts[i] = plugcl_graph_constant(graph, PLUGCL_F32, PLUGCL_SHAPE(outputs, 3, 1, 1), numbers + 3 * i);
        parts[i] = plugcl_graph_conv2d(graph, input, parts[i], bias, NULL);
        if (i != 2 || apart != OTHER_ACTIVATION)
            parts[i] = plugcl_graph_activation(graph, parts[i], PLUGCL_RELU, 0, 0);
    }
    plugcl_graph_output(graph, "y", plugcl_graph_binary(graph, PLUGCL_ADD,
                                                        plugcl_graph_binary(graph, PLUGCL_MUL, parts[0], parts[1]), parts[2]));
    if (apart == AN_OUTPUT)
        plugcl_graph_output(graph, "part", parts[2]);
    return graph;
}

/* The convolutions of a plan; `on_cpu` where a variant of CPU devices serves them. */
static size_t count_convolutions(plugcl_context *context, plugcl_graph *graph, bool *on_cpu)
{
    plugcl_plan *plan = NULL;
    size_t count = 0;
    assert_int_equal(plugcl_plan_create(context, graph, NULL, &plan), PLUGCL_OK);
    for (size_t i = 0; i < plugcl_plan_steps(plan); i++) {
        struct plugcl_step_info step = { .struct_size = sizeof step };
        assert_int_equal(plugcl_plan_step(plan, i, &step), PLUGCL_OK);
        count += strcmp(step.operation, "conv2d") == 0;
        *on_cpu = strcmp(step.operation, "conv2d") == 0 ? strcmp(step.variant, "cpu_taps") == 0 : *on_cpu;
    }
    plugcl_plan_destroy(&plan);
    return count;
}

/* Convolutions of one value, alike but for their weights, are one step on CPU devices. */
static void test_siblings_are_one_step(void **state)
{
    static const size_t wanted[] = { 1, 2, 2, 2 };
    struct data data;
    make_data(&data, &(struct ref_attention){ 2, 35, 1, 3, 1, PLUGCL_ATTENTION_SOFTMAX, 1, false });
    data.shapes[0] = (plugcl_shape){ 4, { 2, 3, 7, 5 } };
    for (int apart = TOGETHER; apart <= OTHER_ACTIVATION; apart++) {
        float found[2][2 * 2 * 35];
        bool on_cpu = false;
        plugcl_graph *graph = siblings_graph(&data.shapes[0], (enum apart)apart);
        const size_t count = count_convolutions(*state, graph, &on_cpu);
        assert_int_equal(count, on_cpu ? wanted[apart] : 3);
        for (int no_fusion = 0; no_fusion < 2 && apart != AN_OUTPUT; no_fusion++)
            run_plan(*state, graph, &data, 1, no_fusion, found[no_fusion]);
        for (size_t i = 0; i < 2 * 2 * 35 && apart != AN_OUTPUT; i++)
            assert_float_equal(found[0][i], found[1][i], 1e-4);
        plugcl_graph_destroy(&graph);
    }
    free_data(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_modes_fused_and_as_defined, make_context, destroy_context),
        cmocka_unit_test_setup_teardown(test_large_maps_fit_256_mib, make_context, destroy_context),
        cmocka_unit_test_setup_teardown(test_definition_names_the_size, make_context, destroy_context),
        cmocka_unit_test_setup_teardown(test_projections_join_their_attention, make_context, destroy_context),
        cmocka_unit_test_setup_teardown(test_siblings_are_one_step, make_context, destroy_context),
        cmocka_unit_test_setup_teardown(test_map_of_chosen_queries, make_context, destroy_context),
    };
    return cmocka_run_group_tests_name("attention", tests, NULL, NULL) ? 1 : 0;
}
