/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.c: regions, steps, and running. */
#include <stdio.h>

#include "ops/schedule_private.h"

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
struct region *schedule_region(const struct schedule *schedule, uint32_t region)
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
    return schedule_arena(schedule, bytes); /* used by launches of this step alone, it lives as long as those */
}

uint32_t schedule_floats(struct schedule *schedule, int64_t floats)
{
    return schedule_scratch(schedule, (size_t)floats * sizeof(float));
}

uint32_t schedule_fixed(struct schedule *schedule, struct buffer *buffer)
{
    uint32_t number = region_add(schedule, REGION_FIXED, buffer ? buffer_bytes(buffer) : 0);
    if (number == REGION_NONE)
        buffer_drop(&buffer);
    else
        schedule_region(schedule, number)->buffer = buffer;
    return number;
}

uint32_t schedule_binding(struct schedule *schedule, size_t bytes)
{
    return region_add(schedule, REGION_BINDING, bytes);
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
    step->info = (struct schedule_step_info){ .operation = operation, .variant = variant, .name = name ? name : "",
                                              .flops = flops, .bytes = bytes };
    step->first_launch = (uint32_t)schedule->n_launches;
}

void schedule_step_choice(struct schedule *schedule, const char *tile, plugcl_choice choice)
{
    if (schedule->n_steps == 0) /* out of memory, which has been told */
        return;
    struct schedule_step_info *info = &schedule->steps[schedule->n_steps - 1].info;
    snprintf(info->tile, sizeof info->tile, "%s", tile);
    info->choice = choice;
}

void schedule_step_is_tuned(struct schedule *schedule)
{
    if (schedule->n_steps > 0 && schedule->steps[schedule->n_steps - 1].info.choice == PLUGCL_CHOICE_BUILT_IN)
        schedule->steps[schedule->n_steps - 1].info.choice = PLUGCL_CHOICE_TUNED;
}

void schedule_set_tuning(struct schedule *schedule, struct tuning *tuning)
{
    schedule->tuning = tuning;
}

struct tuning *schedule_tuning(const struct schedule *schedule)
{
    return schedule->tuning;
}

struct buffer *schedule_memory(const struct schedule *schedule, uint32_t region, size_t *byte_offset)
{
    const struct region *found = schedule_region(schedule, region);
    *byte_offset = found ? found->offset : 0;
    return found ? found->buffer : NULL;
}

plugcl_status schedule_bind(struct schedule *schedule, uint32_t region, struct buffer *buffer, size_t byte_offset)
{
    struct region *bound = schedule_region(schedule, region);
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

static plugcl_status enqueue(struct launch *launch, struct queue *queue, plugcl_event **event)
{
    return launch->product != NULL
               ? product_enqueue(launch->product, queue, event)
               : queue_launch(queue, launch->kernel, launch->dimensions, launch->global, launch->local, event);
}

static plugcl_status run_step(struct schedule *schedule, size_t step, struct queue *queue, struct step_events *events,
                              size_t last, plugcl_event **finished)
{
    size_t end = step + 1 < schedule->n_steps ? schedule->steps[step + 1].first_launch : schedule->n_launches;
    plugcl_status status = PLUGCL_OK;
    for (size_t i = schedule->steps[step].first_launch; status == PLUGCL_OK && i < end; i++) {
        plugcl_event **event = i == last ? finished : NULL;
        if (!launch_has_work(schedule->launches[i]))
            continue;
        if (events != NULL)
            event = events->first == NULL ? &events->first : &events->last;
        if (event != NULL)
            plugcl_event_destroy(event);
        status = enqueue(schedule->launches[i], queue, event);
    }
    return status;
}

plugcl_status schedule_run(struct schedule *schedule, struct queue *queue, struct step_events *events, plugcl_event **finished)
{
    size_t last = schedule->n_launches;
    if (!schedule->finished)
        return fail(PLUGCL_STATE, "the schedule has not been finished");
    while (finished != NULL && last > 0 && !launch_has_work(schedule->launches[last - 1]))
        last--;
    plugcl_status status = schedule_set_arguments(schedule, false, NULL);
    for (uint32_t i = 1; status == PLUGCL_OK && i <= schedule->n_regions; i++)
        schedule_region(schedule, i)->rebound = false;
    for (size_t i = 0; status == PLUGCL_OK && i < schedule->n_steps; i++)
        status = run_step(schedule, i, queue, events ? &events[i] : NULL, last - 1, finished);
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

static bool is_first_use(const struct schedule *schedule, size_t region)
{
    for (size_t i = 0; i < region; i++)
        if (schedule->regions[i].kind == REGION_FIXED && schedule->regions[i].buffer == schedule->regions[region].buffer)
            return false;
    return true;
}

static void count_kernel(const struct schedule *schedule, size_t launch, struct schedule_use *use)
{
    const struct kernel *kernel = schedule->launches[launch]->kernel;
    bool new_kernel = kernel != NULL, new_program = kernel != NULL;
    for (size_t i = 0; new_kernel && i < launch; i++) {
        const struct kernel *other = schedule->launches[i]->kernel;
        new_program = new_program && (other == NULL || !kernel_shares_program(kernel, other));
        new_kernel = other == NULL || !kernel_is_alike(kernel, other);
    }
    use->kernels += new_kernel;
    use->programs += new_kernel && new_program;
    use->loaded_programs += new_kernel && new_program && kernel_was_loaded(kernel);
}

struct schedule_use schedule_use(const struct schedule *schedule)
{
    struct schedule_use use = { .arena = schedule->arena_bytes, .arena_lower_bound = schedule->arena_lower_bound,
                                .launches = schedule->n_launches };
    for (size_t i = 0; i < schedule->n_regions; i++)
        if (schedule->regions[i].kind == REGION_FIXED && is_first_use(schedule, i))
            use.constants += schedule->regions[i].bytes;
    for (size_t i = 0; i < schedule->n_launches; i++)
        count_kernel(schedule, i, &use);
    return use;
}
