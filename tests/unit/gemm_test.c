/* SPDX-License-Identifier: Apache-2.0 */
/* gemm_test.c: whose matrix products a plan takes, by the graph, by the plan's variants and by itself; and CLBlast's results in
 * whole plans, behind scratch memory in the arena. In a build without CLBlast: that it says so. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include <plugcl/plugcl.h>

#include "device/clblast.h"
#include "device/context.h"
#include "unit.h"

static float noise(size_t i)
{
    return (float)(i * 7919 % 1009) / 504.0f - 1.0f;
}

static float *make_noise(size_t count)
{
    float *data = malloc(count * sizeof *data);
    assert_non_null(data);
    for (size_t i = 0; i < count; i++)
        data[i] = noise(i);
    return data;
}

/* y = relu(a · weightᵀ + bias + a), then y · y transposed where `twice`. a [rows, size]. */
static plugcl_graph *make_graph(int64_t rows, int64_t size, bool twice, plugcl_gemm gemm)
{
    plugcl_graph *graph = NULL;
    float *weight = make_noise((size_t)(size * size));
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    plugcl_value a = plugcl_graph_input(graph, "a", PLUGCL_F32, PLUGCL_SHAPE(rows, size));
    plugcl_value w = plugcl_graph_constant(graph, PLUGCL_F32, PLUGCL_SHAPE(size, size), weight);
    plugcl_value bias = plugcl_graph_constant(graph, PLUGCL_F32, PLUGCL_SHAPE(size), weight);
    plugcl_graph_gemm(graph, gemm);
    plugcl_value y = plugcl_graph_binary(graph, PLUGCL_ADD, plugcl_graph_linear(graph, a, w, bias), a);
    y = plugcl_graph_activation(graph, y, PLUGCL_RELU, 0, 0);
    plugcl_graph_output(graph, "y", twice ? plugcl_graph_matmul(graph, y, y, false, true) : y);
    free(weight);
    return graph;
}

static double *expected_of(int64_t rows, int64_t size, bool twice)
{
    double *y = calloc((size_t)(rows * size), sizeof *y), *product = calloc((size_t)(rows * rows), sizeof *product);
    assert_true(y != NULL && product != NULL);
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < size; j++) {
            double sum = (double)noise((size_t)j) + (double)noise((size_t)(i * size + j));
            for (int64_t k = 0; k < size; k++)
                sum += (double)noise((size_t)(i * size + k)) * (double)noise((size_t)(j * size + k));
            y[i * size + j] = sum > 0 ? sum : 0;
        }
    }
    for (int64_t i = 0; twice && i < rows; i++)
        for (int64_t j = 0; j < rows; j++)
            for (int64_t k = 0; k < size; k++)
                product[i * rows + j] += y[i * size + k] * y[j * size + k];
    free(twice ? y : product);
    return twice ? product : y;
}

static void check_result(plugcl_plan *plan, int64_t rows, int64_t size, bool twice)
{
    size_t count = (size_t)(rows * (twice ? rows : size));
    float *a = make_noise((size_t)(rows * size)), *y = calloc(count, sizeof *y);
    double *expected = expected_of(rows, size, twice), most = 0;
    struct plugcl_binding bindings[2] = { { "a", NULL }, { "y", NULL } };
    assert_non_null(y);
    assert_int_equal(plugcl_tensor_wrap_host(a, (size_t)(rows * size) * sizeof *a, PLUGCL_F32, PLUGCL_SHAPE(rows, size),
                                             PLUGCL_NCHW, &bindings[0].tensor), PLUGCL_OK);
    assert_int_equal(plugcl_tensor_wrap_host(y, count * sizeof *y, PLUGCL_F32, PLUGCL_SHAPE(rows, twice ? rows : size), PLUGCL_NCHW,
                                             &bindings[1].tensor), PLUGCL_OK);
    for (int run = 0; run < 2; run++)
        assert_int_equal(plugcl_plan_run(plan, bindings, 2, NULL), PLUGCL_OK);
    for (size_t i = 0; i < count; i++)
        most = fabs(expected[i]) > most ? fabs(expected[i]) : most;
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)y[i] - expected[i]) <= 1e-4 * most))
            fail_msg("element %zu of %zu is %g; it must be %g", i, count, (double)y[i], expected[i]);
    plugcl_tensor_destroy(&bindings[0].tensor);
    plugcl_tensor_destroy(&bindings[1].tensor);
    free(a);
    free(y);
    free(expected);
}

/* How many steps have variant "clblast". */
static size_t count_products(const plugcl_plan *plan)
{
    size_t count = 0;
    for (size_t i = 0; i < plugcl_plan_steps(plan); i++) {
        struct plugcl_step_info step = { .struct_size = sizeof step };
        assert_int_equal(plugcl_plan_step(plan, i, &step), PLUGCL_OK);
        count += strcmp(step.variant, "clblast") == 0;
    }
    return count;
}

/* `products`: of CLBlast's, where the build has it; −1: any number. */
static void check_plan(plugcl_context *context, plugcl_gemm gemm, const char *variants, bool no_fusion, int products)
{
    plugcl_graph *graph = make_graph(21, 13, true, gemm);
    plugcl_plan *plan = NULL;
    const struct plugcl_plan_params *params = plugcl_plan_params(.variants = variants, .no_fusion = no_fusion);
    plugcl_status status = plugcl_plan_create(context, graph, params, &plan);
    if (products > 0 && !context_caps(context)->has_clblast) {
        assert_int_equal(status, PLUGCL_UNSUPPORTED);
        assert_message("no CLBlast");
    } else {
        assert_int_equal(status, PLUGCL_OK);
        if (products >= 0)
            assert_int_equal(count_products(plan), products);
        check_result(plan, 21, 13, true);
    }
    plugcl_plan_destroy(&plan);
    plugcl_graph_destroy(&graph);
}

static void test_whose_products(void **state)
{
    for (int no_fusion = 0; no_fusion < 2; no_fusion++) {
        check_plan(*state, PLUGCL_GEMM_AUTO, NULL, no_fusion, -1);
        check_plan(*state, PLUGCL_GEMM_OWN, NULL, no_fusion, 0);
        check_plan(*state, PLUGCL_GEMM_CLBLAST, NULL, no_fusion, 2);
        check_plan(*state, PLUGCL_GEMM_AUTO, "gemm=clblast", no_fusion, 2);
        check_plan(*state, PLUGCL_GEMM_OWN, "gemm=clblast", no_fusion, 2);
        check_plan(*state, PLUGCL_GEMM_CLBLAST, "gemm=own", no_fusion, 0);
        check_plan(*state, PLUGCL_GEMM_CLBLAST, "gemm=own,matmul=generic", no_fusion, 0);
        check_plan(*state, PLUGCL_GEMM_OWN, "linear=generic,matmul=generic", no_fusion, 0);
    }
}

static void test_errors(void **state)
{
    plugcl_graph *graph = make_graph(3, 4, false, PLUGCL_GEMM_AUTO);
    plugcl_plan *plan = NULL;
    assert_int_equal(plugcl_plan_create(*state, graph, plugcl_plan_params(.variants = "gemm=frog"), &plan), PLUGCL_NOT_FOUND);
    assert_message("gemm has no variant \"frog\"; it has clblast, own");
    assert_int_equal(plugcl_plan_create(*state, graph, plugcl_plan_params(.variants = "gemm=own,gemm=own"), &plan), PLUGCL_INVALID);
    assert_message("given twice");
    assert_int_equal(plugcl_plan_create(*state, graph, plugcl_plan_params(.variants = "gemm"), &plan), PLUGCL_NOT_FOUND);
    plugcl_graph_gemm(graph, (plugcl_gemm)7);
    assert_int_equal(plugcl_graph_status(graph), PLUGCL_INVALID);
    assert_message("no choice 7");
    plugcl_graph_destroy(&graph);
    plugcl_graph_gemm(NULL, PLUGCL_GEMM_OWN);
}

/* Products that are large enough for CLBlast's kernels with scratch, which begins its block while other memory is alive. */
static void test_scratch(void **state)
{
    enum { ROWS = 1030, SIZE = 1021 };
    const struct sgemm product = { .rows = ROWS, .columns = ROWS, .depth = SIZE, .transpose_b = true, .a_pitch = SIZE,
                                   .b_pitch = SIZE, .y_pitch = ROWS };
    size_t bytes = 0;
    if (!context_caps(*state)->has_clblast)
        skip();
    assert_int_equal(clblast_scratch(*state, &product, &bytes), PLUGCL_OK);
    assert_true(bytes > 0);
    plugcl_graph *graph = make_graph(ROWS, SIZE, true, PLUGCL_GEMM_CLBLAST);
    plugcl_plan *plan = NULL;
    assert_int_equal(plugcl_plan_create(*state, graph, NULL, &plan), PLUGCL_OK);
    assert_int_equal(count_products(plan), 2);
    check_result(plan, ROWS, SIZE, true);
    plugcl_plan_destroy(&plan);
    plugcl_graph_destroy(&graph);
}

static void *plan_and_run(void *user)
{
    plugcl_graph *graph = make_graph(18, 12, true, PLUGCL_GEMM_CLBLAST);
    plugcl_plan *plan = NULL;
    plugcl_status status = plugcl_plan_create(user, graph, NULL, &plan);
    if (status == PLUGCL_OK)
        check_result(plan, 18, 12, true);
    plugcl_plan_destroy(&plan);
    plugcl_graph_destroy(&graph);
    return status == PLUGCL_OK ? NULL : user;
}

static void test_threads(void **state)
{
    pthread_t threads[4];
    if (!context_caps(*state)->has_clblast)
        skip();
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, plan_and_run, *state), 0);
    for (int i = 0; i < 4; i++) {
        void *failed = *state;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_threads, make_context, destroy_context),
        cmocka_unit_test_setup_teardown(test_whose_products, make_context, destroy_context),
        cmocka_unit_test_setup_teardown(test_errors, make_context, destroy_context),
        cmocka_unit_test_setup_teardown(test_scratch, make_context, destroy_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
