/* SPDX-License-Identifier: Apache-2.0 */
/* values.h: made-up weights and inputs, by name. */
#ifndef BENCH_VALUES_H
#define BENCH_VALUES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The same values for the same name and shape as in peers/values.py, so that every contender computes the same. */
void fill_values(const char *name, uint32_t rank, const int64_t *dims, float *values);
/* What a contender tells of its result, in which the order of the elements does not matter: mean, mean size, mean square. */
void summarise(const float *values, size_t count, double summary[3]);

#ifdef __cplusplus
}
#endif
#endif
