/* SPDX-License-Identifier: Apache-2.0 */
/* file_test.c: mapping, replacing and private files. The group's state is a folder. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "base/file.h"
#include "base/memory.h"

#include "unit.h"

static void assert_content(const char *path, const char *text)
{
    struct file_map map;
    assert_int_equal(file_map_open(path, &map), PLUGCL_OK);
    assert_int_equal(map.bytes, strlen(text));
    if (map.bytes > 0)
        assert_memory_equal(map.data, text, map.bytes);
    file_map_close(&map);
}

static void *write_pipe(void *user)
{
    FILE *pipe = fopen(user, "wb");
    for (int i = 0; pipe && i < 20000; i++)
        fputs("0123456789", pipe);
    if (pipe)
        fclose(pipe);
    return NULL;
}

static void test_map(void **state)
{
    const char *path = in_folder(*state, "map");
    struct file_map map;
    assert_int_equal(file_map_open(path, &map), PLUGCL_IO);
    assert_message("map cannot be opened: ");
    assert_int_equal(file_map_open(*state, &map), PLUGCL_IO);
    assert_message("folder");
    write_file(path, "hello", 5);
    assert_content(path, "hello");
    write_file(path, "", 0);
    assert_content(path, "");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_pipe, (void *)path), 0);
    assert_int_equal(file_map_open(path, &map), PLUGCL_OK);
    pthread_join(thread, NULL);
    assert_int_equal(map.bytes, 200000);
    assert_memory_equal(map.data + 199990, "0123456789", 10);
    file_map_close(&map);
    assert_int_equal(unlink(path), 0);
}

static void test_replace(void **state)
{
    const char *path = in_folder(*state, "out");
    size_t before = count_files(*state);
    mode_t mask = umask(027);
    assert_int_equal(file_replace(path, "first", 5, 0666), PLUGCL_OK);
    umask(mask);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    assert_content(path, "first");
    assert_int_equal(file_replace(path, "", 0, 0600), PLUGCL_OK);
    assert_content(path, "");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(file_replace(in_folder(*state, "none/out"), "x", 1, 0600), PLUGCL_IO);
    assert_message("none/out cannot be written: ");
    assert_int_equal(file_replace(*state, "x", 1, 0600), PLUGCL_IO);
    assert_message("folder");
    assert_int_equal(count_files(*state), before + 1);
    memory_fail_after(1);
    assert_int_equal(file_replace(path, "x", 1, 0600), PLUGCL_NO_MEMORY);
    memory_fail_after(0);
    assert_int_equal(unlink(path), 0);
}

/* A file name as long as the file system allows leaves no room to lengthen it. */
static void test_replace_long_name(void **state)
{
    char name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    const char *path = in_folder(*state, name);
    assert_int_equal(file_replace(path, "long", 4, 0600), PLUGCL_OK);
    assert_content(path, "long");
    assert_int_equal(unlink(path), 0);
}

/* A write that fails half-way leaves the old file and nothing else. */
static void test_replace_fails(void **state)
{
    const char *path = in_folder(*state, "old");
    static char large[100000];
    struct rlimit old, small;
    write_file(path, "old", 3);
    size_t before = count_files(*state);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){ 1000, old.rlim_max };
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    plugcl_status status = file_replace(path, large, sizeof large, 0600);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, PLUGCL_IO);
    assert_content(path, "old");
    assert_int_equal(count_files(*state), before);
    assert_int_equal(unlink(path), 0);
}

static void test_replace_special(void **state)
{
    struct stat info;
    assert_int_equal(file_replace("/dev/null", "x", 1, 0666), PLUGCL_OK);
    assert_true(stat("/dev/null", &info) == 0 && S_ISCHR(info.st_mode));
    if (access("/dev/full", W_OK) == 0)
        assert_int_equal(file_replace("/dev/full", "x", 1, 0666), PLUGCL_IO);
    const char *target = in_folder(*state, "target"), *link = in_folder(*state, "link");
    write_file(target, "old", 3);
    assert_int_equal(symlink("target", link), 0);
    assert_int_equal(file_replace(link, "new", 3, 0666), PLUGCL_OK);
    assert_true(lstat(link, &info) == 0 && S_ISLNK(info.st_mode));
    assert_content(target, "new");
    assert_int_equal(unlink(target), 0);
    assert_int_equal(file_replace(link, "dangling", 8, 0666), PLUGCL_OK);
    assert_content(link, "dangling");
    assert_int_equal(unlink(link), 0);
}

enum { LARGE = 1 << 20 };
struct race {
    const char *path;
    atomic_bool stop;
    char bytes[LARGE];
};

static void *replace_again_and_again(void *user)
{
    struct race *race = user;
    for (int i = 0; !atomic_load(&race->stop); i++) {
        memset(race->bytes, 'a' + i % 26, LARGE);
        file_replace(race->path, race->bytes, LARGE, 0600);
    }
    return NULL;
}

/* Whoever reads while another writes sees one whole file. */
static void test_replace_is_atomic(void **state)
{
    struct race *race = calloc(1, sizeof *race);
    assert_non_null(race);
    race->path = in_folder(*state, "race");
    memset(race->bytes, 'z', LARGE);
    assert_int_equal(file_replace(race->path, race->bytes, LARGE, 0600), PLUGCL_OK);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, replace_again_and_again, race), 0);
    for (int i = 0; i < 200; i++) {
        size_t length;
        char *bytes = file_read_private(race->path, LARGE, &length);
        assert_non_null(bytes);
        assert_int_equal(length, LARGE);
        assert_memory_equal(bytes, bytes + 1, LARGE - 1);
        memory_free(bytes);
    }
    atomic_store(&race->stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(unlink(race->path), 0);
    assert_int_equal(count_files(*state), 0);
    free(race);
}

static void test_private_folder(void **state)
{
    char reason[256] = "";
    const char *deep = in_folder(*state, "a/b//c"), *file = in_folder(*state, "file");
    struct stat info;
    mode_t mask = umask(0);
    assert_true(folder_make_private(deep, reason, sizeof reason));
    umask(mask);
    assert_int_equal(stat(in_folder(*state, "a"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    assert_int_equal(stat(deep, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    assert_true(folder_make_private(deep, reason, sizeof reason));
    assert_int_equal(chmod(deep, 0755), 0); /* others may look, but not write */
    assert_true(folder_make_private(deep, reason, sizeof reason));
    static const mode_t bad[] = { 0770, 0702, 0777, 01777 };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(chmod(deep, bad[i]), 0);
        reason[0] = '\0';
        assert_false(folder_make_private(deep, reason, sizeof reason));
        assert_non_null(strstr(reason, "writable by others"));
    }
    assert_false(folder_make_private("relative/path", reason, sizeof reason));
    assert_non_null(strstr(reason, "absolute"));
    assert_false(folder_make_private("", reason, sizeof reason));
    write_file(file, "x", 1);
    assert_false(folder_make_private(file, reason, sizeof reason));
    assert_false(folder_make_private(in_folder(*state, "file/below"), reason, sizeof reason));
    assert_non_null(strstr(reason, "file/below"));
    memory_fail_after(1);
    assert_false(folder_make_private(deep, reason, sizeof reason));
    memory_fail_after(0);
    if (geteuid() == 0) {
        assert_int_equal(chmod(deep, 0700), 0);
        assert_int_equal(chown(deep, 12345, 12345), 0);
        assert_false(folder_make_private(deep, reason, sizeof reason));
        assert_non_null(strstr(reason, "another user"));
    }
    char tiny[8];
    assert_false(folder_make_private("relative/path", tiny, sizeof tiny));
    remove_tree(in_folder(*state, "a"));
    assert_int_equal(unlink(file), 0);
}

static void test_read_private(void **state)
{
    const char *path = in_folder(*state, "blob"), *other = in_folder(*state, "other");
    size_t length = 99;
    assert_null(file_read_private(path, 100, &length));
    assert_int_equal(length, 0);
    write_file(path, "12345", 5);
    char *bytes = file_read_private(path, 5, &length);
    assert_int_equal(length, 5);
    assert_string_equal(bytes, "12345"); /* a zero follows */
    memory_free(bytes);
    assert_null(file_read_private(path, 4, &length));
    memory_fail_after(1);
    assert_null(file_read_private(path, 5, &length));
    memory_fail_after(0);
    assert_int_equal(symlink(path, other), 0);
    assert_null(file_read_private(other, 100, &length));
    assert_true(file_remove(other));
    assert_int_equal(mkfifo(other, 0600), 0);
    assert_null(file_read_private(other, 100, &length)); /* and does not wait for a writer */
    assert_true(file_remove(other));
    assert_null(file_read_private(*state, 100, &length));
    assert_null(file_read_private("/dev/zero", 100, &length));
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 12345, 12345), 0);
        assert_null(file_read_private(path, 100, &length));
    }
    write_file(path, "", 0);
    assert_int_equal(chown(path, geteuid(), getegid()), 0);
    bytes = file_read_private(path, 0, &length);
    assert_non_null(bytes);
    assert_int_equal(length, 0);
    memory_free(bytes);
    assert_true(file_remove(path));
    assert_true(file_remove(path)); /* another process may have been first */
    assert_false(file_remove(*state));
}

struct listing {
    size_t files, bytes;
};

static void add_file(void *user, const struct folder_file *file)
{
    struct listing *listing = user;
    listing->files++;
    listing->bytes += (size_t)file->bytes;
    assert_true(file->modified > 1600000000);
    assert_null(strchr(file->name, '/'));
}

static void test_list(void **state)
{
    struct listing listing = { 0, 0 };
    write_file(in_folder(*state, "a.bin"), "12", 2);
    write_file(in_folder(*state, "b.bin"), "123", 3);
    write_file(in_folder(*state, "c.txt"), "1", 1);
    assert_int_equal(mkdir(in_folder(*state, "d.bin"), 0700), 0);
    assert_int_equal(symlink("a.bin", in_folder(*state, "e.bin")), 0);
    assert_true(folder_list(*state, ".bin", add_file, &listing));
    assert_int_equal(listing.files, 2);
    assert_int_equal(listing.bytes, 5);
    assert_false(folder_list(in_folder(*state, "none"), "", add_file, &listing));
}

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *folder, *name, *path;
    } joins[] = { { "a", "b", "a/b" }, { "a/", "b", "a/b" }, { "/", "b", "/b" }, { "", "b", "b" } };
    for (size_t i = 0; i < sizeof joins / sizeof joins[0]; i++) {
        char *path = path_join(joins[i].folder, joins[i].name);
        assert_string_equal(path, joins[i].path);
        memory_free(path);
    }
    assert_string_equal(path_name("/a/b.c"), "b.c");
    assert_string_equal(path_name("b"), "b");
    assert_string_equal(path_name("a/"), "");
    assert_string_equal(path_extension("a.d/b.tar.gz"), "gz");
    assert_string_equal(path_extension("a.d/b"), "");
    assert_string_equal(path_extension("b."), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map), cmocka_unit_test(test_replace), cmocka_unit_test(test_replace_long_name),
        cmocka_unit_test(test_replace_fails), cmocka_unit_test(test_replace_special), cmocka_unit_test(test_replace_is_atomic),
        cmocka_unit_test(test_private_folder), cmocka_unit_test(test_read_private), cmocka_unit_test(test_list),
        cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests_name("file", tests, make_folder, remove_folder) ? 1 : 0;
}
