/* SPDX-License-Identifier: Apache-2.0 */
/* view.c: operators that move no data of their own: the planner turns them into offsets and strides, or into copies. */
#include "ops/operator.h"

static plugcl_status concat_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    uint32_t axis = ((const struct axis_params *)params)->axis;
    if (!present[0])
        return fail(PLUGCL_INVALID, "concat has no operands");
    if (axis >= inputs[0].rank)
        return fail(PLUGCL_INVALID, "concat's axis is %u; its operands have rank %u", axis, inputs[0].rank);
    outputs[0] = inputs[0];
    for (size_t i = 1; i < OPERATOR_MAX_INPUTS && present[i]; i++) {
        if (inputs[i].rank != inputs[0].rank)
            return fail(PLUGCL_INVALID, "concat's operand %zu has rank %u; the first has rank %u", i, inputs[i].rank,
                        inputs[0].rank);
        for (uint32_t d = 0; d < inputs[0].rank; d++)
            if (d != axis && inputs[i].dims[d] != inputs[0].dims[d])
                return fail(PLUGCL_INVALID,
                            "concat's operand %zu has size %lld on axis %u; the first has %lld, and only axis %u may differ", i,
                            (long long)inputs[i].dims[d], d, (long long)inputs[0].dims[d], axis);
        outputs[0].dims[axis] += inputs[i].dims[axis];
    }
    return PLUGCL_OK;
}

static plugcl_status concat_dtype(const void *params, const plugcl_dtype *inputs, const bool *present, plugcl_dtype *outputs)
{
    (void)params;
    for (size_t i = 1; i < OPERATOR_MAX_INPUTS && present[i]; i++)
        if (inputs[i] != inputs[0])
            return fail(PLUGCL_INVALID, "concat's operand %zu is %s; the first is %s, and all must be of one type", i,
                        plugcl_dtype_name(inputs[i]), plugcl_dtype_name(inputs[0]));
    outputs[0] = inputs[0];
    return PLUGCL_OK;
}

static plugcl_status flatten_shape(const struct reshape_params *reshape, const plugcl_shape *x, plugcl_shape *y)
{
    int rank = (int)x->rank, start = reshape->start, end = reshape->end;
    if (rank == 0) {
        *y = (plugcl_shape){ .rank = 1, .dims = { 1 } };
        return PLUGCL_OK;
    }
    start += start < 0 ? rank : 0;
    end += end < 0 ? rank : 0;
    if (start < 0 || start >= rank || end < start || end >= rank)
        return fail(PLUGCL_INVALID, "flatten from axis %d to %d; x has rank %d", reshape->start, reshape->end, rank);
    *y = (plugcl_shape){ .rank = x->rank - (uint32_t)(end - start) };
    for (int i = 0, to = 0; i < rank; i++) {
        if (i > start && i <= end)
            y->dims[to - 1] *= x->dims[i];
        else
            y->dims[to++] = x->dims[i];
    }
    return PLUGCL_OK;
}

static plugcl_status reshape_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const struct reshape_params *reshape = params;
    const plugcl_shape *x = &inputs[0];
    (void)present;
    if (reshape->is_flatten)
        return flatten_shape(reshape, x, &outputs[0]);
    int64_t elements = plugcl_shape_elements(x), known = 1;
    uint32_t free_axis = PLUGCL_MAX_RANK;
    outputs[0] = reshape->shape;
    for (uint32_t i = 0; i < outputs[0].rank; i++) {
        int64_t *dim = &outputs[0].dims[i];
        if (*dim == 0) {
            if (i >= x->rank)
                return fail(PLUGCL_INVALID, "reshape keeps axis %u; x has rank %u", i, x->rank);
            *dim = x->dims[i];
        }
        if (*dim < -1 || (*dim == -1 && free_axis != PLUGCL_MAX_RANK))
            return fail(PLUGCL_INVALID, "reshape has %lld on axis %u; sizes are positive, 0 (keep) or, once, -1 (the rest)",
                        (long long)*dim, i);
        if (*dim == -1)
            free_axis = i;
        else if (*dim != 0 && known > INT64_MAX / *dim)
            return fail(PLUGCL_INVALID, "reshape to more elements than can be counted");
        else
            known *= *dim;
    }
    if (free_axis != PLUGCL_MAX_RANK) {
        if (known == 0 || elements % known != 0)
            return fail(PLUGCL_INVALID, "reshape of %lld elements: they do not divide by the %lld of the sizes that are given",
                        (long long)elements, (long long)known);
        outputs[0].dims[free_axis] = elements / known;
    } else if (known != elements) {
        return fail(PLUGCL_INVALID, "reshape of %lld elements to %lld; the numbers must be equal", (long long)elements,
                    (long long)known);
    }
    return PLUGCL_OK;
}

static plugcl_status transpose_shape(const void *params, const plugcl_shape *inputs, const bool *present, plugcl_shape *outputs)
{
    const struct transpose_params *transpose = params;
    bool seen[PLUGCL_MAX_RANK] = { false };
    (void)present;
    outputs[0] = (plugcl_shape){ .rank = inputs[0].rank };
    for (uint32_t i = 0; i < inputs[0].rank; i++) {
        uint32_t axis = transpose->order[i];
        if (axis >= inputs[0].rank || seen[axis])
            return fail(PLUGCL_INVALID, "transpose takes axis %u at place %u; each of the axes 0 to %u must be taken once", axis, i,
                        inputs[0].rank - 1);
        seen[axis] = true;
        outputs[0].dims[i] = inputs[0].dims[axis];
    }
    return PLUGCL_OK;
}

static const struct variant no_variants[] = { { NULL, NULL, NULL, NULL } };

const struct operator_info operator_concat = {
    .name = "concat",
    .params_size = sizeof(struct axis_params),
    .shape = concat_shape,
    .dtype = concat_dtype,
    .variants = no_variants,
};
const struct operator_info operator_reshape = {
    .name = "reshape",
    .params_size = sizeof(struct reshape_params),
    .shape = reshape_shape,
    .dtype = dtype_of_first,
    .layout = OUTPUT_ROW_MAJOR,
    .variants = no_variants,
};
const struct operator_info operator_transpose = {
    .name = "transpose",
    .params_size = sizeof(struct transpose_params),
    .shape = transpose_shape,
    .dtype = dtype_of_first,
    .layout = OUTPUT_ROW_MAJOR,
    .variants = no_variants,
};
