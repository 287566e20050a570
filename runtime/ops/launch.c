/* SPDX-License-Identifier: Apache-2.0 */
/* launch.c: one launch of a schedule, and its arguments. */
#include <stdlib.h>

#include "ops/schedule_private.h"

/* Elements from the first to the last that offsets in `int` reach, with room for a work-item's step beyond the end. */
#define MOST_REACH (INT32_MAX - (1 << 20))

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
    struct region *region = schedule_region(schedule, step->workspace);
    if (region == NULL)
        return REGION_NONE;
    region->at_start = true;
    region->bytes = bytes > region->bytes ? bytes : region->bytes;
    return step->workspace;
}

void schedule_product(struct schedule *schedule, const struct sgemm *sgemm, size_t scratch, const struct operand *a,
                      const struct operand *b, const struct operand *y)
{
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
    if (scratch > 0)
        launch_region(launch, workspace_region(schedule, scratch), 0);
}

static bool may_add(const struct launch *launch)
{
    return launch != NULL && launch->schedule->status == PLUGCL_OK;
}

static void add_buffer(struct launch *launch, uint32_t region, int64_t offset_bytes, uint32_t element_size, bool has_offset)
{
    struct schedule *schedule = launch->schedule;
    struct region *used = schedule_region(schedule, region);
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
    if (used->first > launch->number)
        used->first = launch->number;
    if (used->last < launch->number)
        used->last = launch->number;
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

void launch_reach(struct launch *launch, uint32_t number, uint32_t rank, const int64_t *sizes, const int64_t *strides)
{
    int64_t reach = 1;
    if (!may_add(launch))
        return;
    for (uint32_t i = 0; i < rank; i++)
        reach += sizes[i] > 0 ? (sizes[i] - 1) * llabs(strides[i]) : 0;
    const struct schedule *schedule = launch->schedule;
    if (reach > MOST_REACH)
        schedule_fail(launch->schedule,
                      fail(PLUGCL_UNSUPPORTED, "operand %u of %s reaches over %lld elements; at most %d are supported", number,
                           schedule->n_steps > 0 ? schedule->steps[schedule->n_steps - 1].info.operation : "a kernel",
                           (long long)reach, MOST_REACH));
}

void launch_strided(struct launch *launch, const struct operand *operand)
{
    if (operand->present && launch != NULL)
        launch_reach(launch, launch->n_arguments / 2 + 1, operand->shape.rank, operand->shape.dims, operand->strides);
    launch_operand(launch, operand);
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

void launch_ints(struct launch *launch, const int64_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        launch_int(launch, values[i]);
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
