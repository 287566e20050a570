/* SPDX-License-Identifier: Apache-2.0 */
/* bench.c: plugcl bench: times of a plan's runs and of its steps. */
#include "request.h"

#include <stdio.h>
#include <stdlib.h>

enum { LEAST_RUNS = 20, MOST_RUNS = 1000, WARM_UP_MS = 100, MEASURED_MS = 1000 };

/* Of many times: the spread is that of the middle half, in parts of the median. */
struct summary {
    double median, fastest, spread; /* milliseconds */
};

struct timed {
    size_t runs, steps;
    double *whole, *step; /* step[number · runs + run] */
};

static struct summary summarise(double *times, size_t count)
{
    struct summary summary = { .median = median_of(times, count) };
    summary.fastest = times[0];
    summary.spread = summary.median > 0 ? (times[count * 3 / 4] - times[count / 4]) / summary.median : 0;
    return summary;
}

static double per_second(uint64_t amount, double milliseconds)
{
    return milliseconds > 0 ? (double)amount / (milliseconds * 1e6) : 0; /* in 10^9 */
}

/* Runs until the machine has settled; how many runs a second has room for. */
static int warm_up(struct tensors *tensors, const struct session *session, const struct request *request, size_t *runs)
{
    double spent = 0, time = 0;
    int result = EXIT_DONE;
    for (int i = 0; !result && (i < 3 || spent < WARM_UP_MS); i++) {
        result = tensors_run(tensors, session, &time, NULL);
        spent += time;
    }
    double fit = time > 0 ? MEASURED_MS / time : MOST_RUNS;
    *runs = fit < LEAST_RUNS ? LEAST_RUNS : fit > MOST_RUNS ? MOST_RUNS : (size_t)fit;
    if (request->repeat > 0)
        *runs = (size_t)request->repeat;
    return result;
}

static int time_whole(struct timed *timed, struct tensors *tensors, const struct session *session, const struct request *request)
{
    int result = warm_up(tensors, session, request, &timed->runs);
    timed->whole = result ? NULL : allocate(timed->runs, sizeof *timed->whole);
    if (!result && !timed->whole)
        result = failed("out of memory");
    for (size_t i = 0; i < timed->runs && !result; i++)
        result = tensors_run(tensors, session, &timed->whole[i], NULL);
    return result;
}

static int time_step(struct timed *timed, plugcl_run *run, size_t number)
{
    for (size_t i = 0; i < timed->steps; i++) {
        uint64_t start, end;
        if (plugcl_run_step_time(run, i, &start, &end))
            return library_failed();
        timed->step[i * timed->runs + number] = (double)(end - start) * 1e-6;
    }
    return EXIT_DONE;
}

/* By a plan that profiles, since that costs something. */
static int time_steps(struct timed *timed, struct session *session, struct tensors *tensors, const struct request *request)
{
    double time;
    size_t unused;
    int result = session_plan(session, request, true);
    timed->steps = plugcl_plan_steps(session->plan);
    timed->step = result ? NULL : allocate(timed->steps * timed->runs, sizeof *timed->step);
    if (!result && !timed->step)
        result = failed("out of memory");
    if (!result)
        result = warm_up(tensors, session, request, &unused);
    for (size_t i = 0; i < timed->runs && !result; i++) {
        plugcl_run *run = NULL;
        result = tensors_run(tensors, session, &time, &run);
        if (!result)
            result = time_step(timed, run, i);
        plugcl_run_destroy(&run);
    }
    return result;
}

static void add_summary(json_t *json, const struct summary *summary, uint64_t flops, uint64_t bytes)
{
    json_object_set_new(json, "median_ms", json_real(summary->median));
    json_object_set_new(json, "fastest_ms", json_real(summary->fastest));
    json_object_set_new(json, "spread", json_real(summary->spread));
    json_object_set_new(json, "gflops", json_real(per_second(flops, summary->median)));
    json_object_set_new(json, "gbytes_per_second", json_real(per_second(bytes, summary->median)));
}

static void print_summary(const struct summary *summary, uint64_t flops, uint64_t bytes, const char *name)
{
    printf(" %10.3f ms %10.3f ms %5.1f %% %9.2f %8.2f  %s\n", summary->median, summary->fastest, summary->spread * 100,
           per_second(flops, summary->median), per_second(bytes, summary->median), name);
}

static int step_info(const struct session *session, size_t step, struct plugcl_step_info *info)
{
    *info = (struct plugcl_step_info){ .struct_size = sizeof *info };
    return plugcl_plan_step(session->plan, step, info) ? library_failed() : EXIT_DONE;
}

/* FLOPs of all steps, and the bytes that a run moves from and to the host. */
static int total_of(const struct session *session, const struct tensors *tensors, uint64_t *flops, uint64_t *bytes)
{
    struct plugcl_step_info info;
    int result = EXIT_DONE;
    *flops = *bytes = 0;
    for (size_t i = 0; i < plugcl_plan_steps(session->plan) && !result; i++) {
        result = step_info(session, i, &info);
        *flops += info.flops;
    }
    for (size_t i = 0; i < session->n_data; i++)
        *bytes += (uint64_t)plugcl_shape_elements(&session->shapes[i]) * sizeof(float);
    for (size_t i = 0; i < tensors->n_results; i++)
        *bytes += (uint64_t)plugcl_shape_elements(&tensors->shapes[i]) * sizeof(float);
    return result;
}

static int print_json_report(struct timed *timed, const struct session *session, uint64_t flops, uint64_t bytes)
{
    struct summary summary = summarise(timed->whole, timed->runs);
    const struct plugcl_device_info *device = plugcl_context_device(session->context);
    json_t *report = json_pack("{so so sI s{} s[]}", "device", json_text(device->name), "platform", json_text(device->platform),
                               "runs", (json_int_t)timed->runs, "run", "steps");
    add_summary(json_object_get(report, "run"), &summary, flops, bytes);
    for (size_t i = 0; i < timed->steps; i++) {
        struct plugcl_step_info info;
        int result = step_info(session, i, &info);
        if (result) {
            json_decref(report);
            return result;
        }
        json_t *step = json_pack("{ss ss ss so}", "operator", info.operation, "variant", info.variant, "tile", info.tile, "name",
                                 json_text(info.name));
        summary = summarise(timed->step + i * timed->runs, timed->runs);
        add_summary(step, &summary, info.flops, info.bytes);
        json_array_append_new(json_object_get(report, "steps"), step);
    }
    return print_json(report);
}

static int print_report(struct timed *timed, const struct session *session, uint64_t flops, uint64_t bytes)
{
    struct summary summary = summarise(timed->whole, timed->runs);
    const struct plugcl_device_info *device = plugcl_context_device(session->context);
    printf("device %s (%s)\n%zu runs, from host memory to host memory, then the device's time for each step\n", device->name,
           device->platform, timed->runs);
    printf("%-4s %-16s %-22s %13s %13s %7s %9s %8s  %s\n", "step", "operator", "variant", "median", "fastest", "spread", "GFLOP/s",
           "GB/s", "name");
    printf("%-4s %-16s %-22s", "run", "", "");
    print_summary(&summary, flops, bytes, "");
    for (size_t i = 0; i < timed->steps; i++) {
        struct plugcl_step_info info;
        char variant[64];
        if (step_info(session, i, &info))
            return EXIT_FAILED;
        summary = summarise(timed->step + i * timed->runs, timed->runs);
        snprintf(variant, sizeof variant, "%s %s", info.variant, info.tile);
        printf("%-4zu %-16s %-22s", i, info.operation, variant);
        print_summary(&summary, info.flops, info.bytes, info.name);
    }
    return finish_output();
}

int command_bench(int argc, char **argv)
{
    struct request request = { 0 };
    struct session session = { 0 };
    struct tensors tensors = { 0 };
    struct timed timed = { 0 };
    uint64_t flops = 0, bytes = 0;
    int result = request_read(&request, REQUEST_BENCH, argc, argv);
    if (!result)
        result = request_check(&request, REQUEST_BENCH);
    if (!result)
        result = session_open(&session, &request);
    if (!result)
        result = session_fill(&session);
    if (!result)
        result = tensors_open(&tensors, &session, &request);
    if (!result)
        result = time_whole(&timed, &tensors, &session, &request);
    if (!result)
        result = time_steps(&timed, &session, &tensors, &request);
    if (!result)
        result = total_of(&session, &tensors, &flops, &bytes);
    if (!result)
        result = (request.json ? print_json_report : print_report)(&timed, &session, flops, bytes);
    if (!result)
        print_notes();
    session_close(&session);
    tensors_close(&tensors);
    free(timed.whole);
    free(timed.step);
    drop_notes();
    return result;
}
