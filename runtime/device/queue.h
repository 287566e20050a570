/* SPDX-License-Identifier: Apache-2.0 */
/* queue.h: an in-order queue and its events. Nothing here blocks but queue_finish, plugcl_event_wait and the *_now calls. */
#ifndef PLUGCL_DEVICE_QUEUE_H
#define PLUGCL_DEVICE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <plugcl/context.h>

#include "device/buffer.h"
#include "device/kernel.h"

struct queue; /* its events are plugcl_event, reference-counted, dropped with plugcl_event_destroy */

/* An in-order queue; on an adopting context the application's own queue if it gave an in-order one (profiling then is what that
 * queue has). Holds a reference to the context. */
plugcl_status queue_create(plugcl_context *context, bool profile, struct queue **queue);
void queue_destroy(struct queue **queue);

/* `event` may be NULL. `local` of all 0 lets the driver choose. Any global size of 0: nothing is launched, *event is NULL. */
plugcl_status queue_launch(struct queue *queue, struct kernel *kernel, uint32_t dimensions, const size_t global[3],
                           const size_t local[3], plugcl_event **event);
plugcl_status queue_write(struct queue *queue, struct buffer *buffer, size_t offset, const void *data, size_t bytes);
plugcl_status queue_read(struct queue *queue, const struct buffer *buffer, size_t offset, void *data, size_t bytes);
plugcl_status queue_copy(struct queue *queue, const struct buffer *from, size_t from_offset, struct buffer *to, size_t to_offset,
                         size_t bytes);
/* Fills with a 32-bit pattern; offset and bytes are multiples of 4. */
plugcl_status queue_fill(struct queue *queue, struct buffer *buffer, size_t offset, uint32_t pattern, size_t bytes);
/* Whether the queue can wait for `event`; NULL is fine. Errors: INVALID (an event of another context). */
plugcl_status queue_check_event(const struct queue *queue, const plugcl_event *event);
/* What is enqueued from now on begins after `event`, which queue_check_event has let pass. */
plugcl_status queue_wait_for(struct queue *queue, plugcl_event *event);
/* An event that completes when everything enqueued so far has. */
plugcl_status queue_marker(struct queue *queue, plugcl_event **event);
/* Round each run. They do something only where the application gave an out-of-order queue: what follows queue_enter begins after
 * what the application has enqueued there, and what the application enqueues after queue_leave begins after the run. */
plugcl_status queue_enter(struct queue *queue);
plugcl_status queue_leave(struct queue *queue);
plugcl_status queue_flush(struct queue *queue);
plugcl_status queue_finish(struct queue *queue);

/* Blocking transfers on the context's own transfer queue, for uploads at plan time and for tensors. Thread-safety: safe. */
plugcl_status buffer_write_now(struct buffer *buffer, size_t offset, const void *data, size_t bytes);
plugcl_status buffer_read_now(const struct buffer *buffer, size_t offset, void *data, size_t bytes);
/* All of the buffer in the host's reach, with undefined content, until buffer_unmap, which waits for what was written there. */
plugcl_status buffer_map_to_fill(struct buffer *buffer, void **data);
plugcl_status buffer_unmap(struct buffer *buffer, void *data);

plugcl_event *event_take(plugcl_event *event);
plugcl_status event_times(plugcl_event *event, uint64_t *start_ns, uint64_t *end_ns);

#endif
