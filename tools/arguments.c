/* SPDX-License-Identifier: Apache-2.0 */
/* arguments.c: small pieces of command lines, and the plug-in by name. */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int next_option(int argc, char **argv, const char *letters, const struct option *options)
{
    int index = optind > 0 ? optind : 1;
    opterr = 0;
    int option = getopt_long(argc, argv, letters, options, NULL);
    if (option == ':') {
        wrong_usage("option %s needs a value; see plugcl %s --help", argv[optind - 1], argv[0]);
        return '?';
    }
    if (option == '?') {
        /* The argument at fault: a long one has been passed already, letters may stand together in one argument. */
        const char *word = optind > index ? argv[optind - 1] : argv[index];
        if (strncmp(word, "--", 2) == 0)
            wrong_usage("unknown option %s; see plugcl %s --help", word, argv[0]);
        else
            wrong_usage("unknown option -%c; see plugcl %s --help", optopt, argv[0]);
    }
    return option;
}

bool no_operands(int argc, char **argv)
{
    if (optind < argc)
        wrong_usage("unexpected argument \"%s\"; see plugcl %s --help", argv[optind], argv[0]);
    return optind >= argc;
}

bool has_extension(const char *path, const char *extension)
{
    size_t length = strlen(path), wanted = strlen(extension);
    return length > wanted + 1 && path[length - wanted - 1] == '.' && strcasecmp(path + length - wanted, extension) == 0;
}

const char *shape_text(const plugcl_shape *shape)
{
    static char texts[4][192];
    static int next;
    char *text = texts[next++ % 4];
    size_t used = (size_t)snprintf(text, sizeof texts[0], "[");
    for (uint32_t i = 0; i < shape->rank && i < PLUGCL_MAX_RANK; i++)
        used += (size_t)snprintf(text + used, sizeof texts[0] - used, "%s%lld", i ? ", " : "", (long long)shape->dims[i]);
    snprintf(text + used, sizeof texts[0] - used, "]");
    return text;
}

void *allocate(uint64_t count, size_t size)
{
    if (count > SIZE_MAX / size)
        return NULL;
    return malloc(count > 0 ? (size_t)count * size : 1);
}
