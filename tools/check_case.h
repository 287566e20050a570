/* SPDX-License-Identifier: Apache-2.0 */
/* check_case.h: one plug-in with one set of weights at one set of input shapes, for check-plugin. */
#ifndef PLUGCL_TOOLS_CHECK_CASE_H
#define PLUGCL_TOOLS_CHECK_CASE_H

#include "request.h"

/* How far a plan may be from the definition, as a part of the definition's largest value (or of 1, if that is more). */
#define CHECK_TOLERANCE 1e-4

struct check {
    const struct plugcl_plugin *plugin;
    const char *sample;         /* its name, for error lines */
    const plugcl_shape *inputs; /* the graph's, with PLUGCL_DIM_ANY where a case may choose */
    plugcl_context *context;
    plugcl_weights *weights; /* may be NULL */
    const char *prefix, *options;
    uint32_t seed;
    size_t n_cases, n_refused;
    double worst; /* the largest difference, as the tolerance counts */
    char refusal[1024]; /* what was said to the last shapes that the plug-in refused */
};

/* Uniform in −1 … 1, from a state that is stepped. */
float check_random(uint32_t *state);

/* Plans and runs the plug-in fused, channels last and as its definition, on the same random inputs of these shapes, and compares
 * every output. Shapes that all three plans refuse as INVALID are counted as refused. EXIT_FAILED after an error line. */
int check_case(struct check *check, const plugcl_shape *shapes);

#endif
