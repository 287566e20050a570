/* SPDX-License-Identifier: Apache-2.0 */
/* session.c: from a request to a plan. */
#include "request.h"

#include <stdlib.h>
#include <string.h>

/* The data of the plug-in's input number `index`, from its file or, for describe, only its shape. */
static int open_input(struct session *session, const struct request *request, size_t index)
{
    const char *name = request->plugin->inputs[index];
    session->n_data = index + 1;
    for (size_t i = 0; i < request->n_inputs; i++) {
        if (strcmp(request->inputs[i].name, name) == 0)
            return read_input(name, request->inputs[i].path, &session->shapes[index], &session->data[index]);
    }
    session->shapes[index] = request->shape;
    for (uint32_t i = 1; i < 4; i++) {
        if (request->shape.dims[i] < 1)
            return failed("--shape %s: C, H and W are at least 1", shape_text(&request->shape));
    }
    return EXIT_DONE;
}

static int build(struct session *session, const struct request *request)
{
    plugcl_value inputs[MAX_FILES];
    plugcl_node *node;
    char *settings = settings_join(request);
    struct plugcl_graph_params params = plugcl_graph_params_init();
    params.registry = registry();
    params.log = keep_note;
    params.log_level = PLUGCL_LOG_NOTE;
    if (!settings)
        return failed("out of memory");
    plugcl_status status = plugcl_graph_create(&params, &session->graph);
    if (status == PLUGCL_OK) {
        for (size_t i = 0; i < session->n_data; i++)
            inputs[i] = plugcl_graph_input(session->graph, request->plugin->inputs[i], PLUGCL_F32, &session->shapes[i]);
        status = plugcl_graph_plugin(session->graph, request->plugin->name, inputs, session->n_data, session->weights,
                                     request->prefix, settings, &node);
    }
    free(settings);
    if (status)
        return library_failed();
    for (size_t i = 0; i < request->n_outputs; i++) {
        const char *name = request->outputs[i].name;
        plugcl_graph_output(session->graph, name, plugcl_node_output(node, name));
    }
    return plugcl_graph_status(session->graph) ? library_failed() : EXIT_DONE;
}

int session_plan(struct session *session, const struct request *request, bool profile)
{
    struct plugcl_plan_params params = plugcl_plan_params_init();
    params.no_fusion = request->no_fusion;
    params.no_winograd = request->no_winograd;
    params.variants = *request->variants ? request->variants : NULL;
    params.profile = profile;
    params.progress = show_progress;
    params.tune = request->tune;
    plugcl_plan_destroy(&session->plan);
    plugcl_status status = plugcl_plan_create(session->context, session->graph, &params, &session->plan);
    progress_end();
    if (status == PLUGCL_CANCELLED)
        return EXIT_INTERRUPTED;
    /* The graph was good, so what was not found is a name given with --variant. */
    if (status == PLUGCL_NOT_FOUND)
        return wrong_usage("%s", plugcl_error_message());
    return status ? library_failed() : EXIT_DONE;
}

static int make_plan(struct session *session, const struct request *request)
{
    struct plugcl_context_params context = plugcl_context_params_init();
    context.device = request->device;
    context.poll_ns = 1000 * (uint64_t)request->poll;
    context.log = keep_note;
    context.log_level = PLUGCL_LOG_NOTE;
    if (plugcl_context_create(&context, &session->context))
        return library_failed();
    return session_plan(session, request, request->trace != NULL);
}

int session_fill(struct session *session)
{
    uint32_t state = 1;
    for (size_t i = 0; i < session->n_data; i++) {
        int64_t elements = plugcl_shape_elements(&session->shapes[i]);
        if (session->data[i])
            continue;
        session->data[i] = allocate((uint64_t)elements, sizeof(float));
        if (!session->data[i])
            return failed("out of memory");
        for (int64_t j = 0; j < elements; j++) {
            state = state * 1664525u + 1013904223u;
            session->data[i][j] = (float)(int32_t)state * 0x1p-31f;
        }
    }
    return EXIT_DONE;
}

int session_open(struct session *session, const struct request *request)
{
    int result = EXIT_DONE;
    for (size_t i = 0; request->plugin->inputs[i] && !result; i++)
        result = i < MAX_FILES ? open_input(session, request, i) : failed("%s has too many inputs", request->plugin->name);
    if (!result && request->weights && plugcl_weights_open(request->weights, &session->weights))
        result = library_failed();
    if (!result)
        result = build(session, request);
    return result ? result : make_plan(session, request);
}

void session_close(struct session *session)
{
    plugcl_plan_destroy(&session->plan);
    plugcl_graph_destroy(&session->graph);
    plugcl_weights_destroy(&session->weights);
    plugcl_context_destroy(&session->context);
    for (size_t i = 0; i < session->n_data; i++)
        free(session->data[i]);
}
