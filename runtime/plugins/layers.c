/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/layers.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const norm_tensors[] = { "running_mean", "running_var", "weight", "bias" };

plugcl_status layers_fail(plugcl_graph *graph, plugcl_status status, const char *format, ...)
{
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return plugcl_graph_fail(graph, status, message);
}

const struct plugcl_weights_entry *layers_find(const struct plugcl_plugin_call *call, const char *layer, const char *tensor)
{
    char name[128];
    if (layer == NULL)
        return NULL;
    snprintf(name, sizeof name, "%s.%s", layer, tensor);
    return plugcl_call_find(call, name);
}

bool layers_have_norm(const struct plugcl_plugin_call *call, const char *layer)
{
    for (size_t i = 0; i < sizeof norm_tensors / sizeof *norm_tensors; i++)
        if (layers_find(call, layer, norm_tensors[i]) != NULL)
            return true;
    return false;
}

static void fail_unknown(plugcl_graph *graph, const struct plugcl_flavour *flavours)
{
    char known[400] = "";
    size_t used = 0;
    for (; flavours->name != NULL && used < sizeof known; flavours++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s (%s)", used ? "; " : "", flavours->weights,
                                 flavours->name);
    layers_fail(graph, PLUGCL_NOT_FOUND, "none of the known sets of weights is there; it must be one of %s", known);
}

const struct layers_form *layers_recognise(plugcl_graph *graph, const struct plugcl_plugin_call *call,
                                           const struct layers_form *forms, size_t form_size, layers_count count,
                                           const struct plugcl_flavour *flavours)
{
    const char *wanted = plugcl_call_text(call, "flavour");
    bool is_auto = strcmp(wanted, "auto") == 0;
    const struct layers_form *best = NULL, *form = forms;
    int most = is_auto ? 0 : -1;
    for (; form->flavour != NULL; form = (const struct layers_form *)(const void *)((const char *)form + form_size)) {
        if (!is_auto && strcmp(form->flavour, wanted) != 0)
            continue;
        int found = count(call, form);
        if (found > most) {
            most = found;
            best = form;
        }
    }
    if (best == NULL)
        fail_unknown(graph, flavours);
    else
        plugcl_call_set_flavour(call, best->flavour);
    return best;
}

const char *layers_write_shape(char text[128], const plugcl_shape *shape)
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

bool layers_check_type(plugcl_graph *graph, const struct plugcl_weights_entry *entry)
{
    if (!is_float(entry->dtype))
        layers_fail(graph, PLUGCL_INVALID, "%s is %s; it must be f32, f16, bf16 or f64", entry->name,
                    plugcl_dtype_name(entry->dtype));
    return is_float(entry->dtype);
}

bool layers_check_matrix(plugcl_graph *graph, const struct plugcl_weights_entry *entry, uint32_t rank, int64_t rows,
                         int64_t columns)
{
    const plugcl_shape *shape = &entry->shape;
    char found[128], wanted[2][32], last[16] = "";
    bool is_matrix = shape->rank == 2 || (shape->rank == 4 && shape->dims[2] == 1 && shape->dims[3] == 1);
    if (!layers_check_type(graph, entry))
        return false;
    if (is_matrix && (rank == 0 || shape->rank == rank) && shape->dims[0] > 0 && shape->dims[1] > 0 &&
        (rows < 0 || shape->dims[0] == rows) && (columns < 0 || shape->dims[1] == columns))
        return true;
    snprintf(wanted[0], sizeof wanted[0], rows < 0 ? "hidden" : "%lld", (long long)rows);
    snprintf(wanted[1], sizeof wanted[1], columns < 0 ? "C" : "%lld", (long long)columns);
    if (rank == 4 || (rank == 0 && shape->rank == 4))
        strcpy(last, ", 1, 1");
    layers_fail(graph, PLUGCL_INVALID, "%s is %s; it must be [%s, %s%s]", entry->name, layers_write_shape(found, shape), wanted[0],
                wanted[1], last);
    return false;
}

bool layers_check_shape(plugcl_graph *graph, const struct plugcl_weights_entry *entry, const plugcl_shape *shape,
                        const char *wanted)
{
    char found[128];
    if (!layers_check_type(graph, entry))
        return false;
    bool is_right = entry->shape.rank == shape->rank;
    for (uint32_t i = 0; is_right && i < shape->rank; i++)
        is_right = shape->dims[i] < 0 ? entry->shape.dims[i] > 0 : entry->shape.dims[i] == shape->dims[i];
    if (!is_right)
        layers_fail(graph, PLUGCL_INVALID, "%s is %s; it must be %s", entry->name, layers_write_shape(found, &entry->shape),
                    wanted);
    return is_right;
}

bool layers_check_vector(plugcl_graph *graph, const struct plugcl_weights_entry *entry, int64_t elements)
{
    char wanted[32];
    snprintf(wanted, sizeof wanted, "[%lld]", (long long)elements);
    return entry == NULL || layers_check_shape(graph, entry, PLUGCL_SHAPE(elements), wanted);
}

static plugcl_value take(const struct plugcl_plugin_call *call, const char *layer, const char *tensor)
{
    char name[128];
    snprintf(name, sizeof name, "%s.%s", layer, tensor);
    return plugcl_call_weight(call, name);
}

bool layers_take(plugcl_graph *graph, const struct plugcl_plugin_call *call, const char *layer, bool needs_bias,
                 plugcl_value *weight, plugcl_value *bias)
{
    *weight = take(call, layer, "weight");
    if (needs_bias || layers_find(call, layer, "bias") != NULL)
        *bias = take(call, layer, "bias");
    return plugcl_graph_status(graph) == PLUGCL_OK;
}

bool layers_fold_norm(plugcl_graph *graph, const struct plugcl_plugin_call *call, const char *layer, int64_t channels, float eps,
                      plugcl_value *weight, plugcl_value *bias)
{
    for (size_t i = 0; i < sizeof norm_tensors / sizeof *norm_tensors; i++)
        if (!layers_check_vector(graph, layers_find(call, layer, norm_tensors[i]), channels))
            return false;
    plugcl_call_fold_batch_norm(call, weight, bias, layer, eps);
    return plugcl_graph_status(graph) == PLUGCL_OK;
}

bool layers_read_channels(plugcl_graph *graph, plugcl_value x, int64_t *channels)
{
    plugcl_shape shape;
    char found[128];
    if (plugcl_graph_shape(graph, x, &shape) != PLUGCL_OK)
        return false;
    if (shape.rank != 4) {
        layers_fail(graph, PLUGCL_INVALID, "x is %s; it must have rank 4: [N, C, H, W]", layers_write_shape(found, &shape));
        return false;
    }
    *channels = shape.dims[1] == PLUGCL_DIM_ANY ? -1 : shape.dims[1];
    return true;
}
