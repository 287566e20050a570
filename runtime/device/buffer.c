/* SPDX-License-Identifier: Apache-2.0 */
/* buffer.c: device memory, our own and an application's, and blocking transfers. */
#include "device/private.h"

/* `cl` goes over to the buffer, and is released on failure. */
static plugcl_status make_buffer(plugcl_context *context, cl_mem cl, size_t bytes, bool adopted, struct buffer **made)
{
    struct buffer *buffer = memory_zeroed(1, sizeof *buffer);
    if (!buffer) {
        context->api->clReleaseMemObject(cl);
        return fail_no_memory(sizeof *buffer);
    }
    atomic_init(&buffer->references, 1);
    buffer->context = context_hold(context);
    buffer->cl = cl;
    buffer->bytes = bytes;
    buffer->adopted = adopted;
    if (!adopted)
        atomic_fetch_add(&context->device_bytes, bytes);
    *made = buffer;
    return PLUGCL_OK;
}

plugcl_status buffer_create(plugcl_context *context, size_t bytes, bool mapped, struct buffer **buffer)
{
    *buffer = NULL;
    if (bytes > context->caps.max_allocation)
        return fail(PLUGCL_NO_MEMORY, "%zu bytes are more than the device gives in one allocation (%zu)", bytes,
                    context->caps.max_allocation);
    cl_int error = CL_SUCCESS;
    size_t size = bytes > 0 ? bytes : 4;
    cl_mem_flags flags = CL_MEM_READ_WRITE | (mapped ? CL_MEM_ALLOC_HOST_PTR : 0);
    cl_mem cl = context->api->clCreateBuffer(context->cl, flags, size, NULL, &error);
    if (!cl) {
        plugcl_status status = opencl_fail("clCreateBuffer", error);
        return fail_in(status, "%zu bytes of device memory (at most %zu at once): ", size, context->caps.max_allocation);
    }
    return make_buffer(context, cl, size, false, buffer);
}

plugcl_status buffer_create_over(plugcl_context *context, void *host, size_t bytes, struct buffer **buffer)
{
    cl_int error = CL_SUCCESS;
    *buffer = NULL;
    cl_mem cl = context->api->clCreateBuffer(context->cl, CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, bytes, host, &error);
    return cl ? make_buffer(context, cl, bytes, true, buffer) : opencl_fail("clCreateBuffer", error);
}

plugcl_status buffer_wrap(plugcl_context *context, cl_mem cl, struct buffer **buffer)
{
    const struct opencl_api *api = context->api;
    *buffer = NULL;
    cl_context owner = NULL;
    cl_mem_object_type type = 0;
    size_t bytes = 0;
    cl_int error = api->clGetMemObjectInfo(cl, CL_MEM_CONTEXT, sizeof owner, &owner, NULL);
    if (!error)
        error = api->clGetMemObjectInfo(cl, CL_MEM_TYPE, sizeof type, &type, NULL);
    if (!error)
        error = api->clGetMemObjectInfo(cl, CL_MEM_SIZE, sizeof bytes, &bytes, NULL);
    if (error == CL_INVALID_MEM_OBJECT)
        return fail(PLUGCL_INVALID, "this is no OpenCL memory object");
    if (error)
        return opencl_fail("clGetMemObjectInfo", error);
    if (type != CL_MEM_OBJECT_BUFFER)
        return fail(PLUGCL_INVALID, "the memory object is an image; a buffer is wanted");
    if (owner != context->cl)
        return fail(PLUGCL_INVALID, "the buffer belongs to another OpenCL context");
    if ((error = api->clRetainMemObject(cl)) != CL_SUCCESS)
        return opencl_fail("clRetainMemObject", error);
    return make_buffer(context, cl, bytes, true, buffer);
}

struct buffer *buffer_take(struct buffer *buffer)
{
    if (buffer)
        reference_take(&buffer->references);
    return buffer;
}

void buffer_drop(struct buffer **buffer)
{
    if (!buffer || !*buffer)
        return;
    struct buffer *dropped = *buffer;
    *buffer = NULL;
    if (!reference_drop(&dropped->references))
        return;
    plugcl_context *context = dropped->context;
    context->api->clReleaseMemObject(dropped->cl);
    if (!dropped->adopted)
        atomic_fetch_sub(&context->device_bytes, dropped->bytes);
    memory_free(dropped);
    context_let_go(context);
}

bool buffer_is_shared(const struct buffer *buffer)
{
    return atomic_load(&((struct buffer *)buffer)->references) > 1;
}

bool buffer_is_same(const struct buffer *a, const struct buffer *b)
{
    return a->cl == b->cl;
}

size_t buffer_bytes(const struct buffer *buffer)
{
    return buffer->bytes;
}

plugcl_status buffer_write_now(struct buffer *buffer, size_t offset, const void *data, size_t bytes)
{
    if (bytes == 0)
        return PLUGCL_OK;
    plugcl_context *context = buffer->context;
    cl_int error = context->api->clEnqueueWriteBuffer(context->transfers, buffer->cl, CL_TRUE, offset, bytes, data, 0, NULL, NULL);
    return error ? opencl_fail("clEnqueueWriteBuffer", error) : PLUGCL_OK;
}

plugcl_status buffer_map_to_fill(struct buffer *buffer, void **data)
{
    plugcl_context *context = buffer->context;
    cl_int error = CL_SUCCESS;
    *data = context->api->clEnqueueMapBuffer(context->transfers, buffer->cl, CL_TRUE, CL_MAP_WRITE_INVALIDATE_REGION, 0,
                                             buffer->bytes, 0, NULL, NULL, &error);
    return error ? opencl_fail("clEnqueueMapBuffer", error) : PLUGCL_OK;
}

plugcl_status buffer_unmap(struct buffer *buffer, void *data)
{
    plugcl_context *context = buffer->context;
    cl_int error = context->api->clEnqueueUnmapMemObject(context->transfers, buffer->cl, data, 0, NULL, NULL);
    if (error)
        return opencl_fail("clEnqueueUnmapMemObject", error);
    /* Runs are on other queues and must see what the host wrote. */
    error = context->api->clFinish(context->transfers);
    return error ? opencl_fail("clFinish", error) : PLUGCL_OK;
}

plugcl_status buffer_read_now(const struct buffer *buffer, size_t offset, void *data, size_t bytes)
{
    if (bytes == 0)
        return PLUGCL_OK;
    plugcl_context *context = buffer->context;
    cl_int error = context->api->clEnqueueReadBuffer(context->transfers, buffer->cl, CL_TRUE, offset, bytes, data, 0, NULL, NULL);
    return error ? opencl_fail("clEnqueueReadBuffer", error) : PLUGCL_OK;
}
