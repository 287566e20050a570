/* SPDX-License-Identifier: Apache-2.0 */
/* trace.c: device times as Chrome trace events (chrome://tracing, Perfetto). */
#include "request.h"

#include <stdio.h>

int trace_add(json_t *events, const plugcl_plan *plan, plugcl_run *run, uint64_t *origin)
{
    for (size_t i = 0; i < plugcl_plan_steps(plan); i++) {
        struct plugcl_step_info step = { .struct_size = sizeof step };
        uint64_t start, end;
        char name[256];
        if (plugcl_plan_step(plan, i, &step) || plugcl_run_step_time(run, i, &start, &end))
            return library_failed();
        if (*origin == UINT64_MAX)
            *origin = start;
        snprintf(name, sizeof name, "%s%s%s", step.operation, *step.name ? " " : "", step.name);
        json_t *event = json_pack("{so ss ss sf sf si si s{so sI sI}}", "name", json_text(name), "cat", "step", "ph", "X", "ts",
                                  ((double)start - (double)*origin) * 1e-3, "dur", (double)(end - start) * 1e-3, "pid", 1, "tid", 1,
                                  "args", "variant", json_text(step.variant), "flops", (json_int_t)step.flops, "bytes",
                                  (json_int_t)step.bytes);
        if (!event || json_array_append_new(events, event))
            return failed("out of memory");
    }
    return EXIT_DONE;
}
