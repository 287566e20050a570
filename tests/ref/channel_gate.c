/* SPDX-License-Identifier: Apache-2.0 */
#include "ref/channel_gate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ref/elementwise.h"

static double larger(double a, double b)
{
    return b > a || isnan(b) ? b : a;
}

static double pool_plane(const double *plane, int64_t pixels, uint32_t pool)
{
    double most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < pixels; i++) {
        most = larger(most, plane[i]);
        sum += pool == PLUGCL_POOL_LP ? plane[i] * plane[i] : plane[i];
    }
    if (pool == PLUGCL_POOL_AVG)
        return sum / (double)pixels;
    if (pool == PLUGCL_POOL_MAX)
        return most;
    if (pool == PLUGCL_POOL_LP)
        return sqrt(sum);
    sum = 0;
    for (int64_t i = 0; i < pixels; i++)
        sum += exp(plane[i] - most);
    return most + log(sum);
}

static void linear(const double *weight, const double *bias, const double *in, int64_t rows, int64_t columns, double *out)
{
    for (int64_t i = 0; i < rows; i++) {
        out[i] = bias ? bias[i] : 0;
        for (int64_t j = 0; j < columns; j++)
            out[i] += weight[i * columns + j] * in[j];
    }
}

struct layers {
    const struct plugcl_channel_gate_params *params;
    const double *first, *first_bias, *second, *second_bias;
    int64_t channels, hidden;
};

/* Adds the MLP of `pooled` to `sum`; `work` has room for hidden + channels. */
static void add_mlp(const struct layers *layers, const double *pooled, double *work, double *sum)
{
    double *out = work + layers->hidden;
    const double *in = pooled;
    if (layers->first) {
        linear(layers->first, layers->first_bias, pooled, layers->hidden, layers->channels, work);
        for (int64_t j = 0; j < layers->hidden; j++)
            work[j] = ref_activation(layers->params->act, work[j], layers->params->act_alpha, 0);
        in = work;
    }
    linear(layers->second, layers->second_bias, in, layers->channels, layers->hidden, out);
    for (int64_t c = 0; c < layers->channels; c++)
        sum[c] += out[c];
}

static void gate_image(const struct layers *layers, const double *x, int64_t pixels, double *work, double *gate)
{
    const struct plugcl_channel_gate_params *params = layers->params;
    uint32_t pools = params->pools ? params->pools : PLUGCL_POOL_AVG;
    int64_t channels = layers->channels;
    double *pooled = work, *mean = work + channels;
    int count = 0;
    memset(mean, 0, (size_t)channels * sizeof *mean);
    memset(gate, 0, (size_t)channels * sizeof *gate);
    for (uint32_t pool = PLUGCL_POOL_AVG; pool <= PLUGCL_POOL_LSE; pool <<= 1) {
        if ((pools & pool) == 0)
            continue;
        count++;
        for (int64_t c = 0; c < channels; c++) {
            pooled[c] = pool_plane(x + c * pixels, pixels, pool);
            mean[c] += pooled[c];
        }
        if (!params->average_pools)
            add_mlp(layers, pooled, work + 2 * channels, gate);
    }
    for (int64_t c = 0; c < channels; c++)
        mean[c] /= count;
    if (params->average_pools)
        add_mlp(layers, mean, work + 2 * channels, gate);
    for (int64_t c = 0; c < channels; c++)
        gate[c] = ref_activation(params->hard_gate ? PLUGCL_HARD_SIGMOID : PLUGCL_SIGMOID, gate[c], params->gate_alpha,
                                 params->gate_beta);
}

void ref_channel_gate(const struct plugcl_channel_gate_params *params, const plugcl_shape *x_shape, int64_t hidden, const double *x,
                      const double *first, const double *first_bias, const double *second, const double *second_bias, double *gate,
                      double *y)
{
    int64_t channels = x_shape->dims[1], pixels = x_shape->dims[2] * x_shape->dims[3];
    struct layers layers = { params, first, first_bias, second, second_bias, channels, hidden };
    double *work = calloc((size_t)(3 * channels + hidden), sizeof *work);
    if (work == NULL)
        abort();
    for (int64_t image = 0; image < x_shape->dims[0]; image++) {
        gate_image(&layers, x + image * channels * pixels, pixels, work, gate + image * channels);
        for (int64_t i = image * channels * pixels; y && i < (image + 1) * channels * pixels; i++)
            y[i] = x[i] * gate[i / pixels];
    }
    free(work);
}
