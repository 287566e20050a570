/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit.h: what the unit tests share. It is included last: cmocka defines a macro `fail` that hides base/error.h's function.
 */
#ifndef PLUGCL_TEST_UNIT_H
#define PLUGCL_TEST_UNIT_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <plugcl/plugcl.h>

/* The message of the last failure has `part` in it and is one line. */
#define assert_message(part)                                                                          \
    do {                                                                                              \
        if (!strstr(plugcl_error_message(), part) || strchr(plugcl_error_message(), '\n'))            \
            fail_msg("\"%s\" is not one line with \"%s\" in it", plugcl_error_message(), part);       \
    } while (0)

/* A cmocka group setup: *state is the path of a new empty folder, which remove_folder removes with the files in it. */
static inline int make_folder(void **state)
{
    const char *base = getenv("TMPDIR");
    char *path = malloc(4096);
    if (!path || snprintf(path, 4096, "%s/plugcl-test-XXXXXX", base && base[0] == '/' ? base : "/tmp") >= 4096 || !mkdtemp(path))
        return -1;
    *state = path;
    return 0;
}

static inline void remove_tree(const char *path)
{
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
        char name[8192];
        struct stat info;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (snprintf(name, sizeof name, "%s/%s", path, entry->d_name) >= (int)sizeof name)
            continue;
        if (lstat(name, &info) == 0 && S_ISDIR(info.st_mode))
            remove_tree(name);
        else
            unlink(name);
    }
    if (folder)
        closedir(folder);
    rmdir(path);
}

static inline int remove_folder(void **state)
{
    remove_tree(*state);
    free(*state);
    return 0;
}

/* Another such pair: *state is a context. */
static inline int make_context(void **state)
{
    plugcl_context *context = NULL;
    assert_int_equal(plugcl_context_create(plugcl_context_params(.device = "cpu,gpu"), &context), PLUGCL_OK);
    *state = context;
    return 0;
}

static inline int destroy_context(void **state)
{
    plugcl_context *context = *state;
    plugcl_context_destroy(&context);
    return 0;
}

static inline uint64_t device_bytes(const plugcl_context *context)
{
    struct plugcl_context_statistics statistics = { .struct_size = sizeof statistics };
    plugcl_context_statistics(context, &statistics);
    return statistics.device_bytes;
}

/* folder + "/" + name, in one of a few static buffers. */
static inline const char *in_folder(const char *folder, const char *name)
{
    static char paths[4][4352];
    static int next;
    char *path = paths[next++ % 4];
    assert_true(snprintf(path, sizeof paths[0], "%s/%s", folder, name) < (int)sizeof paths[0]);
    return path;
}

static inline size_t count_files(const char *path)
{
    size_t count = 0;
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (folder)
        closedir(folder);
    return count;
}

static inline void write_file(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

/* The next of a sequence from −1 to 1 that is the same everywhere. */
static inline float pseudo_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / 8388608.0f - 1.0f;
}

/* A copy that ends where its memory ends, so that AddressSanitizer sees a read past it. */
static inline uint8_t *exact_copy(const void *bytes, size_t length)
{
    uint8_t *copy = malloc(length);
    assert_true(copy != NULL || length == 0);
    if (length > 0)
        memcpy(copy, bytes, length);
    return copy;
}

#endif
