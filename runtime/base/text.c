/* SPDX-License-Identifier: Apache-2.0 */
/* text.c: strings in memory of their own, and texts that grow. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

char *string_copy(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memory_zeroed(size, 1);
    return copy ? memcpy(copy, text, size) : NULL;
}

bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

char *string_format(const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : memory_zeroed((size_t)length + 1, 1);
    if (text)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

bool number_read(const char *text, size_t length, double *value)
{
    char sample[16], copy[128], *end;
    /* What is between the digits is the point that strtod wants. localeconv would tell it, but not to two threads at once. */
    const int width = snprintf(sample, sizeof sample, "%.1f", 1.5) - 2;
    if (length == 0 || width < 1 || length + (size_t)width >= sizeof copy)
        return false;
    if (sample[1] != '.' && memchr(text, sample[1], length) != NULL)
        return false;
    const char *point = memchr(text, '.', length);
    const int before = (int)(point ? (size_t)(point - text) : length), after = point ? (int)length - before - 1 : 0;
    int made =
        snprintf(copy, sizeof copy, "%.*s%.*s%.*s", before, text, point ? width : 0, sample + 1, after, point ? point + 1 : "");
    double number = strtod(copy, &end);
    if (end != copy + made)
        return false;
    *value = number;
    return true;
}

/* Room for `more` bytes and the final zero. */
static bool reserve(struct text *text, size_t more)
{
    size_t needed;
    if (text->failed)
        return false;
    if (!size_add(text->length, more, &needed) || !size_add(needed, 1, &needed))
        return !(text->failed = true);
    if (needed <= text->capacity)
        return true;
    size_t capacity = text->capacity ? text->capacity : 128;
    while (capacity < needed)
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    char *data = memory_resize(text->data, capacity, 1);
    if (!data)
        return !(text->failed = true);
    text->data = data;
    text->capacity = capacity;
    return true;
}

void text_add(struct text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        text->failed = true;
    else if (reserve(text, (size_t)length)) {
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
}

void text_add_bytes(struct text *text, const void *bytes, size_t length)
{
    if (!reserve(text, length))
        return;
    if (length)
        memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void text_free(struct text *text)
{
    memory_free(text->data);
    *text = (struct text){ 0 };
}
