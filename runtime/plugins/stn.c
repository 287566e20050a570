/* SPDX-License-Identifier: Apache-2.0 */
/* stn.c: spatial transformers: a localisation net that predicts an affine map, and the image warped by it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/layers.h"
#include "plugins/table.h"

#define NORM_EPS 1e-5f
#define MAX_SIZE (1 << 24) /* pixels along an axis that a float tells apart */

static const struct plugcl_option options[] = {
    { "mode", PLUGCL_OPTION_TEXT, "bilinear", "bilinear|nearest|bicubic", false, "how a value between pixels is made" },
    { "padding_mode", PLUGCL_OPTION_TEXT, "zeros", "zeros|border|reflection", false, "what lies outside the image" },
    { "align_corners", PLUGCL_OPTION_BOOL, "false", NULL, false,
      "true: −1 and 1 are the centres of the outer pixels, as before PyTorch 1.3" },
    { "localization", PLUGCL_OPTION_TEXT, "auto", NULL, false,
      "the layers, as conv,maxpool2,relu,flatten,fc,relu,fc: conv, bn, maxpool2 to 4, avgpool2 to 4, dropout, flatten, fc, relu, "
      "relu6, leaky_relu, elu, silu, gelu, hard_swish, sigmoid, tanh" },
    { "size", PLUGCL_OPTION_TEXT, "input", NULL, false, "height,width of the output, or input for the same" },
    { NULL, PLUGCL_OPTION_TEXT, NULL, NULL, false, NULL },
};

static const struct plugcl_flavour flavours[] = {
    { "seed", "fc1.weight fc2.weight", "flatten and two linear layers, no function between" },
    { "tutorial", "localization.{0,3} fc_loc.{0,2}", "PyTorch's tutorial: two convolutions and two linear layers" },
    { "chain", "localization.K fc_loc.K", "the layers that option localization spells; K counts those of its part" },
    { NULL, NULL, NULL },
};

struct stn_form {
    struct layers_form base;
    const char *chain;
    const char *layers[5]; /* that have weights; ends with NULL */
    bool needs_bias;
};

static const struct stn_form forms[] = {
    { { "seed" }, "flatten,fc,fc", { "fc1", "fc2", NULL }, true },
    { { "tutorial" }, "conv,maxpool2,relu,conv,maxpool2,relu,flatten,fc,relu,fc",
      { "localization.0", "localization.3", "fc_loc.0", "fc_loc.2", NULL }, true },
    { { "chain" }, NULL, { NULL }, false },
    { { NULL }, NULL, { NULL }, false },
};

static int count_layers(const struct plugcl_plugin_call *call, const struct layers_form *base)
{
    const struct stn_form *form = (const struct stn_form *)(const void *)base;
    int count = 0;
    for (size_t i = 0; form->layers[i] != NULL; i++)
        count += layers_find(call, form->layers[i], "weight") != NULL;
    return count;
}

enum layer_kind { CONVOLUTION, NORM, MAX_POOL, AVERAGE_POOL, ACTIVATION, FLATTEN, LINEAR };

struct layer {
    const char *name;
    enum layer_kind kind;
    plugcl_activation act;
    float alpha;
    uint32_t window;
};

static const struct layer layers[] = {
    { .name = "conv", .kind = CONVOLUTION },
    { .name = "bn", .kind = NORM },
    { .name = "flatten", .kind = FLATTEN },
    { .name = "fc", .kind = LINEAR },
    { .name = "maxpool2", .kind = MAX_POOL, .window = 2 },
    { .name = "maxpool3", .kind = MAX_POOL, .window = 3 },
    { .name = "maxpool4", .kind = MAX_POOL, .window = 4 },
    { .name = "avgpool2", .kind = AVERAGE_POOL, .window = 2 },
    { .name = "avgpool3", .kind = AVERAGE_POOL, .window = 3 },
    { .name = "avgpool4", .kind = AVERAGE_POOL, .window = 4 },
    { .name = "dropout", .kind = ACTIVATION, .act = PLUGCL_IDENTITY },
    { .name = "relu", .kind = ACTIVATION, .act = PLUGCL_RELU },
    { .name = "relu6", .kind = ACTIVATION, .act = PLUGCL_RELU6 },
    { .name = "leaky_relu", .kind = ACTIVATION, .act = PLUGCL_LEAKY_RELU, .alpha = 0.01f },
    { .name = "elu", .kind = ACTIVATION, .act = PLUGCL_ELU, .alpha = 1 },
    { .name = "silu", .kind = ACTIVATION, .act = PLUGCL_SILU },
    { .name = "gelu", .kind = ACTIVATION, .act = PLUGCL_GELU },
    { .name = "hard_swish", .kind = ACTIVATION, .act = PLUGCL_HARD_SWISH },
    { .name = "sigmoid", .kind = ACTIVATION, .act = PLUGCL_SIGMOID },
    { .name = "tanh", .kind = ACTIVATION, .act = PLUGCL_TANH },
};

/* A localisation net in the making. */
struct net {
    plugcl_graph *graph;
    const struct plugcl_plugin_call *call;
    const struct stn_form *form;
    plugcl_value x;
    bool is_flat;
    int place;      /* of the layer in its part */
    int linear;     /* how many linear layers are there so far … */
    int all_linear; /* … and in all */
};

static const struct layer *find_layer(const char *item, size_t length)
{
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        if (strlen(layers[i].name) == length && strncmp(layers[i].name, item, length) == 0)
            return &layers[i];
    return NULL;
}

/* The dimension of the net's value so far, or −1 where it is not known. */
static int64_t known_dimension(const struct net *net, uint32_t axis)
{
    plugcl_shape shape;
    if (plugcl_graph_shape(net->graph, net->x, &shape) != PLUGCL_OK || axis >= shape.rank || shape.dims[axis] == PLUGCL_DIM_ANY)
        return -1;
    return shape.dims[axis];
}

static void layer_name(const struct net *net, char name[32])
{
    if (net->form == &forms[0])
        snprintf(name, 32, "fc%d", net->linear + 1);
    else
        snprintf(name, 32, "%s.%d", net->is_flat ? "fc_loc" : "localization", net->place);
}

static bool add_convolution(struct net *net, const char *name)
{
    const struct plugcl_weights_entry *entry = layers_find(net->call, name, "weight");
    plugcl_value weight = { 0 }, bias = { 0 };
    int64_t channels = known_dimension(net, 1);
    char wanted[64];
    snprintf(wanted, sizeof wanted, channels < 0 ? "[out, C, K, K]" : "[out, %lld, K, K]", (long long)channels);
    if (!layers_take(net->graph, net->call, name, net->form->needs_bias, &weight, &bias) ||
        !layers_check_shape(net->graph, entry, PLUGCL_SHAPE(-1, channels, -1, -1), wanted) ||
        !layers_check_vector(net->graph, layers_find(net->call, name, "bias"), entry->shape.dims[0]))
        return false;
    net->x = plugcl_graph_conv2d(net->graph, net->x, weight, bias, NULL);
    return true;
}

static bool add_linear(struct net *net, const char *name)
{
    const struct plugcl_weights_entry *entry = layers_find(net->call, name, "weight");
    plugcl_value weight = { 0 }, bias = { 0 };
    bool is_last = ++net->linear == net->all_linear;
    if (!layers_take(net->graph, net->call, name, net->form->needs_bias, &weight, &bias) ||
        !layers_check_matrix(net->graph, entry, 0, is_last ? 6 : -1, known_dimension(net, 1)) ||
        !layers_check_vector(net->graph, layers_find(net->call, name, "bias"), entry->shape.dims[0]))
        return false;
    net->x = plugcl_graph_linear(net->graph, net->x, weight, bias);
    return true;
}

static bool add_norm(struct net *net, const char *name)
{
    static const char *const tensors[] = { "running_mean", "running_var", "weight", "bias" };
    plugcl_value values[4] = { { 0 } };
    for (size_t i = 0; i < 4; i++) {
        char tensor[64];
        snprintf(tensor, sizeof tensor, "%s.%s", name, tensors[i]);
        if (i < 2 || plugcl_call_find(net->call, tensor) != NULL)
            values[i] = plugcl_call_weight(net->call, tensor);
    }
    net->x = plugcl_graph_batch_norm(net->graph, net->x, values[0], values[1], values[2], values[3], NORM_EPS);
    return true;
}

static bool add_layer(struct net *net, const struct layer *layer)
{
    const struct plugcl_pool2d_params *window = plugcl_pool2d_params(.kernel = { layer->window, layer->window });
    char name[32];
    layer_name(net, name);
    bool is_good = true;
    switch (layer->kind) {
    case CONVOLUTION: is_good = add_convolution(net, name); break;
    case NORM: is_good = add_norm(net, name); break;
    case MAX_POOL: net->x = plugcl_graph_max_pool2d(net->graph, net->x, window); break;
    case AVERAGE_POOL: net->x = plugcl_graph_avg_pool2d(net->graph, net->x, window); break;
    case ACTIVATION: net->x = plugcl_graph_activation(net->graph, net->x, layer->act, layer->alpha, 0); break;
    case FLATTEN: net->x = plugcl_graph_flatten(net->graph, net->x, 1, -1); break;
    case LINEAR: is_good = add_linear(net, name); break;
    }
    net->place = layer->kind == FLATTEN ? 0 : net->place + 1;
    net->is_flat = net->is_flat || layer->kind == FLATTEN;
    return is_good && plugcl_graph_status(net->graph) == PLUGCL_OK;
}

static bool fail_unknown_layer(plugcl_graph *graph, const char *item, size_t length)
{
    char names[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < sizeof layers / sizeof *layers && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", layers[i].name);
    layers_fail(graph, PLUGCL_INVALID, "option localization: there is no layer \"%.*s\"; there are %s", (int)length, item, names);
    return false;
}

/* False, with an error in the graph, for what is not layers of pictures, flatten, and layers of rows with at least one fc. */
static bool check_chain(struct net *net, const char *chain)
{
    bool is_flat = false;
    for (const char *item = chain;; item++) {
        size_t length = strcspn(item, ",");
        const struct layer *layer = find_layer(item, length);
        if (layer == NULL)
            return fail_unknown_layer(net->graph, item, length);
        bool of_rows = layer->kind == LINEAR, of_pictures = !of_rows && layer->kind != ACTIVATION && layer->kind != NORM;
        if (is_flat ? of_pictures : of_rows) {
            layers_fail(net->graph, PLUGCL_INVALID, "option localization has %s %s flatten; it must be as conv,relu,flatten,fc",
                        layer->name, is_flat ? "after" : "before");
            return false;
        }
        is_flat = is_flat || layer->kind == FLATTEN;
        net->all_linear += of_rows;
        item += length;
        if (*item == '\0')
            break;
    }
    if (net->all_linear == 0)
        layers_fail(net->graph, PLUGCL_INVALID, "option localization is %s; it must hold flatten and then at least one fc", chain);
    return net->all_linear > 0;
}

/* The localisation net's six numbers for each image as [N, 2, 3]. */
static bool add_localisation(struct net *net, const char *chain)
{
    if (!check_chain(net, chain))
        return false;
    for (const char *item = chain; *item != '\0'; item += *item == ',') {
        size_t length = strcspn(item, ",");
        if (!add_layer(net, find_layer(item, length)))
            return false;
        item += length;
    }
    net->x = plugcl_graph_reshape(net->graph, net->x, PLUGCL_SHAPE(0, 2, 3));
    return plugcl_graph_status(net->graph) == PLUGCL_OK;
}

/* The flavour, and its chain of layers. */
static const struct stn_form *choose_form(plugcl_graph *graph, const struct plugcl_plugin_call *call, const char **chain)
{
    const char *given = plugcl_call_text(call, "localization"), *flavour = plugcl_call_text(call, "flavour");
    const struct stn_form *form = &forms[2];
    bool is_spelled = strcmp(given, "auto") != 0, is_auto = strcmp(flavour, "auto") == 0;
    if (is_spelled && is_auto)
        plugcl_call_set_flavour(call, form->base.flavour);
    else
        form = (const struct stn_form *)(const void *)layers_recognise(graph, call, &forms[0].base, sizeof *forms, count_layers,
                                                                       flavours);
    if (form == NULL)
        return NULL;
    if (is_spelled && form->chain != NULL)
        layers_fail(graph, PLUGCL_INVALID, "option localization is given, and flavour %s has its own; flavour=chain takes any",
                    form->base.flavour);
    if (!is_spelled && form->chain == NULL)
        layers_fail(graph, PLUGCL_INVALID, "flavour chain needs option localization, as conv,maxpool2,relu,flatten,fc,relu,fc");
    for (size_t i = 0; is_auto && form->layers[i] != NULL; i++)
        if (layers_find(call, form->layers[i], "weight") == NULL)
            layers_fail(graph, PLUGCL_NOT_FOUND, "%s.weight, which flavour %s has, is not there; for another net, spell its layers "
                        "with option localization", form->layers[i], form->base.flavour);
    *chain = is_spelled ? given : form->chain;
    return plugcl_graph_status(graph) == PLUGCL_OK ? form : NULL;
}

/* Option size: "H,W", or 0 for the input's. */
static bool read_size(plugcl_graph *graph, const struct plugcl_plugin_call *call, uint32_t size[2])
{
    const char *text = plugcl_call_text(call, "size"), *rest = text;
    if (strcmp(text, "input") == 0)
        return true;
    for (int i = 0; i < 2; i++) {
        char *end;
        unsigned long value = *rest >= '0' && *rest <= '9' ? strtoul(rest, &end, 10) : 0;
        if (value < 1 || value > MAX_SIZE || *end != (i == 0 ? ',' : '\0')) {
            layers_fail(graph, PLUGCL_INVALID, "option size is %s; it must be height,width, both 1 to %d", text, MAX_SIZE);
            return false;
        }
        size[i] = (uint32_t)value;
        rest = end + 1;
    }
    return true;
}

static int index_of(const char *name, const char *const names[3])
{
    int index = 0;
    while (index < 2 && strcmp(name, names[index]) != 0)
        index++;
    return index;
}

/* align_corners is told always: it was once the other way round. */
static void note_choices(const struct plugcl_plugin_call *call)
{
    static const char *const names[] = { "align_corners", "mode", "padding_mode" };
    char note[256] = "";
    size_t used = 0;
    bool given = plugcl_call_given(call, "align_corners");
    for (size_t i = 0; i < 3; i++) {
        if (plugcl_call_given(call, names[i]) && i > 0)
            continue;
        used += (size_t)snprintf(note + used, sizeof note - used, "%s%s=%s%s", used ? ", " : "", names[i],
                                 plugcl_call_text(call, names[i]),
                                 i > 0 ? "" : given ? " as given" : " (align_corners=true before PyTorch 1.3)");
    }
    snprintf(note + used, sizeof note - used, " taken; weights cannot tell");
    plugcl_call_note(call, note);
}

static plugcl_status build(plugcl_graph *graph, const struct plugcl_plugin_call *call, void *user)
{
    static const char *const modes[] = { "bilinear", "nearest", "bicubic" };
    static const char *const paddings[] = { "zeros", "border", "reflection" };
    (void)user;
    plugcl_value x = plugcl_call_input(call, 0);
    struct plugcl_sample_params params = plugcl_sample_params_init();
    uint32_t size[2] = { 0, 0 };
    int64_t channels;
    const char *chain = NULL;
    params.mode = (plugcl_sample_mode)index_of(plugcl_call_text(call, "mode"), modes);
    params.padding = (plugcl_sample_padding)index_of(plugcl_call_text(call, "padding_mode"), paddings);
    params.align_corners = plugcl_call_bool(call, "align_corners");
    struct net net = { .graph = graph, .call = call, .x = x };
    if (!read_size(graph, call, size) || !layers_read_channels(graph, x, &channels) ||
        (net.form = choose_form(graph, call, &chain)) == NULL || !add_localisation(&net, chain))
        return plugcl_graph_status(graph);
    plugcl_call_set_output(call, "theta", net.x);
    plugcl_call_set_output(call, "y", plugcl_graph_warp(graph, x, net.x, size[0], size[1], &params));
    /* A grid that nobody reads is never computed. */
    plugcl_call_set_output(call, "grid", plugcl_graph_affine_grid(graph, net.x, x, size[0], size[1], params.align_corners));
    note_choices(call);
    return plugcl_graph_status(graph);
}

const struct plugcl_plugin plugin_stn = {
    .struct_size = sizeof plugin_stn,
    .api_version = PLUGCL_PLUGIN_API_VERSION,
    .name = "stn",
    .summary = "Spatial transformer: the image warped by the affine map that a small net predicts from it",
    .reference = "Jaderberg, Simonyan, Zisserman, Kavukcuoglu: Spatial Transformer Networks, arXiv 1506.02025",
    .options = options,
    .flavours = flavours,
    .inputs = (const char *const[]){ "x", NULL },
    .outputs = (const char *const[]){ "y", "theta", "grid", NULL },
    .build = build,
};
