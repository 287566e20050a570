/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group.h: reductions over a one-dimensional work-group whose size is a power of two.
 *
 * `scratch` has one float for each work-item. All work-items must call, and all get the result; the leading barrier allows the same
 * scratch to be used again at once.
 */
#ifndef PLUGCL_GROUP_H
#define PLUGCL_GROUP_H

#include "types.h"

static inline float group_sum(float value, __local float *scratch)
{
    int item = (int)get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    scratch[item] = value;
    for (int half_of = (int)get_local_size(0) / 2; half_of > 0; half_of /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item < half_of)
            scratch[item] += scratch[item + half_of];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return scratch[0];
}

/* NaN if a value is. */
static inline float group_max(float value, __local float *scratch)
{
    int item = (int)get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    scratch[item] = value;
    for (int half_of = (int)get_local_size(0) / 2; half_of > 0; half_of /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (item < half_of)
            scratch[item] = larger_or_nan(scratch[item + half_of], scratch[item]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return scratch[0];
}

#endif
