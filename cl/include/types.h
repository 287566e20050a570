/* SPDX-License-Identifier: Apache-2.0 */
/* types.h: words that every kernel may use; nothing that depends on a device. */
#ifndef PLUGCL_TYPES_H
#define PLUGCL_TYPES_H

/* A kernel of cl/cpu: one work-item is the whole group. */
#define SINGLE __attribute__((reqd_work_group_size(1, 1, 1)))

/* Before a loop with a constant count whose counter indexes a private array, so that the array stays in registers. Compilers that
 * do not know it unroll such loops by themselves. */
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL
#endif

/* A function whose loops unroll only once a caller's constants are in them, or that is given private arrays. */
#if defined(__clang__)
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#else
#define ALWAYS_INLINE static inline
#endif

#define JOIN_TOKENS(a, b) a##b
#define JOIN(a, b) JOIN_TOKENS(a, b)

/* a where it is larger or NaN, else b: unlike fmax, a NaN of either operand stays. */
static inline float larger_or_nan(float a, float b)
{
    return a > b || isnan(a) ? a : b;
}

#endif
