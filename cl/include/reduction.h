/* SPDX-License-Identifier: Apache-2.0 */
/* reduction.h: the reduction that -DREDUCE=N, the number of enum plugcl_reduce (0 mean, max, sum, min), names. */
#ifndef PLUGCL_REDUCTION_H
#define PLUGCL_REDUCTION_H

#include "types.h"

#ifndef REDUCE
#define REDUCE 0
#endif

#if REDUCE == 1
#define REDUCE_INITIAL (-INFINITY)
#elif REDUCE == 3
#define REDUCE_INITIAL INFINITY
#else
#define REDUCE_INITIAL 0.0f
#endif

/* NaN of either operand stays. */
static inline float combine(float a, float b)
{
#if REDUCE == 1
    return larger_or_nan(a, b);
#elif REDUCE == 3
    return a < b || isnan(a) ? a : b;
#else
    return a + b;
#endif
}

static inline float finish(float value, float count)
{
#if REDUCE == 0
    return value / count;
#else
    (void)count;
    return value;
#endif
}

#ifdef PLUGCL_VECTOR_H
static inline floatv combinev(floatv a, floatv b)
{
#if REDUCE == 1
    return max_or_nan(a, b);
#elif REDUCE == 3
    return min_or_nan(a, b);
#else
    return a + b;
#endif
}

static inline float combine_lanes(floatv v)
{
#if REDUCE == 1
    return horizontal_max(v);
#elif REDUCE == 3
    return horizontal_min(v);
#else
    return horizontal_sum(v);
#endif
}
#endif

#endif
