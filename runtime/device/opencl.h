/* SPDX-License-Identifier: Apache-2.0 */
/* opencl.h: the table of OpenCL functions. Private to device/: the tests put a table of their own in its place. */
#ifndef PLUGCL_DEVICE_OPENCL_H
#define PLUGCL_DEVICE_OPENCL_H

#include <plugcl/cl.h>

#include "base/error.h"

/* Every OpenCL function that plugcl calls, all of OpenCL 1.2. */
#define OPENCL_FUNCTIONS(X)                                                                                             \
    X(clGetPlatformIDs) X(clGetPlatformInfo) X(clGetDeviceIDs) X(clGetDeviceInfo)                                       \
    X(clCreateContext) X(clRetainContext) X(clReleaseContext) X(clGetContextInfo)                                       \
    X(clCreateCommandQueue) X(clRetainCommandQueue) X(clReleaseCommandQueue) X(clGetCommandQueueInfo)                   \
    X(clCreateBuffer) X(clRetainMemObject) X(clReleaseMemObject) X(clGetMemObjectInfo)                                  \
    X(clCreateProgramWithSource) X(clCreateProgramWithBinary) X(clReleaseProgram) X(clBuildProgram)                     \
    X(clGetProgramInfo) X(clGetProgramBuildInfo)                                                                        \
    X(clCreateKernel) X(clReleaseKernel) X(clSetKernelArg) X(clGetKernelInfo) X(clGetKernelWorkGroupInfo)               \
    X(clWaitForEvents) X(clGetEventInfo) X(clRetainEvent) X(clReleaseEvent) X(clGetEventProfilingInfo)                  \
    X(clFlush) X(clFinish) X(clEnqueueReadBuffer) X(clEnqueueWriteBuffer) X(clEnqueueCopyBuffer) X(clEnqueueFillBuffer) \
    X(clEnqueueMapBuffer) X(clEnqueueUnmapMemObject) X(clEnqueueNDRangeKernel)                                          \
    X(clEnqueueMarkerWithWaitList) X(clEnqueueBarrierWithWaitList)

struct opencl_api {
#define OPENCL_MEMBER(name) __typeof__(&name) name;
    OPENCL_FUNCTIONS(OPENCL_MEMBER)
#undef OPENCL_MEMBER
};

/* A table and what keeps it alive: nothing when it is linked or a test's, a loaded library with -DPLUGCL_OPENCL_DLOPEN. */
struct opencl_library {
    const struct opencl_api *api;
    struct opencl_api *loaded;
    void *handle;
};

/* Finds OpenCL. NOT_FOUND when this machine has no OpenCL library. */
plugcl_status opencl_open(struct opencl_library *library);
void opencl_close(struct opencl_library *library);
#ifndef PLUGCL_OPENCL_DLOPEN
const struct opencl_api *opencl_api_linked(void);
#endif

/* The failure of an OpenCL call: NO_MEMORY when the device or the driver ran out of memory or resources, else DEVICE. */
plugcl_status opencl_fail(const char *call, cl_int error);
/* "CL_OUT_OF_RESOURCES"; never NULL. */
const char *opencl_error_name(cl_int error);

/* As the public calls without "_with_api", on a table that must outlive the object. */
plugcl_status context_create_with_api(const struct opencl_api *api, const struct plugcl_context_params *params,
                                      plugcl_context **context);
plugcl_status device_list_create_with_api(const struct opencl_api *api, const struct plugcl_device_list_params *params,
                                          plugcl_device_list **list);
/* `library` goes over to the context when it succeeds. */
plugcl_status context_adopt_with_api(struct opencl_library *library, cl_context cl, cl_device_id id, cl_command_queue queue,
                                     const struct plugcl_context_params *params, plugcl_context **context);

#endif
