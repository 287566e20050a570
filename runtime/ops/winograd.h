/* SPDX-License-Identifier: Apache-2.0 */
/* winograd.h: convolutions of 3 × 3 taps and stride 1 by Winograd's method, for CPU devices. */
#ifndef PLUGCL_OPS_WINOGRAD_H
#define PLUGCL_OPS_WINOGRAD_H

#include "ops/convolution.h"

bool winograd_can_run(const struct device_caps *caps, const struct convolution *conv);
/* True where it is expected to be faster than the sum over taps. */
bool winograd_is_preferred(const struct device_caps *caps, const struct convolution *conv);
/* Names its tiles, as operator_info's `tile`: "4x4" is F(4 × 4, 3 × 3) in two launches, "4x4-fused" the same in one. */
bool winograd_tile(const struct device_caps *caps, const struct convolution *conv, uint32_t number, char name[TILE_NAME]);
plugcl_status winograd_plan(struct schedule *schedule, const struct convolution *conv);

#endif
