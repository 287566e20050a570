/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mean, maximum, sum or minimum over any axes, one work-item for `outputs_each` outputs.
 *
 * `kept` (strided.h, operands x and y) says where each output and its elements begin; `reduced` (operand x) are the reduced
 * dimensions but the innermost, which has `inner` elements; `lines` is the number of inner runs. Partial results of at most 128
 * elements keep the rounding of long sums small.
 *
 * Bound: reading x once.
 *
 *   -DREDUCE=N       which reduction (reduction.h)
 */
#include "strided.h"
#include "reduction.h"

__kernel void reduce(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                     __global const int *kept, int kept_dimensions, __global const int *reduced, int reduced_dimensions,
                     int outputs,
                     int lines, int inner, int stride, float count, int outputs_each)
{
    int first = (int)get_global_id(0) * outputs_each, last = min(first + outputs_each, outputs);
    for (int output = first; output < last; output++) {
        int offsets[2];
        row_offsets(kept, kept_dimensions, output, 2, offsets);
        float total = REDUCE_INITIAL, part = REDUCE_INITIAL;
        int room = 128;
        for (int line = 0; line < lines; line++) {
            int begin[1];
            row_offsets(reduced, reduced_dimensions, line, 1, begin);
            __global const float *x = x_buffer + x_offset + offsets[0] + begin[0];
            for (int i = 0; i < inner; i++) {
                part = combine(x[i * stride], part);
                if (--room == 0) {
                    total = combine(part, total);
                    part = REDUCE_INITIAL;
                    room = 128;
                }
            }
        }
        y_buffer[y_offset + offsets[1]] = finish(combine(part, total), count);
    }
}
