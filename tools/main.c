/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: plugcl SUBCOMMAND … */
#include "tool.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "devices", "list the OpenCL devices, and whether plugcl can use them", command_devices },
    { "plugins", "list the plug-ins, or one plug-in's options, flavours and outputs", command_plugins },
    { "run", "run a plug-in on .npy or .png files", command_run },
    { "describe", "show the plan: steps, variants, memory, work", command_describe },
    { "bench", "time a plug-in and each of its steps", command_bench },
    { "tune", "measure the implementations of each step and keep the fastest", command_tune },
    { "check-plugin", "hold a plug-in of one's own to its definition", command_check_plugin },
    { "cache", "show or clear the cache of compiled programs and tuning results", command_cache },
};
#define N_COMMANDS (sizeof commands / sizeof *commands)

static int help(void)
{
    puts("usage: plugcl SUBCOMMAND [OPTION]...\n"
         "\n"
         "Runs the plug-in modules of convolutional networks, with their PyTorch weights, on any OpenCL device.\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        printf("  %-14s%s\n", commands[i].name, commands[i].summary);
    puts("\n"
         "  --help        this text; plugcl SUBCOMMAND --help tells a subcommand's options\n"
         "  --version     the version");
    return finish_output();
}

/* A standard stream that the caller closed: otherwise the next file opened, a result, would be written to by mistake. What is
 * opened in its place fails as a closed one does. */
static void open_standard_streams(void)
{
    for (int stream = 0; stream < 3; stream++) {
        if (fcntl(stream, F_GETFD) == -1 && open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY) == -1)
            return;
    }
}

int main(int argc, char **argv)
{
    open_standard_streams();
    if (argc < 2)
        return wrong_usage("no subcommand; see plugcl --help");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return help();
    if (strcmp(argv[1], "--version") == 0) {
        printf("plugcl %s\n", plugcl_version());
        return finish_output();
    }
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        int result = commands[i].run(argc - 1, argv + 1);
        registry_end();
        return result;
    }
    return wrong_usage("unknown %s \"%s\"; see plugcl --help", argv[1][0] == '-' ? "option" : "subcommand", argv[1]);
}
