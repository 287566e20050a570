/* SPDX-License-Identifier: Apache-2.0 */
/* weights_test.c: named tensors made in memory, and finding them. */
#include "base/memory.h"
#include "base/thread.h"
#include "base/weights.h"

#include "unit.h"

/* Adds a scalar whose value tells it from the others. */
static void add_scalar(plugcl_weights *w, const char *name, float value)
{
    assert_int_equal(plugcl_weights_add(w, name, PLUGCL_F32, &(plugcl_shape){ 0 }, &value, sizeof value), PLUGCL_OK);
}

static float scalar(const plugcl_weights *w, const char *name)
{
    const struct plugcl_weights_entry *entry = plugcl_weights_find(w, name);
    float value = -1;
    if (entry)
        memcpy(&value, entry->data, sizeof value);
    return value;
}

static void test_add(void **state)
{
    (void)state;
    plugcl_weights *w = NULL;
    assert_int_equal(plugcl_weights_create(&w), PLUGCL_OK);
    assert_int_equal(plugcl_weights_count(w), 0);
    assert_null(plugcl_weights_at(w, 0));
    assert_null(plugcl_weights_find(w, "x"));
    float data[6] = { 1, 2, 3, 4, 5, 6 };
    assert_int_equal(plugcl_weights_add(w, "conv.weight", PLUGCL_F32, PLUGCL_SHAPE(2, 3), data, sizeof data), PLUGCL_OK);
    data[0] = 99; /* the object has a copy */
    add_scalar(w, "b", 7);
    assert_int_equal(plugcl_weights_add(w, "none", PLUGCL_I64, PLUGCL_SHAPE(3, 0), NULL, 0), PLUGCL_OK);
    assert_int_equal(plugcl_weights_count(w), 3);
    const struct plugcl_weights_entry *entry = plugcl_weights_at(w, 0);
    assert_string_equal(entry->name, "conv.weight");
    assert_int_equal(entry->dtype, PLUGCL_F32);
    assert_int_equal(entry->shape.rank, 2);
    assert_int_equal(entry->shape.dims[1], 3);
    assert_int_equal(entry->bytes, 24);
    assert_true(((const float *)entry->data)[0] == 1.0f);
    assert_ptr_equal(plugcl_weights_find(w, "conv.weight"), entry);
    assert_string_equal(plugcl_weights_at(w, 1)->name, "b");
    assert_int_equal(plugcl_weights_at(w, 2)->bytes, 0);
    assert_null(plugcl_weights_at(w, 3));
    assert_null(plugcl_weights_at(w, SIZE_MAX));
    assert_null(plugcl_weights_find(w, "conv.weigh"));
    assert_null(plugcl_weights_find(w, ""));
    plugcl_weights_destroy(&w);
    assert_null(w);
    plugcl_weights_destroy(&w);
    plugcl_weights_destroy(NULL);
}

static void test_wrong_arguments(void **state)
{
    (void)state;
    plugcl_weights *w = NULL;
    float x[4] = { 0 };
    plugcl_shape deep = { .rank = PLUGCL_MAX_RANK + 1 };
    assert_int_equal(plugcl_weights_create(NULL), PLUGCL_INVALID);
    assert_int_equal(plugcl_weights_create(&w), PLUGCL_OK);
    assert_int_equal(plugcl_weights_add(NULL, "x", PLUGCL_F32, PLUGCL_SHAPE(4), x, 16), PLUGCL_INVALID);
    assert_int_equal(plugcl_weights_add(w, NULL, PLUGCL_F32, PLUGCL_SHAPE(4), x, 16), PLUGCL_INVALID);
    assert_int_equal(plugcl_weights_add(w, "x", PLUGCL_F32, NULL, x, 16), PLUGCL_INVALID);
    assert_int_equal(plugcl_weights_add(w, "x", PLUGCL_F32, PLUGCL_SHAPE(4), NULL, 16), PLUGCL_INVALID);
    assert_int_equal(plugcl_weights_add(w, "x", (plugcl_dtype)77, PLUGCL_SHAPE(4), x, 16), PLUGCL_INVALID);
    assert_message("77");
    assert_int_equal(plugcl_weights_add(w, "x", PLUGCL_F32, PLUGCL_SHAPE(4), x, 12), PLUGCL_INVALID);
    assert_message("12 bytes of data; its shape and type f32 need 16");
    assert_int_equal(plugcl_weights_add(w, "x", PLUGCL_F32, PLUGCL_SHAPE(-1), x, 16), PLUGCL_INVALID);
    assert_int_equal(plugcl_weights_add(w, "x", PLUGCL_F32, PLUGCL_SHAPE(INT64_MAX, 4), x, 16), PLUGCL_INVALID);
    assert_int_equal(plugcl_weights_add(w, "x", PLUGCL_F32, PLUGCL_SHAPE(INT64_MAX), x, 16), PLUGCL_INVALID);
    assert_int_equal(plugcl_weights_add(w, "x", PLUGCL_F32, &deep, x, 16), PLUGCL_INVALID);
    assert_message("rank 9");
    assert_int_equal(plugcl_weights_count(w), 0);
    add_scalar(w, "x", 1);
    assert_int_equal(plugcl_weights_add(w, "x", PLUGCL_F32, PLUGCL_SHAPE(4), x, 16), PLUGCL_INVALID);
    assert_message("\"x\" is there already");
    assert_int_equal(plugcl_weights_count(w), 1);
    assert_int_equal(plugcl_weights_count(NULL), 0);
    assert_null(plugcl_weights_at(NULL, 0));
    assert_null(plugcl_weights_find(NULL, "x"));
    assert_null(plugcl_weights_find(w, NULL));
    plugcl_weights_destroy(&w);
}

/* As written first; then without wrappers, on either side, the first of the file. */
static void test_wrappers(void **state)
{
    (void)state;
    plugcl_weights *w = NULL;
    assert_int_equal(plugcl_weights_create(&w), PLUGCL_OK);
    add_scalar(w, "module.fc.weight", 1);
    add_scalar(w, "model.fc.weight", 2);
    add_scalar(w, "plain.weight", 3);
    add_scalar(w, "_orig_mod.module.model.deep", 4);
    add_scalar(w, "model.", 5);
    add_scalar(w, "modelx.fc", 6);
    add_scalar(w, "encoder.model.fc", 7);
    assert_true(scalar(w, "fc.weight") == 1);
    assert_true(scalar(w, "module.fc.weight") == 1);
    assert_true(scalar(w, "model.fc.weight") == 2);
    assert_true(scalar(w, "_orig_mod.fc.weight") == 1);
    assert_true(scalar(w, "module.plain.weight") == 3);
    assert_true(scalar(w, "model.module.model._orig_mod.plain.weight") == 3);
    assert_true(scalar(w, "deep") == 4);
    assert_true(scalar(w, "model.deep") == 4);
    assert_true(scalar(w, "model.") == 5);
    assert_true(scalar(w, "module.model.") == 5);
    assert_null(plugcl_weights_find(w, "fc")); /* modelx. and encoder.model. are no wrappers */
    assert_null(plugcl_weights_find(w, "x.fc"));
    assert_true(scalar(w, "encoder.model.fc") == 7);
    add_scalar(w, "fc.weight", 8); /* from now on the name as written */
    assert_true(scalar(w, "fc.weight") == 8);
    assert_true(scalar(w, "_orig_mod.fc.weight") == 1);
    plugcl_weights_destroy(&w);
}

/* Entries stay where they are while others are added, and a hundred thousand take no noticeable time. */
static void test_many(void **state)
{
    (void)state;
    enum { MANY = 100000 };
    plugcl_weights *w = NULL;
    char name[64];
    assert_int_equal(plugcl_weights_create(&w), PLUGCL_OK);
    uint64_t start = clock_ns();
    add_scalar(w, "first", 0);
    const struct plugcl_weights_entry *first = plugcl_weights_at(w, 0);
    for (int i = 1; i < MANY; i++) {
        snprintf(name, sizeof name, "module.layer%d.weight", i);
        add_scalar(w, name, (float)i);
    }
    assert_ptr_equal(plugcl_weights_at(w, 0), first);
    assert_string_equal(first->name, "first");
    for (int i = 1; i < MANY; i++) {
        snprintf(name, sizeof name, "layer%d.weight", i);
        assert_true(scalar(w, name) == (float)i);
    }
    assert_true(clock_ns() - start < UINT64_C(20000000000));
    assert_int_equal(plugcl_weights_count(w), MANY);
    plugcl_weights_destroy(&w);
}

static void test_references(void **state)
{
    (void)state;
    plugcl_weights *w = NULL;
    assert_int_equal(plugcl_weights_create(&w), PLUGCL_OK);
    add_scalar(w, "x", 5);
    plugcl_weights *other = weights_take(w);
    plugcl_weights_destroy(&w);
    assert_null(w);
    assert_true(scalar(other, "x") == 5);
    plugcl_weights_destroy(&other);
    assert_null(weights_take(NULL));
}

/* Data that is lent stays the lender's, data that is given goes with the object; a failing gift is the caller's still. */
static void test_lend_and_give(void **state)
{
    (void)state;
    plugcl_weights *w = NULL;
    static const float lent[2] = { 1, 2 };
    float *given = memory_aligned(sizeof lent);
    assert_non_null(given);
    memcpy(given, lent, sizeof lent);
    assert_int_equal(plugcl_weights_create(&w), PLUGCL_OK);
    assert_int_equal(weights_lend(w, "lent", PLUGCL_F32, PLUGCL_SHAPE(2), lent, sizeof lent), PLUGCL_OK);
    assert_int_equal(weights_give(w, "lent", PLUGCL_F32, PLUGCL_SHAPE(2), given, sizeof lent), PLUGCL_INVALID);
    assert_int_equal(weights_give(w, "given", PLUGCL_F32, PLUGCL_SHAPE(2), given, sizeof lent), PLUGCL_OK);
    assert_ptr_equal(plugcl_weights_find(w, "lent")->data, lent);
    assert_ptr_equal(plugcl_weights_find(w, "given")->data, given);
    plugcl_weights_destroy(&w);
}

static void test_missing(void **state)
{
    (void)state;
    plugcl_weights *w = NULL;
    assert_int_equal(weights_fail_missing(NULL, "x"), PLUGCL_NOT_FOUND);
    assert_int_equal(plugcl_weights_create(&w), PLUGCL_OK);
    assert_int_equal(weights_fail_missing(w, "x"), PLUGCL_NOT_FOUND);
    assert_message("\"x\": the weights are empty");
    add_scalar(w, "layer1.fc", 1);
    assert_int_equal(weights_note_unread(w, "model.q", "has type U8; F32 is read"), PLUGCL_OK);
    assert_int_equal(weights_fail_missing(w, "x"), PLUGCL_NOT_FOUND);
    assert_message("no tensor \"x\" among the 1 of the weights, the first of which is \"layer1.fc\"");
    assert_int_equal(weights_fail_missing(w, "q"), PLUGCL_UNSUPPORTED);
    assert_message("tensor \"model.q\" has type U8; F32 is read");
    assert_null(plugcl_weights_find(w, "q"));
    assert_int_equal(plugcl_weights_count(w), 1);
    plugcl_weights_destroy(&w);
}

/* Makes an object of a dozen tensors; the first failure ends it. */
static plugcl_status build(plugcl_weights **w)
{
    plugcl_status status = plugcl_weights_create(w);
    for (int i = 0; i < 12 && status == PLUGCL_OK; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%d", i);
        status = plugcl_weights_add(*w, name, PLUGCL_I32, &(plugcl_shape){ 0 }, &i, sizeof i);
    }
    if (status == PLUGCL_OK)
        status = weights_note_unread(*w, "u", "has type U8");
    return status;
}

/* Each allocation in turn fails: the status says so, what was there is still right, and nothing leaks. */
static void test_no_memory(void **state)
{
    (void)state;
    plugcl_status status = PLUGCL_NO_MEMORY;
    long n = 1;
    for (; n < 1000 && status != PLUGCL_OK; n++) {
        plugcl_weights *w = NULL;
        memory_fail_after(n);
        status = build(&w);
        memory_fail_after(0);
        if (status != PLUGCL_OK)
            assert_int_equal(status, PLUGCL_NO_MEMORY);
        for (size_t i = 0; i < plugcl_weights_count(w); i++)
            assert_ptr_equal(plugcl_weights_find(w, plugcl_weights_at(w, i)->name), plugcl_weights_at(w, i));
        plugcl_weights_destroy(&w);
    }
    assert_int_equal(status, PLUGCL_OK);
    assert_true(n > 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add), cmocka_unit_test(test_wrong_arguments), cmocka_unit_test(test_wrappers),
        cmocka_unit_test(test_many), cmocka_unit_test(test_references), cmocka_unit_test(test_lend_and_give),
        cmocka_unit_test(test_missing), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests_name("weights", tests, NULL, NULL) ? 1 : 0;
}
