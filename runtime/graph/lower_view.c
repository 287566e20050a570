/* SPDX-License-Identifier: Apache-2.0 */
/* lower_view.c: concat, reshape, transpose and other operators that are offsets and strides where they can be, else copies. */
#include <string.h>

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
    operand_set_strides(&operand, false);
    low->operands[node->outputs[0]] = operand;
    return status;
}

/* What is dense in its new order needs no copy: it is the same memory. */
static plugcl_status lower_transpose(struct lowering *low, const struct node *node)
{
    const struct transpose_params *params = node->params;
    struct operand from = low->operands[node->inputs[0]];
    plugcl_status status = give_memory(low, &from);
    if (status != PLUGCL_OK)
        return status;
    struct operand permuted = from;
    for (uint32_t i = 0; i < from.shape.rank; i++) {
        permuted.shape.dims[i] = from.shape.dims[params->order[i]];
        permuted.strides[i] = from.strides[params->order[i]];
    }
    if (operand_is_dense(&permuted) && low->aliases[node->outputs[0]].parent == 0) {
        low->operands[node->outputs[0]] = permuted;
        return PLUGCL_OK;
    }
    return emit_copy(low, &permuted, result_operand(low, node->outputs[0], false), node->label);
}

static bool goes_backwards(const struct node *node)
{
    const struct slice_params *params = node->params;
    bool backwards = false;
    for (uint32_t i = 0; i < PLUGCL_MAX_RANK; i++)
        backwards = backwards || params->step[i] < 0;
    return backwards;
}

/* Kernels take strides that are not negative, but for the copy's. */
static plugcl_status lower_slice(struct lowering *low, const struct node *node)
{
    struct operand operand = low->operands[node->inputs[0]];
    bool channels_last = prefers_channels_last(&operand);
    plugcl_status status = give_memory(low, &operand);
    for (uint32_t i = 0; i < operand.shape.rank; i++) {
        int64_t first, step, count = slice_elements(node->params, i, operand.shape.dims[i], &first, &step);
        operand.offset += count > 0 ? first * operand.strides[i] : 0;
        operand.strides[i] *= step;
        operand.shape.dims[i] = count;
    }
    if (status == PLUGCL_OK && goes_backwards(node))
        return emit_copy(low, &operand, result_operand(low, node->outputs[0], channels_last), node->label);
    low->operands[node->outputs[0]] = operand;
    return status;
}

/* Axes of size 1 come and go; what stride they have does not matter. */
static plugcl_status lower_squeeze(struct lowering *low, const struct node *node)
{
    const struct squeeze_params *params = node->params;
    struct operand operand = low->operands[node->inputs[0]];
    const struct operand from = operand;
    bool adds = node->info == &operator_unsqueeze;
    plugcl_status status = give_memory(low, &operand);
    operand.shape = graph_value(low->graph, node->outputs[0])->shape;
    for (uint32_t i = 0, j = 0; i < operand.shape.rank; i++) {
        while (!adds && params->axes[j])
            j++;
        operand.strides[i] = adds && params->axes[i] ? 1 : from.strides[j++];
    }
    low->operands[node->outputs[0]] = operand;
    return status;
}

/* An operand [..., C·f², H, W] (`in_channels`) or [..., C, H·f, W·f] as [..., C, H, f, W, f]. */
static struct operand with_factors(const struct operand *operand, int64_t f, bool in_channels)
{
    struct operand split = *operand;
    uint32_t c = operand->shape.rank - 3;
    const int64_t *dims = &operand->shape.dims[c], *strides = &operand->strides[c];
    split.shape.rank += 2;
    if (in_channels) {
        const int64_t to_dims[5] = { dims[0] / (f * f), dims[1], f, dims[2], f };
        const int64_t to_strides[5] = { strides[0] * f * f, strides[1], strides[0] * f, strides[2], strides[0] };
        memcpy(&split.shape.dims[c], to_dims, sizeof to_dims);
        memcpy(&split.strides[c], to_strides, sizeof to_strides);
    } else {
        const int64_t to_dims[5] = { dims[0], dims[1] / f, f, dims[2] / f, f };
        const int64_t to_strides[5] = { strides[0], strides[1] * f, strides[1], strides[2] * f, strides[2] };
        memcpy(&split.shape.dims[c], to_dims, sizeof to_dims);
        memcpy(&split.strides[c], to_strides, sizeof to_strides);
    }
    return split;
}

static plugcl_status lower_pixel_shuffle(struct lowering *low, const struct node *node)
{
    const struct pixel_shuffle_params *params = node->params;
    const struct operand *x = &low->operands[node->inputs[0]];
    struct operand from = with_factors(x, params->factor, !params->inverse);
    struct operand to = with_factors(result_operand(low, node->outputs[0], prefers_channels_last(x)), params->factor,
                                     params->inverse);
    return emit_copy(low, &from, &to, node->label);
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

static const struct {
    const struct operator_info *info;
    plugcl_status (*lower)(struct lowering *low, const struct node *node);
} views[] = {
    { &operator_concat, lower_concat },       { &operator_reshape, lower_reshape }, { &operator_transpose, lower_transpose },
    { &operator_slice, lower_slice },         { &operator_squeeze, lower_squeeze }, { &operator_unsqueeze, lower_squeeze },
    { &operator_pixel_shuffle, lower_pixel_shuffle },
};

bool lower_is_view(const struct lowering *low, const struct node *node)
{
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++)
        if (views[i].info == node->info)
            return true;
    return keeps_bits(low, node);
}

plugcl_status lower_view(struct lowering *low, const struct node *node)
{
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++)
        if (views[i].info == node->info)
            return views[i].lower(low, node);
    return lower_same_bits(low, node);
}

/* Not where the operand itself becomes the result. */
bool lower_writes_anywhere(const struct lowering *low, const struct node *node)
{
    return !node->info->dense_outputs && node->info != &operator_reshape && node->info != &operator_squeeze &&
           node->info != &operator_unsqueeze && (node->info != &operator_slice || goes_backwards(node)) && !keeps_bits(low, node);
}
