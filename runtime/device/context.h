/* SPDX-License-Identifier: Apache-2.0 */
/* context.h: what the floors above may know of a context. */
#ifndef PLUGCL_DEVICE_CONTEXT_H
#define PLUGCL_DEVICE_CONTEXT_H

#include <plugcl/context.h>

#include "base/error.h"
#include "base/thread.h"

/* What decides between variants. */
struct device_caps {
    bool cpu_family;          /* cl/cpu: one work-item per work-group, wide vectors; else cl/gpu */
    uint32_t vector_width;    /* floats of a cl/cpu vector: 4, 8 or 16 */
    uint32_t compute_units;
    size_t max_work_group;
    size_t local_memory;      /* bytes */
    size_t max_allocation;    /* bytes */
    uint32_t address_bits;
};

plugcl_context *context_take(plugcl_context *context); /* dropped with plugcl_context_destroy */
const struct device_caps *context_caps(const plugcl_context *context);
const struct log *context_log(const plugcl_context *context);

/* A place for one object of a floor above (the packed-weight store), made on first use under the context's lock and destroyed
 * before the context. `create` is called at most once. NULL when out of memory. */
void *context_extension(plugcl_context *context, void *(*create)(void), void (*destroy)(void *));

#endif
