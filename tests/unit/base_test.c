/* SPDX-License-Identifier: Apache-2.0 */
/* base_test.c: the base floor but for files and weights, which have tests of their own. */
#include <math.h>
#include <pthread.h>

#include "base/error.h"
#include "base/file.h"
#include "base/half.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "base/thread.h"

/* cmocka's macro of the same name hides the function. */
static plugcl_status fail_with(plugcl_status status, const char *text)
{
    return fail(status, "%s", text);
}

#include "unit.h"

static void sha256_of(const void *bytes, size_t length, size_t step, char hex[65])
{
    struct sha256 hash;
    uint8_t digest[32];
    sha256_start(&hash);
    for (size_t at = 0; at < length; at += step)
        sha256_add(&hash, (const uint8_t *)bytes + at, length - at < step ? length - at : step);
    sha256_finish(&hash, digest);
    sha256_hex(digest, hex);
}

/* The examples of FIPS 180-4 and its predecessors, and the empty message. */
static void test_sha256_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *text, *hex;
    } vectors[] = {
        { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
        { "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
          "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
    };
    char hex[65];
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        sha256_of(vectors[i].text, strlen(vectors[i].text), SIZE_MAX / 2, hex);
        assert_string_equal(hex, vectors[i].hex);
    }
    char *million = malloc(1000000);
    assert_non_null(million);
    memset(million, 'a', 1000000);
    sha256_of(million, 1000000, 999, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

/* Every length round a block and every way to cut it gives the digest of the whole. */
static void test_sha256_pieces(void **state)
{
    (void)state;
    uint8_t bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    for (size_t length = 0; length <= sizeof bytes; length++) {
        char whole[65], pieces[65];
        sha256_of(bytes, length, sizeof bytes, whole);
        for (size_t step = 1; step <= 130; step += 3) {
            sha256_of(bytes, length, step, pieces);
            assert_string_equal(whole, pieces);
        }
    }
}

static void test_sha256_fields(void **state)
{
    (void)state;
    uint8_t a[32], b[32];
    struct sha256 hash;
    sha256_start(&hash);
    sha256_add_string(&hash, "ab");
    sha256_add_string(&hash, "c");
    sha256_finish(&hash, a);
    sha256_start(&hash);
    sha256_add_string(&hash, "a");
    sha256_add_string(&hash, "bc");
    sha256_finish(&hash, b);
    assert_memory_not_equal(a, b, 32);
    sha256_start(&hash);
    sha256_add(&hash, "\2\0\0\0\0\0\0\0ab\1\0\0\0\0\0\0\0c", 19);
    sha256_finish(&hash, b);
    assert_memory_equal(a, b, 32);
}

static void test_half_round_trip(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 65536; bits++) {
        uint16_t half = (uint16_t)bits;
        float value = half_to_float(half);
        if ((half & 0x7C00) == 0x7C00 && (half & 0x3FF)) {
            assert_true(isnan(value));
            assert_int_equal(float_to_half(value), half | 0x200); /* made quiet */
            continue;
        }
        assert_int_equal(float_to_half(value), half);
        double exact = (half & 0x7C00) == 0x7C00 ? HUGE_VAL
                       : half & 0x7C00           ? ldexp(1024 + (half & 0x3FF), (half >> 10 & 31) - 25)
                                                 : ldexp(half & 0x3FF, -24);
        assert_true((double)value == (half & 0x8000 ? -exact : exact));
    }
}

/* Between two neighbours: below the middle goes down, above it goes up, the middle goes to the even one. */
static void test_half_rounding(void **state)
{
    (void)state;
    for (uint32_t half = 0; half < 0x7C00; half++) {
        float low = half_to_float((uint16_t)half), high = half == 0x7BFF ? 65536.0f : half_to_float((uint16_t)(half + 1));
        float middle = low + (high - low) / 2; /* exact in float */
        uint16_t even = (uint16_t)(half & 1 ? half + 1 : half);
        assert_int_equal(float_to_half(middle), even);
        assert_int_equal(float_to_half(nextafterf(middle, 0)), half);
        assert_int_equal(float_to_half(nextafterf(middle, INFINITY)), half + 1);
        assert_int_equal(float_to_half(-middle), even | 0x8000);
    }
    assert_int_equal(float_to_half(1e30f), 0x7C00);
    assert_int_equal(float_to_half(-INFINITY), 0xFC00);
    assert_int_equal(float_to_half(1e-30f), 0);
    assert_int_equal(float_to_half(-0.0f), 0x8000);
}

static void test_elements_to_float(void **state)
{
    (void)state;
    uint8_t bytes[1 + 2 * 8];
    float out[2];
#define CHECK(dtype, type, first, second, a, b)          \
    do {                                                 \
        type values[2] = { first, second };              \
        memcpy(bytes + 1, values, sizeof values);        \
        elements_to_float(dtype, bytes + 1, 2, out);     \
        assert_true(out[0] == (a) && out[1] == (b));     \
    } while (0)
    CHECK(PLUGCL_F32, float, 1.5f, -2.0f, 1.5f, -2.0f);
    CHECK(PLUGCL_F64, double, 0.1, 1e300, 0.1f, INFINITY);
    CHECK(PLUGCL_I32, int32_t, -7, 1 << 20, -7.0f, 1048576.0f);
    CHECK(PLUGCL_I64, int64_t, INT64_C(-9000000000), 3, -9e9f, 3.0f);
    CHECK(PLUGCL_BOOL, uint8_t, 0, 1, 0.0f, 1.0f);
    CHECK(PLUGCL_F16, uint16_t, 0x3C00, 0xC000, 1.0f, -2.0f);
    CHECK(PLUGCL_BF16, uint16_t, 0x3F80, 0xC000, 1.0f, -2.0f);
#undef CHECK
}

static void test_sizes(void **state)
{
    (void)state;
    size_t r = 0;
    assert_true(size_multiply(SIZE_MAX / 2, 2, &r) && r == SIZE_MAX - 1);
    assert_true(size_multiply(0, SIZE_MAX, &r) && r == 0);
    assert_true(size_multiply(SIZE_MAX, 0, &r) && r == 0);
    assert_false(size_multiply(SIZE_MAX / 2 + 1, 2, &r));
    assert_false(size_multiply(SIZE_MAX, SIZE_MAX, &r));
    assert_true(size_add(SIZE_MAX - 1, 1, &r) && r == SIZE_MAX);
    assert_false(size_add(SIZE_MAX, 1, &r));
}

static void test_memory(void **state)
{
    (void)state;
    assert_null(memory_zeroed(SIZE_MAX / 2, 3));
    assert_null(memory_resize(NULL, SIZE_MAX / 2, 3));
    void *nothing = memory_zeroed(0, 8), *aligned = memory_aligned(0);
    assert_non_null(nothing);
    assert_non_null(aligned);
    memory_free(nothing);
    memory_free(aligned);
    for (size_t bytes = 1; bytes < 5000; bytes += 777) {
        uint8_t *p = memory_aligned(bytes);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        memset(p, 1, bytes);
        memory_free(p);
    }
    memory_fail_after(3);
    void *a = memory_zeroed(1, 1), *b = memory_aligned(1);
    assert_non_null(a);
    assert_non_null(b);
    assert_null(memory_zeroed(1, 1));
    assert_null(string_copy("x")); /* it goes on failing */
    assert_null(memory_resize(a, 100, 1));
    memory_fail_after(0);
    memory_free(a);
    memory_free(b);
}

static void test_number(void **state)
{
    (void)state;
    double value = 7;
    assert_true(number_read("0.5", 3, &value));
    assert_true(value == 0.5);
    assert_true(number_read("-12.25e1,8", 8, &value));
    assert_true(value == -122.5);
    assert_true(number_read("6,12", 1, &value));
    assert_true(value == 6);
    static const char *const others[] = { "", "x", "1x", "0,5", "1.2.3", " ", "-" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(number_read(others[i], strlen(others[i]), &value));
    assert_true(value == 6);
    char digits[200];
    memset(digits, '1', sizeof digits);
    assert_false(number_read(digits, sizeof digits, &value)); /* nobody means so many */
}

static void test_text(void **state)
{
    (void)state;
    struct text text = { 0 };
    text_add(&text, "%s", "");
    assert_string_equal(text.data, "");
    for (int i = 0; i < 1000; i++)
        text_add(&text, "%d,", i);
    assert_false(text.failed);
    assert_int_equal(strlen(text.data), text.length);
    assert_string_equal(text.data + text.length - 8, "998,999,");
    text_add_bytes(&text, "a\0b", 3);
    assert_memory_equal(text.data + text.length - 3, "a\0b", 4);
    memory_fail_after(1);
    for (int i = 0; i < 1000; i++)
        text_add(&text, "%d,", i);
    memory_fail_after(0);
    assert_true(text.failed);
    size_t length = text.length;
    text_add(&text, "more");
    assert_int_equal(text.length, length); /* it sticks */
    text_free(&text);
    assert_null(text.data);
    assert_false(text.failed);
    char *made = string_format("%d-%s", 7, "x");
    assert_string_equal(made, "7-x");
    memory_free(made);
}

static void test_array(void **state)
{
    (void)state;
    struct pair {
        int a, b;
    } *items = NULL;
    size_t count = 0, capacity = 0;
    for (int i = 0; i < 100; i++) {
        struct pair *pair = array_push(&items, &count, &capacity, sizeof *items);
        assert_non_null(pair);
        assert_true(pair->a == 0 && pair->b == 0);
        *pair = (struct pair){ i, -i };
    }
    assert_int_equal(count, 100);
    for (int i = 0; i < 100; i++)
        assert_true(items[i].a == i && items[i].b == -i);
    memory_fail_after(1);
    while (count < capacity)
        assert_non_null(array_push(&items, &count, &capacity, sizeof *items));
    assert_null(array_push(&items, &count, &capacity, sizeof *items));
    memory_fail_after(0);
    assert_int_equal(count, capacity);
    assert_int_equal(items[99].a, 99);
    memory_free(items);
}

static void *fail_elsewhere(void *user)
{
    fail_with(PLUGCL_IO, "elsewhere");
    *(bool *)user = strcmp(plugcl_error_message(), "elsewhere") == 0;
    return NULL;
}

static void test_error(void **state)
{
    (void)state;
    assert_int_equal(fail_with(PLUGCL_INVALID, "kernel is 0"), PLUGCL_INVALID);
    assert_string_equal(plugcl_error_message(), "kernel is 0");
    assert_int_equal(fail_in(PLUGCL_INVALID, "%s: ", "conv1"), PLUGCL_INVALID);
    assert_string_equal(plugcl_error_message(), "conv1: kernel is 0");
    assert_int_equal(fail_with(PLUGCL_IO, plugcl_error_message()), PLUGCL_IO); /* its own text as an argument */
    assert_string_equal(plugcl_error_message(), "conv1: kernel is 0");
    bool good = false;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, &good), 0);
    pthread_join(thread, NULL);
    assert_true(good);
    assert_string_equal(plugcl_error_message(), "conv1: kernel is 0");
    assert_int_equal(fail_no_memory(123), PLUGCL_NO_MEMORY);
    assert_message("123 bytes");
    fail_with(PLUGCL_FORMAT, "a\nb\x1b[2J");
    assert_string_equal(plugcl_error_message(), "a?b?[2J");
    fail_with(PLUGCL_BUILD, "log:\nline");
    assert_string_equal(plugcl_error_message(), "log:\nline");
}

/* Too long a message ends in dots, between two characters. */
static void test_error_cut(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 3; shift++) {
        char text[20000] = "";
        memset(text, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "\xE2\x86\x92", 4);
        fail_with(PLUGCL_IO, text);
        const char *message = plugcl_error_message();
        size_t length = strlen(message);
        assert_true(length > 8000 && length < 8192);
        assert_string_equal(message + length - 3, "...");
        assert_int_equal((length - 3 - shift) % 3, 0);
        fail_in(PLUGCL_IO, "before: ");
        assert_int_equal(strncmp(plugcl_error_message(), "before: ", 8), 0);
    }
}

static void test_names(void **state)
{
    (void)state;
    for (int i = PLUGCL_OK; i <= PLUGCL_TIMEOUT; i++) {
        for (int j = PLUGCL_OK; j < i; j++)
            assert_string_not_equal(plugcl_status_name((plugcl_status)i), plugcl_status_name((plugcl_status)j));
    }
    assert_string_equal(plugcl_status_name(PLUGCL_NO_MEMORY), "no memory");
    assert_non_null(plugcl_status_name((plugcl_status)99));
    assert_non_null(plugcl_dtype_name((plugcl_dtype)99));
    assert_int_equal(plugcl_dtype_size((plugcl_dtype)99), 0);
    char version[64];
    snprintf(version, sizeof version, "%d.%d.%d", PLUGCL_VERSION_MAJOR, PLUGCL_VERSION_MINOR, PLUGCL_VERSION_PATCH);
    assert_string_equal(plugcl_version(), version);
}

static void count_message(void *user, plugcl_log_level level, const char *message)
{
    (void)level;
    *(size_t *)user += strlen(message);
}

static void test_log(void **state)
{
    (void)state;
    size_t written = 0;
    struct log log = { count_message, &written, PLUGCL_LOG_WARNING };
    log_message(&log, PLUGCL_LOG_NOTE, "%d", 12);
    assert_int_equal(written, 0);
    log_message(&log, PLUGCL_LOG_WARNING, "%d", 12);
    assert_int_equal(written, 2);
    log_message(&log, PLUGCL_LOG_ERROR, "%5000d", 12);
    assert_int_equal(written, 5002);
    memory_fail_after(1);
    log_message(&log, PLUGCL_LOG_ERROR, "%5000d", 12);
    memory_fail_after(0);
    assert_true(written > 5900 && written < 7000);
    log_message(NULL, PLUGCL_LOG_ERROR, "nowhere");
    log_message(&(struct log){ 0 }, PLUGCL_LOG_ERROR, "nowhere");
}

struct meeting {
    mutex lock;
    condition changed;
    int step;
};

static void *step_forward(void *user)
{
    struct meeting *m = user;
    mutex_lock(&m->lock);
    m->step = 1;
    condition_broadcast(&m->changed);
    mutex_unlock(&m->lock);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    struct meeting m = { .step = 0 };
    mutex_create(&m.lock);
    condition_create(&m.changed);
    mutex_lock(&m.lock);
    uint64_t start = clock_ns();
    while (condition_wait(&m.changed, &m.lock, 20000000))
        ;
    assert_true(clock_ns() - start >= 20000000);
    assert_false(condition_wait(&m.changed, &m.lock, 0));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, step_forward, &m), 0);
    while (m.step == 0)
        condition_wait(&m.changed, &m.lock, UINT64_MAX);
    mutex_unlock(&m.lock);
    pthread_join(thread, NULL);
    condition_destroy(&m.changed);
    mutex_destroy(&m.lock);
    reference_count references = 1;
    reference_take(&references);
    assert_false(reference_drop(&references));
    assert_true(reference_drop(&references));
}

static void test_shapes(void **state)
{
    (void)state;
    assert_int_equal(plugcl_shape_elements(PLUGCL_SHAPE(2, 3, 4)), 24);
    assert_int_equal(plugcl_shape_elements(&(plugcl_shape){ 0 }), 1);
    assert_int_equal(plugcl_shape_elements(PLUGCL_SHAPE(INT64_MAX, INT64_MAX, 0)), 0);
    assert_int_equal(plugcl_shape_elements(PLUGCL_SHAPE(INT64_MAX, 1)), INT64_MAX);
    assert_int_equal(plugcl_shape_elements(PLUGCL_SHAPE(INT64_MAX / 2 + 1, 2)), -1);
    assert_int_equal(plugcl_shape_elements(PLUGCL_SHAPE(0, -1)), -1);
    assert_int_equal(plugcl_shape_elements(&(plugcl_shape){ .rank = PLUGCL_MAX_RANK + 1 }), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256_vectors), cmocka_unit_test(test_sha256_pieces), cmocka_unit_test(test_sha256_fields),
        cmocka_unit_test(test_half_round_trip), cmocka_unit_test(test_half_rounding), cmocka_unit_test(test_elements_to_float),
        cmocka_unit_test(test_sizes), cmocka_unit_test(test_memory), cmocka_unit_test(test_number), cmocka_unit_test(test_text),
        cmocka_unit_test(test_array), cmocka_unit_test(test_error), cmocka_unit_test(test_error_cut), cmocka_unit_test(test_names),
        cmocka_unit_test(test_log), cmocka_unit_test(test_threads), cmocka_unit_test(test_shapes),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL) ? 1 : 0;
}
