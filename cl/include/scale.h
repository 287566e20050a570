/* SPDX-License-Identifier: Apache-2.0 */
/* scale.h: what gates end with, y = clip(x · gain + residual, low, high) over a run of neighbours. y may be x. */
#ifndef PLUGCL_SCALE_H
#define PLUGCL_SCALE_H

#include "vector.h"

/* The ends of the clip are infinite, and `clips` is 0, where there is none. */
struct ending {
    int has_residual, clips;
    float low, high;
};

/* The comparisons keep a NaN. */
static inline floatv end_with(floatv value, floatv residual, struct ending ending)
{
    if (ending.has_residual)
        value += residual;
    if (ending.clips) {
        value = select(value, (floatv)(ending.low), value < ending.low);
        value = select(value, (floatv)(ending.high), value > ending.high);
    }
    return value;
}

static inline floatv scaled_at(__global const float *x, __global const float *gains, float factor, __global const float *residual,
                               int i, int has_gains, struct ending ending)
{
    floatv gain = factor;
    if (has_gains)
        gain *= vloadv(gains + i);
    return end_with(vloadv(x + i) * gain, ending.has_residual ? vloadv(residual + i) : (floatv)(0.0f), ending);
}

static inline void scale_some(__global const float *x, __global const float *gains, float factor, __global const float *residual,
                              __global float *y, int count, int has_gains, struct ending ending)
{
    for (int i = 0; i < count; i++) {
        float value = x[i] * (has_gains ? gains[i] * factor : factor) + (ending.has_residual ? residual[i] : 0.0f);
        value = value < ending.low ? ending.low : value;
        y[i] = value > ending.high ? ending.high : value;
    }
}

static inline void scale_all(__global const float *x, __global const float *gains, float factor, __global const float *residual,
                             __global float *y, int count, int has_gains, struct ending ending)
{
    if (count < VECTOR) {
        scale_some(x, gains, factor, residual, y, count, has_gains, ending);
        return;
    }
    /* The last vector takes some elements again, which must still be x when it reads them. */
    floatv last = scaled_at(x, gains, factor, residual, count - VECTOR, has_gains, ending);
    int i = 0;
    for (; i + VECTOR <= count; i += VECTOR)
        vstorev(scaled_at(x, gains, factor, residual, i, has_gains, ending), y + i);
    vstorev(last, y + count - VECTOR);
}

/* With has_gains, a constant, the gain of element i is gains[i] · factor; else it is factor. */
static inline void scale_run(__global const float *x, __global const float *gains, float factor, __global const float *residual,
                             __global float *y, int count, int has_gains, struct ending ending)
{
    const struct ending none = { 0, 0, ending.low, ending.high };
    if (ending.has_residual || ending.clips)
        scale_all(x, gains, factor, residual, y, count, has_gains, ending);
    else
        scale_all(x, gains, factor, residual, y, count, has_gains, none);
}

#endif
