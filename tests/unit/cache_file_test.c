/* SPDX-License-Identifier: Apache-2.0 */
/* cache_file_test.c: the program cache without a driver: the bytes of its files, and its bound. */
#include "base/memory.h"
#include "device/cache_file.h"
#include "device/program_cache.h"

#include "unit.h"

/* Every single bit counts. */
static void test_verify(void **state)
{
    (void)state;
    uint8_t key[32] = { 1, 2, 3 }, other[32] = { 1, 2, 4 };
    size_t length = 0, bytes = 0;
    uint8_t *file = cache_file_encode(key, "payload", 7, &length);
    assert_non_null(file);
    assert_int_equal(length, CACHE_FILE_HEADER + 7);
    assert_memory_equal(cache_file_verify(key, file, length, &bytes), "payload", 7);
    assert_int_equal(bytes, 7);
    assert_null(cache_file_verify(other, file, length, &bytes));
    for (size_t bit = 0; bit < length * 8; bit++) {
        file[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_null(cache_file_verify(key, file, length, &bytes));
        file[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t cut = 0; cut < length; cut++) {
        uint8_t *part = exact_copy(file, cut);
        assert_null(cache_file_verify(key, part, cut, &bytes));
        free(part);
    }
    memory_free(file);
    const uint64_t warm[2] = { 5, UINT64_MAX };
    uint8_t *payload = cache_program_encode(warm, 2, "binary", 6, &length);
    struct cache_program program;
    assert_true(cache_program_decode(payload, length, &program));
    assert_int_equal(program.n_warm, 2);
    assert_true(cache_program_warm(&program, 1) == UINT64_MAX && cache_program_warm(&program, 0) == 5);
    assert_int_equal(program.binary_bytes, 6);
    assert_false(cache_program_decode(payload, length - 6, &program));
    assert_false(cache_program_decode(payload, 3, &program));
    payload[1] = 1;
    assert_false(cache_program_decode(payload, length, &program));
    memory_free(payload);
}

static void test_trim(void **state)
{
    struct program_cache cache = { .folder = *state };
    uint8_t key[32] = { 0 }, block[1000] = { 0 };
    for (int i = 0; i < 10; i++) {
        key[0] = (uint8_t)i;
        program_cache_set(&cache, CACHE_PROGRAM, key, block, sizeof block, NULL);
    }
    write_file(in_folder(*state, "notes.txt"), block, sizeof block);
    write_file(in_folder(*state, ".plugcl-1-0-0.tmp"), block, 10); /* young: some process may be writing it */
    program_cache_trim(&cache, CACHE_PROGRAM, 20000, NULL);
    assert_int_equal(count_files(*state), 12);
    program_cache_trim(&cache, CACHE_PROGRAM, 8000, NULL);
    assert_int_equal(count_files(*state), 2 + 5); /* three quarters of 8000 bytes are five files of 1088 */
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_verify), cmocka_unit_test(test_trim) };
    return cmocka_run_group_tests_name("cache_file", tests, make_folder, remove_folder) ? 1 : 0;
}
