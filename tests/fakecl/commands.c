/* SPDX-License-Identifier: Apache-2.0 */
/* commands.c: the fake's queues and events: a command is done when it is enqueued. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"

/* The end of every command: looks at the wait list, makes the event. */
static cl_int end_command(cl_command_queue queue, cl_uint n, const cl_event *list, cl_event *event)
{
    struct object *q = fake_object(queue, FAKE_QUEUE);
    for (cl_uint i = 0; i < n; i++)
        fake_object(list[i], FAKE_EVENT);
    if (event) {
        struct object *made = fake_create(FAKE_EVENT, q->context);
        made->queue = q;
        *event = (cl_event)(void *)made;
    }
    return CL_SUCCESS;
}

static char *range(cl_mem memory, size_t offset, size_t bytes)
{
    struct object *buffer = fake_object(memory, FAKE_BUFFER);
    return bytes > 0 && offset <= buffer->bytes && bytes <= buffer->bytes - offset ? buffer->data + offset : NULL;
}

cl_int CL_API_CALL fake_clWaitForEvents(cl_uint count, const cl_event *events)
{
    FAKE_TRY(clWaitForEvents);
    for (cl_uint i = 0; i < count; i++)
        fake_object(events[i], FAKE_EVENT);
    return CL_SUCCESS;
}

cl_int CL_API_CALL fake_clGetEventInfo(cl_event event, cl_event_info what, size_t room, void *place, size_t *size)
{
    struct object *e = fake_object(event, FAKE_EVENT);
    cl_int state = CL_COMPLETE;
    FAKE_TRY(clGetEventInfo);
    if (what == CL_EVENT_COMMAND_EXECUTION_STATUS)
        return fake_answer(&state, sizeof state, room, place, size);
    if (what == CL_EVENT_COMMAND_QUEUE)
        return fake_answer(&e->queue, sizeof e->queue, room, place, size);
    return what == CL_EVENT_CONTEXT ? fake_answer(&e->context, sizeof e->context, room, place, size) : CL_INVALID_VALUE;
}

cl_int CL_API_CALL fake_clRetainEvent(cl_event event)
{
    return fake_retain(event, FAKE_EVENT);
}

cl_int CL_API_CALL fake_clReleaseEvent(cl_event event)
{
    return fake_release(event, FAKE_EVENT);
}

cl_int CL_API_CALL fake_clGetEventProfilingInfo(cl_event event, cl_profiling_info what, size_t room, void *place, size_t *size)
{
    cl_ulong time = what == CL_PROFILING_COMMAND_END ? 2000 : 1000;
    fake_object(event, FAKE_EVENT);
    FAKE_TRY(clGetEventProfilingInfo);
    return fake_answer(&time, sizeof time, room, place, size);
}

cl_int CL_API_CALL fake_clFlush(cl_command_queue queue)
{
    fake_object(queue, FAKE_QUEUE);
    FAKE_TRY(clFlush);
    return CL_SUCCESS;
}

cl_int CL_API_CALL fake_clFinish(cl_command_queue queue)
{
    fake_object(queue, FAKE_QUEUE);
    FAKE_TRY(clFinish);
    return CL_SUCCESS;
}

cl_int CL_API_CALL fake_clEnqueueReadBuffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset, size_t bytes,
                                            void *to, cl_uint n, const cl_event *list, cl_event *event)
{
    const char *from = range(memory, offset, bytes);
    (void)blocking;
    FAKE_TRY(clEnqueueReadBuffer);
    if (!from || !to)
        return CL_INVALID_VALUE;
    memcpy(to, from, bytes);
    return end_command(queue, n, list, event);
}

cl_int CL_API_CALL fake_clEnqueueWriteBuffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset, size_t bytes,
                                             const void *from, cl_uint n, const cl_event *list, cl_event *event)
{
    char *to = range(memory, offset, bytes);
    (void)blocking;
    FAKE_TRY(clEnqueueWriteBuffer);
    if (!from || !to)
        return CL_INVALID_VALUE;
    memcpy(to, from, bytes);
    return end_command(queue, n, list, event);
}

cl_int CL_API_CALL fake_clEnqueueCopyBuffer(cl_command_queue queue, cl_mem from, cl_mem to, size_t from_offset, size_t to_offset,
                                            size_t bytes, cl_uint n, const cl_event *list, cl_event *event)
{
    const char *source = range(from, from_offset, bytes);
    char *target = range(to, to_offset, bytes);
    FAKE_TRY(clEnqueueCopyBuffer);
    if (!source || !target)
        return CL_INVALID_VALUE;
    if (target < source + bytes && source < target + bytes)
        return CL_MEM_COPY_OVERLAP;
    memcpy(target, source, bytes);
    return end_command(queue, n, list, event);
}

cl_int CL_API_CALL fake_clEnqueueFillBuffer(cl_command_queue queue, cl_mem memory, const void *pattern, size_t pattern_bytes,
                                            size_t offset, size_t bytes, cl_uint n, const cl_event *list, cl_event *event)
{
    char *to = range(memory, offset, bytes);
    FAKE_TRY(clEnqueueFillBuffer);
    if (!to || pattern_bytes == 0 || offset % pattern_bytes || bytes % pattern_bytes)
        return CL_INVALID_VALUE;
    for (size_t i = 0; i < bytes; i += pattern_bytes)
        memcpy(to + i, pattern, pattern_bytes);
    return end_command(queue, n, list, event);
}

void *CL_API_CALL fake_clEnqueueMapBuffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, cl_map_flags flags,
                                          size_t offset, size_t bytes, cl_uint n, const cl_event *list, cl_event *event,
                                          cl_int *error)
{
    char *to = range(memory, offset, bytes);
    (void)blocking;
    (void)flags;
    *error = fake_enter("clEnqueueMapBuffer");
    if (*error == CL_SUCCESS && !to)
        *error = CL_INVALID_VALUE;
    if (*error == CL_SUCCESS)
        *error = end_command(queue, n, list, event);
    return *error == CL_SUCCESS ? to : NULL;
}

cl_int CL_API_CALL fake_clEnqueueUnmapMemObject(cl_command_queue queue, cl_mem memory, void *mapping, cl_uint n,
                                                const cl_event *list, cl_event *event)
{
    struct object *buffer = fake_object(memory, FAKE_BUFFER);
    FAKE_TRY(clEnqueueUnmapMemObject);
    if ((char *)mapping < buffer->data || (char *)mapping >= buffer->data + buffer->bytes)
        return CL_INVALID_VALUE;
    return end_command(queue, n, list, event);
}

/* What cl/common/probe.cl computes. */
static void run_probe(const struct object *kernel, size_t n)
{
    const float *x = (const void *)kernel->arguments[0]->data;
    float *y = (void *)kernel->arguments[1]->data, sum = 0.0f;
    uint32_t *z = (void *)kernel->arguments[2]->data;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    for (size_t i = 0; i < n; i++) {
        uint32_t k = (uint32_t)i;
        float weighted = x[i + 1] + 2.0f * x[i + 2] + 3.0f * x[i + 3] - 4.0f * x[i + 4];
        y[2 * i + 1] = sum + x[n - 1 - i];
        y[2 * i + 2] = weighted * 2.0f + (x[i] > 3.0f ? x[i] : 3.0f);
        z[i] = (uint32_t)(((uint64_t)(k * 0x01000001u) * 0x00010203u) >> 32) ^ (k << 7) ^ (k % 7) ^
               (k >= 5 ? (k - 5) >> 1 : ~((4 - k) >> 1));
    }
}

cl_int CL_API_CALL fake_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                               const size_t *global, const size_t *local, cl_uint n, const cl_event *list,
                                               cl_event *event)
{
    struct object *k = fake_object(kernel, FAKE_KERNEL);
    (void)offset;
    FAKE_TRY(clEnqueueNDRangeKernel);
    if (dimensions < 1 || dimensions > 3)
        return CL_INVALID_WORK_DIMENSION;
    for (cl_uint i = 0; i < dimensions; i++) {
        if (global[i] == 0)
            return CL_INVALID_GLOBAL_WORK_SIZE;
        if (local && (local[i] == 0 || global[i] % local[i] != 0))
            return CL_INVALID_WORK_GROUP_SIZE;
    }
    fake_count_launch();
    if (strcmp(k->data, "probe") == 0)
        run_probe(k, global[0]);
    return end_command(queue, n, list, event);
}

cl_int CL_API_CALL fake_clEnqueueMarkerWithWaitList(cl_command_queue queue, cl_uint n, const cl_event *list, cl_event *event)
{
    FAKE_TRY(clEnqueueMarkerWithWaitList);
    return end_command(queue, n, list, event);
}

cl_int CL_API_CALL fake_clEnqueueBarrierWithWaitList(cl_command_queue queue, cl_uint n, const cl_event *list, cl_event *event)
{
    FAKE_TRY(clEnqueueBarrierWithWaitList);
    return end_command(queue, n, list, event);
}
