/* SPDX-License-Identifier: Apache-2.0 */
#include "ref/spatial_gate.h"

#include <math.h>
#include <stdlib.h>

#include "ref/elementwise.h"

static void map_image(const double *x, int64_t channels, int64_t pixels, double *mean, double *most)
{
    for (int64_t p = 0; p < pixels; p++) {
        mean[p] = 0;
        most[p] = -INFINITY;
        for (int64_t c = 0; c < channels; c++) {
            double v = x[c * pixels + p];
            mean[p] += v;
            most[p] = v > most[p] || isnan(v) ? v : most[p];
        }
        mean[p] /= (double)channels;
    }
}

static double window_at(const double *const maps[2], const double *weight, int64_t kernel, int64_t height, int64_t width,
                        int64_t row,
                        int64_t column)
{
    double sum = 0;
    for (int64_t tap = 0; tap < 2 * kernel * kernel; tap++) {
        int64_t h = row + tap / kernel % kernel - kernel / 2, w = column + tap % kernel - kernel / 2;
        if (h >= 0 && h < height && w >= 0 && w < width)
            sum += weight[tap] * maps[tap / (kernel * kernel)][h * width + w];
    }
    return sum;
}

void ref_spatial_gate(const struct plugcl_spatial_gate_params *params, const plugcl_shape *x_shape, int64_t kernel, const double *x,
                      const double *weight, const double *bias, const double *channel, double *gate, double *y)
{
    int64_t channels = x_shape->dims[1], height = x_shape->dims[2], width = x_shape->dims[3], pixels = height * width;
    double *scaled = calloc((size_t)(channels + 2) * (size_t)pixels, sizeof *scaled);
    if (scaled == NULL)
        abort();
    double *mean = scaled + channels * pixels, *most = mean + pixels;
    const double *const maps[2] = { params->max_first ? most : mean, params->max_first ? mean : most };
    for (int64_t image = 0; image < x_shape->dims[0]; image++) {
        for (int64_t i = 0; i < channels * pixels; i++)
            scaled[i] = x[image * channels * pixels + i] * (channel ? channel[image * channels + i / pixels] : 1.0);
        map_image(scaled, channels, pixels, mean, most);
        for (int64_t p = 0; p < pixels; p++) {
            double sum = window_at(maps, weight, kernel, height, width, p / width, p % width) + (bias ? bias[0] : 0);
            gate[image * pixels + p] = ref_activation(params->hard_gate ? PLUGCL_HARD_SIGMOID : PLUGCL_SIGMOID, sum,
                                                      params->gate_alpha,
                                                      params->gate_beta);
        }
        for (int64_t i = 0; y && i < channels * pixels; i++)
            y[image * channels * pixels + i] = scaled[i] * gate[image * pixels + i % pixels];
    }
    free(scaled);
}
