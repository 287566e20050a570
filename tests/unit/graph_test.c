/* SPDX-License-Identifier: Apache-2.0 */
/* graph_test.c: what a graph refuses, and how it says so. No device is needed. */
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
static float zeros[256];

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
    REFUSED("matmul", "a has 7 columns", "b has 6 rows", plugcl_graph_matmul(g, matrix, constant(g, PLUGCL_SHAPE(6, 7)), false, false));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_of_one_thing),
        cmocka_unit_test(test_layer_errors),
        cmocka_unit_test(test_other_operator_errors),
    };
    return cmocka_run_group_tests_name("graph", tests, NULL, NULL) ? 1 : 0;
}
