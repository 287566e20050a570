/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contender.c: the plugcl contender of bench/compare. It plans one case, says so in a line of JSON, then times one round for each
 * line on stdin and prints the microseconds of one run, so that the driver can take turns with other engines. The line may have
 * the round's length in milliseconds.
 *
 * usage: contender CASE          CASE: JSON, an entry of bench/cases. It may have "memory" (host: whole calls, the default;
 *                                or device), "device" (cpu is the default), "tune" (1: variants are chosen by measurement),
 *                                "poll_us" (how long waits poll), "weights" (the file that the next form wrote; they are made up
 *                                without it) and "profile" (1: print what each step takes, and end)
 *        contender weights CASE FILE.safetensors   writes the case's weights
 *        contender plan FILE...  plans each case of these files and prints its name
 *        contender fma DEVICE THREADS         multiply-adds alone; a round is GFLOP/s
 *        contender copy DEVICE THREADS BYTES  copying alone; a round is GB/s, read and written
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/thread.h"
#include "contender.h"
#include "values.h"

#define ROUND_MS 20u
#define MOST_INPUTS 3

struct binding_memory {
    plugcl_tensor *tensor;
    float *values;
    size_t count;
};

static const char *const names[MOST_INPUTS + 1] = { "x", "k", "theta", "y" };

void check(plugcl_status status)
{
    if (status != PLUGCL_OK)
        give_up("%s", plugcl_error_message());
}

void give_up(const char *format, const char *what)
{
    fputs("contender: ", stderr);
    fprintf(stderr, strstr(format, "%s") != NULL ? format : "%s", strstr(format, "%s") != NULL ? what : format);
    fputc('\n', stderr);
    exit(1);
}

int64_t case_number(const json_t *json, const char *key, int64_t fallback)
{
    const json_t *value = json_object_get(json, key);
    if (value != NULL && !json_is_integer(value))
        give_up("the case's \"%s\" must be a whole number", key);
    return value != NULL ? json_integer_value(value) : fallback;
}

const char *case_text(const json_t *json, const char *key, const char *fallback)
{
    const json_t *value = json_object_get(json, key);
    if (value != NULL && !json_is_string(value))
        give_up("the case's \"%s\" must be a text", key);
    return value != NULL ? json_string_value(value) : fallback;
}

/* The values of an NCHW tensor in NHWC order. */
static void to_channels_last(const plugcl_shape *shape, float *values)
{
    size_t count = (size_t)plugcl_shape_elements(shape), channels = (size_t)shape->dims[1];
    size_t pixels = (size_t)(shape->dims[2] * shape->dims[3]);
    float *copy = malloc(count * sizeof *copy);
    if (copy == NULL)
        give_up("no memory", NULL);
    memcpy(copy, values, count * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        values[(i / pixels / channels * pixels + i % pixels) * channels + i / pixels % channels] = copy[i];
    free(copy);
}

static void bind(plugcl_context *context, const char *name, const plugcl_shape *shape, plugcl_layout layout, bool host,
                 struct binding_memory *memory)
{
    memory->count = (size_t)plugcl_shape_elements(shape);
    size_t bytes = memory->count * sizeof *memory->values;
    layout = shape->rank == 4 ? layout : PLUGCL_NCHW;
    memory->values = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    if (memory->values == NULL)
        give_up("no memory for %s", name);
    fill_values(name, shape->rank, shape->dims, memory->values);
    if (layout == PLUGCL_NHWC)
        to_channels_last(shape, memory->values);
    if (host) {
        check(plugcl_tensor_wrap_host(memory->values, bytes, PLUGCL_F32, shape, layout, &memory->tensor));
    } else {
        check(plugcl_tensor_create(context, plugcl_tensor_params(.shape = *shape, .layout = layout), &memory->tensor));
        check(plugcl_tensor_write(memory->tensor, memory->values, bytes));
    }
}

/* VmRSS: in memory now; VmHWM: at most so far. */
static long memory_kib(const char *field)
{
    char line[128];
    long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            kib = strtol(line + strlen(field), NULL, 10);
    if (status != NULL)
        fclose(status);
    return kib;
}

/* What preparing took, from the context's creation on. The inputs are what an application has already. */
struct start {
    long before_kib, opened_kib;
    uint64_t begun, context_ready, first_result, binding_ns;
    size_t input_bytes;
};

static double milliseconds(uint64_t from, uint64_t to)
{
    return (double)(to - from) / 1e6;
}

/* The summary of the result, and what it took to come here. */
static void report(plugcl_context *context, const struct binding_memory *y, const struct start *start)
{
    double summary[3];
    long peak_kib = memory_kib("VmHWM:") - (long)(start->input_bytes / 1024);
    struct plugcl_context_statistics statistics = { .struct_size = sizeof statistics };
    plugcl_context_statistics(context, &statistics);
    check(plugcl_tensor_read(y->tensor, y->values, y->count * sizeof *y->values));
    summarise(y->values, y->count, summary);
    printf("{\"version\": \"%s\", \"device\": \"%s\", \"check\": [%.9g, %.9g, %.9g], \"context_ms\": %.3f, \"first_ms\": %.3f, "
           "\"before_kib\": %ld, \"opened_kib\": %ld, \"peak_kib\": %ld, \"device_kib\": %llu, \"compiled\": %llu, "
           "\"loaded\": %llu}\n",
           plugcl_version(), plugcl_context_device(context)->name, summary[0], summary[1], summary[2],
           milliseconds(start->begun, start->context_ready),
           milliseconds(start->begun + start->binding_ns, start->first_result), start->before_kib, start->opened_kib, peak_kib,
           (unsigned long long)statistics.device_bytes / 1024, (unsigned long long)statistics.programs_compiled,
           (unsigned long long)statistics.programs_loaded);
    fflush(stdout);
}

static int compare_times(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

bool round_asked_for(struct round *round)
{
    char line[16];
    if (fgets(line, sizeof line, stdin) == NULL)
        return false;
    uint64_t milliseconds = strtoul(line, NULL, 10);
    const char *apart = getenv("APART_MS");
    *round = (struct round){ .length = 1000000 * (milliseconds != 0 ? milliseconds : ROUND_MS),
                             .apart = apart != NULL ? 1000000 * (uint64_t)strtoul(apart, NULL, 10) : 0 };
    return true;
}

static uint64_t pause_for(uint64_t ns)
{
    const struct timespec length = { .tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000) };
    if (ns > 0)
        nanosleep(&length, NULL);
    return clock_ns();
}

bool round_goes_on(struct round *round)
{
    uint64_t now = clock_ns();
    if (round->last != 0)
        round->times[round->runs++] = now - round->last;
    else
        round->begun = now;
    round->last = pause_for(round->apart);
    return now - round->begun < round->length && round->runs < MOST_RUNS;
}

double median_of(uint64_t *times, size_t count)
{
    qsort(times, count, sizeof *times, compare_times);
    return (double)times[count / 2];
}

double round_median(struct round *round)
{
    return median_of(round->times, round->runs);
}

static bool is(const json_t *json, const char *key, const char *text)
{
    return strcmp(case_text(json, key, ""), text) == 0;
}

static void serve_rounds(plugcl_plan *plan, const struct plugcl_binding *bindings, size_t count)
{
    struct round round;
    while (round_asked_for(&round)) {
        while (round_goes_on(&round))
            check(plugcl_plan_run(plan, bindings, count, NULL));
        printf("%.3f\n", round_median(&round) / 1000.0);
        fflush(stdout);
    }
}

static void serve(plugcl_context *context, plugcl_plan *plan, const json_t *json, struct start *start)
{
    const plugcl_layout layout = is(json, "layout", "nhwc") ? PLUGCL_NHWC : PLUGCL_NCHW;
    struct binding_memory memories[MOST_INPUTS + 1];
    struct plugcl_binding bindings[MOST_INPUTS + 1];
    size_t count = 0;
    const uint64_t planned = clock_ns();
    for (int i = 0; i < MOST_INPUTS + 1; i++) {
        plugcl_shape shape;
        if (plugcl_plan_shape(plan, names[i], &shape) != PLUGCL_OK)
            continue;
        bind(context, names[i], &shape, layout, !is(json, "memory", "device"), &memories[count]);
        bindings[count] = (struct plugcl_binding){ names[i], memories[count].tensor };
        start->input_bytes += i < MOST_INPUTS ? memories[count].count * sizeof(float) : 0;
        count++;
    }
    start->binding_ns = clock_ns() - planned;
    check(plugcl_plan_run(plan, bindings, count, NULL));
    start->first_result = clock_ns();
    report(context, &memories[count - 1], start);
    for (int i = 0; i < 3; i++)
        check(plugcl_plan_run(plan, bindings, count, NULL));
    if (case_number(json, "profile", 0))
        print_profile(plan, bindings, count);
    else
        serve_rounds(plan, bindings, count);
    for (size_t i = 0; i < count; i++) {
        plugcl_tensor_destroy(&memories[i].tensor);
        free(memories[i].values);
    }
}

static plugcl_context *open_context(const char *device, uint64_t poll_ns)
{
    plugcl_context *context = NULL;
    check(plugcl_context_create(plugcl_context_params(.device = device, .poll_ns = poll_ns), &context));
    return context;
}

static struct model make_model(const json_t *json)
{
    const char *file = case_text(json, "weights", NULL);
    struct model model = { .json = json, .has_file = file != NULL };
    check(plugcl_graph_create(NULL, &model.graph));
    check(file != NULL ? plugcl_weights_open(file, &model.weights) : plugcl_weights_create(&model.weights));
    build_case(&model);
    return model;
}

static plugcl_plan *make_plan(plugcl_context *context, const json_t *json)
{
    struct model model = make_model(json);
    plugcl_plan *plan = NULL;
    plugcl_tune tune = case_number(json, "tune", 0) ? PLUGCL_TUNE_MISSING : PLUGCL_TUNE_NEVER;
    check(plugcl_plan_create(context, model.graph,
                             plugcl_plan_params(.channels_last = is(json, "layout", "nhwc"), .tune = tune,
                                                .profile = case_number(json, "profile", 0) != 0), &plan));
    plugcl_graph_destroy(&model.graph);
    plugcl_weights_destroy(&model.weights);
    return plan;
}

static json_t *read_case(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, 0, &error);
    if (json == NULL)
        give_up("the case is not JSON: %s", error.text);
    return json;
}

static void write_case(const char *text, const char *path)
{
    json_t *json = read_case(text);
    struct model model = make_model(json);
    write_weights(model.weights, path);
    plugcl_graph_destroy(&model.graph);
    plugcl_weights_destroy(&model.weights);
    json_decref(json);
}

static void serve_case(const char *text)
{
    json_t *json = read_case(text);
    struct start start = { .before_kib = memory_kib("VmRSS:"), .begun = clock_ns() };
    plugcl_context *context = open_context(case_text(json, "device", "cpu"), 1000 * (uint64_t)case_number(json, "poll_us", 0));
    start.context_ready = clock_ns();
    start.opened_kib = memory_kib("VmHWM:");
    plugcl_plan *plan = make_plan(context, json);
    serve(context, plan, json, &start);
    plugcl_plan_destroy(&plan);
    plugcl_context_destroy(&context);
    json_decref(json);
}

/* Prints the name of each case of the files once it has a plan. */
static void plan_files(char **paths)
{
    plugcl_context *context = open_context("cpu", 0);
    for (; *paths != NULL; paths++) {
        json_error_t error;
        json_t *cases = json_load_file(*paths, 0, &error), *json;
        size_t i;
        if (!json_is_array(cases))
            give_up("%s is not a JSON array of cases", *paths);
        json_array_foreach(cases, i, json)
        {
            plugcl_plan *plan = make_plan(context, json);
            puts(case_text(json, "name", "?"));
            fflush(stdout);
            plugcl_plan_destroy(&plan);
        }
        json_decref(cases);
    }
    plugcl_context_destroy(&context);
}

static void serve_probe(int argc, char **argv)
{
    int32_t threads = (int32_t)strtol(argv[3], NULL, 10);
    plugcl_context *context = open_context(argv[2], 0);
    if (argc == 4)
        serve_fma(context, threads);
    else
        serve_copy(context, threads, strtoll(argv[4], NULL, 10));
    plugcl_context_destroy(&context);
}

int main(int argc, char **argv)
{
    if ((argc == 4 && strcmp(argv[1], "fma") == 0) || (argc == 5 && strcmp(argv[1], "copy") == 0))
        serve_probe(argc, argv);
    else if (argc > 2 && strcmp(argv[1], "plan") == 0)
        plan_files(argv + 2);
    else if (argc == 4 && strcmp(argv[1], "weights") == 0)
        write_case(argv[2], argv[3]);
    else if (argc == 2 && argv[1][0] == '{')
        serve_case(argv[1]);
    else
        give_up("usage: contender CASE, contender weights CASE FILE, contender plan FILE..., contender fma DEVICE THREADS, or "
                "contender copy DEVICE THREADS BYTES", NULL);
    return 0;
}
