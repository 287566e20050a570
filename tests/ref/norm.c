/* SPDX-License-Identifier: Apache-2.0 */
#include "ref/norm.h"

#include <math.h>

static void normalise(const double *x, int64_t count, double eps, double *y)
{
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < count; i++)
        mean += x[i] / (double)count;
    for (int64_t i = 0; i < count; i++)
        variance += (x[i] - mean) * (x[i] - mean) / (double)count;
    for (int64_t i = 0; i < count; i++)
        y[i] = (x[i] - mean) / sqrt(variance + eps);
}

void ref_layer_norm(const double *x, const plugcl_shape *shape, uint32_t n_axes, const double *weight, const double *bias,
                    double eps, double *y)
{
    int64_t count = 1, all = plugcl_shape_elements(shape);
    for (uint32_t i = shape->rank - n_axes; i < shape->rank; i++)
        count *= shape->dims[i];
    for (int64_t set = 0; set < all; set += count) {
        normalise(x + set, count, eps, y + set);
        for (int64_t i = 0; i < count; i++)
            y[set + i] = y[set + i] * (weight ? weight[i] : 1) + (bias ? bias[i] : 0);
    }
}

void ref_group_norm(const double *x, const plugcl_shape *shape, int64_t groups, const double *weight, const double *bias,
                    double eps, double *y)
{
    int64_t channels = shape->dims[1], all = plugcl_shape_elements(shape), plane = 1;
    for (uint32_t i = 2; i < shape->rank; i++)
        plane *= shape->dims[i];
    int64_t count = channels / groups * plane;
    for (int64_t set = 0; set < all; set += count)
        normalise(x + set, count, eps, y + set);
    for (int64_t i = 0; i < all; i++) {
        int64_t channel = i / plane % channels;
        y[i] = y[i] * (weight ? weight[channel] : 1) + (bias ? bias[channel] : 0);
    }
}
