/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/build.h"

#include <string.h>

#include "base/params.h"

plugcl_value add_one(plugcl_graph *graph, const struct operator_info *info, const void *params, const plugcl_value *inputs,
                     size_t n_inputs)
{
    plugcl_value result;
    graph_add(graph, info, params, inputs, n_inputs, 1, &result);
    return result;
}

bool has_operands(plugcl_graph *graph, const char *what, const plugcl_value *values, size_t n_values)
{
    for (size_t i = 0; i < n_values; i++) {
        if (graph_is_good(graph) && values[i].id == 0) {
            graph_fail(graph, fail(PLUGCL_INVALID, "operand %zu of %s is missing: it is the null value", i, what));
            return false;
        }
    }
    return graph_is_good(graph);
}

int rank_of(plugcl_graph *graph, plugcl_value value)
{
    const struct value *found = graph_value(graph, value.id);
    if (found == NULL && graph_is_good(graph))
        graph_fail(graph, fail(PLUGCL_INVALID, "an operand is not a value of this graph"));
    return found && graph_is_good(graph) ? (int)found->shape.rank : -1;
}

bool has_axes(plugcl_graph *graph, const char *what, const int *axes, size_t n_axes)
{
    if (axes == NULL && n_axes > 0)
        graph_fail(graph, fail(PLUGCL_INVALID, "%s needs %zu axes, not NULL", what, n_axes));
    return axes != NULL || n_axes == 0;
}

int axis_of(plugcl_graph *graph, plugcl_value value, int axis, const char *what)
{
    int rank = rank_of(graph, value);
    if (rank < 0)
        return -1;
    if (axis < -rank || axis >= rank) {
        graph_fail(graph, fail(PLUGCL_INVALID, "%s: axis %d of a tensor of rank %d; it must be %d to %d", what, axis, rank, -rank,
                               rank - 1));
        return -1;
    }
    return axis < 0 ? axis + rank : axis;
}

void take_params(plugcl_graph *graph, const char *what, void *own, size_t own_size, const void *given)
{
    memset(own, 0, own_size);
    if (given != NULL)
        graph_fail(graph, params_read(what, given, own, own_size));
}

plugcl_value layer_value(plugcl_graph *graph, plugcl_weights *weights, const char *layer, const char *part, bool optional)
{
    if (!graph_is_good(graph))
        return no_value;
    if (weights == NULL || layer == NULL) {
        graph_fail(graph, fail(PLUGCL_INVALID, "a layer needs weights and a name, not NULL"));
        return no_value;
    }
    char *name = string_format("%s.%s", layer, part);
    plugcl_value value = no_value;
    if (name == NULL)
        graph_fail(graph, fail_no_memory(strlen(layer)));
    else if (!optional || plugcl_weights_find(weights, name) != NULL)
        value = plugcl_graph_weight(graph, weights, name);
    memory_free(name);
    return value;
}

char *begin_layer(plugcl_graph *graph, const char *layer)
{
    return graph_label_swap(graph, layer ? string_copy(layer) : NULL);
}

plugcl_value end_layer(plugcl_graph *graph, char *outer, plugcl_value value)
{
    memory_free(graph_label_swap(graph, outer));
    return value;
}

struct constant *constant_of(const plugcl_graph *graph, plugcl_value value)
{
    const struct value *found = graph_value(graph, value.id);
    return found ? found->constant : NULL;
}
