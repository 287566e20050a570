/* SPDX-License-Identifier: Apache-2.0 */
#include "base/library.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

/* ISO C has no conversion between a pointer to data and one to a function, so the bits are copied. */

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

void *library_open_system(const char *name)
{
    return (void *)LoadLibraryExA(name, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
}

static void *load_file(const char *path, char *reason, size_t size)
{
    void *library = (void *)LoadLibraryA(path);
    snprintf(reason, size, "error %lu", library ? 0ul : (unsigned long)GetLastError());
    return library;
}

void library_close(void *library)
{
    FreeLibrary((HMODULE)library);
}

bool library_symbol(void *library, const char *name, void *address)
{
    FARPROC symbol = GetProcAddress((HMODULE)library, name);
    memcpy(address, &symbol, sizeof symbol);
    return symbol != NULL;
}
#else
#include <dlfcn.h>

/* Drivers may have threads and exit handlers that do not survive being unmapped. */
#if !defined(RTLD_NODELETE)
#define RTLD_NODELETE 0
#endif

void *library_open_system(const char *name)
{
    return dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
}

static void *load_file(const char *path, char *reason, size_t size)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const char *text = library ? "" : dlerror();
    size_t length = strlen(path);
    if (text != NULL && strncmp(text, path, length) == 0 && strncmp(text + length, ": ", 2) == 0)
        text += length + 2; /* the caller names the path itself */
    snprintf(reason, size, "%s", text ? text : "the system does not say why");
    return library;
}

void library_close(void *library)
{
    dlclose(library);
}

bool library_symbol(void *library, const char *name, void *address)
{
    void *symbol = dlsym(library, name);
    memcpy(address, &symbol, sizeof symbol);
    return symbol != NULL;
}
#endif

plugcl_status library_open_file(const char *path, void **library)
{
    char reason[512];
    *library = NULL;
    errno = 0;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return fail(PLUGCL_IO, "%s cannot be read: %s", path, reason_of(errno, reason, sizeof reason));
    fclose(file);
    /* A bare name would be looked for in the system's folders. */
    bool has_folder = strchr(path, '/') != NULL || strchr(path, '\\') != NULL;
    char *full = string_format("%s%s", has_folder ? "" : "./", path);
    if (full == NULL)
        return fail_no_memory(strlen(path));
    *library = load_file(full, reason, sizeof reason);
    memory_free(full);
    return *library ? PLUGCL_OK : fail(PLUGCL_FORMAT, "%s cannot be loaded as a shared object: %s", path, reason);
}
