/* SPDX-License-Identifier: Apache-2.0 */
/* A C program that knows plugcl by its installed headers and library only: one SE block, compared with the arithmetic by hand. */
#include <math.h>
#include <stdio.h>

#include <plugcl/plugcl.h>

enum { CHANNELS = 4, HIDDEN = 2, PIXELS = 9, ELEMENTS = CHANNELS * PIXELS };

static const float first[HIDDEN * CHANNELS] = { 0.5f, -0.25f, 0.75f, 1.0f, -1.0f, 0.5f, 0.25f, -0.5f };
static const float second[CHANNELS * HIDDEN] = { 1.0f, 0.5f, -0.75f, 0.25f, 0.5f, -1.5f, 2.0f, 1.0f };

/* y = x · sigmoid(second · relu(first · mean(x))) */
static void by_hand(const float *x, double *y)
{
    double mean[CHANNELS] = { 0 }, hidden[HIDDEN] = { 0 };
    for (int i = 0; i < ELEMENTS; i++)
        mean[i / PIXELS] += (double)x[i] / PIXELS;
    for (int h = 0; h < HIDDEN; h++) {
        for (int c = 0; c < CHANNELS; c++)
            hidden[h] += (double)first[h * CHANNELS + c] * mean[c];
        hidden[h] = hidden[h] > 0 ? hidden[h] : 0;
    }
    for (int i = 0; i < ELEMENTS; i++) {
        int c = i / PIXELS;
        double sum = (double)second[c * HIDDEN] * hidden[0] + (double)second[c * HIDDEN + 1] * hidden[1];
        y[i] = (double)x[i] / (1 + exp(-sum));
    }
}

static plugcl_status add_weights(plugcl_weights *weights)
{
    plugcl_status status = plugcl_weights_add(weights, "block.se.fc.0.weight", PLUGCL_F32, PLUGCL_SHAPE(HIDDEN, CHANNELS), first,
                                              sizeof first);
    return status ? status : plugcl_weights_add(weights, "block.se.fc.2.weight", PLUGCL_F32, PLUGCL_SHAPE(CHANNELS, HIDDEN), second,
                                                sizeof second);
}

/* The graph keeps its first error, so the plan's status tells all. */
static plugcl_status run(plugcl_context *context, plugcl_graph *graph, plugcl_weights *weights, float *x, float *y, size_t bytes)
{
    const plugcl_shape *shape = PLUGCL_SHAPE(1, CHANNELS, 3, 3);
    plugcl_value input = plugcl_graph_input(graph, "x", PLUGCL_F32, shape);
    plugcl_node *se = NULL;
    plugcl_plan *plan = NULL;
    struct plugcl_binding bindings[] = { { "x", NULL }, { "y", NULL } };
    plugcl_graph_plugin(graph, "se", &input, 1, weights, "block.se", NULL, &se);
    plugcl_graph_output(graph, "y", plugcl_node_output(se, "y"));
    plugcl_status status = plugcl_plan_create(context, graph, NULL, &plan);
    if (!status)
        status = plugcl_tensor_wrap_host(x, bytes, PLUGCL_F32, shape, PLUGCL_NCHW, &bindings[0].tensor);
    if (!status)
        status = plugcl_tensor_wrap_host(y, bytes, PLUGCL_F32, shape, PLUGCL_NCHW, &bindings[1].tensor);
    if (!status)
        status = plugcl_plan_run(plan, bindings, 2, NULL);
    plugcl_tensor_destroy(&bindings[0].tensor);
    plugcl_tensor_destroy(&bindings[1].tensor);
    plugcl_plan_destroy(&plan);
    return status;
}

int main(void)
{
    float x[ELEMENTS], y[ELEMENTS];
    double expected[ELEMENTS], worst = 0;
    plugcl_context *context = NULL;
    plugcl_weights *weights = NULL;
    plugcl_graph *graph = NULL;
    for (int i = 0; i < ELEMENTS; i++)
        x[i] = (float)(i % 7) - 2.5f;
    by_hand(x, expected);
    plugcl_status status = plugcl_context_create(plugcl_context_params(.no_disk_cache = true), &context);
    if (!status)
        status = plugcl_weights_create(&weights);
    if (!status)
        status = add_weights(weights);
    if (!status)
        status = plugcl_graph_create(NULL, &graph);
    if (!status)
        status = run(context, graph, weights, x, y, sizeof x);
    if (status)
        fprintf(stderr, "consumer.c: %s: %s\n", plugcl_status_name(status), plugcl_error_message());
    for (int i = 0; i < ELEMENTS && !status; i++)
        worst = fmax(worst, fabs((double)y[i] - expected[i]));
    if (!status)
        printf("C, plugcl %s on %s: largest error %.1e\n", plugcl_version(), plugcl_context_device(context)->name, worst);
    plugcl_graph_destroy(&graph);
    plugcl_weights_destroy(&weights);
    plugcl_context_destroy(&context);
    return status || !(worst < 1e-5);
}
