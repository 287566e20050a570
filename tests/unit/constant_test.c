/* SPDX-License-Identifier: Apache-2.0 */
/* constant_test.c: constants that are computed when they are read, and the store of their packed forms. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_derived_is_computed_when_read, make_context, destroy_context),
        cmocka_unit_test_setup_teardown(test_derived_of_derived, make_context, destroy_context),
        cmocka_unit_test_setup_teardown(test_unaligned_floats, make_context, destroy_context),
    };
    return cmocka_run_group_tests_name("constant", tests, NULL, NULL) ? 1 : 0;
}
