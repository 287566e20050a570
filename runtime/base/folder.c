/* SPDX-License-Identifier: Apache-2.0 */
/* folder.c: folders on POSIX systems: making one that is private, listing one. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

/* Makes every missing folder of an absolute path; false with errno set. `path` is changed while it works. */
static bool make_folders(char *path)
{
    for (char *p = path + 1;; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char end = *p;
        *p = '\0';
        bool there = mkdir(path, 0700) == 0 || errno == EEXIST || errno == EISDIR;
        /* A parent on a read-only file system, say, may be there all the same: the error counts only if it is not. */
        struct stat info;
        int number = errno;
        if (!there && stat(path, &info) != 0) {
            errno = number;
            return false;
        }
        *p = end;
        if (end == '\0')
            return true;
    }
}

static bool refuse(char *reason, size_t size, const char *path, int number)
{
    char words[128];
    snprintf(reason, size, "%s: %s", path, reason_of(number, words, sizeof words));
    return false;
}

bool folder_make_private(const char *path, char *reason, size_t reason_size)
{
    if (path[0] != '/') {
        snprintf(reason, reason_size, "\"%s\" is not an absolute path", path);
        return false;
    }
    char *copy = string_copy(path);
    bool made = copy && make_folders(copy);
    int number = copy ? errno : ENOMEM;
    memory_free(copy);
    if (!made)
        return refuse(reason, reason_size, path, number);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return refuse(reason, reason_size, path, errno);
    struct stat info;
    int failed = fstat(fd, &info);
    number = errno;
    close(fd);
    if (failed)
        return refuse(reason, reason_size, path, number);
    if (info.st_uid != geteuid()) {
        snprintf(reason, reason_size, "%s belongs to another user (%lu)", path, (unsigned long)info.st_uid);
        return false;
    }
    if (info.st_mode & (S_IWGRP | S_IWOTH)) {
        snprintf(reason, reason_size, "%s is writable by others (mode %04o); it must be 0700", path,
                 (unsigned)(info.st_mode & 07777));
        return false;
    }
    if (access(path, W_OK | X_OK) != 0)
        return refuse(reason, reason_size, path, errno);
    return true;
}

bool folder_list(const char *path, const char *suffix, folder_visitor visit, void *user)
{
    DIR *folder = opendir(path);
    if (!folder)
        return false;
    errno = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL; errno = 0) {
        struct stat info;
        if (!ends_with(entry->d_name, suffix) || fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(info.st_mode))
            continue;
        struct folder_file file = { entry->d_name, (uint64_t)info.st_size, (int64_t)info.st_mtime };
        visit(user, &file);
    }
    bool good = errno == 0;
    closedir(folder);
    return good;
}
