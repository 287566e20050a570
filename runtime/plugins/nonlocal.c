/* SPDX-License-Identifier: Apache-2.0 */
/* nonlocal.c: Non-local blocks, every published form of them: which one the weights are, and what the options make of it. */
#include "plugins/nonlocal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plugins/table.h"

static const struct plugcl_option options[] = {
    { "mode", PLUGCL_OPTION_TEXT, "embedded_gaussian", "embedded_gaussian|gaussian|dot_product|concatenation", false,
      "how two pixels are compared; gaussian and concatenation show in the weights" },
    { "scale", PLUGCL_OPTION_TEXT, "none", "none|inter|channels", false,
      "of the scores before the softmax, by flavour: 1, 1/sqrt(inner channels) (mmcv, slowfast) or 1/sqrt(channels) (timm)" },
    { "softmax_axis", PLUGCL_OPTION_TEXT, "keys", "keys|queries", false, "what the softmax adds up to 1 over, by view" },
    { "view", PLUGCL_OPTION_TEXT, "paper", "paper|seed", false,
      "seed: the inner maps cut into as many channels as x has, each with a part of the pixels, and softmax_axis=queries" },
    { "sub_sample", PLUGCL_OPTION_BOOL, "false", NULL, false,
      "max pooling of keys and values by 2; shows in the weights, but for slowfast's" },
    { "gemm", PLUGCL_OPTION_TEXT, "auto", "auto|own|clblast", false,
      "whose matrix products: auto is CLBlast on GPUs, where the build has it, and plugcl's own on CPUs" },
    { "query_pixels", PLUGCL_OPTION_TEXT, "", NULL, true,
      "Y:X,Y:X,... in pixels of x: whose rows of the affinity the output attention has; all of them by default" },
    { NULL, PLUGCL_OPTION_TEXT, NULL, NULL, false, NULL },
};

static const struct plugcl_flavour flavours[] = {
    { "seed", "conv_theta conv_phi conv_g conv_mask", "no bias; view=seed is its code to the letter" },
    { "paper", "theta phi g W, or phi.0 g.0 where it sub-samples, W.0 W.1 with batch norm",
      "AlexHex7's; concatenation has concat_project.0, gaussian neither theta nor phi" },
    { "mmcv", "theta.conv phi.conv g.conv conv_out.{conv,bn}, or phi.0.conv g.0.conv", "embedded gaussian is scaled by inter" },
    { "slowfast", "conv_theta conv_phi conv_g conv_out norm", "scaled by inter; pools the input of phi and g" },
    { "timm", "t p g z norm", "scaled by channels" },
    { NULL, NULL, NULL },
};

static const struct nonlocal_form forms[] = {
    { .base = { "seed" }, .theta = "conv_theta", .phi = { "conv_phi" }, .g = { "conv_g" }, .out = { "conv_mask" } },
    { .base = { "paper" }, .theta = "theta", .phi = { "phi", "phi.0" }, .g = { "g", "g.0" }, .out = { "W", "W.0" },
      .norm = { "W.1" }, .concatenation = "concat_project.0" },
    { .base = { "mmcv" }, .theta = "theta.conv", .phi = { "phi.conv", "phi.0.conv" }, .g = { "g.conv", "g.0.conv" },
      .out = { "conv_out.conv" }, .norm = { "conv_out.bn" }, .concatenation = "concat_project.conv",
      .scale = NONLOCAL_SCALE_INTER },
    { .base = { "slowfast" }, .theta = "conv_theta", .phi = { "conv_phi" }, .g = { "conv_g" }, .out = { "conv_out" },
      .norm = { "norm", "bn" }, .scale = NONLOCAL_SCALE_INTER, .pools_input = true },
    { .base = { "timm" }, .theta = "t", .phi = { "p" }, .g = { "g" }, .out = { "z" }, .norm = { "norm" },
      .scale = NONLOCAL_SCALE_CHANNELS },
    { .base = { NULL } },
};

bool nonlocal_has_layer(const struct plugcl_plugin_call *call, const char *layer)
{
    const struct plugcl_weights_entry *entry = layers_find(call, layer, "weight");
    return entry != NULL && entry->shape.rank != 1; /* that of a norm has one axis */
}

static int count_layers(const struct plugcl_plugin_call *call, const struct layers_form *base)
{
    const struct nonlocal_form *form = (const struct nonlocal_form *)base;
    int count = nonlocal_has_layer(call, form->theta);
    for (int i = 0; i < 2; i++)
        count += nonlocal_has_layer(call, form->phi[i]) + nonlocal_has_layer(call, form->g[i]) +
                 nonlocal_has_layer(call, form->out[i]);
    return count;
}

/* Of two names the one that is there, or else the first, whose absence is then the error. */
static const char *present_name(const struct plugcl_plugin_call *call, const char *const names[2])
{
    return nonlocal_has_layer(call, names[1]) && !nonlocal_has_layer(call, names[0]) ? names[1] : names[0];
}

static bool refuse(const struct nonlocal *self, const char *option, const char *because)
{
    layers_fail(self->graph, PLUGCL_INVALID, "option %s is %s; %s", option, plugcl_call_text(self->call, option), because);
    return false;
}

static bool is_softmax(const struct nonlocal *self)
{
    return self->mode == NONLOCAL_EMBEDDED_GAUSSIAN || self->mode == NONLOCAL_GAUSSIAN;
}

/* The weights tell a concatenation by its projection and the gaussian by the lack of theta and phi, but not the other two apart. */
static bool read_mode(struct nonlocal *self)
{
    static const char *const names[] = { "embedded_gaussian", "gaussian", "dot_product", "concatenation" };
    const char *text = plugcl_call_text(self->call, "mode");
    bool given = plugcl_call_given(self->call, "mode");
    bool concatenates = self->form->concatenation != NULL && nonlocal_has_layer(self->call, self->form->concatenation);
    bool embeds = self->form->concatenation == NULL || nonlocal_has_layer(self->call, self->form->theta) ||
                  nonlocal_has_layer(self->call, self->phi);
    for (int i = 0; i < 4; i++)
        if (strcmp(names[i], text) == 0)
            self->mode = (enum nonlocal_mode)i;
    if (!given)
        self->mode = concatenates ? NONLOCAL_CONCATENATION : embeds ? NONLOCAL_EMBEDDED_GAUSSIAN : NONLOCAL_GAUSSIAN;
    if (concatenates && self->mode != NONLOCAL_CONCATENATION)
        return refuse(self, "mode", "the weights have the projection of mode=concatenation");
    if (self->mode == NONLOCAL_CONCATENATION && self->form->concatenation == NULL)
        return refuse(self, "mode", "only flavours paper and mmcv have it");
    if (self->mode == NONLOCAL_GAUSSIAN && embeds)
        return refuse(self, "mode", "it has no theta and phi, and the weights have");
    self->mode_is_open = !given && embeds && !concatenates;
    return true;
}

static bool read_sub_sample(struct nonlocal *self)
{
    bool given = plugcl_call_given(self->call, "sub_sample"), wanted = plugcl_call_bool(self->call, "sub_sample");
    bool found = self->g == self->form->g[1];
    self->sub_sample = self->form->pools_input ? wanted : found;
    self->sub_sample_is_open = self->form->pools_input && !given;
    if (nonlocal_has_layer(self->call, self->phi) && self->form->phi[1] != NULL && (self->phi == self->form->phi[1]) != found) {
        layers_fail(self->graph, PLUGCL_INVALID, "%s is sub-sampled and %s is not, by their names; both must be or neither",
                    found ? self->g : self->phi, found ? self->phi : self->g);
        return false;
    }
    if (given && wanted != self->sub_sample)
        return refuse(self, "sub_sample",
                      self->form->g[1] == NULL ? "this flavour has none" : "by its names, the module is otherwise");
    return true;
}

static bool read_view(struct nonlocal *self)
{
    const char *axis = plugcl_call_text(self->call, "softmax_axis");
    self->seed_view = strcmp(plugcl_call_text(self->call, "view"), "seed") == 0;
    bool axis_given = plugcl_call_given(self->call, "softmax_axis");
    self->over_queries = is_softmax(self) && (axis_given ? strcmp(axis, "queries") == 0 : self->seed_view);
    if (axis_given && !is_softmax(self))
        return refuse(self, "softmax_axis", "this mode has no softmax");
    if (self->seed_view && self->sub_sample)
        return refuse(self, "view", "with sub_sample there is no such view");
    if (self->seed_view && self->mode != NONLOCAL_EMBEDDED_GAUSSIAN && self->mode != NONLOCAL_DOT_PRODUCT)
        return refuse(self, "view", "only the modes embedded_gaussian and dot_product have it");
    return true;
}

static bool read_scale(struct nonlocal *self)
{
    static const char *const names[] = { "none", "inter", "channels" };
    const char *text = plugcl_call_text(self->call, "scale");
    self->scale = self->mode == NONLOCAL_EMBEDDED_GAUSSIAN ? self->form->scale : NONLOCAL_SCALE_NONE;
    if (!plugcl_call_given(self->call, "scale"))
        return true;
    if (!is_softmax(self))
        return refuse(self, "scale", "it is of the modes with a softmax; the others are divided by the number of keys");
    for (int i = 0; i < 3; i++)
        if (strcmp(names[i], text) == 0)
            self->scale = (enum nonlocal_scale)i;
    return true;
}

static plugcl_gemm read_gemm(const struct plugcl_plugin_call *call)
{
    const char *text = plugcl_call_text(call, "gemm");
    return strcmp(text, "own") == 0 ? PLUGCL_GEMM_OWN : strcmp(text, "clblast") == 0 ? PLUGCL_GEMM_CLBLAST : PLUGCL_GEMM_AUTO;
}

struct note {
    char text[400];
    size_t used;
};

static void add_to_note(struct note *note, const char *text)
{
    if (note->used < sizeof note->text)
        note->used +=
            (size_t)snprintf(note->text + note->used, sizeof note->text - note->used, "%s%s", note->used ? ", " : "", text);
}

/* What the weights leave open, in one line. */
static void note_defaults(const struct nonlocal *self)
{
    static const char *const scales[] = { "scale=none (or scale=inter, scale=channels)",
                                          "scale=inter (or scale=none, scale=channels)",
                                          "scale=channels (or scale=none, scale=inter)" };
    const bool is_seed = strcmp(self->form->base.flavour, "seed") == 0;
    struct note note = { "", 0 };
    if (self->mode_is_open)
        add_to_note(&note, "mode=embedded_gaussian (or mode=dot_product)");
    if (is_softmax(self) && !plugcl_call_given(self->call, "scale"))
        add_to_note(&note, scales[self->scale]);
    if (is_seed && !plugcl_call_given(self->call, "view"))
        add_to_note(&note, "view=paper (the seed's own code: view=seed)");
    if (is_seed && is_softmax(self) && !plugcl_call_given(self->call, "softmax_axis"))
        add_to_note(&note, self->over_queries ? "softmax_axis=queries (or softmax_axis=keys)"
                                              : "softmax_axis=keys (or softmax_axis=queries)");
    if (self->sub_sample_is_open)
        add_to_note(&note, "sub_sample=false (or sub_sample=true)");
    if (note.used > 0) {
        char line[440];
        snprintf(line, sizeof line, "%s taken; weights cannot tell", note.text);
        plugcl_call_note(self->call, line);
    }
}

static plugcl_status build(plugcl_graph *graph, const struct plugcl_plugin_call *call, void *user)
{
    (void)user;
    const struct layers_form *form = layers_recognise(graph, call, &forms->base, sizeof *forms, count_layers, flavours);
    if (form == NULL)
        return plugcl_graph_status(graph);
    struct nonlocal self = { .graph = graph, .call = call, .form = (const struct nonlocal_form *)form };
    self.phi = present_name(call, self.form->phi);
    self.g = present_name(call, self.form->g);
    self.out = present_name(call, self.form->out);
    if (!read_mode(&self) || !read_sub_sample(&self) || !read_view(&self) || !read_scale(&self))
        return plugcl_graph_status(graph);
    if (plugcl_call_given(call, "gemm"))
        plugcl_graph_gemm(graph, read_gemm(call));
    nonlocal_add(&self, plugcl_call_input(call, 0));
    if (plugcl_graph_status(graph) == PLUGCL_OK)
        note_defaults(&self);
    return plugcl_graph_status(graph);
}

const struct plugcl_plugin plugin_nonlocal = {
    .struct_size = sizeof plugin_nonlocal,
    .api_version = PLUGCL_PLUGIN_API_VERSION,
    .name = "nonlocal",
    .summary = "Non-local block: each pixel plus a sum over all pixels, weighted by how alike they are",
    .reference = "Wang, Girshick, Gupta, He: Non-local Neural Networks, arXiv 1711.07971",
    .options = options,
    .flavours = flavours,
    .inputs = (const char *const[]){ "x", NULL },
    .outputs = (const char *const[]){ "y", "attention", NULL },
    .build = build,
};
