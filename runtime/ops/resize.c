/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resize.c: F.interpolate, and ONNX's Resize.
 *
 * Where an output pixel looks is a matter of its row and of its column alone: both are worked out here, into a table of pixels and
 * weights, so the kernels know neither coordinate rules nor rounding.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ops/strided.h"

#define GROUP_WORK 4096 /* outputs of a work-group of cl/cpu: large against the cost of a group */
#define MANY_GROUPS 128 /* of a compute unit: with more of them, drivers deal smaller shares */
#define MAX_TAPS 4

struct axis {
    int64_t in, out;
    double step; /* input pixels for one output pixel */
};

static int taps_of(plugcl_sample_mode mode)
{
    return mode == PLUGCL_SAMPLE_NEAREST ? 1 : mode == PLUGCL_SAMPLE_BILINEAR ? 2 : MAX_TAPS;
}

/*
 * Sizes.
 */
static plugcl_status resize_shape(const void *parameters, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    static const char *const names[2] = { "height", "width" };
    const struct plugcl_resize_params *params = parameters;
    const plugcl_shape *x = &inputs[0], *like = &inputs[1];
    if (x->rank != 4)
        return fail(PLUGCL_INVALID, "resize's x has rank %u; it must be 4: [N, C, H, W]", x->rank);
    if (present[1] && like->rank != 4)
        return fail(PLUGCL_INVALID, "resize to the size of a value of rank %u; it must be 4: [N, C, H, W]", like->rank);
    outputs[0] = *x;
    for (int i = 0; i < 2; i++) {
        double scale = params->scale[i], scaled = floor((double)x->dims[2 + i] * scale);
        if (x->dims[2 + i] < 1)
            return fail(PLUGCL_INVALID, "resize's x has %lld pixels of %s; it must have at least 1", (long long)x->dims[2 + i],
                        names[i]);
        if (!(scale >= 0) || scale > 1e6)
            return fail(PLUGCL_INVALID, "resize's scale of the %s is %g; it must be above 0 and at most 1e6", names[i], scale);
        outputs[0].dims[2 + i] = params->size[i] ? params->size[i] : present[1] ? like->dims[2 + i] : (int64_t)scaled;
        if (outputs[0].dims[2 + i] < 1 && params->size[i] == 0 && !present[1] && scale == 0)
            return fail(PLUGCL_INVALID, "resize has neither a size nor a scale for the %s; it must have one of them", names[i]);
        if (outputs[0].dims[2 + i] < 1)
            return fail(PLUGCL_INVALID, "resize of %lld pixels of %s by %g leaves none; it must leave at least 1",
                        (long long)x->dims[2 + i], names[i], scale);
    }
    return PLUGCL_OK;
}

/*
 * Coordinates.
 */
static struct axis axis_of_call(const struct operator_call *call, int i)
{
    const struct plugcl_resize_params *params = call->params;
    struct axis axis = { call->inputs[0].shape.dims[2 + i], call->outputs[0].shape.dims[2 + i], 0 };
    if (params->coordinates == PLUGCL_RESIZE_ALIGN_CORNERS)
        axis.step = axis.out > 1 ? (double)(axis.in - 1) / (double)(axis.out - 1) : 0;
    else
        axis.step = params->scale[i] > 0 ? 1 / params->scale[i] : (double)axis.in / (double)axis.out;
    return axis;
}

/* PyTorch copies where an axis keeps its size, whatever the scale. */
static bool is_kept(const struct plugcl_resize_params *params, const struct axis *axis)
{
    return params->mode == PLUGCL_SAMPLE_BILINEAR && axis->in == axis->out &&
           (params->coordinates == PLUGCL_RESIZE_PYTORCH || params->coordinates == PLUGCL_RESIZE_ALIGN_CORNERS);
}

static bool is_centred(const struct plugcl_resize_params *params)
{
    return params->coordinates == PLUGCL_RESIZE_HALF_PIXEL || params->coordinates == PLUGCL_RESIZE_PYTORCH_HALF_PIXEL ||
           (params->coordinates == PLUGCL_RESIZE_PYTORCH && params->mode != PLUGCL_SAMPLE_NEAREST);
}

/* In float and in this order, as PyTorch: in double, another pixel would be the nearest to some ties. */
static int64_t nearest_pixel(const struct plugcl_resize_params *params, const struct axis *axis, int64_t at)
{
    bool is_lone = params->coordinates == PLUGCL_RESIZE_PYTORCH_HALF_PIXEL && axis->out == 1;
    float step = (float)axis->step, half = is_centred(params) ? 0.5f : 0.0f, edge = ((float)at + half) * step, pixel;
    if (is_lone)
        edge = half;
    switch (params->rounding) {
    case PLUGCL_RESIZE_CEIL:
        pixel = ceilf(edge - half);
        break;
    case PLUGCL_RESIZE_PREFER_FLOOR:
        pixel = ceilf(edge - half - 0.5f);
        break;
    case PLUGCL_RESIZE_PREFER_CEIL: /* of a centred coordinate: PyTorch's nearest-exact */
        pixel = floorf(edge + (0.5f - half));
        break;
    default:
        pixel = floorf(edge - half);
    }
    float last = (float)(axis->in - 1);
    return pixel > 0 ? (int64_t)(pixel < last ? pixel : last) : 0;
}

static double coordinate_of(const struct plugcl_resize_params *params, const struct axis *axis, int64_t at)
{
    if (params->coordinates == PLUGCL_RESIZE_PYTORCH_HALF_PIXEL && axis->out == 1)
        return 0;
    return is_centred(params) ? ((double)at + 0.5) * axis->step - 0.5 : (double)at * axis->step;
}

/* Keys' kernel at distances 1 + t, t, 1 − t and 2 − t. */
static void cubic_weights(double a, double t, double weights[MAX_TAPS])
{
    double u = 1 - t;
    weights[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
    weights[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
    weights[2] = ((a + 2) * u - (a + 3)) * u * u + 1;
    weights[3] = ((a * (u + 1) - 5 * a) * (u + 1) + 8 * a) * (u + 1) - 4 * a;
}

/* The pixels that output `at` reads along an axis, those at the edge repeated outside, and their weights. */
static void find_taps(const struct plugcl_resize_params *params, const struct axis *axis, int64_t at, int64_t pixels[MAX_TAPS],
                      double weights[MAX_TAPS])
{
    double last = (double)(axis->in - 1), x = coordinate_of(params, axis, at);
    int taps = taps_of(params->mode);
    weights[0] = 1;
    if (params->mode == PLUGCL_SAMPLE_NEAREST) {
        pixels[0] = nearest_pixel(params, axis, at);
        return;
    }
    if (params->mode == PLUGCL_SAMPLE_BILINEAR)
        x = is_kept(params, axis) ? (double)at : fmax(x, 0);
    double first = floor(x), t = x - first;
    if (params->mode == PLUGCL_SAMPLE_BICUBIC) {
        cubic_weights(params->cubic_coefficient != 0 ? (double)params->cubic_coefficient : -0.75, t, weights);
        first -= 1;
    } else {
        weights[0] = 1 - t;
        weights[1] = t;
    }
    for (int i = 0; i < taps; i++)
        pixels[i] = is_kept(params, axis) ? at : (int64_t)fmin(fmax(first + i, 0), last);
}

/* [tap][output] pixels, then [tap][output] weights, as the bits of floats. */
static void fill_axis(int32_t *table, const struct plugcl_resize_params *params, const struct axis *axis)
{
    const size_t taps = (size_t)taps_of(params->mode), out = (size_t)axis->out;
    for (size_t at = 0; at < out; at++) {
        int64_t pixels[MAX_TAPS];
        double weights[MAX_TAPS];
        find_taps(params, axis, (int64_t)at, pixels, weights);
        for (size_t i = 0; i < taps; i++) {
            float weight = (float)weights[i];
            table[i * out + at] = (int32_t)pixels[i];
            memcpy(&table[(taps + i) * out + at], &weight, sizeof weight);
        }
    }
}

/*
 * Launches.
 */
struct resizing {
    int64_t images, channels, rows, columns;
    int taps;
};

static struct resizing resizing_of(const struct operator_call *call)
{
    const int64_t *y = call->outputs[0].shape.dims;
    return (struct resizing){ y[0], y[1], y[2], y[3], taps_of(((const struct plugcl_resize_params *)call->params)->mode) };
}

static struct launch *launch_resize(struct schedule *schedule, const struct operator_call *call, const char *file,
                                    const char *options)
{
    const struct resizing self = resizing_of(call);
    const struct axis rows = axis_of_call(call, 0), columns = axis_of_call(call, 1);
    size_t taps = (size_t)self.taps, count = 2 * taps * (size_t)(self.rows + self.columns);
    int32_t *table = memory_zeroed(count, sizeof *table);
    if (table == NULL || rows.in > INT32_MAX || columns.in > INT32_MAX) {
        schedule_fail(schedule, table ? fail(PLUGCL_UNSUPPORTED, "resize of more than 2147483647 rows or columns")
                                      : fail_no_memory(count * sizeof *table));
        memory_free(table);
        return NULL;
    }
    fill_axis(table, call->params, &rows);
    fill_axis(table + 2 * taps * (size_t)self.rows, call->params, &columns);
    struct launch *launch = schedule_launch(schedule, file, options, "resize");
    launch_operand(launch, &call->inputs[0]);
    launch_operand(launch, &call->outputs[0]);
    launch_table(launch, table, count);
    memory_free(table);
    launch_ints(launch, call->outputs[0].shape.dims, 4);
    launch_ints(launch, call->inputs[0].strides, 4);
    launch_ints(launch, call->outputs[0].strides, 4);
    return launch;
}

static int64_t groups_of(const struct resizing *self, int64_t lines, int64_t lines_each, int64_t columns_each)
{
    return divide_up(lines, lines_each) * divide_up(self->columns, columns_each);
}

/* A line is a row of an image, of all channels or of one. */
static plugcl_status plan_lines(struct schedule *schedule, const struct operator_call *call, bool channels_last)
{
    const struct resizing self = resizing_of(call);
    const struct device_caps *caps = schedule_caps(schedule);
    if (call_is_empty(call))
        return schedule_status(schedule);
    int64_t vector = caps_vector(caps), units = 4 * (int64_t)caps->compute_units;
    int64_t lines = self.images * self.rows * (channels_last ? 1 : self.channels);
    int64_t line_work = self.columns * (channels_last ? self.channels : 1), columns_each = self.columns;
    int64_t lines_each = line_work < GROUP_WORK ? divide_up(GROUP_WORK, line_work) : 1;
    while (lines_each > 1 && divide_up(lines, lines_each) < units)
        lines_each = lines_each / 2;
    while (columns_each > vector && (groups_of(&self, lines, lines_each, columns_each) < units ||
                                     (columns_each * line_work > GROUP_WORK * self.columns &&
                                      groups_of(&self, lines, lines_each, columns_each) < MANY_GROUPS * units / 4)))
        columns_each = divide_up(columns_each / 2, vector) * vector;
    char options[64];
    snprintf(options, sizeof options, "-DTAPS=%d -DCHANNELS_LAST=%d -DVECTOR=%d", self.taps, channels_last, (int)vector);
    struct launch *launch = launch_resize(schedule, call, "cpu/resize.cl", options);
    launch_int(launch, lines_each);
    launch_int(launch, columns_each);
    launch_groups(launch, (size_t)divide_up(lines, lines_each), (size_t)divide_up(self.columns, columns_each), 1);
    return schedule_status(schedule);
}

static plugcl_status plan_channels(struct schedule *schedule, const struct operator_call *call)
{
    return plan_lines(schedule, call, true);
}

static plugcl_status plan_planes(struct schedule *schedule, const struct operator_call *call)
{
    return plan_lines(schedule, call, false);
}

static plugcl_status plan_pixels(struct schedule *schedule, const struct operator_call *call)
{
    const struct resizing self = resizing_of(call);
    if (call_is_empty(call))
        return schedule_status(schedule);
    bool channels_fastest = call->outputs[0].strides[1] == 1 && self.channels > 1;
    char options[32];
    snprintf(options, sizeof options, "-DTAPS=%d", self.taps);
    struct launch *launch = launch_resize(schedule, call, "gpu/resize.cl", options);
    launch_int(launch, channels_fastest);
    size_t x = (size_t)(channels_fastest ? self.channels : self.columns), y = (size_t)(channels_fastest ? self.columns : self.rows);
    size_t z = (size_t)(self.images * (channels_fastest ? self.rows : self.channels));
    launch_range_wide(launch, x, y, z, 128);
    return schedule_status(schedule);
}

/* Lanes that are channels want them side by side in both. */
static bool can_use_channels(const struct device_caps *caps, const struct operator_call *call)
{
    const struct operand *x = &call->inputs[0], *y = &call->outputs[0];
    (void)caps;
    return x->shape.dims[1] == 1 || (x->strides[1] == 1 && y->strides[1] == 1);
}

static bool prefers_channels(const struct device_caps *caps, const struct operator_call *call)
{
    return caps->cpu_family && call->inputs[0].shape.dims[1] > 1;
}

static uint64_t resize_flops(const struct operator_call *call)
{
    int taps = resizing_of(call).taps;
    return (uint64_t)(2 * taps * taps) * (uint64_t)operand_elements(&call->outputs[0]);
}

static const struct variant variants[] = {
    { "cpu_channels", can_use_channels, prefers_channels, plan_channels },
    { "cpu_planes", variant_always, variant_on_cpu, plan_planes },
    { "gpu_pixels", variant_always, NULL, plan_pixels },
    { NULL, NULL, NULL, NULL },
};

const struct operator_info operator_resize = {
    .name = "resize",
    .params_size = sizeof(struct plugcl_resize_params),
    .shape = resize_shape,
    .layout = OUTPUT_LIKE_INPUT,
    .variants = variants,
    .flops = resize_flops,
};
