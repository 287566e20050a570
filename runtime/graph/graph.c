/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/graph.h"

#include <stdio.h>
#include <string.h>

#include <plugcl/plan.h>

#include "base/weights.h"

plugcl_status plugcl_graph_create(const struct plugcl_graph_params *params, plugcl_graph **graph)
{
    *graph = memory_zeroed(1, sizeof **graph);
    if (*graph == NULL)
        return fail_no_memory(sizeof **graph);
    if (params != NULL) {
        (*graph)->registry = params->registry;
        (*graph)->log = (struct log){ params->log, params->log_user, params->log_level };
    }
    return PLUGCL_OK;
}

static void plugin_node_destroy(plugcl_node *node)
{
    for (size_t i = 0; i < node->n_outputs; i++)
        memory_free(node->outputs[i].name);
    memory_free(node->outputs);
    memory_free(node->prefix);
    memory_free(node->flavour);
    memory_free(node);
}

void plugcl_graph_destroy(plugcl_graph **graph)
{
    plugcl_graph *old = graph ? *graph : NULL;
    if (old == NULL)
        return;
    *graph = NULL;
    for (size_t i = 0; i < old->n_values; i++) {
        memory_free(old->values[i].name);
        constant_drop(&old->values[i].constant);
    }
    for (size_t i = 0; i < old->n_nodes; i++) {
        memory_free(old->nodes[i].params);
        memory_free(old->nodes[i].label);
    }
    for (size_t i = 0; i < old->n_outputs; i++)
        memory_free(old->outputs[i].name);
    for (size_t i = 0; i < old->n_plugins; i++)
        plugin_node_destroy(old->plugins[i]);
    memory_free(old->values);
    memory_free(old->nodes);
    memory_free(old->outputs);
    memory_free(old->plugins);
    memory_free(old->message);
    memory_free(old->label);
    memory_free(old);
}

plugcl_status graph_fail(plugcl_graph *graph, plugcl_status status)
{
    if (status != PLUGCL_OK && graph->status == PLUGCL_OK) {
        if (graph->label != NULL)
            fail_in(status, "%s: ", graph->label);
        graph->status = status;
        graph->message = string_copy(plugcl_error_message());
    }
    return graph->status;
}

plugcl_status plugcl_graph_status(plugcl_graph *graph)
{
    if (graph->status != PLUGCL_OK)
        return fail(graph->status, "%s", graph->message ? graph->message : plugcl_status_name(graph->status));
    return PLUGCL_OK;
}

plugcl_status plugcl_graph_fail(plugcl_graph *graph, plugcl_status status, const char *message)
{
    if (graph->status == PLUGCL_OK && status != PLUGCL_OK)
        graph_fail(graph, fail(status, "%s", message));
    return status;
}

struct value *graph_value(const plugcl_graph *graph, uint32_t id)
{
    return id == 0 || id > graph->n_values ? NULL : &graph->values[id - 1];
}

static struct value *value_add(plugcl_graph *graph, enum value_kind kind, plugcl_dtype dtype, const plugcl_shape *shape)
{
    struct value *value = array_push(&graph->values, &graph->n_values, &graph->c_values, sizeof *value);
    if (value == NULL) {
        graph_fail(graph, fail_no_memory(sizeof *value));
        return NULL;
    }
    value->kind = kind;
    value->dtype = dtype;
    value->shape = *shape;
    return value;
}

static plugcl_value last_value(const plugcl_graph *graph)
{
    return (plugcl_value){ (uint32_t)graph->n_values };
}

plugcl_value plugcl_graph_input(plugcl_graph *graph, const char *name, plugcl_dtype dtype, const plugcl_shape *shape)
{
    if (graph->status != PLUGCL_OK)
        return (plugcl_value){ 0 };
    plugcl_status status = PLUGCL_OK;
    if (shape->rank > PLUGCL_MAX_RANK)
        status = fail(PLUGCL_INVALID, "input %s has rank %u; at most %d is supported", name, shape->rank, PLUGCL_MAX_RANK);
    for (uint32_t i = 0; status == PLUGCL_OK && i < shape->rank; i++)
        if (shape->dims[i] < PLUGCL_DIM_ANY)
            status = fail(PLUGCL_INVALID, "dimension %u of input %s is %lld; it must be at least 0, or PLUGCL_DIM_ANY", i, name,
                          (long long)shape->dims[i]);
    for (size_t i = 0; status == PLUGCL_OK && i < graph->n_values; i++)
        if (graph->values[i].name != NULL && strcmp(graph->values[i].name, name) == 0)
            status = fail(PLUGCL_INVALID, "there are two inputs named %s; names must differ", name);
    if (status == PLUGCL_OK && dtype != PLUGCL_F32)
        status = fail(PLUGCL_UNSUPPORTED, "input %s is %s; this version takes f32 inputs", name, plugcl_dtype_name(dtype));
    struct value *value = status == PLUGCL_OK ? value_add(graph, VALUE_INPUT, dtype, shape) : NULL;
    if (value != NULL && (value->name = string_copy(name)) == NULL)
        status = fail_no_memory(strlen(name));
    graph_fail(graph, status);
    return graph->status == PLUGCL_OK ? last_value(graph) : (plugcl_value){ 0 };
}

plugcl_value graph_add_constant(plugcl_graph *graph, struct constant *constant)
{
    struct value *value = constant ? value_add(graph, VALUE_CONSTANT, constant->dtype, &constant->shape) : NULL;
    if (value == NULL) {
        constant_drop(&constant);
        return (plugcl_value){ 0 };
    }
    value->constant = constant;
    return last_value(graph);
}

plugcl_value plugcl_graph_weight(plugcl_graph *graph, plugcl_weights *weights, const char *name)
{
    struct constant *constant = NULL;
    if (graph->status != PLUGCL_OK)
        return (plugcl_value){ 0 };
    const struct plugcl_weights_entry *entry = plugcl_weights_find(weights, name);
    graph_fail(graph, entry ? constant_from_weights(weights, entry, &constant) : weights_fail_missing(weights, name));
    return graph_add_constant(graph, constant);
}

plugcl_value plugcl_graph_constant(plugcl_graph *graph, plugcl_dtype dtype, const plugcl_shape *shape, const void *data)
{
    struct constant *constant = NULL;
    if (graph->status != PLUGCL_OK)
        return (plugcl_value){ 0 };
    graph_fail(graph, constant_create(dtype, shape, data, &constant));
    return graph_add_constant(graph, constant);
}

void plugcl_graph_output(plugcl_graph *graph, const char *name, plugcl_value value)
{
    if (graph->status != PLUGCL_OK)
        return;
    for (size_t i = 0; i < graph->n_outputs; i++) {
        if (strcmp(graph->outputs[i].name, name) == 0) {
            graph_fail(graph, fail(PLUGCL_INVALID, "there are two outputs named %s; names must differ", name));
            return;
        }
    }
    if (graph_value(graph, value.id) == NULL) {
        graph_fail(graph, fail(PLUGCL_INVALID, "output %s has no value", name));
        return;
    }
    char *copy = string_copy(name);
    struct graph_output *output = copy ? array_push(&graph->outputs, &graph->n_outputs, &graph->c_outputs, sizeof *output) : NULL;
    if (output == NULL) {
        memory_free(copy);
        graph_fail(graph, fail_no_memory(sizeof *output));
        return;
    }
    *output = (struct graph_output){ copy, value.id };
}

plugcl_status plugcl_graph_shape(const plugcl_graph *graph, plugcl_value value, plugcl_shape *shape)
{
    const struct value *found = graph_value(graph, value.id);
    if (found == NULL)
        return fail(PLUGCL_INVALID, "there is no value %u in this graph", value.id);
    *shape = found->shape;
    return PLUGCL_OK;
}

void plugcl_graph_label(plugcl_graph *graph, const char *label)
{
    memory_free(graph->label);
    graph->label = label ? string_copy(label) : NULL;
}

size_t graph_uses(const plugcl_graph *graph, uint32_t value)
{
    size_t uses = 0;
    for (size_t i = 0; i < graph->n_nodes; i++)
        for (size_t j = 0; !graph->nodes[i].removed && j < OPERATOR_MAX_INPUTS; j++)
            uses += graph->nodes[i].inputs[j] == value;
    return uses + graph_is_output(graph, value);
}

bool graph_is_output(const plugcl_graph *graph, uint32_t value)
{
    for (size_t i = 0; i < graph->n_outputs; i++)
        if (graph->outputs[i].value == value)
            return true;
    return false;
}

/*
 * Nodes.
 */
plugcl_status graph_infer(const plugcl_graph *graph, const struct node *node, plugcl_shape *outputs)
{
    plugcl_shape shapes[OPERATOR_MAX_INPUTS] = { { 0, { 0 } } };
    bool present[OPERATOR_MAX_INPUTS] = { false };
    for (size_t i = 0; i < OPERATOR_MAX_INPUTS; i++) {
        const struct value *value = graph_value(graph, node->inputs[i]);
        present[i] = value != NULL;
        if (value != NULL)
            shapes[i] = value->shape;
    }
    return node->info->shape(node->params, shapes, present, outputs);
}

static bool is_known(const plugcl_shape *shape)
{
    for (uint32_t i = 0; i < shape->rank; i++)
        if (shape->dims[i] < 0)
            return false;
    return true;
}

/* The shape rules work on known dimensions. Unknown ones are tried as two different sizes: what comes out the same does not
 * depend on them. A rule that refuses such sizes says nothing yet; the plan will. */
static void infer_unknown(const plugcl_graph *graph, const struct node *node, plugcl_shape *outputs)
{
    static const int64_t tries[2] = { 840, 1260 }; /* divisible by most strides and groups */
    plugcl_shape found[2][OPERATOR_MAX_OUTPUTS];
    bool ok = true;
    for (int t = 0; ok && t < 2; t++) {
        plugcl_shape shapes[OPERATOR_MAX_INPUTS] = { { 0, { 0 } } };
        bool present[OPERATOR_MAX_INPUTS] = { false };
        for (size_t i = 0; i < OPERATOR_MAX_INPUTS; i++) {
            const struct value *value = graph_value(graph, node->inputs[i]);
            if (value == NULL)
                continue;
            present[i] = true;
            shapes[i] = value->shape;
            for (uint32_t j = 0; j < shapes[i].rank; j++)
                if (shapes[i].dims[j] < 0)
                    shapes[i].dims[j] = tries[t];
        }
        memset(found[t], 0, sizeof found[t]);
        ok = node->info->shape(node->params, shapes, present, found[t]) == PLUGCL_OK;
    }
    for (uint32_t i = 0; i < node->n_outputs; i++) {
        const struct value *first = graph_value(graph, node->inputs[0]);
        outputs[i] = ok ? found[0][i] : first->shape;
        for (uint32_t j = 0; j < outputs[i].rank; j++)
            if (!ok || found[0][i].dims[j] != found[1][i].dims[j])
                outputs[i].dims[j] = PLUGCL_DIM_ANY;
    }
}

static plugcl_status infer_now(const plugcl_graph *graph, const struct node *node, plugcl_shape *outputs)
{
    for (size_t i = 0; i < OPERATOR_MAX_INPUTS; i++) {
        const struct value *value = graph_value(graph, node->inputs[i]);
        if (value != NULL && !is_known(&value->shape)) {
            infer_unknown(graph, node, outputs);
            return PLUGCL_OK;
        }
    }
    return graph_infer(graph, node, outputs);
}

static struct node *node_add(plugcl_graph *graph, const struct operator_info *info, const void *params)
{
    void *copy = info->params_size > 0 ? memory_zeroed(1, info->params_size) : NULL;
    char *label = graph->label ? string_copy(graph->label) : NULL;
    struct node *node = array_push(&graph->nodes, &graph->n_nodes, &graph->c_nodes, sizeof *node);
    if (node == NULL || (info->params_size > 0 && copy == NULL)) {
        if (node != NULL)
            graph->n_nodes--;
        memory_free(copy);
        memory_free(label);
        graph_fail(graph, fail_no_memory(sizeof *node));
        return NULL;
    }
    if (copy != NULL)
        memcpy(copy, params, info->params_size);
    node->info = info;
    node->params = copy;
    node->label = label;
    return node;
}

bool graph_add(plugcl_graph *graph, const struct operator_info *info, const void *params, const plugcl_value *inputs,
               size_t n_inputs, uint32_t n_outputs, plugcl_value *results)
{
    plugcl_shape shapes[OPERATOR_MAX_OUTPUTS] = { { 0, { 0 } } };
    for (uint32_t i = 0; i < n_outputs; i++)
        results[i].id = 0;
    if (graph->status != PLUGCL_OK)
        return false;
    for (size_t i = 0; i < n_inputs; i++) {
        if ((inputs[i].id != 0 || i == 0) && graph_value(graph, inputs[i].id) == NULL) {
            graph_fail(graph, fail(PLUGCL_INVALID, "operand %zu of %s is not a value of this graph", i, info->name));
            return false;
        }
    }
    struct node *node = node_add(graph, info, params);
    if (node == NULL)
        return false;
    node->n_outputs = n_outputs;
    for (size_t i = 0; i < n_inputs; i++)
        node->inputs[i] = inputs[i].id;
    plugcl_status status = infer_now(graph, node, shapes);
    if (status != PLUGCL_OK) {
        graph_fail(graph, fail_in(status, "%s: ", info->name));
        return false;
    }
    for (uint32_t i = 0; i < n_outputs; i++) {
        struct value *value = value_add(graph, VALUE_RESULT, PLUGCL_F32, &shapes[i]);
        if (value == NULL)
            return false;
        value->node = (uint32_t)graph->n_nodes - 1;
        node->outputs[i] = (uint32_t)graph->n_values;
        results[i].id = (uint32_t)graph->n_values;
    }
    return true;
}

/*
 * Copies for plans.
 */
static plugcl_status copy_input(plugcl_graph *copy, const struct value *value, const struct plugcl_input_shape *shapes,
                                size_t n_shapes)
{
    plugcl_shape shape = value->shape;
    for (size_t i = 0; i < n_shapes; i++) {
        if (strcmp(shapes[i].name, value->name) != 0)
            continue;
        bool fits = shapes[i].shape.rank == shape.rank && plugcl_shape_elements(&shapes[i].shape) >= 0;
        for (uint32_t j = 0; fits && j < shape.rank; j++)
            fits = shape.dims[j] == PLUGCL_DIM_ANY || shape.dims[j] == shapes[i].shape.dims[j];
        if (!fits)
            return fail(PLUGCL_INVALID, "the shape given for input %s does not fit the graph's", value->name);
        shape = shapes[i].shape;
    }
    if (!is_known(&shape))
        return fail(PLUGCL_INVALID, "input %s has unknown dimensions; plugcl_plan_params::shapes must give them", value->name);
    return plugcl_graph_input(copy, value->name, value->dtype, &shape).id ? PLUGCL_OK : plugcl_graph_status(copy);
}

static plugcl_status copy_node(plugcl_graph *copy, const struct node *node, const plugcl_value *map, bool expand,
                               plugcl_value *results)
{
    plugcl_value inputs[OPERATOR_MAX_INPUTS];
    for (size_t i = 0; i < OPERATOR_MAX_INPUTS; i++)
        inputs[i] = node->inputs[i] ? map[node->inputs[i]] : (plugcl_value){ 0 };
    plugcl_graph_label(copy, node->label);
    if (expand && node->info->expand != NULL)
        node->info->expand(copy, node->params, inputs, results);
    else
        graph_add(copy, node->info, node->params, inputs, OPERATOR_MAX_INPUTS, node->n_outputs, results);
    return plugcl_graph_status(copy);
}

static plugcl_status check_names(const plugcl_graph *graph, const struct plugcl_input_shape *shapes, size_t n_shapes)
{
    for (size_t i = 0; i < n_shapes; i++) {
        bool found = false;
        for (size_t j = 0; j < graph->n_values; j++)
            found = found || (graph->values[j].kind == VALUE_INPUT && strcmp(graph->values[j].name, shapes[i].name) == 0);
        if (!found)
            return fail(PLUGCL_NOT_FOUND, "a shape is given for %s, which is not an input of the graph", shapes[i].name);
    }
    return PLUGCL_OK;
}

plugcl_status graph_copy(const plugcl_graph *graph, const struct plugcl_input_shape *shapes, size_t n_shapes, bool expand,
                         plugcl_graph **copy)
{
    plugcl_value *map = memory_zeroed(graph->n_values + 1, sizeof *map);
    plugcl_status status = map ? plugcl_graph_create(NULL, copy) : fail_no_memory(graph->n_values * sizeof *map);
    if (status == PLUGCL_OK)
        status = check_names(graph, shapes, n_shapes);
    /* Values and nodes are numbered in the order they were added: values from outside before the nodes that read them. */
    for (size_t i = 0; status == PLUGCL_OK && i < graph->n_values; i++) {
        const struct value *value = &graph->values[i];
        if (value->kind == VALUE_INPUT) {
            status = copy_input(*copy, value, shapes, n_shapes);
            map[i + 1].id = (uint32_t)(*copy)->n_values;
        } else if (value->kind == VALUE_CONSTANT) {
            map[i + 1] = graph_add_constant(*copy, constant_take(value->constant));
            status = plugcl_graph_status(*copy);
        }
    }
    for (size_t i = 0; status == PLUGCL_OK && i < graph->n_nodes; i++) {
        plugcl_value results[OPERATOR_MAX_OUTPUTS] = { { 0 } };
        status = copy_node(*copy, &graph->nodes[i], map, expand, results);
        for (uint32_t j = 0; j < graph->nodes[i].n_outputs; j++)
            map[graph->nodes[i].outputs[j]] = results[j];
    }
    for (size_t i = 0; status == PLUGCL_OK && i < graph->n_outputs; i++) {
        plugcl_graph_output(*copy, graph->outputs[i].name, map[graph->outputs[i].value]);
        status = plugcl_graph_status(*copy);
    }
    memory_free(map);
    if (status != PLUGCL_OK)
        plugcl_graph_destroy(copy);
    return status;
}
