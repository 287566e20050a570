/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c: finds and reads the digits of the scenes on every OpenCL device, compares with PyTorch, prints a table and draws
 * pictures; or reads one picture of the user's.
 *
 * Exit status: 0 when every device finds and reads as many digits right as PyTorch and is within the error budget, or the user's
 * picture was read; 1 otherwise; 2 for a wrong command line.
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
    const char *device, *out, *data, *image, *shrink; /* device NULL: all; image NULL: the committed scenes */
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
    "       handwriting --image PNG [--shrink N] [--device D] [--out DIR] [--data DIR]\n"
    "Finds and reads handwritten digits with a network trained in PyTorch. Without --image it reads three scenes and a\n"
    "sheet of 1,000 digits on every device and compares with PyTorch's answers.\n"
    "  --image PNG  a picture of your own: digits 18 to 28 pixels high, dark on light or light on dark\n"
    "  --shrink N   makes your picture N times smaller first; default: as often as it has more than 640x480 pixels\n"
    "  --device D   where: all (the default), cpu, gpu, P:D or a part of a name, as in `plugcl devices`;\n"
    "               your own picture is read on the first one\n"
    "  --out DIR    where the pictures go (made if it is not there); default demo-out\n"
    "  --data DIR   where model.safetensors, reference.safetensors, sheet.png and scenes/ are;\n"
    "               default " DATA_DIR "\n";

/* Returns the exit status, or −1 to go on. */
static int parse(int count, char **arguments, struct options *options)
{
    *options = (struct options){ NULL, "demo-out", DATA_DIR, NULL, NULL };
    for (int i = 1; i < count; i++) {
        const char **value = strcmp(arguments[i], "--device") == 0   ? &options->device
                             : strcmp(arguments[i], "--out") == 0    ? &options->out
                             : strcmp(arguments[i], "--data") == 0   ? &options->data
                             : strcmp(arguments[i], "--image") == 0  ? &options->image
                             : strcmp(arguments[i], "--shrink") == 0 ? &options->shrink
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
    if (options->shrink && (strspn(options->shrink, "0123456789") != strlen(options->shrink) || atoi(options->shrink) < 1 ||
                            strlen(options->shrink) > 3 || !options->image)) {
        complain("--shrink takes a number from 1 to 999 and goes with --image; see --help");
        return 2;
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

static bool draw(const char *folder, const struct exhibits *exhibits, const struct answers *answers)
{
    return draw_scenes(folder, exhibits, answers) && draw_straightened(folder, answers) && draw_cbam(folder, exhibits, answers) &&
           draw_non_local(folder, exhibits, answers) && draw_channels(folder, exhibits, answers) &&
           draw_sheet(folder, exhibits, answers);
}

/* One device after the other; the pictures are of the first one. */
static bool read_on_devices(const struct options *options, const char *cache, const struct networks *networks,
                            struct exhibits *exhibits, struct answers *answers)
{
    static struct measurement results[MOST_DEVICES];
    char names[MOST_DEVICES][64], folder[4096];
    size_t count = choose(options->device, names), measured = 0;
    bool good = count > 0;
    for (size_t i = 0; i < count; i++) {
        struct measurement *result = &results[measured];
        printf("device %s … ", names[i]);
        fflush(stdout);
        snprintf(folder, sizeof folder, "%s/%zu", cache, i);
        if (mkdir(folder, 0700) != 0 || !measure(names[i], folder, networks, exhibits, answers, result)) {
            puts("failed");
            good = complain("device %s: not measured", names[i]);
            continue;
        }
        puts(result->equal ? "as PyTorch" : "DIFFERS FROM PYTORCH");
        good = good && result->equal;
        if (measured++ == 0)
            good = draw(options->out, exhibits, answers) && good;
    }
    if (measured > 0)
        table_print(results, measured, exhibits);
    return good;
}

static bool demonstrate(const struct options *options)
{
    char cache[2048], path[4096];
    static struct exhibits exhibits;
    struct answers answers = { 0 };
    struct networks networks = { 0 };
    snprintf(path, sizeof path, "%s/model.safetensors", options->data);
    bool good = exhibits_open(options->data, &exhibits) &&
                answers_create(&answers, exhibits.scenes, exhibits.scene[0].width, exhibits.scene[0].height, true) &&
                networks_build(path, exhibits.marks, MARKS * exhibits.scenes, &networks) && empty_cache(cache, sizeof cache);
    if (good) {
        good = read_on_devices(options, cache, &networks, &exhibits, &answers);
        nftw(cache, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
    networks_free(&networks);
    answers_free(&answers);
    exhibits_close(&exhibits);
    return good;
}

int main(int count, char **arguments)
{
    struct options options;
    int status = parse(count, arguments, &options);
    if (status >= 0)
        return status;
    if (!can_write(options.out))
        return 1;
    const struct own_picture own = { options.image, options.device, options.data, options.out,
                                     options.shrink ? atoi(options.shrink) : 0 };
    return (options.image ? read_own_picture(&own) : demonstrate(&options)) ? 0 : 1;
}
