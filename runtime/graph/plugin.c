/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.c: one call of a plug-in: its options checked, its weights found below a prefix, its outputs named. */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/weights.h"
#include "graph/graph.h"
#include "graph/registry.h"

struct given_option {
    char *name, *value;
};

struct plugcl_plugin_call {
    plugcl_graph *graph;
    plugcl_node *node;
    const plugcl_value *inputs;
    size_t n_inputs;
    plugcl_weights *weights;
    struct given_option *given;
    size_t n_given, c_given;
    bool *used; /* tensors of `weights` that became values */
};

static const struct plugcl_option flavour_option = { "flavour", PLUGCL_OPTION_TEXT, "auto", NULL, false,
                                                     "the published form of the module; auto goes by the weights" };

static const struct plugcl_option *option_find(const struct plugcl_plugin *plugin, const char *name)
{
    if (strcmp(name, flavour_option.name) == 0)
        return &flavour_option;
    for (const struct plugcl_option *option = plugin->options; option != NULL && option->name != NULL; option++)
        if (strcmp(option->name, name) == 0)
            return option;
    return NULL;
}

static bool is_choice(const char *choices, const char *item, size_t length)
{
    while (choices != NULL && *choices != '\0') {
        size_t size = strcspn(choices, "|");
        if (size == length && strncmp(choices, item, length) == 0)
            return true;
        choices += size + (choices[size] == '|');
    }
    return choices == NULL;
}

static plugcl_status check_item(const struct plugcl_plugin *plugin, const struct plugcl_option *option, const char *item,
                                size_t length)
{
    double number = 0;
    if (option->type == PLUGCL_OPTION_NUMBER) {
        if (!number_read(item, length, &number) || !(fabs(number) <= FLT_MAX))
            return fail(PLUGCL_INVALID, "option %s of %s is \"%s\"; it must be a number", option->name, plugin->name, item);
    } else if (option->type == PLUGCL_OPTION_BOOL && !is_choice("true|false", item, length)) {
        return fail(PLUGCL_INVALID, "option %s of %s is \"%s\"; it must be true or false", option->name, plugin->name, item);
    } else if (!is_choice(option->choices, item, length)) {
        return fail(PLUGCL_INVALID, "option %s of %s is \"%s\"; it must be one of %s", option->name, plugin->name, item,
                    option->choices);
    }
    return PLUGCL_OK;
}

static plugcl_status check_flavour(const struct plugcl_plugin *plugin, const char *value)
{
    struct text names = { 0 };
    bool found = strcmp(value, "auto") == 0;
    text_add(&names, "auto");
    for (const struct plugcl_flavour *flavour = plugin->flavours; flavour != NULL && flavour->name != NULL; flavour++) {
        found = found || strcmp(flavour->name, value) == 0;
        text_add(&names, ", %s", flavour->name);
    }
    plugcl_status status = found ? PLUGCL_OK : fail(PLUGCL_INVALID, "%s has no flavour \"%s\"; it has %s", plugin->name, value,
                                                    names.data ? names.data : "auto");
    text_free(&names);
    return status;
}

/* Is the item at `item` of a list in it before? */
static bool is_repeated(const char *list, const char *item, size_t length)
{
    for (size_t part; list < item; list += part + 1) {
        part = strcspn(list, ",");
        if (part == length && strncmp(list, item, length) == 0)
            return true;
    }
    return false;
}

static plugcl_status check_value(const struct plugcl_plugin *plugin, const struct plugcl_option *option, const char *value)
{
    if (option == &flavour_option)
        return check_flavour(plugin, value);
    if (!option->list)
        return check_item(plugin, option, value, strlen(value));
    plugcl_status status = PLUGCL_OK;
    for (const char *item = value; status == PLUGCL_OK;) {
        size_t length = strcspn(item, ",");
        status = length > 0 ? check_item(plugin, option, item, length)
                            : fail(PLUGCL_INVALID, "option %s of %s has an empty item", option->name, plugin->name);
        if (status == PLUGCL_OK && option->choices != NULL && is_repeated(value, item, length))
            status = fail(PLUGCL_INVALID, "option %s of %s is \"%s\"; it must have each item once", option->name, plugin->name,
                          value);
        if (item[length] == '\0')
            break;
        item += length + 1;
    }
    return status;
}

static plugcl_status add_option(struct plugcl_plugin_call *call, const char *text, size_t length)
{
    const struct plugcl_plugin *plugin = call->node->plugin;
    struct given_option *given = array_push(&call->given, &call->n_given, &call->c_given, sizeof *given);
    if (given == NULL || (given->name = string_format("%.*s", (int)length, text)) == NULL)
        return fail_no_memory(length);
    char *equals = strchr(given->name, '=');
    if (equals == NULL)
        return fail(PLUGCL_INVALID, "option \"%s\" of %s has no value; options are key=value", given->name, plugin->name);
    *equals = '\0';
    given->value = equals + 1;
    const struct plugcl_option *option = option_find(plugin, given->name);
    if (option == NULL)
        return fail(PLUGCL_INVALID, "%s has no option %s", plugin->name, given->name);
    for (size_t i = 0; i + 1 < call->n_given; i++)
        if (strcmp(call->given[i].name, given->name) == 0)
            return fail(PLUGCL_INVALID, "option %s of %s is given twice", given->name, plugin->name);
    return check_value(plugin, option, given->value);
}

static plugcl_status parse_options(struct plugcl_plugin_call *call, const char *options)
{
    plugcl_status status = PLUGCL_OK;
    while (status == PLUGCL_OK && options != NULL && *options != '\0') {
        size_t length = strcspn(options, " ");
        if (length > 0)
            status = add_option(call, options, length);
        options += length + (options[length] == ' ');
    }
    return status;
}

static const char *option_text(const struct plugcl_plugin_call *call, const char *name, bool *given)
{
    for (size_t i = 0; i < call->n_given; i++) {
        if (strcmp(call->given[i].name, name) == 0) {
            *given = true;
            return call->given[i].value;
        }
    }
    const struct plugcl_option *option = option_find(call->node->plugin, name);
    *given = false;
    return option && option->fallback ? option->fallback : "";
}

bool plugcl_call_given(const struct plugcl_plugin_call *call, const char *option)
{
    bool given;
    option_text(call, option, &given);
    return given;
}

const char *plugcl_call_text(const struct plugcl_plugin_call *call, const char *option)
{
    bool given;
    return option_text(call, option, &given);
}

bool plugcl_call_bool(const struct plugcl_plugin_call *call, const char *option)
{
    return strcmp(plugcl_call_text(call, option), "true") == 0;
}

double plugcl_call_number(const struct plugcl_plugin_call *call, const char *option)
{
    const char *text = plugcl_call_text(call, option);
    double number = 0;
    number_read(text, strcspn(text, ","), &number);
    return number;
}

plugcl_value plugcl_call_input(const struct plugcl_plugin_call *call, size_t index)
{
    return index < call->n_inputs ? call->inputs[index] : (plugcl_value){ 0 };
}

const struct plugcl_weights_entry *plugcl_call_find(const struct plugcl_plugin_call *call, const char *name)
{
    char *full = string_format("%s%s", call->node->prefix, name);
    const struct plugcl_weights_entry *entry = full && call->weights ? plugcl_weights_find(call->weights, full) : NULL;
    memory_free(full);
    return entry;
}

static void mark_used(const struct plugcl_plugin_call *call, const char *full_name)
{
    const struct plugcl_weights_entry *entry = plugcl_weights_find(call->weights, full_name);
    for (size_t i = 0; entry != NULL && i < plugcl_weights_count(call->weights); i++)
        if (plugcl_weights_at(call->weights, i) == entry)
            call->used[i] = true;
}

plugcl_value plugcl_call_weight(const struct plugcl_plugin_call *call, const char *name)
{
    char *full = string_format("%s%s", call->node->prefix, name);
    plugcl_value value = { 0 };
    if (full == NULL)
        graph_fail(call->graph, fail_no_memory(strlen(name)));
    else if (call->weights == NULL)
        graph_fail(call->graph, fail(PLUGCL_INVALID, "%s needs weights", call->node->plugin->name));
    else
        value = plugcl_graph_weight(call->graph, call->weights, full);
    if (value.id != 0)
        mark_used(call, full);
    memory_free(full);
    return value;
}

void plugcl_call_fold_batch_norm(const struct plugcl_plugin_call *call, plugcl_value *weight, plugcl_value *bias, const char *layer,
                                 float eps)
{
    char *full = string_format("%s%s", call->node->prefix, layer);
    if (full == NULL)
        graph_fail(call->graph, fail_no_memory(strlen(layer)));
    else
        plugcl_graph_fold_batch_norm(call->graph, weight, bias, call->weights, full, eps);
    static const char *const parts[] = { "weight", "bias", "running_mean", "running_var" };
    for (size_t i = 0; full != NULL && i < sizeof parts / sizeof parts[0]; i++) {
        char *part = string_format("%s.%s", full, parts[i]);
        if (part != NULL)
            mark_used(call, part);
        memory_free(part);
    }
    memory_free(full);
}

void plugcl_call_set_output(const struct plugcl_plugin_call *call, const char *name, plugcl_value value)
{
    plugcl_node *node = call->node;
    char *copy = string_copy(name);
    struct node_output *output = copy ? array_push(&node->outputs, &node->n_outputs, &node->c_outputs, sizeof *output) : NULL;
    if (output == NULL) {
        memory_free(copy);
        graph_fail(call->graph, fail_no_memory(sizeof *output));
        return;
    }
    *output = (struct node_output){ copy, value };
}

void plugcl_call_set_flavour(const struct plugcl_plugin_call *call, const char *flavour)
{
    memory_free(call->node->flavour);
    call->node->flavour = string_copy(flavour);
    log_message(&call->graph->log, PLUGCL_LOG_NOTE, "%s%s%s: flavour %s", call->node->plugin->name,
                call->node->prefix[0] ? " " : "", call->node->prefix, flavour);
}

void plugcl_call_note(const struct plugcl_plugin_call *call, const char *note)
{
    log_message(&call->graph->log, PLUGCL_LOG_NOTE, "%s: %s", call->node->plugin->name, note);
}

/* Tensors below the prefix that the plug-in did not take: a wrong prefix or another flavour would show like this. */
static void note_unused(const struct plugcl_plugin_call *call)
{
    const char *prefix = call->node->prefix;
    struct text names = { 0 };
    size_t count = 0;
    for (size_t i = 0; i < plugcl_weights_count(call->weights); i++) {
        const char *name = plugcl_weights_at(call->weights, i)->name;
        if (call->used[i] || !weights_is_below(name, prefix) || ends_with(name, "num_batches_tracked"))
            continue;
        if (++count <= 3)
            text_add(&names, "%s%s", count > 1 ? ", " : "", name);
    }
    if (count > 0 && names.data != NULL)
        log_message(&call->graph->log, PLUGCL_LOG_NOTE, "%s: %zu tensor%s below \"%s\" not used: %s%s", call->node->plugin->name,
                    count, count > 1 ? "s" : "", prefix, names.data, count > 3 ? ", ..." : "");
    text_free(&names);
}

/* Modules that are known by their weights have some below the prefix, or the prefix is wrong. */
static plugcl_status check_prefix(const struct plugcl_plugin_call *call)
{
    const char *prefix = call->node->prefix;
    if (call->node->plugin->flavours == NULL || call->weights == NULL || prefix[0] == '\0' ||
        weights_any_below(call->weights, prefix))
        return PLUGCL_OK;
    if (plugcl_weights_count(call->weights) == 0)
        return fail(PLUGCL_NOT_FOUND, "no tensor's name begins with \"%s\": the weights are empty", prefix);
    return fail(PLUGCL_NOT_FOUND, "no tensor's name begins with \"%s\"; there are %zu, the first of which is \"%s\"", prefix,
                plugcl_weights_count(call->weights), plugcl_weights_at(call->weights, 0)->name);
}

static plugcl_node *node_create(plugcl_graph *graph, const struct plugcl_plugin *plugin, const char *prefix)
{
    plugcl_node *node = memory_zeroed(1, sizeof *node);
    size_t length = prefix ? strlen(prefix) : 0;
    plugcl_node **place = node ? array_push(&graph->plugins, &graph->n_plugins, &graph->c_plugins, sizeof *place) : NULL;
    if (place == NULL) {
        memory_free(node);
        return NULL;
    }
    *place = node;
    node->graph = graph;
    node->plugin = plugin;
    node->prefix = string_format("%s%s", prefix ? prefix : "", length > 0 && prefix[length - 1] != '.' ? "." : "");
    return node->prefix ? node : NULL;
}

static plugcl_status check_inputs(const struct plugcl_plugin *plugin, const plugcl_value *inputs, size_t n_inputs)
{
    size_t wanted = 0;
    while (plugin->inputs[wanted] != NULL)
        wanted++;
    if (inputs == NULL && n_inputs > 0)
        return fail(PLUGCL_INVALID, "%s takes %zu inputs, not NULL", plugin->name, wanted);
    return n_inputs == wanted ? PLUGCL_OK
                              : fail(PLUGCL_INVALID, "%s takes %zu inputs; %zu are given", plugin->name, wanted, n_inputs);
}

plugcl_status plugcl_graph_plugin(plugcl_graph *graph, const char *name, const plugcl_value *inputs, size_t n_inputs,
                                  plugcl_weights *weights, const char *prefix, const char *options, plugcl_node **node)
{
    if (node != NULL)
        *node = NULL;
    if (!graph_is_good(graph))
        return plugcl_graph_status(graph);
    if (name == NULL)
        return graph_fail(graph, fail(PLUGCL_INVALID, "a plug-in needs a name, not NULL"));
    void *user = NULL;
    const struct plugcl_plugin *plugin = registry_find(graph->registry, name, &user);
    struct plugcl_plugin_call call = { .graph = graph, .inputs = inputs, .n_inputs = n_inputs, .weights = weights };
    plugcl_status status =
        plugin ? check_inputs(plugin, inputs, n_inputs) : fail(PLUGCL_NOT_FOUND, "there is no plug-in named %s", name);
    if (status == PLUGCL_OK && (call.node = node_create(graph, plugin, prefix)) == NULL)
        status = fail_no_memory(sizeof *call.node);
    if (status == PLUGCL_OK && weights != NULL &&
        (call.used = memory_zeroed(plugcl_weights_count(weights), sizeof *call.used)) == NULL)
        status = fail_no_memory(plugcl_weights_count(weights));
    if (status == PLUGCL_OK)
        status = parse_options(&call, options);
    if (status == PLUGCL_OK)
        status = check_prefix(&call);
    if (status == PLUGCL_OK) {
        char *label = string_format("%s%s%.*s", name, call.node->prefix[0] ? " " : "",
                                    (int)(strlen(call.node->prefix) - (call.node->prefix[0] != '\0')), call.node->prefix);
        char *outer = graph_label_swap(graph, label);
        plugcl_gemm outer_gemm = graph->gemm;
        status = plugin->build(graph, &call, user);
        /* What is only returned has no message of its own. */
        if (status != PLUGCL_OK && graph_is_good(graph))
            graph_fail(graph, fail(status, "the plug-in failed (%s)", plugcl_status_name(status)));
        memory_free(graph_label_swap(graph, outer));
        graph->gemm = outer_gemm;
    }
    graph_fail(graph, status);
    if (graph->status == PLUGCL_OK && weights != NULL)
        note_unused(&call);
    memory_free(call.used);
    for (size_t i = 0; i < call.n_given; i++)
        memory_free(call.given[i].name);
    memory_free(call.given);
    if (graph->status == PLUGCL_OK && node != NULL)
        *node = call.node;
    return plugcl_graph_status(graph);
}

plugcl_value plugcl_node_output(plugcl_node *node, const char *name)
{
    if (node != NULL && name == NULL)
        graph_fail(node->graph,
                   fail(PLUGCL_INVALID, "an output of plug-in %s is asked for by its name, not NULL", node->plugin->name));
    if (node == NULL || name == NULL)
        return (plugcl_value){ 0 };
    for (size_t i = 0; i < node->n_outputs; i++)
        if (strcmp(node->outputs[i].name, name) == 0)
            return node->outputs[i].value;
    graph_fail(node->graph, fail(PLUGCL_NOT_FOUND, "plug-in %s has no output %s", node->plugin->name, name));
    return (plugcl_value){ 0 };
}

const char *plugcl_node_flavour(const plugcl_node *node)
{
    return node != NULL && node->flavour != NULL ? node->flavour : "";
}
