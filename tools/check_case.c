/* SPDX-License-Identifier: Apache-2.0 */
#include "check_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FUSED, CHANNELS_LAST, DEFINITION, N_WAYS };
static const char *const way_names[N_WAYS] = { "the plan", "the channels-last plan", "the definition" };

/* One way to run a case. */
struct outcome {
    bool refused;
    char refusal[1024];
    plugcl_shape shapes[MAX_FILES];
    float *data[MAX_FILES]; /* outputs, NCHW */
};

float check_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / 8388608.0f - 1.0f;
}

static size_t count_names(const char *const *names)
{
    size_t count = 0;
    while (names[count])
        count++;
    return count;
}

/* Between the tensor's own order and NCHW. */
static void reorder(const plugcl_shape *shape, plugcl_layout layout, bool to_nchw, const float *from, float *to)
{
    const int64_t *dims = shape->dims;
    int64_t elements = plugcl_shape_elements(shape), plane = shape->rank == 4 ? dims[2] * dims[3] : 1;
    for (int64_t i = 0; i < elements; i++) {
        int64_t other = i;
        if (layout == PLUGCL_NHWC)
            other = (i / (dims[1] * plane) * plane + i % plane) * dims[1] + i / plane % dims[1];
        to[to_nchw ? i : other] = from[to_nchw ? other : i];
    }
}

static plugcl_layout layout_of(const plugcl_shape *shape, int way)
{
    return way == CHANNELS_LAST && shape->rank == 4 ? PLUGCL_NHWC : PLUGCL_NCHW;
}

static int build(struct check *check, plugcl_graph **graph)
{
    struct plugcl_graph_params params = plugcl_graph_params_init();
    plugcl_value inputs[MAX_FILES];
    plugcl_node *node = NULL;
    size_t n_inputs = count_names(check->plugin->inputs);
    params.registry = registry();
    params.log = keep_note;
    params.log_level = PLUGCL_LOG_NOTE;
    if (plugcl_graph_create(&params, graph))
        return library_failed();
    for (size_t i = 0; i < n_inputs; i++)
        inputs[i] = plugcl_graph_input(*graph, check->plugin->inputs[i], PLUGCL_F32, &check->inputs[i]);
    plugcl_graph_plugin(*graph, check->plugin->name, inputs, n_inputs, check->weights, check->prefix, check->options, &node);
    for (const char *const *name = check->plugin->outputs; node && *name; name++)
        plugcl_graph_output(*graph, *name, plugcl_node_output(node, *name));
    return plugcl_graph_status(*graph)
               ? failed("%s, %s: %s", check->plugin->name, check->sample, plugcl_error_message())
               : EXIT_DONE;
}

/* A tensor on the device, so that what a kernel leaves out keeps the poison. */
static int make_tensor(struct check *check, const plugcl_shape *shape, int way, const float *data, plugcl_tensor **tensor)
{
    struct plugcl_tensor_params params = plugcl_tensor_params_init();
    size_t elements = (size_t)plugcl_shape_elements(shape);
    float *copy = allocate(elements, sizeof *copy);
    params.shape = *shape;
    params.layout = layout_of(shape, way);
    if (!copy)
        return failed("out of memory");
    for (size_t i = 0; i < elements && !data; i++)
        copy[i] = 1e20f * (float)(way + 1);
    if (data)
        reorder(shape, params.layout, false, data, copy);
    bool done = plugcl_tensor_create(check->context, &params, tensor) == PLUGCL_OK &&
                plugcl_tensor_write(*tensor, copy, elements * sizeof *copy) == PLUGCL_OK;
    free(copy);
    return done ? EXIT_DONE : library_failed();
}

static int read_output(const plugcl_tensor *tensor, const plugcl_shape *shape, int way, float **data)
{
    size_t elements = (size_t)plugcl_shape_elements(shape);
    float *copy = allocate(elements, sizeof *copy);
    *data = allocate(elements, sizeof **data);
    int result = !copy || !*data ? failed("out of memory") : EXIT_DONE;
    if (!result && plugcl_tensor_read(tensor, copy, elements * sizeof *copy))
        result = library_failed();
    if (!result)
        reorder(shape, layout_of(shape, way), true, copy, *data);
    free(copy);
    return result;
}

static int run(struct check *check, plugcl_plan *plan, const plugcl_shape *shapes, float *const *inputs, int way,
               struct outcome *outcome)
{
    struct plugcl_binding bindings[2 * MAX_FILES] = { { NULL, NULL } };
    size_t n_inputs = count_names(check->plugin->inputs), n_outputs = count_names(check->plugin->outputs);
    int result = EXIT_DONE;
    for (size_t i = 0; i < n_inputs && !result; i++) {
        bindings[i].name = check->plugin->inputs[i];
        result = make_tensor(check, &shapes[i], way, inputs[i], &bindings[i].tensor);
    }
    for (size_t i = 0; i < n_outputs && !result; i++) {
        bindings[n_inputs + i].name = check->plugin->outputs[i];
        result = plugcl_plan_shape(plan, check->plugin->outputs[i], &outcome->shapes[i])
                     ? library_failed()
                     : make_tensor(check, &outcome->shapes[i], way, NULL, &bindings[n_inputs + i].tensor);
    }
    if (!result && plugcl_plan_run(plan, bindings, n_inputs + n_outputs, NULL))
        result = library_failed();
    for (size_t i = 0; i < n_outputs && !result; i++)
        result = read_output(bindings[n_inputs + i].tensor, &outcome->shapes[i], way, &outcome->data[i]);
    for (size_t i = 0; i < n_inputs + n_outputs; i++)
        plugcl_tensor_destroy(&bindings[i].tensor);
    return result;
}

static int run_way(struct check *check, plugcl_graph *graph, const plugcl_shape *shapes, float *const *inputs, int way,
                   struct outcome *outcome)
{
    struct plugcl_plan_params params = plugcl_plan_params_init();
    struct plugcl_input_shape given[MAX_FILES];
    plugcl_plan *plan = NULL;
    size_t n_inputs = count_names(check->plugin->inputs);
    for (size_t i = 0; i < n_inputs; i++)
        given[i] = (struct plugcl_input_shape){ check->plugin->inputs[i], shapes[i] };
    params.shapes = given;
    params.n_shapes = n_inputs;
    params.no_fusion = way == DEFINITION;
    params.channels_last = way == CHANNELS_LAST;
    plugcl_status status = plugcl_plan_create(check->context, graph, &params, &plan);
    if (status == PLUGCL_INVALID) {
        outcome->refused = true;
        snprintf(outcome->refusal, sizeof outcome->refusal, "%s", plugcl_error_message());
        return EXIT_DONE;
    }
    if (status)
        return failed("%s, %s, %s: %s: %s", check->plugin->name, check->sample, shape_text(&shapes[0]), way_names[way],
                      plugcl_error_message());
    int result = run(check, plan, shapes, inputs, way, outcome);
    plugcl_plan_destroy(&plan);
    return result;
}

static bool same_shape(const plugcl_shape *a, const plugcl_shape *b, bool any_fits)
{
    bool same = a->rank == b->rank;
    for (uint32_t i = 0; i < a->rank && same; i++)
        same = a->dims[i] == b->dims[i] || (any_fits && a->dims[i] == PLUGCL_DIM_ANY);
    return same;
}

/* The largest difference to the definition, as the tolerance counts; infinite where only one of the two is a number. */
static double difference(const float *data, const float *definition, size_t elements)
{
    double largest = 1.0, worst = 0.0;
    for (size_t i = 0; i < elements; i++) {
        double is = data[i], wanted = definition[i];
        if (isnan(is) && isnan(wanted))
            continue;
        if (isfinite(wanted) && fabs(wanted) > largest)
            largest = fabs(wanted);
        double apart = is == wanted ? 0.0 : fabs(is - wanted);
        if (!(apart <= worst))
            worst = isnan(apart) ? INFINITY : apart;
    }
    return worst / largest;
}

static int compare(struct check *check, const plugcl_shape *shapes, const struct outcome *outcomes)
{
    const char *plugin = check->plugin->name, *at = shape_text(&shapes[0]);
    const struct outcome *definition = &outcomes[DEFINITION];
    for (int way = FUSED; way < DEFINITION; way++) {
        for (size_t i = 0; check->plugin->outputs[i]; i++) {
            const char *output = check->plugin->outputs[i];
            if (!same_shape(&outcomes[way].shapes[i], &definition->shapes[i], false))
                return failed("%s, %s, %s: output %s is %s in %s and %s in the definition", plugin, check->sample, at, output,
                              shape_text(&outcomes[way].shapes[i]), way_names[way], shape_text(&definition->shapes[i]));
            double apart = difference(outcomes[way].data[i], definition->data[i],
                                      (size_t)plugcl_shape_elements(&definition->shapes[i]));
            if (!(apart <= CHECK_TOLERANCE))
                return failed("%s, %s, %s: output %s of %s is %.2g off the definition; at most %.0e is right", plugin,
                              check->sample, at, output, way_names[way], apart, CHECK_TOLERANCE);
            check->worst = apart > check->worst ? apart : check->worst;
        }
    }
    return EXIT_DONE;
}

/* Refused by all, or by none. */
static int compare_refusals(struct check *check, const plugcl_shape *shapes, const struct outcome *outcomes)
{
    int refusing = -1, taking = -1;
    for (int way = 0; way < N_WAYS; way++)
        *(outcomes[way].refused ? &refusing : &taking) = way;
    if (refusing >= 0 && taking >= 0)
        return failed("%s, %s, %s: %s runs, but %s is refused: %s", check->plugin->name, check->sample, shape_text(&shapes[0]),
                      way_names[taking], way_names[refusing], outcomes[refusing].refusal);
    if (refusing >= 0) {
        check->n_refused++;
        snprintf(check->refusal, sizeof check->refusal, "%s", outcomes[refusing].refusal);
        return EXIT_DONE;
    }
    check->n_cases++;
    return compare(check, shapes, outcomes);
}

int check_case(struct check *check, const plugcl_shape *shapes)
{
    struct outcome *outcomes = calloc(N_WAYS, sizeof *outcomes);
    float *inputs[MAX_FILES] = { NULL };
    plugcl_graph *graph = NULL;
    size_t n_inputs = count_names(check->plugin->inputs);
    int result = outcomes ? build(check, &graph) : failed("out of memory");
    for (size_t i = 0; i < n_inputs && !result; i++) {
        size_t elements = (size_t)plugcl_shape_elements(&shapes[i]);
        inputs[i] = allocate(elements, sizeof **inputs);
        for (size_t j = 0; inputs[i] && j < elements; j++)
            inputs[i][j] = check_random(&check->seed);
        result = inputs[i] ? EXIT_DONE : failed("out of memory");
    }
    for (int way = 0; way < N_WAYS && !result; way++)
        result = run_way(check, graph, shapes, inputs, way, &outcomes[way]);
    if (!result)
        result = compare_refusals(check, shapes, outcomes);
    for (size_t i = 0; i < n_inputs; i++)
        free(inputs[i]);
    for (int way = 0; way < N_WAYS && outcomes; way++)
        for (size_t i = 0; i < MAX_FILES; i++)
            free(outcomes[way].data[i]);
    free(outcomes);
    plugcl_graph_destroy(&graph);
    return result;
}
