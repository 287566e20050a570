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

#include "ops/strided.h"

#define TASK 12             /* ints; as in taps.cl */
#define GROUPS_A_TASK 64    /* register tiles; as PIXELS in taps.cl */
#define TASKS_A_UNIT 64     /* beyond so many for each compute unit, shorter tasks balance no better */
#define TILE_OVERHEAD 16    /* what a tile costs besides its products, and a task besides its tiles, in products of a tile */
#define TASK_OVERHEAD 200
#define LATENCY_VECTORS 8 /* sums that hide a multiply-add's latency: what the last tiles have, as REST in taps.cl */

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

/* A register tile, and what a product of it costs for each of its vectors, in hundredths of the best tile's. */
struct tile {
    int rows, vectors, cost;
};

/* One of the convolutions of a launch. */
struct part {
    const struct convolution *conv;
    int64_t block, blocks;
    int64_t weights, bias; /* where they begin in the packed form */
    int64_t output;        /* where its results begin, from the first part's on */
    bool all_images;       /* its pixels are those of every image; else the launch has a dimension for images */
};

/* Wide vectors come with 32 registers, others may have 16. */
static const struct tile wide_tiles[] = { { 6, 4, 100 }, { 8, 3, 104 }, { 10, 2, 104 }, { 14, 1, 170 } };
static const struct tile narrow_tiles[] = { { 4, 3, 102 }, { 6, 2, 100 }, { 8, 1, 120 } }; /* compilers spill 12 rows of one */

static const struct tile *tiles_of(const struct device_caps *caps, uint32_t *count)
{
    bool wide = caps->vector_width == 16;
    *count = wide ? sizeof wide_tiles / sizeof *wide_tiles : sizeof narrow_tiles / sizeof *narrow_tiles;
    return wide ? wide_tiles : narrow_tiles;
}

/* Outputs that cost as much as the last block does: where they fill one vector alone, the others are left out, and loading pixels
 * costs about as much again. */
static int64_t padded_outputs(const struct device_caps *caps, int64_t outputs, int64_t block)
{
    const int64_t vector = caps->vector_width, last = outputs % block;
    return outputs - last + (last == 0 ? 0 : last <= vector && 2 * vector < block ? 2 * vector : block);
}

/* A narrow layer gets a narrow tile, unless it costs more than the outputs that a wide one pads; tiles of three vectors, which few
 * widths are whole multiples of, would be a further program. */
static struct tile choose_tile(const struct device_caps *caps, int64_t outputs, uint32_t number)
{
    uint32_t count, best = 0;
    const struct tile *tiles = tiles_of(caps, &count);
    int64_t least = INT64_MAX;
    if (number > 0)
        return tiles[number - 1];
    for (uint32_t i = 0; i < count; i++) {
        int64_t block = tiles[i].vectors * (int64_t)caps->vector_width;
        int64_t cost = padded_outputs(caps, outputs, block) * tiles[i].cost;
        if (tiles[i].vectors != 3 && cost < least) {
            least = cost;
            best = i;
        }
    }
    return tiles[best];
}

double taps_padding(const struct device_caps *caps, int64_t outputs)
{
    struct tile tile = choose_tile(caps, outputs, 0);
    int64_t padded = padded_outputs(caps, outputs, tile.vectors * (int64_t)caps->vector_width);
    return (double)(padded * tile.cost) / (double)(100 * outputs);
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

static int block_size_of(const struct device_caps *caps, int64_t outputs, uint32_t tile)
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
    return caps->cpu_family && conv->groups == 1 && dense && (conv->packs || convolution_is_packable(conv)) &&
           convolution_fits_int(conv) &&
           taps_packed_elements(conv->outputs, conv->channels * conv->kernel[0] * conv->kernel[1],
                                block_size_of(caps, conv->outputs, conv->tile)) <= INT32_MAX;
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

/* What a task costs, in products of a whole tile; the first tile brings the weights into the cache, at about its own cost. A thin
 * one fills one vector of a tile of four, at about half of the cost, and its last pixels take a tile, those of others less. */
static int64_t cost_of(struct tile tile, int64_t pixels, int64_t products, bool is_thin)
{
    const int64_t rest = divide_up(LATENCY_VECTORS, tile.vectors), most = (tile.rows - rest / 2) / rest * rest;
    const int64_t whole = pixels / tile.rows, left = pixels % tile.rows, own = is_thin ? products / 2 : products;
    const int64_t last = left == 0 ? 0 : is_thin || left > most ? own : divide_up(left, rest) * rest * own / tile.rows;
    return (whole + 1) * own + last + divide_up(pixels, tile.rows) * TILE_OVERHEAD + TASK_OVERHEAD;
}

/* Cuts a rectangle, through all images or of one, into tasks of about equal size, of at most `groups` register tiles. */
static void add_rectangle(struct task_list *list, const struct part *part, const struct run *rows, const struct run *columns,
                          struct tile tile, int64_t groups)
{
    const struct convolution *conv = part->conv;
    const int64_t width = columns->end - columns->first, height = rows->end - rows->first;
    const int64_t pixels = width * height * (part->all_images ? conv->images : 1);
    const int64_t all_groups = (pixels + tile.rows - 1) / tile.rows, parts = (all_groups + groups - 1) / groups;
    const int64_t step = (all_groups + parts - 1) / parts * tile.rows;
    const int64_t first_tap = add_taps(list, conv, rows, columns), n_taps = (int64_t)list->n_taps - first_tap;
    const int64_t products = n_taps * conv->channels;
    const int64_t block_weights =
        part->block * (conv->packs ? conv->weight_strides[0] : conv->kernel[0] * conv->kernel[1] * conv->channels);
    for (int64_t block = 0; block < part->blocks; block++) {
        const int64_t output = block * part->block, left = conv->outputs - output;
        const bool is_thin = 4 * left <= part->block;
        for (int64_t pixel = 0; pixel < pixels && !list->failed; pixel += step) {
            const int64_t count = pixels - pixel < step ? pixels - pixel : step;
            const int64_t ints[TASK] = { first_tap, n_taps, part->weights + block * block_weights, part->bias + output,
                                         part->output + output, left < part->block ? left : part->block, rows->first,
                                         columns->first, width, height, pixel, count };
            struct task *task = array_push(&list->items, &list->count, &list->capacity, sizeof *task);
            if (task == NULL) {
                list->failed = true;
                return;
            }
            for (int i = 0; i < TASK; i++)
                task->ints[i] = (int32_t)ints[i];
            task->cost = cost_of(tile, count, products, is_thin);
            task->number = list->count;
        }
    }
}

static void add_part(struct task_list *list, const struct part *part, struct tile tile, int64_t groups)
{
    const struct convolution *conv = part->conv;
    struct run *rows = memory_zeroed((size_t)conv->out[0], sizeof *rows);
    struct run *columns = memory_zeroed((size_t)conv->out[1], sizeof *columns);
    if (rows != NULL && columns != NULL) {
        size_t n_rows = find_runs(conv, 0, rows), n_columns = find_runs(conv, 1, columns);
        for (size_t i = 0; i < n_rows; i++)
            for (size_t j = 0; j < n_columns; j++)
                add_rectangle(list, part, &rows[i], &columns[j], tile, groups);
    } else {
        list->failed = true;
    }
    memory_free(rows);
    memory_free(columns);
}

static int by_cost(const void *a, const void *b)
{
    const struct task *first = a, *second = b;
    if (first->cost != second->cost)
        return first->cost > second->cost ? -1 : 1;
    return first->number < second->number ? -1 : first->number > second->number;
}

/* Deals the tasks to the two halves of the launch, since drivers give the first half to one thread; `table`, which may be NULL,
 * gets them in that order. Returns the larger half's cost. */
static int64_t deal(struct task_list *list, int32_t *table)
{
    size_t room = (list->count + 1) / 2, used[2] = { 0, 0 };
    int64_t load[2] = { 0, 0 };
    if (list->count > 0) /* an empty list has no memory */
        qsort(list->items, list->count, sizeof *list->items, by_cost);
    for (size_t i = 0; i < list->count; i++) {
        int half = (load[0] <= load[1] && used[0] < room) || used[1] >= list->count - room ? 0 : 1;
        size_t place = (half ? room : 0) + used[half]++;
        load[half] += list->items[i].cost;
        for (int j = 0; table != NULL && j < TASK; j++)
            table[place * TASK + (size_t)j] = list->items[i].ints[j];
    }
    return load[0] > load[1] ? load[0] : load[1];
}

static void make_tasks(struct task_list *list, const struct part *parts, size_t count, struct tile tile, int64_t groups)
{
    list->count = list->n_taps = 0;
    for (size_t i = 0; i < count; i++)
        add_part(list, &parts[i], tile, groups);
}

/* Fills the list: long tasks read the weights less often, short ones keep all threads busy. */
static void choose_tasks(struct task_list *list, const struct device_caps *caps, const struct part *parts, size_t count,
                         struct tile tile)
{
    const int64_t units = caps->compute_units;
    int64_t best = GROUPS_A_TASK, least = INT64_MAX, groups;
    for (groups = GROUPS_A_TASK; groups >= 1 && !list->failed; groups = groups * 3 / 4) {
        make_tasks(list, parts, count, tile, groups);
        const int64_t half = deal(list, NULL), longest = list->count > 0 ? list->items[0].cost : 0;
        /* A thread that wakes late leaves a long task to the other. */
        const int64_t cost = (units == 1 ? 2 * half : half * 2 / units) + longest / 2;
        if (cost < least) {
            least = cost;
            best = groups;
        }
        if (list->count > (size_t)(TASKS_A_UNIT * units))
            break;
    }
    if (best != groups)
        make_tasks(list, parts, count, tile, best);
}

/* The table: tasks, then taps. */
static void add_table(struct schedule *schedule, struct launch *launch, struct task_list *list)
{
    const size_t tasks = list->count * TASK, count = tasks + list->n_taps * 2;
    int32_t *table = list->failed ? NULL : memory_zeroed(count, sizeof *table);
    if (table == NULL) {
        schedule_fail(schedule, fail_no_memory(count * sizeof *table));
        return;
    }
    deal(list, table);
    for (size_t i = tasks; i < count; i++)
        table[i] = list->taps[i - tasks];
    launch_table(launch, table, count);
    memory_free(table);
}

static void add_launch(struct schedule *schedule, const struct convolution *convs, size_t count, struct tile tile,
                       struct task_list *list, bool all_images)
{
    const struct convolution *conv = convs;
    char options[80];
    uint32_t width = schedule_caps(schedule)->vector_width;
    snprintf(options, sizeof options, "-DVECTOR=%u -DROWS=%d -DVECTORS=%d -DACTIVATION=%d%s", width, tile.rows, tile.vectors,
             (int)conv->epilogue->act, conv->packs ? " -DPACKS=1" : "");
    struct launch *launch = schedule_launch(schedule, "cpu/taps.cl", options, "taps");
    launch_operand(launch, conv->x);
    if (conv->packs)
        launch_operand(launch, conv->weight);
    else
        convolution_launch_packed(launch, convs, count, tile.vectors * (int)width);
    launch_operand(launch, conv->residual);
    launch_operand(launch, conv->y);
    add_table(schedule, launch, list);
    const int64_t ints[] = { (int64_t)list->count * TASK, conv->channels, conv->weight_image,
                             conv->weight_strides[1], conv->weight_strides[0],
                             conv->x_strides[IMAGE_STRIDE], conv->x_strides[ROW_STRIDE] * conv->stride[0],
                             conv->x_strides[PIXEL_STRIDE] * conv->stride[1], conv->x_strides[CHANNEL_STRIDE],
                             conv->y_strides[IMAGE_STRIDE], conv->y_strides[ROW_STRIDE], conv->y_strides[PIXEL_STRIDE],
                             conv->residual->present, conv->residual_strides[IMAGE_STRIDE], conv->residual_strides[ROW_STRIDE],
                             conv->residual_strides[PIXEL_STRIDE] };
    launch_ints(launch, ints, sizeof ints / sizeof *ints);
    launch_float(launch, conv->epilogue->alpha);
    launch_float(launch, conv->epilogue->beta);
    launch_groups(launch, list->count, all_images ? 1 : (size_t)conv->images, 1);
}

/* True when offsets through all images of an operand fit into an int. */
static bool images_fit_int(const struct convolution *conv)
{
    int64_t largest = conv->x_strides[IMAGE_STRIDE];
    if (largest < conv->y_strides[IMAGE_STRIDE])
        largest = conv->y_strides[IMAGE_STRIDE];
    if (conv->residual->present && largest < conv->residual_strides[IMAGE_STRIDE])
        largest = conv->residual_strides[IMAGE_STRIDE];
    return conv->weight_image == 0 && largest * conv->images <= INT32_MAX &&
           conv->images * conv->out[0] * conv->out[1] <= INT32_MAX;
}

plugcl_status taps_plan_parts(struct schedule *schedule, const struct convolution *convs, size_t count)
{
    const struct device_caps *caps = schedule_caps(schedule);
    const struct tile tile = choose_tile(caps, convs->outputs, convs->tile);
    const int64_t block = tile.vectors * (int64_t)caps->vector_width;
    const bool all_images = images_fit_int(convs);
    struct part parts[CONVOLUTION_MAX_PARTS];
    struct task_list list = { 0 };
    int64_t packed = 0;
    for (size_t i = 0; i < count; i++) {
        const struct convolution *conv = &convs[i];
        const int64_t blocks = (conv->outputs + block - 1) / block, depth = conv->kernel[0] * conv->kernel[1] * conv->channels;
        parts[i] = (struct part){ conv, block, blocks, conv->packs ? 0 : packed + blocks * block, packed,
                                  conv->y->offset - convs->y->offset, all_images };
        packed += taps_packed_elements(conv->outputs, depth, (int)block);
    }
    choose_tasks(&list, caps, parts, count, tile);
    add_launch(schedule, convs, count, tile, &list, all_images);
    memory_free(list.items);
    memory_free(list.taps);
    return schedule_status(schedule);
}

plugcl_status taps_plan(struct schedule *schedule, const struct convolution *conv)
{
    return taps_plan_parts(schedule, conv, 1);
}
