/* SPDX-License-Identifier: Apache-2.0 */
/* attention_test.c: attention in whole plans, fused and as its definition, against plain C in double. */
#include <math.h>
#include <stdlib.h>

#include <plugcl/plugcl.h>

#include "ref/attention.h"
#include "unit.h"

static int set_up(void **state)
{
    plugcl_context *context = NULL;
    assert_int_equal(plugcl_context_create(plugcl_context_params(.device = "cpu,gpu"), &context), PLUGCL_OK);
    *state = context;
    return 0;
}

static int tear_down(void **state)
{
    plugcl_context *context = *state;
    plugcl_context_destroy(&context);
    return 0;
}

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
    data->shapes[0] = (plugcl_shape){ 3, { at->batch, at->queries, at->depth } };
    data->shapes[1] = (plugcl_shape){ 3, { at->batch, at->keys, at->depth } };
    data->shapes[2] = (plugcl_shape){ 3, { at->batch, at->keys, at->columns } };
    for (int i = 0; i < 3; i++) {
        size_t count = (size_t)plugcl_shape_elements(&data->shapes[i]);
        data->floats[i] = malloc((count + 1) * sizeof(float));
        data->doubles[i] = malloc((count + 1) * sizeof(double));
        assert_non_null(data->floats[i]);
        assert_non_null(data->doubles[i]);
        for (size_t j = 0; j < count; j++) {
            random = random * 1664525u + 1013904223u;
            data->floats[i][j] = (float)(random >> 8) / 8388608.0f - 1.0f;
            data->doubles[i][j] = data->floats[i][j];
        }
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
    size_t count = (size_t)(at->batch * at->queries * at->columns);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_modes_fused_and_as_defined, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("attention", tests, NULL, NULL) ? 1 : 0;
}
