/* SPDX-License-Identifier: Apache-2.0 */
/* queue.c: an in-order queue. Its calls are on the way of every launch: one OpenCL call each and no allocation but the event. */
#include "device/private.h"

plugcl_status queue_create(plugcl_context *context, bool profile, struct queue **made)
{
    const struct opencl_api *api = context->api;
    *made = NULL;
    struct queue *queue = memory_zeroed(1, sizeof *queue);
    if (!queue)
        return fail_no_memory(sizeof *queue);
    queue->context = context_hold(context);
    cl_int error = CL_SUCCESS;
    plugcl_status status = PLUGCL_OK;
    if (context->adopted && context->adopted_in_order) {
        if ((error = api->clRetainCommandQueue(context->adopted)) != CL_SUCCESS)
            status = opencl_fail("clRetainCommandQueue", error);
        else
            queue->cl = context->adopted;
    } else {
        queue->bridged = context->adopted != NULL;
        queue->cl = api->clCreateCommandQueue(context->cl, context->device.id, profile ? CL_QUEUE_PROFILING_ENABLE : 0, &error);
        if (!queue->cl)
            status = opencl_fail("clCreateCommandQueue", error);
    }
    if (status != PLUGCL_OK)
        queue_destroy(&queue);
    *made = queue;
    return status;
}

void queue_destroy(struct queue **queue)
{
    if (!queue || !*queue)
        return;
    plugcl_context *context = (*queue)->context;
    if ((*queue)->cl)
        context->api->clReleaseCommandQueue((*queue)->cl);
    memory_free(*queue);
    *queue = NULL;
    context_let_go(context);
}

plugcl_status queue_launch(struct queue *queue, struct kernel *kernel, uint32_t dimensions, const size_t global[3],
                           const size_t local[3], plugcl_event **event)
{
    if (event)
        *event = NULL;
    bool chosen = false;
    for (uint32_t i = 0; i < dimensions; i++) {
        if (global[i] == 0)
            return PLUGCL_OK;
        chosen = chosen || local[i] != 0;
    }
    cl_event cl = NULL;
    cl_int error = queue->context->api->clEnqueueNDRangeKernel(queue->cl, kernel->cl, dimensions, NULL, global,
                                                               chosen ? local : NULL, 0, NULL, event ? &cl : NULL);
    if (error)
        return fail_in(opencl_fail("clEnqueueNDRangeKernel", error), "kernel %s: ", kernel->entry);
    return event ? event_make(queue->context, cl, event) : PLUGCL_OK;
}

plugcl_status queue_write(struct queue *queue, struct buffer *buffer, size_t offset, const void *data, size_t bytes)
{
    if (bytes == 0)
        return PLUGCL_OK;
    cl_int error = queue->context->api->clEnqueueWriteBuffer(queue->cl, buffer->cl, CL_FALSE, offset, bytes, data, 0, NULL, NULL);
    return error ? opencl_fail("clEnqueueWriteBuffer", error) : PLUGCL_OK;
}

plugcl_status queue_read(struct queue *queue, const struct buffer *buffer, size_t offset, void *data, size_t bytes)
{
    if (bytes == 0)
        return PLUGCL_OK;
    cl_int error = queue->context->api->clEnqueueReadBuffer(queue->cl, buffer->cl, CL_FALSE, offset, bytes, data, 0, NULL, NULL);
    return error ? opencl_fail("clEnqueueReadBuffer", error) : PLUGCL_OK;
}

plugcl_status queue_copy(struct queue *queue, const struct buffer *from, size_t from_offset, struct buffer *to, size_t to_offset,
                         size_t bytes)
{
    if (bytes == 0)
        return PLUGCL_OK;
    cl_int error = queue->context->api->clEnqueueCopyBuffer(queue->cl, from->cl, to->cl, from_offset, to_offset, bytes, 0, NULL,
                                                            NULL);
    return error ? opencl_fail("clEnqueueCopyBuffer", error) : PLUGCL_OK;
}

plugcl_status queue_fill(struct queue *queue, struct buffer *buffer, size_t offset, uint32_t pattern, size_t bytes)
{
    if (bytes == 0)
        return PLUGCL_OK;
    cl_int error = queue->context->api->clEnqueueFillBuffer(queue->cl, buffer->cl, &pattern, sizeof pattern, offset, bytes, 0,
                                                            NULL, NULL);
    return error ? opencl_fail("clEnqueueFillBuffer", error) : PLUGCL_OK;
}

/* Makes `queue` wait for an event of any queue of the context. The other queue is flushed, or the event might never come. */
static plugcl_status wait_for_cl(const struct opencl_api *api, cl_command_queue queue, cl_event cl)
{
    cl_command_queue other = NULL;
    cl_int error = api->clGetEventInfo(cl, CL_EVENT_COMMAND_QUEUE, sizeof other, &other, NULL);
    if (error)
        return opencl_fail("clGetEventInfo", error);
    if (other == queue)
        return PLUGCL_OK; /* in order */
    if (other && (error = api->clFlush(other)) != CL_SUCCESS)
        return opencl_fail("clFlush", error);
    error = api->clEnqueueBarrierWithWaitList(queue, 1, &cl, NULL);
    return error ? opencl_fail("clEnqueueBarrierWithWaitList", error) : PLUGCL_OK;
}

plugcl_status queue_check_event(const struct queue *queue, const plugcl_event *event)
{
    bool is_foreign = event && event->context->cl != queue->context->cl;
    return is_foreign ? fail(PLUGCL_INVALID, "the event to wait for belongs to another context") : PLUGCL_OK;
}

plugcl_status queue_wait_for(struct queue *queue, plugcl_event *event)
{
    return event ? wait_for_cl(queue->context->api, queue->cl, event->cl) : PLUGCL_OK;
}

plugcl_status queue_marker(struct queue *queue, plugcl_event **event)
{
    cl_event cl = NULL;
    *event = NULL;
    cl_int error = queue->context->api->clEnqueueMarkerWithWaitList(queue->cl, 0, NULL, &cl);
    return error ? opencl_fail("clEnqueueMarkerWithWaitList", error) : event_make(queue->context, cl, event);
}

/* `to` waits for all that `from` has so far. */
static plugcl_status bridge(const struct opencl_api *api, cl_command_queue from, cl_command_queue to)
{
    cl_event cl = NULL;
    cl_int error = api->clEnqueueMarkerWithWaitList(from, 0, NULL, &cl);
    if (error)
        return opencl_fail("clEnqueueMarkerWithWaitList", error);
    plugcl_status status = wait_for_cl(api, to, cl);
    api->clReleaseEvent(cl);
    return status;
}

plugcl_status queue_enter(struct queue *queue)
{
    return queue->bridged ? bridge(queue->context->api, queue->context->adopted, queue->cl) : PLUGCL_OK;
}

plugcl_status queue_leave(struct queue *queue)
{
    return queue->bridged ? bridge(queue->context->api, queue->cl, queue->context->adopted) : PLUGCL_OK;
}

plugcl_status queue_flush(struct queue *queue)
{
    cl_int error = queue->context->api->clFlush(queue->cl);
    return error ? opencl_fail("clFlush", error) : PLUGCL_OK;
}

plugcl_status queue_finish(struct queue *queue)
{
    cl_int error = queue->context->api->clFinish(queue->cl);
    return error ? opencl_fail("clFinish", error) : PLUGCL_OK;
}
