/* SPDX-License-Identifier: Apache-2.0 */
#include "ref/elementwise.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

double ref_overflow(double value)
{
    return value > FLT_MAX * (1.0 + 1e-8) ? INFINITY : value < -FLT_MAX * (1.0 + 1e-8) ? -INFINITY : value;
}

static double clip(double x, double low, double high)
{
    x = x < low ? low : x;
    return x > high ? high : x; /* where low is above high, too */
}

double ref_activation(plugcl_activation kind, double x, double alpha, double beta)
{
    switch (kind) {
    case PLUGCL_IDENTITY: return x;
    case PLUGCL_RELU: return x < 0 ? 0 : x;
    case PLUGCL_RELU6: return clip(x, 0, 6);
    case PLUGCL_LEAKY_RELU: return x < 0 ? alpha * x : x;
    case PLUGCL_ELU: return x < 0 ? alpha * expm1(x) : x;
    case PLUGCL_SILU: return x / (1 + exp(-x));
    case PLUGCL_GELU: return x * 0.5 * (1 + erf(x / sqrt(2.0)));
    case PLUGCL_GELU_TANH: return 0.5 * x * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
    case PLUGCL_SIGMOID: return 1 / (1 + exp(-x));
    case PLUGCL_TANH: return tanh(x);
    case PLUGCL_HARD_SIGMOID: return clip(alpha * x + beta, 0, 1);
    case PLUGCL_HARD_SWISH: return x * clip(x + 3, 0, 6) / 6;
    case PLUGCL_EXP: return exp(x);
    case PLUGCL_LOG: return log(x);
    case PLUGCL_SQRT: return sqrt(x);
    case PLUGCL_ABS: return fabs(x);
    case PLUGCL_NEG: return -x;
    case PLUGCL_CLIP: return clip(x, alpha, beta);
    }
    return NAN;
}

void ref_prelu(const double *x, const plugcl_shape *shape, const double *slope, int64_t slopes, double *y)
{
    int64_t elements = plugcl_shape_elements(shape), plane = 1;
    for (uint32_t i = 2; i < shape->rank; i++)
        plane *= shape->dims[i];
    for (int64_t i = 0; i < elements; i++)
        y[i] = x[i] < 0 ? x[i] * slope[slopes == 1 ? 0 : i / plane % slopes] : x[i];
}

double ref_binary(plugcl_binary kind, double a, double b)
{
    switch (kind) {
    case PLUGCL_ADD: return a + b;
    case PLUGCL_SUB: return a - b;
    case PLUGCL_MUL: return a * b;
    case PLUGCL_DIV: return a / b;
    case PLUGCL_MIN: return isnan(a) || isnan(b) ? NAN : a < b ? a : b;
    case PLUGCL_MAX: return isnan(a) || isnan(b) ? NAN : a > b ? a : b;
    case PLUGCL_POW: return pow(a, b);
    }
    return NAN;
}

int64_t ref_source_of(int64_t index, const plugcl_shape *y, const plugcl_shape *operand)
{
    int64_t at = 0, stride = 1;
    for (uint32_t i = 0; i < operand->rank; i++) {
        uint32_t y_axis = y->rank - 1 - i, axis = operand->rank - 1 - i;
        int64_t coordinate = index % y->dims[y_axis];
        index /= y->dims[y_axis];
        if (operand->dims[axis] != 1)
            at += coordinate * stride;
        stride *= operand->dims[axis];
    }
    return at;
}

void ref_broadcast(plugcl_binary kind, const double *a, const plugcl_shape *a_shape, const double *b, const plugcl_shape *b_shape,
                   const plugcl_shape *y_shape, double *y)
{
    int64_t elements = plugcl_shape_elements(y_shape);
    for (int64_t i = 0; i < elements; i++)
        y[i] = ref_overflow(ref_binary(kind, a[ref_source_of(i, y_shape, a_shape)], b[ref_source_of(i, y_shape, b_shape)]));
}

static bool holds(plugcl_comparison kind, double a, double b)
{
    switch (kind) {
    case PLUGCL_EQ: return a == b;
    case PLUGCL_NE: return a != b;
    case PLUGCL_LT: return a < b;
    case PLUGCL_LE: return a <= b;
    case PLUGCL_GT: return a > b;
    case PLUGCL_GE: return a >= b;
    }
    return false;
}

void ref_compare(plugcl_comparison kind, const double *a, const plugcl_shape *a_shape, const double *b, const plugcl_shape *b_shape,
                 const plugcl_shape *y_shape, double *y)
{
    int64_t elements = plugcl_shape_elements(y_shape);
    for (int64_t i = 0; i < elements; i++)
        y[i] = holds(kind, a[ref_source_of(i, y_shape, a_shape)], b[ref_source_of(i, y_shape, b_shape)]);
}

void ref_where(const double *condition, const plugcl_shape *condition_shape, const double *a, const plugcl_shape *a_shape,
               const double *b, const plugcl_shape *b_shape, const plugcl_shape *y_shape, double *y)
{
    int64_t elements = plugcl_shape_elements(y_shape);
    for (int64_t i = 0; i < elements; i++)
        y[i] = condition[ref_source_of(i, y_shape, condition_shape)] != 0 ? a[ref_source_of(i, y_shape, a_shape)]
                                                                          : b[ref_source_of(i, y_shape, b_shape)];
}

double ref_cast(plugcl_dtype to, double x)
{
    if (to == PLUGCL_F32)
        return (double)(float)x;
    if (to == PLUGCL_BOOL)
        return x != 0; /* so is NaN */
    return isnan(x) ? 0 : x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : trunc(x);
}
