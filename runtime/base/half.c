/* SPDX-License-Identifier: Apache-2.0 */
/* half.c: conversions of stored numbers, by their bits, so that no compiler or processor need know half. */
#include "base/half.h"

#include <string.h>

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = half >> 10 & 0x1F;
    uint32_t fraction = half & 0x3FF;
    if (exponent == 0x1F) /* infinity, and NaN with its payload */
        return float_of_bits(sign | 0x7F800000 | fraction << 13);
    if (exponent != 0)
        return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
    float value = (float)fraction * 0x1p-24f; /* zero and the subnormals, exactly */
    return sign ? -value : value;
}

uint16_t float_to_half(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000;
    uint32_t magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000) /* NaN: quiet, with the part of the payload that fits */
        return (uint16_t)(sign | 0x7E00 | (magnitude >> 13 & 0x3FF));
    if (magnitude >= 0x477FF000) /* 65520 and more round to infinity */
        return (uint16_t)(sign | 0x7C00);
    if (magnitude < 0x33000000) /* less than half of the smallest subnormal */
        return (uint16_t)sign;
    uint32_t shift = 13, mantissa = magnitude;
    if (magnitude < 0x38800000) { /* below 2^-14: subnormal in half */
        shift = 126 - (magnitude >> 23);
        mantissa = (magnitude & 0x7FFFFF) | 0x800000;
    } else {
        mantissa -= (uint32_t)112 << 23; /* the exponent's other bias; a carry from rounding goes into it, as it should */
    }
    uint32_t result = mantissa >> shift;
    uint32_t rest = mantissa & (((uint32_t)1 << shift) - 1), middle = (uint32_t)1 << (shift - 1);
    if (rest > middle || (rest == middle && (result & 1)))
        result++;
    return (uint16_t)(sign | result);
}

float bfloat16_to_float(uint16_t bits)
{
    return float_of_bits((uint32_t)bits << 16);
}

/* One loop for a type: the data is unaligned, so each element is copied out first. */
#define CONVERT(type, expression)                            \
    for (size_t i = 0; i < count; i++) {                     \
        type x;                                              \
        memcpy(&x, bytes + i * sizeof x, sizeof x);          \
        out[i] = expression;                                 \
    }                                                        \
    break

void elements_to_float(plugcl_dtype dtype, const void *data, size_t count, float *out)
{
    const uint8_t *bytes = data;
    switch (dtype) {
    case PLUGCL_F32: CONVERT(float, x);
    case PLUGCL_I32: CONVERT(int32_t, (float)x);
    case PLUGCL_I64: CONVERT(int64_t, (float)x);
    case PLUGCL_BOOL: CONVERT(uint8_t, x ? 1.0f : 0.0f);
    case PLUGCL_F16: CONVERT(uint16_t, half_to_float(x));
    case PLUGCL_BF16: CONVERT(uint16_t, bfloat16_to_float(x));
    case PLUGCL_F64: CONVERT(double, (float)x);
    }
}

void elements_to_int(plugcl_dtype dtype, const void *data, size_t count, void *out)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < count; i++) {
        int32_t narrow = 0;
        int64_t wide;
        if (dtype == PLUGCL_I32) {
            memcpy(&narrow, bytes + i * sizeof narrow, sizeof narrow);
        } else if (dtype == PLUGCL_I64) {
            memcpy(&wide, bytes + i * sizeof wide, sizeof wide);
            narrow = (int32_t)wide;
        } else {
            narrow = bytes[i] != 0;
        }
        memcpy((uint8_t *)out + i * sizeof narrow, &narrow, sizeof narrow);
    }
}
