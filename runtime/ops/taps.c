/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taps.c: plans cl/cpu/taps.cl: cuts an output into tasks whose pixels share one list of taps.
 *
 * Along an axis the taps that are inside the picture are a range, the same for runs of output positions; a run of rows times a run
 * of columns is a rectangle whose pixels all have the same taps.
 */
#include "ops/convolution.h"

#include <stdio.h>
#include <stdlib.h>

#define TASK 8              /* ints; as in taps.cl */
#define GROUPS_A_TASK 32    /* register tiles; as PIXELS in taps.cl */
#define TASKS_A_UNIT 4      /* tasks that each compute unit should find, if there is as much to do */

/* Positions first … end−1 along an axis whose taps inside the picture are tap_first … tap_end−1. */
struct run {
    int64_t first, end, tap_first, tap_end;
};

struct task {
    int32_t ints[TASK];
    int64_t cost;
    size_t number; /* where it was made: makes the order of equal costs certain */
};

struct task_list {
    struct task *items;
    size_t count, capacity;
    int32_t *taps; /* pairs */
    size_t n_taps, taps_capacity;
    bool failed;
};

struct tile {
    int rows, vectors;
};

/* Wide vectors come with 32 registers, others may have 16. */
static const struct tile wide_tiles[] = { { 6, 4 }, { 8, 3 }, { 12, 2 }, { 14, 1 } };
static const struct tile narrow_tiles[] = { { 4, 3 }, { 6, 2 }, { 12, 1 } };

static const struct tile *tiles_of(const struct device_caps *caps, uint32_t *count)
{
    bool wide = caps->vector_width == 16;
    *count = wide ? sizeof wide_tiles / sizeof *wide_tiles : sizeof narrow_tiles / sizeof *narrow_tiles;
    return wide ? wide_tiles : narrow_tiles;
}

/* A narrow layer gets a narrow tile: the one that pads its outputs least, and of equal ones the first but those of three vectors,
 * which few widths are whole multiples of. */
static struct tile choose_tile(const struct device_caps *caps, int64_t outputs, uint32_t number)
{
    uint32_t count, best = 0;
    const struct tile *tiles = tiles_of(caps, &count);
    int64_t least = INT64_MAX;
    if (number > 0)
        return tiles[number - 1];
    for (uint32_t i = 0; i < count; i++) {
        int64_t block = tiles[i].vectors * (int64_t)caps->vector_width, padded = (outputs + block - 1) / block * block;
        if (tiles[i].vectors != 3 && padded < least) {
            least = padded;
            best = i;
        }
    }
    return tiles[best];
}

bool taps_tile(const struct device_caps *caps, int64_t outputs, uint32_t number, char name[TILE_NAME])
{
    uint32_t count;
    tiles_of(caps, &count);
    if (number > count)
        return false;
    struct tile tile = choose_tile(caps, outputs, number);
    snprintf(name, TILE_NAME, "%dx%d", tile.rows, tile.vectors * (int)caps->vector_width);
    return true;
}

int taps_block_size(const struct device_caps *caps, int64_t outputs, uint32_t tile)
{
    return choose_tile(caps, outputs, tile).vectors * (int)caps->vector_width;
}

int64_t taps_packed_elements(int64_t outputs, int64_t depth, int block_size)
{
    return (outputs + block_size - 1) / block_size * block_size * (depth + 1);
}

bool taps_can_run(const struct device_caps *caps, const struct convolution *conv)
{
    bool dense = conv->outputs == 1 || (conv->y_strides[CHANNEL_STRIDE] == 1 &&
                                        (!conv->residual->present || conv->residual_strides[CHANNEL_STRIDE] == 1));
    return caps->cpu_family && conv->groups == 1 && dense && (conv->packed != REGION_NONE || convolution_is_packable(conv)) &&
           convolution_fits_int(conv);
}

/* Returns the number of runs, at most out; runs[] has room for them. */
static size_t find_runs(const struct convolution *conv, int axis, struct run *runs)
{
    size_t n_runs = 0;
    for (int64_t at = 0; at < conv->out[axis]; at++) {
        int64_t start = at * conv->stride[axis] - conv->before[axis], dilation = conv->dilation[axis], first = 0, end;
        if (start < 0)
            first = (-start + dilation - 1) / dilation;
        end = start < conv->in[axis] ? (conv->in[axis] - 1 - start) / dilation + 1 : 0;
        if (end > conv->kernel[axis])
            end = conv->kernel[axis];
        if (first >= end)
            first = end = 0;
        if (n_runs == 0 || runs[n_runs - 1].tap_first != first || runs[n_runs - 1].tap_end != end)
            runs[n_runs++] = (struct run){ at, at, first, end };
        runs[n_runs - 1].end = at + 1;
    }
    return n_runs;
}

/* The taps of a rectangle: where they begin in the list. */
static int64_t add_taps(struct task_list *list, const struct convolution *conv, const struct run *rows, const struct run *columns)
{
    int64_t first = (int64_t)list->n_taps;
    for (int64_t y = rows->tap_first; y < rows->tap_end; y++) {
        for (int64_t x = columns->tap_first; x < columns->tap_end; x++) {
            int32_t *pair = array_push(&list->taps, &list->n_taps, &list->taps_capacity, 2 * sizeof *pair);
            if (pair == NULL) {
                list->failed = true;
                return first;
            }
            pair[0] = (int32_t)((y * conv->dilation[0] - conv->before[0]) * conv->x_strides[ROW_STRIDE] +
                                (x * conv->dilation[1] - conv->before[1]) * conv->x_strides[PIXEL_STRIDE]);
            pair[1] = (int32_t)(y * conv->kernel[1] + x);
        }
    }
    return first;
}

/* Cuts a rectangle into tasks of about equal size, of at most `groups` register tiles. */
static void add_rectangle(struct task_list *list, const struct convolution *conv, const struct run *rows, const struct run *columns,
                          int tile_rows, int64_t groups, int64_t blocks)
{
    int64_t width = columns->end - columns->first, pixels = width * (rows->end - rows->first);
    int64_t all_groups = (pixels + tile_rows - 1) / tile_rows, parts = (all_groups + groups - 1) / groups;
    int64_t step = (all_groups + parts - 1) / parts * tile_rows;
    int64_t first_tap = add_taps(list, conv, rows, columns), n_taps = (int64_t)list->n_taps - first_tap;
    for (int64_t block = 0; block < blocks; block++) {
        for (int64_t pixel = 0; pixel < pixels && !list->failed; pixel += step) {
            int64_t count = pixels - pixel < step ? pixels - pixel : step;
            const int64_t ints[TASK] = { first_tap, n_taps, block, rows->first, columns->first, width, pixel, count };
            struct task *task = array_push(&list->items, &list->count, &list->capacity, sizeof *task);
            if (task == NULL) {
                list->failed = true;
                return;
            }
            for (int i = 0; i < TASK; i++)
                task->ints[i] = (int32_t)ints[i];
            task->cost = (count + tile_rows - 1) / tile_rows * (n_taps * conv->channels + 16);
            task->number = list->count;
        }
    }
}

static int by_cost(const void *a, const void *b)
{
    const struct task *first = a, *second = b;
    if (first->cost != second->cost)
        return first->cost > second->cost ? -1 : 1;
    return first->number < second->number ? -1 : first->number > second->number;
}

/* The table: tasks, then taps. Drivers give the first half of the groups to one thread, so each half gets half of the work. */
static int32_t *make_table(struct task_list *list, size_t *count)
{
    *count = list->count * TASK + list->n_taps * 2;
    int32_t *table = memory_zeroed(*count, sizeof *table);
    if (table == NULL)
        return NULL;
    size_t room = (list->count + 1) / 2, used[2] = { 0, 0 };
    int64_t load[2] = { 0, 0 };
    qsort(list->items, list->count, sizeof *list->items, by_cost);
    for (size_t i = 0; i < list->count; i++) {
        int half = (load[0] <= load[1] && used[0] < room) || used[1] >= list->count - room ? 0 : 1;
        size_t place = (half ? room : 0) + used[half]++;
        load[half] += list->items[i].cost;
        for (int j = 0; j < TASK; j++)
            table[place * TASK + (size_t)j] = list->items[i].ints[j];
    }
    for (size_t i = 0; i < list->n_taps * 2; i++)
        table[list->count * TASK + i] = list->taps[i];
    return table;
}

static int64_t groups_in(const struct run *rows, size_t n_rows, const struct run *columns, size_t n_columns, int tile_rows)
{
    int64_t groups = 0;
    for (size_t i = 0; i < n_rows; i++)
        for (size_t j = 0; j < n_columns; j++)
            groups += ((rows[i].end - rows[i].first) * (columns[j].end - columns[j].first) + tile_rows - 1) / tile_rows;
    return groups;
}

/* Fills the list; false when out of memory. */
static bool make_tasks(struct task_list *list, const struct device_caps *caps, const struct convolution *conv, int tile_rows,
                       int64_t blocks)
{
    struct run *rows = memory_zeroed((size_t)conv->out[0], sizeof *rows);
    struct run *columns = memory_zeroed((size_t)conv->out[1], sizeof *columns);
    if (rows != NULL && columns != NULL) {
        size_t n_rows = find_runs(conv, 0, rows), n_columns = find_runs(conv, 1, columns);
        int64_t units = caps->compute_units, all = groups_in(rows, n_rows, columns, n_columns, tile_rows) * blocks * conv->images;
        /* Short tasks read the weights too often, so they are made only where threads would be idle. */
        int64_t groups = all / (TASKS_A_UNIT * units), least = (all + units - 1) / units;
        if (groups < 4)
            groups = least < 4 ? least : 4;
        if (groups > GROUPS_A_TASK)
            groups = GROUPS_A_TASK;
        for (size_t i = 0; i < n_rows; i++)
            for (size_t j = 0; j < n_columns; j++)
                add_rectangle(list, conv, &rows[i], &columns[j], tile_rows, groups, blocks);
    } else {
        list->failed = true;
    }
    memory_free(rows);
    memory_free(columns);
    return !list->failed;
}

static void add_launch(struct schedule *schedule, const struct convolution *conv, struct tile tile, const struct task_list *list,
                       const int32_t *table, size_t count)
{
    char options[80];
    uint32_t width = schedule_caps(schedule)->vector_width;
    snprintf(options, sizeof options, "-DVECTOR=%u -DROWS=%d -DVECTORS=%d -DACTIVATION=%d", width, tile.rows, tile.vectors,
             (int)conv->epilogue->act);
    struct launch *launch = schedule_launch(schedule, "cpu/taps.cl", options, "taps");
    launch_operand(launch, conv->x);
    if (conv->packed != REGION_NONE)
        launch_region(launch, conv->packed, 0);
    else
        convolution_launch_packed(launch, conv, tile.vectors * (int)width);
    launch_operand(launch, conv->residual);
    launch_operand(launch, conv->y);
    launch_table(launch, table, count);
    launch_int(launch, (int64_t)list->count * TASK);
    launch_int(launch, conv->channels);
    launch_int(launch, conv->outputs);
    launch_int(launch, conv->kernel[0] * conv->kernel[1]);
    launch_int(launch, conv->packed_image);
    launch_int(launch, conv->x_strides[IMAGE_STRIDE]);
    launch_int(launch, conv->x_strides[ROW_STRIDE] * conv->stride[0]);
    launch_int(launch, conv->x_strides[PIXEL_STRIDE] * conv->stride[1]);
    launch_int(launch, conv->x_strides[CHANNEL_STRIDE]);
    launch_int(launch, conv->y_strides[IMAGE_STRIDE]);
    launch_int(launch, conv->y_strides[ROW_STRIDE]);
    launch_int(launch, conv->y_strides[PIXEL_STRIDE]);
    launch_int(launch, conv->residual->present);
    launch_int(launch, conv->residual_strides[IMAGE_STRIDE]);
    launch_int(launch, conv->residual_strides[ROW_STRIDE]);
    launch_int(launch, conv->residual_strides[PIXEL_STRIDE]);
    launch_float(launch, conv->epilogue->alpha);
    launch_float(launch, conv->epilogue->beta);
    launch_groups(launch, list->count, (size_t)conv->images, 1);
}

plugcl_status taps_plan(struct schedule *schedule, const struct convolution *conv)
{
    const struct device_caps *caps = schedule_caps(schedule);
    struct tile tile = choose_tile(caps, conv->outputs, conv->tile);
    int64_t block = tile.vectors * (int64_t)caps->vector_width, blocks = (conv->outputs + block - 1) / block;
    struct task_list list = { 0 };
    size_t count = 0;
    int32_t *table = make_tasks(&list, caps, conv, tile.rows, blocks) ? make_table(&list, &count) : NULL;
    if (table == NULL)
        schedule_fail(schedule, fail_no_memory((count + 1) * sizeof *table));
    else
        add_launch(schedule, conv, tile, &list, table, count);
    memory_free(table);
    memory_free(list.items);
    memory_free(list.taps);
    return schedule_status(schedule);
}
