/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lower_port.c: inputs and outputs. Within a plan every element has 4 bytes: I64 and BOOL, which are larger and smaller in a
 * caller's tensor, are converted on the way in and out.
 */
#include "graph/lower.h"

static bool converts_at_port(plugcl_dtype dtype)
{
    return plugcl_dtype_size(dtype) != PLAN_ELEMENT;
}

static struct operand port_operand(const struct lowering *low, const struct port *port)
{
    struct operand operand = operand_dense(port->dtype, &port->shape, low->plan->channels_last, port->region);
    operand.at_port = converts_at_port(port->dtype);
    return operand;
}

static plugcl_status emit_cast(struct lowering *low, const struct operand *from, const struct operand *to, const char *label)
{
    struct operator_call call = { .info = &operator_cast, .inputs = { *from }, .outputs = { *to } };
    return emit(low, &call, label);
}

plugcl_status make_ports(struct lowering *low)
{
    plugcl_plan *plan = low->plan;
    const plugcl_graph *graph = low->graph;
    plan->ports = memory_zeroed(graph->n_values + graph->n_outputs, sizeof *plan->ports);
    if (plan->ports == NULL)
        return fail_no_memory(graph->n_values * sizeof *plan->ports);
    for (uint32_t i = 1; i <= graph->n_values; i++) {
        const struct value *value = graph_value(graph, i);
        if (value->kind == VALUE_INPUT)
            plan->ports[plan->n_ports++] = (struct port){ .name = value->name, .value = i };
    }
    for (size_t i = 0; i < graph->n_outputs; i++)
        plan->ports[plan->n_ports++] =
            (struct port){ .name = graph->outputs[i].name, .is_output = true, .value = graph->outputs[i].value };
    for (size_t i = 0; i < plan->n_ports; i++) {
        struct port *port = &plan->ports[i];
        port->dtype = dtype_computed(graph_value(graph, port->value)->dtype);
        port->shape = graph_value(graph, port->value)->shape;
        port->bytes = operand_bytes(&port->shape, plugcl_dtype_size(port->dtype));
        port->region = schedule_binding(low->schedule, port->bytes);
        if (!port->is_output)
            low->operands[port->value] = port_operand(low, port);
    }
    return schedule_status(low->schedule);
}

plugcl_status convert_inputs(struct lowering *low)
{
    plugcl_status status = PLUGCL_OK;
    for (size_t i = 0; status == PLUGCL_OK && i < low->plan->n_ports; i++) {
        const struct port *port = &low->plan->ports[i];
        struct operand *operand = &low->operands[port->value];
        if (port->is_output || !operand->at_port || graph_uses(low->graph, port->value) == 0)
            continue;
        struct operand converted = operand_dense(port->dtype, &port->shape, low->plan->channels_last,
                                                 schedule_arena(low->schedule, operand_bytes(&port->shape, PLAN_ELEMENT)));
        status = emit_cast(low, operand, &converted, port->name);
        *operand = converted;
    }
    return status;
}

struct port *direct_port(const struct lowering *low, uint32_t value, const struct operand *wanted)
{
    struct operand boundary = operand_dense(wanted->dtype, &wanted->shape, low->plan->channels_last, 0);
    if (converts_at_port(wanted->dtype))
        return NULL;
    for (size_t i = 0; i < low->plan->n_ports; i++) {
        struct port *port = &low->plan->ports[i];
        if (!port->is_output || port->value != value)
            continue;
        for (uint32_t j = 0; j < wanted->shape.rank; j++)
            if (wanted->shape.dims[j] != 1 && wanted->strides[j] != boundary.strides[j])
                return NULL;
        return port;
    }
    return NULL;
}

plugcl_status copy_outputs(struct lowering *low)
{
    plugcl_status status = PLUGCL_OK;
    for (size_t i = 0; status == PLUGCL_OK && i < low->plan->n_ports; i++) {
        const struct port *port = &low->plan->ports[i];
        const struct operand *result = &low->operands[port->value];
        if (!port->is_output || result->region == port->region)
            continue;
        struct operand place = port_operand(low, port);
        status = place.at_port ? emit_cast(low, result, &place, port->name) : emit_copy(low, result, &place, port->name);
    }
    return status;
}
