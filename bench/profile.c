/* SPDX-License-Identifier: Apache-2.0 */
/* profile.c: what each step of a plan takes on the device, for `bench/compare --profile`. */
#include <stdio.h>
#include <stdlib.h>

#include "contender.h"

#define RUNS 51

/* Nanoseconds of a step in each run, and between the end of the step before and its beginning. */
struct step_times {
    uint64_t work[RUNS], pause[RUNS];
};

static void time_steps(plugcl_plan *plan, const struct plugcl_binding *bindings, size_t n_bindings, struct step_times *steps)
{
    for (int i = 0; i < RUNS; i++) {
        plugcl_run *run = NULL;
        uint64_t begun, ended, before = 0;
        check(plugcl_plan_run(plan, bindings, n_bindings, &run));
        check(plugcl_run_wait(run, PLUGCL_WAIT_FOREVER));
        for (size_t step = 0; step < plugcl_plan_steps(plan); step++) {
            check(plugcl_run_step_time(run, step, &begun, &ended));
            steps[step].work[i] = ended - begun;
            steps[step].pause[i] = before != 0 && begun > before ? begun - before : 0;
            before = ended;
        }
        plugcl_run_destroy(&run);
    }
}

void print_profile(plugcl_plan *plan, const struct plugcl_binding *bindings, size_t n_bindings)
{
    const size_t count = plugcl_plan_steps(plan);
    struct step_times *steps = calloc(count + 1, sizeof *steps);
    double sum = 0.0;
    if (steps == NULL)
        give_up("no memory", NULL);
    time_steps(plan, bindings, n_bindings, steps);
    puts("    pause us   step us  GFLOP/s  operator, variant, name");
    for (size_t i = 0; i < count; i++) {
        struct plugcl_step_info info = { .struct_size = sizeof info };
        check(plugcl_plan_step(plan, i, &info));
        const double work = median_of(steps[i].work, RUNS) / 1000.0, pause = median_of(steps[i].pause, RUNS) / 1000.0;
        sum += work + pause;
        printf("%12.1f %9.1f %8.0f  %s, %s%s%s%s%s\n", pause, work, work > 0.0 ? (double)info.flops / work / 1000.0 : 0.0,
               info.operation, info.variant, *info.tile ? " " : "", info.tile, *info.name ? ", " : "", info.name);
    }
    printf("%22.1f us in all\n", sum);
    free(steps);
}
