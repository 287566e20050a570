/* SPDX-License-Identifier: Apache-2.0 */
#include "ref/conv2d.h"

static double sum_taps(const double *x, const plugcl_shape *x_shape, const double *weight, const plugcl_shape *weight_shape,
                       const struct plugcl_conv2d_params *params, int64_t row, int64_t column)
{
    double sum = 0;
    for (int64_t channel = 0; channel < weight_shape->dims[1]; channel++) {
        for (int64_t ky = 0; ky < weight_shape->dims[2]; ky++) {
            for (int64_t kx = 0; kx < weight_shape->dims[3]; kx++) {
                int64_t iy = row * params->stride[0] + ky * params->dilation[0] - params->pad[0];
                int64_t ix = column * params->stride[1] + kx * params->dilation[1] - params->pad[1];
                if (iy >= 0 && iy < x_shape->dims[2] && ix >= 0 && ix < x_shape->dims[3])
                    sum += x[(channel * x_shape->dims[2] + iy) * x_shape->dims[3] + ix] *
                           weight[(channel * weight_shape->dims[2] + ky) * weight_shape->dims[3] + kx];
            }
        }
    }
    return sum;
}

void ref_conv2d(const double *x, const plugcl_shape *x_shape, const double *weight, const plugcl_shape *weight_shape,
                const double *bias, const struct plugcl_conv2d_params *params, const plugcl_shape *y_shape, double *y)
{
    const int64_t plane = x_shape->dims[2] * x_shape->dims[3], group_outputs = weight_shape->dims[0] / params->groups;
    const int64_t weights = weight_shape->dims[1] * weight_shape->dims[2] * weight_shape->dims[3];
    for (int64_t image = 0; image < y_shape->dims[0]; image++) {
        for (int64_t output = 0; output < y_shape->dims[1]; output++) {
            int64_t channel0 = output / group_outputs * weight_shape->dims[1];
            const double *from = x + (image * x_shape->dims[1] + channel0) * plane;
            for (int64_t row = 0; row < y_shape->dims[2]; row++)
                for (int64_t column = 0; column < y_shape->dims[3]; column++)
                    *y++ = (bias ? bias[output] : 0) +
                           sum_taps(from, x_shape, weight + output * weights, weight_shape, params, row, column);
        }
    }
}
