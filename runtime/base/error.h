/* SPDX-License-Identifier: Apache-2.0 */
/* error.h: setting the thread's error message, and passing messages to a log. */
#ifndef PLUGCL_BASE_ERROR_H
#define PLUGCL_BASE_ERROR_H

#include <stddef.h>

#include <plugcl/log.h>
#include <plugcl/status.h>

#if defined(__MINGW32__) && !defined(__clang__)
#define PRINTF_LIKE(text, first) __attribute__((format(gnu_printf, text, first))) /* with %zu */
#elif defined(__GNUC__)
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#else
#define PRINTF_LIKE(text, first)
#endif

/* Formats the thread's error message and returns `status`, so that a failure is one statement:
 * return fail(PLUGCL_INVALID, "kernel size is %d; it must be at least 1", size);
 * Messages are one line without a final period or newline; they say what was wrong and what would be right. */
plugcl_status fail(plugcl_status status, const char *format, ...) PRINTF_LIKE(2, 3);

/* Puts words in front of the thread's message, "conv1: …", and returns `status` unchanged. */
plugcl_status fail_in(plugcl_status status, const char *format, ...) PRINTF_LIKE(2, 3);

/* The failure of an allocation of `bytes` host bytes. */
plugcl_status fail_no_memory(size_t bytes);

/* The thread's message in a place of the caller's, for best-effort work on the way of a failure. */
enum { ERROR_MESSAGE_SIZE = 8192 }; /* long enough for the part of a build log that matters */
void error_save(char message[ERROR_MESSAGE_SIZE]);
void error_restore(const char message[ERROR_MESSAGE_SIZE]);

/* Where messages go: a context's, or all zero for nowhere. Messages above `level` are dropped before they are formatted. */
struct log {
    plugcl_log_callback write;
    void *user;
    plugcl_log_level level;
};

void log_message(const struct log *log, plugcl_log_level level, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
