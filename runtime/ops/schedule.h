/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule.h: the launches of a plan, with the memory they use, ready to be enqueued any number of times.
 *
 * Filled by the planner functions of variants, finished by the graph floor (or a test), then only run. Memory is named by region:
 * an arena range placed by liveness, a fixed buffer (packed weights), or a tensor bound anew for each run.
 * Not thread-safe: a schedule belongs to one plan.
 */
#ifndef PLUGCL_OPS_SCHEDULE_H
#define PLUGCL_OPS_SCHEDULE_H

#include <plugcl/plan.h>

#include "device/context.h"
#include "device/kernel.h"
#include "device/queue.h"
#include "ops/constant.h"

#define TILE_NAME 24 /* bytes for the name of a tile, "6x64" */

struct operand;
struct sgemm;
struct schedule;
struct launch;

plugcl_status schedule_create(plugcl_context *context, struct schedule **schedule);
/* Also hands the context's compiled programs to the disk cache. */
void schedule_destroy(struct schedule **schedule);
plugcl_context *schedule_context(const struct schedule *schedule);
const struct device_caps *schedule_caps(const struct schedule *schedule);

/*
 * Regions. Return the region's number; failures are kept and reported by schedule_finish.
 */
#define REGION_NONE 0u
/* Arena memory, alive from the first to the last launch that uses it. */
uint32_t schedule_arena(struct schedule *schedule, size_t bytes);
/* Memory of the step that is being planned. */
uint32_t schedule_scratch(struct schedule *schedule, size_t bytes);
uint32_t schedule_floats(struct schedule *schedule, int64_t floats);
/* A buffer of its own for as long as the schedule lives; takes over the caller's reference. */
uint32_t schedule_fixed(struct schedule *schedule, struct buffer *buffer);
/* Memory given for each run with schedule_bind. */
uint32_t schedule_binding(struct schedule *schedule, size_t bytes);

/* Begins a step; the launches that follow belong to it. Strings must outlive the schedule. */
void schedule_step(struct schedule *schedule, const char *operation, const char *variant, const char *name, uint64_t flops,
                   uint64_t bytes);

/* How the current step was chosen: with what tile ("" for none; copied), and by whom; or that an operator of which it is made was
 * tuned, which makes a built-in choice a tuned one. */
void schedule_step_choice(struct schedule *schedule, const char *tile, plugcl_choice choice);
void schedule_step_is_tuned(struct schedule *schedule);

/* What those who choose variants for the schedule go by; NULL, as at first: built-in choices. Not taken over. */
struct tuning;
void schedule_set_tuning(struct schedule *schedule, struct tuning *tuning);
struct tuning *schedule_tuning(const struct schedule *schedule);

/*
 * One launch: schedule_launch, then its arguments in the kernel's order, then nothing: the next call ends it. NULL is returned
 * (and accepted by every launch_ function) after a failure, which schedule_finish reports.
 */
struct launch *schedule_launch(struct schedule *schedule, const char *file, const char *options, const char *entry);
/* The same for a user's source text. */
struct launch *schedule_launch_source(struct schedule *schedule, const char *entry, const char *source, const char *options);
/* A launch that is a product by CLBlast, complete with its memory, of which `scratch` bytes are the library's (clblast_scratch).
 * The device has has_clblast. Operands as in launch_operand. */
void schedule_product(struct schedule *schedule, const struct sgemm *sgemm, size_t scratch, const struct operand *a,
                      const struct operand *b, const struct operand *y);
/* Two arguments: the buffer and `uint` element offset of element 0 (OFFSET in the kernels). An absent operand passes a small valid
 * buffer and 0. Constants without a region are uploaded as they are. */
void launch_operand(struct launch *launch, const struct operand *operand);
/* The same for a kernel that reckons the operand's offsets in `int`: UNSUPPORTED where they reach too far. */
void launch_strided(struct launch *launch, const struct operand *operand);
/* That check alone, of some dimensions of the launch's operand with that number, from 1 on. */
void launch_reach(struct launch *launch, uint32_t number, uint32_t rank, const int64_t *sizes, const int64_t *strides);
/* As launch_operand for a region, from an offset in elements of 4 bytes. */
void launch_region(struct launch *launch, uint32_t region, int64_t offset);
/* Two arguments as above: the packed form of constants (see constant_packed). */
void launch_packed(struct launch *launch, struct constant *const *constants, size_t n_constants, const char *packing,
                   size_t elements, pack_function pack, const void *parameters);
void launch_int(struct launch *launch, int64_t value);     /* `int` in the kernel; a value that does not fit is UNSUPPORTED */
void launch_ints(struct launch *launch, const int64_t *values, size_t count); /* each as launch_int */
void launch_float(struct launch *launch, float value);     /* `float` */
void launch_local(struct launch *launch, size_t bytes);    /* `__local` */
/* A small table made at plan time, `__global const int *` (one argument, no offset). Copied and uploaded. */
void launch_table(struct launch *launch, const int32_t *table, size_t count);
/* Global sizes are rounded up to a multiple of the local ones (kernels check bounds); local all 0: the driver's choice. */
void launch_range(struct launch *launch, size_t x, size_t y, size_t z, size_t local_x, size_t local_y, size_t local_z);
/* cpu/ kernels: one work-item per group. */
void launch_groups(struct launch *launch, size_t x, size_t y, size_t z);
/* The largest work-group of the launch's kernel; 1 for NULL. */
size_t launch_max_work_group(const struct launch *launch);
/* How many arguments its kernel has; 0 for NULL. */
uint32_t launch_takes(const struct launch *launch);

/* Tells a failure found while planning; the first one is kept. Returns its status. */
plugcl_status schedule_fail(struct schedule *schedule, plugcl_status status);
plugcl_status schedule_status(const struct schedule *schedule);

/* Who is told how far planning is, and may cancel it; `tell` may be NULL. `done` never goes back. */
struct progress {
    bool (*tell)(void *user, const char *what, size_t done, size_t total);
    void *user;
    size_t done, total;
};
plugcl_status progress_tell(struct progress *progress, const char *what, size_t done);

/* Places the arena, allocates, sets all arguments and warms the kernels up. `progress` may be NULL. */
plugcl_status schedule_finish(struct schedule *schedule, struct progress *progress);

/* The buffer behind a region and its first byte (after schedule_finish; for a binding: the one bound now, or NULL). */
struct buffer *schedule_memory(const struct schedule *schedule, uint32_t region, size_t *byte_offset);
/* Takes effect with the next run; byte_offset is a multiple of the element size. NULL lets go of the buffer. */
plugcl_status schedule_bind(struct schedule *schedule, uint32_t region, struct buffer *buffer, size_t byte_offset);

/* Writes zeros to the arena, so that launches may be run in part. */
plugcl_status schedule_clear(struct schedule *schedule, struct queue *queue);
/* Of a step's first launch and of its last; `last` is NULL where there is one alone, both where no launch has work. */
struct step_events {
    plugcl_event *first, *last;
};
/* Enqueues everything. `events` (may be NULL) receives those of each step. Without them `finished` (may be NULL) receives that of
 * the last launch, and NULL where no launch has work. */
plugcl_status schedule_run(struct schedule *schedule, struct queue *queue, struct step_events *events, plugcl_event **finished);

struct schedule_step_info {
    const char *operation, *variant, *name;
    uint64_t flops, bytes;
    char tile[TILE_NAME];
    plugcl_choice choice;
};
size_t schedule_steps(const struct schedule *schedule);
const struct schedule_step_info *schedule_step_at(const struct schedule *schedule, size_t step);
/* What a finished schedule uses, in bytes and numbers. Products by CLBlast count as launches alone. */
struct schedule_use {
    size_t arena, arena_lower_bound; /* as placed, and the most that is alive at one launch */
    size_t constants;                /* packed weights and tables on the device; weights may serve other plans too */
    size_t launches, kernels, programs, loaded_programs;
};
struct schedule_use schedule_use(const struct schedule *schedule);

#endif
