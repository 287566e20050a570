/* SPDX-License-Identifier: Apache-2.0 */
/* plan_graph.c: a plan's own copy of a graph, with all shapes known. */
#include <string.h>

#include <plugcl/plan.h>

#include "graph/graph.h"

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
        char is[SHAPE_TEXT], should[SHAPE_TEXT];
        if (!fits)
            return fail(PLUGCL_INVALID, "the shape given for input %s is %s; the graph's is %s", value->name,
                        shape_text(is, &shapes[i].shape), shape_text(should, &shape));
        shape = shapes[i].shape;
    }
    if (!shape_is_known(&shape))
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
    plugcl_graph_gemm(copy, node->gemm);
    if (expand && node->info->expand != NULL)
        node->info->expand(copy, node->params, inputs, results);
    else
        graph_add(copy, node->info, node->params, inputs, OPERATOR_MAX_INPUTS, node->n_outputs, results);
    return plugcl_graph_status(copy);
}

static plugcl_status check_names(const plugcl_graph *graph, const struct plugcl_input_shape *shapes, size_t n_shapes)
{
    if (shapes == NULL && n_shapes > 0)
        return fail(PLUGCL_INVALID, "plugcl_plan_params::shapes must be %zu shapes, not NULL", n_shapes);
    for (size_t i = 0; i < n_shapes; i++) {
        bool found = false;
        if (shapes[i].name == NULL)
            return fail(PLUGCL_INVALID, "shape %zu has no name; it must be an input's", i);
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
