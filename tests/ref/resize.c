/* SPDX-License-Identifier: Apache-2.0 */
#include "ref/resize.h"

#include <math.h>

static int64_t clamp_index(int64_t i, int64_t size)
{
    return i < 0 ? 0 : i >= size ? size - 1 : i;
}

/* ONNX's x_original for x_resized; F.interpolate's for the default rule. */
static double original(const struct plugcl_resize_params *params, double scale, int64_t in, int64_t out, double resized)
{
    plugcl_resize_coordinates rule = params->coordinates;
    if (rule == PLUGCL_RESIZE_PYTORCH)
        rule = params->mode == PLUGCL_SAMPLE_NEAREST ? PLUGCL_RESIZE_ASYMMETRIC : PLUGCL_RESIZE_HALF_PIXEL;
    if (rule == PLUGCL_RESIZE_PYTORCH_HALF_PIXEL)
        return out > 1 ? (resized + 0.5) / scale - 0.5 : 0;
    if (rule == PLUGCL_RESIZE_ALIGN_CORNERS)
        return out == 1 ? 0 : resized * (double)(in - 1) / (double)(out - 1);
    return rule == PLUGCL_RESIZE_ASYMMETRIC ? resized / scale : (resized + 0.5) / scale - 0.5;
}

/* The pixel that is nearest: what rounding moves off a tie counts as the tie. */
static int64_t nearest(const struct plugcl_resize_params *params, double x)
{
    switch (params->rounding) {
    case PLUGCL_RESIZE_FLOOR:
        return (int64_t)floor(x + 1e-6);
    case PLUGCL_RESIZE_CEIL:
        return (int64_t)ceil(x - 1e-6);
    case PLUGCL_RESIZE_PREFER_FLOOR:
        return (int64_t)ceil(x - 0.5 - 1e-6);
    default:
        return (int64_t)floor(x + 0.5 + 1e-6);
    }
}

/* Keys' cubic convolution kernel. */
static double cubic(double a, double distance)
{
    double d = fabs(distance);
    if (d <= 1)
        return (a + 2) * d * d * d - (a + 3) * d * d + 1;
    return d < 2 ? a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a : 0;
}

/* Pixels and weights of one output position; returns how many. */
static int taps(const struct plugcl_resize_params *params, double scale, int64_t in, int64_t out, int64_t at, int64_t *pixels,
                double *weights)
{
    double x = original(params, scale > 0 ? scale : (double)out / (double)in, in, out, (double)at);
    if (params->mode == PLUGCL_SAMPLE_NEAREST) {
        pixels[0] = clamp_index(nearest(params, x), in);
        weights[0] = 1;
        return 1;
    }
    bool is_torch = params->coordinates == PLUGCL_RESIZE_PYTORCH || params->coordinates == PLUGCL_RESIZE_ALIGN_CORNERS;
    if (params->mode == PLUGCL_SAMPLE_BILINEAR && in == out && is_torch) { /* F.interpolate copies, whatever the scale */
        pixels[0] = pixels[1] = at;
        weights[0] = 1;
        weights[1] = 0;
        return 2;
    }
    if (params->mode == PLUGCL_SAMPLE_BILINEAR && x < 0) /* as PyTorch: seen where a pixel is infinite */
        x = 0;
    int64_t base = (int64_t)floor(x);
    int reach = params->mode == PLUGCL_SAMPLE_BILINEAR ? 1 : 2, count = 0;
    double a = params->cubic_coefficient != 0 ? (double)params->cubic_coefficient : -0.75;
    for (int64_t i = base + 1 - reach; i <= base + reach; i++) {
        pixels[count] = clamp_index(i, in);
        weights[count++] = reach == 1 ? 1 - fabs(x - (double)i) : cubic(a, x - (double)i);
    }
    return count;
}

void ref_resize(const struct plugcl_resize_params *params, const plugcl_shape *x_shape, const plugcl_shape *y_shape,
                const double *x, double *y)
{
    const int64_t *in = x_shape->dims + 2, *out = y_shape->dims + 2, planes = x_shape->dims[0] * x_shape->dims[1];
    for (int64_t plane = 0; plane < planes; plane++, x += in[0] * in[1]) {
        for (int64_t i = 0; i < out[0]; i++) {
            for (int64_t j = 0; j < out[1]; j++) {
                int64_t rows[4], columns[4];
                double across[4], down[4], sum = 0;
                int n_rows = taps(params, params->scale[0], in[0], out[0], i, rows, down);
                int n_columns = taps(params, params->scale[1], in[1], out[1], j, columns, across);
                for (int a = 0; a < n_rows; a++)
                    for (int b = 0; b < n_columns; b++)
                        sum += down[a] * across[b] * x[rows[a] * in[1] + columns[b]];
                *y++ = sum;
            }
        }
    }
}
