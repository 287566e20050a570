/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convolution.h: one description of conv2d and linear for their planner functions.
 *
 * A linear layer is a convolution of one tap whose pixels are the rows of x, so the same kernels serve both.
 */
#ifndef PLUGCL_OPS_CONVOLUTION_H
#define PLUGCL_OPS_CONVOLUTION_H

#include "ops/operator.h"

enum { IMAGE_STRIDE, CHANNEL_STRIDE, ROW_STRIDE, PIXEL_STRIDE };

struct convolution {
    const struct operand *x, *weight, *bias, *residual, *y; /* bias and residual: never NULL, but perhaps not present */
    const struct epilogue *epilogue;
    int64_t images, channels, outputs, groups;
    int64_t in[2], out[2], kernel[2], stride[2], dilation[2], before[2]; /* height, width */
    int64_t x_strides[4], y_strides[4], residual_strides[4];             /* in elements, as the enumeration counts */
    int64_t weight_strides[4]; /* output, channel of the group, row, column; a transposed convolution has negative ones */
    int64_t weight_group;      /* what a group's weights begin with beyond its first output's stride */
    bool packs;           /* the weight, a matrix of any weight_strides without a bias, is packed by each task (taps only) */
    int64_t weight_image; /* and its elements from one image to the next; 0: all images have one */
    uint32_t tile;        /* as in operator_call */
};

/* Bias and residual of a call; the residual is the last present input. */
void convolution_take_operands(struct convolution *conv, const struct operator_call *call);
/* True when weight and bias are constants, which a variant may pack. */
bool convolution_is_packable(const struct convolution *conv);
/* True when one image of each operand spans less than 2^31 elements: offsets inside it fit into an int. */
bool convolution_fits_int(const struct convolution *conv);

/* The packed form of weight and bias: bias, padded to whole blocks, then [block][tap][channel][block_size]; the next part
 * follows. */
#define CONVOLUTION_MAX_PARTS 9
void convolution_launch_packed(struct launch *launch, const struct convolution *convs, size_t count, int block_size);

/* cl/cpu/taps.cl. Its tiles, as operator_info's `tile` names them; and the elements of its packed form. */
bool taps_tile(const struct device_caps *caps, int64_t outputs, uint32_t number, char name[TILE_NAME]);
/* What a product costs with those that pad its tile, in products of a whole one of the best tile. */
double taps_padding(const struct device_caps *caps, int64_t outputs);
int64_t taps_packed_elements(int64_t outputs, int64_t depth, int block_size);
bool taps_can_run(const struct device_caps *caps, const struct convolution *conv);
plugcl_status taps_plan(struct schedule *schedule, const struct convolution *conv);
/* Up to CONVOLUTION_MAX_PARTS convolutions of one x in one launch. They have the strides, images, residual and epilogue of the
 * first, constant weights, and each a y of its own in the same region. */
plugcl_status taps_plan_parts(struct schedule *schedule, const struct convolution *convs, size_t count);

/* conv2d.c: calls of conv2d with one x, stride 1 and one epilogue without residual, whose y are of one region and have one shape
 * but for the channels. Those that cpu_taps is chosen for go into one launch, the others are planned by themselves. */
plugcl_status conv2d_plan_together(struct schedule *schedule, const struct operator_call *calls, size_t count);

/* cl/cpu/depthwise.cl: a filter for each channel. */
bool depthwise_can_run(const struct device_caps *caps, const struct convolution *conv);
plugcl_status depthwise_plan(struct schedule *schedule, const struct convolution *conv);
/* cl/gpu/depthwise.cl, for the same calls. */
plugcl_status depthwise_plan_gpu(struct schedule *schedule, const struct convolution *conv);

/* cl/gpu/conv2d.cl, by tiles of ops/gpu_tiles.h; on CPU devices too, for the tests. */
bool tile_name(const struct device_caps *caps, const struct convolution *conv, uint32_t number, char name[TILE_NAME]);
bool tile_can_run(const struct device_caps *caps, const struct convolution *conv);
plugcl_status tile_plan(struct schedule *schedule, const struct convolution *conv);
/* With very few outputs most of a tile would be empty. */
bool tile_is_preferred(const struct device_caps *caps, int64_t outputs);

/* cl/common/conv2d.cl: anything. */
plugcl_status direct_plan(struct schedule *schedule, const struct convolution *conv);

#endif
