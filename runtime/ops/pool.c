/* SPDX-License-Identifier: Apache-2.0 */
/* pool.c: maximum and average of windows, fixed (PyTorch's rules of padding and ceil_mode) or adaptive. */
#include <stdio.h>

#include "ops/strided.h"

#define WORK 4096          /* loads of a work-group of cl/cpu */
#define LARGE_WINDOW 64    /* pixels, from which on a work-group for a window pays */
#define WIDE_CHANNELS 128  /* of a work-group of cl/cpu, where windows are large: pixels are read in runs of 512 bytes */
#define MAX_SHARED_WIDTH 7 /* columns of a window, up to which cl/cpu/pool.cl is compiled for it */

/* What the two operators have in common. */
struct pooling {
    bool is_max, is_adaptive, count_exclude_pad;
    int64_t images, channels;
    int64_t in[2], out[2];
    int64_t kernel[2], stride[2], before[2], after[2], dilation[2]; /* of fixed windows */
};

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && a < 0);
}

/* PyTorch's output size: with ceil_mode the last window must begin inside the image or the padding before it. */
static int64_t output_size(int64_t in, int64_t before, int64_t after, int64_t extent, int64_t stride, bool ceil_mode)
{
    int64_t out = floor_divide(in + before + after - extent + (ceil_mode ? stride - 1 : 0), stride) + 1;
    return ceil_mode && (out - 1) * stride >= in + before ? out - 1 : out;
}

static plugcl_status pool2d_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    static const char *const axes[2] = { "height", "width" };
    const struct pool2d_params *pool = params;
    const struct plugcl_pool2d_params *window = &pool->window;
    (void)present;
    if (inputs[0].rank != 4)
        return fail(PLUGCL_INVALID, "pooling's x has rank %u; it must be 4: [N, C, H, W]", inputs[0].rank);
    outputs[0] = inputs[0];
    for (int i = 0; i < 2; i++) {
        int64_t in = inputs[0].dims[2 + i], kernel = window->kernel[i], before = window->pad[i], after = window->pad[2 + i];
        int64_t extent = (int64_t)window->dilation[i] * (kernel - 1) + 1;
        if (kernel == 0 || window->stride[i] == 0 || window->dilation[i] == 0)
            return fail(PLUGCL_INVALID,
                        "pooling's kernel, stride and dilation are %lld, %u and %u along the %s; they must be at least 1",
                        (long long)kernel, window->stride[i], window->dilation[i], axes[i]);
        if (window->dilation[i] != 1 && !pool->is_max)
            return fail(PLUGCL_INVALID, "average pooling with dilation %u; only max pooling has dilation", window->dilation[i]);
        if (2 * before > kernel || 2 * after > kernel)
            return fail(PLUGCL_INVALID,
                        "pooling's padding is %lld and %lld along the %s; it must be at most half the kernel's %lld",
                        (long long)before, (long long)after, axes[i], (long long)kernel);
        int64_t out = output_size(in, before, after, extent, window->stride[i], window->ceil_mode);
        if (in < 1 || out < 1)
            return fail(PLUGCL_INVALID, "pooling's window of %lld does not fit into the %s of %lld with padding %lld and %lld",
                        (long long)extent, axes[i], (long long)in, (long long)before, (long long)after);
        outputs[0].dims[2 + i] = out;
    }
    return PLUGCL_OK;
}

static plugcl_status adaptive_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const struct adaptive_pool2d_params *pool = params;
    (void)present;
    if (inputs[0].rank != 4)
        return fail(PLUGCL_INVALID, "adaptive pooling's x has rank %u; it must be 4: [N, C, H, W]", inputs[0].rank);
    if (pool->height == 0 || pool->width == 0)
        return fail(PLUGCL_INVALID, "adaptive pooling to %u x %u; both must be at least 1", pool->height, pool->width);
    if (inputs[0].dims[2] < 1 || inputs[0].dims[3] < 1)
        return fail(PLUGCL_INVALID, "adaptive pooling of %lld x %lld pixels; both must be at least 1", (long long)inputs[0].dims[2],
                    (long long)inputs[0].dims[3]);
    outputs[0] = inputs[0];
    outputs[0].dims[2] = pool->height;
    outputs[0].dims[3] = pool->width;
    return PLUGCL_OK;
}

static struct pooling pooling_of(const struct operator_call *call)
{
    const plugcl_shape *x = &call->inputs[0].shape, *y = &call->outputs[0].shape;
    struct pooling pool = { .images = x->dims[0], .channels = x->dims[1], .dilation = { 1, 1 } };
    pool.is_adaptive = call->info == &operator_adaptive_pool2d;
    for (int i = 0; i < 2; i++) {
        pool.in[i] = x->dims[2 + i];
        pool.out[i] = y->dims[2 + i];
    }
    if (pool.is_adaptive) {
        pool.is_max = ((const struct adaptive_pool2d_params *)call->params)->is_max;
        return pool;
    }
    const struct pool2d_params *params = call->params;
    pool.is_max = params->is_max;
    pool.count_exclude_pad = params->window.count_exclude_pad;
    for (int i = 0; i < 2; i++) {
        pool.kernel[i] = params->window.kernel[i];
        pool.stride[i] = params->window.stride[i];
        pool.before[i] = params->window.pad[i];
        pool.after[i] = params->window.pad[2 + i];
        pool.dilation[i] = params->window.dilation[i];
    }
    return pool;
}

/* Begin, end and extent of output `index` along axis i, as the kernels want them. */
static void window_of(const struct pooling *pool, int i, int64_t index, int32_t window[3])
{
    int64_t begin, end, extent;
    if (pool->is_adaptive) {
        begin = index * pool->in[i] / pool->out[i];
        end = ((index + 1) * pool->in[i] + pool->out[i] - 1) / pool->out[i];
        extent = end - begin;
    } else {
        int64_t start = index * pool->stride[i] - pool->before[i], stop = start + pool->dilation[i] * (pool->kernel[i] - 1) + 1;
        int64_t padded_stop = stop < pool->in[i] + pool->after[i] ? stop : pool->in[i] + pool->after[i];
        begin = start < 0 ? start + (-start + pool->dilation[i] - 1) / pool->dilation[i] * pool->dilation[i] : start;
        end = stop < pool->in[i] ? stop : pool->in[i];
        if (end < begin)
            end = begin;
        extent = pool->count_exclude_pad ? end - begin : padded_stop - start;
    }
    window[0] = (int32_t)begin;
    window[1] = (int32_t)end;
    window[2] = (int32_t)extent;
}

static int64_t largest_window(const struct pooling *pool)
{
    int64_t pixels = 1;
    for (int i = 0; i < 2; i++)
        pixels *= pool->is_adaptive ? (pool->in[i] + pool->out[i] - 1) / pool->out[i] : pool->kernel[i];
    return pixels;
}

static bool layouts_are_channels_last(const struct operator_call *call)
{
    return operand_is_channels_last(&call->inputs[0]) && operand_is_channels_last(&call->outputs[0]);
}

static bool can_use_channel_vectors(const struct device_caps *caps, const struct operator_call *call)
{
    (void)caps;
    return layouts_are_channels_last(call);
}

/* One window that is the whole of a contiguous plane. */
static bool can_use_planes(const struct device_caps *caps, const struct operator_call *call)
{
    struct pooling pool = pooling_of(call);
    const struct operand *x = &call->inputs[0];
    int32_t windows[2][3];
    (void)caps;
    for (int i = 0; i < 2; i++) {
        if (pool.out[i] != 1 || pool.dilation[i] != 1)
            return false;
        window_of(&pool, i, 0, windows[i]);
        if (windows[i][0] != 0 || windows[i][1] != pool.in[i] || windows[i][2] != pool.in[i])
            return false;
    }
    return (pool.in[1] == 1 || x->strides[3] == 1) && (pool.in[0] == 1 || x->strides[2] == pool.in[1]);
}

static bool prefers_groups(const struct device_caps *caps, const struct operator_call *call)
{
    struct pooling pool = pooling_of(call);
    return !caps->cpu_family && largest_window(&pool) >= LARGE_WINDOW;
}

static const char *maximum_option(const struct pooling *pool)
{
    return pool->is_max ? "-DMAXIMUM=1" : "-DMAXIMUM=0";
}

static struct launch *launch_pool(struct schedule *schedule, const struct operator_call *call, const struct pooling *pool,
                                  const char *file, const char *options)
{
    size_t count = (size_t)(pool->out[0] + pool->out[1]);
    int32_t *windows = memory_zeroed(count, 3 * sizeof *windows);
    if (windows == NULL) {
        schedule_fail(schedule, fail_no_memory(count * 3 * sizeof *windows));
        return NULL;
    }
    for (int64_t i = 0; i < pool->out[0]; i++)
        window_of(pool, 0, i, windows + 3 * i);
    for (int64_t i = 0; i < pool->out[1]; i++)
        window_of(pool, 1, i, windows + 3 * (pool->out[0] + i));
    struct launch *launch = schedule_launch(schedule, file, options, "pool");
    launch_strided(launch, &call->inputs[0]);
    launch_strided(launch, &call->outputs[0]);
    launch_table(launch, windows, 3 * count);
    memory_free(windows);
    const int64_t sizes[] = { pool->images, pool->channels, pool->out[0], pool->out[1], pool->dilation[0], pool->dilation[1] };
    launch_ints(launch, sizes, sizeof sizes / sizeof *sizes);
    launch_ints(launch, call->inputs[0].strides, 4);
    launch_ints(launch, call->outputs[0].strides, 4);
    return launch;
}

static plugcl_status plan_planes(struct schedule *schedule, const struct operator_call *call)
{
    struct pooling pool = pooling_of(call);
    const struct device_caps *caps = schedule_caps(schedule);
    const struct operand *x = &call->inputs[0], *y = &call->outputs[0];
    int64_t planes = pool.images * pool.channels, pixels = pool.in[0] * pool.in[1];
    if (planes == 0)
        return schedule_status(schedule);
    int64_t each = WORK / pixels;
    while (each > 1 && planes / each < 4 * (int64_t)caps->compute_units)
        each /= 2;
    each = each < 1 ? 1 : each;
    char options[48];
    snprintf(options, sizeof options, "-DMAXIMUM=%d -DVECTOR=%d", pool.is_max, caps_vector(caps));
    struct launch *launch = schedule_launch(schedule, "cpu/pool.cl", options, "pool_planes");
    launch_strided(launch, x);
    launch_strided(launch, y);
    const int64_t arguments[] = { pool.channels,   planes,        pixels,        x->strides[0],
                                  x->strides[1],   y->strides[0], y->strides[1], each };
    launch_ints(launch, arguments, sizeof arguments / sizeof *arguments);
    launch_groups(launch, (size_t)((planes + each - 1) / each), 1, 1);
    return schedule_status(schedule);
}

/* How many windows side by side cl/cpu/pool.cl takes at once, with their width and stride in its program; 0: one, any width. */
static int64_t block_columns(const struct pooling *pool, int64_t vector)
{
    const int64_t width = pool->kernel[1], stride = pool->stride[1];
    if (pool->is_adaptive || pool->dilation[1] != 1 || width < 2 || width > MAX_SHARED_WIDTH || stride > width ||
        pool->channels < vector)
        return 0;
    return vector >= 16 && stride <= 2 ? 7 : 4; /* their input columns are to fit into a device's registers */
}

static plugcl_status plan_channel_vectors(struct schedule *schedule, const struct operator_call *call)
{
    struct pooling pool = pooling_of(call);
    const struct device_caps *caps = schedule_caps(schedule);
    if (call_is_empty(call))
        return schedule_status(schedule);
    int64_t width = caps_vector(caps), window = largest_window(&pool), block = block_columns(&pool, width);
    int64_t lines = pool.images * pool.out[0], units = 4 * (int64_t)caps->compute_units;
    int64_t channels_each = pool.channels, columns_each = pool.out[1];
    /* First fewer columns, then fewer channels, until the work-groups are small and many. */
    while (columns_each > 1 && (columns_each * pool.channels * window > 4 * WORK || lines * (pool.out[1] / columns_each) < units))
        columns_each = (columns_each + 1) / 2;
    if (block > 0)
        columns_each = divide_up(columns_each, block) * block;
    int64_t column_groups = divide_up(pool.out[1], columns_each);
    /* Of a few groups one thread might be given more than its share. */
    while (window >= LARGE_WINDOW && channels_each > width &&
           lines * column_groups * (pool.channels / channels_each) < (channels_each >= 2 * WIDE_CHANNELS ? 4 * units : units))
        channels_each = divide_up(channels_each / 2, width) * width;
    char options[112];
    snprintf(options, sizeof options, "-DMAXIMUM=%d -DVECTOR=%d -DKERNEL_WIDTH=%d -DSTRIDE_X=%d -DCOLUMNS=%d", pool.is_max,
             (int)width, block > 0 ? (int)pool.kernel[1] : 0, block > 0 ? (int)pool.stride[1] : 1, block > 0 ? (int)block : 1);
    struct launch *launch = launch_pool(schedule, call, &pool, "cpu/pool.cl", options);
    launch_int(launch, channels_each);
    launch_int(launch, columns_each);
    launch_int(launch, pool.before[1]);
    launch_groups(launch, (size_t)divide_up(pool.channels, channels_each), (size_t)column_groups, (size_t)lines);
    return schedule_status(schedule);
}

static plugcl_status plan_in_groups(struct schedule *schedule, const struct operator_call *call)
{
    struct pooling pool = pooling_of(call);
    if (call_is_empty(call))
        return schedule_status(schedule);
    struct launch *launch = launch_pool(schedule, call, &pool, "gpu/pool.cl", maximum_option(&pool));
    const size_t group = launch_power_of_two(launch, 256);
    const size_t lanes = channel_lanes(schedule_caps(schedule), pool.channels, call->inputs[0].strides[1],
                                       pool.images * pool.out[0] * pool.out[1], group);
    launch_int(launch, (int64_t)lanes);
    launch_local(launch, group * sizeof(float));
    launch_range(launch, ((size_t)pool.channels + lanes - 1) / lanes * group, (size_t)pool.out[1],
                 (size_t)(pool.images * pool.out[0]), group, 1, 1);
    return schedule_status(schedule);
}

static plugcl_status plan_strided(struct schedule *schedule, const struct operator_call *call)
{
    struct pooling pool = pooling_of(call);
    if (call_is_empty(call))
        return schedule_status(schedule);
    bool channels_fastest = call->outputs[0].strides[1] == 1 && pool.channels > 1;
    size_t x = (size_t)(channels_fastest ? pool.channels : pool.out[1]), y = (size_t)(channels_fastest ? pool.out[1] : pool.out[0]);
    size_t z = (size_t)(pool.images * (channels_fastest ? pool.out[0] : pool.channels));
    struct launch *launch = launch_pool(schedule, call, &pool, "common/pool.cl", maximum_option(&pool));
    launch_int(launch, channels_fastest);
    size_t group = launch_power_of_two(launch, 64), local_x = 1;
    while (local_x < x && local_x < group)
        local_x *= 2;
    launch_range(launch, x, y, z, local_x, group / local_x, 1);
    return schedule_status(schedule);
}

static uint64_t pool_flops(const struct operator_call *call)
{
    struct pooling pool = pooling_of(call);
    return (uint64_t)(operand_elements(&call->outputs[0]) * largest_window(&pool));
}

static const struct variant pool_variants[] = {
    { "cpu_planes", can_use_planes, variant_on_cpu, plan_planes },
    { "cpu_channels", can_use_channel_vectors, variant_on_cpu, plan_channel_vectors },
    { "gpu_groups", variant_always, prefers_groups, plan_in_groups },
    { "strided", variant_always, NULL, plan_strided },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_pool2d = {
    .name = "pool2d",
    .params_size = sizeof(struct pool2d_params),
    .shape = pool2d_shape,
    .variants = pool_variants,
    .flops = pool_flops,
};
const struct operator_info operator_adaptive_pool2d = {
    .name = "adaptive_pool2d",
    .params_size = sizeof(struct adaptive_pool2d_params),
    .shape = adaptive_shape,
    .variants = pool_variants,
    .flops = pool_flops,
};
