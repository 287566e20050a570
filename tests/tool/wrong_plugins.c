/* SPDX-License-Identifier: Apache-2.0 */
/* wrong_plugins.c: plug-ins that plugcl check-plugin must find at fault, each with one kernel y = x and a definition. */
#include <plugcl/kernel.h>
#include <plugcl/plugin.h>

/* -DFACTOR: what y is wrong by; -DLEFT_OUT: how many elements at the end are not written. */
static const char source[] =
    "__kernel void same(__global const float *x, uint x_at, __global float *y, uint y_at, int n, int c, int h, int w)\n"
    "{\n"
    "    int i = (int)get_global_id(0);\n"
    "    if (i < n * c * h * w - LEFT_OUT)\n"
    "        y[y_at + i] = x[x_at + i] * FACTOR;\n"
    "}\n";

static void define_same(plugcl_graph *graph, const plugcl_value *inputs, plugcl_value *outputs, void *user)
{
    (void)user;
    outputs[0] = plugcl_graph_activation(graph, inputs[0], PLUGCL_IDENTITY, 0, 0);
}

static void define_pooled(plugcl_graph *graph, const plugcl_value *inputs, plugcl_value *outputs, void *user)
{
    (void)user;
    outputs[0] = plugcl_graph_adaptive_avg_pool2d(graph, inputs[0], 1, 1);
}

static const char *refuse(const struct plugcl_kernel_sizes *sizes, void *user)
{
    (void)user;
    sizes->outputs[0] = sizes->inputs[0];
    return "nothing is right";
}

static plugcl_status add(plugcl_graph *graph, const struct plugcl_plugin_call *call, const char *options,
                         plugcl_kernel_definition definition, plugcl_kernel_shape_rule rule)
{
    plugcl_value x = plugcl_call_input(call, 0);
    const struct plugcl_kernel_argument arguments[] = {
        plugcl_argument_input(0),        plugcl_argument_output(0),       plugcl_argument_dimension(0, 0),
        plugcl_argument_dimension(0, 1), plugcl_argument_dimension(0, 2), plugcl_argument_dimension(0, 3),
    };
    plugcl_call_set_output(call, "y",
                           plugcl_graph_kernel(graph, &x, 1,
                                               plugcl_kernel_params(.source = source, .entry = "same", .options = options,
                                                                    .arguments = arguments, .n_arguments = 6,
                                                                    .definition = definition, .shape_rule = rule),
                                               NULL));
    return plugcl_graph_status(graph);
}

static const char *const inputs[] = { "x", NULL };
static const char *const outputs[] = { "y", NULL };
static const plugcl_shape shapes[] = { { 4, { PLUGCL_DIM_ANY, 6, PLUGCL_DIM_ANY, PLUGCL_DIM_ANY } } };
static const struct plugcl_sample any_size[] = { { "any size", NULL, NULL, shapes }, { NULL, NULL, NULL, NULL } };

#define PLUGIN(plugin, flags, definition, rule, with)                                                                             \
    static plugcl_status build_##plugin(plugcl_graph *graph, const struct plugcl_plugin_call *call, void *user)                   \
    {                                                                                                                             \
        (void)user;                                                                                                               \
        return add(graph, call, flags, definition, rule);                                                                         \
    }                                                                                                                             \
    static const struct plugcl_plugin plugin = {                                                                                  \
        .struct_size = sizeof plugin, .api_version = PLUGCL_PLUGIN_API_VERSION, .name = #plugin, .summary = "for a test",         \
        .inputs = inputs, .outputs = outputs, .build = build_##plugin, .samples = with                                            \
    }
PLUGIN(off, "-DFACTOR=1.001f -DLEFT_OUT=0", define_same, NULL, any_size);
PLUGIN(left_out, "-DFACTOR=1 -DLEFT_OUT=1", NULL, NULL, any_size);
PLUGIN(pooled, "-DFACTOR=1 -DLEFT_OUT=0", define_pooled, NULL, any_size);
PLUGIN(refusing, "-DFACTOR=1 -DLEFT_OUT=0", define_same, refuse, any_size);
PLUGIN(broken, "-DLEFT_OUT=0", NULL, NULL, any_size);
PLUGIN(right, "-DFACTOR=1 -DLEFT_OUT=0", define_same, NULL, NULL);

static const struct plugcl_plugin *const plugins[] = { &off, &left_out, &pooled, &refusing, &broken, &right, NULL };
const struct plugcl_plugin_library plugcl_plugins = { sizeof plugcl_plugins, PLUGCL_PLUGIN_API_VERSION, plugins };
