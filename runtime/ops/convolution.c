/* SPDX-License-Identifier: Apache-2.0 */
/* convolution.c: what conv2d and linear share: packing, and the planners of the tiled and of the generic kernel. */
#include "ops/convolution.h"

#include <stdio.h>

#include "ops/gpu_tiles.h"
#include "ops/strided.h"

static const struct operand absent;

void convolution_take_operands(struct convolution *conv, const struct operator_call *call)
{
    int last = 3;
    while (last > 1 && !call->inputs[last].present)
        last--;
    bool has_residual = call->epilogue.has_residual && last > 1;
    conv->x = &call->inputs[0];
    conv->weight = &call->inputs[1];
    conv->bias = call->inputs[2].present && !(has_residual && last == 2) ? &call->inputs[2] : &absent;
    conv->residual = has_residual ? &call->inputs[last] : &absent;
    conv->y = &call->outputs[0];
    conv->epilogue = &call->epilogue;
}

bool convolution_is_packable(const struct convolution *conv)
{
    return conv->weight->constant != NULL && (!conv->bias->present || conv->bias->constant != NULL);
}

static bool span_fits_int(const int64_t strides[4], int64_t channels, const int64_t size[2])
{
    int64_t span = 0, counts[3] = { channels, size[0], size[1] };
    if (strides[IMAGE_STRIDE] > INT32_MAX)
        return false;
    for (int i = 0; i < 3; i++) {
        int64_t stride = strides[CHANNEL_STRIDE + i];
        if (stride > INT32_MAX || counts[i] > INT32_MAX || (span += counts[i] * stride) > INT32_MAX)
            return false;
    }
    return true;
}

bool convolution_fits_int(const struct convolution *conv)
{
    return span_fits_int(conv->x_strides, conv->channels, conv->in) && span_fits_int(conv->y_strides, conv->outputs, conv->out) &&
           (!conv->residual->present || span_fits_int(conv->residual_strides, conv->outputs, conv->out)) &&
           conv->outputs * conv->out[0] * conv->out[1] <= INT32_MAX;
}

/* Where the weight of an output, channel and tap lies in its constant: a view of some channels, or a transposed convolution's. */
struct packing {
    int64_t block_size, channels, outputs, taps, row_taps;
    int64_t depth;      /* channels with those that are 0 */
    int64_t first;      /* element of output 0, channel 0 and tap 0 */
    int64_t strides[4]; /* output, channel, row, column; some may be negative */
};

struct packings {
    size_t count;
    struct packing items[CONVOLUTION_MAX_PARTS];
};

/* Packs one part, and returns where the next one begins. */
static float *pack_part(const struct packing *packing, const float *weights, const float *bias, float *packed)
{
    const int64_t block_size = packing->block_size, channels = packing->channels, outputs = packing->outputs;
    const int64_t padded = (outputs + block_size - 1) / block_size * block_size;
    for (int64_t output = 0; output < padded; output++) {
        packed[output] = output < outputs && bias != NULL ? bias[output] : 0.0f;
        float *column = packed + padded + output / block_size * packing->taps * packing->depth * block_size + output % block_size;
        const float *weight = weights + packing->first + output * packing->strides[0];
        for (int64_t tap = 0; tap < packing->taps; tap++) {
            const float *from =
                weight + tap / packing->row_taps * packing->strides[2] + tap % packing->row_taps * packing->strides[3];
            for (int64_t channel = 0; channel < packing->depth; channel++)
                column[(tap * packing->depth + channel) * block_size] =
                    output < outputs && channel < channels ? from[channel * packing->strides[1]] : 0.0f;
        }
    }
    return packed + padded * (1 + packing->taps * packing->depth);
}

static void pack_parts(const float *const *sources, const struct constant *const *constants, const void *parameters, float *packed)
{
    const struct packings *packings = parameters;
    (void)constants;
    for (size_t i = 0; i < packings->count; i++)
        packed = pack_part(&packings->items[i], sources[2 * i], sources[2 * i + 1], packed);
}

static struct packing packing_of(const struct convolution *conv, int64_t block_size, int64_t channel_block)
{
    struct packing packing = { .block_size = block_size, .channels = conv->channels, .outputs = conv->outputs,
                               .taps = conv->kernel[0] * conv->kernel[1], .row_taps = conv->kernel[1],
                               .depth = divide_up(conv->channels, channel_block) * channel_block,
                               .first = conv->weight->offset };
    for (int i = 0; i < 4; i++)
        packing.strides[i] = conv->weight_strides[i];
    return packing;
}

/* Channels are filled up to whole blocks of their own. */
static void launch_packed_blocks(struct launch *launch, const struct convolution *convs, size_t count, int64_t block_size,
                                 int64_t channel_block)
{
    char name[160 * CONVOLUTION_MAX_PARTS] = "";
    struct constant *constants[2 * CONVOLUTION_MAX_PARTS];
    struct packings packings = { .count = count };
    size_t elements = 0, used = 0;
    for (size_t i = 0; i < count; i++) {
        const struct convolution *conv = &convs[i];
        const struct packing packing = packing_of(conv, block_size, channel_block);
        packings.items[i] = packing;
        constants[2 * i] = conv->weight->constant;
        constants[2 * i + 1] = conv->bias->constant;
        elements += (size_t)(divide_up(conv->outputs, block_size) * block_size * (packing.taps * packing.depth + 1));
        used += (size_t)snprintf(name + used, sizeof name - used,
                                 "convolution %lld of %lld: %lld x %lld taps of %lld in %lld from %lld by %lld %lld %lld %lld. ",
                                 (long long)block_size, (long long)conv->outputs, (long long)conv->kernel[0],
                                 (long long)conv->kernel[1], (long long)packing.channels, (long long)packing.depth,
                                 (long long)packing.first, (long long)packing.strides[0],
                                 (long long)packing.strides[1], (long long)packing.strides[2], (long long)packing.strides[3]);
    }
    launch_packed(launch, constants, 2 * count, name, elements, pack_parts, &packings);
}

void convolution_launch_packed(struct launch *launch, const struct convolution *convs, size_t count, int block_size)
{
    launch_packed_blocks(launch, convs, count, block_size, 1);
}

/*
 * Tables of sizes and strides, in the order of the enumerations in the kernels.
 */
#define TABLE_MAX 32

static size_t table_add(int32_t *table, size_t count, const int64_t *values, size_t n_values)
{
    for (size_t i = 0; i < n_values; i++)
        table[count++] = (int32_t)values[i];
    return count;
}

static size_t table_add_window(int32_t *table, size_t count, const struct convolution *conv)
{
    count = table_add(table, count, conv->in, 2);
    count = table_add(table, count, conv->kernel, 2);
    count = table_add(table, count, conv->stride, 2);
    count = table_add(table, count, conv->dilation, 2);
    count = table_add(table, count, conv->before, 2);
    return table_add(table, count, conv->x_strides, 4);
}

static size_t table_add_results(int32_t *table, size_t count, const struct convolution *conv)
{
    count = table_add(table, count, conv->y_strides, 4);
    return table_add(table, count, conv->residual_strides, 4);
}

bool tile_can_run(const struct device_caps *caps, const struct convolution *conv)
{
    return gpu_tiles_fit(&gpu_product_tiles, caps, conv->tile) && conv->groups == 1 && convolution_is_packable(conv) &&
           convolution_fits_int(conv) && conv->images * conv->out[0] * conv->out[1] <= INT32_MAX;
}

bool tile_is_preferred(const struct device_caps *caps, int64_t outputs)
{
    return caps->fast_local_memory && outputs >= 8;
}

static struct gpu_work tile_work(const struct convolution *conv)
{
    return (struct gpu_work){ .tiles = &gpu_product_tiles, .rows = conv->images * conv->out[0] * conv->out[1],
                              .columns = conv->outputs, .batch = 1, .tile = conv->tile };
}

bool tile_name(const struct device_caps *caps, const struct convolution *conv, uint32_t number, char name[TILE_NAME])
{
    struct gpu_work work = tile_work(conv);
    work.tile = number;
    return gpu_tile_name(caps, &work, name);
}

/* The tiles of the pixels [first, first + count). */
static void tile_launch(struct schedule *schedule, const struct convolution *conv, const struct gpu_tile *tile, const char *options,
                        int64_t first, int64_t count)
{
    const int64_t sizes[4] = { conv->outputs, conv->out[0], conv->out[1], conv->channels };
    int32_t table[TABLE_MAX];
    size_t used = table_add(table, 0, sizes, 4);
    used = table_add_window(table, used, conv);
    used = table_add_results(table, used, conv);
    struct launch *launch = schedule_launch(schedule, "gpu/conv2d.cl", options, "conv2d");
    launch_operand(launch, conv->x);
    /* One form for all tiles: they may change with the shape and with tuning. */
    launch_packed_blocks(launch, conv, 1, divide_up(conv->outputs, 4) * 4, 4);
    launch_operand(launch, conv->residual);
    launch_operand(launch, conv->y);
    launch_table(launch, table, used);
    launch_int(launch, conv->images * conv->out[0] * conv->out[1]);
    launch_int(launch, first);
    launch_int(launch, conv->residual->present);
    launch_float(launch, conv->epilogue->alpha);
    launch_float(launch, conv->epilogue->beta);
    const size_t x = (size_t)tile->group_columns, y = (size_t)tile->group_rows;
    launch_range(launch, (size_t)divide_up(conv->outputs, gpu_tile_columns(tile)) * x,
                 (size_t)divide_up(count, gpu_tile_rows(tile)) * y, 1, x, y, 1);
}

plugcl_status tile_plan(struct schedule *schedule, const struct convolution *conv)
{
    const struct gpu_work work = tile_work(conv);
    const int64_t depth = conv->kernel[0] * conv->kernel[1] * conv->channels;
    char more[32], options[GPU_OPTIONS];
    snprintf(more, sizeof more, "-DACTIVATION=%d", (int)conv->epilogue->act);
    const struct gpu_tile *tile = gpu_tile_choose(schedule, &work, "gpu/conv2d.cl", "conv2d", more, options);
    if (tile == NULL)
        return schedule_status(schedule) == PLUGCL_OK ? direct_plan(schedule, conv) : schedule_status(schedule);
    const int64_t count = gpu_rows_a_launch(schedule_caps(schedule), 2 * work.columns * depth, gpu_tile_rows(tile));
    for (int64_t first = 0; first < work.rows; first += count)
        tile_launch(schedule, conv, tile, options, first, work.rows - first < count ? work.rows - first : count);
    return schedule_status(schedule);
}

plugcl_status direct_plan(struct schedule *schedule, const struct convolution *conv)
{
    if (!convolution_fits_int(conv))
        return schedule_fail(schedule, fail(PLUGCL_UNSUPPORTED, "a convolution with an image of more than 2147483647 "
                                                                "elements"));
    char options[32];
    int32_t table[TABLE_MAX];
    int64_t sizes[5] = { conv->outputs, conv->out[0], conv->out[1], conv->channels, conv->outputs / conv->groups };
    sizes[3] /= conv->groups;
    size_t count = table_add(table, 0, sizes, 5);
    count = table_add_window(table, count, conv);
    count = table_add(table, count, conv->weight_strides, 4);
    count = table_add_results(table, count, conv);
    count = table_add(table, count, &conv->weight_group, 1);

    snprintf(options, sizeof options, "-DACTIVATION=%d", (int)conv->epilogue->act);
    struct launch *launch = schedule_launch(schedule, "common/conv2d.cl", options, "conv2d");
    launch_operand(launch, conv->x);
    launch_operand(launch, conv->weight);
    launch_operand(launch, conv->bias);
    launch_operand(launch, conv->residual);
    launch_operand(launch, conv->y);
    launch_table(launch, table, count);
    launch_int(launch, conv->bias->present);
    launch_int(launch, conv->bias->present ? conv->bias->strides[0] : 0);
    launch_int(launch, conv->residual->present);
    launch_float(launch, conv->epilogue->alpha);
    launch_float(launch, conv->epilogue->beta);
    size_t outputs = (size_t)(conv->outputs * conv->out[0] * conv->out[1]), local = launch_max_work_group(launch) >= 64 ? 64 : 1;
    launch_range(launch, outputs, (size_t)conv->images, 1, local, 1, 1);
    return schedule_status(schedule);
}
