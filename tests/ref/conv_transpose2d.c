/* SPDX-License-Identifier: Apache-2.0 */
#include "ref/conv_transpose2d.h"

/* Adds one input pixel's share to the plane of an output channel. */
static void scatter(double value, const double *kernel, const plugcl_shape *weight_shape,
                    const struct plugcl_conv_transpose2d_params *params, int64_t row, int64_t column, const plugcl_shape *y_shape,
                    double *plane)
{
    for (int64_t ky = 0; ky < weight_shape->dims[2]; ky++) {
        for (int64_t kx = 0; kx < weight_shape->dims[3]; kx++) {
            int64_t oy = row * params->stride[0] + ky * params->dilation[0] - params->pad[0];
            int64_t ox = column * params->stride[1] + kx * params->dilation[1] - params->pad[1];
            if (oy >= 0 && oy < y_shape->dims[2] && ox >= 0 && ox < y_shape->dims[3])
                plane[oy * y_shape->dims[3] + ox] += value * kernel[ky * weight_shape->dims[3] + kx];
        }
    }
}

void ref_conv_transpose2d(const double *x, const plugcl_shape *x_shape, const double *weight, const plugcl_shape *weight_shape,
                          const double *bias, const struct plugcl_conv_transpose2d_params *params, const plugcl_shape *y_shape,
                          double *y)
{
    const int64_t channels = x_shape->dims[1], outputs = y_shape->dims[1], group_outputs = weight_shape->dims[1];
    const int64_t height = x_shape->dims[2], width = x_shape->dims[3], plane = y_shape->dims[2] * y_shape->dims[3];
    const int64_t taps = weight_shape->dims[2] * weight_shape->dims[3], group_channels = channels / params->groups;
    for (int64_t image = 0; image < x_shape->dims[0]; image++) {
        for (int64_t output = 0; output < outputs; output++) {
            double *to = y + (image * outputs + output) * plane;
            for (int64_t i = 0; i < plane; i++)
                to[i] = bias ? bias[output] : 0;
            int64_t group = output / group_outputs;
            for (int64_t channel = group * group_channels; channel < (group + 1) * group_channels; channel++)
                for (int64_t at = 0; at < height * width; at++)
                    scatter(x[(image * channels + channel) * height * width + at],
                            weight + (channel * group_outputs + output % group_outputs) * taps, weight_shape, params, at / width,
                            at % width, y_shape, to);
        }
    }
}
