/* SPDX-License-Identifier: Apache-2.0 */
/* first_plan.c: one SE module on random data, on whatever device there is. */
#include <plugcl/plugcl.h>

#include <stdio.h>
#include <stdlib.h>

static void check(plugcl_status status)
{
    if (status == PLUGCL_OK)
        return;
    fprintf(stderr, "first_plan: %s\n", plugcl_error_message());
    exit(1);
}

static void noise(float *values, size_t count) /* −1 to 1 */
{
    for (size_t i = 0; i < count; i++)
        values[i] = (float)rand() / (float)RAND_MAX * 2 - 1;
}

int main(void)
{
    static float first[16 * 64], second[64 * 16], x[64 * 56 * 56], y[64 * 56 * 56];
    noise(first, 16 * 64), noise(second, 64 * 16), noise(x, 64 * 56 * 56);

    plugcl_weights *weights; /* named as PyTorch names them; plugcl_weights_open reads them from a .safetensors file */
    check(plugcl_weights_create(&weights));
    check(plugcl_weights_add(weights, "fc.0.weight", PLUGCL_F32, PLUGCL_SHAPE(16, 64), first, sizeof first));
    check(plugcl_weights_add(weights, "fc.2.weight", PLUGCL_F32, PLUGCL_SHAPE(64, 16), second, sizeof second));

    plugcl_graph *graph;
    plugcl_node *se;
    check(plugcl_graph_create(NULL, &graph));
    plugcl_value input = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(1, 64, 56, 56));
    check(plugcl_graph_plugin(graph, "se", &input, 1, weights, "", NULL, &se));
    plugcl_graph_output(graph, "y", plugcl_node_output(se, "y"));

    plugcl_context *context; /* a GPU, else the CPU */
    plugcl_plan *plan;       /* compiles kernels, or finds them in the cache */
    check(plugcl_context_create(NULL, &context));
    check(plugcl_plan_create(context, graph, NULL, &plan));

    struct plugcl_binding bindings[] = { { "x", NULL }, { "y", NULL } };
    check(plugcl_tensor_wrap_host(x, sizeof x, PLUGCL_F32, PLUGCL_SHAPE(1, 64, 56, 56), PLUGCL_NCHW, &bindings[0].tensor));
    check(plugcl_tensor_wrap_host(y, sizeof y, PLUGCL_F32, PLUGCL_SHAPE(1, 64, 56, 56), PLUGCL_NCHW, &bindings[1].tensor));
    check(plugcl_plan_run(plan, bindings, 2, NULL));
    printf("%s: SE weighs channel 0 by %.4f\n", plugcl_context_device(context)->name, (double)(y[0] / x[0]));

    plugcl_tensor_destroy(&bindings[0].tensor);
    plugcl_tensor_destroy(&bindings[1].tensor);
    plugcl_plan_destroy(&plan);
    plugcl_context_destroy(&context);
    plugcl_graph_destroy(&graph);
    plugcl_weights_destroy(&weights);
    return 0;
}
