/* SPDX-License-Identifier: Apache-2.0 */
/* constant_test.c: constants that are computed when they are read, and the store of their packed forms, which plans share. */
#include "base/weights.h"
#include "device/queue.h"
#include "ops/constant.h"

#include "unit.h"

enum { COUNT = 3 };

/* How often the recipe was carried out. */
struct tally {
    int *computed;
    float factor;
};

static void scale(const float *const *sources, const struct constant *const *constants, const void *parameters, float *scaled)
{
    const struct tally *tally = parameters;
    (void)constants;
    ++*tally->computed;
    for (int i = 0; i < COUNT; i++)
        scaled[i] = sources[0][i] * tally->factor + (sources[1] ? sources[1][i] : 0.0f);
}

static struct constant *make(plugcl_dtype dtype, const void *data)
{
    struct constant *constant = NULL;
    assert_int_equal(constant_create(dtype, PLUGCL_SHAPE(COUNT), data, &constant), PLUGCL_OK);
    return constant;
}

static struct constant *derive(struct constant *x, struct constant *y, int *computed, float factor)
{
    const struct tally tally = { computed, factor };
    struct constant *derived = NULL;
    assert_int_equal(constant_derive(&(struct recipe){ "scale", scale, &tally, sizeof tally }, PLUGCL_SHAPE(COUNT),
                                     (struct constant *[]){ x, y }, 2, &derived),
                     PLUGCL_OK);
    return derived;
}

static struct buffer *upload(plugcl_context *context, struct constant *constant, const float expected[COUNT])
{
    struct buffer *buffer = NULL;
    float found[COUNT];
    assert_int_equal(constant_uploaded(context, constant, &buffer), PLUGCL_OK);
    assert_int_equal(buffer_read_now(buffer, 0, found, sizeof found), PLUGCL_OK);
    for (int i = 0; i < COUNT; i++)
        assert_float_equal(found[i], expected[i], 0.0f);
    return buffer;
}

/* Its sources may go: it holds them. The same recipe of the same sources is found in the store and computed no second time. */
static void test_derived_is_computed_when_read(void **state)
{
    int computed = 0;
    struct constant *x = make(PLUGCL_F32, (const float[]){ 1, 2, 3 });
    struct constant *first = derive(x, NULL, &computed, 2), *second = derive(x, NULL, &computed, 2);
    constant_drop(&x);
    assert_null(first->data);
    assert_int_equal(computed, 0);
    struct buffer *a = upload(*state, first, (const float[]){ 2, 4, 6 });
    struct buffer *b = upload(*state, second, (const float[]){ 2, 4, 6 });
    assert_int_equal(computed, 1);
    assert_true(buffer_is_same(a, b));
    buffer_drop(&a);
    buffer_drop(&b);
    constant_drop(&first);
    constant_drop(&second);
}

static void test_derived_of_derived(void **state)
{
    int computed = 0;
    struct constant *x = make(PLUGCL_I64, (const int64_t[]){ 1, -2, 3 });
    struct constant *half = make(PLUGCL_F16, (const uint16_t[]){ 0x3c00, 0, 0xbc00 });
    struct constant *once = derive(x, half, &computed, 2), *twice = derive(once, x, &computed, 10);
    struct buffer *buffer = upload(*state, twice, (const float[]){ 31, -42, 53 });
    assert_int_equal(computed, 2);
    buffer_drop(&buffer);
    constant_drop(&x);
    constant_drop(&half);
    constant_drop(&once);
    constant_drop(&twice);
}

/* Weights in a file lie at any address. */
static void test_unaligned_floats(void **state)
{
    char bytes[1 + COUNT * sizeof(float)];
    const float values[COUNT] = { 0.5f, -1.25f, 1e30f };
    plugcl_weights *weights = NULL;
    struct constant *constant = NULL;
    memcpy(bytes + 1, values, sizeof values);
    assert_int_equal(plugcl_weights_create(&weights), PLUGCL_OK);
    const struct plugcl_weights_entry entry = { .name = "w", .dtype = PLUGCL_F32, .shape = *PLUGCL_SHAPE(COUNT),
                                                .data = bytes + 1, .bytes = sizeof values };
    assert_int_equal(constant_from_weights(weights, &entry, &constant), PLUGCL_OK);
    struct buffer *buffer = upload(*state, constant, values);
    buffer_drop(&buffer);
    constant_drop(&constant);
    plugcl_weights_destroy(&weights);
}

enum { WIDE = 64 };

/* A convolution of WIDE channels with all of its weights `value`, folded with a norm that halves them. Both plans share the
 * weights, which are gone on the host when this returns; the next call's lie at the same address. */
static void plan_twice(plugcl_context *context, float value, plugcl_plan *plans[2])
{
    static float weight[WIDE * WIDE], zeros[WIDE], fours[WIDE];
    const plugcl_shape *const channels = PLUGCL_SHAPE(WIDE);
    plugcl_weights *weights = NULL;
    plugcl_graph *graph = NULL;
    for (int i = 0; i < WIDE * WIDE; i++)
        weight[i] = value;
    for (int i = 0; i < WIDE; i++)
        fours[i] = 4.0f;
    assert_int_equal(plugcl_weights_create(&weights), PLUGCL_OK);
    assert_int_equal(weights_lend(weights, "c.weight", PLUGCL_F32, PLUGCL_SHAPE(WIDE, WIDE, 1, 1), weight, sizeof weight),
                     PLUGCL_OK);
    assert_int_equal(weights_lend(weights, "mean", PLUGCL_F32, channels, zeros, sizeof zeros), PLUGCL_OK);
    assert_int_equal(weights_lend(weights, "variance", PLUGCL_F32, channels, fours, sizeof fours), PLUGCL_OK);
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(1, WIDE, 1, 1));
    plugcl_value y = plugcl_graph_conv2d_layer(graph, x, weights, "c", NULL);
    plugcl_value mean = plugcl_graph_weight(graph, weights, "mean"), variance = plugcl_graph_weight(graph, weights, "variance");
    y = plugcl_graph_batch_norm(graph, y, mean, variance, (plugcl_value){ 0 }, (plugcl_value){ 0 }, 0.0f);
    plugcl_graph_output(graph, "y", y);
    const uint64_t before = device_bytes(context);
    assert_int_equal(plugcl_plan_create(context, graph, NULL, &plans[0]), PLUGCL_OK);
    const uint64_t between = device_bytes(context);
    assert_int_equal(plugcl_plan_create(context, graph, NULL, &plans[1]), PLUGCL_OK);
    assert_true(between - before >= sizeof weight && device_bytes(context) - between < sizeof weight);
    plugcl_graph_destroy(&graph);
    plugcl_weights_destroy(&weights);
}

/* Weights may go once plans are made; others that come to lie where they lay are told from them. */
static void test_weights_may_go(void **state)
{
    enum { ROUNDS = 4 };
    plugcl_context *context = *state;
    plugcl_plan *plans[ROUNDS][2];
    float x[WIDE], y[WIDE];
    plugcl_tensor *tensors[2];
    const plugcl_shape *const shape = PLUGCL_SHAPE(1, WIDE, 1, 1);
    for (int i = 0; i < WIDE; i++)
        x[i] = 1.0f;
    assert_int_equal(plugcl_tensor_wrap_host(x, sizeof x, PLUGCL_F32, shape, PLUGCL_NCHW, &tensors[0]), PLUGCL_OK);
    assert_int_equal(plugcl_tensor_wrap_host(y, sizeof y, PLUGCL_F32, shape, PLUGCL_NCHW, &tensors[1]), PLUGCL_OK);
    const struct plugcl_binding bindings[2] = { { "x", tensors[0] }, { "y", tensors[1] } };
    for (int i = 0; i < ROUNDS; i++)
        plan_twice(context, (float)(i + 1), plans[i]);
    for (int i = 0; i < 2 * ROUNDS; i++) {
        assert_int_equal(plugcl_plan_run(plans[i / 2][i % 2], bindings, 2, NULL), PLUGCL_OK);
        for (int channel = 0; channel < WIDE; channel++)
            assert_float_equal(y[channel], WIDE / 2.0f * (float)(i / 2 + 1), 1e-3f);
        plugcl_plan_destroy(&plans[i / 2][i % 2]);
    }
    plugcl_tensor_destroy(&tensors[0]);
    plugcl_tensor_destroy(&tensors[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_derived_is_computed_when_read, make_context, destroy_context),
        cmocka_unit_test_setup_teardown(test_derived_of_derived, make_context, destroy_context),
        cmocka_unit_test_setup_teardown(test_unaligned_floats, make_context, destroy_context),
        cmocka_unit_test_setup_teardown(test_weights_may_go, make_context, destroy_context),
    };
    return cmocka_run_group_tests_name("constant", tests, NULL, NULL) ? 1 : 0;
}
