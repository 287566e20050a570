/* SPDX-License-Identifier: Apache-2.0 */
/* convolution.c: what conv2d and linear share: packing, and the planners of the tiled and of the generic kernel. */
#include "ops/convolution.h"

#include <stdio.h>

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
        float *column = packed + padded + output / block_size * packing->taps * channels * block_size + output % block_size;
        const float *weight = weights + packing->first + output * packing->strides[0];
        for (int64_t tap = 0; tap < packing->taps; tap++) {
            const float *from =
                weight + tap / packing->row_taps * packing->strides[2] + tap % packing->row_taps * packing->strides[3];
            for (int64_t channel = 0; channel < channels; channel++)
                column[(tap * channels + channel) * block_size] = output < outputs ? from[channel * packing->strides[1]] : 0.0f;
        }
    }
    return packed + padded * (1 + packing->taps * channels);
}

static void pack_parts(const float *const *sources, const struct constant *const *constants, const void *parameters, float *packed)
{
    const struct packings *packings = parameters;
    (void)constants;
    for (size_t i = 0; i < packings->count; i++)
        packed = pack_part(&packings->items[i], sources[2 * i], sources[2 * i + 1], packed);
}

static struct packing packing_of(const struct convolution *conv, int block_size)
{
    struct packing packing = { .block_size = block_size, .channels = conv->channels, .outputs = conv->outputs,
                               .taps = conv->kernel[0] * conv->kernel[1], .row_taps = conv->kernel[1],
                               .first = conv->weight->offset };
    for (int i = 0; i < 4; i++)
        packing.strides[i] = conv->weight_strides[i];
    return packing;
}

void convolution_launch_packed(struct launch *launch, const struct convolution *convs, size_t count, int block_size)
{
    char name[160 * CONVOLUTION_MAX_PARTS] = "";
    struct constant *constants[2 * CONVOLUTION_MAX_PARTS];
    struct packings packings = { .count = count };
    size_t elements = 0, used = 0;
    for (size_t i = 0; i < count; i++) {
        const struct convolution *conv = &convs[i];
        const struct packing packing = packing_of(conv, block_size);
        packings.items[i] = packing;
        constants[2 * i] = conv->weight->constant;
        constants[2 * i + 1] = conv->bias->constant;
        elements += (size_t)((conv->outputs + block_size - 1) / block_size * block_size * (packing.taps * conv->channels + 1));
        used += (size_t)snprintf(name + used, sizeof name - used,
                                 "convolution %d of %lld: %lld x %lld taps of %lld from %lld by %lld %lld %lld %lld. ", block_size,
                                 (long long)conv->outputs, (long long)conv->kernel[0], (long long)conv->kernel[1],
                                 (long long)packing.channels, (long long)packing.first, (long long)packing.strides[0],
                                 (long long)packing.strides[1], (long long)packing.strides[2], (long long)packing.strides[3]);
    }
    launch_packed(launch, constants, 2 * count, name, elements, pack_parts, &packings);
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
    return caps->max_work_group >= 64 && caps->local_memory >= 8192 && conv->groups == 1 && convolution_is_packable(conv) &&
           convolution_fits_int(conv);
}

bool tile_is_preferred(const struct device_caps *caps, int64_t outputs)
{
    return caps->fast_local_memory && outputs >= 8;
}

plugcl_status tile_plan(struct schedule *schedule, const struct convolution *conv)
{
    const struct device_caps *caps = schedule_caps(schedule);
    /* The larger tile reads memory half as often; a narrow layer would leave it half empty. */
    int items = caps->max_work_group >= 256 && caps->local_memory >= 16384 && conv->outputs > 32 ? 16 : 8, block = 4 * items;
    char options[64];
    int32_t table[TABLE_MAX];
    int64_t sizes[4] = { conv->outputs, conv->out[0], conv->out[1], conv->channels };
    size_t count = table_add(table, 0, sizes, 4);
    count = table_add_window(table, count, conv);
    count = table_add_results(table, count, conv);

    snprintf(options, sizeof options, "-DITEMS=%d -DACTIVATION=%d", items, (int)conv->epilogue->act);
    struct launch *launch = schedule_launch(schedule, "gpu/conv2d.cl", options, "conv2d");
    launch_operand(launch, conv->x);
    convolution_launch_packed(launch, conv, 1, block);
    launch_operand(launch, conv->residual);
    launch_operand(launch, conv->y);
    launch_table(launch, table, count);
    launch_int(launch, conv->residual->present);
    launch_float(launch, conv->epilogue->alpha);
    launch_float(launch, conv->epilogue->beta);
    size_t blocks = (size_t)((conv->outputs + block - 1) / block);
    size_t pixels = (size_t)((conv->out[0] * conv->out[1] + block - 1) / block), side = (size_t)items;
    launch_range(launch, blocks * side, pixels * side, (size_t)conv->images, side, side, 1);
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
