/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/attention.h"

#include <stdio.h>
#include <string.h>

/* How many of the form's layers are there; 0 when a layer has the rank of another form. A rank that no form has is no reason to
 * say that the weights are unknown: the check of the weights names it. */
static int count_layers(const struct plugcl_plugin_call *call, const struct layers_form *base)
{
    const struct attention_form *form = (const struct attention_form *)base;
    const char *const layers[] = { form->first, form->second, form->window };
    int count = layers_have_norm(call, form->norm) + layers_have_norm(call, form->window_norm);
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        const struct plugcl_weights_entry *entry = layers_find(call, layers[i], "weight");
        if (entry != NULL && layers[i] == form->first && form->rank != 0 && entry->shape.rank != form->rank &&
            (entry->shape.rank == 2 || entry->shape.rank == 4))
            return 0;
        count += entry != NULL;
    }
    return count;
}

const struct attention_form *attention_recognise(plugcl_graph *graph, const struct plugcl_plugin_call *call,
                                                 const struct attention_form *forms, const struct plugcl_flavour *flavours)
{
    return (const struct attention_form *)layers_recognise(graph, call, &forms->base, sizeof *forms, count_layers, flavours);
}

static uint32_t read_pools(const char *list)
{
    static const char *const names[] = { "avg", "max", "lp", "lse" };
    uint32_t pools = 0;
    while (*list != '\0') {
        size_t length = strcspn(list, ",");
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (strlen(names[i]) == length && strncmp(names[i], list, length) == 0)
                pools |= 1u << i;
        list += length + (list[length] == ',');
    }
    return pools;
}

void attention_channel_params(const struct plugcl_plugin_call *call, const struct attention_form *form, bool has_pools,
                              bool has_slope,
                              struct plugcl_channel_gate_params *params)
{
    *params = plugcl_channel_gate_params_init();
    params->pools = has_pools && plugcl_call_given(call, "pools") ? read_pools(plugcl_call_text(call, "pools")) : form->pools;
    params->act = PLUGCL_RELU;
    params->hard_gate = form->hard_gate;
    if (plugcl_call_given(call, "gate"))
        params->hard_gate = strcmp(plugcl_call_text(call, "gate"), "hard_sigmoid") == 0;
    params->gate_alpha = has_slope && plugcl_call_given(call, "alpha") ? (float)plugcl_call_number(call, "alpha") : 1.0f / 6;
    params->gate_beta = has_slope && plugcl_call_given(call, "beta") ? (float)plugcl_call_number(call, "beta") : 0.5f;
}

plugcl_value attention_channel_gate(plugcl_graph *graph, const struct plugcl_plugin_call *call, const struct attention_form *form,
                                    const struct plugcl_channel_gate_params *params, plugcl_value x, plugcl_value *gate)
{
    plugcl_value none = { 0 }, first = none, first_bias = none, second = none, second_bias = none;
    int64_t channels = -1;
    if (!layers_read_channels(graph, x, &channels))
        return none;
    /* A layer with a bias beside one without is a file that lost a tensor. */
    bool bias = layers_find(call, form->second, "bias") != NULL || layers_find(call, form->first, "bias") != NULL;
    if ((form->first && !layers_take(graph, call, form->first, bias, &first, &first_bias)) ||
        !layers_take(graph, call, form->second, bias, &second, &second_bias))
        return none;
    const struct plugcl_weights_entry *inner = layers_find(call, form->first, "weight");
    const struct plugcl_weights_entry *outer = layers_find(call, form->second, "weight");
    if (channels < 0 && outer->shape.rank > 0)
        channels = outer->shape.dims[0];
    int64_t hidden = inner && inner->shape.rank > 0 ? inner->shape.dims[0] : channels;
    if ((inner && !layers_check_matrix(graph, inner, form->rank, -1, channels)) ||
        !layers_check_matrix(graph, outer, form->rank, channels, hidden) ||
        (inner && !layers_check_vector(graph, layers_find(call, form->first, "bias"), hidden)) ||
        !layers_check_vector(graph, layers_find(call, form->second, "bias"), channels))
        return none;
    if (layers_have_norm(call, form->norm) &&
        !layers_fold_norm(graph, call, form->norm, hidden, ATTENTION_NORM_EPS, &first, &first_bias))
        return none;
    return plugcl_graph_channel_gate(graph, x, first, first_bias, second, second_bias, params, gate);
}

static bool check_window(plugcl_graph *graph, const struct plugcl_weights_entry *entry)
{
    const plugcl_shape *shape = &entry->shape;
    char found[128];
    if (!layers_check_type(graph, entry))
        return false;
    if (shape->rank == 4 && shape->dims[0] == 1 && shape->dims[1] == 2 && shape->dims[2] == shape->dims[3] &&
        shape->dims[2] % 2 == 1)
        return true;
    layers_fail(graph, PLUGCL_INVALID, "%s is %s; it must be [1, 2, K, K] with odd K", entry->name,
                layers_write_shape(found, shape));
    return false;
}

static bool read_order(const struct plugcl_plugin_call *call, const struct attention_form *form)
{
    char note[160];
    if (plugcl_call_given(call, "order"))
        return strcmp(plugcl_call_text(call, "order"), "max_mean") == 0;
    snprintf(note, sizeof note, "order=%s taken, as flavour %s has it; weights cannot tell it from order=%s",
             form->max_first ? "max_mean" : "mean_max", form->base.flavour, form->max_first ? "mean_max" : "max_mean");
    plugcl_call_note(call, note);
    return form->max_first;
}

plugcl_value attention_spatial_gate(plugcl_graph *graph, const struct plugcl_plugin_call *call, const struct attention_form *form,
                                    plugcl_value x, plugcl_value *gate)
{
    plugcl_value none = { 0 }, weight = none, bias = none;
    struct plugcl_spatial_gate_params params = plugcl_spatial_gate_params_init();
    int64_t channels;
    if (!layers_read_channels(graph, x, &channels) || !layers_take(graph, call, form->window, false, &weight, &bias) ||
        !check_window(graph, layers_find(call, form->window, "weight")) ||
        !layers_check_vector(graph, layers_find(call, form->window, "bias"), 1))
        return none;
    if (form->window_norm && !layers_fold_norm(graph, call, form->window_norm, 1, ATTENTION_NORM_EPS, &weight, &bias))
        return none;
    params.max_first = read_order(call, form);
    return plugcl_graph_spatial_gate(graph, x, weight, bias, &params, gate);
}
