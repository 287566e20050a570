/* SPDX-License-Identifier: Apache-2.0 */
/* cl_interop.c: <plugcl/cl.h>, sharing OpenCL objects with an application. */
#include "device/private.h"

static plugcl_status check_device(const struct opencl_api *api, cl_context cl, cl_device_id device)
{
    size_t bytes = 0;
    cl_int error = api->clGetContextInfo(cl, CL_CONTEXT_DEVICES, 0, NULL, &bytes);
    cl_device_id *ids = error ? NULL : memory_zeroed(bytes + 1, 1);
    if (!error && !ids)
        return fail_no_memory(bytes);
    if (ids)
        error = api->clGetContextInfo(cl, CL_CONTEXT_DEVICES, bytes, ids, NULL);
    bool found = false;
    for (size_t i = 0; !error && i < bytes / sizeof *ids; i++)
        found = found || ids[i] == device;
    memory_free(ids);
    if (error == CL_INVALID_CONTEXT)
        return fail(PLUGCL_INVALID, "this is no OpenCL context");
    if (error)
        return opencl_fail("clGetContextInfo", error);
    return found ? PLUGCL_OK : fail(PLUGCL_INVALID, "the device is not one of the context's");
}

/* Where the listing has it; 0:0 if it has it nowhere, as for a part of a device. */
static cl_int find_indices(const struct opencl_api *api, cl_platform_id platform, cl_device_id id, struct plugcl_device_info *info)
{
    cl_platform_id platforms[64];
    cl_device_id devices[64];
    cl_uint n_platforms = 0, n_devices = 0;
    cl_int error = api->clGetPlatformIDs(64, platforms, &n_platforms);
    if (!error)
        error = api->clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 64, devices, &n_devices);
    for (cl_uint p = 0; !error && p < n_platforms && p < 64; p++) {
        for (cl_uint d = 0; platforms[p] == platform && d < n_devices && d < 64; d++) {
            if (devices[d] == id) {
                info->platform_index = p;
                info->device_index = d;
            }
        }
    }
    return error;
}

static plugcl_status find_device(const struct opencl_api *api, cl_device_id id, struct device *device)
{
    cl_platform_id platform = NULL;
    cl_int error = api->clGetDeviceInfo(id, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL);
    if (error)
        return opencl_fail("clGetDeviceInfo", error);
    plugcl_status status = device_describe(api, platform, id, device);
    if (status == PLUGCL_OK && device->info.usable && (error = find_indices(api, platform, id, &device->info)) != CL_SUCCESS) {
        device_free(device);
        status = opencl_fail("listing the platform's devices", error);
    }
    return status;
}

static plugcl_status adopt(struct opencl_library *library, cl_context cl, cl_device_id id, cl_command_queue queue,
                           const struct plugcl_context_params *given, plugcl_context **context)
{
    struct device device;
    plugcl_status status =
        cl && id ? check_device(library->api, cl, id) : fail(PLUGCL_INVALID, "a context and a device are needed");
    if (status == PLUGCL_OK)
        status = find_device(library->api, id, &device);
    if (status != PLUGCL_OK)
        return status;
    if (!device.info.usable) {
        if (device.status == PLUGCL_NOT_FOUND)
            status = fail(PLUGCL_UNSUPPORTED, "%s cannot be used: %s", device.info.name, device.info.reason);
        else
            status = device.status; /* with the message of the query that failed */
        device_free(&device);
        return status;
    }
    struct context_source source = { library, &device, cl, queue, given };
    return context_open(&source, context);
}

plugcl_status context_adopt_with_api(struct opencl_library *library, cl_context cl, cl_device_id id, cl_command_queue queue,
                                     const struct plugcl_context_params *params, plugcl_context **context)
{
    struct plugcl_context_params given = plugcl_context_params_init();
    if (!context)
        return fail(PLUGCL_INVALID, "no place for the context was given");
    *context = NULL;
    plugcl_status status = params ? params_read("plugcl_context_params", params, &given, sizeof given) : PLUGCL_OK;
    if (status == PLUGCL_OK)
        status = adopt(library, cl, id, queue, &given, context);
    if (status != PLUGCL_OK)
        context_log_failure(&given);
    return status;
}

plugcl_status plugcl_context_adopt(cl_context cl, cl_device_id device, cl_command_queue queue,
                                   const struct plugcl_context_params *params, plugcl_context **context)
{
    if (context)
        *context = NULL;
    struct opencl_library library;
    plugcl_status status = opencl_open(&library);
    if (status == PLUGCL_OK)
        status = context_adopt_with_api(&library, cl, device, queue, params, context);
    opencl_close(&library);
    return status;
}

plugcl_status plugcl_tensor_wrap_cl_mem(plugcl_context *context, cl_mem memory, size_t byte_offset,
                                        const struct plugcl_tensor_params *params, plugcl_tensor **tensor)
{
    if (!context || !memory || !params || !tensor)
        return fail(PLUGCL_INVALID, "plugcl_tensor_wrap_cl_mem needs a context, memory, parameters and a place for the tensor");
    *tensor = NULL;
    struct plugcl_tensor_params given;
    struct buffer *buffer = NULL;
    plugcl_status status = params_read("plugcl_tensor_params", params, &given, sizeof given);
    if (status == PLUGCL_OK)
        status = buffer_wrap(context, memory, &buffer);
    if (status == PLUGCL_OK)
        status = tensor_wrap_buffer(buffer, byte_offset, &given, tensor);
    buffer_drop(&buffer);
    return status;
}

cl_mem plugcl_tensor_cl_mem(const plugcl_tensor *tensor, size_t *byte_offset)
{
    struct buffer *buffer = tensor ? tensor_buffer(tensor, byte_offset) : NULL;
    return buffer ? buffer->cl : NULL;
}

plugcl_status plugcl_event_adopt(plugcl_context *context, cl_event cl, plugcl_event **event)
{
    if (!context || !cl || !event)
        return fail(PLUGCL_INVALID, "plugcl_event_adopt needs a context, an event and a place for the handle");
    *event = NULL;
    const struct opencl_api *api = context->api;
    cl_context owner = NULL;
    cl_int error = api->clGetEventInfo(cl, CL_EVENT_CONTEXT, sizeof owner, &owner, NULL);
    if (error == CL_INVALID_EVENT)
        return fail(PLUGCL_INVALID, "this is no OpenCL event");
    if (error)
        return opencl_fail("clGetEventInfo", error);
    if (owner != context->cl)
        return fail(PLUGCL_INVALID, "the event belongs to another OpenCL context");
    if ((error = api->clRetainEvent(cl)) != CL_SUCCESS)
        return opencl_fail("clRetainEvent", error);
    return event_make(context, cl, event);
}

cl_event plugcl_event_cl(const plugcl_event *event)
{
    return event ? event->cl : NULL;
}
