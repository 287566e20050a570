/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_windows.c: what file.c and folder.c do, for Windows. Files are read rather than mapped, since a mapped file cannot be
 * replaced there. A folder's privacy is left to the access list it inherits: %LOCALAPPDATA% is the user's own.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/thread.h"

const char *reason_of(int number, char *buffer, size_t size)
{
    snprintf(buffer, size, "%s", strerror(number)); /* each thread has a buffer of its own here */
    return buffer;
}

static plugcl_status fail_windows(const char *what, const char *path)
{
    return fail(PLUGCL_IO, "%s cannot be %s: Windows error %lu", path, what, (unsigned long)GetLastError());
}

static HANDLE open_to_read(const char *path)
{
    return CreateFileA(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
}

/* The whole of an open disk file in new memory with a zero after it; NULL when it is longer than `limit` or cannot be read. */
static uint8_t *read_whole(HANDLE file, size_t limit, size_t *length)
{
    LARGE_INTEGER size;
    if (GetFileType(file) != FILE_TYPE_DISK || !GetFileSizeEx(file, &size) || (uint64_t)size.QuadPart > limit)
        return NULL;
    size_t total = (size_t)size.QuadPart, done = 0;
    uint8_t *bytes = total < SIZE_MAX ? memory_zeroed(total + 1, 1) : NULL;
    while (bytes && done < total) {
        DWORD wanted = total - done > 1u << 30 ? 1u << 30 : (DWORD)(total - done), part = 0;
        if (!ReadFile(file, bytes + done, wanted, &part, NULL) || part == 0) {
            memory_free(bytes);
            return NULL;
        }
        done += part;
    }
    *length = total;
    return bytes;
}

plugcl_status file_map_open(const char *path, struct file_map *map)
{
    *map = (struct file_map){ 0 };
    HANDLE file = open_to_read(path);
    if (file == INVALID_HANDLE_VALUE)
        return fail_windows("opened", path);
    map->data = read_whole(file, SIZE_MAX - 1, &map->bytes);
    CloseHandle(file);
    return map->data ? PLUGCL_OK : fail_windows("read", path);
}

void file_map_close(struct file_map *map)
{
    memory_free((void *)map->data);
    *map = (struct file_map){ 0 };
}

static bool write_whole(HANDLE file, const void *bytes, size_t length)
{
    size_t done = 0;
    while (done < length) {
        DWORD wanted = length - done > 1u << 30 ? 1u << 30 : (DWORD)(length - done), part = 0;
        if (!WriteFile(file, (const uint8_t *)bytes + done, wanted, &part, NULL))
            return false;
        done += part;
    }
    return FlushFileBuffers(file) != 0;
}

plugcl_status file_replace(const char *path, const void *bytes, size_t length, unsigned mode)
{
    static atomic_uint serial;
    (void)mode;
    char *temporary = string_format("%.*s.plugcl-%lu-%u-%08lx.tmp", (int)(path_name(path) - path), path,
                                    (unsigned long)GetCurrentProcessId(), atomic_fetch_add(&serial, 1),
                                    (unsigned long)(clock_ns() & 0xFFFFFFFF));
    if (!temporary)
        return fail_no_memory(strlen(path) + 64);
    plugcl_status status = PLUGCL_OK;
    HANDLE file = CreateFileA(temporary, GENERIC_WRITE, 0, NULL, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
    bool good = file != INVALID_HANDLE_VALUE && write_whole(file, bytes, length);
    if (!good)
        status = fail_windows("written", path);
    if (file != INVALID_HANDLE_VALUE)
        CloseHandle(file);
    if (good && !MoveFileExA(temporary, path, MOVEFILE_REPLACE_EXISTING)) {
        good = false;
        status = fail_windows("written", path);
    }
    if (!good && file != INVALID_HANDLE_VALUE)
        DeleteFileA(temporary);
    memory_free(temporary);
    return status;
}

plugcl_status file_write_private(const char *path, const void *bytes, size_t length)
{
    return file_replace(path, bytes, length, 0600); /* a move replaces a link too */
}

bool folder_make_private(const char *path, char *reason, size_t reason_size)
{
    char *copy = string_copy(path);
    for (char *p = copy; p && *p; p++) {
        if ((*p != '/' && *p != '\\') || p == copy || p[-1] == ':')
            continue;
        char separator = *p;
        *p = '\0';
        CreateDirectoryA(copy, NULL);
        *p = separator;
    }
    memory_free(copy);
    CreateDirectoryA(path, NULL);
    DWORD attributes = GetFileAttributesA(path);
    if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY))
        return true;
    snprintf(reason, reason_size, "%s is not a folder and cannot be made one", path);
    return false;
}

void *file_read_private(const char *path, size_t limit, size_t *length)
{
    *length = 0;
    DWORD attributes = GetFileAttributesA(path);
    if (attributes == INVALID_FILE_ATTRIBUTES || (attributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT)))
        return NULL;
    HANDLE file = open_to_read(path);
    if (file == INVALID_HANDLE_VALUE)
        return NULL;
    void *bytes = read_whole(file, limit, length);
    CloseHandle(file);
    return bytes;
}

bool file_remove(const char *path)
{
    return DeleteFileA(path) != 0 || GetLastError() == ERROR_FILE_NOT_FOUND;
}

bool folder_list(const char *path, const char *suffix, folder_visitor visit, void *user)
{
    char *pattern = string_format("%s/*%s", path, suffix);
    WIN32_FIND_DATAA found;
    HANDLE search = pattern ? FindFirstFileA(pattern, &found) : INVALID_HANDLE_VALUE;
    memory_free(pattern);
    if (search == INVALID_HANDLE_VALUE)
        return GetFileAttributesA(path) != INVALID_FILE_ATTRIBUTES; /* a folder without such a file is no failure */
    do {
        if (found.dwFileAttributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT))
            continue;
        uint64_t ticks = (uint64_t)found.ftLastWriteTime.dwHighDateTime << 32 | found.ftLastWriteTime.dwLowDateTime;
        struct folder_file file = { found.cFileName, (uint64_t)found.nFileSizeHigh << 32 | found.nFileSizeLow,
                                    (int64_t)(ticks / 10000000) - INT64_C(11644473600) /* from 1601 to 1970 */ };
        visit(user, &file);
    } while (FindNextFileA(search, &found));
    FindClose(search);
    return true;
}
