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
    bool fast_local_memory;   /* false on a CPU, which takes turns with a group's work-items at each barrier */
    uint32_t vector_width;    /* floats of a cl/cpu vector: 4, 8 or 16 */
    uint32_t compute_units;
    size_t max_work_group;
    size_t local_memory;      /* bytes */
    size_t max_allocation;    /* bytes */
    uint32_t address_bits;
    bool has_clblast;         /* in this build, and on this device */
    bool host_in_place;       /* a quirk: kernels may work in a caller's memory, without a copy */
    bool prefers_own_gemm;    /* a quirk: CLBlast works here but takes minutes */
};

/* Floats of a vector in kernels that serve both families. */
static inline int caps_vector(const struct device_caps *caps)
{
    return caps->cpu_family ? (int)caps->vector_width : 4;
}

/* Another user's reference, dropped with plugcl_context_destroy. Buffers, kernels, queues, events and tensors keep the context
 * alive by references of another kind, so the stores below may hold any of them without a cycle: they go when the last user
 * does, the context when the last object does. */
plugcl_context *context_take(plugcl_context *context);
const struct device_caps *context_caps(const plugcl_context *context);
const struct log *context_log(const plugcl_context *context);

/* SHA-256 of what measured times depend on: the device, its driver and caps, and this library's version and kernels. */
void context_identity(const plugcl_context *context, uint8_t identity[32]);

/* Places for stores of a floor above: each is made on first use, `bytes` of zeros but for a mutex at their beginning, and goes
 * before the context does; `clear` frees what is in it then. NULL when out of memory. */
enum context_place { PLACE_PACKED, PLACE_TUNED, CONTEXT_PLACES };
void *context_store(plugcl_context *context, enum context_place place, size_t bytes, void (*clear)(void *store));

/* Records of a floor above (tuning results) beside the cached programs, with the same checks: `key` is a SHA-256 of everything that
 * the record depends on. Text, a line for each result. In new memory with a zero after it, or NULL when there is none. */
void *context_cache_get(plugcl_context *context, const uint8_t key[32], size_t *bytes);
void context_cache_set(plugcl_context *context, const uint8_t key[32], const void *record, size_t bytes);

#endif
