/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/plan.h"

#include <string.h>

#include "base/params.h"

static void plan_free(plugcl_plan *plan)
{
    schedule_destroy(&plan->schedule);
    /* Not when they were compiled: reading a binary back may compile it again, before any result. */
    programs_store(plan->context);
    queue_destroy(&plan->queue);
    for (size_t i = 0; i < plan->n_ports; i++) {
        buffer_drop(&plan->ports[i].staging);
        buffer_drop(&plan->ports[i].shared);
    }
    for (size_t i = 0; i < plan->n_plugins; i++) {
        memory_free(plan->plugins[i].name);
        memory_free(plan->plugins[i].prefix);
        memory_free(plan->plugins[i].flavour);
    }
    tuning_free(&plan->tuning);
    memory_free(plan->plugins);
    memory_free(plan->ports);
    plugcl_graph_destroy(&plan->graph);
    plugcl_context_destroy(&plan->context);
    memory_free(plan);
}

void plugcl_plan_destroy(plugcl_plan **plan)
{
    if (plan == NULL || *plan == NULL)
        return;
    plan_free(*plan);
    *plan = NULL;
}

static plugcl_status copy_plugins(plugcl_plan *plan, const plugcl_graph *graph)
{
    plan->plugins = memory_zeroed(graph->n_plugins, sizeof *plan->plugins);
    if (plan->plugins == NULL)
        return fail_no_memory(graph->n_plugins * sizeof *plan->plugins);
    for (size_t i = 0; i < graph->n_plugins; i++) {
        struct plugin_use *use = &plan->plugins[plan->n_plugins++];
        use->name = string_copy(graph->plugins[i]->plugin->name);
        use->prefix = string_copy(graph->plugins[i]->prefix);
        use->flavour = string_copy(plugcl_node_flavour(graph->plugins[i]));
        if (use->name == NULL || use->prefix == NULL || use->flavour == NULL)
            return fail_no_memory(sizeof *use);
    }
    return PLUGCL_OK;
}

void plan_log_failure(plugcl_context *context, plugcl_status status)
{
    if (status != PLUGCL_OK && status != PLUGCL_CANCELLED)
        log_message(context_log(context), PLUGCL_LOG_ERROR, "%s", plugcl_error_message());
}

static plugcl_status build_plan(plugcl_plan *plan, plugcl_graph *graph, const struct plugcl_plan_params *params)
{
    /* Half for choosing and compiling, half for the first launches, in which some drivers do the greater part of compiling. */
    struct progress progress = { params->progress, params->progress_user, 0, 2 * graph->n_nodes };
    plugcl_status status = graph->n_outputs > 0 ? PLUGCL_OK : fail(PLUGCL_INVALID, "the graph has no output");
    if (status == PLUGCL_OK)
        status = copy_plugins(plan, graph);
    if (status == PLUGCL_OK)
        status = graph_copy(graph, params->shapes, params->n_shapes, !plan->fusion, &plan->graph);
    if (status == PLUGCL_OK && plan->fusion)
        status = graph_fold_and_fuse(plan->graph);
    if (status == PLUGCL_OK && plan->fusion && context_caps(plan->context)->cpu_family)
        graph_fuse_projections(plan->graph);
    if (status == PLUGCL_OK) {
        graph_remove_unread(plan->graph);
        status = schedule_create(plan->context, &plan->schedule);
    }
    plan->tuning.mode = params->tune;
    plan->tuning.progress = &progress;
    if (status == PLUGCL_OK) {
        schedule_set_tuning(plan->schedule, &plan->tuning);
        status = plan_lower(plan, params->variants, &progress);
    }
    plan->tuning.progress = NULL;
    if (status == PLUGCL_OK)
        status = schedule_finish(plan->schedule, &progress);
    if (status == PLUGCL_OK)
        status = queue_create(plan->context, plan->profile, &plan->queue);
    return status;
}

plugcl_status plugcl_plan_create(plugcl_context *context, plugcl_graph *graph, const struct plugcl_plan_params *params,
                                 plugcl_plan **plan)
{
    struct plugcl_plan_params own = plugcl_plan_params_init();
    if (plan == NULL)
        return fail(PLUGCL_INVALID, "no place for the plan was given");
    *plan = NULL;
    if (context == NULL)
        return fail(PLUGCL_INVALID, "a plan needs a context, not NULL");
    plugcl_status status = params ? params_read("plugcl_plan_params", params, &own, sizeof own) : PLUGCL_OK;
    if (status == PLUGCL_OK && (own.tune < PLUGCL_TUNE_STORED || own.tune > PLUGCL_TUNE_NEVER))
        status = fail(PLUGCL_INVALID, "tune is %d; it must be one of plugcl_tune's, 0 to %d", (int)own.tune, PLUGCL_TUNE_NEVER);
    if (status == PLUGCL_OK)
        status = plugcl_graph_status(graph);
    plugcl_plan *made = status == PLUGCL_OK ? memory_zeroed(1, sizeof *made) : NULL;
    if (status == PLUGCL_OK && made == NULL)
        status = fail_no_memory(sizeof *made);
    if (status != PLUGCL_OK) {
        plan_log_failure(context, status);
        return status;
    }
    made->context = context_take(context);
    made->profile = own.profile;
    made->channels_last = own.channels_last;
    made->fusion = !own.no_fusion;
    made->no_winograd = own.no_winograd || own.no_fusion;
    status = build_plan(made, graph, &own);
    plan_log_failure(context, status);
    if (status != PLUGCL_OK)
        plan_free(made);
    else
        *plan = made;
    return status;
}

plugcl_status plan_find_port(const plugcl_plan *plan, const char *name, const struct port **port)
{
    if (plan == NULL || name == NULL)
        return fail(PLUGCL_INVALID, "a shape or type is asked of a plan and by a name, not NULL");
    for (size_t i = 0; i < plan->n_ports; i++) {
        *port = &plan->ports[i];
        if (strcmp((*port)->name, name) == 0)
            return PLUGCL_OK;
    }
    return fail(PLUGCL_NOT_FOUND, "the plan has no input or output named %s", name);
}

plugcl_status plugcl_plan_shape(const plugcl_plan *plan, const char *name, plugcl_shape *shape)
{
    const struct port *port = NULL;
    plugcl_status status = plan_find_port(plan, name, &port);
    if (status == PLUGCL_OK && shape == NULL)
        status = fail(PLUGCL_INVALID, "no place for the shape was given");
    if (status == PLUGCL_OK)
        *shape = port->shape;
    return status;
}

plugcl_status plugcl_plan_dtype(const plugcl_plan *plan, const char *name, plugcl_dtype *dtype)
{
    const struct port *port = NULL;
    plugcl_status status = plan_find_port(plan, name, &port);
    if (status == PLUGCL_OK && dtype == NULL)
        status = fail(PLUGCL_INVALID, "no place for the type was given");
    if (status == PLUGCL_OK)
        *dtype = port->dtype;
    return status;
}

size_t plugcl_plan_steps(const plugcl_plan *plan)
{
    return plan ? schedule_steps(plan->schedule) : 0;
}

plugcl_status plugcl_plan_step(const plugcl_plan *plan, size_t step, struct plugcl_step_info *info)
{
    const struct schedule_step_info *found = plan ? schedule_step_at(plan->schedule, step) : NULL;
    if (found == NULL)
        return fail(PLUGCL_INVALID, "there is no step %zu; the plan has %zu", step, plugcl_plan_steps(plan));
    if (info == NULL || info->struct_size < sizeof info->struct_size)
        return fail(PLUGCL_INVALID, "struct_size of plugcl_step_info must be set");
    struct plugcl_step_info own = { info->struct_size, found->operation, found->variant, found->name, found->flops, found->bytes,
                                    found->tile, found->choice };
    memcpy(info, &own, info->struct_size < sizeof own ? info->struct_size : sizeof own);
    return PLUGCL_OK;
}

/* The `index`-th result that the plan itself took; NULL past the last. */
static const struct tuning_use *taken_use(const plugcl_plan *plan, size_t index)
{
    for (size_t i = 0; plan != NULL && i < plan->tuning.n_uses; i++)
        if (plan->tuning.uses[i].is_taken && index-- == 0)
            return &plan->tuning.uses[i];
    return NULL;
}

size_t plugcl_plan_tunings(const plugcl_plan *plan)
{
    size_t count = 0;
    while (taken_use(plan, count) != NULL)
        count++;
    return count;
}

plugcl_status plugcl_plan_tuning(const plugcl_plan *plan, size_t index, struct plugcl_tuning_info *info)
{
    const struct tuning_use *use = taken_use(plan, index);
    if (use == NULL)
        return fail(PLUGCL_INVALID, "there is no tuning result %zu; the plan took %zu", index, plugcl_plan_tunings(plan));
    if (info == NULL || info->struct_size < sizeof info->struct_size)
        return fail(PLUGCL_INVALID, "struct_size of plugcl_tuning_info must be set");
    const struct tuned_time *best = &use->result.best, *built_in = &use->result.built_in;
    struct plugcl_tuning_info own = { info->struct_size, use->operation, use->name, best->variant, best->tile, best->ns,
                                      built_in->variant, built_in->tile, built_in->ns, use->was_measured };
    memcpy(info, &own, info->struct_size < sizeof own ? info->struct_size : sizeof own);
    return PLUGCL_OK;
}
