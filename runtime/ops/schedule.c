/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/schedule.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "ops/arena.h"
#include "ops/operator.h"
#include "ops/product.h"

enum region_kind { REGION_ARENA = 1, REGION_FIXED, REGION_BINDING };

struct region {
    enum region_kind kind;
    size_t bytes;
    uint32_t first, last;  /* steps that use it; first > last: none so far */
    struct buffer *buffer; /* fixed: held; binding: held; arena: the block's, not held */
    size_t offset;         /* bytes into the buffer */
    bool at_start;         /* arena: it is to begin its buffer */
    bool rebound;          /* binding: arguments are to be set again */
    bool kept;
};

/* A buffer argument and the offset argument behind it (tables have none), or a mere place holder for a value already set. */
struct buffer_argument {
    uint32_t launch, index, region;
    int64_t offset; /* bytes from the region's beginning */
    uint32_t element_size;
    bool has_offset;
};

struct launch {
    struct schedule *schedule;
    struct kernel *kernel;
    struct product *product; /* in place of a kernel */
    uint32_t number, n_arguments, dimensions;
    size_t global[3], local[3];
    bool warming;
};

struct step {
    struct schedule_step_info info;
    uint32_t first_launch; /* up to the next step's */
    uint32_t workspace;    /* of its products, one after the other */
};

struct schedule {
    plugcl_context *context;
    plugcl_status status;
    struct region *regions;
    struct buffer_argument *arguments;
    struct launch **launches;
    struct step *steps;
    struct buffer **blocks;
    size_t n_regions, n_arguments, n_launches, n_steps, n_blocks;
    size_t c_regions, c_arguments, c_launches, c_steps, c_blocks;
    size_t arena_bytes, arena_lower_bound;
    uint32_t dummy; /* the region that absent operands pass */
    bool finished;
};

plugcl_status schedule_create(plugcl_context *context, struct schedule **schedule)
{
    *schedule = memory_zeroed(1, sizeof **schedule);
    if (*schedule == NULL)
        return fail_no_memory(sizeof **schedule);
    (*schedule)->context = context_take(context);
    return PLUGCL_OK;
}

void schedule_destroy(struct schedule **schedule)
{
    struct schedule *old = *schedule;
    *schedule = NULL;
    if (old == NULL)
        return;
    for (size_t i = 0; i < old->n_launches; i++) {
        kernel_destroy(&old->launches[i]->kernel);
        memory_free(old->launches[i]->product);
        memory_free(old->launches[i]);
    }
    for (size_t i = 0; i < old->n_regions; i++)
        if (old->regions[i].kind != REGION_ARENA)
            buffer_drop(&old->regions[i].buffer);
    for (size_t i = 0; i < old->n_blocks; i++)
        buffer_drop(&old->blocks[i]);
    memory_free(old->blocks);
    memory_free(old->launches);
    memory_free(old->regions);
    memory_free(old->arguments);
    memory_free(old->steps);
    constants_sweep(old->context);
    plugcl_context_destroy(&old->context);
    memory_free(old);
}

plugcl_context *schedule_context(const struct schedule *schedule)
{
    return schedule->context;
}

const struct device_caps *schedule_caps(const struct schedule *schedule)
{
    return context_caps(schedule->context);
}

plugcl_status schedule_fail(struct schedule *schedule, plugcl_status status)
{
    if (schedule->status == PLUGCL_OK)
        schedule->status = status;
    return schedule->status;
}

plugcl_status schedule_status(const struct schedule *schedule)
{
    return schedule->status;
}

/*
 * Regions. Number n is regions[n − 1], since 0 is REGION_NONE.
 */
static struct region *region_at(const struct schedule *schedule, uint32_t region)
{
    return region == REGION_NONE || region > schedule->n_regions ? NULL : &schedule->regions[region - 1];
}

static uint32_t region_add(struct schedule *schedule, enum region_kind kind, size_t bytes)
{
    struct region *region = array_push(&schedule->regions, &schedule->n_regions, &schedule->c_regions, sizeof *region);
    if (region == NULL) {
        schedule_fail(schedule, fail_no_memory(sizeof *region));
        return REGION_NONE;
    }
    region->kind = kind;
    region->bytes = bytes;
    region->first = UINT32_MAX;
    return (uint32_t)schedule->n_regions;
}

uint32_t schedule_arena(struct schedule *schedule, size_t bytes)
{
    size_t limit = context_caps(schedule->context)->max_allocation;
    if (bytes > limit) { /* said here, where the caller knows for which node it is */
        schedule_fail(schedule,
                      fail(PLUGCL_NO_MEMORY, "an intermediate tensor needs %zu bytes; the device allocates at most %zu at once",
                           bytes, limit));
        return REGION_NONE;
    }
    return region_add(schedule, REGION_ARENA, bytes);
}

uint32_t schedule_scratch(struct schedule *schedule, size_t bytes)
{
    return schedule_arena(schedule, bytes); /* used by this step alone, it lives as long as that */
}

uint32_t schedule_fixed(struct schedule *schedule, struct buffer *buffer)
{
    uint32_t number = region_add(schedule, REGION_FIXED, buffer ? buffer_bytes(buffer) : 0);
    if (number == REGION_NONE)
        buffer_drop(&buffer);
    else
        region_at(schedule, number)->buffer = buffer;
    return number;
}

uint32_t schedule_binding(struct schedule *schedule, size_t bytes)
{
    return region_add(schedule, REGION_BINDING, bytes);
}

void schedule_keep(struct schedule *schedule, uint32_t region)
{
    struct region *kept = region_at(schedule, region);
    if (kept != NULL)
        kept->kept = true;
}

/*
 * Steps and launches.
 */
void schedule_step(struct schedule *schedule, const char *operation, const char *variant, const char *name, uint64_t flops,
                   uint64_t bytes)
{
    struct step *step = array_push(&schedule->steps, &schedule->n_steps, &schedule->c_steps, sizeof *step);
    if (step == NULL) {
        schedule_fail(schedule, fail_no_memory(sizeof *step));
        return;
    }
    step->info = (struct schedule_step_info){ operation, variant, name ? name : "", flops, bytes };
    step->first_launch = (uint32_t)schedule->n_launches;
}

static struct launch *launch_add(struct schedule *schedule)
{
    if (schedule->status != PLUGCL_OK)
        return NULL;
    struct launch **place = array_push(&schedule->launches, &schedule->n_launches, &schedule->c_launches, sizeof *place);
    struct launch *launch = place ? memory_zeroed(1, sizeof *launch) : NULL;
    if (launch == NULL) {
        if (place != NULL)
            schedule->n_launches--;
        schedule_fail(schedule, fail_no_memory(sizeof *launch));
        return NULL;
    }
    *place = launch;
    launch->schedule = schedule;
    launch->number = (uint32_t)schedule->n_launches - 1;
    return launch;
}

struct launch *schedule_launch(struct schedule *schedule, const char *file, const char *options, const char *entry)
{
    struct launch *launch = launch_add(schedule);
    if (launch == NULL)
        return NULL;
    plugcl_status status = kernel_create(schedule->context, file, options, entry, &launch->kernel);
    return schedule_fail(schedule, status) == PLUGCL_OK ? launch : NULL;
}

struct launch *schedule_launch_source(struct schedule *schedule, const char *entry, const char *source, const char *options)
{
    struct launch *launch = launch_add(schedule);
    if (launch == NULL)
        return NULL;
    plugcl_status status = kernel_create_from_source(schedule->context, entry, source, options, entry, &launch->kernel);
    return schedule_fail(schedule, status) == PLUGCL_OK ? launch : NULL;
}

/* The current step's workspace, of at least so many bytes. */
static uint32_t workspace_region(struct schedule *schedule, size_t bytes)
{
    struct step *step = &schedule->steps[schedule->n_steps - 1];
    if (step->workspace == REGION_NONE)
        step->workspace = schedule_scratch(schedule, bytes);
    struct region *region = region_at(schedule, step->workspace);
    if (region == NULL)
        return REGION_NONE;
    region->at_start = true;
    region->bytes = bytes > region->bytes ? bytes : region->bytes;
    return step->workspace;
}

void schedule_product(struct schedule *schedule, const struct sgemm *sgemm, const struct operand *a, const struct operand *b,
                      const struct operand *y)
{
    size_t scratch = 0;
    struct launch *launch = launch_add(schedule);
    if (launch == NULL)
        return;
    launch->product = memory_zeroed(1, sizeof *launch->product);
    if (launch->product == NULL) {
        schedule_fail(schedule, fail_no_memory(sizeof *launch->product));
        return;
    }
    launch->product->sgemm = *sgemm;
    launch_operand(launch, a);
    launch_operand(launch, b);
    launch_operand(launch, y);
    launch_groups(launch, 1, 1, 1);
    if (schedule_fail(schedule, clblast_scratch(schedule->context, sgemm, &scratch)) == PLUGCL_OK && scratch > 0)
        launch_region(launch, workspace_region(schedule, scratch), 0);
}

static bool may_add(const struct launch *launch)
{
    return launch != NULL && launch->schedule->status == PLUGCL_OK;
}

static void add_buffer(struct launch *launch, uint32_t region, int64_t offset_bytes, uint32_t element_size, bool has_offset)
{
    struct schedule *schedule = launch->schedule;
    struct region *used = region_at(schedule, region);
    struct buffer_argument *argument =
        array_push(&schedule->arguments, &schedule->n_arguments, &schedule->c_arguments, sizeof *argument);
    if (argument == NULL || used == NULL) {
        if (argument != NULL)
            schedule->n_arguments--;
        schedule_fail(schedule, argument ? fail(PLUGCL_INVALID, "an operand has no memory") : fail_no_memory(sizeof *argument));
        return;
    }
    *argument = (struct buffer_argument){ launch->number, launch->n_arguments, region, offset_bytes, element_size, has_offset };
    launch->n_arguments += has_offset ? 2 : 1;
    uint32_t step = schedule->n_steps > 0 ? (uint32_t)schedule->n_steps - 1 : 0;
    if (used->first > step)
        used->first = step;
    if (used->last < step)
        used->last = step;
}

static uint32_t dummy_region(struct schedule *schedule)
{
    static const char zeros[64]; /* compilers may read ahead of the flag that says that the operand is absent */
    struct buffer *buffer = NULL;
    if (schedule->dummy == REGION_NONE) {
        plugcl_status status = buffer_create(schedule->context, sizeof zeros, false, &buffer);
        if (status == PLUGCL_OK)
            status = buffer_write_now(buffer, 0, zeros, sizeof zeros);
        if (status != PLUGCL_OK) {
            buffer_drop(&buffer);
            schedule_fail(schedule, status);
        } else {
            schedule->dummy = schedule_fixed(schedule, buffer);
        }
    }
    return schedule->dummy;
}

void launch_operand(struct launch *launch, const struct operand *operand)
{
    if (!may_add(launch))
        return;
    struct schedule *schedule = launch->schedule;
    if (!operand->present) {
        launch_region(launch, dummy_region(schedule), 0);
        return;
    }
    uint32_t region = operand->region;
    if (region == REGION_NONE && operand->constant != NULL) {
        struct buffer *buffer = NULL;
        plugcl_status status = constant_uploaded(schedule->context, operand->constant, &buffer);
        if (status != PLUGCL_OK) {
            schedule_fail(schedule, status);
            return;
        }
        region = schedule_fixed(schedule, buffer);
    }
    uint32_t element_size = (uint32_t)operand_element_size(operand);
    add_buffer(launch, region, operand->offset * element_size, element_size, true);
}

void launch_region(struct launch *launch, uint32_t region, int64_t offset)
{
    if (may_add(launch))
        add_buffer(launch, region, offset * 4, 4, true);
}

void launch_packed(struct launch *launch, struct constant *const *constants, size_t n_constants, const char *packing,
                   size_t elements, pack_function pack, const void *parameters)
{
    if (!may_add(launch))
        return;
    struct schedule *schedule = launch->schedule;
    struct buffer *buffer = NULL;
    plugcl_status status =
        constant_packed(schedule->context, constants, n_constants, packing, elements, pack, parameters, &buffer);
    if (status != PLUGCL_OK)
        schedule_fail(schedule, status);
    else
        add_buffer(launch, schedule_fixed(schedule, buffer), 0, 4, true);
}

static void add_value(struct launch *launch, const void *value, size_t bytes)
{
    plugcl_status status = kernel_set_value(launch->kernel, launch->n_arguments++, value, bytes);
    if (status != PLUGCL_OK)
        schedule_fail(launch->schedule, status);
}

void launch_int(struct launch *launch, int64_t value)
{
    if (!may_add(launch))
        return;
    if (value < INT32_MIN || value > INT32_MAX) {
        schedule_fail(
            launch->schedule,
            fail(PLUGCL_UNSUPPORTED, "a size or stride of %lld elements; at most 2147483647 are supported", (long long)value));
        return;
    }
    int32_t narrow = (int32_t)value;
    add_value(launch, &narrow, sizeof narrow);
}

void launch_float(struct launch *launch, float value)
{
    if (may_add(launch))
        add_value(launch, &value, sizeof value);
}

void launch_local(struct launch *launch, size_t bytes)
{
    if (!may_add(launch))
        return;
    plugcl_status status = kernel_set_local(launch->kernel, launch->n_arguments++, bytes);
    if (status != PLUGCL_OK)
        schedule_fail(launch->schedule, status);
}

void launch_table(struct launch *launch, const int32_t *table, size_t count)
{
    if (!may_add(launch))
        return;
    struct schedule *schedule = launch->schedule;
    struct buffer *buffer = NULL;
    plugcl_status status = buffer_create(schedule->context, count * sizeof *table, false, &buffer);
    if (status == PLUGCL_OK && count > 0)
        status = buffer_write_now(buffer, 0, table, count * sizeof *table);
    if (status == PLUGCL_OK) {
        add_buffer(launch, schedule_fixed(schedule, buffer), 0, 4, false);
        return;
    }
    buffer_drop(&buffer);
    schedule_fail(schedule, status);
}

void launch_range(struct launch *launch, size_t x, size_t y, size_t z, size_t local_x, size_t local_y, size_t local_z)
{
    if (!may_add(launch))
        return;
    const size_t global[3] = { x, y, z }, local[3] = { local_x, local_y, local_z };
    launch->dimensions = z > 1 || local_z > 1 ? 3 : y > 1 || local_y > 1 ? 2 : 1;
    if (y == 0 || z == 0) /* nothing to do, which one dimension can say */
        launch->dimensions = 3;
    for (int i = 0; i < 3; i++) {
        launch->local[i] = local[i];
        launch->global[i] = local[i] > 1 ? (global[i] + local[i] - 1) / local[i] * local[i] : global[i];
    }
}

void launch_groups(struct launch *launch, size_t x, size_t y, size_t z)
{
    launch_range(launch, x, y, z, 1, 1, 1);
}

size_t launch_max_work_group(const struct launch *launch)
{
    return launch ? kernel_max_work_group(launch->kernel) : 1;
}

uint32_t launch_takes(const struct launch *launch)
{
    return launch ? kernel_arguments(launch->kernel) : 0;
}

/*
 * Finishing.
 */
static plugcl_status place_arena(struct schedule *schedule)
{
    struct arena_range *ranges = memory_zeroed(schedule->n_regions, sizeof *ranges);
    uint32_t *numbers = memory_zeroed(schedule->n_regions, sizeof *numbers);
    size_t count = 0, too_large = 0, *block_bytes = NULL;
    bool failed = ranges == NULL || numbers == NULL;
    plugcl_status status = PLUGCL_OK;
    uint32_t n_blocks = 0;
    for (uint32_t i = 1; !failed && i <= schedule->n_regions; i++) {
        const struct region *region = region_at(schedule, i);
        if (region->kind != REGION_ARENA)
            continue;
        uint32_t end = schedule->n_steps > 0 ? (uint32_t)schedule->n_steps - 1 : 0;
        numbers[count] = i;
        /* What the host writes or reads is alive outside the steps too: from the beginning, or to the end. */
        ranges[count++] = (struct arena_range){ .bytes = region->bytes > 0 ? region->bytes : 4,
                                                .at_start = region->at_start,
                                                .first = region->kept ? 0 : region->first == UINT32_MAX ? 0 : region->first,
                                                .last = region->kept ? end : region->last };
    }
    if (!failed)
        n_blocks = arena_place(ranges, count, context_caps(schedule->context)->max_allocation, &block_bytes, &too_large, &failed);
    if (failed)
        status = too_large > 0
                     ? fail(PLUGCL_NO_MEMORY, "an intermediate tensor needs %zu bytes; the device allocates at most %zu at once",
                            too_large, context_caps(schedule->context)->max_allocation)
                     : fail_no_memory(schedule->n_regions * sizeof *ranges);
    for (uint32_t i = 0; status == PLUGCL_OK && i < n_blocks; i++) {
        struct buffer **block = array_push(&schedule->blocks, &schedule->n_blocks, &schedule->c_blocks, sizeof *block);
        status = block ? buffer_create(schedule->context, block_bytes[i], false, block) : fail_no_memory(sizeof *block);
        schedule->arena_bytes += block_bytes[i];
    }
    for (size_t i = 0; status == PLUGCL_OK && i < count; i++) {
        struct region *region = region_at(schedule, numbers[i]);
        region->buffer = schedule->blocks[ranges[i].block];
        region->offset = ranges[i].offset;
    }
    if (status == PLUGCL_OK)
        schedule->arena_lower_bound = arena_lower_bound(ranges, count);
    memory_free(block_bytes);
    memory_free(ranges);
    memory_free(numbers);
    return status;
}

static plugcl_status set_buffer_argument(struct schedule *schedule, const struct buffer_argument *argument,
                                         const struct buffer *buffer, size_t region_offset)
{
    const struct launch *launch = schedule->launches[argument->launch];
    uint64_t elements = (region_offset + (uint64_t)argument->offset) / argument->element_size;
    if (launch->product != NULL) {
        product_set_buffer(launch->product, argument->index, buffer, (size_t)elements);
        return PLUGCL_OK;
    }
    struct kernel *kernel = launch->kernel;
    plugcl_status status = kernel_set_buffer(kernel, argument->index, buffer);
    if (status != PLUGCL_OK || !argument->has_offset)
        return status;
    if (elements > UINT32_MAX)
        return fail(PLUGCL_UNSUPPORTED, "a tensor begins %llu elements into its memory; at most 4294967295 are supported",
                    (unsigned long long)elements);
    uint32_t offset = (uint32_t)elements;
    return kernel_set_value(kernel, argument->index + 1, &offset, sizeof offset);
}

/* Sets the arguments that go to bindings bound anew, or, with `all`, every buffer argument that has memory. */
static plugcl_status set_arguments(struct schedule *schedule, bool all, const struct buffer *stand_in)
{
    plugcl_status status = PLUGCL_OK;
    for (size_t i = 0; status == PLUGCL_OK && i < schedule->n_arguments; i++) {
        const struct buffer_argument *argument = &schedule->arguments[i];
        const struct region *region = region_at(schedule, argument->region);
        if (!all && !region->rebound)
            continue;
        const struct buffer *buffer = region->buffer ? region->buffer : stand_in;
        status = set_buffer_argument(schedule, argument, buffer, region->buffer ? region->offset : 0);
    }
    return status;
}

static bool has_work(const struct launch *launch)
{
    for (uint32_t i = 0; i < launch->dimensions; i++)
        if (launch->global[i] == 0)
            return false;
    return true;
}

/* Zeroes what the kernels will read: a warm-up writes only a group's part of it. */
static plugcl_status begin_warm_up(struct schedule *schedule, struct buffer *stand_in, struct queue **queue)
{
    plugcl_status status = queue_create(schedule->context, false, queue);
    if (status == PLUGCL_OK)
        status = queue_fill(*queue, stand_in, 0, 0, buffer_bytes(stand_in) / 4 * 4);
    for (size_t i = 0; status == PLUGCL_OK && i < schedule->n_blocks; i++)
        status = queue_fill(*queue, schedule->blocks[i], 0, 0, buffer_bytes(schedule->blocks[i]) / 4 * 4);
    return status;
}

/* The step's name, for a reader of the progress. */
static const char *launch_name(const struct schedule *schedule, size_t launch)
{
    size_t step = 0;
    while (step + 1 < schedule->n_steps && schedule->steps[step + 1].first_launch <= launch)
        step++;
    if (step >= schedule->n_steps)
        return "";
    const struct schedule_step_info *info = &schedule->steps[step].info;
    return info->name[0] != '\0' ? info->name : info->operation;
}

/* The second half of the progress is the launches. With somebody to tell, each is waited for, so that the report is true and a
 * cancellation takes effect before the driver has compiled all that follows. */
static plugcl_status tell_launch(struct schedule *schedule, struct queue *queue, size_t launch, struct progress *progress)
{
    if (progress == NULL || progress->tell == NULL)
        return PLUGCL_OK;
    size_t half = progress->total / 2;
    plugcl_status status = queue_finish(queue);
    return status == PLUGCL_OK ? progress_tell(progress, launch_name(schedule, launch), half + launch * half / schedule->n_launches)
                               : status;
}

/* Products like one before need nothing more; the library does not say what it has compiled already. */
static bool needs_warming(const struct schedule *schedule, size_t launch)
{
    const struct launch *const own = schedule->launches[launch];
    if (own->product == NULL)
        return has_work(own) && kernel_needs_warming(own->kernel, own->local);
    for (size_t i = 0; i < launch; i++)
        if (schedule->launches[i]->product != NULL && product_is_alike(schedule->launches[i]->product, own->product))
            return false;
    return true;
}

static plugcl_status warm_up_launch(struct schedule *schedule, size_t launch, struct buffer *stand_in, struct queue **queue,
                                    struct progress *progress)
{
    struct kernel *kernel = schedule->launches[launch]->kernel;
    const size_t *local = schedule->launches[launch]->local;
    size_t one_group[3];
    for (int i = 0; i < 3; i++)
        one_group[i] = local[i] > 0 ? local[i] : 1;
    plugcl_status status = *queue == NULL ? begin_warm_up(schedule, stand_in, queue) : PLUGCL_OK;
    if (status == PLUGCL_OK)
        status = tell_launch(schedule, *queue, launch, progress);
    if (status == PLUGCL_OK && schedule->launches[launch]->product != NULL)
        return product_warm_up(schedule->launches[launch]->product, *queue);
    if (status != PLUGCL_OK || !kernel_begin_warming(kernel, local))
        return status; /* another thread was faster */
    status = queue_launch(*queue, kernel, schedule->launches[launch]->dimensions, one_group, local, NULL);
    schedule->launches[launch]->warming = true;
    return status;
}

/* Launches one group of each kernel that the driver has yet to specialise, with a stand-in where nothing is bound yet. */
static plugcl_status warm_up(struct schedule *schedule, struct buffer *stand_in, struct progress *progress)
{
    struct queue *queue = NULL;
    plugcl_status status = PLUGCL_OK;
    for (size_t i = 0; status == PLUGCL_OK && i < schedule->n_launches; i++)
        if (needs_warming(schedule, i))
            status = warm_up_launch(schedule, i, stand_in, &queue, progress);
    if (queue != NULL) {
        plugcl_status finished = queue_finish(queue);
        status = status == PLUGCL_OK ? finished : status;
    }
    for (size_t i = 0; i < schedule->n_launches; i++)
        if (schedule->launches[i]->warming)
            kernel_end_warming(schedule->launches[i]->kernel);
    queue_destroy(&queue);
    return status;
}

plugcl_status progress_tell(struct progress *progress, const char *what, size_t done)
{
    if (progress == NULL || progress->tell == NULL)
        return PLUGCL_OK;
    progress->done = done > progress->done ? done : progress->done;
    return progress->tell(progress->user, what, progress->done, progress->total)
               ? PLUGCL_OK
               : fail(PLUGCL_CANCELLED, "planning was cancelled by the progress callback");
}

plugcl_status schedule_finish(struct schedule *schedule, struct progress *progress)
{
    size_t most = 4;
    for (uint32_t i = 1; i <= schedule->n_regions; i++)
        if (region_at(schedule, i)->kind == REGION_BINDING && region_at(schedule, i)->bytes > most)
            most = region_at(schedule, i)->bytes;
    struct buffer *stand_in = NULL;
    plugcl_status status = schedule->status;
    if (status == PLUGCL_OK)
        status = place_arena(schedule);
    if (status == PLUGCL_OK)
        status = buffer_create(schedule->context, most, false, &stand_in);
    if (status == PLUGCL_OK)
        status = set_arguments(schedule, true, stand_in);
    if (status == PLUGCL_OK)
        status = warm_up(schedule, stand_in, progress);
    buffer_drop(&stand_in);
    if (status == PLUGCL_OK)
        programs_store(schedule->context);
    if (status == PLUGCL_OK)
        status = progress_tell(progress, "ready", progress ? progress->total : 0);
    schedule->finished = status == PLUGCL_OK;
    return schedule_fail(schedule, status);
}

struct buffer *schedule_memory(const struct schedule *schedule, uint32_t region, size_t *byte_offset)
{
    const struct region *found = region_at(schedule, region);
    *byte_offset = found ? found->offset : 0;
    return found ? found->buffer : NULL;
}

plugcl_status schedule_bind(struct schedule *schedule, uint32_t region, struct buffer *buffer, size_t byte_offset)
{
    struct region *bound = region_at(schedule, region);
    if (bound == NULL || bound->kind != REGION_BINDING)
        return fail(PLUGCL_INVALID, "region %u is not a binding", region);
    if (bound->buffer == buffer && bound->offset == byte_offset)
        return PLUGCL_OK;
    struct buffer *old = bound->buffer;
    bound->buffer = buffer_take(buffer);
    bound->offset = byte_offset;
    bound->rebound = buffer != NULL;
    buffer_drop(&old);
    return PLUGCL_OK;
}

static plugcl_status run_step(struct schedule *schedule, size_t step, struct queue *queue, plugcl_event **event)
{
    size_t end = step + 1 < schedule->n_steps ? schedule->steps[step + 1].first_launch : schedule->n_launches;
    plugcl_status status = PLUGCL_OK;
    for (size_t i = schedule->steps[step].first_launch; status == PLUGCL_OK && i < end; i++) {
        struct launch *launch = schedule->launches[i];
        if (!has_work(launch))
            continue;
        if (event != NULL)
            plugcl_event_destroy(event);
        status = launch->product != NULL
                     ? product_enqueue(launch->product, queue, event)
                     : queue_launch(queue, launch->kernel, launch->dimensions, launch->global, launch->local, event);
    }
    return status;
}

plugcl_status schedule_run(struct schedule *schedule, struct queue *queue, plugcl_event **events)
{
    if (!schedule->finished)
        return fail(PLUGCL_STATE, "the schedule has not been finished");
    plugcl_status status = set_arguments(schedule, false, NULL);
    for (uint32_t i = 1; status == PLUGCL_OK && i <= schedule->n_regions; i++)
        region_at(schedule, i)->rebound = false;
    for (size_t i = 0; status == PLUGCL_OK && i < schedule->n_steps; i++)
        status = run_step(schedule, i, queue, events ? &events[i] : NULL);
    return status;
}

size_t schedule_steps(const struct schedule *schedule)
{
    return schedule->n_steps;
}

const struct schedule_step_info *schedule_step_at(const struct schedule *schedule, size_t step)
{
    return step < schedule->n_steps ? &schedule->steps[step].info : NULL;
}

void schedule_memory_use(const struct schedule *schedule, size_t *arena, size_t *lower_bound)
{
    *arena = schedule->arena_bytes;
    *lower_bound = schedule->arena_lower_bound;
}
