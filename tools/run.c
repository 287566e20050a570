/* SPDX-License-Identifier: Apache-2.0 */
/* run.c: plugcl run. */
#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* The tensors of a run: the plug-in's inputs, then the outputs that were asked for. */
struct tensors {
    struct plugcl_binding bindings[2 * MAX_FILES];
    size_t count;
    float *results[MAX_FILES];
    plugcl_shape shapes[MAX_FILES];
    size_t n_results;
    double *times; /* milliseconds */
    json_t *events;
};

static int bind(struct tensors *tensors, const char *name, float *data, const plugcl_shape *shape)
{
    struct plugcl_binding *binding = &tensors->bindings[tensors->count];
    size_t bytes = (size_t)plugcl_shape_elements(shape) * sizeof *data;
    if (plugcl_tensor_wrap_host(data, bytes, PLUGCL_F32, shape, PLUGCL_NCHW, &binding->tensor))
        return library_failed();
    binding->name = name;
    tensors->count++;
    return EXIT_DONE;
}

static int prepare(struct tensors *tensors, const struct session *session, const struct request *request)
{
    int result = EXIT_DONE;
    for (size_t i = 0; i < session->n_data && !result; i++)
        result = bind(tensors, request->plugin->inputs[i], session->data[i], &session->shapes[i]);
    for (size_t i = 0; i < request->n_outputs && !result; i++) {
        const struct file_argument *output = &request->outputs[i];
        plugcl_shape *shape = &tensors->shapes[i];
        if (plugcl_plan_shape(session->plan, output->name, shape))
            return library_failed();
        result = check_output_shape(output->name, output->path, shape);
        if (result)
            return result;
        tensors->results[i] = allocate((uint64_t)plugcl_shape_elements(shape), sizeof(float));
        tensors->n_results = i + 1;
        result = tensors->results[i] ? bind(tensors, output->name, tensors->results[i], shape) : failed("out of memory");
    }
    return result;
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static int run_once(struct tensors *tensors, const struct session *session, double *time, uint64_t *origin)
{
    plugcl_run *run = NULL;
    double start = now_ms();
    int result = EXIT_DONE;
    if (plugcl_plan_run(session->plan, tensors->bindings, tensors->count, &run) || plugcl_run_wait(run, PLUGCL_WAIT_FOREVER))
        result = library_failed();
    *time = now_ms() - start;
    if (!result && tensors->events)
        result = trace_add(tensors->events, session->plan, run, origin);
    plugcl_run_destroy(&run);
    return result;
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static int run_all(struct tensors *tensors, const struct session *session, const struct request *request)
{
    int runs = request->repeat > 0 ? request->repeat : 1, result = EXIT_DONE;
    uint64_t origin = UINT64_MAX;
    tensors->times = allocate((uint64_t)runs, sizeof *tensors->times);
    tensors->events = request->trace ? json_array() : NULL;
    if (!tensors->times || (request->trace && !tensors->events))
        return failed("out of memory");
    for (int i = 0; i < runs && !result; i++)
        result = run_once(tensors, session, &tensors->times[i], &origin);
    return result;
}

static int write_outputs(struct tensors *tensors, const struct request *request)
{
    struct staged staged;
    int result = EXIT_DONE;
    stage_begin(&staged);
    for (size_t i = 0; i < request->n_outputs && !result; i++)
        result = stage_tensor(&staged, request->outputs[i].path, &tensors->shapes[i], tensors->results[i]);
    if (!result && request->trace) {
        json_t *trace = json_pack("{sO ss}", "traceEvents", tensors->events, "displayTimeUnit", "ms");
        result = stage_json(&staged, request->trace, trace);
        json_decref(trace);
    }
    int ended = stage_end(&staged, !result);
    return result ? result : ended;
}

static void print_times(struct tensors *tensors, int runs)
{
    double first = tensors->times[0];
    qsort(tensors->times, (size_t)runs, sizeof *tensors->times, by_time);
    printf("%d run%s: first %.3f ms, fastest %.3f ms, median %.3f ms\n", runs, runs > 1 ? "s" : "", first, tensors->times[0],
           tensors->times[runs / 2]);
}

static void tensors_free(struct tensors *tensors)
{
    for (size_t i = 0; i < tensors->count; i++)
        plugcl_tensor_destroy(&tensors->bindings[i].tensor);
    for (size_t i = 0; i < tensors->n_results; i++)
        free(tensors->results[i]);
    free(tensors->times);
    json_decref(tensors->events);
}

int command_run(int argc, char **argv)
{
    struct request request = { 0 };
    struct session session = { 0 };
    struct tensors tensors = { 0 };
    int result = request_read(&request, REQUEST_RUN, argc, argv);
    if (!result)
        result = request_check(&request, REQUEST_RUN);
    if (!result)
        result = session_open(&session, &request);
    if (!result)
        result = prepare(&tensors, &session, &request);
    if (!result)
        result = run_all(&tensors, &session, &request);
    if (!result)
        result = write_outputs(&tensors, &request);
    if (!result && request.repeat > 0) {
        print_times(&tensors, request.repeat);
        result = finish_output();
    }
    if (!result)
        print_notes();
    session_close(&session);
    tensors_free(&tensors);
    drop_notes();
    return result;
}
