/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/graph.h"

#include <stdio.h>
#include <string.h>

#include "base/params.h"
#include "base/weights.h"
#include "ops/matmul.h"

plugcl_status plugcl_graph_create(const struct plugcl_graph_params *params, plugcl_graph **graph)
{
    struct plugcl_graph_params own = plugcl_graph_params_init();
    if (graph == NULL)
        return fail(PLUGCL_INVALID, "no place for the graph was given");
    *graph = NULL;
    plugcl_status status = params ? params_read("plugcl_graph_params", params, &own, sizeof own) : PLUGCL_OK;
    if (status == PLUGCL_OK && (*graph = memory_zeroed(1, sizeof **graph)) == NULL)
        status = fail_no_memory(sizeof **graph);
    if (status == PLUGCL_OK) {
        (*graph)->registry = own.registry;
        (*graph)->log = (struct log){ own.log, own.log_user, own.log_level };
    }
    return status;
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
        if (old->nodes[i].info->params_drop != NULL)
            old->nodes[i].info->params_drop(old->nodes[i].params);
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
    if (graph == NULL)
        return plugcl_graph_status(graph);
    if (status != PLUGCL_OK && graph->status == PLUGCL_OK) {
        if (graph->label != NULL)
            fail_in(status, "%s: ", graph->label);
        graph->status = status;
        graph->message = string_copy(plugcl_error_message());
        log_message(&graph->log, PLUGCL_LOG_ERROR, "%s", plugcl_error_message());
    }
    return graph->status;
}

bool graph_is_good(const plugcl_graph *graph)
{
    return graph != NULL && graph->status == PLUGCL_OK;
}

plugcl_status plugcl_graph_status(plugcl_graph *graph)
{
    if (graph == NULL)
        return fail(PLUGCL_INVALID, "the graph is NULL; was it not created?");
    if (graph->status != PLUGCL_OK)
        return fail(graph->status, "%s", graph->message ? graph->message : plugcl_status_name(graph->status));
    return PLUGCL_OK;
}

plugcl_status plugcl_graph_fail(plugcl_graph *graph, plugcl_status status, const char *message)
{
    if (graph_is_good(graph) && status != PLUGCL_OK)
        graph_fail(graph, fail(status, "%s", message ? message : plugcl_status_name(status)));
    return status;
}

struct value *graph_value(const plugcl_graph *graph, uint32_t id)
{
    return graph == NULL || id == 0 || id > graph->n_values ? NULL : &graph->values[id - 1];
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

/* Runs bind tensors by name, to inputs and outputs alike. */
static plugcl_status check_name(const plugcl_graph *graph, const char *what, const char *name)
{
    if (name == NULL || name[0] == '\0')
        return fail(PLUGCL_INVALID, "an %s needs a name", what);
    for (size_t i = 0; i < graph->n_values; i++)
        if (graph->values[i].name != NULL && strcmp(graph->values[i].name, name) == 0)
            return fail(PLUGCL_INVALID, "%s %s: there is an input of that name already; names must differ", what, name);
    for (size_t i = 0; i < graph->n_outputs; i++)
        if (strcmp(graph->outputs[i].name, name) == 0)
            return fail(PLUGCL_INVALID, "%s %s: there is an output of that name already; names must differ", what, name);
    return PLUGCL_OK;
}

plugcl_value plugcl_graph_input(plugcl_graph *graph, const char *name, plugcl_dtype dtype, const plugcl_shape *shape)
{
    if (!graph_is_good(graph))
        return (plugcl_value){ 0 };
    plugcl_status status = check_name(graph, "input", name);
    if (status == PLUGCL_OK && shape == NULL)
        status = fail(PLUGCL_INVALID, "input %s needs a shape", name);
    if (status == PLUGCL_OK && shape->rank > PLUGCL_MAX_RANK)
        status = fail(PLUGCL_INVALID, "input %s has rank %u; at most %d is supported", name, shape->rank, PLUGCL_MAX_RANK);
    for (uint32_t i = 0; status == PLUGCL_OK && i < shape->rank; i++)
        if (shape->dims[i] < PLUGCL_DIM_ANY)
            status = fail(PLUGCL_INVALID, "dimension %u of input %s is %lld; it must be at least 0, or PLUGCL_DIM_ANY", i, name,
                          (long long)shape->dims[i]);
    if (status == PLUGCL_OK && (plugcl_dtype_size(dtype) == 0 || dtype_computed(dtype) != dtype))
        status = fail(PLUGCL_UNSUPPORTED, "input %s is %s; inputs are of f32, i32, i64 or bool", name, plugcl_dtype_name(dtype));
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
    if (!graph_is_good(graph))
        return (plugcl_value){ 0 };
    if (weights == NULL || name == NULL) {
        graph_fail(graph, fail(PLUGCL_INVALID, "a weight needs a weights object and a name, not NULL"));
        return (plugcl_value){ 0 };
    }
    const struct plugcl_weights_entry *entry = plugcl_weights_find(weights, name);
    graph_fail(graph, entry ? constant_from_weights(weights, entry, &constant) : weights_fail_missing(weights, name));
    return graph_add_constant(graph, constant);
}

plugcl_value plugcl_graph_constant(plugcl_graph *graph, plugcl_dtype dtype, const plugcl_shape *shape, const void *data)
{
    struct constant *constant = NULL;
    if (!graph_is_good(graph))
        return (plugcl_value){ 0 };
    graph_fail(graph, shape ? constant_create(dtype, shape, data, &constant) : fail(PLUGCL_INVALID, "a constant needs a shape"));
    return graph_add_constant(graph, constant);
}

void plugcl_graph_output(plugcl_graph *graph, const char *name, plugcl_value value)
{
    if (!graph_is_good(graph))
        return;
    plugcl_status status = check_name(graph, "output", name);
    if (status == PLUGCL_OK && graph_value(graph, value.id) == NULL)
        status = fail(PLUGCL_INVALID, "output %s has no value", name);
    if (status != PLUGCL_OK) {
        graph_fail(graph, status);
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
        return fail(PLUGCL_INVALID, "%s %u %s", "there is no value", value.id, graph ? "in this graph" : "without a graph");
    if (shape == NULL)
        return fail(PLUGCL_INVALID, "no place for the shape was given");
    *shape = found->shape;
    return PLUGCL_OK;
}

plugcl_status plugcl_graph_dtype(const plugcl_graph *graph, plugcl_value value, plugcl_dtype *dtype)
{
    const struct value *found = graph_value(graph, value.id);
    if (found == NULL)
        return fail(PLUGCL_INVALID, "%s %u %s", "there is no value", value.id, graph ? "in this graph" : "without a graph");
    if (dtype == NULL)
        return fail(PLUGCL_INVALID, "no place for the type was given");
    *dtype = found->dtype;
    return PLUGCL_OK;
}

void plugcl_graph_label(plugcl_graph *graph, const char *label)
{
    if (graph != NULL)
        memory_free(graph_label_swap(graph, label ? string_copy(label) : NULL));
}

char *graph_label_swap(plugcl_graph *graph, char *label)
{
    char *old = graph ? graph->label : NULL;
    if (graph != NULL)
        graph->label = label;
    else
        memory_free(label);
    return old;
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

bool shape_is_known(const plugcl_shape *shape)
{
    for (uint32_t i = 0; i < shape->rank; i++)
        if (shape->dims[i] < 0)
            return false;
    return true;
}

const char *shape_text(char text[SHAPE_TEXT], const plugcl_shape *shape)
{
    size_t used = (size_t)snprintf(text, SHAPE_TEXT, "[");
    for (uint32_t i = 0; i < shape->rank && i < PLUGCL_MAX_RANK; i++) {
        const char *comma = i > 0 ? ", " : "";
        used += (size_t)(shape->dims[i] == PLUGCL_DIM_ANY
                             ? snprintf(text + used, SHAPE_TEXT - used, "%sany", comma)
                             : snprintf(text + used, SHAPE_TEXT - used, "%s%lld", comma, (long long)shape->dims[i]));
    }
    snprintf(text + used, SHAPE_TEXT - used, "]");
    return text;
}

/* What a result has when its rule refuses the sizes that were tried. */
static plugcl_shape unknown_result(const plugcl_graph *graph, const struct node *node)
{
    plugcl_shape shape = graph_value(graph, node->inputs[0])->shape;
    const struct value *second = graph_value(graph, node->inputs[1]);
    if (node->info == &operator_reshape && second != NULL)
        return second->shape;
    if (node->info == &operator_reshape)
        shape = ((const struct reshape_params *)node->params)->shape;
    const struct value *third = graph_value(graph, node->inputs[2]);
    bool broadcasts = node->info == &operator_binary || node->info == &operator_compare || node->info == &operator_where;
    if (broadcasts && second != NULL && second->shape.rank > shape.rank)
        shape = second->shape;
    if (broadcasts && third != NULL && third->shape.rank > shape.rank)
        shape = third->shape;
    if (node->info == &operator_squeeze)
        for (uint32_t i = 0, rank = shape.rank; i < rank; i++)
            shape.rank -= ((const struct squeeze_params *)node->params)->axes[i];
    if (node->info == &operator_matmul && second != NULL)
        shape.rank = matmul_rank(shape.rank, second->shape.rank);
    for (uint32_t i = 0; i < shape.rank; i++)
        shape.dims[i] = PLUGCL_DIM_ANY;
    return shape;
}

/* A slice of an axis whose size is unknown: a shorter axis than those that are tried may clamp it. */
static bool is_cut(const plugcl_graph *graph, const struct node *node, uint32_t axis)
{
    return node->info == &operator_slice && ((const struct slice_params *)node->params)->step[axis] != 0 &&
           ((const struct slice_params *)node->params)->whole[axis] == 0 &&
           graph_value(graph, node->inputs[0])->shape.dims[axis] < 0;
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
        outputs[i] = ok ? found[0][i] : unknown_result(graph, node);
        for (uint32_t j = 0; ok && j < outputs[i].rank; j++)
            if (found[0][i].dims[j] != found[1][i].dims[j] || is_cut(graph, node, j))
                outputs[i].dims[j] = PLUGCL_DIM_ANY;
    }
}

static plugcl_status infer_now(const plugcl_graph *graph, const struct node *node, plugcl_shape *outputs)
{
    for (size_t i = 0; i < OPERATOR_MAX_INPUTS; i++) {
        const struct value *value = graph_value(graph, node->inputs[i]);
        if (value != NULL && !shape_is_known(&value->shape)) {
            infer_unknown(graph, node, outputs);
            return PLUGCL_OK;
        }
    }
    return graph_infer(graph, node, outputs);
}

static plugcl_status infer_dtypes(const plugcl_graph *graph, const struct node *node, plugcl_dtype *outputs)
{
    plugcl_dtype dtypes[OPERATOR_MAX_INPUTS] = { PLUGCL_F32 };
    bool present[OPERATOR_MAX_INPUTS] = { false };
    for (size_t i = 0; i < OPERATOR_MAX_INPUTS; i++) {
        const struct value *value = graph_value(graph, node->inputs[i]);
        present[i] = value != NULL;
        if (value != NULL)
            dtypes[i] = dtype_computed(value->dtype);
    }
    return operator_dtypes(node->info, node->params, dtypes, present, outputs);
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
    if (info->params_take != NULL)
        info->params_take(copy);
    node->info = info;
    node->params = copy;
    node->label = label;
    node->gemm = graph->gemm;
    return node;
}

bool graph_add(plugcl_graph *graph, const struct operator_info *info, const void *params, const plugcl_value *inputs,
               size_t n_inputs, uint32_t n_outputs, plugcl_value *results)
{
    plugcl_shape shapes[OPERATOR_MAX_OUTPUTS] = { { 0, { 0 } } };
    plugcl_dtype dtypes[OPERATOR_MAX_OUTPUTS];
    for (uint32_t i = 0; i < n_outputs; i++)
        results[i].id = 0;
    if (!graph_is_good(graph))
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
    plugcl_status status = infer_dtypes(graph, node, dtypes);
    if (status == PLUGCL_OK)
        status = infer_now(graph, node, shapes);
    if (status != PLUGCL_OK) {
        if (strncmp(plugcl_error_message(), info->name, strlen(info->name)) != 0) /* most rules name their operator */
            fail_in(status, "%s: ", info->name);
        graph_fail(graph, status);
        return false;
    }
    for (uint32_t i = 0; i < n_outputs; i++) {
        struct value *value = value_add(graph, VALUE_RESULT, dtypes[i], &shapes[i]);
        if (value == NULL)
            return false;
        value->node = (uint32_t)graph->n_nodes - 1;
        node->outputs[i] = (uint32_t)graph->n_values;
        results[i].id = (uint32_t)graph->n_values;
    }
    return true;
}
