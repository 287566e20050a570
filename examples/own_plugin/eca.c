/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eca.c: Efficient Channel Attention (Wang et al., arXiv 1910.03151) as a plug-in of one's own, in a shared object of its own.
 *
 * y = x · gate(conv1d(mean of each channel's plane)), with one filter of k taps along the channels and zeros beyond them.
 * The mean and the product are operators of plugcl's; the convolution and the gate are a kernel. docs/plugins.md explains it.
 */
#include <plugcl/kernel.h>
#include <plugcl/plugin.h>

static const char source[] =
    "/* One work-item computes the gate of one channel of one image. */\n"
    "__kernel void eca_gate(__global const float *mean, uint mean_offset, __global const float *weight, uint weight_offset,\n"
    "                       __global float *gate, uint gate_offset, int batch, int channels, int taps)\n"
    "{\n"
    "    int i = (int)get_global_id(0), channel = i % channels;\n"
    "    float sum = 0.0f;\n"
    "    if (i >= batch * channels)\n"
    "        return;\n"
    "    for (int tap = 0; tap < taps; tap++) {\n"
    "        int shift = tap - taps / 2;\n"
    "        if (channel + shift >= 0 && channel + shift < channels)\n"
    "            sum += weight[weight_offset + tap] * mean[mean_offset + i + shift];\n"
    "    }\n"
    "#ifdef HARD_GATE\n"
    "    sum = sum / 6.0f + 0.5f;\n"
    "    gate[gate_offset + i] = sum < 0.0f ? 0.0f : sum > 1.0f ? 1.0f : sum; /* NaN stays: no clamp */\n"
    "#else\n"
    "    gate[gate_offset + i] = 1.0f / (1.0f + exp(-sum));\n"
    "#endif\n"
    "}\n";

/* The same in operators: a 2-D convolution that is k high and 1 wide, with the channels as height. */
static void define_gate(plugcl_graph *graph, const plugcl_value *inputs, plugcl_value *outputs, void *user)
{
    static const int swap[4] = { 0, 2, 1, 3 };
    const bool *is_hard = user;
    plugcl_shape shape;
    if (plugcl_graph_shape(graph, inputs[1], &shape) != PLUGCL_OK)
        return;
    uint32_t taps = (uint32_t)shape.dims[2], half = taps / 2;
    plugcl_value row = plugcl_graph_transpose(graph, inputs[0], swap, 4);
    plugcl_value weight = plugcl_graph_reshape(graph, inputs[1], PLUGCL_SHAPE(1, 1, taps, 1));
    row = plugcl_graph_conv2d(graph, row, weight, (plugcl_value){ 0 }, plugcl_conv2d_params(.pad = { half, 0, half, 0 }));
    row = plugcl_graph_activation(graph, row, *is_hard ? PLUGCL_HARD_SIGMOID : PLUGCL_SIGMOID, 1.0f / 6.0f, 0.5f);
    outputs[0] = plugcl_graph_transpose(graph, row, swap, 4);
}

static plugcl_value add_gate(plugcl_graph *graph, plugcl_value mean, plugcl_value weight, bool is_hard)
{
    static bool gates[2] = { false, true }; /* they outlive every graph, as `user` must */
    const plugcl_value inputs[] = { mean, weight };
    const struct plugcl_kernel_argument arguments[] = {
        plugcl_argument_input(0),        plugcl_argument_input(1),        plugcl_argument_output(0),
        plugcl_argument_dimension(0, 0), plugcl_argument_dimension(0, 1), plugcl_argument_dimension(1, 2),
    };
    return plugcl_graph_kernel(graph, inputs, 2,
                               plugcl_kernel_params(.source = source, .entry = "eca_gate",
                                                    .options = is_hard ? "-DHARD_GATE" : NULL, .arguments = arguments,
                                                    .n_arguments = sizeof arguments / sizeof arguments[0],
                                                    .definition = define_gate, .user = &gates[is_hard]),
                               NULL);
}

static plugcl_status build(plugcl_graph *graph, const struct plugcl_plugin_call *call, void *user)
{
    (void)user;
    plugcl_shape shape;
    plugcl_value x = plugcl_call_input(call, 0), weight = plugcl_call_weight(call, "conv.weight");
    if (plugcl_graph_status(graph) != PLUGCL_OK || plugcl_graph_shape(graph, weight, &shape) != PLUGCL_OK)
        return plugcl_graph_status(graph);
    if (shape.rank != 3 || shape.dims[0] != 1 || shape.dims[1] != 1 || shape.dims[2] % 2 == 0)
        return plugcl_graph_fail(graph, PLUGCL_INVALID, "conv.weight of eca must be [1, 1, k] with odd k");
    bool is_hard = plugcl_call_text(call, "gate")[0] == 'h';
    plugcl_value mean = plugcl_graph_adaptive_avg_pool2d(graph, x, 1, 1);
    plugcl_value gate = add_gate(graph, mean, weight, is_hard);
    plugcl_call_set_flavour(call, "official");
    if (!plugcl_call_given(call, "gate"))
        plugcl_call_note(call, "gate=sigmoid (or gate=hard_sigmoid) taken; weights cannot tell");
    plugcl_call_set_output(call, "y", plugcl_graph_binary(graph, PLUGCL_MUL, x, gate));
    plugcl_call_set_output(call, "gate", gate);
    return plugcl_graph_status(graph);
}

/*
 * What plugcl plugins, run and check-plugin know of it.
 */
static const struct plugcl_option options[] = {
    { "gate", PLUGCL_OPTION_TEXT, "sigmoid", "sigmoid|hard_sigmoid", false, "what makes the gate of the convolution's result" },
    { NULL, PLUGCL_OPTION_TEXT, NULL, NULL, false, NULL },
};

static const struct plugcl_flavour flavours[] = {
    { "official", "conv.weight", "the authors' and timm's: one filter [1, 1, k]" },
    { NULL, NULL, NULL },
};

static const struct plugcl_sample_tensor three_taps[] = { { "conv.weight", { 3, { 1, 1, 3 } } }, { NULL, { 0, { 0 } } } };
static const struct plugcl_sample_tensor nine_taps[] = { { "conv.weight", { 3, { 1, 1, 9 } } }, { NULL, { 0, { 0 } } } };
static const plugcl_shape wide[] = { { 4, { PLUGCL_DIM_ANY, 64, PLUGCL_DIM_ANY, PLUGCL_DIM_ANY } } };
static const plugcl_shape narrow[] = { { 4, { PLUGCL_DIM_ANY, 3, PLUGCL_DIM_ANY, PLUGCL_DIM_ANY } } };
static const struct plugcl_sample samples[] = {
    { "k = 3, 64 channels", NULL, three_taps, wide },
    { "k = 9, 3 channels", NULL, nine_taps, narrow },
    { "k = 3, hard gate", "gate=hard_sigmoid", three_taps, wide },
    { NULL, NULL, NULL, NULL },
};

static const char *const inputs[] = { "x", NULL };
static const char *const outputs[] = { "y", "gate", NULL };
static const struct plugcl_plugin eca = {
    .struct_size = sizeof eca,
    .api_version = PLUGCL_PLUGIN_API_VERSION,
    .name = "eca",
    .summary = "Efficient Channel Attention: each channel times a gate that its neighbours' means make",
    .reference = "Wang, Wu, Zhu, Li, Zuo, Hu: ECA-Net, arXiv 1910.03151",
    .options = options,
    .flavours = flavours,
    .inputs = inputs,
    .outputs = outputs,
    .build = build,
    .samples = samples,
};

static const struct plugcl_plugin *const plugins[] = { &eca, NULL };
const struct plugcl_plugin_library plugcl_plugins = { sizeof plugcl_plugins, PLUGCL_PLUGIN_API_VERSION, plugins };
