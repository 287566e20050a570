/* SPDX-License-Identifier: Apache-2.0 */
/* opencl.c: finding the OpenCL functions, linked or in a library loaded at run time, and the names of OpenCL's errors. */
#include "device/opencl.h"

#include <string.h>

#include "base/library.h"
#include "base/memory.h"

#if defined(PLUGCL_OPENCL_DLOPEN)

static const char *const library_names[] = {
#if defined(_WIN32)
    "OpenCL.dll",
#else
#if defined(__APPLE__)
    "/System/Library/Frameworks/OpenCL.framework/OpenCL",
#elif defined(__ANDROID__) && defined(__LP64__)
    "libOpenCL.so", "/vendor/lib64/libOpenCL.so", "/system/vendor/lib64/libOpenCL.so", "/system/lib64/libOpenCL.so",
    "/vendor/lib64/egl/libGLES_mali.so", "/system/vendor/lib64/egl/libGLES_mali.so",
#elif defined(__ANDROID__)
    "libOpenCL.so", "/vendor/lib/libOpenCL.so", "/system/vendor/lib/libOpenCL.so", "/system/lib/libOpenCL.so",
    "/vendor/lib/egl/libGLES_mali.so", "/system/vendor/lib/egl/libGLES_mali.so",
#endif
    "libOpenCL.so.1", "libOpenCL.so",
#endif
};

/* The name of the first function that the library lacks, NULL when it has them all. */
static const char *fill_table(void *handle, struct opencl_api *api)
{
#define OPENCL_LOOK_UP(name)                          \
    if (!library_symbol(handle, #name, &api->name))   \
        return #name;
    OPENCL_FUNCTIONS(OPENCL_LOOK_UP)
#undef OPENCL_LOOK_UP
    return NULL;
}

plugcl_status opencl_open(struct opencl_library *library)
{
    *library = (struct opencl_library){ 0 };
    struct opencl_api *api = memory_zeroed(1, sizeof *api);
    if (!api)
        return fail_no_memory(sizeof *api);
    const char *missing = NULL;
    for (size_t i = 0; i < sizeof library_names / sizeof library_names[0]; i++) {
        void *handle = library_open_system(library_names[i]);
        if (!handle)
            continue;
        const char *lacks = fill_table(handle, api);
        if (!lacks) {
            *library = (struct opencl_library){ .api = api, .loaded = api, .handle = handle };
            return PLUGCL_OK;
        }
        missing = lacks;
        library_close(handle);
    }
    memory_free(api);
    if (missing)
        return fail(PLUGCL_NOT_FOUND, "the OpenCL library of this machine has no %s; OpenCL 1.2 is needed", missing);
    return fail(PLUGCL_NOT_FOUND, "there is no OpenCL library (%s) on this machine", library_names[0]);
}

void opencl_close(struct opencl_library *library)
{
    if (library->handle)
        library_close(library->handle);
    memory_free(library->loaded);
    *library = (struct opencl_library){ 0 };
}

#else

const struct opencl_api *opencl_api_linked(void)
{
#define OPENCL_ADDRESS(name) .name = name,
    static const struct opencl_api api = { OPENCL_FUNCTIONS(OPENCL_ADDRESS) };
#undef OPENCL_ADDRESS
    return &api;
}

plugcl_status opencl_open(struct opencl_library *library)
{
    *library = (struct opencl_library){ .api = opencl_api_linked() };
    return PLUGCL_OK;
}

void opencl_close(struct opencl_library *library)
{
    *library = (struct opencl_library){ 0 };
}

#endif

const char *opencl_error_name(cl_int error)
{
#define NAME(value) case value: return #value;
    switch (error) {
    NAME(CL_SUCCESS) NAME(CL_DEVICE_NOT_FOUND) NAME(CL_DEVICE_NOT_AVAILABLE) NAME(CL_COMPILER_NOT_AVAILABLE)
    NAME(CL_MEM_OBJECT_ALLOCATION_FAILURE) NAME(CL_OUT_OF_RESOURCES) NAME(CL_OUT_OF_HOST_MEMORY)
    NAME(CL_PROFILING_INFO_NOT_AVAILABLE) NAME(CL_MEM_COPY_OVERLAP) NAME(CL_BUILD_PROGRAM_FAILURE) NAME(CL_MAP_FAILURE)
    NAME(CL_MISALIGNED_SUB_BUFFER_OFFSET) NAME(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST) NAME(CL_INVALID_VALUE)
    NAME(CL_INVALID_DEVICE_TYPE) NAME(CL_INVALID_PLATFORM) NAME(CL_INVALID_DEVICE) NAME(CL_INVALID_CONTEXT)
    NAME(CL_INVALID_QUEUE_PROPERTIES) NAME(CL_INVALID_COMMAND_QUEUE) NAME(CL_INVALID_HOST_PTR) NAME(CL_INVALID_MEM_OBJECT)
    NAME(CL_INVALID_BINARY) NAME(CL_INVALID_BUILD_OPTIONS) NAME(CL_INVALID_PROGRAM) NAME(CL_INVALID_PROGRAM_EXECUTABLE)
    NAME(CL_INVALID_KERNEL_NAME) NAME(CL_INVALID_KERNEL_DEFINITION) NAME(CL_INVALID_KERNEL) NAME(CL_INVALID_ARG_INDEX)
    NAME(CL_INVALID_ARG_VALUE) NAME(CL_INVALID_ARG_SIZE) NAME(CL_INVALID_KERNEL_ARGS) NAME(CL_INVALID_WORK_DIMENSION)
    NAME(CL_INVALID_WORK_GROUP_SIZE) NAME(CL_INVALID_WORK_ITEM_SIZE) NAME(CL_INVALID_GLOBAL_OFFSET)
    NAME(CL_INVALID_EVENT_WAIT_LIST) NAME(CL_INVALID_EVENT) NAME(CL_INVALID_OPERATION) NAME(CL_INVALID_BUFFER_SIZE)
    NAME(CL_INVALID_GLOBAL_WORK_SIZE) NAME(CL_INVALID_PROPERTY)
    case -1001: return "CL_PLATFORM_NOT_FOUND_KHR";
    default: return "an unknown OpenCL error";
    }
#undef NAME
}

plugcl_status opencl_fail(const char *call, cl_int error)
{
    bool memory = error == CL_MEM_OBJECT_ALLOCATION_FAILURE || error == CL_OUT_OF_RESOURCES || error == CL_OUT_OF_HOST_MEMORY;
    return fail(memory ? PLUGCL_NO_MEMORY : PLUGCL_DEVICE, "%s failed: %s (%d)", call, opencl_error_name(error), (int)error);
}
