/* SPDX-License-Identifier: Apache-2.0 */
#include "ref/pool.h"

#include <math.h>

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static double max_window(const double *plane, const plugcl_shape *shape, const struct plugcl_pool2d_params *p, int64_t oh,
                         int64_t ow)
{
    double most = -INFINITY;
    for (int64_t kh = 0; kh < p->kernel[0]; kh++) {
        for (int64_t kw = 0; kw < p->kernel[1]; kw++) {
            int64_t h = oh * p->stride[0] - p->pad[0] + kh * p->dilation[0];
            int64_t w = ow * p->stride[1] - p->pad[1] + kw * p->dilation[1];
            if (h < 0 || h >= shape->dims[2] || w < 0 || w >= shape->dims[3])
                continue;
            double value = plane[h * shape->dims[3] + w];
            if (value > most || isnan(value))
                most = value;
        }
    }
    return most;
}

static double average_window(const double *plane, const plugcl_shape *shape, const struct plugcl_pool2d_params *p, int64_t oh,
                             int64_t ow)
{
    int64_t height = shape->dims[2], width = shape->dims[3];
    int64_t h0 = oh * p->stride[0] - p->pad[0], w0 = ow * p->stride[1] - p->pad[1];
    int64_t h1 = smaller(h0 + p->kernel[0], height + p->pad[2]), w1 = smaller(w0 + p->kernel[1], width + p->pad[3]);
    int64_t divisor = (h1 - h0) * (w1 - w0), inside = 0;
    double sum = 0;
    for (int64_t h = h0 < 0 ? 0 : h0; h < smaller(h1, height); h++) {
        for (int64_t w = w0 < 0 ? 0 : w0; w < smaller(w1, width); w++) {
            sum += plane[h * width + w];
            inside++;
        }
    }
    if (p->count_exclude_pad)
        divisor = inside;
    return inside > 0 ? sum / (double)divisor : 0;
}

void ref_pool2d(const double *x, const plugcl_shape *x_shape, bool is_max, const struct plugcl_pool2d_params *params,
                const plugcl_shape *y_shape, double *y)
{
    const int64_t *in = x_shape->dims, *out = y_shape->dims;
    for (int64_t plane = 0; plane < out[0] * out[1]; plane++)
        for (int64_t oh = 0; oh < out[2]; oh++)
            for (int64_t ow = 0; ow < out[3]; ow++)
                y[(plane * out[2] + oh) * out[3] + ow] =
                    (is_max ? max_window : average_window)(x + plane * in[2] * in[3], x_shape, params, oh, ow);
}

void ref_adaptive_pool2d(const double *x, const plugcl_shape *x_shape, bool is_max, const plugcl_shape *y_shape, double *y)
{
    const int64_t *in = x_shape->dims, *out = y_shape->dims;
    for (int64_t i = 0; i < plugcl_shape_elements(y_shape); i++) {
        int64_t ow = i % out[3], oh = i / out[3] % out[2], plane = i / out[3] / out[2];
        int64_t h1 = (int64_t)ceil((double)((oh + 1) * in[2]) / (double)out[2]);
        int64_t w1 = (int64_t)ceil((double)((ow + 1) * in[3]) / (double)out[3]);
        double most = -INFINITY, sum = 0, count = 0;
        for (int64_t h = oh * in[2] / out[2]; h < h1; h++) {
            for (int64_t w = ow * in[3] / out[3]; w < w1; w++) {
                double value = x[(plane * in[2] + h) * in[3] + w];
                most = value > most || isnan(value) ? value : most;
                sum += value;
                count++;
            }
        }
        y[i] = is_max ? most : sum / count;
    }
}
