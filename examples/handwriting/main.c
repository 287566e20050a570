/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c: reads the held-out digits on every OpenCL device, compares with PyTorch, prints a table and draws pictures.
 *
 * Exit status: 0 when every device reads as many digits right as PyTorch and is within the error budget; 1 otherwise; 2 for a
 * wrong command line.
 */
#define _XOPEN_SOURCE 700
#include "handwriting.h"

#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef DATA_DIR
#define DATA_DIR "examples/handwriting"
#endif
enum { MOST_DEVICES = 32 };

struct options {
    const char *device, *out, *data; /* device NULL: all */
};

bool complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("handwriting: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return false;
}

bool fine(plugcl_status status, const char *what)
{
    return status == PLUGCL_OK || complain("%s: %s", what, plugcl_error_message());
}

static const char help[] =
    "usage: handwriting [--device D|all] [--out DIR] [--data DIR]\n"
    "Reads 1,000 handwritten digits with a network trained in PyTorch, and compares with PyTorch's answers.\n"
    "  --device D   where: all (the default), cpu, gpu, P:D or a part of a name, as in `plugcl devices`\n"
    "  --out DIR    where the pictures go (made if it is not there); default demo-out\n"
    "  --data DIR   where model.safetensors, reference.safetensors and sheet.png are; default " DATA_DIR "\n";

/* Returns the exit status, or −1 to go on. */
static int parse(int count, char **arguments, struct options *options)
{
    *options = (struct options){ NULL, "demo-out", DATA_DIR };
    for (int i = 1; i < count; i++) {
        const char **value = strcmp(arguments[i], "--device") == 0 ? &options->device
                             : strcmp(arguments[i], "--out") == 0  ? &options->out
                             : strcmp(arguments[i], "--data") == 0 ? &options->data
                                                                   : NULL;
        if (strcmp(arguments[i], "--help") == 0 || strcmp(arguments[i], "-h") == 0) {
            fputs(help, stdout);
            return 0;
        }
        if (!value || i + 1 == count) {
            complain(value ? "%s needs a value; see --help" : "unknown option %s; see --help", arguments[i]);
            return 2;
        }
        *value = arguments[++i];
    }
    if (options->device && strcmp(options->device, "all") == 0)
        options->device = NULL;
    return -1;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

/* A cold start is only cold when the drivers find nothing either: PoCL and Mesa get empty caches of their own. */
static bool empty_cache(char *path, size_t capacity)
{
    const char *folder = getenv("TMPDIR");
    char driver[4096];
    snprintf(path, capacity, "%s/handwriting-XXXXXX", folder && *folder ? folder : "/tmp");
    if (!mkdtemp(path))
        return complain("%s: %s", path, strerror(errno));
    snprintf(driver, sizeof driver, "%s/pocl", path);
    setenv("POCL_CACHE_DIR", driver, 1);
    snprintf(driver, sizeof driver, "%s/mesa", path);
    setenv("MESA_SHADER_CACHE_DIR", driver, 1);
    return true;
}

/* The devices asked for, as plugcl_context_params::device takes them. Says which ones are left out, and why. */
static size_t choose(const char *device, char names[MOST_DEVICES][64])
{
    if (device) {
        snprintf(names[0], sizeof names[0], "%s", device);
        return 1;
    }
    plugcl_device_list *list = NULL;
    size_t count = 0;
    if (!fine(plugcl_device_list_create(NULL, &list), "the devices"))
        return 0;
    for (size_t i = 0; i < plugcl_device_list_count(list); i++) {
        const struct plugcl_device_info *info = plugcl_device_list_at(list, i);
        if (!info->usable)
            printf("left out: %s%s%s (%s)\n", info->platform, *info->name ? ", " : "", info->name, info->reason);
        else if (count < MOST_DEVICES)
            snprintf(names[count++], sizeof names[0], "%u:%u", (unsigned)info->platform_index, (unsigned)info->device_index);
    }
    plugcl_device_list_destroy(&list);
    if (count == 0)
        complain("no usable OpenCL device; PoCL (Debian: pocl-opencl-icd) makes one of any CPU");
    return count;
}

/* Asked before the work, not after it. */
static bool can_write(const char *folder)
{
    if ((mkdir(folder, 0777) != 0 && errno != EEXIST) || access(folder, W_OK | X_OK) != 0)
        return complain("%s: %s", folder, strerror(errno));
    return true;
}

static bool draw(const char *folder, const float *digits, const struct answers *answers, const struct reference *reference,
                 const char *device)
{
    return draw_sheet(folder, digits, answers, device) && draw_mistakes(folder, digits, answers) &&
           draw_spatial(folder, "spatial-attention.png", digits, answers, BLOCK2_SPATIAL, reference) &&
           draw_spatial(folder, "spatial-attention-block3.png", digits, answers, BLOCK3_SPATIAL, reference) &&
           draw_channels(folder, "channel-weights-block1.png", digits, answers, BLOCK1_SE) &&
           draw_channels(folder, "channel-weights-block3.png", digits, answers, BLOCK3_SE);
}

/* One device after the other; the pictures are of the first one. */
static bool read_on_devices(const struct options *options, const char *cache, plugcl_graph *graph, float *digits,
                            const struct reference *reference, struct answers *answers)
{
    char names[MOST_DEVICES][64], folder[4096];
    size_t count = choose(options->device, names);
    bool good = count > 0;
    if (good)
        printf("%-40s %9s %12s %12s %9s %9s %12s\n", "device", "right", "error", "error", "cold", "warm", "all digits");
    if (good)
        printf("%-40s %9s %12s %12s %9s %9s %12s\n", "", "of 1,000", "of logits", "of gates", "s", "s", "ms");
    for (size_t i = 0; i < count; i++) {
        struct measurement result;
        fflush(stdout);
        snprintf(folder, sizeof folder, "%s/%zu", cache, i);
        if (mkdir(folder, 0700) != 0 || !measure(names[i], folder, graph, digits, reference, answers, &result)) {
            good = complain("device %s: not measured", names[i]);
            continue;
        }
        bool equal = result.right == reference->right && result.within;
        printf("%-40.40s %9d %12.1e %12.1e %9.2f %9.2f %12.1f%s\n", result.device, result.right, result.logit_error,
               result.gate_error, result.cold, result.warm, result.all * 1e3, equal ? "" : "  DIFFERS FROM PYTORCH");
        good = good && equal;
        if (i == 0)
            good = draw(options->out, digits, answers, reference, result.device) && good;
    }
    if (count > 0)
        printf("PyTorch reads %d right. error: the largest difference from PyTorch's float32 answers. cold: from nothing to the\n"
               "first %d digits, every kernel compiled; warm: the same with the compiled kernels in the cache.\n",
               reference->right, (int)BATCH);
    return good;
}

int main(int count, char **arguments)
{
    struct options options;
    int status = parse(count, arguments, &options);
    if (status >= 0)
        return status;
    char cache[2048], path[4096];
    struct reference reference = { 0 };
    struct answers answers = { 0 };
    plugcl_graph *graph = NULL;
    snprintf(path, sizeof path, "%s/sheet.png", options.data);
    float *digits = sheet_read(path);
    snprintf(path, sizeof path, "%s/reference.safetensors", options.data);
    bool good = digits && can_write(options.out) && reference_open(path, &reference) && answers_create(&answers);
    snprintf(path, sizeof path, "%s/model.safetensors", options.data);
    good = good && network_build(path, &graph);
    if (good && (good = empty_cache(cache, sizeof cache))) {
        good = read_on_devices(&options, cache, graph, digits, &reference, &answers);
        nftw(cache, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
    plugcl_graph_destroy(&graph);
    answers_destroy(&answers);
    reference_close(&reference);
    free(digits);
    return good ? 0 : 1;
}
