/* SPDX-License-Identifier: Apache-2.0 */
#include "ref/deform_conv2d.h"

#include <math.h>

static double pixel(const double *plane, const plugcl_shape *shape, double row, double column)
{
    if (row < 0 || row >= (double)shape->dims[2] || column < 0 || column >= (double)shape->dims[3])
        return 0;
    return plane[(int64_t)row * shape->dims[3] + (int64_t)column];
}

static double bilinear(const double *plane, const plugcl_shape *shape, double row, double column)
{
    if (!(row > -1 && row < (double)shape->dims[2] && column > -1 && column < (double)shape->dims[3]))
        return 0;
    double top = floor(row), left = floor(column), down = row - top, right = column - left;
    return (1 - down) * ((1 - right) * pixel(plane, shape, top, left) + right * pixel(plane, shape, top, left + 1)) +
           down * ((1 - right) * pixel(plane, shape, top + 1, left) + right * pixel(plane, shape, top + 1, left + 1));
}

struct problem {
    const double *x, *weight, *offset, *mask;
    const plugcl_shape *x_shape, *weight_shape, *y_shape;
    const struct plugcl_conv2d_params *params;
    int64_t offset_groups;
};

/* Of the map [N, channels, OH, OW]. */
static double map_at(const double *map, int64_t channels, const plugcl_shape *y_shape, int64_t image, int64_t channel, int64_t row,
                     int64_t column)
{
    return map[((image * channels + channel) * y_shape->dims[2] + row) * y_shape->dims[3] + column];
}

static double sum_of(const struct problem *p, int64_t image, int64_t output, int64_t row, int64_t column)
{
    const int64_t *w = p->weight_shape->dims, *in = p->x_shape->dims, taps = w[2] * w[3], groups = p->offset_groups;
    double sum = 0;
    for (int64_t c = 0; c < w[1]; c++) {
        int64_t channel = output / (w[0] / p->params->groups) * w[1] + c, group = channel / (in[1] / groups);
        for (int64_t tap = 0; tap < taps; tap++) {
            int64_t at = group * taps + tap;
            double y = (double)(row * p->params->stride[0] + tap / w[3] * p->params->dilation[0]) - p->params->pad[0];
            double x = (double)(column * p->params->stride[1] + tap % w[3] * p->params->dilation[1]) - p->params->pad[1];
            y += map_at(p->offset, 2 * groups * taps, p->y_shape, image, 2 * at, row, column);
            x += map_at(p->offset, 2 * groups * taps, p->y_shape, image, 2 * at + 1, row, column);
            double factor = p->mask ? map_at(p->mask, groups * taps, p->y_shape, image, at, row, column) : 1;
            sum += factor * p->weight[(output * w[1] + c) * taps + tap] *
                   bilinear(p->x + (image * in[1] + channel) * in[2] * in[3], p->x_shape, y, x);
        }
    }
    return sum;
}

void ref_deform_conv2d(const double *x, const plugcl_shape *x_shape, const double *weight, const plugcl_shape *weight_shape,
                       const double *bias, const double *offset, const double *mask, int64_t offset_groups,
                       const struct plugcl_conv2d_params *params, const plugcl_shape *y_shape, double *y)
{
    const struct problem problem = { x, weight, offset, mask, x_shape, weight_shape, y_shape, params, offset_groups };
    const int64_t *out = y_shape->dims;
    for (int64_t i = 0; i < plugcl_shape_elements(y_shape); i++) {
        int64_t output = i / (out[2] * out[3]) % out[1], image = i / (out[1] * out[2] * out[3]);
        y[i] = (bias ? bias[output] : 0) + sum_of(&problem, image, output, i / out[3] % out[2], i % out[3]);
    }
}
