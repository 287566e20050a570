/* SPDX-License-Identifier: Apache-2.0 */
/*
 * first_result.c: everything from nothing to the first result, once, as an application does it. Prints one line of JSON: the
 * milliseconds of each part, the programs that were compiled and loaded, the process' highest memory, and a sum of the outputs.
 *
 * usage: first_result se|cbam|nonlocal|aspp|stn|demo [DEVICE] [tell]
 *        demo: both networks of examples/handwriting
 */
#include <plugcl/plugcl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../examples/handwriting/handwriting.h"

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

/* With the word "tell": what is compiled and launched, and when. */
static double begun;
static bool telling;

static void tell_log(void *user, plugcl_log_level level, const char *message)
{
    (void)user;
    (void)level;
    fprintf(stderr, "%9.3f %s\n", now() - begun, message);
}

static bool tell_progress(void *user, const char *what, size_t done, size_t total)
{
    (void)user;
    fprintf(stderr, "%9.3f %zu/%zu %s\n", now() - begun, done, total, what);
    return true;
}

/* What the example's files call. */
bool complain(const char *format, ...)
{
    fprintf(stderr, "first_result: %s\n", format);
    return false;
}

bool fine(plugcl_status status, const char *what)
{
    if (status != PLUGCL_OK)
        fprintf(stderr, "first_result: %s: %s\n", what, plugcl_error_message());
    return status == PLUGCL_OK;
}

static void check(plugcl_status status, const char *what)
{
    if (!fine(status, what))
        exit(1);
}

/* The plug-ins' weights: names, and dimensions up to the first 0. */
struct layer {
    const char *name;
    int64_t dims[4];
};

static const struct layer se_layers[] = { { "fc.0.weight", { 16, 256 } }, { "fc.2.weight", { 256, 16 } }, { NULL, { 0 } } };

static const struct layer cbam_layers[] = { { "ca.fc1.weight", { 16, 256, 1, 1 } }, { "ca.fc2.weight", { 256, 16, 1, 1 } },
                                            { "sa.conv1.weight", { 1, 2, 7, 7 } }, { NULL, { 0 } } };

static const struct layer nonlocal_layers[] = {
    { "theta.weight", { 128, 256, 1, 1 } }, { "theta.bias", { 128 } },
    { "phi.weight", { 128, 256, 1, 1 } },   { "phi.bias", { 128 } },
    { "g.weight", { 128, 256, 1, 1 } },     { "g.bias", { 128 } },
    { "W.weight", { 256, 128, 1, 1 } },     { "W.bias", { 256 } },
    { NULL, { 0 } },
};

#define NORM(name)                                                                                               \
    { name ".weight", { 256 } }, { name ".bias", { 256 } }, { name ".running_mean", { 256 } }, { name ".running_var", { 256 } }
static const struct layer aspp_layers[] = {
    { "convs.0.0.weight", { 256, 512, 1, 1 } }, NORM("convs.0.1"), { "convs.1.0.weight", { 256, 512, 3, 3 } }, NORM("convs.1.1"),
    { "convs.2.0.weight", { 256, 512, 3, 3 } }, NORM("convs.2.1"), { "convs.3.0.weight", { 256, 512, 3, 3 } }, NORM("convs.3.1"),
    { "convs.4.1.weight", { 256, 512, 1, 1 } }, NORM("convs.4.2"), { "project.0.weight", { 256, 1280, 1, 1 } }, NORM("project.1"),
    { NULL, { 0 } },
};

static const struct layer stn_layers[] = {
    { "localization.0.weight", { 8, 1, 7, 7 } },  { "localization.0.bias", { 8 } },
    { "localization.3.weight", { 10, 8, 5, 5 } }, { "localization.3.bias", { 10 } },
    { "fc_loc.0.weight", { 32, 90 } },            { "fc_loc.0.bias", { 32 } },
    { "fc_loc.2.weight", { 6, 32 } },             { "fc_loc.2.bias", { 6 } },
    { NULL, { 0 } },
};

static const struct plugin_case {
    const char *plugin, *options;
    const struct layer *layers;
    int64_t channels, size;
} cases[] = {
    { "se", NULL, se_layers, 256, 28 },
    { "cbam", NULL, cbam_layers, 256, 28 },
    { "nonlocal", NULL, nonlocal_layers, 256, 28 },
    { "aspp", "rates=6,12,18", aspp_layers, 512, 32 },
    { "stn", NULL, stn_layers, 1, 28 },
};

/* Positive, so that they serve as variances too, and small, so that nothing overflows. */
static float *make_values(size_t count)
{
    float *values = malloc(count * sizeof *values);
    for (size_t i = 0; values && i < count; i++)
        values[i] = (float)(i * 7919 % 97 + 1) / 9700.0f;
    return values;
}

static void add_layers(plugcl_weights *weights, const struct layer *layer)
{
    for (; layer->name; layer++) {
        plugcl_shape shape = { 0 };
        while (shape.rank < 4 && layer->dims[shape.rank] > 0) {
            shape.dims[shape.rank] = layer->dims[shape.rank];
            shape.rank++;
        }
        size_t count = (size_t)plugcl_shape_elements(&shape);
        float *values = make_values(count);
        check(plugcl_weights_add(weights, layer->name, PLUGCL_F32, &shape, values, count * sizeof *values), layer->name);
        free(values);
    }
}

static plugcl_graph *plugin_graph(const struct plugin_case *own, plugcl_weights *weights)
{
    plugcl_graph *graph = NULL;
    plugcl_node *node = NULL;
    check(plugcl_graph_create(NULL, &graph), "a graph");
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(1, own->channels, own->size, own->size));
    plugcl_graph_plugin(graph, own->plugin, &x, 1, weights, "", own->options, &node);
    plugcl_graph_output(graph, "y", plugcl_node_output(node, "y"));
    check(plugcl_graph_status(graph), own->plugin);
    return graph;
}

/* Where the time went. */
struct parts {
    double context, graph, plan, run;
};

static double run_once(plugcl_plan *plan, const char *const *outputs, size_t n_outputs)
{
    struct plugcl_binding bindings[8];
    float *memory[8];
    size_t counts[8];
    double sum = 0;
    for (size_t i = 0; i <= n_outputs; i++) {
        const char *name = i == 0 ? "x" : outputs[i - 1];
        plugcl_shape shape;
        check(plugcl_plan_shape(plan, name, &shape), name);
        counts[i] = (size_t)plugcl_shape_elements(&shape);
        memory[i] = make_values(counts[i]);
        bindings[i].name = name;
        check(plugcl_tensor_wrap_host(memory[i], counts[i] * sizeof(float), PLUGCL_F32, &shape, PLUGCL_NCHW, &bindings[i].tensor),
              name);
    }
    check(plugcl_plan_run(plan, bindings, n_outputs + 1, NULL), "a run");
    for (size_t i = 0; i <= n_outputs; i++) {
        for (size_t j = 0; i > 0 && j < counts[i]; j++)
            sum += (double)memory[i][j];
        plugcl_tensor_destroy(&bindings[i].tensor);
        free(memory[i]);
    }
    return sum;
}

static double plan_and_run(plugcl_context *context, plugcl_graph *graph, const plugcl_shape *shape, const char *const *outputs,
                           size_t n_outputs, plugcl_plan **plan, struct parts *parts)
{
    const struct plugcl_input_shape input = { "x", *shape };
    double start = now();
    check(plugcl_plan_create(context, graph, plugcl_plan_params(.shapes = &input, .n_shapes = 1,
                                                                .progress = telling ? tell_progress : NULL), plan), "a plan");
    double planned = now();
    double sum = run_once(*plan, outputs, n_outputs);
    parts->plan += planned - start;
    parts->run += now() - planned;
    return sum;
}

/* The demo's two networks, one after the other, for a scene of 256x256 pixels and a batch of crops. */
static double start_demo(plugcl_context *context, plugcl_plan *plans[2], struct parts *parts)
{
    struct networks networks;
    double start = now();
    if (!networks_build(DATA_DIR "/model.safetensors", NULL, 0, &networks))
        exit(1);
    parts->graph = now() - start;
    double sum = plan_and_run(context, networks.finder, PLUGCL_SHAPE(1, 1, 256, 256), output_names, ATTENTION, &plans[0], parts);
    sum += plan_and_run(context, networks.reader, PLUGCL_SHAPE(BATCH, 1, CROP, CROP), output_names + THETA, SCORES - THETA + 1,
                        &plans[1], parts);
    networks_free(&networks);
    return sum;
}

static double start_plugin(plugcl_context *context, const struct plugin_case *own, plugcl_weights *weights, plugcl_plan **plan,
                           struct parts *parts)
{
    const char *const y = "y";
    double start = now();
    plugcl_graph *graph = plugin_graph(own, weights);
    parts->graph = now() - start;
    double sum = plan_and_run(context, graph, PLUGCL_SHAPE(1, own->channels, own->size, own->size), &y, 1, plan, parts);
    plugcl_graph_destroy(&graph);
    return sum;
}

/* VmHWM of /proc/self/status, in KiB; 0 where there is none. */
static long peak_memory(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long kib = 0;
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    if (file)
        fclose(file);
    return kib;
}

int main(int argc, char **argv)
{
    const struct plugin_case *own = NULL;
    plugcl_weights *weights = NULL;
    plugcl_context *context = NULL;
    plugcl_plan *plans[2] = { NULL };
    struct parts parts = { 0 };
    struct plugcl_context_statistics statistics = { .struct_size = sizeof statistics };
    for (size_t i = 0; argc > 1 && i < sizeof cases / sizeof *cases; i++)
        own = strcmp(argv[1], cases[i].plugin) == 0 ? &cases[i] : own;
    if (argc < 2 || (!own && strcmp(argv[1], "demo") != 0)) {
        fprintf(stderr, "usage: first_result se|cbam|nonlocal|aspp|stn|demo [DEVICE] [tell]\n");
        return 2;
    }
    check(plugcl_weights_create(&weights), "weights"); /* an application has them in a file that it maps */
    if (own)
        add_layers(weights, own->layers);
    telling = argc > 3;
    begun = now();
    check(plugcl_context_create(plugcl_context_params(.device = argc > 2 ? argv[2] : "cpu", .log = telling ? tell_log : NULL,
                                                      .log_level = PLUGCL_LOG_DEBUG), &context), "a context");
    parts.context = now() - begun;
    double sum = own ? start_plugin(context, own, weights, plans, &parts) : start_demo(context, plans, &parts);
    double total = now() - begun;
    plugcl_context_statistics(context, &statistics);
    printf("{\"total_ms\": %.3f, \"context_ms\": %.3f, \"graph_ms\": %.3f, \"plan_ms\": %.3f, \"run_ms\": %.3f, "
           "\"compiled\": %llu, \"loaded\": %llu, \"device_bytes\": %llu, \"peak_kib\": %ld, \"sum\": %.9g}\n",
           total, parts.context, parts.graph, parts.plan, parts.run, (unsigned long long)statistics.programs_compiled,
           (unsigned long long)statistics.programs_loaded, (unsigned long long)statistics.device_bytes, peak_memory(), sum);
    plugcl_plan_destroy(&plans[0]);
    plugcl_plan_destroy(&plans[1]);
    plugcl_context_destroy(&context);
    plugcl_weights_destroy(&weights);
    return 0;
}
