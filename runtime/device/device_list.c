/* SPDX-License-Identifier: Apache-2.0 */
/* device_list.c: every platform and device, and which of them plugcl can use. */
#include "device/private.h"

enum { CL_PLATFORM_NOT_FOUND = -1001 }; /* the ICD loader's word for "no driver is installed", from cl_ext.h */

static plugcl_status add_device(const struct opencl_api *api, struct devices *devices, cl_platform_id platform, cl_device_id id,
                                size_t platform_index, size_t device_index)
{
    struct device *device = array_push(&devices->items, &devices->count, &devices->capacity, sizeof *device);
    if (!device)
        return fail_no_memory(sizeof *device);
    plugcl_status status = device_describe(api, platform, id, device);
    device->info.platform_index = (uint32_t)platform_index;
    device->info.device_index = (uint32_t)device_index;
    return status;
}

static plugcl_status add_platform(const struct opencl_api *api, struct devices *devices, cl_platform_id platform, size_t index)
{
    cl_uint count = 0;
    cl_int error = api->clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &count);
    cl_device_id *ids = !error && count > 0 ? memory_zeroed(count, sizeof *ids) : NULL;
    if (!error && count > 0 && !ids)
        return fail_no_memory(count * sizeof *ids);
    if (ids)
        error = api->clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, count, ids, NULL);
    plugcl_status status = PLUGCL_OK;
    for (cl_uint i = 0; ids && !error && i < count && status == PLUGCL_OK; i++)
        status = add_device(api, devices, platform, ids[i], index, i);
    if (!ids || error) {
        status = add_device(api, devices, platform, NULL, index, 0);
        if (status == PLUGCL_OK && error && error != CL_DEVICE_NOT_FOUND) {
            struct device *device = &devices->items[devices->count - 1];
            device_set_reason(device, opencl_fail("clGetDeviceIDs", error), plugcl_error_message());
        }
    }
    memory_free(ids);
    return status;
}

plugcl_status devices_find(const struct opencl_api *api, struct devices *devices)
{
    *devices = (struct devices){ 0 };
    cl_uint count = 0;
    cl_int error = api->clGetPlatformIDs(0, NULL, &count);
    if (error == CL_PLATFORM_NOT_FOUND || (!error && count == 0))
        return PLUGCL_OK;
    if (error)
        return opencl_fail("clGetPlatformIDs", error);
    cl_platform_id *ids = memory_zeroed(count, sizeof *ids);
    if (!ids)
        return fail_no_memory(count * sizeof *ids);
    error = api->clGetPlatformIDs(count, ids, NULL);
    plugcl_status status = error ? opencl_fail("clGetPlatformIDs", error) : PLUGCL_OK;
    for (cl_uint i = 0; i < count && status == PLUGCL_OK; i++)
        status = add_platform(api, devices, ids[i], i);
    memory_free(ids);
    if (status != PLUGCL_OK)
        devices_free(devices);
    return status;
}

void devices_free(struct devices *devices)
{
    for (size_t i = 0; i < devices->count; i++)
        device_free(&devices->items[i]);
    memory_free(devices->items);
    *devices = (struct devices){ 0 };
}

struct plugcl_device_list {
    struct devices devices;
};

/* A whole context is made, so that "usable" means what it says. A device that does not work is not a failure of the listing, but
 * for the host's memory. */
static plugcl_status try_device(const struct opencl_api *api, const struct plugcl_device_list_params *params,
                                struct device *device)
{
    struct plugcl_context_params context_params = { .struct_size = sizeof context_params, .log = params->log,
        .log_user = params->log_user, .log_level = params->log_level, .no_disk_cache = true };
    plugcl_context *context = NULL;
    context_try(api, &context_params, device, &context);
    plugcl_context_destroy(&context);
    return device->info.reason ? PLUGCL_OK : fail_no_memory(1);
}

plugcl_status device_list_create_with_api(const struct opencl_api *api, const struct plugcl_device_list_params *params,
                                          plugcl_device_list **list)
{
    if (!list)
        return fail(PLUGCL_INVALID, "no place for the device list was given");
    *list = NULL;
    struct plugcl_device_list_params given = plugcl_device_list_params_init();
    plugcl_status status = PLUGCL_OK;
    if (params)
        status = params_read("plugcl_device_list_params", params, &given, sizeof given);
    if (status != PLUGCL_OK)
        return status;
    plugcl_device_list *made = memory_zeroed(1, sizeof *made);
    if (!made)
        return fail_no_memory(sizeof *made);
    status = api ? devices_find(api, &made->devices) : PLUGCL_OK;
    for (size_t i = 0; i < made->devices.count && status == PLUGCL_OK; i++) {
        if (made->devices.items[i].info.usable && !given.no_probe)
            status = try_device(api, &given, &made->devices.items[i]);
    }
    if (status != PLUGCL_OK)
        plugcl_device_list_destroy(&made);
    *list = made;
    return status;
}

plugcl_status plugcl_device_list_create(const struct plugcl_device_list_params *params, plugcl_device_list **list)
{
    struct opencl_library library;
    plugcl_status status = opencl_open(&library);
    if (status != PLUGCL_OK && status != PLUGCL_NOT_FOUND)
        return status;
    status = device_list_create_with_api(library.api, params, list); /* no library: an empty list */
    opencl_close(&library);
    return status;
}

void plugcl_device_list_destroy(plugcl_device_list **list)
{
    if (!list || !*list)
        return;
    devices_free(&(*list)->devices);
    memory_free(*list);
    *list = NULL;
}

size_t plugcl_device_list_count(const plugcl_device_list *list)
{
    return list ? list->devices.count : 0;
}

const struct plugcl_device_info *plugcl_device_list_at(const plugcl_device_list *list, size_t index)
{
    return list && index < list->devices.count ? &list->devices.items[index].info : NULL;
}
