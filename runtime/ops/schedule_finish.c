/* SPDX-License-Identifier: Apache-2.0 */
/* schedule_finish.c: memory is placed, arguments are set and kernels warmed up, so that a run only enqueues. */
#include "ops/arena.h"
#include "ops/schedule_private.h"

static plugcl_status place_arena(struct schedule *schedule)
{
    struct arena_range *ranges = memory_zeroed(schedule->n_regions, sizeof *ranges);
    uint32_t *numbers = memory_zeroed(schedule->n_regions, sizeof *numbers);
    size_t count = 0, too_large = 0, *block_bytes = NULL;
    bool failed = ranges == NULL || numbers == NULL;
    plugcl_status status = PLUGCL_OK;
    uint32_t n_blocks = 0;
    for (uint32_t i = 1; !failed && i <= schedule->n_regions; i++) {
        const struct region *region = schedule_region(schedule, i);
        if (region->kind != REGION_ARENA)
            continue;
        numbers[count] = i;
        ranges[count++] = (struct arena_range){ .bytes = region->bytes > 0 ? region->bytes : 4,
                                                .at_start = region->at_start,
                                                .first = region->first == UINT32_MAX ? 0 : region->first,
                                                .last = region->last };
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
        struct region *region = schedule_region(schedule, numbers[i]);
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

plugcl_status schedule_set_arguments(struct schedule *schedule, bool all, const struct buffer *stand_in)
{
    plugcl_status status = PLUGCL_OK;
    for (size_t i = 0; status == PLUGCL_OK && i < schedule->n_arguments; i++) {
        const struct buffer_argument *argument = &schedule->arguments[i];
        const struct region *region = schedule_region(schedule, argument->region);
        if (!all && !region->rebound)
            continue;
        const struct buffer *buffer = region->buffer ? region->buffer : stand_in;
        status = set_buffer_argument(schedule, argument, buffer, region->buffer ? region->offset : 0);
    }
    return status;
}

bool launch_has_work(const struct launch *launch)
{
    for (uint32_t i = 0; i < launch->dimensions; i++)
        if (launch->global[i] == 0)
            return false;
    return true;
}

plugcl_status schedule_clear(struct schedule *schedule, struct queue *queue)
{
    plugcl_status status = PLUGCL_OK;
    for (size_t i = 0; status == PLUGCL_OK && i < schedule->n_blocks; i++)
        status = queue_fill(queue, schedule->blocks[i], 0, 0, buffer_bytes(schedule->blocks[i]) / 4 * 4);
    return status;
}

/* Zeroes what the kernels will read: a warm-up writes only a group's part of it. */
static plugcl_status begin_warm_up(struct schedule *schedule, struct buffer *stand_in, struct queue **queue)
{
    plugcl_status status = queue_create(schedule->context, false, queue);
    if (status == PLUGCL_OK)
        status = queue_fill(*queue, stand_in, 0, 0, buffer_bytes(stand_in) / 4 * 4);
    return status == PLUGCL_OK ? schedule_clear(schedule, *queue) : status;
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
        return launch_has_work(own) && kernel_needs_warming(own->kernel, own->local);
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
        if (schedule_region(schedule, i)->kind == REGION_BINDING && schedule_region(schedule, i)->bytes > most)
            most = schedule_region(schedule, i)->bytes;
    struct buffer *stand_in = NULL;
    plugcl_status status = schedule->status;
    if (status == PLUGCL_OK)
        status = place_arena(schedule);
    if (status == PLUGCL_OK)
        status = buffer_create(schedule->context, most, false, &stand_in);
    if (status == PLUGCL_OK)
        status = schedule_set_arguments(schedule, true, stand_in);
    if (status == PLUGCL_OK)
        status = warm_up(schedule, stand_in, progress);
    buffer_drop(&stand_in);
    if (status == PLUGCL_OK)
        status = progress_tell(progress, "ready", progress ? progress->total : 0);
    schedule->finished = status == PLUGCL_OK;
    return schedule_fail(schedule, status);
}
