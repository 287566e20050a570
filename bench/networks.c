/* SPDX-License-Identifier: Apache-2.0 */
/* networks.c: networks that plug-ins are part of: ResNet's bottleneck blocks, and those of examples/handwriting. */
#include <stdio.h>
#include <string.h>

#include "contender.h"

static plugcl_value residual(struct model *model, plugcl_value x, plugcl_value y)
{
    return relu(model, plugcl_graph_binary(model->graph, PLUGCL_ADD, x, y));
}

static plugcl_value halve(struct model *model, plugcl_value x)
{
    return plugcl_graph_max_pool2d(model->graph, x, plugcl_pool2d_params(.kernel = { 2, 2 }));
}

/* The plug-in stands before the shortcut. */
plugcl_value build_bottlenecks(struct model *model)
{
    bool cbam = strcmp(case_text(model->json, "plugin", "se"), "cbam") == 0;
    int64_t channels = number(model, "channels"), inner = channels / 4, blocks = number(model, "blocks");
    plugcl_value x = add_input(model, channels);
    for (int i = 0; i < blocks; i++) {
        char prefix[16], plugin[32];
        snprintf(prefix, sizeof prefix, "%d.", i);
        snprintf(plugin, sizeof plugin, "%d.plugin.", i);
        plugcl_value y = add_unit(model, x, prefix, "conv1", "bn1", PLUGCL_SHAPE(inner, channels, 1, 1), 1, false);
        y = add_unit(model, y, prefix, "conv2", "bn2", PLUGCL_SHAPE(inner, inner, 3, 3), 1, false);
        y = add_unit(model, y, prefix, "conv3", "bn3", PLUGCL_SHAPE(channels, inner, 1, 1), 1, true);
        y = cbam ? add_cbam(model, y, plugin, channels, channels / 16) : add_se(model, y, plugin, channels, channels / 16);
        x = residual(model, x, y);
    }
    return x;
}

/* Two 3x3 convolutions; what follows them is the caller's. */
static plugcl_value add_pair(struct model *model, plugcl_value x, const char *prefix, int64_t channels)
{
    plugcl_value y = add_unit(model, x, prefix, "conv1", "bn1", PLUGCL_SHAPE(channels, channels, 3, 3), 1, false);
    return add_unit(model, y, prefix, "conv2", "bn2", PLUGCL_SHAPE(channels, channels, 3, 3), 1, true);
}

/* Finder of examples/handwriting/network.py: SE, CBAM, Non-local and ASPP in a small network for segmentation. */
plugcl_value build_finder(struct model *model)
{
    plugcl_value x = add_unit(model, add_input(model, 1), "stem.", "conv", "bn", PLUGCL_SHAPE(16, 1, 3, 3), 2, false);
    const plugcl_value fine = residual(model, x, add_se(model, add_pair(model, x, "block1.", 16), "block1.se.", 16, 4));
    x = add_unit(model, halve(model, fine), "transition.", "conv", "bn", PLUGCL_SHAPE(40, 16, 3, 3), 1, false);
    x = residual(model, x, add_cbam(model, add_pair(model, x, "block2.", 40), "block2.cbam.", 40, 10));
    x = add_aspp(model, add_nonlocal(model, x, "non_local.", 40), "aspp.", 40, 32, "rates=2,4,6");
    x = plugcl_graph_resize(model->graph, x, fine, NULL);
    x = plugcl_graph_concat(model->graph, (const plugcl_value[]){ x, fine }, 2, 1);
    x = add_unit(model, x, "merge.", "conv", "bn", PLUGCL_SHAPE(24, 48, 3, 3), 1, false);
    add_layer(model, "", "mask", PLUGCL_SHAPE(1, 24, 1, 1));
    return plugcl_graph_conv2d_layer(model->graph, x, model->weights, "mask", NULL);
}

/* Reader of examples/handwriting/network.py: a spatial transformer and a small classifier. */
plugcl_value build_reader(struct model *model)
{
    add_layer(model, "stn.", "localization.0", PLUGCL_SHAPE(8, 1, 7, 7));
    add_layer(model, "stn.", "localization.3", PLUGCL_SHAPE(10, 8, 5, 5));
    add_layer(model, "stn.", "fc_loc.0", PLUGCL_SHAPE(32, 90));
    add_layer(model, "stn.", "fc_loc.2", PLUGCL_SHAPE(6, 32));
    plugcl_value x = add_plugin(model, add_input(model, 1), "stn", "stn.", "");
    x = halve(model, add_unit(model, x, "conv1.", "conv", "bn", PLUGCL_SHAPE(24, 1, 3, 3), 1, false));
    x = halve(model, add_unit(model, x, "conv2.", "conv", "bn", PLUGCL_SHAPE(48, 24, 3, 3), 1, false));
    x = add_unit(model, x, "conv3.", "conv", "bn", PLUGCL_SHAPE(64, 48, 3, 3), 1, false);
    x = plugcl_graph_flatten(model->graph, plugcl_graph_adaptive_avg_pool2d(model->graph, x, 1, 1), 1, -1);
    add_layer(model, "", "head", PLUGCL_SHAPE(10, 64));
    return plugcl_graph_linear_layer(model->graph, x, model->weights, "head");
}
