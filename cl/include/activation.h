/* SPDX-License-Identifier: Apache-2.0 */
/*
 * activation.h: element-wise functions, for scalars and, after vector.h, for vectors.
 *
 * -DACTIVATION=N is the number of enum plugcl_activation (graph.h); 0, the identity, by default. -DHARD_GATE=1 makes gate() a
 * clip(alpha · x + beta, 0, 1) in place of the sigmoid. NaN passes through everything: fmax, fmin and clamp would drop it, so
 * there are comparisons here. The vector forms have exp, tanh and erf of their own, since some drivers' vector built-ins are
 * scalar loops.
 */
#ifndef PLUGCL_ACTIVATION_H
#define PLUGCL_ACTIVATION_H

#ifndef ACTIVATION
#define ACTIVATION 0
#endif
#ifndef HARD_GATE
#define HARD_GATE 0
#endif

static inline float clip(float x, float low, float high)
{
    x = x < low ? low : x;
    return x > high ? high : x; /* high for all where low is above it */
}

static inline float sigmoid(float x)
{
    return 1.0f / (1.0f + exp(-x));
}

static inline float activate(float x, float alpha, float beta)
{
    (void)alpha;
    (void)beta;
#if ACTIVATION == 1 /* relu */
    return x < 0.0f ? 0.0f : x;
#elif ACTIVATION == 2 /* relu6 */
    return clip(x, 0.0f, 6.0f);
#elif ACTIVATION == 3 /* leaky relu */
    return x < 0.0f ? alpha * x : x;
#elif ACTIVATION == 4 /* elu */
    return x < 0.0f ? alpha * expm1(x) : x;
#elif ACTIVATION == 5 /* silu */
    return x / (1.0f + exp(-x));
#elif ACTIVATION == 6 /* gelu */
    return 0.5f * x * (1.0f + erf(x * 0.70710678f));
#elif ACTIVATION == 7 /* gelu, tanh form */
    return 0.5f * x * (1.0f + tanh(0.79788456f * (x + 0.044715f * x * x * x)));
#elif ACTIVATION == 8 /* sigmoid */
    return sigmoid(x);
#elif ACTIVATION == 9 /* tanh */
    return tanh(x);
#elif ACTIVATION == 10 /* hard sigmoid */
    return clip(alpha * x + beta, 0.0f, 1.0f);
#elif ACTIVATION == 11 /* hard swish */
    return x * clip(x + 3.0f, 0.0f, 6.0f) / 6.0f;
#elif ACTIVATION == 12
    return exp(x);
#elif ACTIVATION == 13
    return log(x);
#elif ACTIVATION == 14
    return sqrt(x);
#elif ACTIVATION == 15
    return fabs(x);
#elif ACTIVATION == 16
    return -x;
#elif ACTIVATION == 17 /* clip */
    return clip(x, alpha, beta);
#else
    return x;
#endif
}

static inline float gate(float x, float alpha, float beta)
{
#if HARD_GATE
    return clip(alpha * x + beta, 0.0f, 1.0f);
#else
    (void)alpha;
    (void)beta;
    return sigmoid(x);
#endif
}

#ifdef PLUGCL_VECTOR_H
/* Relative error below 2e-7; inf from 88.73 on, 0 below −87: no subnormals. */
static inline floatv expv(floatv x)
{
    /* The comparisons let a NaN pass. */
    floatv bounded = select(x, (floatv)(-87.6f), x < -87.6f);
    bounded = select(bounded, (floatv)(89.0f), bounded > 89.0f);
    /* The sum's last bits are x / log 2 rounded to an integer n, plus 126: 1.5 · 2^23 leaves no room for others. */
    const float round = 12582912.0f + 126.0f;
    floatv shifted = bounded * 1.44269504f + round, n = shifted - round;
    floatv r = bounded - n * 0.693359375f + n * 2.12194440e-4f; /* log 2 in two parts; the first product is exact */
    /* 2 · exp(r) times 2^(n − 1), since n may be 128; for n = −126 the factor's bits are those of 0. */
    floatv p = (0.01662486f * r + 0.08378198f) * r + 0.33334237f;
    p = ((p * r + 0.9999845f) * r + 2.0f) * r + 2.0f;
    return p * as_floatv(as_intv(shifted) << 23);
}

static inline floatv clipv(floatv x, float low, float high)
{
    x = select(x, (floatv)(low), x < low);
    return select(x, (floatv)(high), x > high);
}

static inline floatv sigmoidv(floatv x)
{
    return 1.0f / (1.0f + expv(-x));
}

static inline floatv tanhv(floatv x)
{
    /* Near 0 the quotient would lose the small digits. */
    floatv z = x * x;
    floatv near = ((((-5.70498872745e-3f * z + 2.06390887954e-2f) * z - 5.37397155531e-2f) * z + 1.33314422036e-1f) * z -
                   3.33332819422e-1f) * z * x + x;
    floatv far = 1.0f - 2.0f / (expv(2.0f * x) + 1.0f);
    return select(far, near, fabs(x) < 0.625f);
}

/* Abramowitz and Stegun 7.1.26: absolute error below 3e-7 in float arithmetic. */
static inline floatv erfv(floatv x)
{
    floatv z = fabs(x);
    floatv t = 1.0f / (1.0f + 0.3275911f * z);
    floatv p = ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) * t;
    floatv y = 1.0f - p * expv(-z * z);
    return select(y, -y, x < 0.0f);
}

static inline floatv activatev(floatv x, float alpha, float beta)
{
    (void)alpha;
    (void)beta;
#if ACTIVATION == 1
    return select(x, (floatv)(0.0f), x < 0.0f);
#elif ACTIVATION == 2
    return clipv(x, 0.0f, 6.0f);
#elif ACTIVATION == 3
    return select(x, alpha * x, x < 0.0f);
#elif ACTIVATION == 4
    return select(x, alpha * (expv(x) - 1.0f), x < 0.0f);
#elif ACTIVATION == 5
    return x / (1.0f + expv(-x));
#elif ACTIVATION == 6
    return 0.5f * x * (1.0f + erfv(x * 0.70710678f));
#elif ACTIVATION == 7
    return 0.5f * x * (1.0f + tanhv(0.79788456f * (x + 0.044715f * x * x * x)));
#elif ACTIVATION == 8
    return sigmoidv(x);
#elif ACTIVATION == 9
    return tanhv(x);
#elif ACTIVATION == 10
    return clipv(alpha * x + beta, 0.0f, 1.0f);
#elif ACTIVATION == 11
    return x * clipv(x + 3.0f, 0.0f, 6.0f) / 6.0f;
#elif ACTIVATION == 12
    return expv(x);
#elif ACTIVATION == 13
    return log(x);
#elif ACTIVATION == 14
    return sqrt(x);
#elif ACTIVATION == 15
    return fabs(x);
#elif ACTIVATION == 16
    return -x;
#elif ACTIVATION == 17 /* clip */
    return clipv(x, alpha, beta);
#else
    return x;
#endif
}

static inline floatv gatev(floatv x, float alpha, float beta)
{
#if HARD_GATE
    return clipv(alpha * x + beta, 0.0f, 1.0f);
#else
    (void)alpha;
    (void)beta;
    return sigmoidv(x);
#endif
}
#endif

#endif
