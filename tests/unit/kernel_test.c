/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_test.c: nodes with a user's own OpenCL C: what they see, what they may ask for, and what errors say. */
#include <math.h>

#include <plugcl/plugcl.h>

#include "unit.h"

enum { N = 2, C = 3, H = 4, W = 5, ELEMENTS = N * C * H * W };

/* y = x · factor + index of the element as the kernel counts it; sums: of each work-group's part of y, through local memory. */
static const char *const source =
    "__kernel void mark(__global const float *x, uint x_offset, float factor, int n, int channels, int height, int width,\n"
    "                   __global float *y, uint y_offset, __global float *sums, uint sums_offset, __local float *part, int group)\n"
    "{\n"
    "    int i = (int)get_global_id(0), local_i = (int)get_local_id(0), count = n * channels * height * width;\n"
    "    float value = i < count ? x[x_offset + i] * factor + i : 0.0f;\n"
    "    if (i < count)\n"
    "        y[y_offset + i] = value;\n"
    "    part[local_i] = value;\n"
    "    barrier(CLK_LOCAL_MEM_FENCE);\n"
    "    for (int j = 1; local_i == 0 && j < group; j++)\n"
    "        value += part[j];\n"
    "    if (local_i == 0)\n"
    "        sums[sums_offset + get_group_id(0)] = value;\n"
    "}\n";
enum { GROUP = 8, GROUPS = (ELEMENTS + GROUP - 1) / GROUP };

struct fixture {
    plugcl_context *context;
    plugcl_graph *graph;
    plugcl_value x;
    float input[ELEMENTS];
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    *state = fixture;
    for (int i = 0; i < ELEMENTS; i++)
        fixture->input[i] = 0.25f * (float)(i * 7 % 31) - 3.0f;
    if (plugcl_context_create(plugcl_context_params(.device = "cpu,gpu", .no_disk_cache = true), &fixture->context) ||
        plugcl_graph_create(NULL, &fixture->graph))
        return -1;
    fixture->x = plugcl_graph_input(fixture->graph, "x", PLUGCL_F32,
                                    PLUGCL_SHAPE(PLUGCL_DIM_ANY, C, PLUGCL_DIM_ANY, PLUGCL_DIM_ANY));
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    plugcl_context_destroy(&fixture->context);
    plugcl_graph_destroy(&fixture->graph);
    free(fixture);
    return 0;
}

static const char *mark_shapes(const struct plugcl_kernel_sizes *sizes, void *user)
{
    int64_t elements = plugcl_shape_elements(&sizes->inputs[0]);
    *(int *)user += 1;
    assert_int_equal(sizes->n_inputs, 1);
    assert_int_equal(sizes->n_outputs, 2);
    sizes->outputs[0] = sizes->inputs[0];
    sizes->outputs[1] = (plugcl_shape){ 1, { (elements + GROUP - 1) / GROUP } };
    return sizes->inputs[0].dims[2] == 1 ? "x has height 1; it must be at least 2" : NULL;
}

static const char *mark_range(const struct plugcl_kernel_sizes *sizes, struct plugcl_kernel_range *range, void *user)
{
    (void)user;
    assert_int_equal(range->global[0], plugcl_shape_elements(&sizes->outputs[0]));
    assert_true(sizes->max_work_group >= GROUP);
    range->local[0] = GROUP;
    return NULL;
}

/* All texts and tables vanish with this call. */
static plugcl_value add_mark(struct fixture *fixture, plugcl_value x, plugcl_layout layout, plugcl_value *outputs, int *asked)
{
    char *text = strdup(source);
    struct plugcl_kernel_argument arguments[] = {
        plugcl_argument_input(0),        plugcl_argument_float(2.0f),     plugcl_argument_dimension(0, 0),
        plugcl_argument_dimension(0, 1), plugcl_argument_dimension(0, 2), plugcl_argument_dimension(0, 3),
        plugcl_argument_output(0),       plugcl_argument_output(1),       plugcl_argument_local(GROUP * sizeof(float)),
        plugcl_argument_int(GROUP),
    };
    plugcl_value y = plugcl_graph_kernel(fixture->graph, &x, 1,
                                         plugcl_kernel_params(.source = text, .entry = "mark", .options = "-DUNUSED=1",
                                                              .n_outputs = 2, .arguments = arguments,
                                                              .n_arguments = sizeof arguments / sizeof arguments[0],
                                                              .shape_rule = mark_shapes, .range_rule = mark_range, .layout = layout,
                                                              .user = asked),
                                         outputs);
    memset(text, '#', strlen(text));
    memset(arguments, 0x55, sizeof arguments);
    free(text);
    return y;
}

static plugcl_status make_plan(struct fixture *fixture, bool no_fusion, bool channels_last, plugcl_plan **plan)
{
    const struct plugcl_input_shape shape = { "x", *PLUGCL_SHAPE(N, C, H, W) };
    return plugcl_plan_create(fixture->context, fixture->graph,
                              plugcl_plan_params(.shapes = &shape, .n_shapes = 1, .no_fusion = no_fusion,
                                                 .channels_last = channels_last),
                              plan);
}

static void run(struct fixture *fixture, plugcl_plan *plan, const char *name, float *data)
{
    plugcl_shape shape;
    struct plugcl_binding bindings[2] = { { "x", NULL }, { name, NULL } };
    assert_int_equal(plugcl_plan_shape(plan, name, &shape), PLUGCL_OK);
    size_t bytes = (size_t)plugcl_shape_elements(&shape) * sizeof *data;
    assert_int_equal(plugcl_tensor_wrap_host(fixture->input, sizeof fixture->input, PLUGCL_F32, PLUGCL_SHAPE(N, C, H, W),
                                             PLUGCL_NCHW, &bindings[0].tensor), PLUGCL_OK);
    assert_int_equal(plugcl_tensor_wrap_host(data, bytes, PLUGCL_F32, &shape, PLUGCL_NCHW, &bindings[1].tensor), PLUGCL_OK);
    assert_int_equal(plugcl_plan_run(plan, bindings, 2, NULL), PLUGCL_OK);
    plugcl_tensor_destroy(&bindings[0].tensor);
    plugcl_tensor_destroy(&bindings[1].tensor);
}

/* Where the kernel finds element (n, c, p) of [N, C, H·W]. */
static int place(plugcl_layout layout, int n, int c, int p)
{
    return layout == PLUGCL_NHWC ? (n * H * W + p) * C + c : (n * C + c) * H * W + p;
}

static float expected_y(const struct fixture *fixture, plugcl_layout layout, int n, int c, int p)
{
    return fixture->input[place(PLUGCL_NCHW, n, c, p)] * 2.0f + (float)place(layout, n, c, p);
}

static void check_y(const struct fixture *fixture, plugcl_layout layout, const float *y, int first_channel, int channels)
{
    for (int n = 0; n < N; n++)
        for (int c = 0; c < C; c++)
            for (int p = 0; p < H * W; p++)
                assert_float_equal(y[(n * channels + first_channel + c) * H * W + p], expected_y(fixture, layout, n, c, p), 1e-4f);
}

/* Both outputs, in both layouts, and with the other output unread. */
static void test_values(void **state)
{
    struct fixture *fixture = *state;
    float y[ELEMENTS], sums[GROUPS], expected[GROUPS] = { 0 };
    for (int layout = 0; layout < 2; layout++) {
        int asked = 0;
        plugcl_value outputs[2];
        plugcl_graph *other = NULL;
        plugcl_plan *plan;
        plugcl_value first = add_mark(fixture, fixture->x, layout, outputs, &asked);
        assert_int_equal(first.id, outputs[0].id);
        plugcl_graph_output(fixture->graph, "y", outputs[0]);
        assert_int_equal(make_plan(fixture, false, false, &plan), PLUGCL_OK);
        run(fixture, plan, "y", y);
        check_y(fixture, layout, y, 0, C);
        plugcl_plan_destroy(&plan);
        plugcl_graph_output(fixture->graph, "sums", outputs[1]);
        assert_int_equal(make_plan(fixture, false, false, &plan), PLUGCL_OK);
        run(fixture, plan, "sums", sums);
        memset(expected, 0, sizeof expected);
        for (int i = 0; i < ELEMENTS; i++) {
            int n = i / (C * H * W), c = i / (H * W) % C, p = i % (H * W);
            expected[place(layout, n, c, p) / GROUP] += expected_y(fixture, layout, n, c, p);
        }
        for (int i = 0; i < GROUPS; i++)
            assert_float_equal(sums[i], expected[i], 1e-3f);
        plugcl_plan_destroy(&plan);
        assert_true(asked > 0);
        plugcl_graph_destroy(&fixture->graph);
        assert_int_equal(plugcl_graph_create(NULL, &other), PLUGCL_OK);
        fixture->graph = other;
        fixture->x = plugcl_graph_input(other, "x", PLUGCL_F32, PLUGCL_SHAPE(PLUGCL_DIM_ANY, C, PLUGCL_DIM_ANY, PLUGCL_DIM_ANY));
    }
}

/* A slice of a concat is no dense memory, on the way in and on the way out; a channels-last boundary changes nothing. */
static void test_dense_among_views(void **state)
{
    struct fixture *fixture = *state;
    static float both[2 * ELEMENTS], identity[C * C];
    int asked = 0;
    for (int c = 0; c < C; c++)
        identity[c * C + c] = 1.0f;
    plugcl_value weight = plugcl_graph_constant(fixture->graph, PLUGCL_F32, PLUGCL_SHAPE(C, C, 1, 1), identity);
    plugcl_value copied = plugcl_graph_conv2d(fixture->graph, fixture->x, weight, (plugcl_value){ 0 }, NULL);
    plugcl_value marked = add_mark(fixture, copied, PLUGCL_NHWC, NULL, &asked);
    plugcl_graph_output(fixture->graph, "both",
                        plugcl_graph_concat(fixture->graph, (plugcl_value[]){ copied, marked }, 2, 1));
    for (int fusion = 0; fusion < 2; fusion++) {
        plugcl_plan *plan;
        memset(both, 0, sizeof both);
        assert_int_equal(make_plan(fixture, fusion == 0, false, &plan), PLUGCL_OK);
        run(fixture, plan, "both", both);
        check_y(fixture, PLUGCL_NHWC, both, C, 2 * C);
        plugcl_plan_destroy(&plan);
    }
}

/*
 * Fixed shapes and ranges, and a definition.
 */
static const char row_source[] =
    "__kernel void rows(__global const float *x, uint x_at, int row, __global float *y, uint y_at)\n"
    "{\n"
    "    int i = (int)get_global_id(0) * 4 + (int)get_global_id(1);\n"
    "    float sum = 0.0f;\n"
    "    for (int j = 0; j < row; j++)\n"
    "        sum += x[x_at + i * row + j];\n"
    "    y[y_at + i] = sum;\n"
    "}\n";

static void define_rows(plugcl_graph *graph, const plugcl_value *inputs, plugcl_value *outputs, void *user)
{
    if (user == NULL)
        outputs[0] = plugcl_graph_reduce(graph, PLUGCL_REDUCE_SUM, inputs[0], (const int[]){ 3 }, 1, true);
}

static void add_rows(struct fixture *fixture, void *user)
{
    const plugcl_shape shape = { 4, { PLUGCL_DIM_ANY, PLUGCL_DIM_ANY, PLUGCL_DIM_ANY, 1 } };
    const struct plugcl_kernel_argument arguments[] = { plugcl_argument_input(0), plugcl_argument_dimension(0, 3),
                                                        plugcl_argument_output(0) };
    plugcl_value y = plugcl_graph_kernel(fixture->graph, &fixture->x, 1,
                                         plugcl_kernel_params(.source = row_source, .entry = "rows", .arguments = arguments,
                                                              .n_arguments = 3, .output_shapes = &shape, .user = user,
                                                              .range = { .global = { N * C, H } }, .definition = define_rows),
                                         NULL);
    plugcl_graph_output(fixture->graph, "y", y);
}

static void test_definition(void **state)
{
    struct fixture *fixture = *state;
    struct plugcl_step_info step = { .struct_size = sizeof step };
    float y[2][N * C * H];
    add_rows(fixture, NULL);
    for (int fusion = 0; fusion < 2; fusion++) {
        plugcl_plan *plan;
        assert_int_equal(make_plan(fixture, fusion == 0, false, &plan), PLUGCL_OK);
        run(fixture, plan, "y", y[fusion]);
        assert_int_equal(plugcl_plan_step(plan, 0, &step), PLUGCL_OK);
        assert_string_equal(step.operation, fusion ? "kernel" : "reduce");
        plugcl_plan_destroy(&plan);
    }
    for (int i = 0; i < N * C * H; i++) {
        float sum = 0.0f;
        for (int j = 0; j < W; j++)
            sum += fixture->input[i * W + j];
        assert_float_equal(y[0][i], sum, 1e-4f);
        assert_float_equal(y[1][i], sum, 1e-4f);
    }
}

static void test_a_definition_sets_its_outputs(void **state)
{
    struct fixture *fixture = *state;
    plugcl_plan *plan;
    add_rows(fixture, fixture);
    assert_int_equal(make_plan(fixture, true, false, &plan), PLUGCL_INVALID);
    assert_message("definition sets no output 0");
}

/* The program is found again by its source, and another source is another program. */
static void test_programs_are_kept(void **state)
{
    struct fixture *fixture = *state;
    struct plugcl_context_statistics statistics = { .struct_size = sizeof statistics };
    uint64_t compiled[3];
    plugcl_plan *plan;
    add_rows(fixture, NULL);
    for (int i = 0; i < 3; i++) {
        int asked = 0;
        if (i == 2)
            plugcl_graph_output(fixture->graph, "z", add_mark(fixture, fixture->x, PLUGCL_NCHW, NULL, &asked));
        assert_int_equal(make_plan(fixture, false, false, &plan), PLUGCL_OK);
        plugcl_plan_destroy(&plan);
        plugcl_context_statistics(fixture->context, &statistics);
        compiled[i] = statistics.programs_compiled;
    }
    assert_int_equal(compiled[1], compiled[0]);
    assert_int_equal(compiled[2], compiled[0] + 1);
}

/*
 * Errors.
 */
static const char tiny[] = "__kernel void tiny(__global const float *x, uint x_at, __global float *y, uint y_at, int n)\n"
                           "{ y[y_at] = x[x_at]; }\n";

static plugcl_status plan_tiny(struct fixture *fixture, const struct plugcl_kernel_params *params)
{
    plugcl_graph *graph = NULL;
    plugcl_plan *plan = NULL;
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(2, 3, 1, 4));
    plugcl_value y = plugcl_graph_kernel(graph, &x, 1, params, NULL);
    plugcl_graph_output(graph, "y", y);
    plugcl_status status = plugcl_plan_create(fixture->context, graph, NULL, &plan);
    plugcl_plan_destroy(&plan);
    plugcl_graph_destroy(&graph);
    return status;
}

static const char *refuse_range(const struct plugcl_kernel_sizes *sizes, struct plugcl_kernel_range *range, void *user)
{
    (void)sizes;
    (void)range;
    (void)user;
    return "the width is 4; it must be odd";
}

static const char *refuse_shape(const struct plugcl_kernel_sizes *sizes, void *user)
{
    (void)sizes;
    (void)user;
    return "x has 3 channels; it must be even";
}

static const char *negative_shape(const struct plugcl_kernel_sizes *sizes, void *user)
{
    (void)user;
    sizes->outputs[0] = *PLUGCL_SHAPE(2, -7);
    return NULL;
}

static void test_plan_errors(void **state)
{
    struct fixture *fixture = *state;
    const struct plugcl_kernel_argument arguments[] = { plugcl_argument_input(0), plugcl_argument_output(0), plugcl_argument_int(1),
                                                        plugcl_argument_int(2), plugcl_argument_local((size_t)1 << 40) };
    const struct plugcl_kernel_argument swapped[] = { plugcl_argument_int(1), plugcl_argument_input(0), plugcl_argument_output(0) };
    struct plugcl_kernel_params good = plugcl_kernel_params_init(), params;
    good.source = tiny;
    good.entry = "tiny";
    good.arguments = arguments;
    good.n_arguments = 3;
    assert_int_equal(plan_tiny(fixture, &good), PLUGCL_OK);

    params = good;
    params.source = "__kernel void tiny(__global float *y)\n{\n    y[0] = not_declared_anywhere;\n}\n";
    assert_int_equal(plan_tiny(fixture, &params), PLUGCL_BUILD);
    assert_non_null(strstr(plugcl_error_message(), "tiny"));
    assert_non_null(strstr(plugcl_error_message(), "not_declared_anywhere"));
    params = good;
    params.entry = "huge";
    assert_int_equal(plan_tiny(fixture, &params), PLUGCL_NOT_FOUND);
    assert_message("no kernel \"huge\"");
    params = good;
    params.n_arguments = 4;
    assert_int_equal(plan_tiny(fixture, &params), PLUGCL_INVALID);
    assert_message("takes 5 arguments; the list gives it 6");
    params.n_arguments = 2;
    assert_int_equal(plan_tiny(fixture, &params), PLUGCL_INVALID);
    assert_message("takes 5 arguments; the list gives it 4");
    params.arguments = swapped;
    params.n_arguments = 3;
    assert_int_not_equal(plan_tiny(fixture, &params), PLUGCL_OK); /* drivers check the sizes of some arguments, at the least */
    assert_message("tiny");
    params = good;
    params.n_arguments = 5;
    assert_int_equal(plan_tiny(fixture, &params), PLUGCL_UNSUPPORTED);
    assert_message("of local memory; this device has");
    params = good;
    params.range.local[0] = params.range.local[1] = (size_t)1 << 40;
    assert_int_equal(plan_tiny(fixture, &params), PLUGCL_UNSUPPORTED);
    assert_message("this device takes at most");
    params = good;
    params.range_rule = refuse_range;
    assert_int_equal(plan_tiny(fixture, &params), PLUGCL_INVALID);
    assert_message("kernel tiny: the width is 4; it must be odd");
    params = good;
    params.shape_rule = refuse_shape;
    assert_int_equal(plan_tiny(fixture, &params), PLUGCL_INVALID);
    assert_message("kernel tiny: x has 3 channels; it must be even");
    params.shape_rule = negative_shape;
    assert_int_equal(plan_tiny(fixture, &params), PLUGCL_INVALID);
    assert_message("dimension 1 of output 0 is -7");
}

static void refused(const struct plugcl_kernel_params *params, size_t n_inputs, const char *message)
{
    plugcl_graph *graph = NULL;
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    plugcl_value x[9] = { plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(2, 3, 1, 4)) };
    plugcl_value outputs[2] = { { 1 }, { 1 } };
    assert_int_equal(plugcl_graph_kernel(graph, x, n_inputs, params, outputs).id, 0);
    assert_int_equal(outputs[0].id, 0);
    assert_int_equal(plugcl_graph_status(graph), PLUGCL_INVALID);
    assert_message(message);
    plugcl_graph_destroy(&graph);
}

static void test_graph_errors(void **state)
{
    (void)state;
    const plugcl_shape deep = { 5, { 1, 1, 1, 1, PLUGCL_DIM_ANY } };
    struct plugcl_kernel_argument wrong[2] = { plugcl_argument_output(0), plugcl_argument_output(0) };
    struct plugcl_kernel_params good = plugcl_kernel_params_init(), params;
    good.source = tiny;
    good.entry = "tiny";
    good.arguments = wrong;
    good.n_arguments = 2;
    refused(NULL, 1, "needs parameters");
    refused(&good, 0, "0 inputs; it must have 1 to 8");
    refused(&good, 9, "9 inputs; it must have 1 to 8");
    refused(&good, 2, "input 1 is not a value");
    params = good, params.entry = NULL;
    refused(&params, 1, "entry point");
    params = good, params.source = "";
    refused(&params, 1, "kernel tiny needs its source");
    params = good, params.arguments = NULL;
    refused(&params, 1, "needs a list of arguments");
    params = good, params.layout = (plugcl_layout)7;
    refused(&params, 1, "layout is 7");
    params = good, params.n_outputs = 3;
    refused(&params, 1, "3 outputs; it must have 1 to 2");
    params.n_outputs = 2;
    refused(&params, 1, "output 1 is not among the arguments");
    params = good, params.output_shapes = &deep;
    refused(&params, 1, "dimension 4 of output 0 is that of input 0, which has rank 4");
    params.shape_rule = refuse_shape;
    refused(&params, 1, "both output_shapes and a shape_rule");
    static const struct {
        struct plugcl_kernel_argument argument;
        const char *message;
    } cases[] = {
        { { .kind = PLUGCL_ARGUMENT_INPUT, .index = 1 }, "argument 1 is of input 1; there are 1 inputs" },
        { { .kind = PLUGCL_ARGUMENT_OUTPUT, .index = 1 }, "argument 1 is output 1; there are 1 outputs" },
        { { .kind = PLUGCL_ARGUMENT_DIMENSION, .axis = 4 }, "dimension 4 of input 0, which has rank 4" },
        { { .kind = PLUGCL_ARGUMENT_LOCAL }, "local memory of 0 bytes" },
        { { .kind = (plugcl_argument_kind)42 }, "unknown kind 42" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wrong[1] = cases[i].argument;
        refused(&good, 1, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_dense_among_views, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_definition, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_definition_sets_its_outputs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_programs_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plan_errors, set_up, tear_down),
        cmocka_unit_test(test_graph_errors),
    };
    return cmocka_run_group_tests_name("kernel", tests, NULL, NULL) ? 1 : 0;
}
