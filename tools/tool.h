/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool.h: what the files of the plugcl command share. The command uses the public headers only.
 *
 * A failing command prints one line, "plugcl: …", and nothing else: remarks of the library are kept until the work has succeeded.
 */
#ifndef PLUGCL_TOOLS_TOOL_H
#define PLUGCL_TOOLS_TOOL_H

#include <getopt.h>
#include <stdbool.h>

#include <jansson.h>
#include <plugcl/plugcl.h>

#if defined(__MINGW32__) && !defined(__clang__)
#define PRINTF_LIKE(text, first) __attribute__((format(gnu_printf, text, first)))
#elif defined(__GNUC__)
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#else
#define PRINTF_LIKE(text, first)
#endif

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

/* One error line on standard error; the result is the exit status. */
int failed(const char *format, ...) PRINTF_LIKE(1, 2);
int wrong_usage(const char *format, ...) PRINTF_LIKE(1, 2);
/* The library's message about the call that failed just now. */
int library_failed(void);

/* A log callback that keeps remarks, and their printing ("note: …", each once) after the work has succeeded. */
void keep_note(void *user, plugcl_log_level level, const char *message);
void print_notes(void);
void drop_notes(void);

/* plugcl_progress_callback: one line that is rewritten, when standard error is a terminal; progress_end wipes it. False, which
 * cancels the work, once the user has pressed Ctrl-C after catch_interrupt. */
void catch_interrupt(void);
bool show_progress(void *user, const char *what, size_t done, size_t total);
void progress_end(void);

/* Flushes standard output: EXIT_DONE, or EXIT_FAILED with an error line when it could not be written. */
int finish_output(void);
/* JSON text of any bytes; and a whole value on standard output, given back. */
json_t *json_text(const char *text);
int print_json(json_t *value);

/* getopt_long with our own error lines: the next option, -1 at the end, '?' after an error has been printed. */
int next_option(int argc, char **argv, const char *letters, const struct option *options);
/* Subcommands without operands: false after an error line. */
bool no_operands(int argc, char **argv);

/* True if the path ends in "." and the extension, in either letter case. */
bool has_extension(const char *path, const char *extension);
/* "[1, 64, 56, 56]"; the text lives until the fourth call after this one. */
const char *shape_text(const plugcl_shape *shape);
/* malloc that counts elements; fails for products that do not fit. At least one byte. */
void *allocate(uint64_t count, size_t size);

/* The plug-ins of this process: the built-in ones, and those of the files of --plugin. */
const plugcl_registry *registry(void);
int registry_load(const char *path);
void registry_end(void);
/* NULL after an error line. */
const struct plugcl_plugin *find_plugin(const char *name);

/* The subcommands. argv[0] is the subcommand's name. */
int command_devices(int argc, char **argv);
int command_plugins(int argc, char **argv);
int command_run(int argc, char **argv);
int command_describe(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_tune(int argc, char **argv);
int command_check_plugin(int argc, char **argv);
int command_cache(int argc, char **argv);

#endif
