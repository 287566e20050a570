/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mean, maximum, sum or minimum, one work-group (a power of two) for an output; tables and arguments are those of common/reduce.cl
 * but for the numbers of outputs, of which a group has one. `scratch` holds a float for each work-item.
 *
 * Bound: reading x once.
 *
 *   -DREDUCE=N       which reduction (reduction.h)
 */
#include "strided.h"
#include "group.h"
#include "reduction.h"

__kernel void reduce(__global const float *x_buffer, uint x_offset, __global float *y_buffer, uint y_offset,
                     __global const int *kept, int kept_dimensions, __global const int *reduced, int reduced_dimensions, int lines,
                     int inner, int stride, float count, __local float *scratch)
{
    int offsets[2];
    row_offsets(kept, kept_dimensions, (int)get_group_id(0), 2, offsets);
    float value = REDUCE_INITIAL;
    int elements = lines * inner;
    for (int p = (int)get_local_id(0); p < elements; p += (int)get_local_size(0)) {
        int begin[1], line = p / inner;
        row_offsets(reduced, reduced_dimensions, line, 1, begin);
        value = combine(x_buffer[x_offset + offsets[0] + begin[0] + (p - line * inner) * stride], value);
    }
#if REDUCE == 1
    value = group_max(value, scratch);
#elif REDUCE == 3
    value = -group_max(-value, scratch);
#else
    value = group_sum(value, scratch);
#endif
    if (get_local_id(0) == 0)
        y_buffer[y_offset + offsets[1]] = finish(value, count);
}
