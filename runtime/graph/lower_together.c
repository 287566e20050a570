/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lower_together.c: 1x1 convolutions of one value with weights of one shape, such as a Non-local block's projections, as one step:
 * one launch, whose work the threads share more evenly than that of each. Their results lie one behind the other in one region.
 */
#include <string.h>

#include "graph/lower.h"
#include "ops/convolution.h"

struct group {
    struct node *nodes[CONVOLUTION_MAX_PARTS];
    struct operator_call calls[CONVOLUTION_MAX_PARTS];
    size_t count;
};

static bool is_constant(const struct lowering *low, uint32_t value)
{
    return value == 0 || low->operands[value].constant != NULL;
}

/* A convolution whose result may lie anywhere, of what is there already. */
static bool may_join(const struct lowering *low, const struct node *node)
{
    return !node->removed && graph_is_pointwise(low->graph, node) && !node->epilogue.has_residual &&
           is_constant(low, node->inputs[1]) && is_constant(low, node->inputs[2]) && low->aliases[node->outputs[0]].parent == 0 &&
           !graph_is_output(low->graph, node->outputs[0]);
}

static bool are_alike(const struct lowering *low, const struct node *a, const struct node *b)
{
    return a->inputs[0] == b->inputs[0] && a->epilogue.act == b->epilogue.act && a->epilogue.alpha == b->epilogue.alpha &&
           a->epilogue.beta == b->epilogue.beta &&
           low->operands[a->inputs[1]].shape.dims[0] == low->operands[b->inputs[1]].shape.dims[0];
}

static void find_group(struct lowering *low, const struct node *node, struct group *group)
{
    struct node *const end = low->graph->nodes + low->graph->n_nodes;
    group->count = 0;
    if (!may_join(low, node))
        return;
    for (struct node *other = low->graph->nodes + (node - low->graph->nodes); other < end; other++)
        if (group->count < CONVOLUTION_MAX_PARTS && may_join(low, other) && are_alike(low, node, other))
            group->nodes[group->count++] = other;
}

/* More than one, by the caller's leave, with results that the kernel's offsets reach. */
static bool is_worth_a_try(const struct lowering *low, const struct group *group)
{
    char name[64];
    if (group->count < 2 || variants_forced(low->variants, operator_conv2d.name, name, sizeof name) != NULL)
        return false;
    const int64_t elements = plugcl_shape_elements(&graph_value(low->graph, group->nodes[0]->outputs[0])->shape);
    return elements > 0 && elements <= INT32_MAX / CONVOLUTION_MAX_PARTS;
}

/* The calls, without memory for their results, and what serves all of them; NULL where no one kernel does. */
static plugcl_status make_calls(struct lowering *low, struct group *group, struct choice *choice)
{
    const plugcl_shape *shape = &graph_value(low->graph, group->nodes[0]->outputs[0])->shape;
    plugcl_status status = PLUGCL_OK;
    low->plan->tuning.step = group->nodes[0]->label;
    for (size_t i = 0; status == PLUGCL_OK && i < group->count; i++) {
        struct operator_call *call = &group->calls[i];
        struct choice own;
        *call = make_call(low, group->nodes[i]);
        call->outputs[0] = operand_dense(PLUGCL_F32, shape, true, REGION_NONE);
        call->outputs[0].offset = (int64_t)i * plugcl_shape_elements(shape);
        status = satisfy_needs(low, group->nodes[i], call);
        if (status == PLUGCL_OK)
            status = variant_select(low->schedule, call, NULL, &own);
        if (status != PLUGCL_OK)
            return status;
        if (i == 0)
            *choice = own;
        if (strcmp(own.variant->name, TAPS_ROW) != 0 || own.tile != choice->tile)
            choice->variant = NULL;
    }
    return status;
}

static plugcl_status lower_group(struct lowering *low, struct group *group, const struct choice *choice)
{
    char tile[TILE_NAME] = "";
    const size_t results = group->count * (size_t)operand_elements(&group->calls[0].outputs[0]) * PLAN_ELEMENT;
    const uint32_t region = schedule_arena(low->schedule, results);
    uint64_t flops = 0, bytes = 0;
    for (size_t i = 0; i < group->count; i++) {
        struct operator_call *call = &group->calls[i];
        const struct operand x = call->inputs[0];
        flops += operator_conv2d.flops(call);
        call->inputs[0].present = i == 0; /* it is read once */
        bytes += call_bytes(call);
        call->inputs[0] = x;
        call->outputs[0].region = region;
        low->operands[group->nodes[i]->outputs[0]] = call->outputs[0];
    }
    schedule_step(low->schedule, operator_conv2d.name, choice->variant->name, group->nodes[0]->label, flops, bytes);
    operator_conv2d.tile(choice->variant, schedule_caps(low->schedule), &group->calls[0], choice->tile, tile);
    schedule_step_choice(low->schedule, tile, choice->kind);
    plugcl_status status = conv2d_plan_together(low->schedule, group->calls, group->count);
    for (size_t i = 0; i < group->count; i++)
        group->nodes[i]->removed = true; /* done: not to be met again */
    return status;
}

bool lower_together(struct lowering *low, const struct node *node, plugcl_status *status)
{
    if (!low->plan->fusion || node->info != &operator_conv2d)
        return false;
    struct choice choice = { .variant = NULL };
    struct group *group = memory_zeroed(1, sizeof *group);
    *status = group != NULL ? PLUGCL_OK : fail_no_memory(sizeof *group);
    if (group != NULL) {
        find_group(low, node, group);
        if (is_worth_a_try(low, group))
            *status = make_calls(low, group, &choice);
    }
    if (*status == PLUGCL_OK && choice.variant != NULL)
        *status = lower_group(low, group, &choice);
    memory_free(group);
    return *status != PLUGCL_OK || choice.variant != NULL;
}
