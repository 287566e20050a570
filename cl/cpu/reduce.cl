/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mean, maximum, sum or minimum in vectors; tables and arguments are those of common/reduce.cl but for these:
 *
 * reduce_along: the innermost reduced dimension is contiguous, so there is no `stride`. reduce_across: neighbouring outputs are
 * contiguous in x and y, and a lane is an output; `kept` then lacks that dimension, which is `width` long, and a work-group takes
 * `piece` of it, in place of a number of outputs.
 *
 * Bound: reading x once.
 *
 *   -DREDUCE=N       which reduction (reduction.h)
 *   -DVECTOR=N       lanes
 */
#include "strided.h"
#include "reduction.h"

__kernel SINGLE void reduce_along(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                                  __global const int *kept, int kept_dimensions, __global const int *reduced,
                                  int reduced_dimensions,
                                  int outputs, int lines, int inner, float count, int outputs_each)
{
    int first = (int)get_group_id(0) * outputs_each, last = min(first + outputs_each, outputs);
    for (int output = first; output < last; output++) {
        int offsets[2];
        row_offsets(kept, kept_dimensions, output, 2, offsets);
        floatv total = (floatv)(REDUCE_INITIAL), part = (floatv)(REDUCE_INITIAL);
        float rest = REDUCE_INITIAL;
        int room = 64;
        for (int line = 0; line < lines; line++) {
            int begin[1], i = 0;
            row_offsets(reduced, reduced_dimensions, line, 1, begin);
            __global const float *x = x_buffer + x_offset + offsets[0] + begin[0];
            for (; i + VECTOR <= inner; i += VECTOR) {
                part = combinev(vloadv(x + i), part);
                if (--room == 0) {
                    total = combinev(part, total);
                    part = (floatv)(REDUCE_INITIAL);
                    room = 64;
                }
            }
            float end = REDUCE_INITIAL;
            for (; i < inner; i++)
                end = combine(x[i], end);
            rest = combine(end, rest);
        }
        y_buffer[y_offset + offsets[1]] = finish(combine(combine_lanes(combinev(part, total)), rest), count);
    }
}

__kernel SINGLE void reduce_across(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                                   __global const int *kept, int kept_dimensions, __global const int *reduced,
                                   int reduced_dimensions,
                                   int width, int lines, int inner, int stride, float count, int piece)
{
    int offsets[2];
    row_offsets(kept, kept_dimensions, (int)get_group_id(1), 2, offsets);
    int first = (int)get_group_id(0) * piece, last = min(first + piece, width);
    for (int lane = first; lane < last; lane += VECTOR) {
        int n = min(VECTOR, last - lane), room = 64;
        floatv total = (floatv)(REDUCE_INITIAL), part = (floatv)(REDUCE_INITIAL);
        for (int line = 0; line < lines; line++) {
            int begin[1];
            row_offsets(reduced, reduced_dimensions, line, 1, begin);
            __global const float *x = x_buffer + x_offset + offsets[0] + begin[0] + lane;
            for (int i = 0; i < inner; i++) {
                part = combinev(load_strided(x + i * stride, 1, n), part);
                if (--room == 0) {
                    total = combinev(part, total);
                    part = (floatv)(REDUCE_INITIAL);
                    room = 64;
                }
            }
        }
        total = combinev(part, total);
#if REDUCE == 0
        total /= count;
#else
        (void)count;
#endif
        store_strided(total, y_buffer + y_offset + offsets[1] + lane, 1, n);
    }
}
