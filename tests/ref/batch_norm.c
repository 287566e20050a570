/* SPDX-License-Identifier: Apache-2.0 */
#include "ref/batch_norm.h"

#include <math.h>

void ref_batch_norm(const double *x, const plugcl_shape *shape, const double *mean, const double *variance, const double *weight,
                    const double *bias, double eps, double *y)
{
    int64_t elements = plugcl_shape_elements(shape), channels = shape->dims[1], plane = 1;
    for (uint32_t i = 2; i < shape->rank; i++)
        plane *= shape->dims[i];
    for (int64_t i = 0; i < elements; i++) {
        int64_t c = i / plane % channels;
        y[i] = (x[i] - mean[c]) / sqrt(variance[c] + eps) * (weight ? weight[c] : 1.0) + (bias ? bias[c] : 0.0);
    }
}
