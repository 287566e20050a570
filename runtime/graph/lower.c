/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lower.c: from a graph's nodes to the steps of a schedule: gives each value its memory and layout, puts copies where an operator
 * needs another layout, makes views of concat and reshape, and chooses variants.
 */
#include <stdio.h>
#include <string.h>

#include "graph/lower.h"

size_t operand_bytes(const plugcl_shape *shape, size_t element_size)
{
    int64_t elements = plugcl_shape_elements(shape);
    size_t bytes;
    /* What cannot be counted is more than any device has, and refused as that. */
    bool counted = elements >= 0 && (uint64_t)elements <= SIZE_MAX && size_multiply((size_t)elements, element_size, &bytes);
    return counted ? bytes : SIZE_MAX;
}

uint64_t call_bytes(const struct operator_call *call)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < OPERATOR_MAX_INPUTS; i++)
        if (call->inputs[i].present)
            bytes += (uint64_t)operand_elements(&call->inputs[i]) * operand_element_size(&call->inputs[i]);
    for (size_t i = 0; i < OPERATOR_MAX_OUTPUTS; i++)
        if (call->outputs[i].present)
            bytes += (uint64_t)operand_elements(&call->outputs[i]) * operand_element_size(&call->outputs[i]);
    return bytes;
}

plugcl_status emit(struct lowering *low, const struct operator_call *call, const char *label)
{
    char name[64], tile[TILE_NAME] = "";
    struct choice choice;
    const char *forced = variants_forced(low->variants, call->info->name, name, sizeof name);
    low->plan->tuning.step = label;
    plugcl_status status = variant_select(low->schedule, call, forced, &choice);
    if (status != PLUGCL_OK)
        return status;
    const struct operand *sized = call->outputs[0].present ? &call->outputs[0] : &call->outputs[1];
    uint64_t flops = call->info->flops ? call->info->flops(call) : (uint64_t)operand_elements(sized);
    schedule_step(low->schedule, call->info->name, choice.variant->name, label, flops, call_bytes(call));
    if (call->info->tile == NULL || !call->info->tile(choice.variant, schedule_caps(low->schedule), call, choice.tile, tile))
        tile[0] = '\0';
    schedule_step_choice(low->schedule, tile, choice.kind);
    status = choice_plan(low->schedule, call, &choice);
    return status != PLUGCL_OK ? schedule_fail(low->schedule, status) : schedule_status(low->schedule);
}

plugcl_status emit_copy(struct lowering *low, const struct operand *from, const struct operand *to, const char *label)
{
    struct operator_call call = { .info = &operator_copy, .inputs = { *from }, .outputs = { *to } };
    return emit(low, &call, label);
}

/* Another layout of an operand, copied once. */
plugcl_status relayout(struct lowering *low, uint32_t value, bool channels_last, const char *label, struct operand *operand)
{
    struct operand *copy = channels_last ? &low->channels_last[value] : &low->row_major[value];
    plugcl_status status = PLUGCL_OK;
    if (!copy->present) {
        uint32_t region = schedule_arena(low->schedule, operand_bytes(&operand->shape, PLAN_ELEMENT));
        *copy = operand_dense(operand->dtype, &operand->shape, channels_last, region);
        status = emit_copy(low, operand, copy, label);
    }
    *operand = *copy;
    return status;
}

plugcl_status satisfy_needs(struct lowering *low, const struct node *node, struct operator_call *call)
{
    const bool is_cpu = schedule_caps(low->schedule)->cpu_family;
    plugcl_status status = PLUGCL_OK;
    for (size_t i = 0; status == PLUGCL_OK && node->info->need != NULL && i < OPERATOR_MAX_INPUTS; i++) {
        struct operand *operand = &call->inputs[i];
        if (!operand->present)
            continue;
        enum operand_need need = node->info->need(call, i);
        if (need == NEED_CHANNELS_LAST_ON_GPU)
            need = is_cpu ? NEED_NOTHING : NEED_CHANNELS_LAST;
        if (need == NEED_CHANNELS_LAST && !operand_is_channels_last(operand))
            status = relayout(low, node->inputs[i], true, node->label, operand);
        else if (need == NEED_DENSE_CHANNELS_LAST && !(operand_is_channels_last(operand) && operand_is_dense(operand)))
            status = relayout(low, node->inputs[i], true, node->label, operand);
        else if (need == NEED_ROW_MAJOR && !operand_is_row_major(operand))
            status = relayout(low, node->inputs[i], false, node->label, operand);
    }
    return status;
}

/* The memory of a result that is about to be written. */
struct operand *result_operand(struct lowering *low, uint32_t value, bool channels_last)
{
    struct operand *operand = &low->operands[value];
    const struct alias *alias = &low->aliases[value];
    if (operand->present)
        return operand;
    const struct value *result = graph_value(low->graph, value);
    if (alias->parent != 0) {
        *operand = *result_operand(low, alias->parent, true);
        operand->offset += alias->start * operand->strides[alias->axis];
        operand->shape = result->shape;
        return operand;
    }
    *operand = operand_dense(result->dtype, &result->shape, channels_last, REGION_NONE);
    struct port *port = direct_port(low, value, operand);
    operand->region = port ? port->region : schedule_arena(low->schedule, operand_bytes(&result->shape, PLAN_ELEMENT));
    return operand;
}

bool prefers_channels_last(const struct operand *operand)
{
    return operand_is_channels_last(operand) && !operand_is_row_major(operand);
}

static bool output_is_channels_last(const struct node *node, const struct operator_call *call)
{
    const enum output_layout layout = node->info->layout;
    if (layout == OUTPUT_LIKE_INPUT || layout == OUTPUT_LIKE_RESIDUAL)
        return prefers_channels_last(&call->inputs[layout == OUTPUT_LIKE_RESIDUAL ? node->info->residual_input : 0]);
    return layout == OUTPUT_CHANNELS_LAST;
}

/* By a node behind this one, or maybe by one, through a view. */
static bool is_read_later(const struct lowering *low, const struct node *node, uint32_t value)
{
    for (const struct node *other = low->graph->nodes; other < low->graph->nodes + low->graph->n_nodes; other++)
        for (size_t i = 0; !other->removed && i < OPERATOR_MAX_INPUTS; i++)
            if (other->inputs[i] == value && (other > node || lower_is_view(low, other)))
                return true;
    return false;
}

/* Whether what node's first operand holds is read by later nodes, or known by other names. */
static bool is_last_use(const struct lowering *low, const struct node *node)
{
    const uint32_t operand = node->inputs[0];
    const struct value *value = graph_value(low->graph, operand);
    if (value->kind != VALUE_RESULT || lower_is_view(low, &low->graph->nodes[value->node]) || low->aliases[operand].parent != 0 ||
        graph_is_output(low->graph, operand))
        return false;
    for (size_t i = 1; i < OPERATOR_MAX_INPUTS; i++)
        if (node->inputs[i] == operand)
            return false;
    return !is_read_later(low, node, operand);
}

/* The memory of output 0: the first operand's where it may be overwritten, which saves memory and keeps it in the caches. */
static struct operand *first_result(struct lowering *low, const struct node *node, const struct operator_call *call)
{
    const struct operand *x = &call->inputs[0];
    const bool channels_last = output_is_channels_last(node, call);
    struct operand *result = &low->operands[node->outputs[0]];
    struct operand dense = operand_dense(x->dtype, &x->shape, channels_last, x->region);
    dense.offset = x->offset;
    if (node->info->in_place && !result->present && low->aliases[node->outputs[0]].parent == 0 && operand_is_dense(x) &&
        direct_port(low, node->outputs[0], &dense) == NULL && is_last_use(low, node))
        *result = dense;
    return result_operand(low, node->outputs[0], channels_last);
}

struct operator_call make_call(const struct lowering *low, const struct node *node)
{
    struct operator_call call = { .info = node->info, .params = node->params, .epilogue = node->epilogue,
                                  .gemm = variants_gemm(low->variants, node->gemm), .no_winograd = low->plan->no_winograd };
    for (size_t i = 0; i < OPERATOR_MAX_INPUTS; i++)
        if (node->inputs[i] != 0)
            call.inputs[i] = low->operands[node->inputs[i]];
    return call;
}

static plugcl_status lower_node(struct lowering *low, const struct node *node)
{
    struct operator_call call = make_call(low, node);
    plugcl_status status = satisfy_needs(low, node, &call);
    for (uint32_t i = 0; i < node->n_outputs; i++)
        if (graph_uses(low->graph, node->outputs[i]) > 0)
            call.outputs[i] = i == 0 ? *first_result(low, node, &call)
                                     : *result_operand(low, node->outputs[i], output_is_channels_last(node, &call));
    return status == PLUGCL_OK ? emit(low, &call, node->label) : status;
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
            const struct node *writer = part->kind == VALUE_RESULT ? &low->graph->nodes[part->node] : NULL;
            if (writer != NULL && lower_writes_anywhere(low, writer) &&
                low->aliases[node->inputs[i]].parent == 0 && !graph_is_output(low->graph, node->inputs[i]))
                low->aliases[node->inputs[i]] = (struct alias){ node->outputs[0], axis, start };
            start += part->shape.dims[axis];
        }
    }
}

static void make_constants(struct lowering *low)
{
    for (uint32_t i = 1; i <= low->graph->n_values; i++) {
        const struct value *value = graph_value(low->graph, i);
        if (value->kind != VALUE_CONSTANT)
            continue;
        low->operands[i] = operand_dense(dtype_computed(value->dtype), &value->shape, false, REGION_NONE);
        low->operands[i].constant = value->constant;
    }
}

static plugcl_status lower_one(struct lowering *low, const struct node *node)
{
    plugcl_status status;
    if (lower_is_view(low, node))
        return lower_view(low, node);
    return lower_together(low, node, &status) ? status : lower_node(low, node);
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
    if (status == PLUGCL_OK)
        status = convert_inputs(&low);
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
    for (size_t i = 0; i < plan->graph->n_values; i++) /* a plan needs none any more */
        constant_drop(&plan->graph->values[i].constant);
    memory_free(low.operands);
    memory_free(low.channels_last);
    memory_free(low.row_major);
    memory_free(low.aliases);
    return status;
}
