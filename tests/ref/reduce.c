/* SPDX-License-Identifier: Apache-2.0 */
#include "ref/reduce.h"

#include <math.h>

static double start_of(plugcl_reduce kind)
{
    return kind == PLUGCL_REDUCE_MAX ? -INFINITY : kind == PLUGCL_REDUCE_MIN ? INFINITY : 0;
}

static double combine(plugcl_reduce kind, double a, double b)
{
    if (kind == PLUGCL_REDUCE_MAX)
        return isnan(a) || isnan(b) ? NAN : a > b ? a : b;
    if (kind == PLUGCL_REDUCE_MIN)
        return isnan(a) || isnan(b) ? NAN : a < b ? a : b;
    return a + b;
}

void ref_reduce(plugcl_reduce kind, const double *x, const plugcl_shape *shape, const bool *axes, double *y)
{
    int64_t outputs = 1, reduced = 1;
    for (uint32_t i = 0; i < shape->rank; i++)
        *(axes[i] ? &reduced : &outputs) *= shape->dims[i];
    for (int64_t i = 0; i < outputs; i++)
        y[i] = start_of(kind);
    for (int64_t i = 0; i < outputs * reduced; i++) {
        int64_t rest = i, to = 0, stride = 1;
        for (uint32_t d = shape->rank; d-- > 0;) {
            if (!axes[d]) {
                to += rest % shape->dims[d] * stride;
                stride *= shape->dims[d];
            }
            rest /= shape->dims[d];
        }
        y[to] = combine(kind, y[to], x[i]);
    }
    for (int64_t i = 0; kind == PLUGCL_REDUCE_MEAN && i < outputs; i++)
        y[i] /= (double)reduced;
}
