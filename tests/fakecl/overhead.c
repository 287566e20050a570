/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overhead.c: what a run costs besides the driver: a chain of small steps on the fake driver, whose calls do next to nothing. It
 * prints the time of a step: that of a long chain's run less that of a short one's, for each step between them.
 */
#include <stdio.h>
#include <time.h>

#include <plugcl/plugcl.h>

#include "device/context.h"
#include "fakecl.h"

enum { SHORT = 10, LONG = 210, RUNS = 2000, ROUNDS = 15, ELEMENTS = 64 };

struct chain {
    plugcl_graph *graph;
    plugcl_plan *plan;
    struct plugcl_binding bindings[2];
};

static float data[2][ELEMENTS];

static plugcl_status make_chain(plugcl_context *context, int steps, struct chain *chain)
{
    plugcl_status status = plugcl_graph_create(NULL, &chain->graph);
    if (status != PLUGCL_OK)
        return status;
    plugcl_value x = plugcl_graph_input(chain->graph, "x", PLUGCL_F32, PLUGCL_SHAPE(ELEMENTS));
    for (int i = 0; i < steps; i++)
        x = plugcl_graph_activation(chain->graph, x, PLUGCL_TANH, 0, 0);
    plugcl_graph_output(chain->graph, "y", x);
    status = plugcl_plan_create(context, chain->graph, NULL, &chain->plan);
    for (int i = 0; i < 2 && status == PLUGCL_OK; i++) {
        chain->bindings[i].name = i == 0 ? "x" : "y";
        status = plugcl_tensor_wrap_host(data[i], sizeof data[i], PLUGCL_F32, PLUGCL_SHAPE(ELEMENTS), PLUGCL_NCHW,
                                         &chain->bindings[i].tensor);
    }
    return status;
}

static void drop_chain(struct chain *chain)
{
    plugcl_plan_destroy(&chain->plan);
    plugcl_graph_destroy(&chain->graph);
    for (int i = 0; i < 2; i++)
        plugcl_tensor_destroy(&chain->bindings[i].tensor);
}

/* Nanoseconds of a run; below 0 if one fails. */
static double time_runs(struct chain *chain)
{
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int i = 0; i < RUNS; i++)
        if (plugcl_plan_run(chain->plan, chain->bindings, 2, NULL) != PLUGCL_OK)
            return -1;
    clock_gettime(CLOCK_MONOTONIC, &end);
    return ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) / RUNS;
}

static int measure(struct chain *few, struct chain *many)
{
    double least[2] = { 1e30, 1e30 };
    for (int round = 0; round < ROUNDS; round++) {
        const double times[2] = { time_runs(few), time_runs(many) };
        for (int i = 0; i < 2; i++) {
            if (times[i] < 0)
                return 1;
            least[i] = times[i] < least[i] ? times[i] : least[i];
        }
    }
    printf("%.0f ns a step; %.0f ns a run besides its steps\n", (least[1] - least[0]) / (LONG - SHORT),
           least[0] - (least[1] - least[0]) / (LONG - SHORT) * SHORT);
    return 0;
}

int main(void)
{
    plugcl_context *context = NULL;
    struct chain few = { 0 }, many = { 0 };
    fakecl_use_host(true);
    int failed = context_create_with_api(fakecl_api(), plugcl_context_params(.no_disk_cache = true), &context) ||
                 make_chain(context, SHORT, &few) || make_chain(context, LONG, &many) || measure(&few, &many);
    if (failed)
        fprintf(stderr, "overhead: %s\n", plugcl_error_message());
    drop_chain(&few);
    drop_chain(&many);
    plugcl_context_destroy(&context);
    return failed;
}
