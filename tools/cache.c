/* SPDX-License-Identifier: Apache-2.0 */
/* cache.c: plugcl cache [--clear]. */
#include "tool.h"

#include <inttypes.h>
#include <stdio.h>

static int print_cache(const char *folder, bool clear, bool json)
{
    uint64_t files = 0, bytes = 0, results = 0;
    if (folder && (plugcl_cache_tuned(NULL, &results) || plugcl_cache_usage(NULL, clear, &files, &bytes)))
        return library_failed();
    if (json)
        return print_json(json_pack("{so sI sI sI sb}", "folder", folder ? json_text(folder) : json_null(),
                                    "programs", (json_int_t)files, "bytes", (json_int_t)bytes, "tuning_results",
                                    (json_int_t)results, "cleared", (int)(clear && folder)));
    if (!folder)
        printf("%s\n", plugcl_error_message());
    else
        printf("folder    %s\n%s  %" PRIu64 "\nbytes     %" PRIu64 "\ntuning    %" PRIu64 " results%s\n", folder,
               clear ? "removed " : "programs", files, bytes, results, clear ? " removed" : "");
    return finish_output();
}

int command_cache(int argc, char **argv)
{
    static const struct option options[] = { { "clear", no_argument, NULL, 'c' }, { "json", no_argument, NULL, 'j' },
                                             { "help", no_argument, NULL, 'h' }, { 0 } };
    bool clear = false, json = false;
    char *folder = NULL;
    for (int option; (option = next_option(argc, argv, ":h", options)) != -1;) {
        if (option == '?')
            return EXIT_USAGE;
        if (option == 'h') {
            puts("usage: plugcl cache [--clear] [--json]\n"
                 "\n"
                 "Tells where compiled programs and tuning results are kept between runs, how many there are and how large the\n"
                 "programs are. --clear removes both; programs are compiled again when they are needed.");
            return finish_output();
        }
        clear |= option == 'c';
        json |= option == 'j';
    }
    if (!no_operands(argc, argv))
        return EXIT_USAGE;
    if (plugcl_cache_folder(NULL, &folder))
        return library_failed();
    int result = print_cache(folder, clear, json);
    plugcl_free(folder);
    return result;
}
