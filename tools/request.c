/* SPDX-License-Identifier: Apache-2.0 */
/* request.c: the command lines of run, describe, bench, tune and check-plugin. */
#include "request.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char run_help[] =
    "usage: plugcl run PLUGIN -w WEIGHTS [--prefix P] [--set KEY=VALUE]... -i [NAME=]FILE... -o [NAME=]FILE...\n"
    "\n"
    "Runs a plug-in with trained weights on .npy or .png files.\n"
    "\n"
    "  -w, --weights FILE     .safetensors, or .npy for a single tensor\n"
    "  --prefix P             the module within the weights: \"layer1.se\" and \"layer1.se.\" are the same\n"
    "  --set KEY=VALUE        an option of the plug-in (see plugcl plugins PLUGIN)\n"
    "  --plugin FILE          adds the plug-ins of a shared object; it runs with your rights: load what you trust\n"
    "  -i, --input FILE       .npy of rank 4 [N, C, H, W], or .png; NAME=FILE for an input other than the first\n"
    "  -o, --output FILE      .npy or .png; NAME=FILE for an output other than y\n"
    "  --device D             cpu, gpu, P:D of plugcl devices, a part of a name, or a list of these; default gpu,cpu\n"
    "  --fusion on|off        off runs the definition step by step; default on\n"
    "  --winograd on|off      off sums all 3x3 convolutions tap by tap, which rounds less; default on\n"
    "  --variant OP=NAME      forces an implementation of an operator; gemm=own|clblast is of all matrix products\n"
    "  --repeat N             runs N times and prints the times\n"
    "  --trace FILE           writes the device time of each step as Chrome trace events";

static const char describe_help[] =
    "usage: plugcl describe PLUGIN -w WEIGHTS (-i [NAME=]FILE | --shape N,C,H,W) [--prefix P] [--set KEY=VALUE]... [--json]\n"
    "\n"
    "Shows the plan without running it: device, flavour, steps and their variants, memory, work.\n"
    "\n"
    "  --shape N,C,H,W        the inputs' shape, in place of input files\n"
    "  -o [NAME=]FILE         plans for these outputs (nothing is written); default y\n"
    "  --json                 for a program to read\n"
    "  -w, --prefix, --set, --plugin, -i, --device, --fusion, --winograd, --variant as for plugcl run";

static const char bench_help[] =
    "usage: plugcl bench PLUGIN -w WEIGHTS (-i [NAME=]FILE | --shape N,C,H,W) [--prefix P] [--set KEY=VALUE]... [--json]\n"
    "\n"
    "Times runs, from inputs in host memory to outputs in host memory, and the device's time for each step.\n"
    "\n"
    "  --shape N,C,H,W        random inputs of that shape, in place of input files\n"
    "  -o [NAME=]FILE         computes these outputs (nothing is written); default y\n"
    "  --repeat N             measures N runs; default as many as a second has room for, from 20 to 1000\n"
    "  --poll MICROSECONDS    waits poll for so long before they sleep, which is faster for short runs; default 0\n"
    "  --json                 for a program to read\n"
    "  -w, --prefix, --set, --plugin, -i, --device, --fusion, --winograd, --variant as for plugcl run";

static const char tune_help[] =
    "usage: plugcl tune PLUGIN -w WEIGHTS (-i [NAME=]FILE | --shape N,C,H,W) [--prefix P] [--set KEY=VALUE]... [--json]\n"
    "\n"
    "Measures the implementations of each step for these shapes on this device and keeps the fastest in the cache, where every\n"
    "plan finds them. Steps that have a result are not measured again. Ctrl-C ends it; what was measured till then is kept.\n"
    "\n"
    "  --shape N,C,H,W        the inputs' shape, in place of input files\n"
    "  -o [NAME=]FILE         tunes for these outputs (nothing is written); default y\n"
    "  --again                measures all steps anew\n"
    "  --json                 for a program to read\n"
    "  -w, --prefix, --set, --plugin, -i, --device, --fusion, --winograd, --variant as for plugcl run; what --variant\n"
    "                         forces is not measured";

static const char check_help[] =
    "usage: plugcl check-plugin [PLUGIN] [--plugin FILE]... [-w WEIGHTS --shape N,C,H,W [--prefix P] [--set KEY=VALUE]...]\n"
    "\n"
    "Runs plug-ins on random inputs of several sizes and batches, fused, channels last and as their definition, and compares\n"
    "shapes and values. Without PLUGIN: those of the --plugin files. Without -w: on the samples that the plug-in brings.\n"
    "\n"
    "  --plugin FILE          adds the plug-ins of a shared object; it runs with your rights: load what you trust\n"
    "  --shape N,C,H,W        with -w: the first shape to try; others have its C\n"
    "  --seed N               other random numbers\n"
    "  -w, --prefix, --set, --device as for plugcl run";

enum { PREFIX = 256, SET, PLUGIN, DEVICE, FUSION, WINOGRAD, VARIANT, REPEAT, POLL, TRACE, SHAPE, SEED, AGAIN, JSON };

/* NAME=PATH, if NAME is an identifier; else all of it is the path. */
static int add_file(struct file_argument *files, size_t *count, const char *text, const char *option)
{
    if (*count == MAX_FILES)
        return wrong_usage("more than %d files for %s", MAX_FILES, option);
    struct file_argument *file = &files[*count];
    size_t length = 0;
    file->name[0] = '\0';
    file->path = text;
    if (isalpha((unsigned char)text[0]) || text[0] == '_')
        while (isalnum((unsigned char)text[length]) || text[length] == '_')
            length++;
    if (length > 0 && length < sizeof file->name && text[length] == '=') {
        memcpy(file->name, text, length);
        file->name[length] = '\0';
        file->path = text + length + 1;
    }
    if (*file->path == '\0')
        return wrong_usage("%s %s names no file", option, text);
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(files[i].name, file->name) == 0)
            return *file->name ? wrong_usage("%s is given twice with %s", file->name, option)
                               : wrong_usage("%s without a NAME= is given twice; write %s NAME=FILE", option, option);
    }
    ++*count;
    return EXIT_DONE;
}

static int add_variant(struct request *request, const char *text)
{
    const char *equals = strchr(text, '=');
    size_t used = strlen(request->variants);
    if (!equals || equals == text || equals[1] == '\0')
        return wrong_usage("--variant %s is not OPERATOR=NAME", text);
    if (strchr(text, ','))
        return wrong_usage("--variant %s: one OPERATOR=NAME each; --variant may repeat", text);
    size_t name = (size_t)(equals - text) + 1;
    for (const char *item = request->variants; *item; item += strcspn(item, ","), item += *item == ',')
        if (strncmp(item, text, name) == 0)
            return wrong_usage("--variant %.*s is given twice", (int)name - 1, text);
    if (used + strlen(text) + 2 > sizeof request->variants)
        return wrong_usage("too many --variant options");
    if (used > 0)
        request->variants[used++] = ',';
    memcpy(request->variants + used, text, strlen(text) + 1);
    return EXIT_DONE;
}

static int read_number(const char *option, const char *text, long least, int *number)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < least || value > 1000000)
        return wrong_usage("%s %s is not a number from %ld to 1000000", option, text, least);
    *number = (int)value;
    return EXIT_DONE;
}

static int read_seed(struct request *request, const char *text)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno || !isdigit((unsigned char)*text) || *end || value > UINT32_MAX)
        return wrong_usage("--seed %s is not a number from 0 to 4294967295", text);
    request->seed = (uint32_t)value;
    return EXIT_DONE;
}

static int read_shape(struct request *request, const char *text)
{
    plugcl_shape *shape = &request->shape;
    request->has_shape = true;
    shape->rank = 0;
    for (const char *c = text;; c++) {
        char *end;
        errno = 0;
        long long value = strtoll(c, &end, 10);
        if (errno || !isdigit((unsigned char)*c) || (*end != ',' && *end != '\0') || shape->rank == 4)
            return wrong_usage("--shape %s is not N,C,H,W", text);
        shape->dims[shape->rank++] = value;
        c = end;
        if (*c == '\0')
            break;
    }
    return shape->rank == 4 ? EXIT_DONE : wrong_usage("--shape %s is not N,C,H,W", text);
}

static int read_switch(const char *option, const char *value, bool *is_off)
{
    *is_off = strcmp(value, "off") == 0;
    return *is_off || strcmp(value, "on") == 0 ? EXIT_DONE : wrong_usage("%s %s is not on or off", option, value);
}

static int read_option(struct request *request, int option, const char *value)
{
    if ((option == 'w' || option == TRACE) && *value == '\0')
        return wrong_usage("%s names no file", option == 'w' ? "-w" : "--trace");
    switch (option) {
    case 'w': request->weights = value; break;
    case 'i': return add_file(request->inputs, &request->n_inputs, value, "-i");
    case 'o': return add_file(request->outputs, &request->n_outputs, value, "-o");
    case PREFIX: request->prefix = value; break;
    case DEVICE: request->device = value; break;
    case TRACE: request->trace = value; break;
    case JSON: request->json = true; break;
    case AGAIN: request->tune = PLUGCL_TUNE_ALL; break;
    case VARIANT: return add_variant(request, value);
    case REPEAT: return read_number("--repeat", value, 1, &request->repeat);
    case POLL: return read_number("--poll", value, 0, &request->poll);
    case SHAPE: return read_shape(request, value);
    case PLUGIN: return registry_load(value);
    case SEED: return read_seed(request, value);
    case FUSION: return read_switch("--fusion", value, &request->no_fusion);
    case WINOGRAD: return read_switch("--winograd", value, &request->no_winograd);
    case SET:
        if (request->n_settings == MAX_SETTINGS)
            return wrong_usage("more than %d --set options", MAX_SETTINGS);
        request->settings[request->n_settings++] = value;
        break;
    default: return EXIT_USAGE;
    }
    return EXIT_DONE;
}

#define COMMON_OPTIONS                                                                             \
    { "weights", required_argument, NULL, 'w' }, { "prefix", required_argument, NULL, PREFIX },    \
    { "set", required_argument, NULL, SET }, { "plugin", required_argument, NULL, PLUGIN },        \
    { "device", required_argument, NULL, DEVICE }, { "help", no_argument, NULL, 'h' }
#define PLAN_OPTIONS                                                                               \
    { "input", required_argument, NULL, 'i' }, { "output", required_argument, NULL, 'o' },         \
    { "fusion", required_argument, NULL, FUSION }, { "variant", required_argument, NULL, VARIANT },\
    { "winograd", required_argument, NULL, WINOGRAD }

int request_read(struct request *request, enum request_kind kind, int argc, char **argv)
{
    static const struct option run_options[] = { COMMON_OPTIONS, PLAN_OPTIONS, { "repeat", required_argument, NULL, REPEAT },
                                                 { "trace", required_argument, NULL, TRACE }, { NULL, 0, NULL, 0 } };
    static const struct option describe_options[] = { COMMON_OPTIONS, PLAN_OPTIONS, { "shape", required_argument, NULL, SHAPE },
                                                      { "json", no_argument, NULL, JSON }, { NULL, 0, NULL, 0 } };
    static const struct option bench_options[] = { COMMON_OPTIONS, PLAN_OPTIONS, { "shape", required_argument, NULL, SHAPE },
                                                   { "repeat", required_argument, NULL, REPEAT },
                                                   { "poll", required_argument, NULL, POLL },
                                                   { "json", no_argument, NULL, JSON }, { NULL, 0, NULL, 0 } };
    static const struct option tune_options[] = { COMMON_OPTIONS, PLAN_OPTIONS, { "shape", required_argument, NULL, SHAPE },
                                                  { "again", no_argument, NULL, AGAIN }, { "json", no_argument, NULL, JSON },
                                                  { NULL, 0, NULL, 0 } };
    static const struct option check_options[] = { COMMON_OPTIONS, { "shape", required_argument, NULL, SHAPE },
                                                   { "seed", required_argument, NULL, SEED }, { NULL, 0, NULL, 0 } };
    static const struct option *const options[] = { run_options, describe_options, bench_options, tune_options, check_options };
    static const char *const letters[] = { ":w:i:o:h", ":w:i:o:h", ":w:i:o:h", ":w:i:o:h", ":w:h" };
    static const char *const helps[] = { run_help, describe_help, bench_help, tune_help, check_help };
    request->tune = kind == REQUEST_TUNE ? PLUGCL_TUNE_MISSING : PLUGCL_TUNE_STORED;
    for (int option; (option = next_option(argc, argv, letters[kind], options[kind])) != -1;) {
        if (option == 'h') {
            puts(helps[kind]);
            exit(finish_output());
        }
        int result = read_option(request, option, optarg);
        if (result)
            return result;
    }
    request->plugin_name = optind < argc ? argv[optind++] : NULL;
    if (!no_operands(argc, argv))
        return EXIT_USAGE;
    return request->plugin_name || kind == REQUEST_CHECK ? EXIT_DONE
                                                         : wrong_usage("no plug-in is named; see plugcl %s --help", argv[0]);
}

/* Gives bare files the default name and looks each name up in the plug-in's list. */
static int check_names(struct file_argument *files, size_t count, const char *const *names, const char *fallback,
                       const char *option)
{
    for (size_t i = 0; i < count; i++) {
        if (!*files[i].name)
            snprintf(files[i].name, sizeof files[i].name, "%s", fallback);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(files[i].name, files[j].name) == 0)
                return wrong_usage("%s is given twice with %s", files[i].name, option);
        }
        char known[512] = "";
        size_t used = 0;
        bool found = false;
        for (const char *const *name = names; *name; name++) {
            found |= strcmp(*name, files[i].name) == 0;
            if (used < sizeof known)
                used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", *name);
        }
        if (!found)
            return wrong_usage("there is no %s \"%s\"; there is %s", option[1] == 'i' ? "input" : "output", files[i].name, known);
    }
    return EXIT_DONE;
}

static int check_inputs(const struct request *request)
{
    for (const char *const *name = request->plugin->inputs; *name && !request->has_shape; name++) {
        size_t i = 0;
        while (i < request->n_inputs && strcmp(request->inputs[i].name, *name) != 0)
            i++;
        if (i == request->n_inputs)
            return wrong_usage("input %s is missing; give it with -i %s=FILE", *name, *name);
    }
    if (request->has_shape && request->n_inputs > 0)
        return wrong_usage("--shape and -i are both given; one of them tells the shape");
    for (size_t i = 0; i < request->n_inputs; i++) {
        if (!is_data_file(request->inputs[i].path))
            return failed("%s: an input is a .npy or .png file", request->inputs[i].path);
    }
    return EXIT_DONE;
}

static int check_outputs(const struct request *request)
{
    for (size_t i = 0; i < request->n_outputs; i++) {
        const char *path = request->outputs[i].path;
        if (!is_data_file(path))
            return failed("%s: an output is a .npy or .png file", path);
        if (request->trace && is_same_file(path, request->trace))
            return wrong_usage("%s is given as an output and for --trace", path);
        for (size_t j = 0; j < i; j++) {
            if (is_same_file(path, request->outputs[j].path))
                return wrong_usage("%s is given for two outputs", path);
        }
        int result = check_output_path(path);
        if (result)
            return result;
    }
    return request->trace ? check_output_path(request->trace) : EXIT_DONE;
}

int request_check(struct request *request, enum request_kind kind)
{
    bool is_run = kind == REQUEST_RUN;
    if (has_extension(request->plugin_name, "onnx"))
        return failed("%s: ONNX models are not supported in this version", request->plugin_name);
    request->plugin = find_plugin(request->plugin_name);
    if (!request->plugin)
        return EXIT_USAGE;
    const char *const *outputs = request->plugin->outputs, *output = outputs[0];
    for (; *outputs; outputs++)
        if (strcmp(*outputs, "y") == 0)
            output = *outputs;
    if (!request->weights && request->plugin->flavours) /* a user's plug-in may have no weights to be known by */
        return wrong_usage("the weights are missing; give them with -w FILE");
    int result = check_names(request->inputs, request->n_inputs, request->plugin->inputs, request->plugin->inputs[0], "-i");
    if (!result)
        result = check_names(request->outputs, request->n_outputs, request->plugin->outputs, output, "-o");
    if (!result && is_run && request->n_outputs == 0)
        result = wrong_usage("no output is asked for; give one with -o FILE");
    if (!result && !is_run && request->n_inputs == 0 && !request->has_shape)
        result = wrong_usage("the shape is missing; give it with --shape N,C,H,W or -i FILE");
    if (!result)
        result = settings_check(request);
    if (!result)
        result = check_inputs(request);
    if (!result && is_run)
        result = check_outputs(request);
    if (!result && request->n_outputs == 0) {
        snprintf(request->outputs[0].name, sizeof request->outputs[0].name, "%s", output);
        request->n_outputs = 1;
    }
    return result;
}
