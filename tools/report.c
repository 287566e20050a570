/* SPDX-License-Identifier: Apache-2.0 */
/* report.c: error lines, notes, progress, and what is printed on standard output. */
#include "tool.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char **notes;
static size_t n_notes;
static bool progress_shown;
static volatile sig_atomic_t is_interrupted;

/* Whatever a file's name or a build log holds, the error stays one line. */
static void print_line(const char *before, const char *text)
{
    fputs(before, stderr);
    for (; *text; text++)
        fputc((unsigned char)*text < ' ' || *text == 127 ? ' ' : *text, stderr);
    fputc('\n', stderr);
}

static void print_error(const char *format, va_list arguments)
{
    char text[4096];
    vsnprintf(text, sizeof text, format, arguments);
    progress_end();
    drop_notes();
    print_line("plugcl: ", text);
}

int failed(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_error(format, arguments);
    va_end(arguments);
    return EXIT_FAILED;
}

int wrong_usage(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_error(format, arguments);
    va_end(arguments);
    return EXIT_USAGE;
}

int library_failed(void)
{
    return failed("%s", plugcl_error_message());
}

void keep_note(void *user, plugcl_log_level level, const char *message)
{
    (void)user;
    if (level != PLUGCL_LOG_NOTE && level != PLUGCL_LOG_WARNING)
        return;
    for (size_t i = 0; i < n_notes; i++) {
        if (strcmp(notes[i], message) == 0)
            return;
    }
    char **more = realloc(notes, (n_notes + 1) * sizeof *notes);
    if (!more)
        return;
    notes = more;
    notes[n_notes] = strdup(message);
    n_notes += notes[n_notes] != NULL;
}

void print_notes(void)
{
    progress_end();
    for (size_t i = 0; i < n_notes; i++)
        print_line("note: ", notes[i]);
    drop_notes();
}

void drop_notes(void)
{
    for (size_t i = 0; i < n_notes; i++)
        free(notes[i]);
    free(notes);
    notes = NULL;
    n_notes = 0;
}

static void set_interrupted(int number)
{
    (void)number;
    is_interrupted = 1;
}

/* The second Ctrl-C ends the process as ever. */
void catch_interrupt(void)
{
    struct sigaction action = { .sa_handler = set_interrupted, .sa_flags = (int)SA_RESETHAND };
    sigaction(SIGINT, &action, NULL);
}

bool show_progress(void *user, const char *what, size_t done, size_t total)
{
    (void)user;
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r\033[K%s: %zu of %zu", what, done, total);
        fflush(stderr);
        progress_shown = true;
    }
    return !is_interrupted;
}

void progress_end(void)
{
    if (progress_shown)
        fputs("\r\033[K", stderr);
    progress_shown = false;
}

int finish_output(void)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return failed("standard output cannot be written: %s", strerror(errno));
    return EXIT_DONE;
}

json_t *json_text(const char *text)
{
    json_t *value = json_string(text ? text : "");
    if (value)
        return value;
    char *plain = strdup(text); /* a driver's string that is not UTF-8 */
    for (char *c = plain; c && *c; c++)
        *c = (unsigned char)*c < ' ' || (unsigned char)*c > '~' ? '?' : *c;
    value = json_string(plain ? plain : "");
    free(plain);
    return value;
}

int print_json(json_t *value)
{
    char *text = value ? json_dumps(value, JSON_INDENT(2)) : NULL;
    json_decref(value);
    if (!text)
        return failed("the JSON text cannot be made: out of memory");
    puts(text);
    free(text);
    return finish_output();
}
