/* SPDX-License-Identifier: Apache-2.0 */
/* file.h: reading, mapping and replacing files. Paths are the operating system's; errors name the path and the reason. */
#ifndef PLUGCL_BASE_FILE_H
#define PLUGCL_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The system's words for an error number, in `buffer`, which it returns. strerror may share its buffer between threads. */
const char *reason_of(int number, char *buffer, size_t size);

/* A file mapped read-only (or read into memory where mapping is not possible, as for pipes). Zeroed means none. */
struct file_map {
    const uint8_t *data;
    size_t bytes;
    bool mapped;
};
plugcl_status file_map_open(const char *path, struct file_map *map);
void file_map_close(struct file_map *map);

/* Writes bytes to PATH so that PATH is the old file or the whole new one, never a part: a unique temporary file in the same
 * folder (".plugcl-….tmp", which only a crash leaves behind), flushed, then renamed. `mode` is the new file's permission bits
 * before the umask, 0666 for a user's file. Links are followed; pipes and devices (/dev/null) are written to, not replaced. */
plugcl_status file_replace(const char *path, const void *bytes, size_t length, unsigned mode);

/* Private files, for the program cache. A folder is private when it belongs to this user and nobody else may write to it; what is
 * missing of its path is created with mode 0700. False, with a reason, when it cannot be used. */
bool folder_make_private(const char *path, char *reason, size_t reason_size);
/* Reads a whole regular file of this user, of at most `limit` bytes, without following links or blocking on pipes; NULL when it
 * is absent or not like that. A zero follows the last byte. The caller frees it with memory_free. */
void *file_read_private(const char *path, size_t limit, size_t *length);
/* As file_replace, for this user alone: what lies at PATH, a link or a pipe too, is replaced and never written through. */
plugcl_status file_write_private(const char *path, const void *bytes, size_t length);
/* True when there is no such file afterwards, whoever removed it. */
bool file_remove(const char *path);

/* Calls `visit` for each regular file of a folder whose name ends in `suffix`; no order is promised. */
struct folder_file {
    const char *name; /* without the folder */
    uint64_t bytes;
    int64_t modified; /* seconds since 1970 */
};
typedef void (*folder_visitor)(void *user, const struct folder_file *file);
bool folder_list(const char *path, const char *suffix, folder_visitor visit, void *user);

/* folder + "/" + name in new memory, NULL when out of memory. */
char *path_join(const char *folder, const char *name);
/* The part after the last separator, and the part after the last dot of that ("" if none). */
const char *path_name(const char *path);
const char *path_extension(const char *path);

#endif
