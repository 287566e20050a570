/* SPDX-License-Identifier: Apache-2.0 */
/* schedule_private.h: what the files that make up a schedule share: schedule.c, launch.c, schedule_finish.c. */
#ifndef PLUGCL_OPS_SCHEDULE_PRIVATE_H
#define PLUGCL_OPS_SCHEDULE_PRIVATE_H

#include "ops/operator.h"
#include "ops/product.h"

enum region_kind { REGION_ARENA = 1, REGION_FIXED, REGION_BINDING };

struct region {
    enum region_kind kind;
    size_t bytes;
    uint32_t first, last;  /* launches that use it; first > last: none so far */
    struct buffer *buffer; /* fixed: held; binding: held; arena: the block's, not held */
    size_t offset;         /* bytes into the buffer */
    bool at_start;         /* arena: it is to begin its buffer */
    bool rebound;          /* binding: arguments are to be set again */
};

/* A buffer argument and the offset argument behind it (tables have none), or a mere place holder for a value already set. */
struct buffer_argument {
    uint32_t launch, index, region;
    int64_t offset; /* bytes from the region's beginning */
    uint32_t element_size;
    bool has_offset;
};

struct launch {
    struct schedule *schedule;
    struct kernel *kernel;
    struct product *product; /* in place of a kernel */
    uint32_t number, n_arguments, dimensions;
    size_t global[3], local[3];
    bool warming;
};

struct step {
    struct schedule_step_info info;
    uint32_t first_launch; /* up to the next step's */
    uint32_t workspace;    /* of its products, one after the other */
};

struct schedule {
    plugcl_context *context;
    plugcl_status status;
    struct region *regions;
    struct buffer_argument *arguments;
    struct launch **launches;
    struct step *steps;
    struct buffer **blocks;
    size_t n_regions, n_arguments, n_launches, n_steps, n_blocks;
    size_t c_regions, c_arguments, c_launches, c_steps, c_blocks;
    size_t arena_bytes, arena_lower_bound;
    struct tuning *tuning;
    uint32_t dummy; /* the region that absent operands pass */
    bool finished;
};

/* NULL for REGION_NONE and numbers that there are not. */
struct region *schedule_region(const struct schedule *schedule, uint32_t region);
/* Sets the arguments that go to bindings bound anew, or, with `all`, every buffer argument that has memory. */
plugcl_status schedule_set_arguments(struct schedule *schedule, bool all, const struct buffer *stand_in);
/* False where a size of the range is 0. */
bool launch_has_work(const struct launch *launch);

#endif
