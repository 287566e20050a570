// SPDX-License-Identifier: Apache-2.0
// A C++17 program that uses the installed library: a convolution with ReLU, then a plug-in of its own, on mapped tensors.
#include <plugcl/plugcl.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

template <class T, void (*destroy)(T **)> struct Destroyer {
    void operator()(T *object) const { destroy(&object); }
};
template <class T, void (*destroy)(T **)> using Handle = std::unique_ptr<T, Destroyer<T, destroy>>;

using Context = Handle<plugcl_context, plugcl_context_destroy>;
using Registry = Handle<plugcl_registry, plugcl_registry_destroy>;
using Graph = Handle<plugcl_graph, plugcl_graph_destroy>;
using Plan = Handle<plugcl_plan, plugcl_plan_destroy>;
using Run = Handle<plugcl_run, plugcl_run_destroy>;
using Tensor = Handle<plugcl_tensor, plugcl_tensor_destroy>;

void check(plugcl_status status)
{
    if (status != PLUGCL_OK)
        throw std::runtime_error(std::string(plugcl_status_name(status)) + ": " + plugcl_error_message());
}

// make<Context>(plugcl_context_create, arguments…): the handle that a create function puts last.
template <class H, class Create, class... Arguments> H make(Create create, Arguments... arguments)
{
    typename H::pointer made = nullptr;
    check(create(arguments..., &made));
    return H(made);
}

// y = x + x · sigmoid(x)
plugcl_status build_swish_residual(plugcl_graph *graph, const plugcl_plugin_call *call, void *)
{
    plugcl_value x = plugcl_call_input(call, 0);
    plugcl_value swish = plugcl_graph_activation(graph, x, PLUGCL_SILU, 0, 0);
    plugcl_call_set_output(call, "y", plugcl_graph_binary(graph, PLUGCL_ADD, x, swish));
    return plugcl_graph_status(graph);
}

const char *const inputs[] = { "x", nullptr };
const char *const outputs[] = { "y", nullptr };

plugcl_plugin make_plugin()
{
    static const plugcl_option options[] = { { nullptr, PLUGCL_OPTION_TEXT, nullptr, nullptr, false, nullptr } };
    static const plugcl_flavour flavours[] = { { nullptr, nullptr, nullptr } };
    plugcl_plugin plugin = {};
    plugin.struct_size = sizeof plugin;
    plugin.api_version = PLUGCL_PLUGIN_API_VERSION;
    plugin.name = "swish_residual";
    plugin.summary = "x plus its swish";
    plugin.reference = "";
    plugin.options = options;
    plugin.flavours = flavours;
    plugin.inputs = inputs;
    plugin.outputs = outputs;
    plugin.build = build_swish_residual;
    return plugin;
}

Tensor make_mapped(plugcl_context *context, const plugcl_shape &shape)
{
    plugcl_tensor_params params = plugcl_tensor_params_init();
    params.shape = shape;
    params.memory = PLUGCL_MEMORY_MAPPED;
    return make<Tensor>(plugcl_tensor_create, context, &params);
}

// A 1x1 convolution that swaps two channels and halves them; then ReLU; then the plug-in.
double run(plugcl_context *context, const plugcl_registry *registry)
{
    plugcl_graph_params graph_params = plugcl_graph_params_init();
    graph_params.registry = registry;
    Graph graph = make<Graph>(plugcl_graph_create, &graph_params);
    const plugcl_shape unknown = plugcl_make_shape(PLUGCL_DIM_ANY, 2, PLUGCL_DIM_ANY, PLUGCL_DIM_ANY);
    const plugcl_shape filter = plugcl_make_shape(2, 2, 1, 1), shape = plugcl_make_shape(2, 2, 5, 3);
    const float swap[] = { 0.0f, 0.5f, 0.5f, 0.0f };
    plugcl_value x = plugcl_graph_input(graph.get(), "x", PLUGCL_F32, &unknown);
    plugcl_value weight = plugcl_graph_constant(graph.get(), PLUGCL_F32, &filter, swap);
    plugcl_conv2d_params conv = plugcl_conv2d_params_init();
    plugcl_value y = plugcl_graph_conv2d(graph.get(), x, weight, plugcl_value{}, &conv);
    y = plugcl_graph_activation(graph.get(), y, PLUGCL_RELU, 0, 0);
    plugcl_node *node = nullptr;
    check(plugcl_graph_plugin(graph.get(), "swish_residual", &y, 1, nullptr, nullptr, nullptr, &node));
    plugcl_graph_output(graph.get(), "y", plugcl_node_output(node, "y"));

    const plugcl_input_shape known = { "x", shape };
    plugcl_plan_params plan_params = plugcl_plan_params_init();
    plan_params.shapes = &known;
    plan_params.n_shapes = 1;
    Plan plan = make<Plan>(plugcl_plan_create, context, graph.get(), &plan_params);
    graph.reset(); // the plan holds what it needs

    Tensor in = make_mapped(context, shape), out = make_mapped(context, shape);
    std::vector<float> picture(60), result(60);
    for (std::size_t i = 0; i < picture.size(); i++)
        picture[i] = static_cast<float>(i % 11) - 5.0f;
    void *memory = nullptr;
    check(plugcl_tensor_map(in.get(), &memory));
    std::memcpy(memory, picture.data(), picture.size() * sizeof(float));
    check(plugcl_tensor_unmap(in.get()));

    const plugcl_binding bindings[] = { { "x", in.get() }, { "y", out.get() } };
    Run started = make<Run>(plugcl_plan_run, plan.get(), bindings, std::size_t{ 2 });
    check(plugcl_run_wait(started.get(), PLUGCL_WAIT_FOREVER));
    check(plugcl_tensor_read(out.get(), result.data(), result.size() * sizeof(float)));

    double worst = 0;
    for (std::size_t i = 0; i < result.size(); i++) {
        std::size_t swapped = (i / 15) % 2 == 0 ? i + 15 : i - 15;
        double relu = std::max(0.0, 0.5 * static_cast<double>(picture[swapped]));
        worst = std::max(worst, std::abs(static_cast<double>(result[i]) - (relu + relu / (1 + std::exp(-relu)))));
    }
    return worst;
}

} // namespace

int main()
try {
    plugcl_context_params params = plugcl_context_params_init();
    params.no_disk_cache = true;
    Context context = make<Context>(plugcl_context_create, &params);
    const plugcl_plugin plugin = make_plugin();
    Registry registry = make<Registry>(plugcl_registry_create);
    check(plugcl_registry_add(registry.get(), &plugin, nullptr));
    double worst = run(context.get(), registry.get());
    std::printf("C++, plugcl %s on %s: largest error %.1e\n", plugcl_version(), plugcl_context_device(context.get())->name, worst);
    return worst < 1e-5 ? 0 : 1;
} catch (const std::exception &error) {
    std::fprintf(stderr, "consumer.cpp: %s\n", error.what());
    return 1;
}
