/* SPDX-License-Identifier: Apache-2.0 */
/* buffer.h: device memory, reference-counted. */
#ifndef PLUGCL_DEVICE_BUFFER_H
#define PLUGCL_DEVICE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include <plugcl/tensor.h>

struct buffer;

/* Uninitialised device memory; 0 bytes is taken as the smallest allocation. `mapped` asks for memory the host can map cheaply.
 * Holds a reference to the context. Errors: NO_MEMORY (names bytes and the device's limit), DEVICE. */
plugcl_status buffer_create(plugcl_context *context, size_t bytes, bool mapped, struct buffer **buffer);
/* The host's own memory as a buffer, on devices with device_caps::host_in_place; bytes > 0. The memory may go before the buffer
 * does, if no launch uses the buffer any more. */
plugcl_status buffer_create_over(plugcl_context *context, void *host, size_t bytes, struct buffer **buffer);
struct buffer *buffer_take(struct buffer *buffer);
void buffer_drop(struct buffer **buffer);
/* More than one reference is held: for the sweep of a store that holds one itself. */
bool buffer_is_shared(const struct buffer *buffer);
/* Both are the same OpenCL memory, which an application may have wrapped more than once. */
bool buffer_is_same(const struct buffer *a, const struct buffer *b);
size_t buffer_bytes(const struct buffer *buffer);

#endif
