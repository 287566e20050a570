/* SPDX-License-Identifier: Apache-2.0 */
/* spatial_attention.c: CBAM's second half alone. */
#include "plugins/attention.h"
#include "plugins/table.h"

static const struct plugcl_option options[] = {
    ATTENTION_ORDER_OPTION,
    { NULL, PLUGCL_OPTION_TEXT, NULL, NULL, false, NULL },
};

static const struct plugcl_flavour flavours[] = {
    { "official", "spatial.conv spatial.bn", "[max, mean], batch norm" },
    { "copies", "conv1", "[mean, max], no bias, no batch norm" },
    { "seed", "conv1", "the same as copies" },
    { "ultralytics", "cv1", "[mean, max]" },
    { "timm", "conv.conv conv.bn", "[mean, max], batch norm" },
    { NULL, NULL, NULL },
};

static const struct attention_form forms[] = {
    { .base.flavour = "official", .window = "spatial.conv", .window_norm = "spatial.bn", .max_first = true },
    { .base.flavour = "copies", .window = "conv1" },
    { .base.flavour = "seed", .window = "conv1" },
    { .base.flavour = "ultralytics", .window = "cv1" },
    { .base.flavour = "timm", .window = "conv.conv", .window_norm = "conv.bn" },
    { .base = { NULL } },
};

static plugcl_status build(plugcl_graph *graph, const struct plugcl_plugin_call *call, void *user)
{
    (void)user;
    plugcl_value spatial = { 0 };
    const struct attention_form *form = attention_recognise(graph, call, forms, flavours);
    if (form == NULL)
        return plugcl_graph_status(graph);
    plugcl_value y = attention_spatial_gate(graph, call, form, plugcl_call_input(call, 0), &spatial);
    if (plugcl_graph_status(graph) != PLUGCL_OK)
        return plugcl_graph_status(graph);
    plugcl_call_set_output(call, "y", y);
    plugcl_call_set_output(call, "spatial", spatial);
    return plugcl_graph_status(graph);
}

const struct plugcl_plugin plugin_spatial_attention = {
    .struct_size = sizeof plugin_spatial_attention,
    .api_version = PLUGCL_PLUGIN_API_VERSION,
    .name = "spatial_attention",
    .summary = "CBAM's spatial attention alone: each pixel times its gate",
    .reference = "Woo, Park, Lee, Kweon: CBAM: Convolutional Block Attention Module, arXiv 1807.06521",
    .options = options,
    .flavours = flavours,
    .inputs = (const char *const[]){ "x", NULL },
    .outputs = (const char *const[]){ "y", "spatial", NULL },
    .build = build,
};
