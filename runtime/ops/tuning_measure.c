/* SPDX-License-Identifier: Apache-2.0 */
/* tuning_measure.c: times of candidates, measured in turn, so that whatever else the machine does strikes all of them alike. */
#include <stdio.h>
#include <stdlib.h>

#include "base/thread.h"
#include "ops/schedule_private.h"
#include "ops/tuning.h"

#define SAMPLE_NS 2000000.0     /* a sample repeats the work for so long */
#define SAMPLE_MOST 200         /* times */
#define ROUNDS 7
#define MARGIN 1.03             /* by which one beats another, in the median and in the best: noise shall not choose */
#define LEAST_ROUNDS 3          /* after which an hour glass of TIME_NS may end it */
#define TIME_NS 1500000000.0
#define FAR_BEHIND 1.5          /* of the best: dropped after two rounds */
#define HOPELESS 4.0            /* of the best by an estimate: not even run once, where that would take longer than */
#define PATIENCE_NS 10000000.0
#define GROUPS_A_UNIT 4         /* work-groups of an estimate, for each compute unit */

plugcl_status candidate_tell(struct tuning *tuning, const struct operator_call *call, const struct candidate *candidates,
                             size_t number, size_t count)
{
    char what[256];
    const struct candidate *candidate = &candidates[number];
    bool is_named = tuning->step != NULL && tuning->step[0] != '\0', has_tile = candidate->tile_name[0] != '\0';
    snprintf(what, sizeof what, "tuning %s%s%s %s%s%s, %zu of %zu", is_named ? tuning->step : "", is_named ? ": " : "",
             call->info->name, candidate->variant->name, has_tile ? " " : "", candidate->tile_name, number + 1, count);
    return progress_tell(tuning->progress, what, 0);
}

void candidate_drop(struct candidate *candidate)
{
    for (size_t i = 0; candidate->schedule != NULL && i < candidate->schedule->n_launches; i++)
        if (candidate->schedule->launches[i]->kernel != NULL)
            kernel_withdraw(candidate->schedule->launches[i]->kernel);
    schedule_destroy(&candidate->schedule);
}

void candidate_leave_out(plugcl_context *context, const struct operator_call *call, struct candidate *candidate)
{
    log_message(context_log(context), PLUGCL_LOG_NOTE, "tuning leaves out %s %s%s%s: %s", call->info->name,
                candidate->variant->name, candidate->tile_name[0] ? " " : "", candidate->tile_name, plugcl_error_message());
    candidate_drop(candidate);
    candidate->n_times = 0;
}

static int by_time(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t ranked_time(const struct candidate *candidate, size_t rank)
{
    uint64_t times[sizeof candidate->times / sizeof *candidate->times];
    for (size_t i = 0; i < candidate->n_times; i++)
        times[i] = candidate->times[i];
    qsort(times, candidate->n_times, sizeof *times, by_time);
    return candidate->n_times > 0 ? times[rank] : 0;
}

uint64_t candidate_time(const struct candidate *candidate)
{
    return ranked_time(candidate, candidate->n_times / 2);
}

bool candidate_beats(const struct candidate *candidate, const struct candidate *other)
{
    return candidate->n_times > 0 &&
           (other->n_times == 0 || (MARGIN * (double)candidate_time(candidate) < (double)candidate_time(other) &&
                                    MARGIN * (double)ranked_time(candidate, 0) < (double)ranked_time(other, 0)));
}

/* Keeps about `most` groups of a range, cutting the last dimensions first; the part of the work that is left. */
static double cut_range(const struct launch *launch, size_t most, size_t global[3])
{
    double part = 1;
    for (int i = 2; i >= 0; i--) {
        size_t unit = launch->local[i] > 0 ? launch->local[i] : 1, others = 1;
        size_t groups = i < (int)launch->dimensions ? launch->global[i] / unit : 1;
        for (int j = 0; j < i; j++)
            others *= j < (int)launch->dimensions ? launch->global[j] / (launch->local[j] > 0 ? launch->local[j] : 1) : 1;
        size_t kept = (most + others - 1) / others;
        kept = kept < groups ? kept : groups;
        global[i] = kept * unit;
        part *= (double)kept / (double)groups;
    }
    return part;
}

/* The time of a run, from a few groups of each launch: some variants would take minutes for what others do in milliseconds. */
static plugcl_status estimate(struct schedule *schedule, struct queue *queue, double *ns)
{
    const size_t most = GROUPS_A_UNIT * (size_t)schedule_caps(schedule)->compute_units;
    plugcl_status status = PLUGCL_OK;
    *ns = 0;
    for (size_t i = 0; status == PLUGCL_OK && i < schedule->n_launches; i++) {
        const struct launch *launch = schedule->launches[i];
        size_t global[3];
        if (!launch_has_work(launch))
            continue;
        double part = launch->product == NULL ? cut_range(launch, launch->local[0] > 0 ? most : 64 * most, global) : 1;
        uint64_t start = clock_ns();
        status = launch->product != NULL
                     ? product_enqueue(launch->product, queue, NULL)
                     : queue_launch(queue, launch->kernel, launch->dimensions, global, launch->local, NULL);
        if (status == PLUGCL_OK)
            status = queue_finish(queue);
        *ns += (double)(clock_ns() - start) / part;
    }
    return status;
}

static plugcl_status run(struct schedule *schedule, struct queue *queue, size_t repeats, uint64_t *ns)
{
    uint64_t start = clock_ns();
    plugcl_status status = PLUGCL_OK;
    for (size_t i = 0; status == PLUGCL_OK && i < repeats; i++)
        status = schedule_run(schedule, queue, NULL, NULL);
    plugcl_status finished = queue_finish(queue);
    *ns = (clock_ns() - start) / repeats;
    return status == PLUGCL_OK ? finished : status;
}

/* A first run, which is not counted; hopeless ones are spared it and dropped. `best` is the best of those before, 0 for none. */
static plugcl_status try_first(struct candidate *candidate, struct queue *queue, double best)
{
    double expected = 0;
    plugcl_status status = schedule_clear(candidate->schedule, queue);
    if (status == PLUGCL_OK && best > 0)
        status = estimate(candidate->schedule, queue, &expected);
    if (status == PLUGCL_OK && expected > PATIENCE_NS && expected > HOPELESS * best) {
        candidate_drop(candidate);
        return PLUGCL_OK;
    }
    return status == PLUGCL_OK ? run(candidate->schedule, queue, 1, &candidate->first) : status;
}

static size_t repeats_of(uint64_t ns)
{
    double repeats = SAMPLE_NS / ((double)ns + 1);
    return repeats < 1 ? 1 : repeats > SAMPLE_MOST ? SAMPLE_MOST : (size_t)repeats;
}

static void drop_slow(struct candidate *candidates, size_t count)
{
    uint64_t best = UINT64_MAX;
    for (size_t i = 0; i < count; i++)
        if (candidates[i].schedule != NULL && candidate_time(&candidates[i]) < best)
            best = candidate_time(&candidates[i]);
    for (size_t i = 0; i < count; i++)
        if (candidates[i].schedule != NULL && (double)candidate_time(&candidates[i]) > FAR_BEHIND * (double)best)
            candidate_drop(&candidates[i]);
}

/* One sample of each that is left. */
static plugcl_status measure_round(struct tuning *tuning, const struct operator_call *call, struct candidate *candidates,
                                   size_t count, struct queue *queue)
{
    for (size_t i = 0; i < count; i++) {
        struct candidate *candidate = &candidates[i];
        if (candidate->schedule == NULL)
            continue;
        plugcl_status status = candidate_tell(tuning, call, candidates, i, count);
        if (status != PLUGCL_OK)
            return status;
        status = run(candidate->schedule, queue, repeats_of(candidate->first), &candidate->times[candidate->n_times]);
        if (status == PLUGCL_OK)
            candidate->n_times++;
        else
            candidate_leave_out(schedule_context(candidate->schedule), call, candidate);
    }
    return PLUGCL_OK;
}

plugcl_status candidates_measure(struct tuning *tuning, const struct operator_call *call, struct candidate *candidates,
                                 size_t count, struct queue *queue)
{
    uint64_t best = 0, start = clock_ns();
    for (size_t i = 0; i < count; i++) {
        struct candidate *candidate = &candidates[i];
        plugcl_status status = candidate_tell(tuning, call, candidates, i, count);
        if (status != PLUGCL_OK)
            return status;
        if (candidate->schedule == NULL)
            continue;
        if (try_first(candidate, queue, (double)best) != PLUGCL_OK)
            candidate_leave_out(schedule_context(candidate->schedule), call, candidate);
        else if (candidate->schedule != NULL && (best == 0 || candidate->first < best))
            best = candidate->first;
    }
    for (size_t round = 0; round < ROUNDS; round++) {
        plugcl_status status = measure_round(tuning, call, candidates, count, queue);
        if (status != PLUGCL_OK)
            return status;
        if (round == 1)
            drop_slow(candidates, count);
        if (round + 1 >= LEAST_ROUNDS && (double)(clock_ns() - start) > TIME_NS)
            break;
    }
    return PLUGCL_OK;
}
