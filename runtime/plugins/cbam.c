/* SPDX-License-Identifier: Apache-2.0 */
/* cbam.c: the Convolutional Block Attention Module: channel attention, then spatial attention. */
#include "plugins/attention.h"
#include "plugins/table.h"

#define AVG_MAX (PLUGCL_POOL_AVG | PLUGCL_POOL_MAX)

static const struct plugcl_option options[] = {
    ATTENTION_POOLS_OPTION,
    ATTENTION_GATE_OPTION,
    ATTENTION_ORDER_OPTION,
    { NULL, PLUGCL_OPTION_TEXT, NULL, NULL, false, NULL },
};

static const struct plugcl_flavour flavours[] = {
    { "official", "ChannelGate.mlp.1 ChannelGate.mlp.3 SpatialGate.spatial.conv SpatialGate.spatial.bn",
      "Jongchan's; [max, mean], batch norm" },
    { "copies", "ca.fc.0 ca.fc.2 sa.conv1, or ca.fc1 ca.fc2 sa.conv1", "most copies; [mean, max], no bias, no batch norm" },
    { "seed", "fc1 fc2 conv1", "the same in one module" },
    { "ultralytics", "channel_attention.fc spatial_attention.cv1", "mean only, one layer with bias" },
    { "timm", "channel.fc1 channel.fc2 spatial.conv.conv spatial.conv.bn", "[mean, max], batch norm" },
    { NULL, NULL, NULL },
};

static const struct attention_form forms[] = {
    { .base.flavour = "official", .first = "ChannelGate.mlp.1", .second = "ChannelGate.mlp.3", .window = "SpatialGate.spatial.conv",
      .window_norm = "SpatialGate.spatial.bn", .pools = AVG_MAX, .max_first = true },
    { .base.flavour = "copies", .first = "ca.fc.0", .second = "ca.fc.2", .window = "sa.conv1", .pools = AVG_MAX },
    { .base.flavour = "copies", .first = "ca.fc1", .second = "ca.fc2", .window = "sa.conv1", .pools = AVG_MAX },
    { .base.flavour = "seed", .first = "fc1", .second = "fc2", .window = "conv1", .pools = AVG_MAX },
    { .base.flavour = "ultralytics", .second = "channel_attention.fc", .window = "spatial_attention.cv1",
      .pools = PLUGCL_POOL_AVG },
    { .base.flavour = "timm", .first = "channel.fc1", .second = "channel.fc2", .window = "spatial.conv.conv",
      .window_norm = "spatial.conv.bn", .pools = AVG_MAX },
    { .base = { NULL } },
};

static plugcl_status build(plugcl_graph *graph, const struct plugcl_plugin_call *call, void *user)
{
    (void)user;
    struct plugcl_channel_gate_params params;
    plugcl_value gate = { 0 }, spatial = { 0 };
    const struct attention_form *form = attention_recognise(graph, call, forms, flavours);
    if (form == NULL)
        return plugcl_graph_status(graph);
    attention_channel_params(call, form, true, false, &params);
    plugcl_value scaled = attention_channel_gate(graph, call, form, &params, plugcl_call_input(call, 0), &gate);
    if (plugcl_graph_status(graph) != PLUGCL_OK)
        return plugcl_graph_status(graph);
    plugcl_value y = attention_spatial_gate(graph, call, form, scaled, &spatial);
    if (plugcl_graph_status(graph) != PLUGCL_OK)
        return plugcl_graph_status(graph);
    plugcl_call_set_output(call, "y", y);
    plugcl_call_set_output(call, "gate", gate);
    plugcl_call_set_output(call, "spatial", spatial);
    return plugcl_graph_status(graph);
}

const struct plugcl_plugin plugin_cbam = {
    .struct_size = sizeof plugin_cbam,
    .api_version = PLUGCL_PLUGIN_API_VERSION,
    .name = "cbam",
    .summary = "CBAM: channel attention, then spatial attention",
    .reference = "Woo, Park, Lee, Kweon: CBAM: Convolutional Block Attention Module, arXiv 1807.06521",
    .options = options,
    .flavours = flavours,
    .inputs = (const char *const[]){ "x", NULL },
    .outputs = (const char *const[]){ "y", "gate", "spatial", NULL },
    .build = build,
};
