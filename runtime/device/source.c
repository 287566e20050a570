/* SPDX-License-Identifier: Apache-2.0 */
/* source.c: finding embedded kernels and expanding their includes. */
#include "device/source.h"

#include <string.h>

const struct embedded_file *embedded_file_find(const char *name)
{
    size_t low = 0, high = embedded_file_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, embedded_files[middle].name);
        if (order == 0)
            return &embedded_files[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    return p;
}

/* The embedded header that a line includes, NULL for every other line. */
static const struct embedded_file *included_file(const char *line, const char *end)
{
    static const char word[] = "include";
    char name[128] = "include/";
    const char *p = skip_blanks(line, end);
    if (p == end || *p++ != '#')
        return NULL;
    p = skip_blanks(p, end);
    if ((size_t)(end - p) < sizeof word || memcmp(p, word, sizeof word - 1) != 0)
        return NULL;
    p = skip_blanks(p + sizeof word - 1, end);
    const char *close = p < end && *p == '"' ? memchr(p + 1, '"', (size_t)(end - p - 1)) : NULL;
    if (!close || (size_t)(close - p) >= sizeof name - 8)
        return NULL;
    memcpy(name + 8, p + 1, (size_t)(close - p - 1));
    return embedded_file_find(name);
}

/* A name goes into a string literal of the source. */
static void add_line_directive(struct text *out, size_t line, const char *name)
{
    text_add(out, "#line %zu \"", line);
    for (; *name; name++)
        text_add(out, "%c", *name == '"' || *name == '\\' || (unsigned char)*name < 0x20 ? '_' : *name);
    text_add(out, "\"\n");
}

static void expand(const char *name, const char *source, size_t bytes, bool *done, struct text *out)
{
    const char *end = source + bytes;
    add_line_directive(out, 1, name);
    for (size_t number = 1; source < end; number++) {
        const char *newline = memchr(source, '\n', (size_t)(end - source));
        const char *stop = newline ? newline : end;
        const struct embedded_file *file = included_file(source, stop);
        if (!file) {
            text_add_bytes(out, source, (size_t)(stop - source));
            text_add_bytes(out, "\n", 1);
        } else if (done[file - embedded_files]) {
            text_add_bytes(out, "\n", 1);
        } else {
            done[file - embedded_files] = true;
            expand(file->name, (const char *)file->data, file->bytes, done, out);
            add_line_directive(out, number + 1, name);
        }
        source = newline ? newline + 1 : end;
    }
}

void source_expand(const char *name, const char *source, size_t bytes, struct text *out)
{
    bool *done = memory_zeroed(embedded_file_count + 1, sizeof *done);
    if (done)
        expand(name, source, bytes, done, out);
    else
        out->failed = true;
    memory_free(done);
}
