/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vector.h: a vector of VECTOR floats (4, 8 or 16; -DVECTOR, 4 by default) by one set of names.
 *
 * Pointers need the alignment of a float only. The _some forms touch the first n elements and no other byte of memory.
 */
#ifndef PLUGCL_VECTOR_H
#define PLUGCL_VECTOR_H

#include "types.h"

#ifndef VECTOR
#define VECTOR 4
#endif

typedef JOIN(float, VECTOR) floatv;
typedef JOIN(int, VECTOR) intv;

#define to_intv JOIN(convert_int, VECTOR)
#define as_floatv JOIN(as_float, VECTOR)
#define as_intv JOIN(as_int, VECTOR)

/* 0, 1, 2 … */
#if VECTOR == 4
#define LANES ((intv)(0, 1, 2, 3))
#elif VECTOR == 8
#define LANES ((intv)(0, 1, 2, 3, 4, 5, 6, 7))
#else
#define LANES ((intv)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
#endif

/* Before a loop over the lanes of a union: it becomes one operation on vectors, masked where it has a condition. */
#if !defined(__clang__) || VECTOR == 4
#define AS_VECTOR
#elif VECTOR == 8
#define AS_VECTOR _Pragma("clang loop vectorize_width(8) unroll(disable)")
#else
#define AS_VECTOR _Pragma("clang loop vectorize_width(16) unroll(disable)")
#endif

union lanes {
    floatv vector;
    float lane[VECTOR];
};

/*
 * One load and one store. Some drivers build vload16 and vstore16 of halves of halves, and their compiler may then compute with the
 * parts; a member of a packed struct stays whole.
 */
#if defined(__clang__) && VECTOR > 4
struct packed_vector {
    floatv vector;
} __attribute__((packed, aligned(4)));

#define LOAD_AND_STORE(SPACE)                                                               \
    static inline __attribute__((overloadable)) floatv vloadv(SPACE const float *from)      \
    {                                                                                       \
        return ((SPACE const struct packed_vector *)from)->vector;                          \
    }                                                                                       \
    static inline __attribute__((overloadable)) void vstorev(floatv value, SPACE float *to) \
    {                                                                                       \
        ((SPACE struct packed_vector *)to)->vector = value;                                 \
    }
LOAD_AND_STORE(__global)
LOAD_AND_STORE(__private)
#else
#define vloadv(pointer) JOIN(vload, VECTOR)(0, pointer)
#define vstorev(value, pointer) JOIN(vstore, VECTOR)(value, 0, pointer)
#endif

#define vload_intv(from) JOIN(vload, VECTOR)(0, from)
#define vstore_intv(value, to) JOIN(vstore, VECTOR)(value, 0, to)

/* From VECTOR places. */
static inline floatv vload_at(__global const float *from, const int *at)
{
    float lanes[VECTOR];
    UNROLL for (int i = 0; i < VECTOR; i++)
        lanes[i] = from[at[i]];
    return vloadv(lanes);
}

/* The other lanes are 0. */
static inline floatv vload_some(__global const float *from, int n)
{
    union lanes to;
    AS_VECTOR for (int i = 0; i < VECTOR; i++)
        to.lane[i] = i < n ? from[i] : 0.0f;
    return to.vector;
}

static inline void vstore_some(floatv value, __global float *to, int n)
{
    const union lanes from = { .vector = value };
    AS_VECTOR for (int i = 0; i < VECTOR; i++)
        if (i < n)
            to[i] = from.lane[i];
}

/* a where it is larger or NaN, else b: unlike fmax, a NaN of either operand stays. */
static inline floatv max_or_nan(floatv a, floatv b)
{
    return select(b, a, (a > b) | (a != a));
}

/* a where it is larger, else b, where one of them is NaN, too: that of a is left out, that of b stays. */
static inline floatv larger_or_second(floatv a, floatv b)
{
    return select(b, a, a > b);
}

static inline floatv min_or_nan(floatv a, floatv b)
{
    return select(b, a, (a < b) | (a != a));
}

static inline bool is_any(intv lanes)
{
#if VECTOR == 16
    const int8 half_lanes = lanes.lo | lanes.hi;
    const int4 all = half_lanes.lo | half_lanes.hi;
#elif VECTOR == 8
    const int4 all = lanes.lo | lanes.hi;
#else
    const int4 all = lanes;
#endif
    const ulong2 pair = as_ulong2(all);
    return (pair.x | pair.y) != 0;
}

static inline float horizontal_sum(floatv v)
{
#if VECTOR == 16
    float8 h = v.lo + v.hi;
    float4 q = h.lo + h.hi;
#elif VECTOR == 8
    float4 q = v.lo + v.hi;
#else
    float4 q = v;
#endif
    float2 p = q.lo + q.hi;
    return p.x + p.y;
}

/* NaN if a lane is. */
static inline float horizontal_max(floatv v)
{
#if VECTOR == 16
    float8 h = select(v.hi, v.lo, (v.lo > v.hi) | (v.lo != v.lo));
    float4 q = select(h.hi, h.lo, (h.lo > h.hi) | (h.lo != h.lo));
#elif VECTOR == 8
    float4 q = select(v.hi, v.lo, (v.lo > v.hi) | (v.lo != v.lo));
#else
    float4 q = v;
#endif
    float2 p = select(q.hi, q.lo, (q.lo > q.hi) | (q.lo != q.lo));
    return larger_or_nan(p.x, p.y);
}

static inline float horizontal_min(floatv v)
{
    return -horizontal_max(-v);
}

#endif
