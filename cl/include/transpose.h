/* SPDX-License-Identifier: Apache-2.0 */
/* transpose.h: VECTOR x VECTOR floats in registers, rows against columns. */
#ifndef PLUGCL_TRANSPOSE_H
#define PLUGCL_TRANSPOSE_H

#include "vector.h"

/* The lower or upper halves of two vectors, element by element in turn. */
#if VECTOR == 4
#define INTERLEAVE_LOW(a, b) ((floatv)((a).s0, (b).s0, (a).s1, (b).s1))
#define INTERLEAVE_HIGH(a, b) ((floatv)((a).s2, (b).s2, (a).s3, (b).s3))
#define TRANSPOSE_ROUNDS 2
#elif VECTOR == 8
#define INTERLEAVE_LOW(a, b) ((floatv)((a).s0, (b).s0, (a).s1, (b).s1, (a).s2, (b).s2, (a).s3, (b).s3))
#define INTERLEAVE_HIGH(a, b) ((floatv)((a).s4, (b).s4, (a).s5, (b).s5, (a).s6, (b).s6, (a).s7, (b).s7))
#define TRANSPOSE_ROUNDS 3
#else
#define INTERLEAVE_LOW(a, b) \
    ((floatv)((a).s0, (b).s0, (a).s1, (b).s1, (a).s2, (b).s2, (a).s3, (b).s3, (a).s4, (b).s4, (a).s5, (b).s5, (a).s6, (b).s6, \
              (a).s7, (b).s7))
#define INTERLEAVE_HIGH(a, b) \
    ((floatv)((a).s8, (b).s8, (a).s9, (b).s9, (a).sa, (b).sa, (a).sb, (b).sb, (a).sc, (b).sc, (a).sd, (b).sd, (a).se, (b).se, \
              (a).sf, (b).sf))
#define TRANSPOSE_ROUNDS 4
#endif

static inline void transpose_vectors(floatv v[VECTOR])
{
    floatv t[VECTOR];
    UNROLL for (int round = 0; round < TRANSPOSE_ROUNDS; round++) {
        UNROLL for (int i = 0; i < VECTOR / 2; i++) {
            t[2 * i] = INTERLEAVE_LOW(v[i], v[i + VECTOR / 2]);
            t[2 * i + 1] = INTERLEAVE_HIGH(v[i], v[i + VECTOR / 2]);
        }
        UNROLL for (int i = 0; i < VECTOR; i++)
            v[i] = t[i];
    }
}

#endif
