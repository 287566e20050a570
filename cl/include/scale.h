/* SPDX-License-Identifier: Apache-2.0 */
/* scale.h: what gates end with, y = clip(x · gain + residual, low, high) over a run of neighbours. y may be x. */
#ifndef PLUGCL_SCALE_H
#define PLUGCL_SCALE_H

#include "vector.h"

#define SCALE_WIDE 4 /* vectors of a step of the loop */

/* The ends of the clip are infinite, and `clips` is 0, where there is none. */
struct ending {
    int has_residual, clips;
    float low, high;
};

/* A run and what is done with it. With has_gains the gain of element i is gains[i] · factor, else it is factor. */
struct scaling {
    __global const float *x, *gains, *residual;
    __global float *y;
    float factor, low, high;
};

/* The comparisons keep a NaN. */
ALWAYS_INLINE floatv scale_end(const struct scaling *run, floatv x, floatv gain, floatv residual, const int has_residual,
                               const int clips)
{
    floatv value = x * gain;
    if (has_residual)
        value += residual;
    if (clips) {
        value = select(value, (floatv)(run->low), value < run->low);
        value = select(value, (floatv)(run->high), value > run->high);
    }
    return value;
}

ALWAYS_INLINE floatv scaled_at(const struct scaling *run, int i, const int has_gains, const int has_residual, const int clips)
{
    floatv gain = run->factor, residual = 0.0f;
    if (has_gains)
        gain *= vloadv(run->gains + i);
    if (has_residual)
        residual = vloadv(run->residual + i);
    return scale_end(run, vloadv(run->x + i), gain, residual, has_residual, clips);
}

/* Less than a vector. */
ALWAYS_INLINE void scale_some(const struct scaling *run, int count, const int has_gains, const int has_residual, const int clips)
{
    floatv gain = run->factor, residual = 0.0f;
    if (has_gains)
        gain *= vload_some(run->gains, count);
    if (has_residual)
        residual = vload_some(run->residual, count);
    vstore_some(scale_end(run, vload_some(run->x, count), gain, residual, has_residual, clips), run->y, count);
}

ALWAYS_INLINE void scale_all(const struct scaling *run, int count, const int has_gains, const int has_residual, const int clips)
{
    if (count < VECTOR) {
        scale_some(run, count, has_gains, has_residual, clips);
        return;
    }
    /* The last vector takes some elements again, which must still be x when it reads them. */
    floatv last = scaled_at(run, count - VECTOR, has_gains, has_residual, clips), values[SCALE_WIDE];
    int i = 0;
    for (; i + SCALE_WIDE * VECTOR <= count; i += SCALE_WIDE * VECTOR) {
        UNROLL for (int k = 0; k < SCALE_WIDE; k++)
            values[k] = scaled_at(run, i + k * VECTOR, has_gains, has_residual, clips);
        UNROLL for (int k = 0; k < SCALE_WIDE; k++)
            vstorev(values[k], run->y + i + k * VECTOR);
    }
    for (; i + VECTOR <= count; i += VECTOR)
        vstorev(scaled_at(run, i, has_gains, has_residual, clips), run->y + i);
    vstorev(last, run->y + count - VECTOR);
}

/* `has_gains` is a constant. */
ALWAYS_INLINE void scale_run(__global const float *x, __global const float *gains, float factor, __global const float *residual,
                             __global float *y, int count, const int has_gains, struct ending ending)
{
    const struct scaling run = { x, gains, residual, y, factor, ending.low, ending.high };
    if (ending.has_residual && ending.clips)
        scale_all(&run, count, has_gains, 1, 1);
    else if (ending.has_residual)
        scale_all(&run, count, has_gains, 1, 0);
    else if (ending.clips)
        scale_all(&run, count, has_gains, 0, 1);
    else
        scale_all(&run, count, has_gains, 0, 0);
}

#endif
