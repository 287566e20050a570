/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clblast.h: single-precision matrix products of the CLBlast library, where the build has it (meson's option `clblast`).
 *
 * CLBlast compiles and keeps its programs in caches of the process, which are not ours to clear. It enqueues on the queue that it
 * is given and takes no events to wait for, so products belong behind an in-order queue.
 */
#ifndef PLUGCL_DEVICE_CLBLAST_H
#define PLUGCL_DEVICE_CLBLAST_H

#include <stdbool.h>
#include <stddef.h>

#include "device/queue.h"

/* y [rows, columns] = a [rows, depth] · b [depth, columns] + beta · y. Sizes are at least 1. Row-major, with so many elements from
 * one row to the next; a transposed operand lies the other way round. With beta 0 what y held does not matter. */
struct sgemm {
    size_t rows, columns, depth;
    bool transpose_a, transpose_b;
    size_t a_pitch, b_pitch, y_pitch;
    float beta;
};

/* An operand: element 0 is `offset` elements into the buffer. */
struct sgemm_operand {
    const struct buffer *buffer;
    size_t offset;
};

/* The build has CLBlast, and the context's device is one that it can reach: OpenCL is linked, not a table of somebody's. */
bool clblast_serves(const plugcl_context *context);
/* Bytes of scratch that the product needs at most, wherever its operands lie; perhaps 0. */
plugcl_status clblast_scratch(plugcl_context *context, const struct sgemm *product, size_t *bytes);
/* Enqueues the product, at the first use compiling for it. `scratch` may be NULL where none is needed; it is used from its first
 * byte on. `event` may be NULL. Thread-safety: safe on queues of each thread's own. */
plugcl_status clblast_enqueue(struct queue *queue, const struct sgemm *product, const struct sgemm_operand *a,
                              const struct sgemm_operand *b, const struct sgemm_operand *y, const struct buffer *scratch,
                              plugcl_event **event);
/* The same, waiting for the end, with one such call in the process at a time: CLBlast would compile the same program in each of two
 * threads that need it first. */
plugcl_status clblast_warm_up(struct queue *queue, const struct sgemm *product, const struct sgemm_operand *a,
                              const struct sgemm_operand *b, const struct sgemm_operand *y, const struct buffer *scratch);

#endif
