/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lower.c: from a graph's nodes to the steps of a schedule: gives each value its memory and layout, puts copies where an operator
 * needs another layout, makes views of concat and reshape, and chooses variants.
 */
#include <stdio.h>
#include <string.h>

#include "graph/plan.h"

/* A value that is written straight into its place in a concat's result. */
struct alias {
    uint32_t parent; /* 0: none */
    uint32_t axis;
    int64_t start;
};

struct lowering {
    plugcl_plan *plan;
    plugcl_graph *graph;
    struct schedule *schedule;
    const char *variants;
    struct operand *operands;      /* by value id; present once made */
    struct operand *channels_last; /* copies in that layout, made on demand */
    struct operand *row_major;
    struct alias *aliases;
};

static void set_strides(struct operand *operand, bool channels_last)
{
    static const uint32_t nhwc[4] = { 1, 3, 2, 0 };
    int64_t stride = 1;
    for (uint32_t i = 0; i < operand->shape.rank; i++) {
        uint32_t axis = channels_last && operand->shape.rank == 4 ? nhwc[i] : operand->shape.rank - 1 - i;
        operand->strides[axis] = stride;
        stride *= operand->shape.dims[axis];
    }
}

static struct operand dense_operand(const plugcl_shape *shape, bool channels_last, uint32_t region)
{
    struct operand operand = { .present = true, .dtype = PLUGCL_F32, .shape = *shape, .region = region };
    set_strides(&operand, channels_last);
    return operand;
}

static size_t operand_bytes(const plugcl_shape *shape)
{
    int64_t elements = plugcl_shape_elements(shape);
    size_t bytes;
    /* What cannot be counted is more than any device has, and refused as that. */
    bool counted = elements >= 0 && (uint64_t)elements <= SIZE_MAX && size_multiply((size_t)elements, sizeof(float), &bytes);
    return counted ? bytes : SIZE_MAX;
}

static uint64_t call_bytes(const struct operator_call *call)
{
    uint64_t elements = 0;
    for (size_t i = 0; i < OPERATOR_MAX_INPUTS; i++)
        elements += call->inputs[i].present ? (uint64_t)operand_elements(&call->inputs[i]) : 0;
    for (size_t i = 0; i < OPERATOR_MAX_OUTPUTS; i++)
        elements += call->outputs[i].present ? (uint64_t)operand_elements(&call->outputs[i]) : 0;
    return elements * sizeof(float);
}

static plugcl_status emit(struct lowering *low, const struct operator_call *call, const char *label)
{
    char name[64];
    const struct variant *variant = NULL;
    const char *forced = variants_forced(low->variants, call->info->name, name, sizeof name);
    plugcl_status status = variant_choose(call->info, schedule_caps(low->schedule), call, forced, &variant);
    if (status != PLUGCL_OK)
        return status;
    const struct operand *sized = call->outputs[0].present ? &call->outputs[0] : &call->outputs[1];
    uint64_t flops = call->info->flops ? call->info->flops(call) : (uint64_t)operand_elements(sized);
    schedule_step(low->schedule, call->info->name, variant->name, label, flops, call_bytes(call));
    status = variant->plan(low->schedule, call);
    return status != PLUGCL_OK ? schedule_fail(low->schedule, status) : schedule_status(low->schedule);
}

static plugcl_status emit_copy(struct lowering *low, const struct operand *from, const struct operand *to, const char *label)
{
    struct operator_call call = { .info = &operator_copy, .inputs = { *from }, .outputs = { *to } };
    return emit(low, &call, label);
}

/* Another layout of an operand, copied once. */
static plugcl_status relayout(struct lowering *low, uint32_t value, bool channels_last, const char *label, struct operand *operand)
{
    struct operand *copy = channels_last ? &low->channels_last[value] : &low->row_major[value];
    plugcl_status status = PLUGCL_OK;
    if (!copy->present) {
        uint32_t region = schedule_arena(low->schedule, operand_bytes(&operand->shape));
        *copy = dense_operand(&operand->shape, channels_last, region);
        status = emit_copy(low, operand, copy, label);
    }
    *operand = *copy;
    return status;
}

static plugcl_status satisfy_needs(struct lowering *low, const struct node *node, struct operator_call *call)
{
    plugcl_status status = PLUGCL_OK;
    for (size_t i = 0; status == PLUGCL_OK && node->info->need != NULL && i < OPERATOR_MAX_INPUTS; i++) {
        struct operand *operand = &call->inputs[i];
        if (!operand->present)
            continue;
        enum operand_need need = node->info->need(call, i);
        if (need == NEED_CHANNELS_LAST && !operand_is_channels_last(operand))
            status = relayout(low, node->inputs[i], true, node->label, operand);
        else if (need == NEED_ROW_MAJOR && !operand_is_row_major(operand))
            status = relayout(low, node->inputs[i], false, node->label, operand);
    }
    return status;
}

/* The port that a value is written to directly: the first output that names it, if layouts agree. */
static struct port *direct_port(const struct lowering *low, uint32_t value, const struct operand *wanted)
{
    struct operand boundary = dense_operand(&wanted->shape, low->plan->channels_last, 0);
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

/* The memory of a result that is about to be written. */
static struct operand *result_operand(struct lowering *low, uint32_t value, bool channels_last)
{
    struct operand *operand = &low->operands[value];
    const struct alias *alias = &low->aliases[value];
    if (operand->present)
        return operand;
    const plugcl_shape *shape = &graph_value(low->graph, value)->shape;
    if (alias->parent != 0) {
        *operand = *result_operand(low, alias->parent, true);
        operand->offset += alias->start * operand->strides[alias->axis];
        operand->shape = *shape;
        return operand;
    }
    *operand = dense_operand(shape, channels_last, REGION_NONE);
    struct port *port = direct_port(low, value, operand);
    operand->region = port ? port->region : schedule_arena(low->schedule, operand_bytes(shape));
    return operand;
}

static bool output_is_channels_last(const struct node *node, const struct operator_call *call)
{
    if (node->info->layout != OUTPUT_LIKE_INPUT)
        return node->info->layout == OUTPUT_CHANNELS_LAST;
    return operand_is_channels_last(&call->inputs[0]) && !operand_is_row_major(&call->inputs[0]);
}

static plugcl_status lower_node(struct lowering *low, const struct node *node)
{
    struct operator_call call = { .info = node->info, .params = node->params, .epilogue = node->epilogue };
    for (size_t i = 0; i < OPERATOR_MAX_INPUTS; i++)
        if (node->inputs[i] != 0)
            call.inputs[i] = low->operands[node->inputs[i]];
    plugcl_status status = satisfy_needs(low, node, &call);
    for (uint32_t i = 0; i < node->n_outputs; i++)
        if (graph_uses(low->graph, node->outputs[i]) > 0)
            call.outputs[i] = *result_operand(low, node->outputs[i], output_is_channels_last(node, &call));
    return status == PLUGCL_OK ? emit(low, &call, node->label) : status;
}

/*
 * Views.
 */
static plugcl_status lower_concat(struct lowering *low, const struct node *node)
{
    struct operand *whole = result_operand(low, node->outputs[0], true);
    uint32_t axis = ((const struct axis_params *)node->params)->axis;
    int64_t start = 0;
    plugcl_status status = PLUGCL_OK;
    for (size_t i = 0; status == PLUGCL_OK && i < OPERATOR_MAX_INPUTS && node->inputs[i] != 0; i++) {
        const struct operand *part = &low->operands[node->inputs[i]];
        const struct alias *alias = &low->aliases[node->inputs[i]];
        if (alias->parent != node->outputs[0] || alias->start != start) {
            struct operand place = *whole;
            place.offset += start * place.strides[axis];
            place.shape = part->shape;
            status = emit_copy(low, part, &place, node->label);
        }
        start += part->shape.dims[axis];
    }
    return status;
}

static plugcl_status lower_reshape(struct lowering *low, const struct node *node)
{
    struct operand operand = low->operands[node->inputs[0]];
    plugcl_status status = PLUGCL_OK;
    if (!operand_is_row_major(&operand))
        status = relayout(low, node->inputs[0], false, node->label, &operand);
    operand.shape = graph_value(low->graph, node->outputs[0])->shape;
    set_strides(&operand, false);
    if (operand.constant != NULL) { /* a constant has its own shape: the view needs memory */
        struct operand copy = dense_operand(&low->operands[node->inputs[0]].shape, false,
                                            schedule_arena(low->schedule, operand_bytes(&operand.shape)));
        status = emit_copy(low, &low->operands[node->inputs[0]], &copy, node->label);
        operand.constant = NULL;
        operand.region = copy.region;
    }
    low->operands[node->outputs[0]] = operand;
    return status;
}

static plugcl_status lower_transpose(struct lowering *low, const struct node *node)
{
    const struct transpose_params *params = node->params;
    const struct operand *from = &low->operands[node->inputs[0]];
    struct operand permuted = *from;
    for (uint32_t i = 0; i < from->shape.rank; i++) {
        permuted.shape.dims[i] = from->shape.dims[params->order[i]];
        permuted.strides[i] = from->strides[params->order[i]];
    }
    return emit_copy(low, &permuted, result_operand(low, node->outputs[0], false), node->label);
}

/* A concat's operand may be written in place if a step writes it, and nothing else claims its place. */
static void find_aliases(struct lowering *low)
{
    for (size_t n = 0; n < low->graph->n_nodes; n++) {
        const struct node *node = &low->graph->nodes[n];
        if (node->removed || node->info != &operator_concat)
            continue;
        uint32_t axis = ((const struct axis_params *)node->params)->axis;
        int64_t start = 0;
        for (size_t i = 0; i < OPERATOR_MAX_INPUTS && node->inputs[i] != 0; i++) {
            const struct value *part = graph_value(low->graph, node->inputs[i]);
            const struct operator_info *info = part->kind == VALUE_RESULT ? low->graph->nodes[part->node].info : NULL;
            if (info != NULL && info != &operator_reshape && info != &operator_linear &&
                low->aliases[node->inputs[i]].parent == 0 && !graph_is_output(low->graph, node->inputs[i]))
                low->aliases[node->inputs[i]] = (struct alias){ node->outputs[0], axis, start };
            start += part->shape.dims[axis];
        }
    }
}

/*
 * Ports.
 */
static plugcl_status make_ports(struct lowering *low)
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
        port->shape = graph_value(graph, port->value)->shape;
        port->bytes = operand_bytes(&port->shape);
        port->region = schedule_binding(low->schedule, port->bytes);
        if (!port->is_output)
            low->operands[port->value] = dense_operand(&port->shape, plan->channels_last, port->region);
    }
    return schedule_status(low->schedule);
}

static plugcl_status copy_outputs(struct lowering *low)
{
    plugcl_status status = PLUGCL_OK;
    for (size_t i = 0; status == PLUGCL_OK && i < low->plan->n_ports; i++) {
        const struct port *port = &low->plan->ports[i];
        const struct operand *result = &low->operands[port->value];
        if (!port->is_output || result->region == port->region)
            continue;
        struct operand place = dense_operand(&port->shape, low->plan->channels_last, port->region);
        status = emit_copy(low, result, &place, port->name);
    }
    return status;
}

static void make_constants(struct lowering *low)
{
    for (uint32_t i = 1; i <= low->graph->n_values; i++) {
        const struct value *value = graph_value(low->graph, i);
        if (value->kind != VALUE_CONSTANT)
            continue;
        low->operands[i] = dense_operand(&value->shape, false, REGION_NONE);
        low->operands[i].dtype = value->dtype;
        low->operands[i].constant = value->constant;
    }
}

static plugcl_status lower_one(struct lowering *low, const struct node *node)
{
    if (node->info == &operator_concat)
        return lower_concat(low, node);
    if (node->info == &operator_reshape)
        return lower_reshape(low, node);
    if (node->info == &operator_transpose)
        return lower_transpose(low, node);
    return lower_node(low, node);
}

static bool allocate(struct lowering *low)
{
    size_t count = low->graph->n_values + 1;
    low->operands = memory_zeroed(count, sizeof *low->operands);
    low->channels_last = memory_zeroed(count, sizeof *low->channels_last);
    low->row_major = memory_zeroed(count, sizeof *low->row_major);
    low->aliases = memory_zeroed(count, sizeof *low->aliases);
    return low->operands && low->channels_last && low->row_major && low->aliases;
}

plugcl_status plan_lower(plugcl_plan *plan, const char *variants, struct progress *progress)
{
    struct lowering low = { .plan = plan, .graph = plan->graph, .schedule = plan->schedule, .variants = variants };
    plugcl_status status = variants_check(variants);
    if (status == PLUGCL_OK && !allocate(&low))
        status = fail_no_memory(plan->graph->n_values * sizeof *low.operands);
    if (status == PLUGCL_OK) {
        make_constants(&low);
        find_aliases(&low);
        status = make_ports(&low);
    }
    for (size_t i = 0; status == PLUGCL_OK && i < plan->graph->n_nodes; i++) {
        const struct node *node = &plan->graph->nodes[i];
        if (node->removed)
            continue;
        status = progress_tell(progress, node->label ? node->label : node->info->name,
                               i * (progress->total / 2) / plan->graph->n_nodes);
        if (status == PLUGCL_OK && (status = lower_one(&low, node)) != PLUGCL_OK && node->label != NULL)
            fail_in(status, "%s: ", node->label);
    }
    if (status == PLUGCL_OK)
        status = copy_outputs(&low);
    if (status == PLUGCL_OK)
        variants_note_unused(variants, plan);
    memory_free(low.operands);
    memory_free(low.channels_last);
    memory_free(low.row_major);
    memory_free(low.aliases);
    return status;
}
