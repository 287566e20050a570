/* SPDX-License-Identifier: Apache-2.0 */
/* error.c: the status names, the thread's error message, the log, and the version. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* A fixed array, since a failure must be reported when memory has run out, and since memory of the heap would leak when a thread
 * ends. */
static _Thread_local char thread_message[ERROR_MESSAGE_SIZE];

#define QUOTE_VALUE(x) #x
#define QUOTE(x) QUOTE_VALUE(x)

const char *plugcl_version(void)
{
    return QUOTE(PLUGCL_VERSION_MAJOR) "." QUOTE(PLUGCL_VERSION_MINOR) "." QUOTE(PLUGCL_VERSION_PATCH);
}

const char *plugcl_status_name(plugcl_status status)
{
    switch (status) {
    case PLUGCL_OK: return "ok";
    case PLUGCL_INVALID: return "invalid";
    case PLUGCL_UNSUPPORTED: return "unsupported";
    case PLUGCL_NO_MEMORY: return "no memory";
    case PLUGCL_DEVICE: return "device";
    case PLUGCL_BUILD: return "build";
    case PLUGCL_IO: return "io";
    case PLUGCL_FORMAT: return "format";
    case PLUGCL_STATE: return "state";
    case PLUGCL_NOT_FOUND: return "not found";
    case PLUGCL_CANCELLED: return "cancelled";
    case PLUGCL_TIMEOUT: return "timeout";
    }
    return "unknown";
}

const char *plugcl_error_message(void)
{
    return thread_message;
}

/* Makes `length` wanted characters fit: cuts between two characters of UTF-8 and says so with dots. */
static void mark_cut(char *message, size_t size, int length)
{
    if (length < 0) {
        message[0] = '\0';
        return;
    }
    if ((size_t)length < size)
        return;
    size_t end = size - 4;
    while (end > 0 && ((unsigned char)message[end] & 0xC0) == 0x80)
        end--;
    memcpy(message + end, "...", 4);
}

/* Names come from files: a newline or an escape sequence in one must not reach a terminal or make two lines of one. */
static void keep_one_line(char *message)
{
    for (; *message; message++) {
        if ((unsigned char)*message < 0x20 || *message == 0x7F)
            *message = '?';
    }
}

static void set_message(plugcl_status status, char *message, int length)
{
    mark_cut(message, ERROR_MESSAGE_SIZE, length);
    if (status != PLUGCL_BUILD)
        keep_one_line(message);
    memcpy(thread_message, message, strlen(message) + 1);
}

plugcl_status fail(plugcl_status status, const char *format, ...)
{
    char message[ERROR_MESSAGE_SIZE]; /* not in place: an argument may be the old message */
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    set_message(status, message, length);
    return status;
}

plugcl_status fail_in(plugcl_status status, const char *format, ...)
{
    char message[ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < sizeof message) {
        int rest = snprintf(message + length, sizeof message - (size_t)length, "%s", thread_message);
        length = rest < 0 ? rest : length + rest;
    }
    set_message(status, message, length);
    return status;
}

plugcl_status fail_no_memory(size_t bytes)
{
    return fail(PLUGCL_NO_MEMORY, "out of host memory: %zu bytes could not be allocated", bytes);
}

void error_save(char message[ERROR_MESSAGE_SIZE])
{
    memcpy(message, thread_message, strlen(thread_message) + 1);
}

void error_restore(const char message[ERROR_MESSAGE_SIZE])
{
    memcpy(thread_message, message, strlen(message) + 1);
}

void log_message(const struct log *log, plugcl_log_level level, const char *format, ...)
{
    if (!log || !log->write || level > log->level)
        return;
    char message[1024];
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    char *whole = length >= (int)sizeof message ? memory_zeroed((size_t)length + 1, 1) : NULL;
    if (whole)
        vsnprintf(whole, (size_t)length + 1, format, again);
    else
        mark_cut(message, sizeof message, length);
    va_end(again);
    log->write(log->user, level, whole ? whole : message);
    memory_free(whole);
}
