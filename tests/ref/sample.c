/* SPDX-License-Identifier: Apache-2.0 */
#include "ref/sample.h"

#include <math.h>

static double base(int64_t index, int64_t size, bool align_corners)
{
    if (!align_corners)
        return (2.0 * (double)index + 1) / (double)size - 1;
    return size == 1 ? 0 : -1 + 2.0 * (double)index / (double)(size - 1);
}

void ref_affine_grid(const double *theta, int64_t images, int64_t height, int64_t width, bool align_corners, double *grid)
{
    for (int64_t i = 0; i < images * height * width; i++) {
        const double *map = theta + i / (height * width) * 6;
        double x = base(i % width, width, align_corners), y = base(i / width % height, height, align_corners);
        for (int k = 0; k < 2; k++)
            grid[2 * i + k] = map[3 * k] * x + map[3 * k + 1] * y + map[3 * k + 2];
    }
}

double ref_pixel_coordinate(double x, int64_t size, bool align_corners)
{
    return align_corners ? (x + 1) / 2 * (double)(size - 1) : ((x + 1) * (double)size - 1) / 2;
}

/* Clipped with NaN as 0, or reflected first, as PyTorch's CPU kernel does; under zeros it stays. */
static double padded(double x, int64_t size, const struct plugcl_sample_params *params)
{
    double last = (double)size - 1;
    if (params->padding == PLUGCL_SAMPLE_ZEROS)
        return x;
    if (params->padding == PLUGCL_SAMPLE_REFLECTION) {
        double low = params->align_corners ? 0 : -0.5, span = params->align_corners ? last : (double)size;
        double rest = span > 0 ? fmod(fabs(x - low), 2 * span) : 0;
        x = span > 0 ? low + (rest > span ? 2 * span - rest : rest) : 0;
    }
    return !(x > 0) ? 0 : x > last ? last : x;
}

/* The pixel at a whole-numbered position; 0 outside. */
static double pixel_at(const double *plane, int64_t height, int64_t width, double row, double column)
{
    if (!(row >= 0 && row < (double)height && column >= 0 && column < (double)width))
        return 0;
    return plane[(int64_t)row * width + (int64_t)column];
}

/* Cubic convolution with A = −0.75 at a distance. */
static double cubic(double distance)
{
    double d = fabs(distance);
    if (d <= 1)
        return 1.25 * d * d * d - 2.25 * d * d + 1;
    return -0.75 * (d * d * d - 5 * d * d + 8 * d - 4);
}

static double sample(const struct plugcl_sample_params *params, const double *plane, int64_t height, int64_t width, double x,
                     double y)
{
    bool cubic_mode = params->mode == PLUGCL_SAMPLE_BICUBIC;
    x = ref_pixel_coordinate(x, width, params->align_corners);
    y = ref_pixel_coordinate(y, height, params->align_corners);
    if (!cubic_mode) { /* bicubic pads each pixel that it reads */
        x = padded(x, width, params);
        y = padded(y, height, params);
    }
    if (params->mode == PLUGCL_SAMPLE_NEAREST)
        return pixel_at(plane, height, width, nearbyint(y), nearbyint(x));
    double left = floor(x), top = floor(y), sum = 0;
    for (int i = cubic_mode ? -1 : 0; i <= (cubic_mode ? 2 : 1); i++) {
        for (int j = cubic_mode ? -1 : 0; j <= (cubic_mode ? 2 : 1); j++) {
            double weight = cubic_mode ? cubic(y - top - i) * cubic(x - left - j)
                                       : (i ? y - top : 1 - (y - top)) * (j ? x - left : 1 - (x - left));
            double row = cubic_mode ? padded(top + i, height, params) : top + i;
            double column = cubic_mode ? padded(left + j, width, params) : left + j;
            sum += weight * pixel_at(plane, height, width, row, column);
        }
    }
    return sum;
}

void ref_grid_sample(const struct plugcl_sample_params *params, const plugcl_shape *x_shape, int64_t rows, int64_t columns,
                     const double *x, const double *grid, double *y)
{
    int64_t channels = x_shape->dims[1], height = x_shape->dims[2], width = x_shape->dims[3], pixels = rows * columns;
    for (int64_t i = 0; i < x_shape->dims[0] * channels * pixels; i++) {
        const double *point = grid + 2 * (i / (channels * pixels) * pixels + i % pixels);
        y[i] = sample(params, x + i / pixels * height * width, height, width, point[0], point[1]);
    }
}
