/* SPDX-License-Identifier: Apache-2.0 */
/* check_plugin.c: plugcl check-plugin: plug-ins on random weights and inputs, held to their definitions. */
#include "check_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Heights and widths that PLUGCL_DIM_ANY takes, with a batch of each; the odd ones find what assumes whole vectors and tiles. */
static const int64_t sizes[][3] = { { 2, 16, 16 }, { 1, 7, 5 }, { 3, 33, 20 }, { 2, 1, 1 }, { 0, 4, 4 } };
enum { ANY_CHANNELS = 8, N_SIZES = sizeof sizes / sizeof *sizes };

static plugcl_shape fill_shape(const plugcl_shape *shape, const int64_t *size)
{
    plugcl_shape filled = *shape;
    for (uint32_t i = 0; i < filled.rank; i++) {
        if (filled.dims[i] == PLUGCL_DIM_ANY)
            filled.dims[i] = i == 0 ? size[0] : i == 1 ? ANY_CHANNELS : i == 2 ? size[1] : size[2];
    }
    return filled;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), size = strlen(end);
    return length >= size && strcmp(text + length - size, end) == 0;
}

/* Sums over a row keep the size of what goes into them. */
static int add_weight(plugcl_weights *weights, const struct plugcl_sample_tensor *tensor, uint32_t *seed)
{
    int64_t elements = plugcl_shape_elements(&tensor->shape), row = 1;
    float *data = elements < 0 ? NULL : allocate((uint64_t)elements, sizeof *data);
    if (!data)
        return elements < 0 ? failed("sample weight %s has the shape %s; its dimensions must be known", tensor->name,
                                     shape_text(&tensor->shape))
                            : failed("out of memory");
    for (uint32_t i = 1; i < tensor->shape.rank; i++)
        row *= tensor->shape.dims[i] > 0 ? tensor->shape.dims[i] : 1;
    float scale = sqrtf(3.0f / (float)(row > 2 ? row : 3));
    for (int64_t i = 0; i < elements; i++)
        data[i] = ends_with(tensor->name, "running_var") ? 1.0f + 0.5f * check_random(seed) : scale * check_random(seed);
    plugcl_status status = plugcl_weights_add(weights, tensor->name, PLUGCL_F32, &tensor->shape, data,
                                              (size_t)elements * sizeof *data);
    free(data);
    return status ? library_failed() : EXIT_DONE;
}

/* The shape that the caller knows to be right, and a larger batch of it. */
static int check_first(struct check *check, size_t n_inputs, const plugcl_shape *first)
{
    plugcl_shape shapes[MAX_FILES];
    int result = EXIT_DONE;
    for (int64_t more = 0; more <= 2 && !result; more += 2) {
        size_t before = check->n_cases;
        for (size_t i = 0; i < n_inputs; i++) {
            shapes[i] = *first;
            shapes[i].dims[0] += more;
        }
        result = check_case(check, shapes);
        if (!result && check->n_cases == before)
            result = failed("%s, %s: %s", check->plugin->name, shape_text(&shapes[0]), check->refusal);
    }
    return result;
}

/* All sizes, after `first` if that is not NULL. At least one must be taken. */
static int check_sizes(struct check *check, const plugcl_shape *first)
{
    size_t n_inputs = 0, before = check->n_cases;
    while (check->plugin->inputs[n_inputs])
        n_inputs++;
    if (n_inputs > MAX_FILES)
        return failed("%s has too many inputs", check->plugin->name);
    int result = first ? check_first(check, n_inputs, first) : EXIT_DONE;
    for (size_t i = 0; i < N_SIZES && !result; i++) {
        plugcl_shape shapes[MAX_FILES];
        for (size_t j = 0; j < n_inputs; j++)
            shapes[j] = fill_shape(&check->inputs[j], sizes[i]);
        result = check_case(check, shapes);
    }
    if (!result && check->n_cases == before)
        result = failed("%s, %s: every shape is refused; the last one said: %s", check->plugin->name, check->sample,
                        check->refusal);
    return result;
}

static int check_sample(struct check *check, const struct plugcl_sample *sample)
{
    check->sample = sample->name;
    check->options = sample->options;
    check->inputs = sample->inputs;
    if (!sample->inputs)
        return failed("%s: sample \"%s\" has no input shapes", check->plugin->name, sample->name);
    int result = plugcl_weights_create(&check->weights) ? library_failed() : EXIT_DONE;
    for (const struct plugcl_sample_tensor *tensor = sample->weights; tensor && tensor->name && !result; tensor++)
        result = add_weight(check->weights, tensor, &check->seed);
    if (!result)
        result = check_sizes(check, NULL);
    plugcl_weights_destroy(&check->weights);
    return result;
}

/* With trained weights, which say how many channels there are only to the plug-in: so --shape tells. */
static int check_file(struct check *check, const struct request *request)
{
    const plugcl_shape any = { 4, { PLUGCL_DIM_ANY, request->shape.dims[1], PLUGCL_DIM_ANY, PLUGCL_DIM_ANY } };
    plugcl_shape inputs[MAX_FILES];
    for (size_t i = 0; i < MAX_FILES; i++)
        inputs[i] = any;
    char *options = settings_join(request);
    check->sample = request->weights;
    check->inputs = inputs;
    check->prefix = request->prefix;
    check->options = options;
    int result = options ? EXIT_DONE : failed("out of memory");
    if (!result && plugcl_weights_open(request->weights, &check->weights))
        result = library_failed();
    if (!result)
        result = check_sizes(check, &request->shape);
    plugcl_weights_destroy(&check->weights);
    free(options);
    return result;
}

static int check_one(const struct request *request, plugcl_context *context, const struct plugcl_plugin *plugin)
{
    struct check check = { .plugin = plugin, .context = context, .seed = request->seed };
    size_t n_samples = 0;
    int result = EXIT_DONE;
    if (request->weights) {
        result = check_file(&check, request);
    } else {
        if (!plugin->samples || !plugin->samples->name)
            return failed("%s has no samples to be checked with; give weights with -w FILE --shape N,C,H,W", plugin->name);
        for (const struct plugcl_sample *sample = plugin->samples; sample->name && !result; sample++, n_samples++)
            result = check_sample(&check, sample);
    }
    if (result)
        return result;
    printf("%s: %zu case%s agree%s with the definition, the largest difference is %.1e", plugin->name, check.n_cases,
           check.n_cases == 1 ? "" : "s", check.n_cases == 1 ? "s" : "", check.worst);
    if (n_samples > 0)
        printf("; %zu sample%s", n_samples, n_samples == 1 ? "" : "s");
    if (check.n_refused > 0)
        printf("; %zu refused (%s)", check.n_refused, check.refusal);
    putchar('\n');
    return EXIT_DONE;
}

static int check_request(struct request *request)
{
    if (!request->plugin_name && !registry())
        return wrong_usage("no plug-in is named; see plugcl check-plugin --help");
    if (request->plugin_name && !(request->plugin = find_plugin(request->plugin_name)))
        return EXIT_USAGE;
    bool has_options = request->prefix || request->has_shape || request->n_settings > 0;
    if (!request->weights && has_options)
        return wrong_usage("--prefix, --set and --shape go with -w; samples have options and shapes of their own");
    if (request->weights && !request->plugin)
        return wrong_usage("-w is for one plug-in; name it");
    if (request->weights && !request->has_shape)
        return wrong_usage("the shape is missing; give it with --shape N,C,H,W");
    for (uint32_t i = 1; i < request->shape.rank; i++) {
        if (request->shape.dims[i] < 1)
            return failed("--shape %s: C, H and W are at least 1", shape_text(&request->shape));
    }
    return request->plugin ? settings_check(request) : EXIT_DONE;
}

static int check_all(const struct request *request, plugcl_context *context)
{
    if (request->plugin)
        return check_one(request, context, request->plugin);
    int result = EXIT_DONE;
    for (size_t i = plugcl_registry_count(NULL); i < plugcl_registry_count(registry()) && !result; i++)
        result = check_one(request, context, plugcl_registry_at(registry(), i));
    return result;
}

int command_check_plugin(int argc, char **argv)
{
    struct request request = { 0 };
    struct plugcl_context_params params = plugcl_context_params_init();
    plugcl_context *context = NULL;
    int result = request_read(&request, REQUEST_CHECK, argc, argv);
    if (!result)
        result = check_request(&request);
    params.device = request.device;
    params.log = keep_note;
    params.log_level = PLUGCL_LOG_NOTE;
    if (!result && plugcl_context_create(&params, &context))
        result = library_failed();
    if (!result)
        result = check_all(&request, context);
    if (!result)
        result = finish_output();
    if (!result)
        print_notes();
    plugcl_context_destroy(&context);
    drop_notes();
    return result;
}
