/* SPDX-License-Identifier: Apache-2.0 */
#include "ref/attention.h"

#include <math.h>
#include <stdlib.h>

#include "ref/softmax.h"

static double score(const struct ref_attention *at, const double *q, const double *k)
{
    double sum = 0;
    if (at->mode == PLUGCL_ATTENTION_CONCATENATION)
        return (q[0] + k[0]) * at->scale;
    for (int64_t d = 0; d < at->depth; d++)
        sum += q[d] * k[d];
    return sum * at->scale;
}

void ref_affinity(const struct ref_attention *at, const double *q, const double *k, double *affinity)
{
    const plugcl_shape shape = { 3, { at->batch, at->queries, at->keys } };
    for (int64_t i = 0; i < at->batch * at->queries; i++) {
        for (int64_t j = 0; j < at->keys; j++) {
            double s = score(at, q + i * at->depth, k + (i / at->queries * at->keys + j) * at->depth);
            if (at->mode == PLUGCL_ATTENTION_CONCATENATION)
                s = s < 0 ? 0 : s;
            affinity[i * at->keys + j] = at->mode == PLUGCL_ATTENTION_SOFTMAX ? s : s / (double)at->keys;
        }
    }
    if (at->mode == PLUGCL_ATTENTION_SOFTMAX)
        ref_softmax(affinity, &shape, at->over_queries ? 1 : 2, affinity);
}

void ref_attention(const struct ref_attention *at, const double *q, const double *k, const double *v, double *y)
{
    size_t count = (size_t)(at->batch * at->queries * at->keys);
    double *affinity = malloc((count + 1) * sizeof *affinity);
    if (affinity != NULL)
        ref_affinity(at, q, k, affinity);
    for (int64_t i = 0; i < at->batch * at->queries; i++) {
        const double *values = v + i / at->queries * at->keys * at->columns;
        for (int64_t e = 0; e < at->columns; e++) {
            double sum = affinity != NULL ? 0 : INFINITY;
            for (int64_t j = 0; j < at->keys && affinity != NULL; j++)
                sum += affinity[i * at->keys + j] * values[j * at->columns + e];
            y[i * at->columns + e] = sum;
        }
    }
    free(affinity);
}
