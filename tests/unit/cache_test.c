/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache_test.c: the program cache on disk. Whatever lies in the folder, the answer is right and nobody notices but the statistics.
 * Called as "cache_test child FOLDER" it is one of the processes that use a folder at once.
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "device/cache_file.h"
#include "device/context.h"
#include "device/queue.h"

#include "unit.h"

static const char *program_path;

static const char source[] =
    "__kernel void triple(__global const int *x, __global int *y)\n"
    "{\n"
    "    y[get_global_id(0)] = 3 * x[get_global_id(0)];\n"
    "}\n";

struct counts {
    uint64_t compiled, loaded;
    int warnings;
};

static void count_warnings(void *user, plugcl_log_level level, const char *message)
{
    (void)message;
    ((struct counts *)user)->warnings += level <= PLUGCL_LOG_WARNING;
}

static bool launch(plugcl_context *context, struct kernel *kernel, struct buffer *x, struct buffer *y, int *out)
{
    static const int in[8] = { 1, -2, 3, 4, 5, 6, 7, 1000 };
    const size_t global[3] = { 8, 1, 1 }, local[3] = { 1, 1, 1 };
    struct queue *queue = NULL;
    bool good = queue_create(context, false, &queue) == PLUGCL_OK && buffer_write_now(x, 0, in, sizeof in) == PLUGCL_OK &&
                kernel_set_buffer(kernel, 0, x) == PLUGCL_OK && kernel_set_buffer(kernel, 1, y) == PLUGCL_OK;
    bool warming = kernel_begin_warming(kernel, local);
    good = good && queue_launch(queue, kernel, 1, global, local, NULL) == PLUGCL_OK && queue_finish(queue) == PLUGCL_OK &&
           buffer_read_now(y, 0, out, sizeof in) == PLUGCL_OK;
    if (warming)
        kernel_end_warming(kernel);
    queue_destroy(&queue);
    for (int i = 0; i < 8; i++)
        good = good && out[i] == 3 * in[i];
    return good;
}

/* A whole life of a context. True when it computed the right thing. */
static bool use_cache(const struct plugcl_context_params *params, struct counts *counts)
{
    struct plugcl_context_params with_log = *params;
    plugcl_context *context = NULL;
    struct kernel *kernel = NULL;
    struct buffer *x = NULL, *y = NULL;
    int out[8] = { 0 };
    *counts = (struct counts){ 0 };
    with_log.log = count_warnings;
    with_log.log_user = counts;
    with_log.log_level = PLUGCL_LOG_WARNING;
    bool good = plugcl_context_create(&with_log, &context) == PLUGCL_OK &&
                kernel_create_from_source(context, "triple", source, NULL, "triple", &kernel) == PLUGCL_OK &&
                buffer_create(context, sizeof out, false, &x) == PLUGCL_OK &&
                buffer_create(context, sizeof out, false, &y) == PLUGCL_OK && launch(context, kernel, x, y, out);
    if (context) {
        struct plugcl_context_statistics statistics = { .struct_size = sizeof statistics };
        programs_store(context);
        plugcl_context_statistics(context, &statistics);
        counts->compiled = statistics.programs_compiled;
        counts->loaded = statistics.programs_loaded;
    }
    buffer_drop(&x);
    buffer_drop(&y);
    kernel_destroy(&kernel);
    plugcl_context_destroy(&context);
    return good;
}

static void assert_use(const char *folder, uint64_t compiled, uint64_t loaded)
{
    struct counts counts;
    assert_true(use_cache(plugcl_context_params(.cache_dir = folder), &counts));
    assert_int_equal(counts.compiled, compiled);
    assert_int_equal(counts.loaded, loaded);
    assert_int_equal(counts.warnings, 0);
}

/* The cache is not used, and a warning says so. */
static void assert_unused(const char *folder)
{
    struct counts counts;
    assert_true(use_cache(plugcl_context_params(.cache_dir = folder), &counts));
    assert_int_equal(counts.compiled, 2);
    assert_int_equal(counts.loaded, 0);
    assert_int_equal(counts.warnings, 1);
}

static void add_name(void *user, const struct folder_file *file)
{
    char (*names)[128] = user;
    size_t i = names[0][0] ? 1 : 0;
    assert_true(strlen(file->name) < sizeof names[0] && !names[i][0]);
    strcpy(names[i], file->name);
}

/* The files of a warm folder: that the probe's answer was right, and triple's program. */
enum { ANSWER, PROGRAM };

static void fill_folder(const char *folder, char paths[2][4352])
{
    char names[2][128] = { "", "" };
    struct stat sizes[2];
    assert_use(folder, 2, 0);
    assert_true(folder_list(folder, ".plugcl", add_name, names));
    assert_true(names[1][0] != '\0');
    assert_int_equal(count_files(folder), 2);
    for (int i = 0; i < 2; i++)
        assert_int_equal(stat(in_folder(folder, names[i]), &sizes[i]), 0);
    const int answer = sizes[0].st_size < sizes[1].st_size ? 0 : 1;
    snprintf(paths[ANSWER], sizeof paths[ANSWER], "%s", in_folder(folder, names[answer]));
    snprintf(paths[PROGRAM], sizeof paths[PROGRAM], "%s", in_folder(folder, names[1 - answer]));
    assert_use(folder, 0, 1);
}

/* Without one of the files the probe, or triple, is compiled again. */
static void assert_missing(const char *folder, int file)
{
    assert_use(folder, 1, file == ANSWER ? 1 : 0);
}

static void *read_file(const char *path, size_t *length)
{
    void *bytes = file_read_private(path, 1 << 26, length);
    assert_non_null(bytes);
    return bytes;
}

static int make_fresh(void **state)
{
    if (make_folder(state) != 0)
        return -1;
    setenv("XDG_CACHE_HOME", *state, 1); /* nothing here may touch the user's own cache */
    return 0;
}

static void test_warm(void **state)
{
    char paths[2][4352];
    struct stat info;
    fill_folder(*state, paths);
    assert_int_equal(stat(paths[0], &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    struct counts counts;
    assert_true(use_cache(plugcl_context_params(.cache_dir = *state, .no_disk_cache = true), &counts));
    assert_int_equal(counts.compiled, 2);
    uint64_t files = 0, bytes = 0;
    assert_int_equal(plugcl_cache_usage(*state, false, &files, &bytes), PLUGCL_OK);
    assert_int_equal(files, 2);
    assert_true(bytes > 2 * CACHE_FILE_HEADER);
    write_file(in_folder(*state, "mine.plugcl"), "x", 1); /* not the cache's own: it stays */
    assert_int_equal(plugcl_cache_usage(*state, true, &files, &bytes), PLUGCL_OK);
    assert_int_equal(files, 2);
    assert_int_equal(count_files(*state), 1);
    assert_use(*state, 2, 0);
}

/* The driver never sees these bytes: PoCL would abort. Afterwards the cache is whole again. */
static void assert_rebuilt(const char *folder, char paths[2][4352], int file, const void *damaged, size_t length)
{
    write_file(paths[file], damaged, length);
    assert_missing(folder, file);
    assert_use(folder, 0, 1);
}

static void test_truncated(void **state)
{
    char paths[2][4352];
    fill_folder(*state, paths);
    for (int i = 0; i < 2; i++) {
        size_t length = 0;
        uint8_t *file = read_file(paths[i], &length);
        const size_t cuts[] = { 0, 1, 47, CACHE_FILE_HEADER - 1, CACHE_FILE_HEADER, CACHE_FILE_HEADER + 3, length / 2, length - 1 };
        for (size_t c = 0; c < sizeof cuts / sizeof cuts[0]; c++)
            assert_rebuilt(*state, paths, i, file, cuts[c]);
        uint8_t *longer = malloc(length + 1);
        memcpy(longer, file, length);
        longer[length] = 0;
        assert_rebuilt(*state, paths, i, longer, length + 1);
        free(longer);
        memory_free(file);
    }
}

static void test_flipped(void **state)
{
    char paths[2][4352];
    fill_folder(*state, paths);
    for (int i = 0; i < 2; i++) {
        size_t length = 0;
        uint8_t *file = read_file(paths[i], &length);
        for (size_t at = 0; at < length; at += at < CACHE_FILE_HEADER ? 7 : length / 17 + 1) {
            file[at] ^= (uint8_t)(1 << at % 8);
            assert_rebuilt(*state, paths, i, file, length);
            file[at] ^= (uint8_t)(1 << at % 8);
        }
        memory_free(file);
    }
}

/* Whole files, in each other's places; and a right hash over a binary that is none. */
static void test_wrong_key(void **state)
{
    char paths[2][4352];
    fill_folder(*state, paths);
    size_t length = 0;
    uint8_t *file = read_file(paths[ANSWER], &length);
    assert_rebuilt(*state, paths, PROGRAM, file, length);
    memory_free(file);
    const char *third = in_folder(*state, "third");
    assert_int_equal(rename(paths[0], third), 0);
    assert_int_equal(rename(paths[1], paths[0]), 0);
    assert_int_equal(rename(third, paths[1]), 0);
    assert_use(*state, 2, 0);
    assert_use(*state, 0, 1);
    for (int i = 0; i < 2; i++) {
        uint8_t key[32];
        memcpy(key, (file = read_file(paths[i], &length)) + 16, 32);
        memory_free(file);
        file = cache_file_encode(key, "\377\377\377\377no program", 14, &length);
        assert_rebuilt(*state, paths, i, file, length);
        memory_free(file);
    }
}

static void test_links(void **state)
{
    char paths[2][4352];
    struct stat info;
    fill_folder(*state, paths);
    const char *elsewhere = in_folder(*state, "elsewhere");
    for (int i = 0; i < 2; i++) {
        size_t length = 0, again = 0;
        uint8_t *file = read_file(paths[i], &length);
        assert_int_equal(rename(paths[i], elsewhere), 0);
        assert_int_equal(symlink(elsewhere, paths[i]), 0);
        assert_missing(*state, i);
        assert_int_equal(lstat(paths[i], &info), 0);
        assert_true(S_ISREG(info.st_mode));
        uint8_t *there = read_file(elsewhere, &again);
        assert_true(again == length && memcmp(there, file, length) == 0);
        memory_free(there);
        memory_free(file);
        assert_use(*state, 0, 1);
        assert_int_equal(unlink(elsewhere), 0);
    }
    assert_int_equal(unlink(paths[0]), 0);
    assert_int_equal(mkfifo(paths[0], 0600), 0); /* must not block */
    assert_missing(*state, 0);
    assert_use(*state, 0, 1);
    assert_int_equal(unlink(paths[1]), 0);
    assert_int_equal(mkdir(paths[1], 0700), 0); /* cannot be replaced: then that program is not kept */
    assert_missing(*state, 1);
    assert_missing(*state, 1);
}

static void test_bad_folders(void **state)
{
    const char *folder = in_folder(*state, "open"), *file = in_folder(*state, "file");
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_unused(folder);
    assert_int_equal(chmod(folder, 0720), 0);
    assert_unused(folder);
    assert_int_equal(count_files(folder), 0);
    write_file(file, "x", 1);
    assert_unused(file);
    assert_unused(in_folder(*state, "file/below"));
    assert_unused("relative/folder");
    assert_unused("/proc/plugcl/cannot/be/made");
    if (geteuid() != 0) {
        assert_int_equal(chmod(folder, 0500), 0);
        assert_unused(folder);
        assert_int_equal(chmod(folder, 0700), 0);
    }
    assert_int_equal(chmod(folder, 0700), 0);
    const char *deep = in_folder(*state, "open/a/b/c"); /* made on the way */
    assert_use(deep, 2, 0);
    assert_use(deep, 0, 1);
}

static void assert_default(const char *wanted)
{
    char *path = NULL;
    assert_int_equal(plugcl_cache_folder(NULL, &path), PLUGCL_OK);
    if (wanted) {
        assert_non_null(path);
        assert_string_equal(path, wanted);
    } else {
        assert_null(path);
        assert_message("cache folder");
    }
    plugcl_free(path);
}

static void test_environment(void **state)
{
    char *home = getenv("HOME") ? strdup(getenv("HOME")) : NULL;
    char wanted[4400];
    snprintf(wanted, sizeof wanted, "%s/plugcl", (char *)*state);
    assert_default(wanted);
    setenv("XDG_CACHE_HOME", "relative", 1);
    assert_default(NULL);
    assert_unused(NULL);
    setenv("XDG_CACHE_HOME", "", 1); /* as if it were not set */
    setenv("HOME", *state, 1);
    snprintf(wanted, sizeof wanted, "%s/.cache/plugcl", (char *)*state);
    assert_default(wanted);
    unsetenv("HOME");
    assert_default(NULL);
    uint64_t files = 1, bytes = 1;
    assert_int_equal(plugcl_cache_usage(NULL, false, &files, &bytes), PLUGCL_OK);
    assert_true(files == 0 && bytes == 0);
    setenv("XDG_CACHE_HOME", *state, 1);
    if (home)
        setenv("HOME", home, 1);
    free(home);
}

static pid_t start_child(const char *folder)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl(program_path, program_path, "child", folder, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

static void test_processes(void **state)
{
    for (int round = 0; round < 3; round++) {
        pid_t children[4];
        uint64_t files = 0;
        for (int i = 0; i < 4; i++)
            children[i] = start_child(*state);
        for (int i = 0; i < 4; i++) {
            int result = -1;
            assert_int_equal(waitpid(children[i], &result, 0), children[i]);
            assert_int_equal(result, 0);
        }
        assert_int_equal(count_files(*state), 2); /* no temporary file is left */
        assert_use(*state, 0, 1);
        assert_int_equal(plugcl_cache_usage(*state, true, &files, NULL), PLUGCL_OK);
        assert_int_equal(files, 2);
    }
}

/* An application's own store. */
struct shelf {
    char keys[4][65];
    uint8_t *data[4];
    size_t bytes[4];
    size_t lie; /* a size that changes between two calls */
};

static size_t shelf_get(void *user, const char *key, void *data, size_t capacity)
{
    struct shelf *shelf = user;
    for (int i = 0; i < 4 && shelf->data[i]; i++) {
        if (strcmp(shelf->keys[i], key) != 0)
            continue;
        if (data)
            memcpy(data, shelf->data[i], capacity < shelf->bytes[i] ? capacity : shelf->bytes[i]);
        return shelf->bytes[i] + (data ? shelf->lie : 0);
    }
    return 0;
}

static void shelf_set(void *user, const char *key, const void *data, size_t bytes)
{
    struct shelf *shelf = user;
    int i = 0;
    while (shelf->data[i] && strcmp(shelf->keys[i], key) != 0)
        i++;
    strcpy(shelf->keys[i], key);
    free(shelf->data[i]);
    shelf->data[i] = exact_copy(data, bytes);
    shelf->bytes[i] = bytes;
}

static void test_callbacks(void **state)
{
    static struct shelf shelf;
    struct plugcl_context_params params = plugcl_context_params_init();
    struct counts counts;
    params.cache_get = shelf_get;
    params.cache_user = &shelf;
    plugcl_context *context = NULL;
    assert_int_equal(plugcl_context_create(&params, &context), PLUGCL_INVALID);
    params.cache_set = shelf_set;
    assert_true(use_cache(&params, &counts));
    assert_true(counts.compiled == 2 && shelf.data[1] && !shelf.data[2]);
    assert_true(use_cache(&params, &counts));
    assert_true(counts.compiled == 0 && counts.loaded == 1);
    shelf.data[0][shelf.bytes[0] / 2] ^= 4;
    assert_true(use_cache(&params, &counts));
    assert_true(counts.compiled == 1 && counts.loaded == 1);
    shelf.lie = 1;
    assert_true(use_cache(&params, &counts));
    assert_true(counts.compiled == 2);
    assert_int_equal(count_files(*state), 0);
    for (int i = 0; i < 4; i++)
        free(shelf.data[i]);
}

static void test_records(void **state)
{
    plugcl_context *context = NULL;
    const uint8_t key[32] = { 7 }, other[32] = { 8 };
    size_t bytes = 0;
    assert_int_equal(plugcl_context_create(plugcl_context_params(.cache_dir = *state), &context), PLUGCL_OK);
    assert_null(context_cache_get(context, key, &bytes));
    context_cache_set(context, key, "gemm=small", 10);
    char *record = context_cache_get(context, key, &bytes);
    assert_int_equal(bytes, 10);
    assert_string_equal(record, "gemm=small");
    memory_free(record);
    assert_null(context_cache_get(context, other, &bytes));
    plugcl_context_destroy(&context);
}

/* What cannot be written leaves what was there: all that tuning has measured on a device is one record. */
static void test_record_survives(void **state)
{
    plugcl_context *context = NULL;
    const uint8_t key[32] = { 7 };
    struct rlimit old, small = { 16, 16 };
    size_t bytes = 0;
    assert_int_equal(plugcl_context_create(plugcl_context_params(.cache_dir = *state), &context), PLUGCL_OK);
    context_cache_set(context, key, "gemm=small", 10);
    const size_t files = count_files(*state);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    context_cache_set(context, key, "gemm=large", 10);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    char *record = context_cache_get(context, key, &bytes);
    assert_non_null(record);
    assert_string_equal(record, "gemm=small");
    memory_free(record);
    assert_int_equal(count_files(*state), files);
    plugcl_context_destroy(&context);
}

static uint64_t cached_files(const char *folder)
{
    uint64_t files = 0;
    assert_int_equal(plugcl_cache_usage(folder, false, &files, NULL), PLUGCL_OK);
    return files;
}

static plugcl_status try_plan(plugcl_context *context, bool softmax, const char *variants, plugcl_plan **plan)
{
    plugcl_graph *graph = NULL;
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(3));
    plugcl_value y = softmax ? plugcl_graph_softmax(graph, x, 0) : plugcl_graph_activation(graph, x, PLUGCL_RELU, 0, 0);
    plugcl_graph_output(graph, "y", y);
    plugcl_status status = plugcl_plan_create(context, graph, plugcl_plan_params(.variants = variants), plan);
    plugcl_graph_destroy(&graph);
    return status;
}

static plugcl_plan *make_plan(plugcl_context *context, bool softmax)
{
    plugcl_plan *plan = NULL;
    assert_int_equal(try_plan(context, softmax, NULL, &plan), PLUGCL_OK);
    return plan;
}

/* Reading binaries back may take as long as compiling, so a plan that has just been made has stored nothing but the probe's answer.
 * Its end, or the application's word, stores its programs. */
static void test_stored_late(void **state)
{
    plugcl_context *context = NULL;
    assert_int_equal(plugcl_context_create(plugcl_context_params(.cache_dir = *state), &context), PLUGCL_OK);
    plugcl_plan *plan = make_plan(context, false);
    assert_int_equal(cached_files(*state), 1);
    plugcl_context_save_programs(context);
    const uint64_t saved = cached_files(*state);
    assert_true(saved > 1);
    plugcl_plan_destroy(&plan);
    assert_int_equal(cached_files(*state), saved);
    plan = make_plan(context, true);
    assert_int_equal(cached_files(*state), saved);
    plugcl_context_destroy(&context);
    plugcl_plan_destroy(&plan); /* which holds the context */
    assert_true(cached_files(*state) > saved);
    plugcl_context_save_programs(NULL);
}

/* A plan that fails stores what others compiled, which may fail too: the message stays that of the plan. */
static void test_message_of_the_plan(void **state)
{
    plugcl_context *context = NULL;
    plugcl_plan *refused = NULL;
    assert_int_equal(plugcl_context_create(plugcl_context_params(.cache_dir = *state), &context), PLUGCL_OK);
    plugcl_plan *plan = make_plan(context, false);
    remove_tree(*state);
    assert_int_equal(try_plan(context, true, "softmax=quick", &refused), PLUGCL_NOT_FOUND);
    assert_message("quick");
    plugcl_plan_destroy(&plan);
    plugcl_context_destroy(&context);
}

/* Drivers have caches of their own, which must outlive every test's folder. */
static int make_driver_caches(void **state)
{
    if (make_folder(state) != 0)
        return -1;
    return setenv("POCL_CACHE_DIR", *state, 1) || setenv("MESA_SHADER_CACHE_DIR", *state, 1);
}

int main(int argc, char **argv)
{
    struct counts counts;
    program_path = argv[0];
    if (argc == 3 && strcmp(argv[1], "child") == 0)
        return use_cache(plugcl_context_params(.cache_dir = argv[2]), &counts) ? 0 : 1;
#define CACHE_TEST(name) cmocka_unit_test_setup_teardown(name, make_fresh, remove_folder)
    const struct CMUnitTest tests[] = {
        CACHE_TEST(test_warm), CACHE_TEST(test_truncated), CACHE_TEST(test_flipped),
        CACHE_TEST(test_wrong_key), CACHE_TEST(test_links), CACHE_TEST(test_bad_folders), CACHE_TEST(test_environment),
        CACHE_TEST(test_processes), CACHE_TEST(test_callbacks), CACHE_TEST(test_records),
        CACHE_TEST(test_record_survives), CACHE_TEST(test_stored_late), CACHE_TEST(test_message_of_the_plan),
    };
    return cmocka_run_group_tests_name("cache", tests, make_driver_caches, remove_folder) ? 1 : 0;
}
