/* SPDX-License-Identifier: Apache-2.0 */
/* tuning_test.c: what a tuning result is of and how it is kept, and what plans make of it. */
#include "base/memory.h"
#include "device/cache_file.h"
#include "device/context.h"
#include "ops/tuning.h"

#include "unit.h"

enum { CHANNELS = 16, SIZE = 12, ELEMENTS = CHANNELS * SIZE * SIZE };

/* An application's store, of tuning records and programs alike; `record` is the last that has lines. */
struct shelf {
    char keys[64][65];
    void *data[64];
    size_t bytes[64], count, record;
};

static size_t shelf_get(void *user, const char *key, void *data, size_t capacity)
{
    const struct shelf *shelf = user;
    for (size_t i = 0; i < shelf->count; i++) {
        if (strcmp(shelf->keys[i], key) != 0)
            continue;
        if (data)
            memcpy(data, shelf->data[i], capacity < shelf->bytes[i] ? capacity : shelf->bytes[i]);
        return shelf->bytes[i];
    }
    return 0;
}

static void shelf_set(void *user, const char *key, const void *data, size_t bytes)
{
    struct shelf *shelf = user;
    size_t i = 0;
    while (i < shelf->count && strcmp(shelf->keys[i], key) != 0)
        i++;
    assert_true(i < 64);
    shelf->count += i == shelf->count;
    strcpy(shelf->keys[i], key);
    free(shelf->data[i]);
    shelf->data[i] = exact_copy(data, bytes);
    shelf->bytes[i] = bytes;
    if (((const char *)data)[bytes - 1] == '\n')
        shelf->record = i;
}

static size_t shelf_results(const struct shelf *shelf)
{
    const char *record = shelf->count > 0 ? shelf->data[shelf->record] : NULL;
    size_t lines = 0;
    if (record != NULL && record[shelf->bytes[shelf->record] - 1] == '\n')
        for (size_t i = CACHE_FILE_HEADER; i < shelf->bytes[shelf->record]; i++)
            lines += record[i] == '\n';
    return lines;
}

static void shelf_free(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++)
        free(shelf->data[i]);
}

static plugcl_context *open_context(struct shelf *shelf)
{
    plugcl_context *context = NULL;
    const struct plugcl_context_params *params = plugcl_context_params(.device = "cpu,gpu", .cache_get = shelf_get,
                                                                       .cache_set = shelf_set, .cache_user = shelf);
    assert_int_equal(plugcl_context_create(params, &context), PLUGCL_OK);
    return context;
}

/* A convolution and a softmax, which have more than one variant everywhere. */
static plugcl_graph *make_graph(void)
{
    static float weights[CHANNELS * CHANNELS * 9];
    plugcl_graph *graph = NULL;
    uint32_t state = 3;
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
        weights[i] = 0.1f * pseudo_random(&state);
    assert_int_equal(plugcl_graph_create(NULL, &graph), PLUGCL_OK);
    plugcl_value x = plugcl_graph_input(graph, "x", PLUGCL_F32, PLUGCL_SHAPE(PLUGCL_DIM_ANY, CHANNELS, SIZE, SIZE));
    plugcl_value w = plugcl_graph_constant(graph, PLUGCL_F32, PLUGCL_SHAPE(CHANNELS, CHANNELS, 3, 3), weights);
    plugcl_value y = plugcl_graph_conv2d(graph, x, w, (plugcl_value){ 0 }, plugcl_conv2d_params(.pad = { 1, 1, 1, 1 }));
    plugcl_graph_output(graph, "y", plugcl_graph_softmax(graph, y, 1));
    return graph;
}

struct plan_options {
    plugcl_tune tune;
    const char *variants;
    plugcl_progress_callback progress;
    void *user;
};

static plugcl_status make_plan(plugcl_context *context, const struct plan_options *options, plugcl_plan **plan)
{
    const struct plugcl_input_shape shape = { "x", *PLUGCL_SHAPE(1, CHANNELS, SIZE, SIZE) };
    plugcl_graph *graph = make_graph();
    plugcl_status status = plugcl_plan_create(context, graph,
                                              plugcl_plan_params(.shapes = &shape, .n_shapes = 1, .tune = options->tune,
                                                                 .variants = options->variants, .progress = options->progress,
                                                                 .progress_user = options->user), plan);
    plugcl_graph_destroy(&graph);
    return status;
}

static plugcl_plan *plan_with(plugcl_context *context, const struct plan_options *options)
{
    plugcl_plan *plan = NULL;
    if (make_plan(context, options, &plan) != PLUGCL_OK)
        fail_msg("%s", plugcl_error_message());
    return plan;
}

static struct plugcl_step_info step_of(const plugcl_plan *plan, const char *operation)
{
    struct plugcl_step_info info = { .struct_size = sizeof info };
    for (size_t i = 0; i < plugcl_plan_steps(plan); i++) {
        assert_int_equal(plugcl_plan_step(plan, i, &info), PLUGCL_OK);
        if (strcmp(info.operation, operation) == 0)
            return info;
    }
    fail_msg("there is no step %s", operation);
    return info;
}

static size_t measured_of(const plugcl_plan *plan)
{
    size_t measured = 0;
    for (size_t i = 0; i < plugcl_plan_tunings(plan); i++) {
        struct plugcl_tuning_info info = { .struct_size = sizeof info };
        assert_int_equal(plugcl_plan_tuning(plan, i, &info), PLUGCL_OK);
        assert_true(info.time_ns > 0 && info.variant[0] != '\0' && info.built_in_variant[0] != '\0');
        measured += info.measured;
    }
    return measured;
}

static void run_plan(plugcl_plan *plan, float *y)
{
    static float x[ELEMENTS];
    uint32_t state = 9;
    plugcl_tensor *tensors[2];
    for (int i = 0; i < ELEMENTS; i++)
        x[i] = pseudo_random(&state);
    const plugcl_shape *shape = PLUGCL_SHAPE(1, CHANNELS, SIZE, SIZE);
    assert_int_equal(plugcl_tensor_wrap_host(x, sizeof x, PLUGCL_F32, shape, PLUGCL_NCHW, &tensors[0]), PLUGCL_OK);
    assert_int_equal(plugcl_tensor_wrap_host(y, sizeof x, PLUGCL_F32, shape, PLUGCL_NCHW, &tensors[1]), PLUGCL_OK);
    const struct plugcl_binding bindings[2] = { { "x", tensors[0] }, { "y", tensors[1] } };
    assert_int_equal(plugcl_plan_run(plan, bindings, 2, NULL), PLUGCL_OK);
    plugcl_tensor_destroy(&tensors[0]);
    plugcl_tensor_destroy(&tensors[1]);
}

/*
 * Text and keys.
 */
static void test_lines(void **state)
{
    (void)state;
    struct text text = { 0 };
    struct tuned_result found, result = { .best = { "cpu_taps", "6x64", 12345 }, .built_in = { "generic", "", UINT64_MAX } };
    for (int i = 0; i < 32; i++)
        result.key[i] = (uint8_t)(i * 9);
    tuned_write(&text, &result);
    tuned_write(&text, &result);
    const char *rest = tuned_read(text.data, &found);
    assert_ptr_equal(rest, text.data + text.length / 2);
    assert_memory_equal(&found, &result, sizeof found);
    rest = tuned_read(rest, &found);
    assert_true(rest != NULL && *rest == '\0');
    assert_null(tuned_read(rest, &found));
    for (size_t cut = 0; cut < text.length / 2; cut++) { /* a line that ends early, or has something else in it */
        char *copy = string_copy(text.data);
        copy[cut] = '\0';
        assert_null(tuned_read(copy, &found));
        memory_free(copy);
    }
    assert_null(tuned_read("0123 cpu_taps - 1 cpu_taps - 1\n", &found));
    text_free(&text);
}

static struct operator_call conv_call(const struct plugcl_conv2d_params *params)
{
    static struct constant weight;
    struct operator_call call = { .info = &operator_conv2d, .params = params };
    call.inputs[0] = operand_dense(PLUGCL_F32, PLUGCL_SHAPE(1, 8, 5, 5), true, 1);
    call.inputs[1] = operand_dense(PLUGCL_F32, PLUGCL_SHAPE(8, 8, 3, 3), false, REGION_NONE);
    call.inputs[1].constant = &weight;
    call.outputs[0] = operand_dense(PLUGCL_F32, PLUGCL_SHAPE(1, 8, 5, 5), true, 2);
    return call;
}

static bool has_key(const struct operator_call *call, const uint8_t key[32])
{
    uint8_t own[32];
    assert_true(tuning_key(call, own));
    return memcmp(own, key, 32) == 0;
}

/* Each part of a call that times depend on makes another key; data, places and what lies between a struct's fields do not. */
static void test_keys(void **state)
{
    (void)state;
    uint8_t key[32];
    struct plugcl_conv2d_params params, other;
    memset(&params, 0, sizeof params);
    memset(&other, 0xff, sizeof other);
    params.stride[0] = params.stride[1] = params.dilation[0] = params.dilation[1] = params.groups = 1;
    memcpy(other.stride, params.stride, sizeof params.stride);
    memcpy(other.pad, params.pad, sizeof params.pad);
    memcpy(other.dilation, params.dilation, sizeof params.dilation);
    other.groups = 1;
    struct operator_call call = conv_call(&params);
    assert_true(tuning_key(&call, key));
#define ASSERT_KEY(same, change)                      \
    do {                                              \
        call = conv_call(&params);                    \
        change;                                       \
        assert_int_equal(has_key(&call, key), same);  \
    } while (0)
    ASSERT_KEY(true, call.params = &other);
    ASSERT_KEY(true, call.inputs[0].region = 7);
    ASSERT_KEY(true, call.inputs[0].offset = 64);
    ASSERT_KEY(true, call.epilogue.alpha = 0.5f);
    ASSERT_KEY(false, call.inputs[0].offset = 3);
    ASSERT_KEY(false, call.inputs[0].shape.dims[2] = 6);
    ASSERT_KEY(false, call.inputs[0].strides[3] = 16);
    ASSERT_KEY(false, call.inputs[1].constant = NULL);
    ASSERT_KEY(false, call.inputs[2] = operand_dense(PLUGCL_F32, PLUGCL_SHAPE(8), false, 3));
    ASSERT_KEY(false, call.outputs[0].strides[0] = 4096);
    ASSERT_KEY(false, call.epilogue.act = PLUGCL_RELU);
    ASSERT_KEY(false, call.epilogue.has_residual = true);
    ASSERT_KEY(false, call.gemm = PLUGCL_GEMM_OWN);
    ASSERT_KEY(false, call.info = &operator_deform_conv2d);
    other.pad[2] = 1;
    ASSERT_KEY(false, call.params = &other);
}

/* An operator that the keys do not know would never be tuned. */
static void test_every_operator_has_a_key(void **state)
{
    (void)state;
    for (const struct operator_info *const *info = operators; *info != NULL; info++) {
        uint8_t key[32];
        void *params = memory_zeroed(1, (*info)->params_size);
        struct operator_call call = { .info = *info, .params = params };
        if (!tuning_key(&call, key))
            fail_msg("%s has no key", (*info)->name);
        memory_free(params);
    }
}

/* The names are all different and begin with the variant's own choice. */
static void test_tiles(void **state)
{
    struct shelf shelf = { 0 };
    plugcl_context *context = open_context(&shelf);
    const struct plugcl_conv2d_params params = { .stride = { 1, 1 }, .dilation = { 1, 1 }, .groups = 1 };
    struct operator_call call = conv_call(&params);
    (void)state;
    for (const struct variant *variant = operator_conv2d.variants; variant->name != NULL; variant++) {
        char own[TILE_NAME], name[TILE_NAME], other[TILE_NAME];
        uint32_t found = 0;
        if (!operator_conv2d.tile(variant, context_caps(context), &call, 0, own))
            continue;
        for (uint32_t i = 1; operator_conv2d.tile(variant, context_caps(context), &call, i, name); i++) {
            assert_true(i < 100);
            found += strcmp(name, own) == 0;
            for (uint32_t j = 1; j < i; j++) {
                assert_true(operator_conv2d.tile(variant, context_caps(context), &call, j, other));
                assert_string_not_equal(name, other);
            }
        }
        assert_int_equal(found, 1);
    }
    plugcl_context_destroy(&context);
    shelf_free(&shelf);
}

/*
 * Plans.
 */
static void test_results_are_kept(void **state)
{
    (void)state;
    static float tuned[ELEMENTS], plain[ELEMENTS];
    struct shelf shelf = { 0 };
    plugcl_context *context = open_context(&shelf);
    plugcl_plan *plan = plan_with(context, &(struct plan_options){ .tune = PLUGCL_TUNE_STORED });
    assert_int_equal(plugcl_plan_tunings(plan), 0);
    assert_int_equal(step_of(plan, "conv2d").choice, PLUGCL_CHOICE_BUILT_IN);
    run_plan(plan, plain);
    plugcl_plan_destroy(&plan);

    plan = plan_with(context, &(struct plan_options){ .tune = PLUGCL_TUNE_MISSING });
    size_t measured = measured_of(plan);
    assert_true(measured >= 2);
    assert_int_equal(shelf_results(&shelf), measured);
    struct plugcl_step_info step = step_of(plan, "conv2d");
    assert_int_equal(step.choice, PLUGCL_CHOICE_TUNED);
    run_plan(plan, tuned);
    for (int i = 0; i < ELEMENTS; i++)
        assert_true(tuned[i] - plain[i] < 1e-5f && plain[i] - tuned[i] < 1e-5f);
    plugcl_context_destroy(&context);

    context = open_context(&shelf); /* as another process has it */
    plugcl_plan *later = plan_with(context, &(struct plan_options){ .tune = PLUGCL_TUNE_STORED });
    assert_int_equal(plugcl_plan_tunings(later), measured);
    assert_int_equal(measured_of(later), 0);
    assert_string_equal(step_of(later, "conv2d").variant, step.variant);
    assert_string_equal(step_of(later, "conv2d").tile, step.tile);
    plugcl_plan_destroy(&later);
    later = plan_with(context, &(struct plan_options){ .tune = PLUGCL_TUNE_NEVER });
    assert_int_equal(step_of(later, "conv2d").choice, PLUGCL_CHOICE_BUILT_IN);
    plugcl_plan_destroy(&later);
    later = plan_with(context, &(struct plan_options){ .tune = PLUGCL_TUNE_ALL });
    assert_int_equal(measured_of(later), measured);
    plugcl_plan_destroy(&later);
    plugcl_plan_destroy(&plan);
    plugcl_context_destroy(&context);
    shelf_free(&shelf);
}

/* Measuring reads no binary back, which may take longer than it may itself, and keeps none that lost. */
static void test_losers_are_not_stored(void **state)
{
    (void)state;
    struct shelf shelf = { 0 };
    plugcl_context *context = open_context(&shelf);
    const size_t others = shelf.count + 1; /* what the probe left, and the record of results */
    struct plugcl_context_statistics statistics = { .struct_size = sizeof statistics };
    plugcl_plan *plan = plan_with(context, &(struct plan_options){ .tune = PLUGCL_TUNE_MISSING });
    assert_int_equal(shelf.count, others);
    plugcl_plan_destroy(&plan);
    plugcl_context_statistics(context, &statistics);
    assert_in_range(shelf.count, others + 1, others + 4);
    assert_true(statistics.programs_compiled > shelf.count);
    plugcl_context_destroy(&context);

    context = open_context(&shelf);
    plan = plan_with(context, &(struct plan_options){ .tune = PLUGCL_TUNE_STORED });
    plugcl_context_statistics(context, &statistics);
    assert_int_equal(statistics.programs_compiled, 0);
    plugcl_plan_destroy(&plan);
    plugcl_context_destroy(&context);
    shelf_free(&shelf);
}

/* The convolution's result, as the record has it. */
static struct tuned_result result_of(const struct shelf *shelf, const plugcl_plan *plan)
{
    char *text = memory_zeroed(shelf->bytes[shelf->record] + 1, 1);
    struct plugcl_tuning_info info = { .struct_size = sizeof info };
    struct tuned_result result, found = { .best.ns = 0 };
    memcpy(text, shelf->data[shelf->record], shelf->bytes[shelf->record]);
    for (size_t i = 0; i < plugcl_plan_tunings(plan); i++) {
        assert_int_equal(plugcl_plan_tuning(plan, i, &info), PLUGCL_OK);
        if (strcmp(info.operation, "conv2d") == 0)
            break;
    }
    for (const char *line = text + CACHE_FILE_HEADER; (line = tuned_read(line, &result)) != NULL;)
        if (result.best.ns == info.time_ns && strcmp(result.best.variant, info.variant) == 0)
            found = result;
    memory_free(text);
    assert_true(found.best.ns > 0);
    return found;
}

/* What a result names is taken, if it is there; what the caller names goes before it. */
static void test_results_choose(void **state)
{
    (void)state;
    struct shelf shelf = { 0 };
    plugcl_context *context = open_context(&shelf);
    plugcl_plan *plan = plan_with(context, &(struct plan_options){ .tune = PLUGCL_TUNE_MISSING });
    struct tuned_result result = result_of(&shelf, plan);
    char built_in[VARIANT_NAME];
    strcpy(built_in, result.built_in.variant);
    plugcl_plan_destroy(&plan);
    strcpy(result.best.variant, "generic");
    result.best.tile[0] = '\0';
    tuned_keep(context, &result);
    plan = plan_with(context, &(struct plan_options){ .tune = PLUGCL_TUNE_STORED });
    assert_string_equal(step_of(plan, "conv2d").variant, "generic");
    assert_int_equal(step_of(plan, "conv2d").choice, PLUGCL_CHOICE_TUNED);
    plugcl_plan_destroy(&plan);
    char forced[64];
    snprintf(forced, sizeof forced, "conv2d=%s", built_in);
    plan = plan_with(context, &(struct plan_options){ .tune = PLUGCL_TUNE_ALL, .variants = forced });
    assert_string_equal(step_of(plan, "conv2d").variant, built_in);
    assert_int_equal(step_of(plan, "conv2d").choice, PLUGCL_CHOICE_FORCED);
    plugcl_plan_destroy(&plan);
    strcpy(result.best.variant, "of_another_age");
    tuned_keep(context, &result);
    plan = plan_with(context, &(struct plan_options){ .tune = PLUGCL_TUNE_STORED });
    assert_string_equal(step_of(plan, "conv2d").variant, built_in);
    assert_int_equal(step_of(plan, "conv2d").choice, PLUGCL_CHOICE_BUILT_IN);
    plugcl_plan_destroy(&plan);
    plugcl_context_destroy(&context);
    shelf_free(&shelf);
}

/* A byte of the record turned over: nothing of it is believed, and tuning writes it anew. */
static void test_damage(void **state)
{
    (void)state;
    struct shelf shelf = { 0 };
    plugcl_context *context = open_context(&shelf);
    plugcl_plan *plan = plan_with(context, &(struct plan_options){ .tune = PLUGCL_TUNE_MISSING });
    plugcl_plan_destroy(&plan);
    plugcl_context_destroy(&context);
    ((uint8_t *)shelf.data[shelf.record])[CACHE_FILE_HEADER + 70] ^= 1;
    context = open_context(&shelf);
    plan = plan_with(context, &(struct plan_options){ .tune = PLUGCL_TUNE_STORED });
    assert_int_equal(plugcl_plan_tunings(plan), 0);
    plugcl_plan_destroy(&plan);
    plan = plan_with(context, &(struct plan_options){ .tune = PLUGCL_TUNE_MISSING });
    assert_true(measured_of(plan) >= 2);
    assert_int_equal(shelf_results(&shelf), measured_of(plan));
    plugcl_plan_destroy(&plan);
    plugcl_context_destroy(&context);
    shelf_free(&shelf);
}

/* Cancels when the second operator's turn has come. */
static bool cancel_softmax(void *user, const char *what, size_t done, size_t total)
{
    size_t *calls = user;
    assert_true(done <= total);
    calls[0] += strncmp(what, "tuning conv2d ", 14) == 0;
    return strncmp(what, "tuning softmax ", 15) != 0;
}

static void test_cancellation(void **state)
{
    (void)state;
    struct shelf shelf = { 0 };
    plugcl_context *context = open_context(&shelf);
    plugcl_plan *plan = NULL;
    size_t calls = 0;
    const struct plan_options cancelled = { .tune = PLUGCL_TUNE_MISSING, .progress = cancel_softmax, .user = &calls };
    assert_int_equal(make_plan(context, &cancelled, &plan), PLUGCL_CANCELLED);
    assert_null(plan);
    assert_true(calls > 2);
    size_t kept = shelf_results(&shelf);
    assert_true(kept >= 1);
    plan = plan_with(context, &(struct plan_options){ .tune = PLUGCL_TUNE_MISSING });
    assert_true(measured_of(plan) >= 1);
    assert_int_equal(plugcl_plan_tunings(plan), kept + measured_of(plan));
    plugcl_plan_destroy(&plan);
    plugcl_context_destroy(&context);
    shelf_free(&shelf);
}

static struct tuned_result made_result(uint8_t key, uint64_t ns)
{
    return (struct tuned_result){ .key = { key }, .best = { "cpu_taps", "6x64", ns }, .built_in = { "generic", "", 900 } };
}

static uint64_t time_of(plugcl_context *context, uint8_t key)
{
    const uint8_t whole[32] = { key };
    struct tuned_result result = { .best.ns = 0 };
    tuned_find(context, whole, &result);
    return result.best.ns;
}

/* Two processes: of what both know, the later measurement stays, whoever stores something else after it. */
static void test_later_results_stay(void **state)
{
    (void)state;
    struct shelf shelf = { 0 };
    plugcl_context *first = open_context(&shelf);
    struct tuned_result old = made_result(1, 500), measured = made_result(1, 300), own = made_result(2, 70), again = made_result(2, 60);
    tuned_keep(first, &old);
    plugcl_context *long_lived = open_context(&shelf);
    assert_int_equal(time_of(long_lived, 1), 500);
    tuned_keep(first, &measured);
    tuned_keep(long_lived, &own);
    assert_int_equal(time_of(long_lived, 1), 300);
    tuned_keep(first, &again); /* both have measured it: the one that stores last */
    assert_int_equal(time_of(first, 2), 60);
    plugcl_context_destroy(&first);
    plugcl_context_destroy(&long_lived);
    first = open_context(&shelf);
    assert_int_equal(time_of(first, 1), 300);
    assert_int_equal(time_of(first, 2), 60);
    plugcl_context_destroy(&first);
    shelf_free(&shelf);
}

/* A file of its own, for this user alone, which the cache counts and clears. */
static void test_file(void **state)
{
    const char *folder = *state;
    plugcl_context *context = NULL;
    uint64_t results = 1, files = 0, bytes = 0;
    size_t tuning_files = 0;
    assert_int_equal(plugcl_cache_tuned(folder, &results), PLUGCL_OK);
    assert_int_equal(results, 0);
    assert_int_equal(plugcl_context_create(plugcl_context_params(.device = "cpu,gpu", .cache_dir = folder), &context), PLUGCL_OK);
    plugcl_plan *plan = plan_with(context, &(struct plan_options){ .tune = PLUGCL_TUNE_MISSING });
    assert_int_equal(plugcl_cache_tuned(folder, &results), PLUGCL_OK);
    assert_int_equal(results, plugcl_plan_tunings(plan));
    DIR *list = opendir(folder);
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        struct stat info;
        if (strlen(entry->d_name) != 71 || strcmp(entry->d_name + 64, ".tuning") != 0)
            continue;
        assert_int_equal(stat(in_folder(folder, entry->d_name), &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
        tuning_files++;
    }
    closedir(list);
    assert_int_equal(tuning_files, 1);
    assert_int_equal(plugcl_cache_usage(folder, true, &files, &bytes), PLUGCL_OK);
    assert_int_equal(count_files(folder), 0);
    assert_int_equal(plugcl_cache_tuned(folder, &results), PLUGCL_OK);
    assert_int_equal(results, 0);
    plugcl_plan_destroy(&plan);
    plugcl_context_destroy(&context);
}

static void test_bad_parameters(void **state)
{
    (void)state;
    struct shelf shelf = { 0 };
    plugcl_context *context = open_context(&shelf);
    plugcl_plan *plan = NULL;
    struct plugcl_tuning_info info = { .struct_size = sizeof info };
    assert_int_equal(make_plan(context, &(struct plan_options){ .tune = (plugcl_tune)9 }, &plan), PLUGCL_INVALID);
    assert_message("tune is 9");
    plan = plan_with(context, &(struct plan_options){ .tune = PLUGCL_TUNE_NEVER });
    assert_int_equal(plugcl_plan_tuning(plan, 0, &info), PLUGCL_INVALID);
    assert_message("no tuning result 0");
    assert_int_equal(plugcl_plan_tunings(NULL), 0);
    assert_int_equal(plugcl_cache_tuned(NULL, NULL), PLUGCL_INVALID);
    plugcl_plan_destroy(&plan);
    plugcl_context_destroy(&context);
    shelf_free(&shelf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_every_operator_has_a_key),
        cmocka_unit_test(test_tiles),
        cmocka_unit_test(test_results_are_kept),
        cmocka_unit_test(test_losers_are_not_stored),
        cmocka_unit_test(test_results_choose),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_cancellation),
        cmocka_unit_test(test_later_results_stay),
        cmocka_unit_test_setup_teardown(test_file, make_folder, remove_folder),
        cmocka_unit_test(test_bad_parameters),
    };
    return cmocka_run_group_tests_name("tuning", tests, NULL, NULL) ? 1 : 0;
}
