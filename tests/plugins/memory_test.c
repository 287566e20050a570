/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_test.c: a Non-local block with 64 channels on a map of 128 x 128, whose affinity has 1 GiB: it runs inside 256 MB of
 * device memory, and with fusion off it says how much it needs. Meson gives PoCL one GiB, of which it allocates a quarter at once.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <plugcl/plugcl.h>

enum { CHANNELS = 64, INNER = 32, SIZE = 128, PIXELS = SIZE * SIZE };
#define BOUND 256000000u
#define AFFINITY ((uint64_t)PIXELS * PIXELS * sizeof(float))

struct fixture {
    plugcl_context *context;
    plugcl_graph *graph;
    float *x, *y;
    float layers[4][CHANNELS * INNER]; /* theta, phi, g [INNER, CHANNELS]; W [CHANNELS, INNER] */
};

static float noise(size_t i)
{
    uint32_t bits = (uint32_t)i * 2654435761u;
    bits ^= bits >> 15;
    bits *= 2246822519u;
    return (float)((bits ^ (bits >> 13)) >> 8) / 8388608.0f - 1.0f;
}

static void make_graph(struct fixture *fixture)
{
    static const char *const names[4] = { "theta.weight", "phi.weight", "g.weight", "W.weight" };
    plugcl_weights *weights = NULL;
    plugcl_node *node = NULL;
    assert_int_equal(plugcl_weights_create(&weights), PLUGCL_OK);
    for (int i = 0; i < 4; i++) {
        for (size_t j = 0; j < CHANNELS * INNER; j++)
            fixture->layers[i][j] = 0.2f * noise((size_t)i * 10007 + j);
        assert_int_equal(plugcl_weights_add(weights, names[i], PLUGCL_F32,
                                            i < 3 ? PLUGCL_SHAPE(INNER, CHANNELS, 1, 1) : PLUGCL_SHAPE(CHANNELS, INNER, 1, 1),
                                            fixture->layers[i], sizeof fixture->layers[i]), PLUGCL_OK);
    }
    assert_int_equal(plugcl_graph_create(NULL, &fixture->graph), PLUGCL_OK);
    plugcl_value x = plugcl_graph_input(fixture->graph, "x", PLUGCL_F32, PLUGCL_SHAPE(1, CHANNELS, SIZE, SIZE));
    assert_int_equal(plugcl_graph_plugin(fixture->graph, "nonlocal", &x, 1, weights, "", "scale=inter", &node), PLUGCL_OK);
    plugcl_graph_output(fixture->graph, "y", plugcl_node_output(node, "y"));
    plugcl_weights_destroy(&weights);
}

static int set_up(void **state)
{
    const char *device = getenv("PLUGCL_TEST_DEVICE");
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->x = malloc(CHANNELS * PIXELS * sizeof *fixture->x);
    fixture->y = malloc(CHANNELS * PIXELS * sizeof *fixture->y);
    assert_true(fixture->x != NULL && fixture->y != NULL);
    for (size_t i = 0; i < CHANNELS * PIXELS; i++)
        fixture->x[i] = noise(i + 77777);
    const struct plugcl_context_params *params = plugcl_context_params(.device = device && *device ? device : "cpu,gpu");
    assert_int_equal(plugcl_context_create(params, &fixture->context), PLUGCL_OK);
    make_graph(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    plugcl_graph_destroy(&fixture->graph);
    plugcl_context_destroy(&fixture->context);
    free(fixture->x);
    free(fixture->y);
    free(fixture);
    return 0;
}

/* A layer [rows, columns] times a vector whose elements are `stride` apart. */
static void project(const float *layer, int rows, int columns, const float *x, size_t stride, double *y)
{
    for (int i = 0; i < rows; i++) {
        y[i] = 0;
        for (int j = 0; j < columns; j++)
            y[i] += (double)layer[i * columns + j] * (double)x[(size_t)j * stride];
    }
}

/* One pixel of y, in plain C. */
static void expected_pixel(const struct fixture *fixture, size_t pixel, double y[CHANNELS])
{
    double theta[INNER], phi[INNER], g[INNER], sum[INNER] = { 0 }, total = 0;
    project(fixture->layers[0], INNER, CHANNELS, fixture->x + pixel, PIXELS, theta);
    for (size_t key = 0; key < PIXELS; key++) {
        double score = 0;
        project(fixture->layers[1], INNER, CHANNELS, fixture->x + key, PIXELS, phi);
        project(fixture->layers[2], INNER, CHANNELS, fixture->x + key, PIXELS, g);
        for (int i = 0; i < INNER; i++)
            score += theta[i] * phi[i];
        score = exp(score / sqrt(INNER));
        total += score;
        for (int i = 0; i < INNER; i++)
            sum[i] += score * g[i];
    }
    for (int c = 0; c < CHANNELS; c++) {
        y[c] = (double)fixture->x[(size_t)c * PIXELS + pixel];
        for (int i = 0; i < INNER; i++)
            y[c] += (double)fixture->layers[3][c * INNER + i] * sum[i] / total;
    }
}

static void check_pixels(const struct fixture *fixture)
{
    static const size_t pixels[] = { 0, 8191, PIXELS - 1 };
    for (size_t i = 0; i < sizeof pixels / sizeof *pixels; i++) {
        double expected[CHANNELS];
        expected_pixel(fixture, pixels[i], expected);
        for (size_t c = 0; c < CHANNELS; c++)
            if (!(fabs((double)fixture->y[c * PIXELS + pixels[i]] - expected[c]) <= 1e-4))
                fail_msg("channel %zu of pixel %zu is %g; it must be %g", c, pixels[i], (double)fixture->y[c * PIXELS + pixels[i]],
                         expected[c]);
    }
}

static void assert_small(const struct fixture *fixture)
{
    struct plugcl_context_statistics statistics = { .struct_size = sizeof statistics };
    plugcl_context_statistics(fixture->context, &statistics);
    if (statistics.device_bytes > BOUND)
        fail_msg("%llu bytes of device memory; at most %u are allowed", (unsigned long long)statistics.device_bytes, BOUND);
}

/* With tensors on the host, so that the run's own device memory for them counts. */
static void check_run(struct fixture *fixture, const char *variants)
{
    plugcl_plan *plan = NULL;
    struct plugcl_binding bindings[2] = { { "x", NULL }, { "y", NULL } };
    size_t bytes = CHANNELS * PIXELS * sizeof(float);
    plugcl_status status = plugcl_plan_create(fixture->context, fixture->graph, plugcl_plan_params(.variants = variants), &plan);
    if (status == PLUGCL_UNSUPPORTED && strstr(plugcl_error_message(), "no CLBlast") != NULL)
        return;
    if (status != PLUGCL_OK)
        fail_msg("%s: %s", variants ? variants : "", plugcl_error_message());
    assert_small(fixture);
    memset(fixture->y, 0, bytes);
    for (int i = 0; i < 2; i++)
        assert_int_equal(plugcl_tensor_wrap_host(i ? fixture->y : fixture->x, bytes, PLUGCL_F32,
                                                 PLUGCL_SHAPE(1, CHANNELS, SIZE, SIZE), PLUGCL_NCHW, &bindings[i].tensor),
                         PLUGCL_OK);
    assert_int_equal(plugcl_plan_run(plan, bindings, 2, NULL), PLUGCL_OK);
    assert_small(fixture);
    check_pixels(fixture);
    for (int i = 0; i < 2; i++)
        plugcl_tensor_destroy(&bindings[i].tensor);
    plugcl_plan_destroy(&plan);
}

static void runs_inside_the_bound(void **state)
{
    check_run(*state, NULL);
    check_run(*state, "attention=blocks,gemm=own");
    check_run(*state, "gemm=clblast");
}

static void without_fusion_it_says_what_it_needs(void **state)
{
    struct fixture *fixture = *state;
    plugcl_plan *plan = NULL;
    char bytes[64];
    if (plugcl_context_device(fixture->context)->max_allocation >= AFFINITY)
        skip(); /* a device that may well run it */
    plugcl_status status = plugcl_plan_create(fixture->context, fixture->graph, plugcl_plan_params(.no_fusion = true), &plan);
    assert_int_equal(status, PLUGCL_NO_MEMORY);
    snprintf(bytes, sizeof bytes, "needs %llu bytes", (unsigned long long)AFFINITY);
    if (strstr(plugcl_error_message(), bytes) == NULL || strstr(plugcl_error_message(), "nonlocal") == NULL)
        fail_msg("\"%s\" does not say that nonlocal %s", plugcl_error_message(), bytes);
    assert_null(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_inside_the_bound),
        cmocka_unit_test(without_fusion_it_says_what_it_needs),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down) ? 1 : 0;
}
