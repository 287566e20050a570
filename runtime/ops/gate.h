/* SPDX-License-Identifier: Apache-2.0 */
/* gate.h: what channel_gate and spatial_gate share: y = clip(x · gates + residual). */
#ifndef PLUGCL_OPS_GATE_H
#define PLUGCL_OPS_GATE_H

#include "ops/operator.h"

/* An image of at most so many bytes is done by one work-group: a core's own cache holds it from the first pass to the last, and
 * further launches would cost more than further threads save. */
#define GATE_IMAGE_BYTES (1 << 20)

/* x, and residual and y where they are present, are dense planes, whatever is between them; or channels last. */
bool gate_has_planes(const struct operator_call *call);
bool gate_has_channels_last(const struct operator_call *call);
/* One group an image: there are images for all compute units, or `image_bytes` is little. */
bool gate_prefers_images(const struct device_caps *caps, const struct operator_call *call, int64_t image_bytes);
/* The input of a residual wants the layout of x. */
enum operand_need gate_residual_need(const struct operator_call *call);
/* The operand that is added in the end; not present where there is none. */
const struct operand *gate_residual(const struct operator_call *call);

/* The stride along an axis, 0 for an absent operand; and that from channel to channel or, for channels-last, pixel to pixel. */
int64_t gate_stride(const struct operand *operand, int axis);
int64_t gate_step(const struct operand *operand, bool channels_last);

/* Arguments low and high: the ends of the epilogue's clip, infinite where it has none. */
void launch_gate_bounds(struct launch *launch, const struct operator_call *call);
bool gate_clips(const struct operator_call *call);

/* Launches cl/common/gate.cl, if y is wanted. `channel` may be not present, `spatial` REGION_NONE. */
void launch_gate_scale(struct schedule *schedule, const struct operator_call *call, const struct operand *channel,
                       uint32_t spatial);

#endif
