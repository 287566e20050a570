/* SPDX-License-Identifier: Apache-2.0 */
/* file.c: files on POSIX systems; file_windows.c has the same for Windows. */
#define _XOPEN_SOURCE 700 /* realpath */

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/thread.h"

const char *reason_of(int number, char *buffer, size_t size)
{
    if (strerror_r(number, buffer, size) != 0)
        snprintf(buffer, size, "error %d", number);
    return buffer;
}

static plugcl_status fail_io(const char *what, const char *path, int number)
{
    char reason[128];
    plugcl_status status = number == ENOMEM ? PLUGCL_NO_MEMORY : PLUGCL_IO;
    return fail(status, "%s cannot be %s: %s", path, what, reason_of(number, reason, sizeof reason));
}

/* Reads up to `size` bytes, fewer only at the end of the file; −1 with errno set. */
static ssize_t read_fully(int fd, void *buffer, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t part = read(fd, (uint8_t *)buffer + done, size - done);
        if (part == 0)
            break;
        if (part < 0 && errno != EINTR)
            return -1;
        if (part > 0)
            done += (size_t)part;
    }
    return (ssize_t)done;
}

static bool write_fully(int fd, const void *bytes, size_t length)
{
    const uint8_t *p = bytes;
    while (length > 0) {
        ssize_t part = write(fd, p, length);
        if (part < 0 && errno != EINTR)
            return false;
        if (part > 0) {
            p += part;
            length -= (size_t)part;
        }
    }
    return true;
}

/* For pipes and devices, whose length nobody knows before the end. */
static plugcl_status read_stream(int fd, const char *path, struct file_map *map)
{
    struct text bytes = { 0 };
    char part[4096];
    ssize_t n;
    while ((n = read_fully(fd, part, sizeof part)) > 0)
        text_add_bytes(&bytes, part, (size_t)n);
    plugcl_status status = PLUGCL_OK;
    if (n < 0)
        status = fail_io("read", path, errno);
    else if (bytes.failed)
        status = fail_no_memory(bytes.length);
    if (status != PLUGCL_OK) {
        text_free(&bytes);
        return status;
    }
    *map = (struct file_map){ .data = (uint8_t *)bytes.data, .bytes = bytes.length };
    return PLUGCL_OK;
}

plugcl_status file_map_open(const char *path, struct file_map *map)
{
    *map = (struct file_map){ 0 };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_io("opened", path, errno);
    struct stat info;
    plugcl_status status = PLUGCL_OK;
    if (fstat(fd, &info) != 0) {
        status = fail_io("read", path, errno);
    } else if (S_ISDIR(info.st_mode)) {
        status = fail(PLUGCL_IO, "%s is a folder; a file is wanted", path);
    } else if (!S_ISREG(info.st_mode)) {
        status = read_stream(fd, path, map);
    } else if ((uintmax_t)info.st_size > SIZE_MAX) {
        status = fail_io("mapped", path, EFBIG);
    } else if (info.st_size > 0) {
        void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
            status = read_stream(fd, path, map); /* some network and user-space file systems cannot map */
        else
            *map = (struct file_map){ .data = data, .bytes = (size_t)info.st_size, .mapped = true };
    }
    close(fd);
    return status;
}

void file_map_close(struct file_map *map)
{
    if (map->mapped)
        munmap((void *)map->data, map->bytes);
    else
        memory_free((void *)map->data);
    *map = (struct file_map){ 0 };
}

/* Opens a new file in the folder of `path`; *name is its name, in memory of its own. The permission bits go through the
 * user's umask, as for any file that a program makes. −1 with errno set. */
static int create_temporary(const char *path, unsigned mode, char **name)
{
    static atomic_uint serial;
    int folder = (int)(path_name(path) - path);
    for (int attempt = 0; attempt < 100; attempt++) {
        unsigned n = atomic_fetch_add(&serial, 1);
        *name = string_format("%.*s.plugcl-%ld-%u-%08lx.tmp", folder, path, (long)getpid(), n,
                              (unsigned long)(clock_ns() & 0xFFFFFFFF));
        if (!*name) {
            errno = ENOMEM;
            return -1;
        }
        int fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode);
        if (fd >= 0)
            return fd;
        memory_free(*name);
        *name = NULL;
        if (errno != EEXIST && errno != EINTR)
            return -1;
    }
    return -1;
}

static plugcl_status replace_regular(const char *path, const void *bytes, size_t length, unsigned mode)
{
    char *temporary = NULL;
    int fd = create_temporary(path, mode, &temporary);
    if (fd < 0)
        return fail_io("written", path, errno);
    /* The flush comes before the rename, or a crash of the machine could leave the new name with nothing in it. Some file
     * systems know no flush and say EINVAL. */
    bool good = write_fully(fd, bytes, length) && (fsync(fd) == 0 || errno == EINVAL);
    int number = errno;
    if (close(fd) != 0 && good) {
        good = false;
        number = errno;
    }
    if (good && rename(temporary, path) != 0) {
        good = false;
        number = errno;
    }
    if (!good)
        unlink(temporary);
    memory_free(temporary);
    return good ? PLUGCL_OK : fail_io("written", path, number);
}

/* /dev/stdout, /dev/null, a named pipe: renaming a file over one of these would destroy it. */
static plugcl_status write_stream(const char *path, const void *bytes, size_t length)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return fail_io("written", path, errno);
    bool good = write_fully(fd, bytes, length);
    int number = errno;
    if (close(fd) != 0 && good) {
        good = false;
        number = errno;
    }
    return good ? PLUGCL_OK : fail_io("written", path, number);
}

plugcl_status file_replace(const char *path, const void *bytes, size_t length, unsigned mode)
{
    struct stat info;
    if (stat(path, &info) == 0) {
        if (S_ISDIR(info.st_mode))
            return fail(PLUGCL_IO, "%s cannot be written: it is a folder", path);
        if (!S_ISREG(info.st_mode))
            return write_stream(path, bytes, length);
    }
    /* A link stays a link: what it points to is replaced. */
    char *target = lstat(path, &info) == 0 && S_ISLNK(info.st_mode) ? realpath(path, NULL) : NULL;
    plugcl_status status = replace_regular(target ? target : path, bytes, length, mode);
    free(target);
    return status;
}

plugcl_status file_write_private(const char *path, const void *bytes, size_t length)
{
    return replace_regular(path, bytes, length, 0600);
}

void *file_read_private(const char *path, size_t limit, size_t *length)
{
    *length = 0;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct stat info;
    uint8_t *bytes = NULL;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid() &&
        (uintmax_t)info.st_size <= limit)
        bytes = memory_zeroed((size_t)info.st_size + 1, 1); /* one more, so that text ends with a zero */
    if (bytes && read_fully(fd, bytes, (size_t)info.st_size) != (ssize_t)info.st_size) {
        memory_free(bytes);
        bytes = NULL;
    }
    close(fd);
    if (bytes)
        *length = (size_t)info.st_size;
    return bytes;
}

bool file_remove(const char *path)
{
    return unlink(path) == 0 || errno == ENOENT;
}
