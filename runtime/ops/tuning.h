/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tuning.h: choosing among the variants and tiles of a call by results of measurements, and measuring them.
 *
 * A plan has a tuning of its own, which its schedule hands to whoever chooses a variant: the graph floor for a step, composites for
 * the operators that they are made of. A schedule without one takes the built-in choices. Not thread-safe: it belongs to one plan.
 */
#ifndef PLUGCL_OPS_TUNING_H
#define PLUGCL_OPS_TUNING_H

#include <plugcl/plan.h>

#include "ops/tuned.h"

/* A result that the plan, or a candidate for a step of it, took. */
struct tuning_use {
    const char *operation, *name; /* the step's name */
    bool was_measured;            /* for this plan */
    bool is_taken;                /* by the plan itself, not only by candidates */
    struct tuned_result result;
};

struct tuning {
    plugcl_tune mode;
    struct progress *progress; /* may be NULL */
    const char *step;          /* the name of the step that is being planned, or NULL; outlives the plan */
    uint32_t trials;           /* above 0 while candidates are planned */
    struct tuning_use *uses;
    size_t n_uses, capacity;
};

void tuning_free(struct tuning *tuning);

/* Changes a built-in choice to the one that was found best, measuring if the mode says so. It stays where there is nothing to
 * choose or nothing could be measured. Errors: CANCELLED, by the progress callback. */
plugcl_status tuning_choose(struct schedule *schedule, const struct operator_call *call, struct choice *choice);

/* tuning_key.c: everything of a call that the times of its variants may depend on. False for operators whose parameters are not
 * known to it. */
bool tuning_key(const struct operator_call *call, uint8_t key[32]);

/* tuning_measure.c: one way to serve a call, planned on memory of its own. */
struct candidate {
    const struct variant *variant;
    uint32_t tile;
    char tile_name[TILE_NAME]; /* "" for none */
    struct schedule *schedule; /* NULL: it is out of the race */
    uint64_t first;            /* nanoseconds of the first run */
    uint64_t times[9];
    size_t n_times;
};
/* The median; 0 if it was not measured. */
uint64_t candidate_time(const struct candidate *candidate);
/* It is faster by more than noise, or the other was not measured. */
bool candidate_beats(const struct candidate *candidate, const struct candidate *other);
/* Fills in the times. The first candidate is the built-in choice; those far behind the best are dropped early. */
plugcl_status candidates_measure(struct tuning *tuning, const struct operator_call *call, struct candidate *candidates,
                                 size_t count, struct queue *queue);
/* Takes it out of the race. The winner is planned anew, so that nothing of a candidate is wanted after it. */
void candidate_drop(struct candidate *candidate);
/* Says in the log that it failed, by the thread's message, and drops it. */
void candidate_leave_out(plugcl_context *context, const struct operator_call *call, struct candidate *candidate);
/* Tells the progress which candidate's turn it is. Errors: CANCELLED. */
plugcl_status candidate_tell(struct tuning *tuning, const struct operator_call *call, const struct candidate *candidates,
                             size_t number, size_t count);

#endif
