/* SPDX-License-Identifier: Apache-2.0 */
/* files.c: tensors from files, and files that appear whole or not at all. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "request.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool is_data_file(const char *path)
{
    return has_extension(path, "npy") || has_extension(path, "png");
}

static int read_npy(const char *path, plugcl_shape *shape, float **data)
{
    plugcl_weights *weights;
    if (plugcl_weights_open(path, &weights))
        return library_failed();
    const struct plugcl_weights_entry *entry = plugcl_weights_at(weights, 0);
    *shape = entry->shape;
    *data = allocate(entry->bytes, 1);
    if (*data && entry->bytes > 0)
        memcpy(*data, entry->data, entry->bytes);
    plugcl_weights_destroy(&weights);
    return *data ? EXIT_DONE : failed("%s: out of memory", path);
}

int read_input(const char *name, const char *path, plugcl_shape *shape, float **data)
{
    int result = has_extension(path, "png") ? image_read(path, shape, data) : read_npy(path, shape, data);
    if (result)
        return result;
    if (shape->rank != 4)
        return failed("%s: the shape is %s; input %s takes rank 4, [N, C, H, W]", path, shape_text(shape), name);
    for (uint32_t i = 1; i < 4; i++) {
        if (shape->dims[i] < 1)
            return failed("%s: the shape is %s; C, H and W are at least 1", path, shape_text(shape));
    }
    return EXIT_DONE;
}

/* "folder/" of a path, "./" if there is none; NULL when out of memory. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("./");
}

int check_output_path(const char *path)
{
    struct stat info;
    char *folder = folder_of(path);
    int result = EXIT_DONE;
    if (!folder)
        return failed("out of memory");
    errno = 0;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) /* renaming over /dev/null would destroy it */
        result = failed("%s cannot be written: it is %s", path, S_ISDIR(info.st_mode) ? "a folder" : "not a regular file");
    else if (errno != ENOENT && errno != 0) /* a name that is too long, say */
        result = failed("%s cannot be written: %s", path, strerror(errno));
    else if (stat(folder, &info) != 0)
        result = failed("%s cannot be written: %s", path, strerror(errno));
    else if (!S_ISDIR(info.st_mode))
        result = failed("%s cannot be written: %s is not a folder", path, folder);
    else if (access(folder, W_OK) != 0)
        result = failed("%s cannot be written: %s", path, strerror(errno));
    free(folder);
    return result;
}

/* What a path leads to, links followed: "folder/name"; NULL when there is no such folder. */
static char *resolve(const char *path)
{
    char *whole = realpath(path, NULL), *folder = whole ? NULL : folder_of(path), *real = folder ? realpath(folder, NULL) : NULL;
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    size_t length = real ? strlen(real) + strlen(name) + 2 : 0;
    if (real && (whole = malloc(length)))
        snprintf(whole, length, "%s/%s", real, name);
    free(real);
    free(folder);
    return whole;
}

bool is_same_file(const char *a, const char *b)
{
    char *left = resolve(a), *right = resolve(b);
    bool same = left && right ? strcmp(left, right) == 0 : strcmp(a, b) == 0;
    free(left);
    free(right);
    return same;
}

int check_output_shape(const char *name, const char *path, const plugcl_shape *shape)
{
    bool is_picture = shape->rank == 4 && shape->dims[0] == 1 && (shape->dims[1] == 1 || shape->dims[1] == 3);
    if (has_extension(path, "png") && !is_picture)
        return failed("%s: output %s has the shape %s; a .png takes [1, 1 or 3, H, W]", path, name, shape_text(shape));
    return EXIT_DONE;
}

static void hold_signals(bool hold)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &signals, NULL);
}

void stage_begin(struct staged *staged)
{
    *staged = (struct staged){ 0 };
    hold_signals(true);
}

/* Adds a file; its temporary name ends in `extension` and lies beside the target (a link's own target, so that links stay). */
static const char *stage_add(struct staged *staged, const char *path, const char *extension)
{
    struct stat info;
    char *target = lstat(path, &info) == 0 && S_ISLNK(info.st_mode) ? realpath(path, NULL) : NULL;
    target = target ? target : strdup(path);
    char *folder = target ? folder_of(target) : NULL;
    size_t length = folder ? strlen(folder) + 64 : 0;
    char *temporary = folder ? malloc(length) : NULL;
    if (temporary)
        snprintf(temporary, length, "%s.plugcl-%ld-%zu.%s", folder, (long)getpid(), staged->count, extension);
    free(folder);
    staged->target[staged->count] = target;
    staged->temporary[staged->count++] = temporary;
    return temporary;
}

/* The library knows the temporary name only; what is said names the file that was asked for. */
static int save_failed(const char *path, const char *temporary)
{
    const char *message = plugcl_error_message();
    size_t length = strlen(temporary);
    return strncmp(message, temporary, length) == 0 ? failed("%s%s", path, message + length) : library_failed();
}

int stage_tensor(struct staged *staged, const char *path, const plugcl_shape *shape, const float *data)
{
    bool is_png = has_extension(path, "png");
    const char *temporary = stage_add(staged, path, is_png ? "png" : "npy");
    if (!temporary)
        return failed("out of memory");
    if (is_png)
        return image_write(path, temporary, shape, data);
    return plugcl_npy_save(temporary, shape, data) ? save_failed(path, temporary) : EXIT_DONE;
}

int stage_json(struct staged *staged, const char *path, const json_t *value)
{
    const char *temporary = stage_add(staged, path, "json");
    if (!temporary || !value)
        return failed("out of memory");
    if (json_dump_file(value, temporary, JSON_INDENT(1)) != 0)
        return failed("%s cannot be written: %s", path, strerror(errno));
    return EXIT_DONE;
}

int stage_end(struct staged *staged, bool commit)
{
    int result = EXIT_DONE;
    for (size_t i = 0; i < staged->count; i++) {
        char *temporary = staged->temporary[i], *target = staged->target[i];
        bool done = commit && !result && rename(temporary, target) == 0;
        if (commit && !result && !done)
            result = failed("%s cannot be written: %s", target, strerror(errno));
        if (!done && temporary)
            unlink(temporary);
        free(temporary);
        free(target);
    }
    hold_signals(false);
    return result;
}
