/* SPDX-License-Identifier: Apache-2.0 */
/* Plans and runs through the public interface: what fusion, views, layouts and new shapes must not change, and what errors say. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <plugcl/plugcl.h>

#include "base/memory.h"

#include "unit.h"

enum { MOST = 4096 };

struct fixture {
    plugcl_context *context;
    plugcl_weights *weights;
    plugcl_graph *graph;
    float input[MOST];
};

static void add_weight(struct fixture *fixture, const char *name, const plugcl_shape *shape, bool positive)
{
    static float data[MOST];
    uint32_t state = 7;
    for (const char *c = name; *c; c++)
        state = state * 31 + (unsigned char)*c;
    for (int64_t i = 0; i < plugcl_shape_elements(shape); i++)
        data[i] = positive ? 1.0f + 0.5f * pseudo_random(&state) : pseudo_random(&state);
    assert_int_equal(plugcl_weights_add(fixture->weights, name, PLUGCL_F32, shape, data,
                                        (size_t)plugcl_shape_elements(shape) * sizeof *data), PLUGCL_OK);
}

static void add_layer(struct fixture *fixture, const char *name, int64_t out, int64_t in, int64_t size)
{
    char full[64];
    snprintf(full, sizeof full, "%s.weight", name);
    add_weight(fixture, full, PLUGCL_SHAPE(out, in, size, size), false);
    snprintf(full, sizeof full, "%s.bias", name);
    add_weight(fixture, full, PLUGCL_SHAPE(out), false);
    static const char *const parts[4] = { "running_mean", "running_var", "weight", "bias" };
    for (int i = 0; i < 4; i++) {
        snprintf(full, sizeof full, "%s_norm.%s", name, parts[i]);
        add_weight(fixture, full, PLUGCL_SHAPE(out), i == 1 || i == 2);
    }
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    uint32_t seed = 1;
    *state = fixture;
    for (int i = 0; i < MOST; i++)
        fixture->input[i] = pseudo_random(&seed);
    assert_int_equal(plugcl_context_create(plugcl_context_params(.device = "cpu,gpu"), &fixture->context), PLUGCL_OK);
    assert_int_equal(plugcl_weights_create(&fixture->weights), PLUGCL_OK);
    assert_int_equal(plugcl_graph_create(NULL, &fixture->graph), PLUGCL_OK);
    add_layer(fixture, "a", 9, 5, 3);
    add_layer(fixture, "b", 9, 9, 1);
    add_weight(fixture, "scale", PLUGCL_SHAPE(1, 9, 1, 1), true);
    add_weight(fixture, "head.weight", PLUGCL_SHAPE(3, 18 * 3 * 4), false);
    add_weight(fixture, "head.bias", PLUGCL_SHAPE(3), false);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    plugcl_context_destroy(&fixture->context); /* before what was made from it: any order is right */
    plugcl_weights_destroy(&fixture->weights);
    plugcl_graph_destroy(&fixture->graph);
    free(fixture);
    return 0;
}

/* conv → norm → relu, conv → norm + residual → relu, both concatenated, pooled, flattened (C, H and W all differ), linear. */
static void build(struct fixture *fixture)
{
    plugcl_graph *graph = fixture->graph;
    plugcl_weights *weights = fixture->weights;
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(PLUGCL_DIM_ANY, 5, PLUGCL_DIM_ANY, PLUGCL_DIM_ANY));
    plugcl_value a = plugcl_graph_conv2d_layer(graph, x, weights, "a", plugcl_conv2d_params(.pad = { 1, 1, 1, 1 }));
    a = plugcl_graph_activation(graph, plugcl_graph_batch_norm_layer(graph, a, weights, "a_norm", 1e-5f), PLUGCL_RELU, 0, 0);
    plugcl_value smooth =
        plugcl_graph_avg_pool2d(graph, a, plugcl_pool2d_params(.kernel = { 3, 3 }, .stride = { 1, 1 }, .pad = { 1, 1, 1, 1 }));
    plugcl_value b = plugcl_graph_conv2d_layer(graph, smooth, weights, "b", NULL);
    b = plugcl_graph_binary(graph, PLUGCL_MUL, plugcl_graph_weight(graph, weights, "scale"), b);
    b = plugcl_graph_binary(graph, PLUGCL_ADD, b, plugcl_graph_constant(graph, PLUGCL_F32, PLUGCL_SHAPE(1), &(float){ 0.25f }));
    b = plugcl_graph_batch_norm_layer(graph, b, weights, "b_norm", 1e-3f);
    b = plugcl_graph_activation(graph, plugcl_graph_binary(graph, PLUGCL_ADD, a, b), PLUGCL_RELU, 0, 0);
    plugcl_value both = plugcl_graph_concat(graph, (plugcl_value[]){ a, b }, 2, 1);
    plugcl_value pooled = plugcl_graph_adaptive_avg_pool2d(graph, both, 3, 4);
    plugcl_value flat = plugcl_graph_flatten(graph, pooled, 1, -1);
    plugcl_graph_output(graph, "y", plugcl_graph_linear_layer(graph, flat, weights, "head"));
    plugcl_graph_output(graph, "both", both);
    assert_int_equal(plugcl_graph_status(graph), PLUGCL_OK);
}

static void plan_and_run(struct fixture *fixture, int64_t batch, int64_t height, int64_t width, bool no_fusion,
                         const char *variants, float *y, float *both)
{
    struct plugcl_input_shape shape = { "x", *PLUGCL_SHAPE(batch, 5, height, width) };
    plugcl_shape y_shape, both_shape;
    plugcl_plan *plan;
    plugcl_tensor *tensors[3];
    assert_int_equal(plugcl_plan_create(
                         fixture->context, fixture->graph,
                         plugcl_plan_params(.shapes = &shape, .n_shapes = 1, .no_fusion = no_fusion, .variants = variants), &plan),
                     PLUGCL_OK);
    assert_int_equal(plugcl_plan_shape(plan, "y", &y_shape), PLUGCL_OK);
    assert_int_equal(plugcl_plan_shape(plan, "both", &both_shape), PLUGCL_OK);
    plugcl_tensor_wrap_host(fixture->input, sizeof fixture->input, PLUGCL_F32, &shape.shape, PLUGCL_NCHW, &tensors[0]);
    plugcl_tensor_wrap_host(y, MOST * sizeof *y, PLUGCL_F32, &y_shape, PLUGCL_NCHW, &tensors[1]);
    plugcl_tensor_wrap_host(both, MOST * sizeof *both, PLUGCL_F32, &both_shape, PLUGCL_NCHW, &tensors[2]);
    struct plugcl_binding bindings[3] = { { "x", tensors[0] }, { "y", tensors[1] }, { "both", tensors[2] } };
    plugcl_run *run;
    assert_int_equal(plugcl_plan_run(plan, bindings, 3, &run), PLUGCL_OK);
    plugcl_plan_destroy(&plan); /* while it runs: the run keeps what it needs */
    assert_int_equal(plugcl_run_wait(run, PLUGCL_WAIT_FOREVER), PLUGCL_OK);
    plugcl_run_destroy(&run);
    for (int i = 0; i < 3; i++)
        plugcl_tensor_destroy(&tensors[i]);
}

static void assert_close(const float *a, const float *b, size_t count)
{
    float most = 0, error = 0;
    for (size_t i = 0; i < count; i++) {
        most = fmaxf(most, fabsf(b[i]));
        error = fmaxf(error, fabsf(a[i] - b[i]));
        assert_true(isfinite(a[i]) && isfinite(b[i]));
    }
    assert_true(most > 0);
    assert_true(error <= 1e-5f * most);
}

/*
 * The same in plain C for one picture of 5x3x4, where the adaptive pool has nothing to do.
 */
enum { CHANNELS = 9, HEIGHT = 3, WIDTH = 4, PIXELS = HEIGHT * WIDTH };

static const float *weight(const struct fixture *fixture, const char *name)
{
    const struct plugcl_weights_entry *entry = plugcl_weights_find(fixture->weights, name);
    assert_non_null(entry);
    return entry->data;
}

static double pixel_of(const double *plane, int row, int column)
{
    return row < 0 || row >= HEIGHT || column < 0 || column >= WIDTH ? 0 : plane[row * WIDTH + column];
}

static double norm(const struct fixture *fixture, const char *layer, int channel, double value, double eps)
{
    char name[4][64];
    static const char *const parts[4] = { "running_mean", "running_var", "weight", "bias" };
    for (int i = 0; i < 4; i++)
        snprintf(name[i], sizeof name[i], "%s.%s", layer, parts[i]);
    return (value - weight(fixture, name[0])[channel]) / sqrt(weight(fixture, name[1])[channel] + eps) *
           weight(fixture, name[2])[channel] + weight(fixture, name[3])[channel];
}

static void expect_a(const struct fixture *fixture, double a[CHANNELS][PIXELS])
{
    double x[5][PIXELS];
    for (int i = 0; i < 5 * PIXELS; i++)
        x[i / PIXELS][i % PIXELS] = fixture->input[i];
    for (int c = 0; c < CHANNELS; c++) {
        for (int p = 0; p < PIXELS; p++) {
            double sum = weight(fixture, "a.bias")[c];
            for (int k = 0; k < 5 * 9; k++)
                sum +=
                    weight(fixture, "a.weight")[c * 45 + k] * pixel_of(x[k / 9], p / WIDTH + k % 9 / 3 - 1, p % WIDTH + k % 3 - 1);
            a[c][p] = fmax(norm(fixture, "a_norm", c, sum, 1e-5), 0);
        }
    }
}

static void expect_b(const struct fixture *fixture, double a[CHANNELS][PIXELS], double b[CHANNELS][PIXELS])
{
    double smooth[CHANNELS][PIXELS];
    for (int c = 0; c < CHANNELS; c++) {
        for (int p = 0; p < PIXELS; p++) {
            smooth[c][p] = 0;
            for (int k = 0; k < 9; k++)
                smooth[c][p] += pixel_of(a[c], p / WIDTH + k / 3 - 1, p % WIDTH + k % 3 - 1) / 9;
        }
    }
    for (int c = 0; c < CHANNELS; c++) {
        for (int p = 0; p < PIXELS; p++) {
            double sum = weight(fixture, "b.bias")[c];
            for (int k = 0; k < CHANNELS; k++)
                sum += weight(fixture, "b.weight")[c * CHANNELS + k] * smooth[k][p];
            b[c][p] = fmax(norm(fixture, "b_norm", c, sum * weight(fixture, "scale")[c] + 0.25, 1e-3) + a[c][p], 0);
        }
    }
}

static void expect(const struct fixture *fixture, float *y, float *both)
{
    double values[2 * CHANNELS][PIXELS];
    expect_a(fixture, values);
    expect_b(fixture, values, values + CHANNELS);
    for (int i = 0; i < 2 * CHANNELS * PIXELS; i++)
        both[i] = (float)values[i / PIXELS][i % PIXELS];
    for (int o = 0; o < 3; o++) {
        double sum = weight(fixture, "head.bias")[o];
        for (int i = 0; i < 2 * CHANNELS * PIXELS; i++)
            sum += weight(fixture, "head.weight")[o * 2 * CHANNELS * PIXELS + i] * values[i / PIXELS][i % PIXELS];
        y[o] = (float)sum;
    }
}

static void test_values(void **state)
{
    static float y[2][MOST], both[2][MOST];
    struct fixture *fixture = *state;
    build(fixture);
    expect(fixture, y[1], both[1]);
    for (int no_fusion = 0; no_fusion < 2; no_fusion++) {
        plan_and_run(fixture, 1, HEIGHT, WIDTH, no_fusion, NULL, y[0], both[0]);
        assert_close(both[0], both[1], 2 * CHANNELS * PIXELS);
        assert_close(y[0], y[1], 3);
    }
}

static void test_fusion_changes_nothing(void **state)
{
    static float y[2][MOST], both[2][MOST];
    struct fixture *fixture = *state;
    build(fixture);
    plan_and_run(fixture, 2, 7, 6, false, NULL, y[0], both[0]);
    plan_and_run(fixture, 2, 7, 6, true, "conv2d=generic,linear=generic", y[1], both[1]);
    assert_close(y[0], y[1], 2 * 3);
    assert_close(both[0], both[1], 2 * 18 * 7 * 6);
}

/* Norms, scales, sums, activations and the residual vanish into the layers. */
static void test_fusion_leaves_the_layers(void **state)
{
    struct fixture *fixture = *state;
    struct plugcl_input_shape shape = { "x", *PLUGCL_SHAPE(1, 5, 6, 7) };
    plugcl_plan *plan;
    build(fixture);
    assert_int_equal(
        plugcl_plan_create(fixture->context, fixture->graph, plugcl_plan_params(.shapes = &shape, .n_shapes = 1), &plan),
        PLUGCL_OK);
    for (size_t i = 0; i < plugcl_plan_steps(plan); i++) {
        struct plugcl_step_info info = { .struct_size = sizeof info };
        assert_int_equal(plugcl_plan_step(plan, i, &info), PLUGCL_OK);
        assert_string_not_equal(info.operation, "binary");
        assert_string_not_equal(info.operation, "activation");
        assert_string_not_equal(info.operation, "batch_norm");
    }
    plugcl_plan_destroy(&plan);
}

/* Of two layers with a max-pool behind each, the one followed by relu takes it; a sigmoid stays behind its pool. */
static void test_relu_passes_a_max_pool(void **state)
{
    static float y[2][MOST], both[2][MOST];
    struct fixture *fixture = *state;
    plugcl_graph *graph = fixture->graph;
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(2, 5, 7, 6));
    for (int i = 0; i < 2; i++) {
        plugcl_value layer = plugcl_graph_conv2d_layer(graph, x, fixture->weights, "a", NULL);
        plugcl_value pooled = plugcl_graph_max_pool2d(graph, layer, plugcl_pool2d_params(.kernel = { 2, 2 }));
        plugcl_graph_output(graph, i ? "both" : "y",
                            plugcl_graph_activation(graph, pooled, i ? PLUGCL_SIGMOID : PLUGCL_RELU, 0, 0));
    }
    for (int no_fusion = 0; no_fusion < 2; no_fusion++) {
        plugcl_plan *plan;
        assert_int_equal(
            plugcl_plan_create(fixture->context, graph, plugcl_plan_params(.no_fusion = no_fusion), &plan), PLUGCL_OK);
        int activations = 0;
        for (size_t i = 0; i < plugcl_plan_steps(plan); i++) {
            struct plugcl_step_info info = { .struct_size = sizeof info };
            assert_int_equal(plugcl_plan_step(plan, i, &info), PLUGCL_OK);
            activations += strcmp(info.operation, "activation") == 0;
        }
        assert_int_equal(activations, no_fusion ? 2 : 1);
        plugcl_plan_destroy(&plan);
        plan_and_run(fixture, 2, 7, 6, no_fusion, NULL, y[no_fusion], both[no_fusion]);
    }
    assert_close(y[0], y[1], 2 * 9 * 2 * 2);
    assert_close(both[0], both[1], 2 * 9 * 2 * 2);
}

/* What no output depends on is not computed. */
static void test_unread_nodes_are_left_out(void **state)
{
    struct fixture *fixture = *state;
    plugcl_plan *plan;
    plugcl_value x = plugcl_graph_input(fixture->graph, "x", PLUGCL_F32, PLUGCL_SHAPE(4));
    plugcl_graph_activation(fixture->graph, plugcl_graph_softmax(fixture->graph, x, 0), PLUGCL_EXP, 0, 0);
    plugcl_graph_output(fixture->graph, "y", plugcl_graph_activation(fixture->graph, x, PLUGCL_RELU, 0, 0));
    for (int no_fusion = 0; no_fusion < 2; no_fusion++) {
        assert_int_equal(plugcl_plan_create(fixture->context, fixture->graph, plugcl_plan_params(.no_fusion = no_fusion), &plan),
                         PLUGCL_OK);
        assert_int_equal(plugcl_plan_steps(plan), 1);
        plugcl_plan_destroy(&plan);
    }
}

static void test_new_shapes_compile_nothing(void **state)
{
    static float y[MOST], both[MOST];
    struct fixture *fixture = *state;
    struct plugcl_context_statistics before = { .struct_size = sizeof before }, after = { .struct_size = sizeof after };
    build(fixture);
    plan_and_run(fixture, 1, 9, 8, false, NULL, y, both);
    plugcl_context_statistics(fixture->context, &before);
    plan_and_run(fixture, 2, 6, 11, false, NULL, y, both);
    plan_and_run(fixture, 1, 9, 8, false, NULL, y, both);
    plugcl_context_statistics(fixture->context, &after);
    assert_int_equal(after.programs_compiled + after.programs_loaded, before.programs_compiled + before.programs_loaded);
    assert_int_equal(after.device_bytes, before.device_bytes);
}

static void test_empty_batch(void **state)
{
    static float y[MOST], both[MOST];
    struct fixture *fixture = *state;
    build(fixture);
    plan_and_run(fixture, 0, 5, 5, false, NULL, y, both);
}

static void test_plan_errors(void **state)
{
    struct fixture *fixture = *state;
    struct plugcl_input_shape wrong = { "x", *PLUGCL_SHAPE(1, 4, 5, 5) }, unknown = { "z", *PLUGCL_SHAPE(1, 5, 5, 5) };
    plugcl_plan *plan;
    build(fixture);
    assert_int_equal(plugcl_plan_create(fixture->context, fixture->graph, NULL, &plan), PLUGCL_INVALID);
    assert_non_null(strstr(plugcl_error_message(), "x"));
    assert_int_equal(
        plugcl_plan_create(fixture->context, fixture->graph, plugcl_plan_params(.shapes = &wrong, .n_shapes = 1), &plan),
        PLUGCL_INVALID);
    assert_message("the shape given for input x is [1, 4, 5, 5]; the graph's is [any, ");
    wrong.shape.rank = 100;
    assert_int_equal(
        plugcl_plan_create(fixture->context, fixture->graph, plugcl_plan_params(.shapes = &wrong, .n_shapes = 1), &plan),
        PLUGCL_INVALID);
    assert_int_equal(
        plugcl_plan_create(fixture->context, fixture->graph, plugcl_plan_params(.shapes = &unknown, .n_shapes = 1), &plan),
        PLUGCL_NOT_FOUND);
    assert_null(plan);
    unknown.name = NULL;
    const struct plugcl_plan_params *nameless = plugcl_plan_params(.shapes = &unknown, .n_shapes = 1);
    assert_int_equal(plugcl_plan_create(fixture->context, fixture->graph, nameless, &plan), PLUGCL_INVALID);
    assert_message("shape 0 has no name");
    assert_int_equal(plugcl_plan_create(fixture->context, fixture->graph, plugcl_plan_params(.n_shapes = 2), &plan), PLUGCL_INVALID);
    assert_message("2 shapes, not NULL");
}

static void test_graph_keeps_its_first_error(void **state)
{
    struct fixture *fixture = *state;
    plugcl_value x = plugcl_graph_input(fixture->graph, "x", PLUGCL_F32, PLUGCL_SHAPE(1, 4, 5, 5));
    plugcl_value y = plugcl_graph_conv2d_layer(fixture->graph, x, fixture->weights, "a", NULL);
    assert_int_equal(y.id, 0);
    assert_int_equal(plugcl_graph_activation(fixture->graph, y, PLUGCL_RELU, 0, 0).id, 0);
    assert_int_equal(plugcl_graph_status(fixture->graph), PLUGCL_INVALID);
    assert_non_null(strstr(plugcl_error_message(), "a: conv2d"));
}

static void test_binding_errors(void **state)
{
    struct fixture *fixture = *state;
    float data[16] = { 0 };
    plugcl_plan *plan;
    plugcl_tensor *x, *y, *wrong;
    plugcl_value value = plugcl_graph_input(fixture->graph, "x", PLUGCL_F32, PLUGCL_SHAPE(4));
    plugcl_graph_output(fixture->graph, "y", plugcl_graph_activation(fixture->graph, value, PLUGCL_RELU, 0, 0));
    assert_int_equal(plugcl_plan_create(fixture->context, fixture->graph, NULL, &plan), PLUGCL_OK);
    plugcl_tensor_wrap_host(data, sizeof data, PLUGCL_F32, PLUGCL_SHAPE(4), PLUGCL_NCHW, &x);
    plugcl_tensor_wrap_host(data + 2, sizeof data - 8, PLUGCL_F32, PLUGCL_SHAPE(4), PLUGCL_NCHW, &y);
    plugcl_tensor_wrap_host(data + 8, 20, PLUGCL_F32, PLUGCL_SHAPE(5), PLUGCL_NCHW, &wrong);
    assert_int_equal(plugcl_plan_run(plan, (struct plugcl_binding[]){ { "x", x }, { "y", y } }, 2, NULL), PLUGCL_INVALID);
    assert_non_null(strstr(plugcl_error_message(), "share memory"));
    assert_int_equal(plugcl_plan_run(plan, (struct plugcl_binding[]){ { "x", wrong } }, 1, NULL), PLUGCL_INVALID);
    assert_int_equal(plugcl_plan_run(plan, (struct plugcl_binding[]){ { "q", x } }, 1, NULL), PLUGCL_NOT_FOUND);
    assert_int_equal(plugcl_plan_run(plan, NULL, 0, NULL), PLUGCL_INVALID);
    assert_int_equal(plugcl_plan_run(plan, (struct plugcl_binding[]){ { "x", x } }, 1, NULL), PLUGCL_OK);
    char *text;
    memory_fail_after(1);
    assert_int_equal(plugcl_plan_describe(plan, PLUGCL_TEXT, &text), PLUGCL_NO_MEMORY);
    memory_fail_after(0);
    assert_null(strstr(plugcl_error_message(), " 0 bytes"));
    assert_null(text);
    assert_int_equal(plugcl_plan_shape(plan, "x", NULL), PLUGCL_INVALID);
    assert_int_equal(plugcl_plan_dtype(plan, "x", NULL), PLUGCL_INVALID);
    plugcl_tensor_destroy(&x);
    plugcl_tensor_destroy(&y);
    plugcl_tensor_destroy(&wrong);
    plugcl_plan_destroy(&plan);
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define QUARANTINE 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define QUARANTINE 1
#endif

/* Resident memory in pages, or 0 where /proc does not tell, or where AddressSanitizer keeps freed memory (it finds leaks
 * itself). */
static long resident_pages(void)
{
    long total = 0, resident = 0;
#ifndef QUARANTINE
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%ld %ld", &total, &resident) != 2)
            resident = 0;
        fclose(file);
    }
#else
    (void)total;
#endif
    return resident;
}

static void test_a_thousand_plans_leave_memory_flat(void **state)
{
    static float y[MOST], both[MOST];
    struct fixture *fixture = *state;
    struct plugcl_context_statistics before = { .struct_size = sizeof before }, after = { .struct_size = sizeof after };
    long pages = 0;
    build(fixture);
    for (int i = 0; i < 1000; i++) {
        plan_and_run(fixture, 1, 5, 6, false, NULL, y, both);
        if (i == 200) {
            pages = resident_pages();
            plugcl_context_statistics(fixture->context, &before);
        }
    }
    plugcl_context_statistics(fixture->context, &after);
    assert_int_equal(after.device_bytes, before.device_bytes);
    /* The driver keeps a little for each kernel object it ever made; a leaked plan would be far more than 16 MiB in 800 rounds. */
    assert_true(resident_pages() - pages < 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fusion_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fusion_leaves_the_layers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_relu_passes_a_max_pool, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unread_nodes_are_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_new_shapes_compile_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_empty_batch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plan_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_graph_keeps_its_first_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_binding_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_thousand_plans_leave_memory_flat, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
