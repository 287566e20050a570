/* SPDX-License-Identifier: Apache-2.0 */
/* lower_view.c: concat, reshape, transpose and other operators that are offsets and strides where they can be, else copies. */
#include "graph/lower.h"

/* A constant is known by its own shape, whole: a view of it needs memory. */
static plugcl_status give_memory(struct lowering *low, struct operand *operand)
{
    struct buffer *buffer = NULL;
    if (operand->constant == NULL)
        return PLUGCL_OK;
    plugcl_status status = constant_uploaded(schedule_context(low->schedule), operand->constant, &buffer);
    if (status != PLUGCL_OK)
        return status;
    operand->region = schedule_fixed(low->schedule, buffer);
    operand->constant = NULL;
    return schedule_status(low->schedule);
}

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
    plugcl_status status = give_memory(low, &operand);
    if (status == PLUGCL_OK && !operand_is_row_major(&operand))
        status = relayout(low, node->inputs[0], false, node->label, &operand);
    operand.shape = graph_value(low->graph, node->outputs[0])->shape;
    set_strides(&operand, false);
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

/* Between types that a plan stores in the same way. */
static plugcl_status lower_same_bits(struct lowering *low, const struct node *node)
{
    struct operand operand = low->operands[node->inputs[0]];
    plugcl_status status = give_memory(low, &operand);
    operand.dtype = graph_value(low->graph, node->outputs[0])->dtype;
    low->operands[node->outputs[0]] = operand;
    return status;
}

static bool keeps_bits(const struct lowering *low, const struct node *node)
{
    plugcl_dtype from = dtype_computed(graph_value(low->graph, node->inputs[0])->dtype);
    plugcl_dtype to = graph_value(low->graph, node->outputs[0])->dtype;
    return node->info == &operator_cast && (from == to || (from != PLUGCL_F32 && to != PLUGCL_F32 && to != PLUGCL_BOOL));
}

bool lower_is_view(const struct lowering *low, const struct node *node)
{
    return node->info == &operator_concat || node->info == &operator_reshape || node->info == &operator_transpose ||
           keeps_bits(low, node);
}

plugcl_status lower_view(struct lowering *low, const struct node *node)
{
    if (node->info == &operator_concat)
        return lower_concat(low, node);
    if (node->info == &operator_reshape)
        return lower_reshape(low, node);
    if (node->info == &operator_transpose)
        return lower_transpose(low, node);
    return lower_same_bits(low, node);
}

bool lower_writes_anywhere(const struct lowering *low, const struct node *node)
{
    return node->info != &operator_reshape && node->info != &operator_linear && !keeps_bits(low, node);
}
