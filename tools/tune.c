/* SPDX-License-Identifier: Apache-2.0 */
/* tune.c: plugcl tune: measures the variants of a plan's steps and keeps the winners. */
#include "request.h"

#include <signal.h>
#include <stdio.h>

/* By how much the winner is faster than what the library would have taken; 0 where that could not be measured. */
static double gain_of(const struct plugcl_tuning_info *info)
{
    return info->time_ns > 0 ? (double)info->built_in_time_ns / (double)info->time_ns : 0;
}

static json_t *tuning_json(const struct plugcl_tuning_info *info)
{
    return json_pack("{ss so ss ss sI ss ss sI sf sb}", "operator", info->operation, "name", json_text(info->name), "variant",
                     info->variant, "tile", info->tile, "time_ns", (json_int_t)info->time_ns, "built_in_variant",
                     info->built_in_variant, "built_in_tile", info->built_in_tile, "built_in_time_ns",
                     (json_int_t)info->built_in_time_ns, "ratio", gain_of(info), "measured", (int)info->measured);
}

static void print_tuning(const struct plugcl_tuning_info *info)
{
    char best[64], built_in[64];
    snprintf(best, sizeof best, "%s %s", info->variant, info->tile);
    snprintf(built_in, sizeof built_in, "%s %s", info->built_in_variant, info->built_in_tile);
    printf("%-16s %-22s %9.3f ms  %-22s %9.3f ms %6.2fx  %s%s\n", info->operation, best, (double)info->time_ns * 1e-6, built_in,
           (double)info->built_in_time_ns * 1e-6, gain_of(info), info->name, info->measured ? "" : " (stored before)");
}

static int print_tunings(const struct session *session, const struct request *request)
{
    json_t *list = request->json ? json_array() : NULL;
    size_t count = plugcl_plan_tunings(session->plan), measured = 0;
    if (!request->json && count > 0)
        printf("%-16s %-22s %12s  %-22s %12s %7s  %s\n", "operator", "fastest", "time", "built-in", "time", "ratio", "name");
    for (size_t i = 0; i < count; i++) {
        struct plugcl_tuning_info info = { .struct_size = sizeof info };
        if (plugcl_plan_tuning(session->plan, i, &info)) {
            json_decref(list);
            return library_failed();
        }
        measured += info.measured;
        if (request->json)
            json_array_append_new(list, tuning_json(&info));
        else
            print_tuning(&info);
    }
    if (request->json)
        return print_json(json_pack("{ss so}", "device", plugcl_context_device(session->context)->name, "results", list));
    if (count == 0)
        puts("no step has a choice");
    else
        printf("%zu results, %zu of them measured now\n", count, measured);
    return finish_output();
}

int command_tune(int argc, char **argv)
{
    struct request request = { 0 };
    struct session session = { 0 };
    int result = request_read(&request, REQUEST_TUNE, argc, argv);
    if (!result)
        result = request_check(&request, REQUEST_TUNE);
    if (!result) {
        catch_interrupt();
        result = session_open(&session, &request);
    }
    if (result == EXIT_INTERRUPTED)
        failed("interrupted; what was measured till now is kept");
    else if (!result)
        result = print_tunings(&session, &request);
    if (!result)
        print_notes();
    session_close(&session);
    drop_notes();
    if (result == EXIT_INTERRUPTED) /* so that a shell knows that it was Ctrl-C */
        raise(SIGINT);
    return result;
}
