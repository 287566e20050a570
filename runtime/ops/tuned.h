/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tuned.h: the results of tuning that a context knows: those in its cache when the first is asked for, and those measured since.
 *
 * On disk they are one record for each device, driver and version of the kernels, a line a result. Thread-safety: safe.
 */
#ifndef PLUGCL_OPS_TUNED_H
#define PLUGCL_OPS_TUNED_H

#include "device/context.h"
#include "ops/operator.h"

#define TUNED_MOST 4096 /* results of a record; beyond them the oldest go */
#define VARIANT_NAME 32

/* A variant with its tile ("" if it has none), and the time that it took. */
struct tuned_time {
    char variant[VARIANT_NAME], tile[TILE_NAME];
    uint64_t ns;
};

struct tuned_result {
    uint8_t key[32]; /* of the call: tuning_key */
    struct tuned_time best, built_in;
};

/* False if nothing is known of that call. */
bool tuned_find(plugcl_context *context, const uint8_t key[32], struct tuned_result *result);
/* Adds or replaces a result and stores the record, joined with what other processes have put there: what this context measured
 * itself is its own, of the rest the record's are taken. Best effort. */
void tuned_keep(plugcl_context *context, const struct tuned_result *result);

/* The record's text: tuned_read reads one line and returns what follows it, NULL at the end or where it is none. */
void tuned_write(struct text *text, const struct tuned_result *result);
const char *tuned_read(const char *text, struct tuned_result *result);

#endif
