/* SPDX-License-Identifier: Apache-2.0 */
#include "ref/softmax.h"

#include <math.h>

static void softmax_row(const double *x, int64_t length, int64_t stride, double *y)
{
    double most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < length; i++)
        if (x[i * stride] > most || isnan(x[i * stride]))
            most = x[i * stride];
    for (int64_t i = 0; i < length; i++)
        sum += exp(x[i * stride] - most);
    for (int64_t i = 0; i < length; i++)
        y[i * stride] = exp(x[i * stride] - most) / sum;
}

void ref_softmax(const double *x, const plugcl_shape *shape, uint32_t axis, double *y)
{
    int64_t outer = 1, inner = 1, length = shape->dims[axis];
    for (uint32_t i = 0; i < shape->rank; i++)
        *(i < axis ? &outer : &inner) *= i == axis ? 1 : shape->dims[i];
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++)
            softmax_row(x + o * length * inner + i, length, inner, y + o * length * inner + i);
}
