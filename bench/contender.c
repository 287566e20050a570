/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contender.c: one plugcl contender of bench/floors.py. It makes its plan, then times one round for each line on stdin and prints
 * the microseconds of one run, so that the driver can take turns with another engine.
 *
 * usage: contender se|cbam CHANNELS SIZE BLOCKS    a chain of plug-in blocks on [1, CHANNELS, SIZE, SIZE]
 *        contender conv INPUTS SIZE OUTPUTS        one 3x3 convolution, NHWC in and out
 *        contender grid_sample CHANNELS SIZE BATCH bilinear, zeros, at the points of a turned image
 *        contender aspp CHANNELS SIZE RATE         a pyramid of 1x1, three 3x3 (RATE, 2 and 3 times it) and pooling, 256 each
 *        contender gemm ROWS DEPTH COLUMNS         a matrix product of two activations
 *        contender attention CHANNELS PIXELS 1     softmax over the keys
 *        contender nonlocal CHANNELS SIZE INNER    a Non-local block, embedded gaussian over the keys
 *        contender peak THREADS                    FMAs alone; prints GFLOP/s
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <plugcl/plugcl.h>

#include "base/thread.h"
#include "device/kernel.h"
#include "device/queue.h"

static void check(plugcl_status status)
{
    if (status != PLUGCL_OK) {
        fprintf(stderr, "contender: %s\n", plugcl_error_message());
        exit(1);
    }
}

/* Inputs in their order; a case may have fewer. */
static const char *const names[3] = { "x", "k", "v" };

/* Small weights, so that a chain of gates neither vanishes nor overflows. */
static float *random_weights(size_t count)
{
    float *data = malloc(count * sizeof *data);
    for (size_t i = 0; data != NULL && i < count; i++)
        data[i] = (float)(i * 7919 % 1000) / 5000.0f - 0.1f;
    return data;
}

static plugcl_value random_constant(plugcl_graph *graph, const plugcl_shape *shape)
{
    float *data = random_weights((size_t)plugcl_shape_elements(shape));
    plugcl_value value = plugcl_graph_constant(graph, PLUGCL_F32, shape, data);
    free(data);
    return value;
}

static plugcl_value add_block(plugcl_graph *graph, plugcl_value x, int64_t channels, bool cbam)
{
    const plugcl_value none = { 0 };
    int64_t hidden = channels / 16;
    x = plugcl_graph_channel_gate(graph, x, random_constant(graph, PLUGCL_SHAPE(hidden, channels)), none,
                                  random_constant(graph, PLUGCL_SHAPE(channels, hidden)), none,
                                  plugcl_channel_gate_params(.act = PLUGCL_RELU,
                                                             .pools = PLUGCL_POOL_AVG | (cbam ? PLUGCL_POOL_MAX : 0u)), NULL);
    return cbam ? plugcl_graph_spatial_gate(graph, x, random_constant(graph, PLUGCL_SHAPE(1, 2, 7, 7)), none, NULL, NULL) : x;
}

/* The points of an image turned and shrunk a little, as bench/floors.py has them for PyTorch. */
static plugcl_value turned_grid(plugcl_graph *graph, int64_t images, int64_t size)
{
    size_t points = (size_t)(images * size * size);
    float *grid = malloc(points * 2 * sizeof *grid);
    for (size_t i = 0; grid != NULL && i < points; i++) {
        float x = (2.0f * (float)(i % (size_t)size) + 1.0f) / (float)size - 1.0f;
        float y = (2.0f * (float)(i / (size_t)size % (size_t)size) + 1.0f) / (float)size - 1.0f;
        grid[2 * i] = 0.9f * x - 0.3f * y + 0.05f;
        grid[2 * i + 1] = 0.3f * x + 0.9f * y;
    }
    plugcl_value value = plugcl_graph_constant(graph, PLUGCL_F32, PLUGCL_SHAPE(images, size, size, 2), grid);
    free(grid);
    return value;
}

/* Batch norm folded, as a plug-in does it. */
static plugcl_value add_pyramid(plugcl_graph *graph, plugcl_value x, int64_t channels, int64_t rate)
{
    struct plugcl_pyramid_branch branches[4] = { { .dilation = 1 } };
    const plugcl_value bias = random_constant(graph, PLUGCL_SHAPE(256));
    for (int64_t i = 0; i < 4; i++) {
        int64_t kernel = i == 0 ? 1 : 3;
        branches[i] = (struct plugcl_pyramid_branch){ .weight = random_constant(graph, PLUGCL_SHAPE(256, channels, kernel, kernel)),
                                                      .bias = bias, .dilation = (uint32_t)(i * rate) };
    }
    return plugcl_graph_pyramid(graph, x, branches, 4, random_constant(graph, PLUGCL_SHAPE(256, channels, 1, 1)), bias,
                                random_constant(graph, PLUGCL_SHAPE(256, 1280, 1, 1)), bias,
                                plugcl_pyramid_params(.act = PLUGCL_RELU));
}

static void add_layer(plugcl_weights *weights, const char *name, int64_t outputs, int64_t channels)
{
    char full[16];
    size_t count = (size_t)(outputs * channels);
    float *data = random_weights(count);
    snprintf(full, sizeof full, "%s.weight", name);
    check(plugcl_weights_add(weights, full, PLUGCL_F32, PLUGCL_SHAPE(outputs, channels, 1, 1), data, count * sizeof *data));
    snprintf(full, sizeof full, "%s.bias", name);
    check(plugcl_weights_add(weights, full, PLUGCL_F32, PLUGCL_SHAPE(outputs), data, (size_t)outputs * sizeof *data));
    free(data);
}

/* Through the plug-in, which splits the block into operators. */
static plugcl_value add_nonlocal(plugcl_graph *graph, plugcl_value x, int64_t channels, int64_t inner)
{
    plugcl_weights *weights = NULL;
    plugcl_node *node = NULL;
    check(plugcl_weights_create(&weights));
    add_layer(weights, "t", inner, channels);
    add_layer(weights, "p", inner, channels);
    add_layer(weights, "g", inner, channels);
    add_layer(weights, "z", channels, inner);
    check(plugcl_graph_plugin(graph, "nonlocal", &x, 1, weights, "", NULL, &node));
    plugcl_weights_destroy(&weights);
    return plugcl_node_output(node, "y");
}

static plugcl_value build(plugcl_graph *graph, const char *what, int64_t channels, int64_t size, int64_t count)
{
    bool samples = strcmp(what, "grid_sample") == 0;
    if (strcmp(what, "gemm") == 0)
        return plugcl_graph_matmul(graph, plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(channels, size)),
                                   plugcl_graph_input(graph, "k", PLUGCL_F32, PLUGCL_SHAPE(size, count)), false, false);
    if (strcmp(what, "attention") == 0) {
        plugcl_value inputs[3];
        for (int i = 0; i < 3; i++)
            inputs[i] = plugcl_graph_input(graph, names[i], PLUGCL_F32, PLUGCL_SHAPE(1, size, channels));
        return plugcl_graph_attention(graph, inputs[0], inputs[1], inputs[2], plugcl_attention_params(.scale = 1.0f / 16));
    }
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(samples ? count : 1, channels, size, size));
    if (samples)
        return plugcl_graph_grid_sample(graph, x, turned_grid(graph, count, size), NULL);
    if (strcmp(what, "conv") == 0)
        return plugcl_graph_conv2d(graph, x, random_constant(graph, PLUGCL_SHAPE(count, channels, 3, 3)),
                                   random_constant(graph, PLUGCL_SHAPE(count)), plugcl_conv2d_params(.pad = { 1, 1, 1, 1 }));
    if (strcmp(what, "aspp") == 0)
        return add_pyramid(graph, x, channels, count);
    if (strcmp(what, "nonlocal") == 0)
        return add_nonlocal(graph, x, channels, count);
    for (int64_t i = 0; i < count; i++)
        x = add_block(graph, x, channels, strcmp(what, "cbam") == 0);
    return x;
}

static void fill(plugcl_tensor *tensor)
{
    size_t bytes = plugcl_tensor_bytes(tensor);
    float *values = malloc(bytes);
    for (size_t i = 0; values != NULL && i < bytes / sizeof *values; i++)
        values[i] = (float)(i % 17) / 17.0f;
    check(plugcl_tensor_write(tensor, values, bytes));
    free(values);
}

/* The median would need the driver's help; a round is the mean of runs enough for a few milliseconds. */
static void serve(plugcl_context *context, plugcl_plan *plan, plugcl_layout layout)
{
    plugcl_tensor *tensors[4];
    struct plugcl_binding bindings[4];
    size_t count = 0;
    char line[16];
    for (int i = 0; i < 4; i++) {
        const char *name = i < 3 ? names[i] : "y";
        plugcl_shape shape;
        if (plugcl_plan_shape(plan, name, &shape) != PLUGCL_OK)
            continue;
        check(plugcl_tensor_create(context, plugcl_tensor_params(.shape = shape, .layout = layout), &tensors[count]));
        fill(tensors[count]);
        bindings[count] = (struct plugcl_binding){ name, tensors[count] };
        count++;
    }
    for (int i = 0; i < 3; i++)
        check(plugcl_plan_run(plan, bindings, count, NULL));
    while (fgets(line, sizeof line, stdin) != NULL) {
        uint64_t start = clock_ns(), now = start;
        int runs = 0;
        for (; now - start < 20000000u; now = clock_ns(), runs++)
            check(plugcl_plan_run(plan, bindings, count, NULL));
        printf("%.3f\n", (double)(now - start) / 1000.0 / runs);
        fflush(stdout);
    }
    for (size_t i = 0; i < count; i++)
        plugcl_tensor_destroy(&tensors[i]);
}

static const char peak_source[] =
    "__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void peak(__global float *y, int rounds)\n"
    "{\n"
    "    float16 c[12];\n"
    "    for (int i = 0; i < 12; i++) c[i] = (float16)(i);\n"
    "    const float16 a = (float16)(1.0f + 1e-7f * get_group_id(0)), b = (float16)(1e-7f);\n"
    "    for (int r = 0; r < rounds; r++) {\n"
    "        _Pragma(\"unroll\") for (int i = 0; i < 12; i++) c[i] = fma(c[i], a, b);\n"
    "    }\n"
    "    float16 sum = c[0];\n"
    "    for (int i = 1; i < 12; i++) sum += c[i];\n"
    "    vstore16(sum, get_group_id(0), y);\n"
    "}\n";

static void serve_peak(plugcl_context *context, int32_t threads)
{
    struct kernel *kernel = NULL;
    struct buffer *buffer = NULL;
    struct queue *queue = NULL;
    const int32_t rounds = 400000;
    char line[16];
    check(kernel_create_from_source(context, "peak", peak_source, NULL, "peak", &kernel));
    check(buffer_create(context, (size_t)threads * 64, false, &buffer));
    check(queue_create(context, false, &queue));
    check(kernel_set_buffer(kernel, 0, buffer));
    check(kernel_set_value(kernel, 1, &rounds, sizeof rounds));
    const size_t global[3] = { (size_t)threads, 1, 1 }, local[3] = { 1, 1, 1 };
    while (fgets(line, sizeof line, stdin) != NULL) {
        check(queue_finish(queue));
        uint64_t start = clock_ns();
        check(queue_launch(queue, kernel, 1, global, local, NULL));
        check(queue_finish(queue));
        printf("%.3f\n", 2.0 * 16 * 12 * rounds * threads / (double)(clock_ns() - start));
        fflush(stdout);
    }
    queue_destroy(&queue);
    buffer_drop(&buffer);
    kernel_destroy(&kernel);
}

int main(int argc, char **argv)
{
    plugcl_context *context;
    plugcl_graph *graph;
    plugcl_plan *plan;
    if (argc != 5 && !(argc == 3 && strcmp(argv[1], "peak") == 0)) {
        fprintf(stderr, "usage: contender se|cbam|conv|grid_sample|aspp|gemm|attention|nonlocal "
                        "CHANNELS SIZE COUNT, or contender peak THREADS\n");
        return 2;
    }
    check(plugcl_context_create(plugcl_context_params(.device = "cpu"), &context));
    if (argc == 3) {
        serve_peak(context, (int32_t)strtol(argv[2], NULL, 10));
        plugcl_context_destroy(&context);
        return 0;
    }
    bool conv = strcmp(argv[1], "conv") == 0;
    check(plugcl_graph_create(NULL, &graph));
    plugcl_value y = build(graph, argv[1], strtoll(argv[2], NULL, 10), strtoll(argv[3], NULL, 10), strtoll(argv[4], NULL, 10));
    plugcl_graph_output(graph, "y", y);
    check(plugcl_plan_create(context, graph, plugcl_plan_params(.channels_last = conv), &plan));
    serve(context, plan, conv ? PLUGCL_NHWC : PLUGCL_NCHW);
    plugcl_plan_destroy(&plan);
    plugcl_graph_destroy(&graph);
    plugcl_context_destroy(&context);
    return 0;
}
