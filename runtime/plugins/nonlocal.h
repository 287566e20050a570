/* SPDX-License-Identifier: Apache-2.0 */
/* nonlocal.h: a Non-local block between its recognition (nonlocal.c) and its operators (nonlocal_graph.c). */
#ifndef PLUGCL_PLUGINS_NONLOCAL_H
#define PLUGCL_PLUGINS_NONLOCAL_H

#include "plugins/layers.h"

enum nonlocal_mode { NONLOCAL_EMBEDDED_GAUSSIAN, NONLOCAL_GAUSSIAN, NONLOCAL_DOT_PRODUCT, NONLOCAL_CONCATENATION };
enum nonlocal_scale { NONLOCAL_SCALE_NONE, NONLOCAL_SCALE_INTER, NONLOCAL_SCALE_CHANNELS };

/* How one published form names its layers; of phi and g the second name is that of a sub-sampled module. */
struct nonlocal_form {
    struct layers_form base;
    const char *theta, *phi[2], *g[2], *out[2], *norm[2]; /* a second name, where there is one, stands for the first */
    const char *concatenation;                            /* NULL: neither this mode nor the gaussian one */
    enum nonlocal_scale scale;                            /* of the embedded gaussian */
    bool pools_input;                                     /* sub-sampling pools x before phi and g, not their results */
};

struct nonlocal {
    plugcl_graph *graph;
    const struct plugcl_plugin_call *call;
    const struct nonlocal_form *form;
    const char *phi, *g, *out; /* as these weights name them */
    enum nonlocal_mode mode;
    enum nonlocal_scale scale;
    bool sub_sample, seed_view, over_queries;
    bool mode_is_open, sub_sample_is_open; /* taken by default, since weights cannot tell */
    int64_t channels, inter;               /* of x (−1 until a layer tells), of the inner maps */
};

bool nonlocal_has_layer(const struct plugcl_plugin_call *call, const char *layer);
/* Adds the block on x and sets the outputs; failures are the graph's. */
void nonlocal_add(struct nonlocal *self, plugcl_value x);

#endif
