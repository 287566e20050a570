/* SPDX-License-Identifier: Apache-2.0 */
/* aspp.c: Atrous Spatial Pyramid Pooling, every published form of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/layers.h"
#include "plugins/table.h"

#define MAX_BRANCHES 9 /* of plugcl_graph_pyramid */
#define MAX_RATE 65536
#define NORM_EPS 1e-5f

static const struct plugcl_option options[] = {
    { "rates", PLUGCL_OPTION_NUMBER, "", NULL, true,
      "dilation of each branch that is not 1x1, by flavour (seed, jfzhang95: 6,12,18; others: 12,24,36); a 1 for the 1x1 branch "
      "may stand before them" },
    { NULL, PLUGCL_OPTION_TEXT, NULL, NULL, false, NULL },
};

static const struct plugcl_flavour flavours[] = {
    { "seed", "conv atrous_block{1,6,12,18} conv_1x1_output",
      "bias, neither batch norm nor ReLU; pooled branch first" },
    { "torchvision", "convs.0.{0,1} convs.1.{0,1} … convs.4.{1,2} project.{0,1}", "DeepLabV3's head; pooled branch last" },
    { "mmseg", "image_pool.1.{conv,bn} aspp_modules.0.{conv,bn} … bottleneck.{conv,bn}", "3x3 projection; pooled branch first" },
    { "jfzhang95", "aspp1.{atrous_conv,bn} … aspp4 global_avg_pool.{1,2} conv1 bn1",
      "pooled branch last; output stride 8 has rates=12,24,36" },
    { "smp", "torchvision's, or convs.1.0.{0,1} convs.1.1 …",
      "segmentation_models_pytorch; DeepLabV3+ has separable branches" },
    { NULL, NULL, NULL },
};

/* How one published form names its layers; '*' stands for a branch's number, and for the pooled branch for the number after the
 * last one. */
struct aspp_form {
    struct layers_form base;
    const char *branch, *branch_norm;
    const char *depthwise, *pointwise; /* in place of `branch` where it is separable */
    const char *pool, *pool_norm, *projection, *projection_norm; /* a form without norms has biases and no ReLU */
    int first, numbers[4]; /* of the branches: counted from `first` on, or these */
    bool pool_first;
    int rates[3];
};

static const struct aspp_form forms[] = {
    { .base = { "seed" }, .branch = "atrous_block*", .pool = "conv", .projection = "conv_1x1_output", .numbers = { 1, 6, 12, 18 },
      .pool_first = true, .rates = { 6, 12, 18 } },
    { .base = { "torchvision" }, .branch = "convs.*.0", .branch_norm = "convs.*.1", .pool = "convs.*.1", .pool_norm = "convs.*.2",
      .projection = "project.0", .projection_norm = "project.1", .rates = { 12, 24, 36 } },
    { .base = { "mmseg" }, .branch = "aspp_modules.*.conv", .branch_norm = "aspp_modules.*.bn", .pool = "image_pool.1.conv",
      .pool_norm = "image_pool.1.bn", .projection = "bottleneck.conv", .projection_norm = "bottleneck.bn", .pool_first = true,
      .rates = { 12, 24, 36 } },
    { .base = { "jfzhang95" }, .branch = "aspp*.atrous_conv", .branch_norm = "aspp*.bn", .pool = "global_avg_pool.1",
      .pool_norm = "global_avg_pool.2", .projection = "conv1", .projection_norm = "bn1", .first = 1, .rates = { 6, 12, 18 } },
    { .base = { "smp" }, .branch = "convs.*.0", .branch_norm = "convs.*.1", .depthwise = "convs.*.0.0", .pointwise = "convs.*.0.1",
      .pool = "convs.*.1", .pool_norm = "convs.*.2", .projection = "project.0", .projection_norm = "project.1",
      .rates = { 12, 24, 36 } },
    { .base = { NULL } },
};

/* The module while it is being built. */
struct aspp {
    plugcl_graph *graph;
    const struct plugcl_plugin_call *call;
    const struct aspp_form *form;
    int64_t channels; /* of x; −1 while it is unknown */
    struct plugcl_pyramid_branch branches[MAX_BRANCHES];
    size_t n_branches;
    bool is_wide[MAX_BRANCHES]; /* not 1x1: has a rate */
};

struct layer {
    plugcl_value weight, bias;
    int64_t outputs, channels, kernel;
};

static const char *name_layer(char name[64], const char *pattern, int number)
{
    const char *star = strchr(pattern, '*');
    if (star == NULL)
        snprintf(name, 64, "%s", pattern);
    else
        snprintf(name, 64, "%.*s%d%s", (int)(star - pattern), pattern, number, star + 1);
    return name;
}

static bool has_convolution(const struct plugcl_plugin_call *call, const char *pattern, int number)
{
    char name[64];
    const struct plugcl_weights_entry *entry = pattern ? layers_find(call, name_layer(name, pattern, number), "weight") : NULL;
    return entry != NULL && entry->shape.rank != 1; /* that of a norm has one axis */
}

static int branch_number(const struct aspp_form *form, int branch)
{
    return form->numbers[0] != 0 ? form->numbers[branch] : form->first + branch;
}

/* As many as the pooled branch's number says, or else as the last one's own does; one in between may be missing. */
static int count_branches(const struct plugcl_plugin_call *call, const struct aspp_form *form)
{
    int count = 0;
    if (form->numbers[0] != 0)
        return (int)(sizeof form->numbers / sizeof *form->numbers);
    for (int i = 0; i <= MAX_BRANCHES; i++)
        if (has_convolution(call, form->branch, form->first + i) || has_convolution(call, form->depthwise, form->first + i))
            count = i + 1;
    for (int i = count; i <= MAX_BRANCHES && strchr(form->pool, '*') != NULL; i++)
        if (has_convolution(call, form->pool, form->first + i))
            count = i;
    return count;
}

static int count_layers(const struct plugcl_plugin_call *call, const struct layers_form *base)
{
    const struct aspp_form *form = (const struct aspp_form *)base;
    int branches = count_branches(call, form), count = has_convolution(call, form->projection, 0);
    count += has_convolution(call, form->pool, form->first + branches);
    for (int i = 0; i < branches; i++)
        count += has_convolution(call, form->branch, branch_number(form, i)) ||
                 has_convolution(call, form->depthwise, branch_number(form, i));
    return count;
}

/* [O, channels, K, K] with odd K; kernel −1: any. The error names what is known of it. */
static bool check_convolution(plugcl_graph *graph, const struct plugcl_weights_entry *entry, int64_t channels, int64_t kernel)
{
    char wanted[96], depth[24] = "C", window[32] = "K, K] with odd K";
    const int64_t *dims = entry->shape.dims;
    if (channels >= 0)
        snprintf(depth, sizeof depth, "%lld", (long long)channels);
    if (kernel >= 0)
        snprintf(window, sizeof window, "%lld, %lld]", (long long)kernel, (long long)kernel);
    else
        kernel = entry->shape.rank == 4 && dims[2] % 2 == 1 ? dims[2] : 0;
    snprintf(wanted, sizeof wanted, "[O, %s, %s", depth, window);
    return layers_check_shape(graph, entry, PLUGCL_SHAPE(-1, channels, kernel, kernel), wanted);
}

/* A convolution with its norm folded. */
static bool take_convolution(struct aspp *self, const char *pattern, const char *norm, int number, int64_t channels, int64_t kernel,
                             struct layer *layer)
{
    char name[64];
    plugcl_graph *graph = self->graph;
    *layer = (struct layer){ .outputs = 0 };
    name_layer(name, pattern, number);
    if (!layers_take(graph, self->call, name, norm == NULL, &layer->weight, &layer->bias))
        return false;
    const struct plugcl_weights_entry *entry = layers_find(self->call, name, "weight");
    if (!check_convolution(graph, entry, channels, kernel))
        return false;
    layer->outputs = entry->shape.dims[0];
    layer->channels = entry->shape.dims[1];
    layer->kernel = entry->shape.dims[2];
    if (!layers_check_vector(graph, layers_find(self->call, name, "bias"), layer->outputs))
        return false;
    return norm == NULL || layers_fold_norm(graph, self->call, name_layer(name, norm, number), layer->outputs, NORM_EPS,
                                            &layer->weight, &layer->bias);
}

/* The first half of a separable branch. */
static bool take_depthwise(struct aspp *self, int number, struct plugcl_pyramid_branch *branch)
{
    char name[64], wanted[64];
    plugcl_value bias = { 0 };
    name_layer(name, self->form->depthwise, number);
    if (!layers_take(self->graph, self->call, name, false, &branch->depthwise, &bias))
        return false;
    const struct plugcl_weights_entry *entry = layers_find(self->call, name, "weight");
    if (bias.id != 0) {
        layers_fail(self->graph, PLUGCL_UNSUPPORTED, "%s has a bias; a depthwise layer of flavour %s has none", name,
                    self->form->base.flavour);
        return false;
    }
    if (self->channels < 0 && entry->shape.rank == 4)
        self->channels = entry->shape.dims[0];
    int64_t kernel = entry->shape.rank == 4 && entry->shape.dims[2] % 2 == 1 ? entry->shape.dims[2] : 0;
    snprintf(wanted, sizeof wanted, "[%lld, 1, K, K] with odd K", (long long)self->channels);
    return layers_check_shape(self->graph, entry, PLUGCL_SHAPE(self->channels, 1, kernel, kernel), wanted);
}

static bool take_branches(struct aspp *self, int64_t *outputs)
{
    const struct aspp_form *form = self->form;
    for (size_t i = 0; i < self->n_branches; i++) {
        struct plugcl_pyramid_branch *branch = &self->branches[i];
        int number = branch_number(form, (int)i);
        bool separable = has_convolution(self->call, form->depthwise, number);
        struct layer layer;
        if (separable && !take_depthwise(self, number, branch))
            return false;
        if (!take_convolution(self, separable ? form->pointwise : form->branch, form->branch_norm, number, self->channels,
                              separable ? 1 : -1, &layer))
            return false;
        if (self->channels < 0)
            self->channels = layer.channels;
        branch->weight = layer.weight;
        branch->bias = layer.bias;
        self->is_wide[i] = separable || layer.kernel > 1;
        *outputs += layer.outputs;
    }
    return true;
}

/*
 * Rates.
 */
static bool fail_rates(const struct aspp *self, size_t count, size_t wide)
{
    layers_fail(self->graph, PLUGCL_INVALID, "option rates has %zu entries; the weights have %zu branches that are not 1x1, so it "
                "must have %zu%s", count, wide, wide, wide < self->n_branches ? ", perhaps with a 1 before them" : "");
    return false;
}

/* The option's list; false for what is not a list of rates for `wide` branches. */
static bool parse_rates(const struct aspp *self, size_t wide, uint32_t *rates)
{
    uint32_t all[MAX_BRANCHES + 1];
    size_t count = 0;
    const char *text = plugcl_call_text(self->call, "rates");
    for (const char *item = text; item != NULL; item = strchr(item, ',')) {
        item += *item == ',';
        char *end;
        long rate = strtol(item, &end, 10);
        if (rate < 1 || rate > MAX_RATE || (*end != ',' && *end != '\0')) {
            layers_fail(self->graph, PLUGCL_INVALID, "option rates is %s; each must be a whole number from 1 to %d", text,
                        MAX_RATE);
            return false;
        }
        if (count < sizeof all / sizeof *all)
            all[count] = (uint32_t)rate;
        count++;
    }
    bool has_one = wide < self->n_branches && count == wide + 1 && all[0] == 1;
    if (count != wide + has_one)
        return fail_rates(self, count, wide);
    memcpy(rates, all + has_one, wide * sizeof *rates);
    return true;
}

static bool default_rates(const struct aspp *self, size_t wide, uint32_t *rates)
{
    const struct aspp_form *form = self->form;
    bool is_small = form->rates[0] == 6;
    char note[192];
    if (wide != 3 && wide != 0) {
        layers_fail(self->graph, PLUGCL_INVALID, "the weights have %zu branches that are not 1x1, and flavour %s has rates for 3; "
                    "option rates must give %zu", wide, form->base.flavour, wide);
        return false;
    }
    for (size_t i = 0; i < wide; i++)
        rates[i] = (uint32_t)form->rates[i];
    snprintf(note, sizeof note, "rates=%s taken, as flavour %s has them; weights cannot tell them from rates=%s",
             is_small ? "6,12,18" : "12,24,36", form->base.flavour, is_small ? "12,24,36" : "6,12,18");
    if (wide != 0)
        plugcl_call_note(self->call, note);
    return true;
}

static bool set_dilations(struct aspp *self)
{
    uint32_t rates[MAX_BRANCHES];
    size_t wide = 0;
    for (size_t i = 0; i < self->n_branches; i++)
        wide += self->is_wide[i];
    bool given = plugcl_call_given(self->call, "rates");
    if (!(given ? parse_rates(self, wide, rates) : default_rates(self, wide, rates)))
        return false;
    for (size_t i = 0, next = 0; i < self->n_branches; i++)
        self->branches[i].dilation = self->is_wide[i] ? rates[next++] : 1;
    return true;
}

static plugcl_value add_pyramid(struct aspp *self, plugcl_value x)
{
    const struct aspp_form *form = self->form;
    struct layer pool, projection;
    int64_t outputs = 0;
    int number = form->first + (int)self->n_branches; /* where the pooled branch is counted too */
    if (!layers_read_channels(self->graph, x, &self->channels) || !take_branches(self, &outputs) ||
        !take_convolution(self, form->pool, form->pool_norm, number, self->channels, 1, &pool) ||
        !take_convolution(self, form->projection, form->projection_norm, 0, outputs + pool.outputs, -1, &projection) ||
        !set_dilations(self))
        return (plugcl_value){ 0 };
    struct plugcl_pyramid_params params = plugcl_pyramid_params_init();
    params.pool_first = form->pool_first;
    params.act = form->branch_norm != NULL ? PLUGCL_RELU : PLUGCL_IDENTITY;
    return plugcl_graph_pyramid(self->graph, x, self->branches, self->n_branches, pool.weight, pool.bias, projection.weight,
                                projection.bias, &params);
}

static plugcl_status build(plugcl_graph *graph, const struct plugcl_plugin_call *call, void *user)
{
    (void)user;
    const struct layers_form *form = layers_recognise(graph, call, &forms->base, sizeof *forms, count_layers, flavours);
    if (form == NULL)
        return plugcl_graph_status(graph);
    struct aspp self = { .graph = graph, .call = call, .form = (const struct aspp_form *)form };
    int branches = count_branches(call, self.form);
    if (branches > MAX_BRANCHES)
        return layers_fail(graph, PLUGCL_UNSUPPORTED, "the weights have %d branches or more; at most %d can be had", branches,
                           MAX_BRANCHES);
    self.n_branches = (size_t)branches;
    plugcl_value y = add_pyramid(&self, plugcl_call_input(call, 0));
    if (plugcl_graph_status(graph) == PLUGCL_OK)
        plugcl_call_set_output(call, "y", y);
    return plugcl_graph_status(graph);
}

const struct plugcl_plugin plugin_aspp = {
    .struct_size = sizeof plugin_aspp,
    .api_version = PLUGCL_PLUGIN_API_VERSION,
    .name = "aspp",
    .summary = "Atrous Spatial Pyramid Pooling: dilated convolutions and the pooled picture side by side, projected",
    .reference = "Chen, Papandreou, Schroff, Adam: Rethinking Atrous Convolution for Semantic Image Segmentation, arXiv 1706.05587",
    .options = options,
    .flavours = flavours,
    .inputs = (const char *const[]){ "x", NULL },
    .outputs = (const char *const[]){ "y", NULL },
    .build = build,
};
