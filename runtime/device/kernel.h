/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.h: one entry point of a program, with arguments of its own. */
#ifndef PLUGCL_DEVICE_KERNEL_H
#define PLUGCL_DEVICE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <plugcl/tensor.h>

#include "device/buffer.h"

struct kernel;

/* Compiles (or finds in the program cache, in memory or on disk) the embedded file `file`, "cpu/pool.cl", with `options`,
 * "-DROWS=6 -DVECTOR=16" (may be NULL), and makes a private kernel object of `entry`.
 * Errors: BUILD (with the log), DEVICE, NO_MEMORY, NOT_FOUND (no such file or entry). Thread-safety: safe. */
plugcl_status kernel_create(plugcl_context *context, const char *file, const char *options, const char *entry,
                            struct kernel **kernel);
/* The same from source text of a user's. */
plugcl_status kernel_create_from_source(plugcl_context *context, const char *name, const char *source, const char *options,
                                        const char *entry, struct kernel **kernel);
void kernel_destroy(struct kernel **kernel);

/* Arguments stay set between launches. Not thread-safe: a kernel belongs to one plan step. */
plugcl_status kernel_set_buffer(struct kernel *kernel, uint32_t index, const struct buffer *buffer);
plugcl_status kernel_set_value(struct kernel *kernel, uint32_t index, const void *value, size_t bytes);
plugcl_status kernel_set_local(struct kernel *kernel, uint32_t index, size_t bytes);

/* The largest work-group that this kernel can run with on its device. */
size_t kernel_max_work_group(const struct kernel *kernel);
/* How many arguments it takes. */
uint32_t kernel_arguments(const struct kernel *kernel);

/* Both are of one program; and of one entry point in it. */
bool kernel_shares_program(const struct kernel *a, const struct kernel *b);
bool kernel_is_alike(const struct kernel *a, const struct kernel *b);
/* Its program came from the disk cache and was not compiled. */
bool kernel_was_loaded(const struct kernel *kernel);

/* The driver has yet to specialise this program, entry and local size, so a plan should launch it once. */
bool kernel_needs_warming(struct kernel *kernel, const size_t local[3]);
/* True for the one that shall launch it now; the others need not. After the launch has finished comes kernel_end_warming: until
 * then the program's binary is not stored. */
bool kernel_begin_warming(struct kernel *kernel, const size_t local[3]);
void kernel_end_warming(struct kernel *kernel);

/* To be destroyed, and no reason to store its program: one that was tried and is not wanted. */
void kernel_withdraw(struct kernel *kernel);

/* Writes the binaries of programs that were compiled and warmed since the last call to the disk cache. Failures are logged only. */
void programs_store(plugcl_context *context);

#endif
