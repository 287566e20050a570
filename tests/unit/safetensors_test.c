/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors_test.c: good files, and every kind of lie that a header can tell. */
#include "base/memory.h"
#include "base/weights.h"

#include "unit.h"

/* A file: the length, the header, and `data_bytes` bytes 0, 1, 2, …; in memory that ends where it ends. */
static uint8_t *make(const char *header, size_t data_bytes, size_t *length)
{
    size_t header_bytes = strlen(header);
    *length = 8 + header_bytes + data_bytes;
    uint8_t *file = malloc(*length);
    assert_non_null(file);
    for (int i = 0; i < 8; i++)
        file[i] = (uint8_t)((uint64_t)header_bytes >> (8 * i));
    memcpy(file + 8, header, header_bytes);
    for (size_t i = 0; i < data_bytes; i++)
        file[8 + header_bytes + i] = (uint8_t)i;
    return file;
}

static plugcl_status read_made(const char *header, size_t data_bytes, plugcl_weights **w)
{
    size_t length;
    uint8_t *file = make(header, data_bytes, &length);
    plugcl_status status = plugcl_weights_from_memory(file, length, w);
    if (status != PLUGCL_OK) {
        assert_null(*w);
        free(file);
    }
    return status;
}

/* The file is behind the first tensor: it begins with its length, so it is found again from the data. */
static void close_made(plugcl_weights **w, const char *header, const char *first)
{
    uint8_t *file = (uint8_t *)plugcl_weights_find(*w, first)->data - strlen(header) - 8;
    plugcl_weights_destroy(w);
    free(file);
}

static const char good[] =
    "{\"__metadata__\":{\"format\":\"pt\"},"
    "\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
    "\"c\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[26,34]},"
    "\"b\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[24,26]},"
    "\"d\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[34,38]},"
    "\"e\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[38,42],\"later\":[1.5]},"
    "\"f\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[42,50]},"
    "\"g\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[50,53]},"
    "\"h\":{\"dtype\":\"F32\",\"shape\":[3,0],\"data_offsets\":[53,53]},"
    "\"i\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[53,57]},"
    "\"j\":{\"dtype\":\"F4\",\"shape\":[3,2],\"data_offsets\":[57,60]},"
    "\"k\":{\"dtype\":\"NEW\",\"shape\":[3],\"data_offsets\":[60,64]},"
    "\"l\":{\"dtype\":\"BOOL\",\"shape\":[1,1,1,1,1,1,1,1],\"data_offsets\":[64,65]},"
    "\"m\":{\"dtype\":\"BOOL\",\"shape\":[1,1,1,1,1,1,1,1,2],\"data_offsets\":[65,67]}}   ";
enum { GOOD_DATA = 67 };

static void test_good(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        plugcl_dtype dtype;
        uint32_t rank;
        size_t bytes;
        uint8_t first;
    } expected[] = { /* in the order of the header */
        { "a", PLUGCL_F32, 2, 24, 0 },  { "c", PLUGCL_F64, 0, 8, 26 }, { "b", PLUGCL_F16, 1, 2, 24 },
        { "d", PLUGCL_BF16, 1, 4, 34 }, { "e", PLUGCL_I32, 1, 4, 38 }, { "f", PLUGCL_I64, 1, 8, 42 },
        { "g", PLUGCL_BOOL, 1, 3, 50 }, { "h", PLUGCL_F32, 2, 0, 0 },  { "l", PLUGCL_BOOL, 8, 1, 64 },
    };
    enum { COUNT = sizeof expected / sizeof expected[0] };
    plugcl_weights *w = NULL;
    assert_int_equal(read_made(good, GOOD_DATA, &w), PLUGCL_OK);
    assert_int_equal(plugcl_weights_count(w), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        const struct plugcl_weights_entry *entry = plugcl_weights_at(w, i);
        assert_string_equal(entry->name, expected[i].name);
        assert_int_equal(entry->dtype, expected[i].dtype);
        assert_int_equal(entry->shape.rank, expected[i].rank);
        assert_int_equal(entry->bytes, expected[i].bytes);
        if (entry->bytes > 0)
            assert_int_equal(*(const uint8_t *)entry->data, expected[i].first);
    }
    assert_int_equal(plugcl_weights_at(w, 0)->shape.dims[1], 3);
    assert_int_equal(weights_fail_missing(w, "i"), PLUGCL_UNSUPPORTED);
    assert_message("tensor \"i\" has type U8; F32, ");
    assert_int_equal(weights_fail_missing(w, "k"), PLUGCL_UNSUPPORTED);
    assert_message("has type NEW;");
    assert_int_equal(weights_fail_missing(w, "m"), PLUGCL_UNSUPPORTED);
    assert_message("has rank 9; at most 8 is read");
    close_made(&w, good, "a");
    size_t length;
    uint8_t *empty = make("{}", 0, &length);
    assert_int_equal(plugcl_weights_from_memory(empty, length, &w), PLUGCL_OK);
    assert_int_equal(plugcl_weights_count(w), 0);
    plugcl_weights_destroy(&w);
    free(empty);
}

#define TENSOR(dtype, shape, offsets) "\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets
#define ONE(dtype, shape, offsets) "{\"x\":{" TENSOR(dtype, shape, offsets) "}}"

/* Headers that lie, the data they come with, and what the message must say. All are FORMAT. */
static const struct {
    const char *header;
    size_t data;
    const char *part;
} lies[] = {
    { "", 0, "not valid JSON" },
    { "{", 0, "not valid JSON" },
    { "{}x", 0, "not valid JSON" },
    { "[]", 0, "not an object" },
    { "\"a\"", 0, "JSON" },
    { "{\"x\":1}", 0, "\"x\" has no \"dtype\"" },
    { "{\"x\":{}}", 0, "\"dtype\"" },
    { "{\"x\":{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "\"dtype\"" },
    { "{\"x\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "\"shape\"" },
    { "{\"x\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "\"data_offsets\"" },
    { ONE("F32", "1", "[0,4]"), 4, "\"shape\"" },
    { ONE("F32", "[1.0]", "[0,4]"), 4, "shape" },
    { ONE("F32", "[\"1\"]", "[0,4]"), 4, "shape" },
    { ONE("F32", "[-1]", "[0,4]"), 4, "shape" },
    { ONE("F32", "[-1,-1]", "[0,4]"), 4, "shape" },
    { ONE("F32", "[null]", "[0,4]"), 4, "shape" },
    { ONE("F32", "[1]", "4"), 4, "\"data_offsets\"" },
    { ONE("F32", "[1]", "[4]"), 4, "\"data_offsets\"" },
    { ONE("F32", "[1]", "[0,4,8]"), 8, "\"data_offsets\"" },
    { ONE("F32", "[1]", "[0.0,4.0]"), 4, "\"data_offsets\"" },
    { ONE("F32", "[1]", "[-4,0]"), 4, "\"data_offsets\"" },
    { ONE("F32", "[1]", "[4,0]"), 4, "ends before it" },
    { ONE("F32", "[2]", "[0,8]"), 7, "ends at byte 8 of the data, of which there are 7" },
    { ONE("F32", "[2]", "[0,9223372036854775807]"), 8, "ends at byte 9223372036854775807" },
    { ONE("F32", "[2]", "[0,9223372036854775808]"), 8, "not valid JSON" },
    { ONE("F32", "[2]", "[9223372036854775800,9223372036854775807]"), 8, "ends at byte" },
    { ONE("F32", "[3]", "[0,8]"), 8, "8 bytes of data; its shape and type F32 need 12" },
    { ONE("F16", "[3]", "[0,12]"), 12, "need 6" },
    { ONE("BOOL", "[]", "[0,0]"), 0, "need 1" },
    { ONE("F32", "[0]", "[0,4]"), 4, "need 0" },
    { ONE("U8", "[3]", "[0,4]"), 4, "type U8 need 3" },
    { ONE("F4", "[3]", "[0,2]"), 2, "type F4 need 2" }, /* a byte and a half is no size */
    { ONE("F32", "[4611686018427387905]", "[0,4]"), 4, "2^64 bits" },
    { ONE("F32", "[4294967296,4294967296]", "[0,0]"), 0, "2^64 elements" },
    { ONE("F32", "[9223372036854775807,9223372036854775807]", "[0,4]"), 4, "2^64 elements" },
    { ONE("F32", "[2147483648,2147483648,2]", "[0,0]"), 0, "2^64 bits" },
    { ONE("F32", "[1,1,1,1,1,1,1,1,2]", "[0,4]"), 4, "need 8" },
    { ONE("F32", "[1]", "[0,4]"), 5, "the tensors end at byte 4 of the data, of which there are 5" },
    { "{}", 1, "end at byte 0" },
    { ONE("F32", "[1]", "[1,5]"), 5, "bytes 0 to 1 of the data, before tensor \"x\", belong to no tensor" },
    { "{\"x\":{" TENSOR("F32", "[1]", "[0,4]") "},\"y\":{" TENSOR("F32", "[1]", "[5,9]") "}}", 9, "bytes 4 to 5" },
    { "{\"x\":{" TENSOR("F32", "[1]", "[0,4]") "},\"y\":{" TENSOR("F32", "[1]", "[0,4]") "}}", 4, "overlap" },
    { "{\"x\":{" TENSOR("F32", "[2]", "[0,8]") "},\"y\":{" TENSOR("F32", "[1]", "[4,8]") "}}", 8, "overlap at byte 4" },
    { "{\"x\":{" TENSOR("U8", "[8]", "[0,8]") "},\"y\":{" TENSOR("F32", "[1]", "[4,8]") "}}", 8, "overlap" },
    { "{\"x\":{" TENSOR("F32", "[2]", "[0,8]") "},\"y\":{" TENSOR("F32", "[0]", "[4,4]") "}}", 8, "overlap" },
    { "{\"x\":{" TENSOR("F32", "[1]", "[0,4]") "},\"x\":{" TENSOR("F32", "[1]", "[4,8]") "}}", 8, "duplicate" },
    { "{\"x\":{\"dtype\":\"F32\"," TENSOR("F32", "[1]", "[0,4]") "}}", 4, "duplicate" },
    { "{\"x\\u0000y\":{" TENSOR("F32", "[1]", "[0,4]") "}}", 4, "not valid JSON" },
    { "{\"x\xff\":{" TENSOR("F32", "[1]", "[0,4]") "}}", 4, "not valid JSON" },
};

static void test_lies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        plugcl_weights *w = NULL;
        plugcl_status status = read_made(lies[i].header, lies[i].data, &w);
        if (status != PLUGCL_FORMAT)
            fail_msg("%s with %zu bytes gave %s", lies[i].header, lies[i].data, plugcl_status_name(status));
        assert_message(lies[i].part);
    }
}

static void assert_refused(const void *bytes, size_t length, const char *part)
{
    plugcl_weights *w = NULL;
    uint8_t *copy = exact_copy(bytes, length);
    assert_int_equal(plugcl_weights_from_memory(copy, length, &w), PLUGCL_FORMAT);
    assert_null(w);
    assert_message(part);
    free(copy);
}

static void test_lengths(void **state)
{
    (void)state;
    assert_refused("", 0, "0 bytes are too few");
    assert_refused("\0\0\0\0\0\0\0", 7, "7 bytes are too few");
    assert_refused("\0\0\0\0\0\0\0\0", 8, "JSON");
    assert_refused("\3\0\0\0\0\0\0\0{}", 10, "should be 3 bytes long, but only 2 follow");
    assert_refused("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, "18446744073709551615 bytes; at most 100000000");
    assert_refused("\xf8\xff\xff\xff\xff\xff\xff\xff{}", 10, "18446744073709551608"); /* + 8 is 0 */
    assert_refused("\1\xe1\xf5\5\0\0\0\0{}", 10, "100000001 bytes; at most");
    assert_refused("\0\xe1\xf5\5\0\0\0\0{}", 10, "should be 100000000 bytes long");
    assert_refused("PK\3\4\0\0\0\0\0\0", 10, "67324752 bytes long"); /* a .pth under another name */
    assert_refused("version https://git-lfs.github.com/spec/v1\n", 43, "git lfs pull");
    assert_int_equal(plugcl_weights_from_memory(NULL, 4, &(plugcl_weights *){ NULL }), PLUGCL_INVALID);
    assert_int_equal(plugcl_weights_from_memory("", 0, NULL), PLUGCL_INVALID);
}

/* Cut anywhere, the file is refused; and so with the header's length mended to what is left. */
static void test_truncation(void **state)
{
    (void)state;
    size_t length;
    uint8_t *file = make(good, GOOD_DATA, &length);
    for (size_t cut = 0; cut < length; cut++) {
        plugcl_weights *w = NULL;
        uint8_t *copy = exact_copy(file, cut);
        assert_int_equal(plugcl_weights_from_memory(copy, cut, &w), PLUGCL_FORMAT);
        for (int i = 0; cut >= 8 && cut < 8 + sizeof good - 4 && i < 8; i++)
            copy[i] = (uint8_t)((uint64_t)(cut - 8) >> (8 * i));
        assert_int_equal(plugcl_weights_from_memory(copy, cut, &w), PLUGCL_FORMAT);
        free(copy);
    }
    free(file);
}

/* No value of any one byte may crash the reader; most are refused, some are another good file. */
static void test_changed_bytes(void **state)
{
    (void)state;
    size_t length;
    uint8_t *file = make(good, GOOD_DATA, &length);
    for (size_t at = 0; at < length - GOOD_DATA; at++) {
        uint8_t was = file[at];
        for (unsigned value = 0; value < 256; value += value < 128 ? 1 : 17) {
            plugcl_weights *w = NULL;
            file[at] = (uint8_t)value;
            if (plugcl_weights_from_memory(file, length, &w) == PLUGCL_OK) {
                for (size_t i = 0; i < plugcl_weights_count(w); i++) {
                    const struct plugcl_weights_entry *entry = plugcl_weights_at(w, i);
                    const uint8_t *data = entry->data;
                    assert_true(data >= file && data + entry->bytes <= file + length);
                }
            }
            plugcl_weights_destroy(&w);
        }
        file[at] = was;
    }
    free(file);
}

static void test_open(void **state)
{
    size_t length;
    uint8_t *file = make(good, GOOD_DATA, &length);
    const char *path = in_folder(*state, "m.SafeTensors"), *bad = in_folder(*state, "bad.safetensors");
    plugcl_weights *w = NULL;
    write_file(path, file, length);
    assert_int_equal(plugcl_weights_open(path, &w), PLUGCL_OK);
    assert_int_equal(plugcl_weights_count(w), 9);
    assert_memory_equal(plugcl_weights_find(w, "model.a")->data, file + 8 + sizeof good - 1, 24);
    plugcl_weights_destroy(&w);
    write_file(bad, file, length - 1);
    assert_int_equal(plugcl_weights_open(bad, &w), PLUGCL_FORMAT);
    assert_null(w);
    assert_message("bad.safetensors: tensor \"m\" ends at byte 67 of the data, of which there are 66");
    assert_int_equal(plugcl_weights_open(in_folder(*state, "none.safetensors"), &w), PLUGCL_IO);
    assert_message("none.safetensors cannot be opened: ");
    assert_int_equal(plugcl_weights_open(NULL, &w), PLUGCL_INVALID);
    assert_int_equal(plugcl_weights_open(path, NULL), PLUGCL_INVALID);
    static const char *const others[] = { "npz", "pth", "pt", "onnx", "bin", "ckpt" };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char name[32];
        snprintf(name, sizeof name, "m.%s", others[i]);
        assert_int_equal(plugcl_weights_open(in_folder(*state, name), &w), PLUGCL_UNSUPPORTED);
        assert_message(name);
        assert_message("not ");
    }
    assert_int_equal(plugcl_weights_open("a.npyx", &w), PLUGCL_UNSUPPORTED);
    assert_message(".safetensors and .npy");
    assert_int_equal(plugcl_weights_open("npy", &w), PLUGCL_UNSUPPORTED);
    free(file);
}

/* Each allocation in turn fails while a file is opened. */
static void test_no_memory(void **state)
{
    size_t length;
    uint8_t *file = make(good, GOOD_DATA, &length);
    const char *path = in_folder(*state, "memory.safetensors");
    write_file(path, file, length);
    plugcl_status status = PLUGCL_NO_MEMORY;
    long n = 1;
    for (; n < 1000 && status != PLUGCL_OK; n++) {
        plugcl_weights *w = NULL;
        memory_fail_after(n);
        status = plugcl_weights_open(path, &w);
        memory_fail_after(0);
        assert_int_equal(status == PLUGCL_OK, w != NULL);
        if (status != PLUGCL_OK)
            assert_int_equal(status, PLUGCL_NO_MEMORY);
        plugcl_weights_destroy(&w);
    }
    assert_int_equal(status, PLUGCL_OK);
    assert_true(n > 12);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),       cmocka_unit_test(test_lies),          cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_truncation), cmocka_unit_test(test_changed_bytes), cmocka_unit_test(test_open),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests_name("safetensors", tests, make_folder, remove_folder) ? 1 : 0;
}
