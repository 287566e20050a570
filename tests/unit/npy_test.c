/* SPDX-License-Identifier: Apache-2.0 */
/* npy_test.c: arrays of every dtype and order, wrong headers, and what plugcl_npy_save writes. */
#include <math.h>

#include "base/half.h"
#include "base/memory.h"
#include "base/weights.h"
#include "io/npy.h"

#include "unit.h"

/* A file of `version` with this header, as NumPy would pad it, and the data. */
static uint8_t *make(int version, const char *dictionary, const void *data, size_t data_bytes, size_t *length)
{
    size_t start = version == 1 ? 10 : 12, text = strlen(dictionary) + 1;
    while ((start + text) % 64 != 0)
        text++;
    *length = start + text + data_bytes;
    uint8_t *file = malloc(*length);
    assert_non_null(file);
    memcpy(file, "\x93NUMPY", 6);
    file[6] = (uint8_t)version;
    file[7] = 0;
    for (size_t i = 8; i < start; i++)
        file[i] = (uint8_t)(text >> (8 * (i - 8)));
    memset(file + start, ' ', text - 1);
    memcpy(file + start, dictionary, strlen(dictionary));
    file[start + text - 1] = '\n';
    if (data_bytes > 0)
        memcpy(file + start + text, data, data_bytes);
    return file;
}

static void put(uint8_t *to, float value, size_t size, bool big_endian)
{
    uint64_t bits = 0;
    double wide = value;
    uint32_t single;
    memcpy(&single, &value, 4);
    if (size == 8)
        memcpy(&bits, &wide, 8);
    else
        bits = size == 4 ? single : float_to_half(value);
    for (size_t i = 0; i < size; i++)
        to[big_endian ? size - 1 - i : i] = (uint8_t)(bits >> (8 * i));
}

/* [2, 3, 4] whose element [i, j, k] is 100 i + 10 j + k − 7.5, in each dtype, byte order, order of axes and version. */
static void test_dtypes(void **state)
{
    (void)state;
    static const size_t sizes[] = { 2, 4, 8 };
    for (int variant = 0; variant < 36; variant++) {
        size_t size = sizes[variant % 3], length;
        bool big = variant / 3 % 2, fortran = variant / 6 % 2;
        uint8_t data[24 * 8];
        char header[128];
        for (int i = 0; i < 24; i++) {
            int a = i / 12, b = i / 4 % 3, c = i % 4, at = fortran ? a + 2 * b + 6 * c : i;
            put(data + (size_t)at * size, (float)(100 * a + 10 * b + c) - 7.5f, size, big);
        }
        snprintf(header, sizeof header, "{'descr': '%cf%zu', 'fortran_order': %s, 'shape': (2, 3, 4), }", big ? '>' : '<', size,
                 fortran ? "True" : "False");
        uint8_t *file = make(1 + variant / 12, header, data, 24 * size, &length);
        plugcl_shape shape;
        float *out = NULL;
        assert_int_equal(npy_read(file, length, &shape, &out), PLUGCL_OK);
        assert_int_equal(shape.rank, 3);
        assert_true(shape.dims[0] == 2 && shape.dims[1] == 3 && shape.dims[2] == 4);
        for (int i = 0; i < 24; i++)
            assert_true(out[i] == (float)(100 * (i / 12) + 10 * (i / 4 % 3) + i % 4) - 7.5f);
        memory_free(out);
        free(file);
    }
}

#define HEADER(descr, order, shape) "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }"

static const struct {
    const char *header;
    size_t elements; /* of four bytes each */
    uint32_t rank;
} good[] = {
    { HEADER("'<f4'", "False", "()"), 1, 0 },
    { HEADER("'<f4'", "True", "()"), 1, 0 },
    { HEADER("'<f4'", "False", "(5,)"), 5, 1 },
    { HEADER("'<f4'", "True", "(5,)"), 5, 1 },
    { HEADER("'<f4'", "False", "(5L,)"), 5, 1 },
    { HEADER("'<f4'", "False", "(2, 3)"), 6, 2 },
    { HEADER("'<f4'", "False", "(2, 3,)"), 6, 2 },
    { HEADER("'<f4'", "True", "(3, 0, 2)"), 0, 3 },
    { HEADER("'<f4'", "False", "(9223372036854775807, 9223372036854775807, 0)"), 0, 3 },
    { HEADER("'<f4'", "True", "(9223372036854775807, 9223372036854775807, 0)"), 0, 3 },
    { HEADER("'<f4'", "True", "(1, 1, 2, 1, 1, 1, 1, 2)"), 4, 8 },
    { "{\"shape\":(2,),\"descr\":\"<f4\",\"fortran_order\":False}", 2, 1 },
    { " { 'fortran_order' : False , 'shape' : ( 2 , ) , 'descr' : '<f4' } \n\n", 2, 1 },
};

static void test_headers(void **state)
{
    (void)state;
    static const float data[6] = { 1, 2, 3, 4, 5, 6 };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        size_t length;
        uint8_t *file = make(1, good[i].header, data, 4 * good[i].elements, &length);
        plugcl_shape shape;
        float *out = NULL;
        if (npy_read(file, length, &shape, &out) != PLUGCL_OK)
            fail_msg("%s: %s", good[i].header, plugcl_error_message());
        assert_int_equal(shape.rank, good[i].rank);
        assert_true(plugcl_shape_elements(&shape) == (int64_t)good[i].elements);
        memory_free(out);
        free(file);
    }
}

static const struct {
    const char *header;
    size_t bytes;
    plugcl_status status;
    const char *part;
} bad[] = {
    { HEADER("'<i4'", "False", "(1,)"), 4, PLUGCL_UNSUPPORTED, "dtype '<i4'; float16, float32 and float64" },
    { HEADER("'|u1'", "False", "(4,)"), 4, PLUGCL_UNSUPPORTED, "dtype '|u1'" },
    { HEADER("'|b1'", "False", "(4,)"), 4, PLUGCL_UNSUPPORTED, "dtype '|b1'" },
    { HEADER("'<c8'", "False", "(1,)"), 8, PLUGCL_UNSUPPORTED, "dtype '<c8'" },
    { HEADER("'|O'", "False", "(1,)"), 8, PLUGCL_UNSUPPORTED, "dtype '|O'" },
    { HEADER("'<f16'", "False", "(1,)"), 16, PLUGCL_UNSUPPORTED, "dtype '<f16'" },
    { HEADER("'=f4'", "False", "(1,)"), 4, PLUGCL_UNSUPPORTED, "dtype '=f4'" },
    { HEADER("'|f4'", "False", "(1,)"), 4, PLUGCL_UNSUPPORTED, "dtype '|f4'" },
    { HEADER("''", "False", "(1,)"), 4, PLUGCL_UNSUPPORTED, "dtype ''" },
    { HEADER("[('a', '<f4')]", "False", "(1,)"), 4, PLUGCL_UNSUPPORTED, "structured" },
    { HEADER("'<f4'", "False", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"), 4, PLUGCL_UNSUPPORTED, "more than 8 axes" },
    { "{'shape': (1,), 'fortran_order': False, 'descr': '<f4}", 4, PLUGCL_FORMAT, "'descr'" },
    { HEADER("'<f\\x34'", "False", "(1,)"), 4, PLUGCL_FORMAT, "'descr'" },
    { HEADER("4", "False", "(1,)"), 4, PLUGCL_FORMAT, "'descr'" },
    { HEADER("'<f4'", "false", "(1,)"), 4, PLUGCL_FORMAT, "'fortran_order'" },
    { HEADER("'<f4'", "0", "(1,)"), 4, PLUGCL_FORMAT, "'fortran_order'" },
    { HEADER("'<f4'", "False", "(1)"), 4, PLUGCL_FORMAT, "'shape'" },
    { HEADER("'<f4'", "False", "(,)"), 4, PLUGCL_FORMAT, "'shape'" },
    { HEADER("'<f4'", "False", "(1 1)"), 4, PLUGCL_FORMAT, "'shape'" },
    { HEADER("'<f4'", "False", "(1,,1)"), 4, PLUGCL_FORMAT, "'shape'" },
    { HEADER("'<f4'", "False", "(-1,)"), 4, PLUGCL_FORMAT, "'shape'" },
    { HEADER("'<f4'", "False", "(1.0,)"), 4, PLUGCL_FORMAT, "'shape'" },
    { HEADER("'<f4'", "False", "[1]"), 4, PLUGCL_FORMAT, "'shape'" },
    { HEADER("'<f4'", "False", "1"), 4, PLUGCL_FORMAT, "'shape'" },
    { HEADER("'<f4'", "False", "(9223372036854775808,)"), 4, PLUGCL_FORMAT, "'shape'" },
    { HEADER("'<f4'", "False", "(9223372036854775807,)"), 4, PLUGCL_FORMAT, "memory can hold" },
    { HEADER("'<f4'", "False", "(4294967296, 4294967296)"), 0, PLUGCL_FORMAT, "memory can hold" },
    { HEADER("'<f4'", "False", "(3,)"), 8, PLUGCL_FORMAT, "asks for 12 bytes of data and 8 follow: the file is truncated" },
    { HEADER("'<f4'", "False", "(3,)"), 13, PLUGCL_FORMAT, "13 follow: the file is longer than its array" },
    { HEADER("'<f4'", "False", "()"), 0, PLUGCL_FORMAT, "truncated" },
    { "{'descr': '<f4', 'fortran_order': False}", 4, PLUGCL_FORMAT, "lacks 'shape'" },
    { "{'fortran_order': False, 'shape': (1,)}", 4, PLUGCL_FORMAT, "lacks 'descr'" },
    { "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 4, PLUGCL_FORMAT, "twice the key 'descr'" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", 4, PLUGCL_FORMAT, "unknown key 'x'" },
    { "{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}", 4, PLUGCL_FORMAT, "dictionary" },
    { "{,'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 4, PLUGCL_FORMAT, "dictionary" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x", 4, PLUGCL_FORMAT, "goes on" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)", 4, PLUGCL_FORMAT, "dictionary" },
    { "", 4, PLUGCL_FORMAT, "dictionary" },
    { "()", 4, PLUGCL_FORMAT, "dictionary" },
};

static void test_bad_headers(void **state)
{
    (void)state;
    static const uint8_t data[16] = { 0 };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size_t length;
        uint8_t *file = make(1, bad[i].header, data, bad[i].bytes, &length);
        plugcl_shape shape;
        float *out = NULL;
        plugcl_status status = npy_read(file, length, &shape, &out);
        if (status != bad[i].status)
            fail_msg("%s gave %s", bad[i].header, plugcl_status_name(status));
        assert_null(out);
        assert_message(bad[i].part);
        free(file);
    }
}

static void test_truncation(void **state)
{
    (void)state;
    static const float data[6] = { 1, 2, 3, 4, 5, 6 };
    for (int version = 1; version <= 3; version++) {
        size_t length;
        uint8_t *file = make(version, HEADER("'<f4'", "True", "(2, 3)"), data, sizeof data, &length);
        for (size_t cut = 0; cut < length; cut++) {
            plugcl_shape shape;
            float *out = NULL;
            uint8_t *copy = exact_copy(file, cut);
            assert_int_equal(npy_read(copy, cut, &shape, &out), PLUGCL_FORMAT);
            assert_null(out);
            free(copy);
        }
        for (int wrong = 0; wrong < 256; wrong++) {
            struct npy_header header;
            file[6] = (uint8_t)wrong;
            plugcl_status status = npy_read_header(file, length, &header);
            if (wrong == 0 || wrong > 3)
                assert_int_equal(status, PLUGCL_UNSUPPORTED);
        }
        file[6] = (uint8_t)version;
        file[7] = 1;
        assert_int_equal(npy_read_header(file, length, &(struct npy_header){ 0 }), PLUGCL_UNSUPPORTED);
        assert_message("of .npy; 1.0, 2.0 and 3.0 are read");
        free(file);
    }
    assert_int_equal(npy_read_header((const uint8_t *)"PK\3\4....", 8, &(struct npy_header){ 0 }), PLUGCL_FORMAT);
    assert_message("not .npy");
}

static void test_open(void **state)
{
    static const float data[2] = { 1, 2 };
    size_t length;
    uint8_t *file = make(1, HEADER("'<f4'", "False", "(2,)"), data, sizeof data, &length);
    const char *path = in_folder(*state, "conv.weight.npy"), *cut = in_folder(*state, "cut.npy");
    plugcl_weights *w = NULL;
    write_file(path, file, length);
    write_file(cut, file, length - 1);
    assert_int_equal(plugcl_weights_open(path, &w), PLUGCL_OK);
    assert_int_equal(plugcl_weights_count(w), 1);
    const struct plugcl_weights_entry *entry = plugcl_weights_find(w, "conv.weight");
    assert_int_equal(entry->dtype, PLUGCL_F32);
    assert_int_equal(entry->bytes, 8);
    assert_memory_equal(entry->data, data, 8);
    plugcl_weights_destroy(&w);
    assert_int_equal(plugcl_weights_open(cut, &w), PLUGCL_FORMAT);
    assert_message("cut.npy: the header asks for 8 bytes of data and 7 follow");
    assert_null(w);
    plugcl_status status = PLUGCL_NO_MEMORY;
    for (long n = 1; n < 100 && status != PLUGCL_OK; n++) {
        memory_fail_after(n);
        status = plugcl_weights_open(path, &w);
        memory_fail_after(0);
        if (status != PLUGCL_OK)
            assert_int_equal(status, PLUGCL_NO_MEMORY);
        plugcl_weights_destroy(&w);
    }
    assert_int_equal(status, PLUGCL_OK);
    free(file);
}

/* What NumPy writes for these arrays, to the byte. */
static void test_save(void **state)
{
    static const struct {
        plugcl_shape shape;
        const char *text;
    } cases[] = {
        { { 0, { 0 } }, "'shape': (), }" },
        { { 1, { 3 } }, "'shape': (3,), }" },
        { { 2, { 2, 3 } }, "'shape': (2, 3), }" },
        { { 4, { 1, 0, 2, 2 } }, "'shape': (1, 0, 2, 2), }" },
    };
    static const float data[6] = { 1, -2.5f, INFINITY, 4, -0.0f, 1e-45f };
    const char *path = in_folder(*state, "out.npy");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t elements = (size_t)plugcl_shape_elements(&cases[i].shape), length;
        assert_int_equal(plugcl_npy_save(path, &cases[i].shape, elements ? data : NULL), PLUGCL_OK);
        char *bytes = file_read_private(path, 4096, &length);
        assert_non_null(bytes);
        assert_memory_equal(bytes, "\x93NUMPY\1\0", 8);
        size_t start = 10 + (size_t)(uint8_t)bytes[8] + 256 * (size_t)(uint8_t)bytes[9];
        assert_int_equal(start % 64, 0);
        assert_int_equal(length, start + 4 * elements);
        assert_int_equal(bytes[start - 1], '\n');
        assert_non_null(strstr(bytes + 10, cases[i].text));
        assert_int_equal(strncmp(bytes + 10, "{'descr': '<f4', 'fortran_order': False, ", 41), 0);
        assert_memory_equal(bytes + start, data, 4 * elements);
        plugcl_shape shape;
        float *out = NULL;
        assert_int_equal(npy_read((uint8_t *)bytes, length, &shape, &out), PLUGCL_OK);
        assert_int_equal(shape.rank, cases[i].shape.rank);
        assert_memory_equal(out, data, 4 * elements);
        memory_free(out);
        memory_free(bytes);
    }
    assert_int_equal(plugcl_npy_save(path, PLUGCL_SHAPE(-1), data), PLUGCL_INVALID);
    assert_int_equal(plugcl_npy_save(path, PLUGCL_SHAPE(2), NULL), PLUGCL_INVALID);
    assert_int_equal(plugcl_npy_save(NULL, PLUGCL_SHAPE(2), data), PLUGCL_INVALID);
    assert_int_equal(plugcl_npy_save(path, NULL, data), PLUGCL_INVALID);
    assert_int_equal(plugcl_npy_save(in_folder(*state, "none/out.npy"), PLUGCL_SHAPE(2), data), PLUGCL_IO);
    plugcl_status status = PLUGCL_NO_MEMORY;
    for (long n = 1; n < 100 && status != PLUGCL_OK; n++) {
        memory_fail_after(n);
        status = plugcl_npy_save(path, PLUGCL_SHAPE(2), data);
        memory_fail_after(0);
        if (status != PLUGCL_OK)
            assert_int_equal(status, PLUGCL_NO_MEMORY);
    }
    assert_int_equal(status, PLUGCL_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dtypes),     cmocka_unit_test(test_headers), cmocka_unit_test(test_bad_headers),
        cmocka_unit_test(test_truncation), cmocka_unit_test(test_open),    cmocka_unit_test(test_save),
    };
    return cmocka_run_group_tests_name("npy", tests, make_folder, remove_folder) ? 1 : 0;
}
