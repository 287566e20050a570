/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attention.h: what the plug-ins of the SE and CBAM family share: which published form the weights have, their layers checked, and
 * the two gates built from them.
 */
#ifndef PLUGCL_PLUGINS_ATTENTION_H
#define PLUGCL_PLUGINS_ATTENTION_H

#include "plugins/layers.h"

#define ATTENTION_NORM_EPS 1e-5f

/* How one published form names its layers; a flavour may have several. NULL for a layer that it does not have. */
struct attention_form {
    struct layers_form base;
    const char *first, *second; /* the channel MLP; without `first` it is one layer */
    const char *norm;           /* of the first layer; folded when it is there */
    const char *window;         /* the spatial convolution */
    const char *window_norm;    /* its batch norm, which must be there */
    uint32_t rank;              /* of the first layer's weight; 0: 2 or 4 */
    uint32_t pools;             /* plugcl_gate_pool bits */
    bool hard_gate, max_first;
};

/* The form that has most of its tensors below the call's prefix, the first one of equals, or the one asked for by `flavour=`.
 * `forms` ends with a NULL flavour. NULL and an error in the graph if there is none. States the flavour. */
const struct attention_form *attention_recognise(plugcl_graph *graph, const struct plugcl_plugin_call *call,
                                                 const struct attention_form *forms, const struct plugcl_flavour *flavours);

/* The options pools, gate, alpha and beta, where the plug-in has them, over the form's defaults. */
void attention_channel_params(const struct plugcl_plugin_call *call, const struct attention_form *form, bool has_pools,
                              bool has_slope, struct plugcl_channel_gate_params *params);
/* Both gates: the plug-in's input x to y, with the gate's own value. */
plugcl_value attention_channel_gate(plugcl_graph *graph, const struct plugcl_plugin_call *call, const struct attention_form *form,
                                    const struct plugcl_channel_gate_params *params, plugcl_value x, plugcl_value *gate);
plugcl_value attention_spatial_gate(plugcl_graph *graph, const struct plugcl_plugin_call *call, const struct attention_form *form,
                                    plugcl_value x, plugcl_value *gate);

/* Options that several plug-ins have. */
#define ATTENTION_POOLS_OPTION                                                                                                    \
    { "pools", PLUGCL_OPTION_TEXT, "avg,max", "avg|max|lp|lse", true,                                                            \
      "how a channel is summed up, by flavour: mean, maximum, 2-norm, log of the sum of exponentials" }
#define ATTENTION_GATE_OPTION \
    { "gate", PLUGCL_OPTION_TEXT, "sigmoid", "sigmoid|hard_sigmoid", false, "the channel gate's function, by flavour" }
#define ATTENTION_ORDER_OPTION                                                                    \
    { "order", PLUGCL_OPTION_TEXT, "mean_max", "mean_max|max_mean", false,                       \
      "the two maps that the spatial convolution reads, by flavour (official: max_mean)" }

#endif
