/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: the command line of checkcl, and the table of families. */
#include "checkcl/harness.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_PROGRAMS 300 /* a device: more means that sizes have crept into build options */

static void (*const families[])(struct checkcl *) = {
    checkcl_conv2d,
    checkcl_conv_transpose2d,
    checkcl_deform_conv2d,
    checkcl_linear,
    checkcl_matmul,
    checkcl_attention,
    checkcl_channel_gate,
    checkcl_spatial_gate,
    checkcl_pyramid,
    checkcl_sample,
    checkcl_resize,
    checkcl_pool,
    checkcl_batch_norm,
    checkcl_norm,
    checkcl_elementwise,
    checkcl_softmax,
    checkcl_reduce,
    checkcl_copy,
    checkcl_select,
    checkcl_rearrange,
};

static void usage(void)
{
    puts("usage: checkcl [--list] [--quick] [--filter GLOB-OR-PREFIX] [--device D] [--bench] [--seed N]\n"
         "Runs every operator x variant x shape against a reference in double. Rows are named operator/variant/shape.");
}

static bool read_options(struct checkcl *check, const char **device, int argc, char **argv)
{
    enum { LIST = 1, QUICK, FILTER, DEVICE, BENCH, SEED, HELP };
    static const struct option options[] = {
        { "list", no_argument, NULL, LIST },          { "quick", no_argument, NULL, QUICK },
        { "filter", required_argument, NULL, FILTER }, { "device", required_argument, NULL, DEVICE },
        { "bench", no_argument, NULL, BENCH },        { "seed", required_argument, NULL, SEED },
        { "help", no_argument, NULL, HELP },          { NULL, 0, NULL, 0 },
    };
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case LIST: check->list = true; break;
        case QUICK: check->quick = true; break;
        case FILTER: check->filter = optarg; break;
        case DEVICE: *device = optarg; break;
        case BENCH: check->bench = true; break;
        case SEED: check->seed = strtoull(optarg, NULL, 0); break;
        case HELP: usage(); exit(0);
        default: return false;
        }
    }
    return optind == argc;
}

static int finish(const struct checkcl *check)
{
    struct plugcl_context_statistics statistics = { .struct_size = sizeof statistics };
    plugcl_context_statistics(check->context, &statistics);
    uint64_t programs = statistics.programs_compiled + statistics.programs_loaded;
    bool too_many = programs > MAX_PROGRAMS;
    printf("%zu rows on %s, %llu programs (%llu compiled)\n", check->rows, plugcl_context_device(check->context)->name,
           (unsigned long long)programs, (unsigned long long)statistics.programs_compiled);
    if (too_many)
        printf("FAILED: more than %d programs: sizes or strides have become build options\n", MAX_PROGRAMS);
    if (check->rows == 0)
        printf("FAILED: no row has that name\n");
    printf("%zu passed, %zu failed\n", check->rows - check->failed, check->failed + too_many);
    return check->failed || too_many || check->rows == 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct checkcl check = { 0 };
    struct plugcl_context_params params = plugcl_context_params_init();
    setvbuf(stdout, NULL, _IOLBF, 0); /* a kernel that crashes the driver must not take the rows before it along */
    if (!read_options(&check, &params.device, argc, argv)) {
        usage();
        return 2;
    }
    if (plugcl_context_create(&params, &check.context) || queue_create(check.context, false, &check.queue)) {
        fprintf(stderr, "checkcl: %s\n", plugcl_error_message());
        plugcl_context_destroy(&check.context);
        return 1;
    }
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        families[i](&check);
    int result = check.list ? 0 : finish(&check);
    plugcl_context_save_programs(check.context);
    queue_destroy(&check.queue);
    plugcl_context_destroy(&check.context);
    return result;
}
