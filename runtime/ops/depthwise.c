/* SPDX-License-Identifier: Apache-2.0 */
/* depthwise.c: the planners of cl/cpu/depthwise.cl and cl/gpu/depthwise.cl, a convolution with one filter for each channel. */
#include <stdio.h>

#include "ops/convolution.h"
#include "ops/strided.h"

static void pack_depthwise(const float *const *sources, const struct constant *const *constants, const void *parameters,
                           float *packed)
{
    const int64_t vector = *(const int *)parameters, channels = constants[0]->shape.dims[0];
    const int64_t taps = constants[0]->shape.dims[2] * constants[0]->shape.dims[3], padded = divide_up(channels, vector) * vector;
    for (int64_t channel = 0; channel < padded; channel++) {
        packed[channel] = channel < channels && sources[1] != NULL ? sources[1][channel] : 0.0f;
        for (int64_t tap = 0; tap < taps; tap++)
            packed[(1 + tap) * padded + channel] = channel < channels ? sources[0][channel * taps + tap] : 0.0f;
    }
}

bool depthwise_can_run(const struct device_caps *caps, const struct convolution *conv)
{
    (void)caps;
    if (conv->groups != conv->channels || conv->outputs != conv->channels)
        return false;
    return (conv->channels == 1 || (conv->x_strides[CHANNEL_STRIDE] == 1 && conv->y_strides[CHANNEL_STRIDE] == 1 &&
                                    (!conv->residual->present || conv->residual_strides[CHANNEL_STRIDE] == 1))) &&
           convolution_is_packable(conv) && convolution_fits_int(conv);
}

/* What the kernel is compiled for. */
struct block {
    int kernel_width, stride_x, rows, columns;
};

/* The window's width and step where sharing pixels between taps pays, else 0: any window. Two rows of a square window share rows as
 * well, where registers for their sums are left: 32 come with wide vectors, others may have 16. */
static struct block block_of(const struct device_caps *caps, const struct convolution *conv)
{
    const bool is_wide = caps_vector(caps) == 16;
    const int64_t width = conv->kernel[1], stride = conv->stride[1];
    struct block block = { .stride_x = 1, .rows = 1, .columns = is_wide ? 7 : 4 };
    if (conv->dilation[1] != 1 || stride > 2 || (width != 3 && width != 5 && width != 7) || conv->channels < caps_vector(caps))
        return block;
    block.kernel_width = (int)width;
    block.stride_x = (int)stride;
    if (is_wide && width == 3 && stride == 1 && conv->kernel[0] == 3 && conv->stride[0] == 1 && conv->dilation[0] == 1 &&
        conv->out[0] > 1)
        block.rows = 2;
    return block;
}

/* What the kernels have in common: all arguments but the last ones. */
static void launch_arguments(struct launch *launch, const struct convolution *conv, int vector)
{
    char packing[32];
    struct constant *const constants[2] = { conv->weight->constant, conv->bias->constant };
    const size_t padded = (size_t)(divide_up(conv->channels, vector) * vector);
    snprintf(packing, sizeof packing, "depthwise %d", vector);
    launch_operand(launch, conv->x);
    launch_packed(launch, constants, 2, packing, padded * (size_t)(1 + conv->kernel[0] * conv->kernel[1]), pack_depthwise, &vector);
    launch_operand(launch, conv->residual);
    launch_operand(launch, conv->y);
    launch_int(launch, conv->channels);
    launch_ints(launch, conv->in, 2);
    launch_ints(launch, conv->out, 2);
    launch_ints(launch, conv->kernel, 2);
    launch_ints(launch, conv->stride, 2);
    launch_ints(launch, conv->dilation, 2);
    launch_ints(launch, conv->before, 2);
    const int64_t *const strides[3] = { conv->x_strides, conv->y_strides, conv->residual_strides };
    for (int i = 0; i < 3; i++) {
        if (i == 2)
            launch_int(launch, conv->residual->present);
        launch_int(launch, strides[i][IMAGE_STRIDE]);
        launch_ints(launch, strides[i] + ROW_STRIDE, 2);
    }
}

plugcl_status depthwise_plan(struct schedule *schedule, const struct convolution *conv)
{
    const struct device_caps *caps = schedule_caps(schedule);
    const int vector = caps_vector(caps);
    const struct block block = block_of(caps, conv);
    const int64_t rows = divide_up(conv->out[0], block.rows), units = 8 * (int64_t)caps->compute_units;
    int64_t channels_each = conv->channels;
    char options[128];
    while (conv->channels % vector == 0 && channels_each > 4 * vector &&
           rows * conv->images * divide_up(conv->channels, channels_each) < units)
        channels_each = divide_up(channels_each / 2, vector) * vector;
    snprintf(options, sizeof options, "-DKERNEL_WIDTH=%d -DSTRIDE_X=%d -DROWS=%d -DCOLUMNS=%d -DVECTOR=%d -DACTIVATION=%d",
             block.kernel_width, block.stride_x, block.rows, block.columns, vector, (int)conv->epilogue->act);
    struct launch *launch = schedule_launch(schedule, "cpu/depthwise.cl", options, "depthwise");
    launch_arguments(launch, conv, vector);
    launch_int(launch, channels_each);
    launch_float(launch, conv->epilogue->alpha);
    launch_float(launch, conv->epilogue->beta);
    launch_groups(launch, (size_t)rows, (size_t)divide_up(conv->channels, channels_each), (size_t)conv->images);
    return schedule_status(schedule);
}

#define GPU_VECTOR 4  /* channels of a work-item */
#define GPU_COLUMNS 4 /* and its pixels, COLUMNS of the kernel */

plugcl_status depthwise_plan_gpu(struct schedule *schedule, const struct convolution *conv)
{
    const int64_t width = conv->kernel[1], stride = conv->stride[1];
    const bool shares = conv->dilation[1] == 1 && stride <= 2 && (width == 3 || width == 5);
    char options[80];
    snprintf(options, sizeof options, "-DKERNEL_WIDTH=%d -DSTRIDE_X=%d -DACTIVATION=%d", shares ? (int)width : 0,
             shares ? (int)stride : 1, (int)conv->epilogue->act);
    struct launch *launch = schedule_launch(schedule, "gpu/depthwise.cl", options, "depthwise");
    launch_arguments(launch, conv, GPU_VECTOR);
    launch_float(launch, conv->epilogue->alpha);
    launch_float(launch, conv->epilogue->beta);
    launch_range_wide(launch, (size_t)divide_up(conv->channels, GPU_VECTOR), (size_t)divide_up(conv->out[1], GPU_COLUMNS),
                      (size_t)(conv->images * conv->out[0]), 64);
    return schedule_status(schedule);
}
