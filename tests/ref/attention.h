/* SPDX-License-Identifier: Apache-2.0 */
/* attention.h: attention in the modes of the Non-local block (arXiv 1711.07971), in double. */
#ifndef PLUGCL_TESTS_REF_ATTENTION_H
#define PLUGCL_TESTS_REF_ATTENTION_H

#include <plugcl/graph.h>

struct ref_attention {
    int64_t batch, queries, keys, depth, columns;
    plugcl_attention_mode mode;
    double scale;
    bool over_queries;
};

/* q [batch, queries, depth], k [batch, keys, depth] to affinities [batch, queries, keys], after normalisation. */
void ref_affinity(const struct ref_attention *at, const double *q, const double *k, double *affinity);
/* … times v [batch, keys, columns]. Infinite results where memory is short. */
void ref_attention(const struct ref_attention *at, const double *q, const double *k, const double *v, double *y);

#endif
