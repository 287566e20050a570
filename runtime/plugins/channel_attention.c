/* SPDX-License-Identifier: Apache-2.0 */
/* channel_attention.c: CBAM's first half alone. */
#include "plugins/attention.h"
#include "plugins/table.h"

#define AVG_MAX (PLUGCL_POOL_AVG | PLUGCL_POOL_MAX)

static const struct plugcl_option options[] = {
    ATTENTION_POOLS_OPTION,
    ATTENTION_GATE_OPTION,
    { NULL, PLUGCL_OPTION_TEXT, NULL, NULL, false, NULL },
};

static const struct plugcl_flavour flavours[] = {
    { "official", "mlp.1 mlp.3", "linear layers with bias" },
    { "copies", "fc.0 fc.2, or fc1 fc2", "1x1 convolutions without bias" },
    { "seed", "fc1 fc2", "the same as copies" },
    { "ultralytics", "fc", "mean only, one layer with bias" },
    { "timm", "fc1 fc2", "the same as copies" },
    { NULL, NULL, NULL },
};

static const struct attention_form forms[] = {
    { .base.flavour = "official", .first = "mlp.1", .second = "mlp.3", .pools = AVG_MAX },
    { .base.flavour = "copies", .first = "fc.0", .second = "fc.2", .pools = AVG_MAX },
    { .base.flavour = "copies", .first = "fc1", .second = "fc2", .pools = AVG_MAX },
    { .base.flavour = "seed", .first = "fc1", .second = "fc2", .pools = AVG_MAX },
    { .base.flavour = "ultralytics", .second = "fc", .pools = PLUGCL_POOL_AVG },
    { .base.flavour = "timm", .first = "fc1", .second = "fc2", .pools = AVG_MAX },
    { .base = { NULL } },
};

static plugcl_status build(plugcl_graph *graph, const struct plugcl_plugin_call *call, void *user)
{
    (void)user;
    struct plugcl_channel_gate_params params;
    plugcl_value gate = { 0 };
    const struct attention_form *form = attention_recognise(graph, call, forms, flavours);
    if (form == NULL)
        return plugcl_graph_status(graph);
    attention_channel_params(call, form, true, false, &params);
    plugcl_value y = attention_channel_gate(graph, call, form, &params, plugcl_call_input(call, 0), &gate);
    if (plugcl_graph_status(graph) != PLUGCL_OK)
        return plugcl_graph_status(graph);
    plugcl_call_set_output(call, "y", y);
    plugcl_call_set_output(call, "gate", gate);
    return plugcl_graph_status(graph);
}

const struct plugcl_plugin plugin_channel_attention = {
    .struct_size = sizeof plugin_channel_attention,
    .api_version = PLUGCL_PLUGIN_API_VERSION,
    .name = "channel_attention",
    .summary = "CBAM's channel attention alone: each channel times its gate",
    .reference = "Woo, Park, Lee, Kweon: CBAM: Convolutional Block Attention Module, arXiv 1807.06521",
    .options = options,
    .flavours = flavours,
    .inputs = (const char *const[]){ "x", NULL },
    .outputs = (const char *const[]){ "y", "gate", NULL },
    .build = build,
};
