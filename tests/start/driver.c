/* SPDX-License-Identifier: Apache-2.0 */
/* driver.c: what the driver takes by itself, from nothing to a queue: the floor of every start. */
#include <stdio.h>
#include <time.h>

#include <CL/cl.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

int main(void)
{
    const double start = now();
    cl_platform_id platforms[8];
    cl_device_id device = NULL;
    cl_uint count = 0;
    cl_int error = clGetPlatformIDs(8, platforms, &count);
    for (cl_uint i = 0; !error && i < count && i < 8 && !device; i++)
        if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 1, &device, NULL))
            device = NULL;
    cl_context context = device ? clCreateContext(NULL, 1, &device, NULL, NULL, &error) : NULL;
    cl_command_queue queue = context ? clCreateCommandQueue(context, device, 0, &error) : NULL;
    if (!queue) {
        fprintf(stderr, "driver: no queue (error %d)\n", (int)error);
        return 1;
    }
    printf("{\"total_ms\": %.3f}\n", now() - start);
    clReleaseCommandQueue(queue);
    clReleaseContext(context);
    return 0;
}
