/* SPDX-License-Identifier: Apache-2.0 */
/* se.c: Squeeze-and-Excitation, every published form of it. */
#include <stdio.h>
#include <string.h>

#include "plugins/attention.h"
#include "plugins/table.h"

static const struct plugcl_option options[] = {
    { "act", PLUGCL_OPTION_TEXT, "relu", "relu|relu6|leaky_relu|elu|silu|gelu|hard_swish|tanh|identity", false,
      "the function between the two layers" },
    { "gate", PLUGCL_OPTION_TEXT, "sigmoid", "sigmoid|hard_sigmoid", false,
      "the gate's function, by flavour (ese, mmcv: hard_sigmoid)" },
    { "alpha", PLUGCL_OPTION_NUMBER, "0.16666667", NULL, false, "slope of the hard sigmoid, clip(alpha·x + beta, 0, 1)" },
    { "beta", PLUGCL_OPTION_NUMBER, "0.5", NULL, false, "offset of the hard sigmoid" },
    { "add_maxpool", PLUGCL_OPTION_BOOL, "false", NULL, false, "pool by ½ mean + ½ maximum (timm)" },
    { NULL, PLUGCL_OPTION_TEXT, NULL, NULL, false, NULL },
};

static const struct plugcl_flavour flavours[] = {
    { "seed", "fc.0.weight fc.2.weight", "two linear layers without bias" },
    { "moskomule", "fc.0.weight fc.2.weight", "the same as seed" },
    { "conv", "fc.0.weight fc.2.weight of rank 4", "copies of it with 1x1 convolutions" },
    { "torchvision", "fc1.weight fc2.weight", "ReLU; EfficientNet has act=silu, MobileNetV3 gate=hard_sigmoid" },
    { "timm", "fc1.weight bn.weight fc2.weight", "SEModule, batch norm optional" },
    { "timm_efficientnet", "conv_reduce.weight conv_expand.weight", "act is the block's" },
    { "ese", "fc.weight", "one layer from C to C, hard sigmoid" },
    { "mmcv", "conv1.conv.weight conv2.conv.weight", "hard sigmoid; older versions have alpha=0.5 beta=0.5" },
    { NULL, NULL, NULL },
};

static const struct attention_form forms[] = {
    { .base.flavour = "seed", .first = "fc.0", .second = "fc.2", .rank = 2, .pools = PLUGCL_POOL_AVG },
    { .base.flavour = "moskomule", .first = "fc.0", .second = "fc.2", .rank = 2, .pools = PLUGCL_POOL_AVG },
    { .base.flavour = "conv", .first = "fc.0", .second = "fc.2", .rank = 4, .pools = PLUGCL_POOL_AVG },
    { .base.flavour = "torchvision", .first = "fc1", .second = "fc2", .pools = PLUGCL_POOL_AVG },
    { .base.flavour = "timm", .first = "fc1", .norm = "bn", .second = "fc2", .pools = PLUGCL_POOL_AVG },
    { .base.flavour = "timm_efficientnet", .first = "conv_reduce", .second = "conv_expand", .pools = PLUGCL_POOL_AVG },
    { .base.flavour = "ese", .second = "fc", .pools = PLUGCL_POOL_AVG, .hard_gate = true },
    { .base.flavour = "mmcv", .first = "conv1.conv", .second = "conv2.conv", .pools = PLUGCL_POOL_AVG, .hard_gate = true },
    { .base = { NULL } },
};

static void read_act(const struct plugcl_plugin_call *call, struct plugcl_channel_gate_params *params)
{
    static const struct {
        const char *name;
        plugcl_activation kind;
        float alpha;
    } acts[] = {
        { "relu", PLUGCL_RELU, 0 },  { "relu6", PLUGCL_RELU6, 0 },
        { "leaky_relu", PLUGCL_LEAKY_RELU, 0.01f },            { "elu", PLUGCL_ELU, 1 },
        { "silu", PLUGCL_SILU, 0 },  { "gelu", PLUGCL_GELU, 0 },   { "hard_swish", PLUGCL_HARD_SWISH, 0 },
        { "tanh", PLUGCL_TANH, 0 },  { "identity", PLUGCL_IDENTITY, 0 },
    };
    const char *name = plugcl_call_text(call, "act");
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (strcmp(acts[i].name, name) == 0) {
            params->act = acts[i].kind;
            params->act_alpha = acts[i].alpha;
        }
    }
}

/* An option that this form of the module has no use for was meant for another one. */
static bool check_options(plugcl_graph *graph, const struct plugcl_plugin_call *call, const struct attention_form *form,
                          const struct plugcl_channel_gate_params *params)
{
    static const char *const slopes[] = { "alpha", "beta" };
    if (form->first == NULL && plugcl_call_given(call, "act"))
        layers_fail(graph, PLUGCL_INVALID, "option act is given, and flavour %s has one layer, so no function between two",
                       form->base.flavour);
    for (size_t i = 0; i < sizeof slopes / sizeof *slopes && !params->hard_gate; i++)
        if (plugcl_call_given(call, slopes[i]))
            layers_fail(graph, PLUGCL_INVALID, "option %s is given, and it is of gate=hard_sigmoid; the gate is sigmoid",
                           slopes[i]);
    return plugcl_graph_status(graph) == PLUGCL_OK;
}

/* What the weights leave open, in one line. */
static void note_defaults(const struct plugcl_plugin_call *call, const struct attention_form *form,
                          const struct plugcl_channel_gate_params *params)
{
    char note[320] = "";
    size_t used = 0;
    if (form->first != NULL && !plugcl_call_given(call, "act"))
        used += (size_t)snprintf(note + used, sizeof note - used, "act=relu (or act=silu, …)");
    if (!plugcl_call_given(call, "gate"))
        used += (size_t)snprintf(note + used, sizeof note - used, "%sgate=%s (or gate=%s)", used ? ", " : "",
                                 params->hard_gate ? "hard_sigmoid" : "sigmoid", params->hard_gate ? "sigmoid" : "hard_sigmoid");
    if (params->hard_gate && !plugcl_call_given(call, "alpha") && !plugcl_call_given(call, "beta"))
        used += (size_t)snprintf(note + used, sizeof note - used, "%salpha=1/6 beta=1/2 (older mmcv: alpha=0.5 beta=0.5)",
                                 used ? ", " : "");
    if (strncmp(form->base.flavour, "timm", 4) == 0 && form->norm != NULL && !plugcl_call_given(call, "add_maxpool"))
        used += (size_t)snprintf(note + used, sizeof note - used, "%sadd_maxpool=false (or add_maxpool=true)", used ? ", " : "");
    if (used > 0) {
        char line[400];
        snprintf(line, sizeof line, "%s taken; weights cannot tell", note);
        plugcl_call_note(call, line);
    }
}

static plugcl_status build(plugcl_graph *graph, const struct plugcl_plugin_call *call, void *user)
{
    (void)user;
    struct plugcl_channel_gate_params params;
    plugcl_value gate = { 0 };
    const struct attention_form *form = attention_recognise(graph, call, forms, flavours);
    if (form == NULL)
        return plugcl_graph_status(graph);
    attention_channel_params(call, form, false, true, &params);
    read_act(call, &params);
    if (!check_options(graph, call, form, &params))
        return plugcl_graph_status(graph);
    if (plugcl_call_bool(call, "add_maxpool")) {
        params.pools = PLUGCL_POOL_AVG | PLUGCL_POOL_MAX;
        params.average_pools = true;
    }
    plugcl_value y = attention_channel_gate(graph, call, form, &params, plugcl_call_input(call, 0), &gate);
    if (plugcl_graph_status(graph) != PLUGCL_OK)
        return plugcl_graph_status(graph);
    note_defaults(call, form, &params);
    plugcl_call_set_output(call, "y", y);
    plugcl_call_set_output(call, "gate", gate);
    return plugcl_graph_status(graph);
}

const struct plugcl_plugin plugin_se = {
    .struct_size = sizeof plugin_se,
    .api_version = PLUGCL_PLUGIN_API_VERSION,
    .name = "se",
    .summary = "Squeeze-and-Excitation: each channel times a gate that an MLP computes from the channels' means",
    .reference = "Hu, Shen, Sun: Squeeze-and-Excitation Networks, arXiv 1709.01507",
    .options = options,
    .flavours = flavours,
    .inputs = (const char *const[]){ "x", NULL },
    .outputs = (const char *const[]){ "y", "gate", NULL },
    .build = build,
};
