/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strided.h: one index space over operands of any strides, folded into as few dimensions as possible.
 *
 * Dimensions of size 1 go, the rest is ordered by the last operand's strides (the output's: it is written in order), and neighbours
 * that every operand walks as one become one. Dense operands of one layout end as a single run of stride 1. cl/include/strided.h is
 * the other side.
 */
#ifndef PLUGCL_OPS_STRIDED_H
#define PLUGCL_OPS_STRIDED_H

#include "ops/operator.h"

#define STRIDED_OPERANDS 4

struct strided {
    uint32_t operands, rank;
    int64_t sizes[PLUGCL_MAX_RANK];
    int64_t strides[STRIDED_OPERANDS][PLUGCL_MAX_RANK];
};

/* The space of `shape` with no operand yet. */
void strided_begin(struct strided *space, const plugcl_shape *shape);
/* `strides` has one for each dimension of the shape; 0 repeats. */
void strided_add(struct strided *space, const int64_t *strides);
/* An operand that NumPy's rules stretch to the space. */
void strided_add_broadcast(struct strided *space, const struct operand *operand);
/* Folds; at least one dimension remains. */
void strided_fold(struct strided *space);
int64_t strided_elements(const struct strided *space);

/* Passes the space's dimensions from `first` to `first + count`: a table (outermost first: size, then each operand's stride) and
 * the number of its rows. An argument pair `__global const int *table, int dimensions`. */
void launch_space(struct launch *launch, const struct strided *space, uint32_t first, uint32_t count);

/* For kernels that take rows of the innermost dimension in pieces: passes table and dimensions of the outer ones, then the ints
 * inner, each operand's innermost stride, rows, piece and rows_each, and sets the range: x pieces, y bundles of rows. */
void launch_rows(struct launch *launch, const struct strided *space, const struct device_caps *caps);

/* The end of that for a space of the caller's own: passes rows, piece and rows_each and sets the range. */
void launch_row_range(struct launch *launch, int64_t inner, int64_t rows, const struct device_caps *caps);

/* value / by, rounded up. */
static inline int64_t divide_up(int64_t value, int64_t by)
{
    return (value + by - 1) / by;
}

/* A range whose groups of at most `limit` work-items are as wide as x, then as high as is left. */
void launch_range_wide(struct launch *launch, size_t x, size_t y, size_t z, size_t limit);

/* How many rows of `length` elements a work-group of a CPU device takes: enough work for a group, work for all compute units, and
 * not too many groups for the driver. */
int64_t strided_rows_each(int64_t rows, int64_t length, const struct device_caps *caps);

/* Work-items of a group that lie side by side along dense channels when it reduces each of `windows` windows: up to 16, or 8, which
 * read whole sectors of memory still, where groups of 16 would be too few for the compute units. 1 where channels are not dense. */
size_t channel_lanes(const struct device_caps *caps, int64_t channels, int64_t channel_stride, int64_t windows, size_t group);

/* The largest power of two that is at most `limit` and the launch's largest work-group. */
size_t launch_power_of_two(const struct launch *launch, size_t limit);

#endif
