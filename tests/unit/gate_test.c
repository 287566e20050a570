/* SPDX-License-Identifier: Apache-2.0 */
/* gate_test.c: residual sums and activations behind gates in whole plans: what vanishes into the gate, what must not, and that the
 * result is that of the definition. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/plan.h"
#include "unit.h"

enum { CHANNELS = 37, HEIGHT = 9, WIDTH = 11, IMAGES = 2, ELEMENTS = IMAGES * CHANNELS * HEIGHT * WIDTH };

static plugcl_value constant(plugcl_graph *graph, const plugcl_shape *shape)
{
    static float data[CHANNELS * CHANNELS];
    uint32_t seed = (uint32_t)plugcl_shape_elements(shape);
    for (int64_t i = 0; i < plugcl_shape_elements(shape); i++)
        data[i] = 0.4f * pseudo_random(&seed);
    return plugcl_graph_constant(graph, PLUGCL_F32, shape, data);
}

/* What a bottleneck block ends with, in forms that differ in what may be fused. */
struct form {
    const char *name;
    bool cbam, reads_gate, reads_product;
    plugcl_activation inner; /* between the gate and the sum; the identity is none */
    plugcl_activation end;
    uint32_t steps; /* with fusion, but for copies */
};

static const struct form forms[] = {
    { "se", .end = PLUGCL_RELU, .steps = 2 },
    { "cbam", .cbam = true, .end = PLUGCL_RELU, .steps = 3 },
    { "relu6", .end = PLUGCL_RELU6, .steps = 2 },
    { "clip", .cbam = true, .end = PLUGCL_CLIP, .steps = 3 },
    { "no_end", .steps = 2 },
    { "sigmoid_end", .end = PLUGCL_SIGMOID, .steps = 3 },     /* not a bound */
    { "inner", .inner = PLUGCL_RELU, .end = PLUGCL_RELU, .steps = 3 }, /* the sum comes after the activation */
    { "reads_gate", .reads_gate = true, .end = PLUGCL_RELU, .steps = 3 },
    { "reads_product", .reads_product = true, .end = PLUGCL_RELU, .steps = 3 },
};

static plugcl_graph *build(const struct form *form)
{
    const plugcl_value none = { 0 };
    plugcl_graph *graph = NULL;
    plugcl_value gate = none;
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(IMAGES, CHANNELS, HEIGHT, WIDTH));
    plugcl_value y = plugcl_graph_conv2d(graph, x, constant(graph, PLUGCL_SHAPE(CHANNELS, CHANNELS, 1, 1)), none, NULL);
    y = plugcl_graph_channel_gate(graph, y, constant(graph, PLUGCL_SHAPE(5, CHANNELS)), none,
                                  constant(graph, PLUGCL_SHAPE(CHANNELS, 5)), none, plugcl_channel_gate_params(.act = PLUGCL_RELU),
                                  &gate);
    if (form->cbam)
        y = plugcl_graph_spatial_gate(graph, y, constant(graph, PLUGCL_SHAPE(1, 2, 7, 7)), none, NULL, NULL);
    if (form->reads_gate)
        plugcl_graph_output(graph, "gate", gate);
    if (form->reads_product)
        plugcl_graph_output(graph, "product", y);
    if (form->inner != PLUGCL_IDENTITY)
        y = plugcl_graph_activation(graph, y, form->inner, 0, 0);
    y = plugcl_graph_binary(graph, PLUGCL_ADD, x, y);
    if (form->end != PLUGCL_IDENTITY)
        y = plugcl_graph_activation(graph, y, form->end, -0.2f, 0.3f);
    plugcl_graph_output(graph, "y", y);
    assert_int_equal(plugcl_graph_status(graph), PLUGCL_OK);
    return graph;
}

static uint32_t count_steps(const plugcl_plan *plan)
{
    uint32_t steps = 0;
    for (size_t i = 0; i < plugcl_plan_steps(plan); i++) {
        struct plugcl_step_info info = { .struct_size = sizeof info };
        assert_int_equal(plugcl_plan_step(plan, i, &info), PLUGCL_OK);
        steps += strcmp(info.operation, "copy") != 0;
    }
    return steps;
}

/* Returns the number of steps. */
static uint32_t run(plugcl_context *context, plugcl_graph *graph, bool no_fusion, bool channels_last, float *input,
                    float *output)
{
    const plugcl_shape shape = *PLUGCL_SHAPE(IMAGES, CHANNELS, HEIGHT, WIDTH);
    const plugcl_layout layout = channels_last ? PLUGCL_NHWC : PLUGCL_NCHW;
    plugcl_plan *plan = NULL;
    plugcl_tensor *x = NULL, *y = NULL;
    assert_int_equal(plugcl_plan_create(context, graph,
                                        plugcl_plan_params(.no_fusion = no_fusion, .channels_last = channels_last), &plan),
                     PLUGCL_OK);
    assert_int_equal(plugcl_tensor_wrap_host(input, ELEMENTS * sizeof *input, PLUGCL_F32, &shape, layout, &x), PLUGCL_OK);
    assert_int_equal(plugcl_tensor_wrap_host(output, ELEMENTS * sizeof *output, PLUGCL_F32, &shape, layout, &y), PLUGCL_OK);
    const struct plugcl_binding bindings[] = { { "x", x }, { "y", y } };
    assert_int_equal(plugcl_plan_run(plan, bindings, 2, NULL), PLUGCL_OK);
    uint32_t steps = count_steps(plan);
    plugcl_tensor_destroy(&x);
    plugcl_tensor_destroy(&y);
    plugcl_plan_destroy(&plan);
    return steps;
}

static void fill_input(float x[ELEMENTS])
{
    uint32_t seed = 3;
    for (int i = 0; i < ELEMENTS; i++)
        x[i] = pseudo_random(&seed);
}

static void assert_as_defined(const char *name, const float *fused, const float *defined)
{
    for (int i = 0; i < ELEMENTS; i++)
        if (!(fabsf(fused[i] - defined[i]) <= 1e-5f))
            fail_msg("%s: element %d is %g, by the definition %g", name, i, (double)fused[i], (double)defined[i]);
}

static void test_fusion_changes_nothing(void **state)
{
    static float x[ELEMENTS], fused[ELEMENTS], defined[ELEMENTS];
    fill_input(x);
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        plugcl_graph *graph = build(&forms[f]);
        for (int channels_last = 0; channels_last < 2; channels_last++) {
            uint32_t steps = run(*state, graph, false, channels_last, x, fused);
            if (steps != forms[f].steps)
                fail_msg("%s takes %u steps, not %u", forms[f].name, steps, forms[f].steps);
            run(*state, graph, true, channels_last, x, defined);
            assert_as_defined(forms[f].name, fused, defined);
        }
        plugcl_graph_destroy(&graph);
    }
}

/* Convolutions of one x share a region, in which a gate may take its own operand's place and no other. */
static void test_gates_beside_each_other(void **state)
{
    static float x[ELEMENTS], fused[ELEMENTS], defined[ELEMENTS];
    const plugcl_value none = { 0 };
    plugcl_graph *graph = NULL;
    plugcl_value gates[2];
    fill_input(x);
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    plugcl_value in = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(IMAGES, CHANNELS, HEIGHT, WIDTH));
    for (int i = 0; i < 2; i++)
        gates[i] = plugcl_graph_conv2d(graph, in, constant(graph, PLUGCL_SHAPE(CHANNELS, CHANNELS, 1, 1)),
                                       i ? constant(graph, PLUGCL_SHAPE(CHANNELS)) : none, NULL);
    for (int i = 0; i < 2; i++)
        gates[i] = plugcl_graph_channel_gate(graph, gates[i], none, none, constant(graph, PLUGCL_SHAPE(CHANNELS, CHANNELS)), none,
                                             NULL, NULL);
    plugcl_graph_output(graph, "y", plugcl_graph_binary(graph, PLUGCL_SUB, gates[1], gates[0]));
    for (int channels_last = 0; channels_last < 2; channels_last++) {
        run(*state, graph, false, channels_last, x, fused);
        run(*state, graph, true, channels_last, x, defined);
        assert_as_defined("gates beside each other", fused, defined);
    }
    plugcl_graph_destroy(&graph);
}

/* A chain of gates needs the memory of one tensor between input and output, since each lies where its operand was. */
static void test_gates_overwrite_what_nobody_reads(void **state)
{
    const plugcl_value none = { 0 };
    plugcl_graph *graph = NULL;
    plugcl_plan *plan = NULL;
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    plugcl_value y = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(1, 16, 40, 40));
    for (int i = 0; i < 4; i++)
        y = plugcl_graph_channel_gate(graph, y, none, none, constant(graph, PLUGCL_SHAPE(16, 16)), none, NULL, NULL);
    plugcl_graph_output(graph, "y", y);
    assert_int_equal(plugcl_plan_create(*state, graph, NULL, &plan), PLUGCL_OK);
    assert_true(schedule_use(plan->schedule).arena < 2 * 16 * 40 * 40 * sizeof(float));
    plugcl_plan_destroy(&plan);
    plugcl_graph_destroy(&graph);
}

/* Host tensors may be worked on where they lie: a plan must notice other memory, new content, and memory of an odd address. */
static void test_host_memory_comes_and_goes(void **state)
{
    enum { COUNT = 5 * 7 };
    const plugcl_shape shape = *PLUGCL_SHAPE(1, 5, 7, 1);
    plugcl_graph *graph = NULL;
    plugcl_plan *plan = NULL;
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, &shape);
    plugcl_graph_output(graph, "y", plugcl_graph_activation(graph, x, PLUGCL_NEG, 0, 0));
    assert_int_equal(plugcl_plan_create(*state, graph, NULL, &plan), PLUGCL_OK);
    char *memory = calloc(4 * COUNT + 1, sizeof(float));
    assert_non_null(memory);
    for (size_t round = 0; round < 6; round++) {
        char *in = memory + (round % 3 == 2) + (round % 2) * COUNT * sizeof(float), *out = memory + 3 * COUNT * sizeof(float);
        float values[COUNT], found[COUNT];
        plugcl_tensor *tensors[2] = { NULL };
        for (int i = 0; i < COUNT; i++)
            values[i] = (float)(i + 100 * (int)round);
        memcpy(in, values, sizeof values);
        assert_int_equal(plugcl_tensor_wrap_host(in, sizeof values, PLUGCL_F32, &shape, PLUGCL_NCHW, &tensors[0]), PLUGCL_OK);
        assert_int_equal(plugcl_tensor_wrap_host(out, sizeof values, PLUGCL_F32, &shape, PLUGCL_NCHW, &tensors[1]), PLUGCL_OK);
        const struct plugcl_binding bindings[] = { { "x", tensors[0] }, { "y", tensors[1] } };
        assert_int_equal(plugcl_plan_run(plan, bindings, 2, NULL), PLUGCL_OK);
        memcpy(found, out, sizeof found);
        for (int i = 0; i < COUNT; i++)
            assert_true(found[i] == -values[i]);
        plugcl_tensor_destroy(&tensors[0]);
        plugcl_tensor_destroy(&tensors[1]);
    }
    free(memory);
    plugcl_plan_destroy(&plan);
    plugcl_graph_destroy(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fusion_changes_nothing, make_context, destroy_context),
        cmocka_unit_test_setup_teardown(test_gates_beside_each_other, make_context, destroy_context),
        cmocka_unit_test_setup_teardown(test_host_memory_comes_and_goes, make_context, destroy_context),
        cmocka_unit_test_setup_teardown(test_gates_overwrite_what_nobody_reads, make_context, destroy_context),
    };
    return cmocka_run_group_tests_name("gate", tests, NULL, NULL) ? 1 : 0;
}
