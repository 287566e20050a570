/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/attention.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

plugcl_status attention_fail(plugcl_graph *graph, plugcl_status status, const char *format, ...)
{
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return plugcl_graph_fail(graph, status, message);
}

static const struct plugcl_weights_entry *find(const struct plugcl_plugin_call *call, const char *layer, const char *tensor)
{
    char name[128];
    snprintf(name, sizeof name, "%s.%s", layer, tensor);
    return plugcl_call_find(call, name);
}

static bool has_norm(const struct plugcl_plugin_call *call, const char *layer)
{
    static const char *const tensors[] = { "running_mean", "running_var", "weight", "bias" };
    for (size_t i = 0; layer != NULL && i < sizeof tensors / sizeof *tensors; i++)
        if (find(call, layer, tensors[i]) != NULL)
            return true;
    return false;
}

/* How many of the form's layers are there; 0 when a layer has the rank of another form. A rank that no form has is no reason to
 * say that the weights are unknown: the check of the weights names it. */
static int count_layers(const struct plugcl_plugin_call *call, const struct attention_form *form)
{
    const char *const layers[] = { form->first, form->second, form->window };
    int count = has_norm(call, form->norm) + has_norm(call, form->window_norm);
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        const struct plugcl_weights_entry *entry = layers[i] ? find(call, layers[i], "weight") : NULL;
        if (entry != NULL && layers[i] == form->first && form->rank != 0 && entry->shape.rank != form->rank &&
            (entry->shape.rank == 2 || entry->shape.rank == 4))
            return 0;
        count += entry != NULL;
    }
    return count;
}

static void fail_unknown(plugcl_graph *graph, const struct plugcl_flavour *flavours)
{
    char known[400] = "";
    size_t used = 0;
    for (; flavours->name != NULL && used < sizeof known; flavours++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s (%s)", used ? "; " : "", flavours->weights,
                                 flavours->name);
    attention_fail(graph, PLUGCL_NOT_FOUND, "none of the known sets of weights is there; it must be one of %s", known);
}

const struct attention_form *attention_recognise(plugcl_graph *graph, const struct plugcl_plugin_call *call,
                                                 const struct attention_form *forms, const struct plugcl_flavour *flavours)
{
    const char *wanted = plugcl_call_text(call, "flavour");
    bool is_auto = strcmp(wanted, "auto") == 0;
    const struct attention_form *best = NULL;
    int most = is_auto ? 0 : -1;
    for (; forms->flavour != NULL; forms++) {
        if (!is_auto && strcmp(forms->flavour, wanted) != 0)
            continue;
        int count = count_layers(call, forms);
        if (count > most) {
            most = count;
            best = forms;
        }
    }
    if (best == NULL)
        fail_unknown(graph, flavours);
    else
        plugcl_call_set_flavour(call, best->flavour);
    return best;
}

static const char *write_shape(char text[128], const plugcl_shape *shape)
{
    size_t used = (size_t)snprintf(text, 128, "[");
    for (uint32_t i = 0; i < shape->rank && used < 100; i++)
        used += (size_t)snprintf(text + used, 128 - used, "%s%lld", i ? ", " : "", (long long)shape->dims[i]);
    snprintf(text + used, 128 - used, "]");
    return text;
}

static bool is_float(plugcl_dtype dtype)
{
    return dtype == PLUGCL_F32 || dtype == PLUGCL_F16 || dtype == PLUGCL_BF16 || dtype == PLUGCL_F64;
}

static bool check_type(plugcl_graph *graph, const struct plugcl_weights_entry *entry)
{
    if (!is_float(entry->dtype))
        attention_fail(graph, PLUGCL_INVALID, "%s is %s; it must be f32, f16, bf16 or f64", entry->name,
                       plugcl_dtype_name(entry->dtype));
    return is_float(entry->dtype);
}

/* A fully connected layer [rows, columns], perhaps written as a 1x1 convolution; −1 is any size. */
static bool check_weight(plugcl_graph *graph, const struct plugcl_weights_entry *entry, uint32_t rank, int64_t rows,
                         int64_t columns)
{
    const plugcl_shape *shape = &entry->shape;
    char found[128], wanted[2][32], last[16] = "";
    bool is_matrix = shape->rank == 2 || (shape->rank == 4 && shape->dims[2] == 1 && shape->dims[3] == 1);
    if (!check_type(graph, entry))
        return false;
    if (is_matrix && (rank == 0 || shape->rank == rank) && shape->dims[0] > 0 && shape->dims[1] > 0 &&
        (rows < 0 || shape->dims[0] == rows) && (columns < 0 || shape->dims[1] == columns))
        return true;
    snprintf(wanted[0], sizeof wanted[0], rows < 0 ? "hidden" : "%lld", (long long)rows);
    snprintf(wanted[1], sizeof wanted[1], columns < 0 ? "C" : "%lld", (long long)columns);
    if (rank == 4 || (rank == 0 && shape->rank == 4))
        strcpy(last, ", 1, 1");
    attention_fail(graph, PLUGCL_INVALID, "%s is %s; it must be [%s, %s%s]", entry->name, write_shape(found, shape), wanted[0],
                   wanted[1], last);
    return false;
}

static bool check_vector(plugcl_graph *graph, const struct plugcl_weights_entry *entry, int64_t elements)
{
    char found[128];
    if (entry == NULL)
        return true;
    if (!check_type(graph, entry))
        return false;
    if (entry->shape.rank == 1 && entry->shape.dims[0] == elements)
        return true;
    attention_fail(graph, PLUGCL_INVALID, "%s is %s; it must be [%lld]", entry->name, write_shape(found, &entry->shape),
                   (long long)elements);
    return false;
}

static bool check_norm(plugcl_graph *graph, const struct plugcl_plugin_call *call, const char *layer, int64_t elements)
{
    static const char *const tensors[] = { "running_mean", "running_var", "weight", "bias" };
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
        if (!check_vector(graph, find(call, layer, tensors[i]), elements))
            return false;
    return true;
}

static plugcl_value take(const struct plugcl_plugin_call *call, const char *layer, const char *tensor)
{
    char name[128];
    snprintf(name, sizeof name, "%s.%s", layer, tensor);
    return plugcl_call_weight(call, name);
}

/* Values of "<layer>.weight" and "<layer>.bias"; the bias may be left out unless `needs_bias`. */
static bool take_layer(plugcl_graph *graph, const struct plugcl_plugin_call *call, const char *layer, bool needs_bias,
                       plugcl_value *weight, plugcl_value *bias)
{
    *weight = take(call, layer, "weight");
    if (needs_bias || find(call, layer, "bias") != NULL)
        *bias = take(call, layer, "bias");
    return plugcl_graph_status(graph) == PLUGCL_OK;
}

/* C of x where it is known, else −1; false for another rank. */
static bool read_channels(plugcl_graph *graph, plugcl_value x, int64_t *channels)
{
    plugcl_shape shape;
    char found[128];
    if (plugcl_graph_shape(graph, x, &shape) != PLUGCL_OK)
        return false;
    if (shape.rank != 4) {
        attention_fail(graph, PLUGCL_INVALID, "x is %s; it must have rank 4: [N, C, H, W]", write_shape(found, &shape));
        return false;
    }
    *channels = shape.dims[1] == PLUGCL_DIM_ANY ? -1 : shape.dims[1];
    return true;
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
    if (!read_channels(graph, x, &channels))
        return none;
    /* A layer with a bias beside one without is a file that lost a tensor. */
    bool bias = find(call, form->second, "bias") != NULL || (form->first && find(call, form->first, "bias") != NULL);
    if ((form->first && !take_layer(graph, call, form->first, bias, &first, &first_bias)) ||
        !take_layer(graph, call, form->second, bias, &second, &second_bias))
        return none;
    const struct plugcl_weights_entry *inner = form->first ? find(call, form->first, "weight") : NULL;
    const struct plugcl_weights_entry *outer = find(call, form->second, "weight");
    if (channels < 0 && outer->shape.rank > 0)
        channels = outer->shape.dims[0];
    int64_t hidden = inner && inner->shape.rank > 0 ? inner->shape.dims[0] : channels;
    if ((inner && !check_weight(graph, inner, form->rank, -1, channels)) ||
        !check_weight(graph, outer, form->rank, channels, hidden) ||
        (inner && !check_vector(graph, find(call, form->first, "bias"), hidden)) ||
        !check_vector(graph, find(call, form->second, "bias"), channels))
        return none;
    if (has_norm(call, form->norm) && check_norm(graph, call, form->norm, hidden))
        plugcl_call_fold_batch_norm(call, &first, &first_bias, form->norm, ATTENTION_NORM_EPS);
    if (plugcl_graph_status(graph) != PLUGCL_OK)
        return none;
    return plugcl_graph_channel_gate(graph, x, first, first_bias, second, second_bias, params, gate);
}

static bool check_window(plugcl_graph *graph, const struct plugcl_weights_entry *entry)
{
    const plugcl_shape *shape = &entry->shape;
    char found[128];
    if (!check_type(graph, entry))
        return false;
    if (shape->rank == 4 && shape->dims[0] == 1 && shape->dims[1] == 2 && shape->dims[2] == shape->dims[3] &&
        shape->dims[2] % 2 == 1)
        return true;
    attention_fail(graph, PLUGCL_INVALID, "%s is %s; it must be [1, 2, K, K] with odd K", entry->name, write_shape(found, shape));
    return false;
}

static bool read_order(const struct plugcl_plugin_call *call, const struct attention_form *form)
{
    char note[160];
    if (plugcl_call_given(call, "order"))
        return strcmp(plugcl_call_text(call, "order"), "max_mean") == 0;
    snprintf(note, sizeof note, "order=%s taken, as flavour %s has it; weights cannot tell it from order=%s",
             form->max_first ? "max_mean" : "mean_max", form->flavour, form->max_first ? "mean_max" : "max_mean");
    plugcl_call_note(call, note);
    return form->max_first;
}

plugcl_value attention_spatial_gate(plugcl_graph *graph, const struct plugcl_plugin_call *call, const struct attention_form *form,
                                    plugcl_value x, plugcl_value *gate)
{
    plugcl_value none = { 0 }, weight = none, bias = none;
    struct plugcl_spatial_gate_params params = plugcl_spatial_gate_params_init();
    int64_t channels;
    if (!read_channels(graph, x, &channels) || !take_layer(graph, call, form->window, false, &weight, &bias) ||
        !check_window(graph, find(call, form->window, "weight")) || !check_vector(graph, find(call, form->window, "bias"), 1))
        return none;
    if (form->window_norm && check_norm(graph, call, form->window_norm, 1))
        plugcl_call_fold_batch_norm(call, &weight, &bias, form->window_norm, ATTENTION_NORM_EPS);
    if (plugcl_graph_status(graph) != PLUGCL_OK)
        return none;
    params.max_first = read_order(call, form);
    return plugcl_graph_spatial_gate(graph, x, weight, bias, &params, gate);
}
