/* SPDX-License-Identifier: Apache-2.0 */
/* run.c: plugcl run. */
#include "request.h"

#include <stdio.h>
#include <stdlib.h>

struct results {
    double *times; /* milliseconds */
    json_t *events;
};

static int run_once(struct tensors *tensors, const struct session *session, const struct results *results, double *time,
                    uint64_t *origin)
{
    plugcl_run *run = NULL;
    int result = tensors_run(tensors, session, time, &run);
    if (!result && results->events)
        result = trace_add(results->events, session->plan, run, origin);
    plugcl_run_destroy(&run);
    return result;
}

static int run_all(struct tensors *tensors, const struct session *session, const struct request *request, struct results *results)
{
    int runs = request->repeat > 0 ? request->repeat : 1, result = EXIT_DONE;
    uint64_t origin = UINT64_MAX;
    results->times = allocate((uint64_t)runs, sizeof *results->times);
    results->events = request->trace ? json_array() : NULL;
    if (!results->times || (request->trace && !results->events))
        return failed("out of memory");
    for (int i = 0; i < runs && !result; i++)
        result = run_once(tensors, session, results, &results->times[i], &origin);
    return result;
}

static int write_outputs(struct tensors *tensors, const struct request *request, const struct results *results)
{
    struct staged staged;
    int result = EXIT_DONE;
    stage_begin(&staged);
    for (size_t i = 0; i < request->n_outputs && !result; i++)
        result = stage_tensor(&staged, request->outputs[i].path, &tensors->shapes[i], tensors->results[i]);
    if (!result && request->trace) {
        json_t *trace = json_pack("{sO ss}", "traceEvents", results->events, "displayTimeUnit", "ms");
        result = stage_json(&staged, request->trace, trace);
        json_decref(trace);
    }
    int ended = stage_end(&staged, !result);
    return result ? result : ended;
}

static void print_times(const struct results *results, int runs)
{
    double first = results->times[0], median = median_of(results->times, (size_t)runs);
    printf("%d run%s: first %.3f ms, fastest %.3f ms, median %.3f ms\n", runs, runs > 1 ? "s" : "", first, results->times[0],
           median);
}

static int check_shapes(const struct tensors *tensors, const struct request *request)
{
    int result = EXIT_DONE;
    for (size_t i = 0; i < request->n_outputs && !result; i++)
        result = check_output_shape(request->outputs[i].name, request->outputs[i].path, &tensors->shapes[i]);
    return result;
}

int command_run(int argc, char **argv)
{
    struct request request = { 0 };
    struct session session = { 0 };
    struct tensors tensors = { 0 };
    struct results results = { 0 };
    int result = request_read(&request, REQUEST_RUN, argc, argv);
    if (!result)
        result = request_check(&request, REQUEST_RUN);
    if (!result)
        result = session_open(&session, &request);
    if (!result)
        result = tensors_open(&tensors, &session, &request);
    if (!result)
        result = check_shapes(&tensors, &request);
    if (!result)
        result = run_all(&tensors, &session, &request, &results);
    if (!result)
        result = write_outputs(&tensors, &request, &results);
    if (!result && request.repeat > 0) {
        print_times(&results, request.repeat);
        result = finish_output();
    }
    if (!result)
        print_notes();
    session_close(&session);
    tensors_close(&tensors);
    free(results.times);
    json_decref(results.events);
    drop_notes();
    return result;
}
