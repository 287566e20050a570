/* SPDX-License-Identifier: Apache-2.0 */
/* graph_test.c: what a graph refuses, and how it says so. No device is needed. */
#include <math.h>

#include <plugcl/plugcl.h>

#include "unit.h"

static const plugcl_value none = { 0 };

static void test_names_are_of_one_thing(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        plugcl_graph *graph = NULL;
        assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
        plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(1));
        plugcl_graph_output(graph, i == 0 ? "x" : i == 1 ? "" : "y", x);
        if (i == 2)
            plugcl_graph_output(graph, "y", x);
        if (i == 3)
            plugcl_graph_input(graph, "y", PLUGCL_F32, PLUGCL_SHAPE(1));
        assert_int_equal(plugcl_graph_status(graph), PLUGCL_INVALID);
        assert_message("name");
        plugcl_graph_destroy(&graph);
    }
}

/*
 * Each error names the operator behind the label, the operand, what it is and what it should be.
 */
static float zeros[1024];

static plugcl_value constant(plugcl_graph *graph, const plugcl_shape *shape)
{
    return plugcl_graph_constant(graph, PLUGCL_F32, shape, zeros);
}

static plugcl_graph *begin(plugcl_value *x, plugcl_value *matrix)
{
    plugcl_graph *graph = NULL;
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    *x = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(2, 6, 5, 4));
    *matrix = plugcl_graph_input(graph, "matrix", PLUGCL_F32, PLUGCL_SHAPE(3, 7));
    plugcl_graph_label(graph, "layer1.op");
    return graph;
}

static void assert_refused(plugcl_graph *graph, const char *operation, const char *found, const char *wanted)
{
    assert_int_equal(plugcl_graph_status(graph), PLUGCL_INVALID);
    assert_int_equal(strncmp(plugcl_error_message(), "layer1.op: ", 11), 0);
    assert_message(operation);
    assert_message(found);
    assert_message(wanted);
    /* The first error stays. */
    plugcl_graph_output(graph, "other", (plugcl_value){ 0 });
    assert_int_equal(plugcl_graph_fail(graph, PLUGCL_FORMAT, "another"), PLUGCL_FORMAT);
    assert_int_equal(plugcl_graph_status(graph), PLUGCL_INVALID);
    assert_message(found);
    plugcl_graph_destroy(&graph);
}

#define REFUSED(operation, found, wanted, call)                                                                                    \
    do {                                                                                                                           \
        plugcl_value x, matrix;                                                                                                    \
        plugcl_graph *g = begin(&x, &matrix);                                                                                      \
        assert_int_equal((call).id, 0);                                                                                            \
        assert_refused(g, operation, found, wanted);                                                                               \
    } while (0)

static void test_layer_errors(void **state)
{
    (void)state;
    REFUSED("conv2d", "x has rank 2", "must be 4",
            plugcl_graph_conv2d(g, matrix, constant(g, PLUGCL_SHAPE(4, 6, 1, 1)), none, NULL));
    REFUSED("conv2d", "weight takes 5 channels", "must be 6",
            plugcl_graph_conv2d(g, x, constant(g, PLUGCL_SHAPE(4, 5, 1, 1)), none, NULL));
    REFUSED("conv2d", "bias has rank 1 and 5 elements", "must be [4]",
            plugcl_graph_conv2d(g, x, constant(g, PLUGCL_SHAPE(4, 6, 1, 1)), constant(g, PLUGCL_SHAPE(5)), NULL));
    REFUSED("conv2d", "covers 7 pixels", "x has 5", plugcl_graph_conv2d(g, x, constant(g, PLUGCL_SHAPE(4, 6, 7, 1)), none, NULL));
    REFUSED("conv2d", "6 channels", "4 groups",
            plugcl_graph_conv2d(g, x, constant(g, PLUGCL_SHAPE(4, 2, 1, 1)), none, plugcl_conv2d_params(.groups = 4)));
    REFUSED("linear", "weight takes 5 inputs", "x has 4", plugcl_graph_linear(g, x, constant(g, PLUGCL_SHAPE(4, 5)), none));
    REFUSED("linear", "bias has rank 1 and 3 elements", "must be [4]",
            plugcl_graph_linear(g, x, constant(g, PLUGCL_SHAPE(4, 4)), constant(g, PLUGCL_SHAPE(3))));
    REFUSED("matmul", "a has 7 columns", "b has 6 rows",
            plugcl_graph_matmul(g, matrix, constant(g, PLUGCL_SHAPE(6, 7)), false, false));
    REFUSED("matmul", "b has 3 rows", "equal", plugcl_graph_matmul(g, matrix, matrix, false, false));
    REFUSED("matmul", "after transposing", "equal", plugcl_graph_matmul(g, matrix, matrix, true, true));
    REFUSED("matmul", "6 and 4 elements", "equal or 1",
            plugcl_graph_matmul(g, x, constant(g, PLUGCL_SHAPE(4, 4, 2)), false, false));
    REFUSED("matmul", "vector of 7", "only matrices",
            plugcl_graph_matmul(g, matrix, constant(g, PLUGCL_SHAPE(7)), false, true));
    REFUSED("matmul", "operand 1", "missing", plugcl_graph_matmul(g, x, none, false, false));
    REFUSED("attention", "q has rank 4", "must be 3", plugcl_graph_attention(g, x, x, x, NULL));
    REFUSED("attention", "keys have 5 channels", "queries have 4",
            plugcl_graph_attention(g, constant(g, PLUGCL_SHAPE(2, 3, 4)), constant(g, PLUGCL_SHAPE(2, 3, 5)), x, NULL));
    REFUSED("attention", "v is a batch of 2 with 4 rows", "2 with 3, one for each",
            plugcl_graph_attention(g, constant(g, PLUGCL_SHAPE(2, 3, 4)), constant(g, PLUGCL_SHAPE(2, 3, 4)),
                                   constant(g, PLUGCL_SHAPE(2, 4, 4)), NULL));
    REFUSED("attention", "have 4 channels", "must have 1",
            plugcl_graph_attention(g, constant(g, PLUGCL_SHAPE(2, 3, 4)), constant(g, PLUGCL_SHAPE(2, 3, 4)),
                                   constant(g, PLUGCL_SHAPE(2, 3, 4)),
                                   plugcl_attention_params(.mode = PLUGCL_ATTENTION_CONCATENATION)));
    REFUSED("attention", "softmax_over_queries", "must be softmax",
            plugcl_graph_attention(g, x, x, x,
                                   plugcl_attention_params(.mode = PLUGCL_ATTENTION_DOT_PRODUCT, .softmax_over_queries = true)));
    REFUSED("batch_norm", "mean has 5 elements", "6 channels",
            plugcl_graph_batch_norm(g, x, constant(g, PLUGCL_SHAPE(5)), constant(g, PLUGCL_SHAPE(6)), none, none, 0));
    REFUSED("batch_norm", "variance", "missing", plugcl_graph_batch_norm(g, x, constant(g, PLUGCL_SHAPE(6)), none, none, none, 0));
    REFUSED("pool2d", "window of 6", "height of 5", plugcl_graph_max_pool2d(g, x, plugcl_pool2d_params(.kernel = { 6, 2 })));
    REFUSED("pool2d", "rank 2", "must be 4", plugcl_graph_avg_pool2d(g, matrix, plugcl_pool2d_params(.kernel = { 2, 2 })));
    REFUSED("adaptive_pool2d", "0 x 1", "at least 1", plugcl_graph_adaptive_avg_pool2d(g, x, 0, 1));
    REFUSED(
        "channel_gate", "first weight is [2, 5]", "must be [hidden",
        plugcl_graph_channel_gate(g, x, constant(g, PLUGCL_SHAPE(2, 5)), none, constant(g, PLUGCL_SHAPE(6, 2)), none, NULL, NULL));
    REFUSED("channel_gate", "activation 99", "no",
            plugcl_graph_channel_gate(g, x, constant(g, PLUGCL_SHAPE(2, 6)), none, constant(g, PLUGCL_SHAPE(6, 2)), none,
                                      plugcl_channel_gate_params(.act = (plugcl_activation)99), NULL));
    REFUSED("spatial_gate", "[1, 2, 4, 4]", "odd K",
            plugcl_graph_spatial_gate(g, x, constant(g, PLUGCL_SHAPE(1, 2, 4, 4)), none, NULL, NULL));
}

static plugcl_value split(plugcl_graph *graph, plugcl_value x, const int64_t *sizes, size_t n)
{
    plugcl_value parts[8];
    plugcl_graph_split(graph, x, 1, sizes, n, parts);
    return n > 0 ? parts[0] : none;
}

static void test_rearranging_errors(void **state)
{
    static const int64_t sizes[2] = { 2, 3 };
    (void)state;
    REFUSED("slice", "axis 4", "-4 to 3", plugcl_graph_slice(g, x, &(struct plugcl_slice){ 4, 0, 1, 1 }, 1));
    REFUSED("slice", "axis -1", "twice", plugcl_graph_slice(g, x, (struct plugcl_slice[]){ { 3, 0, 1, 1 }, { -1, 0, 1, 1 } }, 2));
    REFUSED("slice", "2 slices", "not NULL", plugcl_graph_slice(g, x, NULL, 2));
    REFUSED("squeeze", "1 axes", "not NULL", plugcl_graph_squeeze(g, x, NULL, 1));
    REFUSED("unsqueeze", "2 axes", "not NULL", plugcl_graph_unsqueeze(g, x, NULL, 2));
    REFUSED("reduce", "1 axes", "not NULL", plugcl_graph_reduce(g, PLUGCL_REDUCE_SUM, x, NULL, 1, false));
    REFUSED("transpose", "the order", "each of the 4 axes", plugcl_graph_transpose(g, x, NULL, 4));
    REFUSED("split", "add up to 5", "has 6", split(g, x, sizes, 2));
    REFUSED("split", "part 0 has -1", "at least 0", split(g, x, (const int64_t[]){ -1, 7 }, 2));
    REFUSED("split", "6 elements into 4", "parts of 2 they are 3", split(g, x, NULL, 4));
    REFUSED("split", "at least one", "part", split(g, x, NULL, 0));
    REFUSED("squeeze", "axis 2, which has 5", "must have 1", plugcl_graph_squeeze(g, x, (const int[]){ -2 }, 1));
    REFUSED("squeeze", "axis 9", "-4 to 3", plugcl_graph_squeeze(g, x, (const int[]){ 9 }, 1));
    REFUSED("squeeze", "axis 1", "twice", plugcl_graph_squeeze(g, x, (const int[]){ 1, 1 }, 2));
    REFUSED("unsqueeze", "axis 5", "-5 to 4", plugcl_graph_unsqueeze(g, x, (const int[]){ 5 }, 1));
    REFUSED("unsqueeze", "by 5 axes", "at most 8", plugcl_graph_unsqueeze(g, x, (const int[]){ 0, 1, 2, 3, 4 }, 5));
    REFUSED("pixel_shuffle", "6 x 5 x 4", "multiple of 4", plugcl_graph_pixel_shuffle(g, x, 2));
    REFUSED("pixel_unshuffle", "6 x 5 x 4", "multiple of 2", plugcl_graph_pixel_unshuffle(g, x, 2));
    REFUSED("pixel_shuffle", "rank 2", "3 to 6", plugcl_graph_pixel_shuffle(g, matrix, 1));
    REFUSED("pixel_shuffle", "factor of 0", "1 to", plugcl_graph_pixel_shuffle(g, x, 0));
    REFUSED("compare", "f32 with bool", "one type", plugcl_graph_compare(g, PLUGCL_EQ, x, plugcl_graph_cast(g, x, PLUGCL_BOOL)));
    REFUSED("compare", "6 and 7 elements", "equal or 1", plugcl_graph_compare(g, PLUGCL_LT, x, constant(g, PLUGCL_SHAPE(7, 1, 1))));
    REFUSED("compare", "comparison 6", "0 to 5", plugcl_graph_compare(g, (plugcl_comparison)6, x, x));
    REFUSED("where", "condition is f32", "must be bool", plugcl_graph_where(g, x, x, x));
    REFUSED("where", "between f32 and bool", "one type",
            plugcl_graph_where(g, plugcl_graph_cast(g, x, PLUGCL_BOOL), x, plugcl_graph_cast(g, x, PLUGCL_BOOL)));
    REFUSED("where", "operand 2", "missing", plugcl_graph_where(g, plugcl_graph_cast(g, x, PLUGCL_BOOL), x, none));
    REFUSED("pad", "axis 4", "rank 4", plugcl_graph_pad(g, x, plugcl_pad_params(.before = { 0, 0, 0, 0, 1 })));
    REFUSED("pad", "4 elements by -3 before and -2", "at least 0",
            plugcl_graph_pad(g, x, plugcl_pad_params(.before = { 0, 0, 0, -3 }, .after = { 0, 0, 0, -2 })));
    REFUSED("pad", "5 elements by 0 before and 5", "less than",
            plugcl_graph_pad(g, x, plugcl_pad_params(.mode = PLUGCL_PAD_REFLECT, .after = { 0, 0, 5 })));
    REFUSED("pad", "edge of axis 0", "no elements",
            plugcl_graph_pad(g, constant(g, PLUGCL_SHAPE(0, 2)), plugcl_pad_params(.mode = PLUGCL_PAD_EDGE, .after = { 1 })));
    REFUSED("pad", "mode is 3", "0 to 2", plugcl_graph_pad(g, x, plugcl_pad_params(.mode = (plugcl_pad_mode)3, .after = { 1 })));
    REFUSED("pad", "0.5 of i32", "32-bit integer",
            plugcl_graph_pad(g, plugcl_graph_cast(g, x, PLUGCL_I32), plugcl_pad_params(.value = 0.5f)));
    REFUSED("gather", "indices are f32", "i32 or i64", plugcl_graph_gather(g, x, x, 0));
    REFUSED("gather", "rank 9", "at most 8",
            plugcl_graph_gather(g, constant(g, PLUGCL_SHAPE(1, 1, 1, 1, 1, 1)), plugcl_graph_cast(g, x, PLUGCL_I64), 0));
    REFUSED("gather", "axis 4", "-4 to 3", plugcl_graph_gather(g, x, plugcl_graph_cast(g, matrix, PLUGCL_I32), 4));
    REFUSED("clip", "limits are nan and 1", "number", plugcl_graph_activation(g, x, PLUGCL_CLIP, NAN, 1));
}

/* What is known of a shape before the plan: a slice of an axis of unknown size may be clamped; it is squeezed if it is named. */
static void test_unknown_sizes(void **state)
{
    plugcl_graph *graph = NULL;
    plugcl_shape shape;
    (void)state;
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(PLUGCL_DIM_ANY, 6, PLUGCL_DIM_ANY));
    plugcl_value y = plugcl_graph_slice(graph, x, (struct plugcl_slice[]){ { 0, 0, 5, 1 }, { 1, -2, PLUGCL_SLICE_END, 1 } }, 2);
    assert_int_equal(plugcl_graph_shape(graph, y, &shape), PLUGCL_OK);
    assert_int_equal(shape.dims[0], PLUGCL_DIM_ANY);
    assert_int_equal(shape.dims[1], 2);
    y = plugcl_graph_squeeze(graph, x, (const int[]){ 2 }, 1);
    assert_int_equal(plugcl_graph_shape(graph, y, &shape), PLUGCL_OK);
    assert_int_equal(shape.rank, 2);
    y = plugcl_graph_where(graph, plugcl_graph_compare(graph, PLUGCL_GT, x, constant(graph, PLUGCL_SHAPE(7, 1, 6, 3))), x, x);
    assert_int_equal(plugcl_graph_shape(graph, y, &shape), PLUGCL_OK);
    assert_int_equal(shape.rank, 4);
    plugcl_graph_squeeze(graph, x, NULL, 0);
    assert_int_equal(plugcl_graph_status(graph), PLUGCL_INVALID);
    assert_message("squeeze of all axes of size 1 needs a known shape; name the axes");
    plugcl_graph_destroy(&graph);
}

static void test_other_operator_errors(void **state)
{
    (void)state;
    REFUSED("prelu", "slope has 5 elements", "6 channels", plugcl_graph_prelu(g, x, constant(g, PLUGCL_SHAPE(5))));
    REFUSED("prelu", "operand 1", "missing", plugcl_graph_prelu(g, x, none));
    REFUSED("binary", "5 and 3 elements", "equal or 1",
            plugcl_graph_binary(g, PLUGCL_ADD, x, plugcl_graph_constant(g, PLUGCL_F32, PLUGCL_SHAPE(3, 4), zeros)));
    REFUSED("binary", "operand 1", "missing", plugcl_graph_binary(g, PLUGCL_ADD, x, none));
    REFUSED("activation", "99", "no activation", plugcl_graph_activation(g, x, (plugcl_activation)99, 0, 0));
    REFUSED("concat", "operand 1 has rank 2", "first has rank 4", plugcl_graph_concat(g, (plugcl_value[]){ x, matrix }, 2, 1));
    REFUSED("concat", "operand 1", "missing", plugcl_graph_concat(g, (plugcl_value[]){ x, none, x }, 3, 1));
    REFUSED("concat", "axis 4", "-4 to 3", plugcl_graph_concat(g, &x, 1, 4));
    REFUSED("reshape", "240 elements", "7", plugcl_graph_reshape(g, x, PLUGCL_SHAPE(7, -1)));
    REFUSED("reshape", "rank", "0 to 8", plugcl_graph_reshape(g, x, &(plugcl_shape){ .rank = 99 }));
    REFUSED("flatten", "axis 3 to 1", "rank 4", plugcl_graph_flatten(g, x, 3, 1));
    REFUSED("transpose", "each", "4 axes", plugcl_graph_transpose(g, x, (const int[]){ 0, 1, 1, 2 }, 4));
    REFUSED("softmax", "axis -5", "-4 to 3", plugcl_graph_softmax(g, x, -5));
    REFUSED("reduce", "axis 1", "twice", plugcl_graph_reduce(g, PLUGCL_REDUCE_MEAN, x, (const int[]){ 1, -3 }, 2, false));
    REFUSED("constant", "needs", "data", plugcl_graph_constant(g, PLUGCL_F32, PLUGCL_SHAPE(2), NULL));
    REFUSED("input deep", "rank 9", "at most 8", plugcl_graph_input(g, "deep", PLUGCL_F32, &(plugcl_shape){ .rank = 9 }));
}

static plugcl_value pyramid_of(plugcl_graph *g, plugcl_value x, plugcl_value weight, plugcl_value pool, plugcl_value projection)
{
    const struct plugcl_pyramid_branch branch = { .weight = weight };
    return plugcl_graph_pyramid(g, x, &branch, 1, pool, none, projection, none, NULL);
}

static void test_pyramid_and_resize_errors(void **state)
{
    (void)state;
    REFUSED("pyramid's branch", "[O ≥ 1, 6, K, K]", "odd K",
            pyramid_of(g, x, constant(g, PLUGCL_SHAPE(2, 6, 2, 2)), none, constant(g, PLUGCL_SHAPE(3, 2, 1, 1))));
    REFUSED("pyramid's projection", "3 x 2 x 1 x 1", "[O ≥ 1, 7, K, K]",
            pyramid_of(g, x, constant(g, PLUGCL_SHAPE(2, 6, 3, 3)), constant(g, PLUGCL_SHAPE(5, 6, 1, 1)),
                       constant(g, PLUGCL_SHAPE(3, 2, 1, 1))));
    REFUSED("pyramid's pool", "3 x 3", "1 x 1",
            pyramid_of(g, x, constant(g, PLUGCL_SHAPE(2, 6, 3, 3)), constant(g, PLUGCL_SHAPE(5, 6, 3, 3)),
                       constant(g, PLUGCL_SHAPE(3, 7, 1, 1))));
    REFUSED("pyramid's branch", "operand 0", "missing", pyramid_of(g, x, none, none, constant(g, PLUGCL_SHAPE(3, 2, 1, 1))));
    REFUSED("pyramid", "0 branches", "1 to 9", plugcl_graph_pyramid(g, x, NULL, 0, none, none, x, none, NULL));
    REFUSED("resize", "neither a size nor a scale", "height", plugcl_graph_resize(g, x, none, NULL));
    REFUSED("resize", "leaves none", "width",
            plugcl_graph_resize(g, x, none, plugcl_resize_params(.size = { 3, 0 }, .scale = { 0, 0.2 })));
    REFUSED("resize", "scale of the height is -1", "above 0",
            plugcl_graph_resize(g, x, none, plugcl_resize_params(.scale = { -1, 1 })));
    REFUSED("resize", "rank 2", "must be 4", plugcl_graph_resize(g, x, matrix, NULL));
    REFUSED("resize", "mode 9", "no", plugcl_graph_resize(g, x, none, plugcl_resize_params(.mode = (plugcl_sample_mode)9)));
}

/* Places and arrays that are NULL. */
static void test_null(void **state)
{
    (void)state;
    plugcl_graph *graph = NULL;
    plugcl_node *node = NULL;
    assert_int_equal(plugcl_graph_create(NULL, NULL), PLUGCL_INVALID);
    assert_message("no place for the graph");
    assert_int_equal(plugcl_registry_create(NULL), PLUGCL_INVALID);
    assert_message("no place for the registry");
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(2));
    assert_int_equal(plugcl_graph_shape(graph, x, NULL), PLUGCL_INVALID);
    assert_message("no place for the shape");
    assert_int_equal(plugcl_graph_dtype(graph, x, NULL), PLUGCL_INVALID);
    assert_message("no place for the type");
    assert_int_equal(plugcl_graph_plugin(graph, "se", NULL, 1, NULL, NULL, NULL, &node), PLUGCL_INVALID);
    assert_message("se takes 1 inputs, not NULL");
    assert_null(node);
    plugcl_graph_destroy(&graph);
}

static plugcl_status build_identity(plugcl_graph *graph, const struct plugcl_plugin_call *call, void *user)
{
    (void)graph;
    (void)user;
    plugcl_call_set_output(call, "y", plugcl_call_input(call, 0));
    return PLUGCL_OK;
}

static void test_null_output_name(void **state)
{
    (void)state;
    static const char *const inputs[] = { "x", NULL }, *const outputs[] = { "y", NULL };
    static const struct plugcl_plugin identity = { .struct_size = sizeof identity, .api_version = PLUGCL_PLUGIN_API_VERSION,
                                                   .name = "identity", .summary = "x", .inputs = inputs, .outputs = outputs,
                                                   .build = build_identity };
    plugcl_registry *registry = NULL;
    plugcl_graph *graph = NULL;
    plugcl_node *node = NULL;
    assert_int_equal(plugcl_registry_create(&registry), PLUGCL_OK);
    assert_int_equal(plugcl_registry_add(registry, &identity, NULL), PLUGCL_OK);
    assert_int_equal(plugcl_graph_create(plugcl_graph_params(.registry = registry), &graph), PLUGCL_OK);
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(2));
    assert_int_equal(plugcl_graph_plugin(graph, "identity", &x, 1, NULL, NULL, NULL, &node), PLUGCL_OK);
    assert_int_equal(plugcl_node_output(node, NULL).id, 0);
    assert_int_equal(plugcl_graph_status(graph), PLUGCL_INVALID);
    assert_message("an output of plug-in identity is asked for by its name, not NULL");
    plugcl_graph_destroy(&graph);
    plugcl_registry_destroy(&registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_of_one_thing),
        cmocka_unit_test(test_layer_errors),
        cmocka_unit_test(test_other_operator_errors),
        cmocka_unit_test(test_pyramid_and_resize_errors),
        cmocka_unit_test(test_rearranging_errors),
        cmocka_unit_test(test_unknown_sizes),
        cmocka_unit_test(test_null),
        cmocka_unit_test(test_null_output_name),
    };
    return cmocka_run_group_tests_name("graph", tests, NULL, NULL) ? 1 : 0;
}
