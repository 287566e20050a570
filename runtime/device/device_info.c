/* SPDX-License-Identifier: Apache-2.0 */
/* device_info.c: asking a device what it is and can do. */
#include <stdio.h>

#include "device/private.h"
#include "device/quirks.h"

/* An answer in new memory, zero-terminated; NULL with *error set when it cannot be had, CL_OUT_OF_HOST_MEMORY for ours too. */
static char *platform_text(const struct opencl_api *api, cl_platform_id id, cl_platform_info what, cl_int *error)
{
    size_t size = 0;
    *error = api->clGetPlatformInfo(id, what, 0, NULL, &size);
    char *text = *error ? NULL : memory_zeroed(size + 1, 1);
    if (!text && !*error)
        *error = CL_OUT_OF_HOST_MEMORY;
    if (text && (*error = api->clGetPlatformInfo(id, what, size, text, NULL)) != CL_SUCCESS) {
        memory_free(text);
        text = NULL;
    }
    return text;
}

static char *device_text(const struct opencl_api *api, cl_device_id id, cl_device_info what, cl_int *error)
{
    size_t size = 0;
    *error = api->clGetDeviceInfo(id, what, 0, NULL, &size);
    char *text = *error ? NULL : memory_zeroed(size + 1, 1);
    if (!text && !*error)
        *error = CL_OUT_OF_HOST_MEMORY;
    if (text && (*error = api->clGetDeviceInfo(id, what, size, text, NULL)) != CL_SUCCESS) {
        memory_free(text);
        text = NULL;
    }
    return text;
}

void device_set_reason(struct device *device, plugcl_status status, const char *reason)
{
    char *copy = string_copy(reason);
    memory_free((char *)device->info.reason);
    device->info.reason = copy; /* NULL, out of memory, is seen to by the caller or read as "" */
    device->info.usable = false;
    device->status = status;
}

static cl_int describe_platform(const struct opencl_api *api, cl_platform_id platform, struct device *device)
{
    cl_int error;
    device->info.platform = platform_text(api, platform, CL_PLATFORM_NAME, &error);
    if (!error)
        device->platform_version = platform_text(api, platform, CL_PLATFORM_VERSION, &error);
    return error;
}

static cl_int describe_texts(const struct opencl_api *api, cl_device_id id, struct plugcl_device_info *info)
{
    cl_int error;
    const struct {
        cl_device_info what;
        const char **text;
    } texts[] = {
        { CL_DEVICE_NAME, &info->name },
        { CL_DEVICE_VENDOR, &info->vendor },
        { CL_DEVICE_VERSION, &info->version },
        { CL_DRIVER_VERSION, &info->driver },
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i].text = device_text(api, id, texts[i].what, &error);
        if (error)
            return error;
    }
    return CL_SUCCESS;
}

static cl_int describe_extensions(const struct opencl_api *api, cl_device_id id, struct plugcl_device_info *info)
{
    cl_int error;
    char *extensions = device_text(api, id, CL_DEVICE_EXTENSIONS, &error);
    if (extensions) {
        info->has_half = strstr(extensions, "cl_khr_fp16") != NULL;
        info->has_double = strstr(extensions, "cl_khr_fp64") != NULL;
    }
    memory_free(extensions);
    return error;
}

/* `*compiler` and `*available` are what decides whether the device may be tried. */
static cl_int describe_numbers(const struct opencl_api *api, cl_device_id id, struct device *device, cl_bool *compiler,
                               cl_bool *available)
{
    struct plugcl_device_info *info = &device->info;
    cl_uint units = 0, width = 0, bits = 0;
    cl_ulong global = 0, largest = 0, local = 0;
    size_t group = 0;
    cl_bool unified = CL_FALSE;
    const struct {
        cl_device_info what;
        size_t size;
        void *value;
    } numbers[] = {
        { CL_DEVICE_TYPE, sizeof device->types, &device->types },
        { CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units },
        { CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof width, &width },
        { CL_DEVICE_ADDRESS_BITS, sizeof bits, &bits },
        { CL_DEVICE_GLOBAL_MEM_SIZE, sizeof global, &global },
        { CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof largest, &largest },
        { CL_DEVICE_LOCAL_MEM_SIZE, sizeof local, &local },
        { CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof group, &group },
        { CL_DEVICE_HOST_UNIFIED_MEMORY, sizeof unified, &unified },
        { CL_DEVICE_COMPILER_AVAILABLE, sizeof *compiler, compiler },
        { CL_DEVICE_AVAILABLE, sizeof *available, available },
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        cl_int error = api->clGetDeviceInfo(id, numbers[i].what, numbers[i].size, numbers[i].value, NULL);
        if (error)
            return error;
    }
    info->type = device->types & CL_DEVICE_TYPE_GPU   ? PLUGCL_DEVICE_GPU
                 : device->types & CL_DEVICE_TYPE_CPU ? PLUGCL_DEVICE_CPU
                                                      : PLUGCL_DEVICE_OTHER;
    info->compute_units = units;
    info->float_vector_width = width;
    info->global_memory = global;
    info->max_allocation = largest;
    info->local_memory = local;
    info->max_work_group = group;
    info->has_unified_memory = unified;
    device->address_bits = bits;
    return CL_SUCCESS;
}

/* "OpenCL 1.2 …", of which the specification fixes this much. */
static bool version_is_enough(const char *version)
{
    int major = 0, minor = 0;
    return sscanf(version, "OpenCL %d.%d", &major, &minor) == 2 && (major > 1 || (major == 1 && minor >= 2));
}

static void judge(struct device *device, cl_bool compiler, cl_bool available)
{
    const char *reason = NULL;
    device->quirks = quirks_find(device->info.platform, device->info.name ? device->info.name : "", &reason);
    if (!device->id)
        reason = reason ? reason : "the platform has no device";
    else if (!reason && !available)
        reason = "the device is not available";
    else if (!reason && !compiler)
        reason = "the driver has no compiler";
    else if (!reason && !version_is_enough(device->info.version))
        reason = "the device has an OpenCL older than 1.2";
    if (reason)
        device_set_reason(device, PLUGCL_NOT_FOUND, reason);
    else
        device->info.usable = true;
}

/* Every text is there in the end, empty for what is not known. */
static bool fill_texts(struct device *device)
{
    struct plugcl_device_info *info = &device->info;
    const char **texts[] = { &info->platform, &info->name, &info->vendor, &info->version, &info->driver, &info->reason };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!*texts[i] && !(*texts[i] = string_copy("")))
            return false;
    }
    return device->platform_version || (device->platform_version = string_copy("")) != NULL;
}

plugcl_status device_describe(const struct opencl_api *api, cl_platform_id platform, cl_device_id id, struct device *device)
{
    *device = (struct device){ .platform = platform, .id = id, .info = { .struct_size = sizeof device->info } };
    cl_bool compiler = CL_FALSE, available = CL_FALSE;
    cl_int error = describe_platform(api, platform, device);
    const char *call = error ? "clGetPlatformInfo" : "clGetDeviceInfo";
    if (!error && id)
        error = describe_texts(api, id, &device->info);
    if (!error && id)
        error = describe_numbers(api, id, device, &compiler, &available);
    if (!error && id)
        error = describe_extensions(api, id, &device->info);
    if (error)
        device_set_reason(device, opencl_fail(call, error), plugcl_error_message());
    else
        judge(device, compiler, available);
    if (fill_texts(device))
        return PLUGCL_OK;
    device_free(device);
    return fail_no_memory(1);
}

void device_free(struct device *device)
{
    struct plugcl_device_info *info = &device->info;
    memory_free((char *)info->platform);
    memory_free((char *)info->name);
    memory_free((char *)info->vendor);
    memory_free((char *)info->version);
    memory_free((char *)info->driver);
    memory_free((char *)info->reason);
    memory_free(device->platform_version);
    *device = (struct device){ 0 };
}
