/* SPDX-License-Identifier: Apache-2.0 */
/* path.c: the parts of a path. */
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

static bool is_separator(char c)
{
#if defined(_WIN32)
    return c == '/' || c == '\\' || c == ':';
#else
    return c == '/';
#endif
}

char *path_join(const char *folder, const char *name)
{
    size_t length = strlen(folder);
    bool needs = length > 0 && !is_separator(folder[length - 1]);
    return string_format("%s%s%s", folder, needs ? "/" : "", name);
}

const char *path_name(const char *path)
{
    const char *name = path;
    for (; *path; path++) {
        if (is_separator(*path))
            name = path + 1;
    }
    return name;
}

const char *path_extension(const char *path)
{
    const char *dot = strrchr(path_name(path), '.');
    return dot ? dot + 1 : "";
}
