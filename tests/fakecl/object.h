/* SPDX-License-Identifier: Apache-2.0 */
/* object.h: the insides that the fake's files share. */
#ifndef PLUGCL_TEST_FAKECL_OBJECT_H
#define PLUGCL_TEST_FAKECL_OBJECT_H

#include "fakecl.h"

enum kind { FAKE_CONTEXT = 0x51, FAKE_QUEUE, FAKE_BUFFER, FAKE_PROGRAM, FAKE_KERNEL, FAKE_EVENT };
enum { FAKE_ARGUMENTS = 64 };

/* Every handle but a platform or a device is one of these. */
struct object {
    enum kind kind;
    int references;
    struct object *context; /* of everything but a context; of a kernel its program; held */
    bool is_host;           /* a buffer in the caller's memory */
    char *data;             /* a buffer's memory, a program's source, a kernel's name */
    size_t bytes;
    struct object *queue;   /* of an event, not held */
    struct object *arguments[FAKE_ARGUMENTS]; /* of a kernel: those that are buffers, not held */
};

/* Counts a call; the error that it must end with. */
cl_int fake_enter(const char *name);
#define FAKE_TRY(name)                       \
    do {                                     \
        cl_int wanted = fake_enter(#name);   \
        if (wanted != CL_SUCCESS)            \
            return wanted;                   \
    } while (0)

/* A handle as its object; aborts unless it lives and is of that kind. */
struct object *fake_object(void *handle, enum kind kind);
struct object *fake_create(enum kind kind, struct object *context);
cl_int fake_retain(void *handle, enum kind kind);
cl_int fake_release(void *handle, enum kind kind);
/* For clGet…Info. */
cl_int fake_answer(const void *value, size_t bytes, size_t room, void *place, size_t *size);
void fake_count_launch(void);

/* The functions of commands.c. */
cl_int CL_API_CALL fake_clWaitForEvents(cl_uint count, const cl_event *events);
cl_int CL_API_CALL fake_clGetEventInfo(cl_event event, cl_event_info what, size_t room, void *place, size_t *size);
cl_int CL_API_CALL fake_clRetainEvent(cl_event event);
cl_int CL_API_CALL fake_clReleaseEvent(cl_event event);
cl_int CL_API_CALL fake_clGetEventProfilingInfo(cl_event event, cl_profiling_info what, size_t room, void *place, size_t *size);
cl_int CL_API_CALL fake_clFlush(cl_command_queue queue);
cl_int CL_API_CALL fake_clFinish(cl_command_queue queue);
cl_int CL_API_CALL fake_clEnqueueReadBuffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset, size_t bytes,
                                            void *to, cl_uint n, const cl_event *list, cl_event *event);
cl_int CL_API_CALL fake_clEnqueueWriteBuffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset, size_t bytes,
                                             const void *from, cl_uint n, const cl_event *list, cl_event *event);
cl_int CL_API_CALL fake_clEnqueueCopyBuffer(cl_command_queue queue, cl_mem from, cl_mem to, size_t from_offset, size_t to_offset,
                                            size_t bytes, cl_uint n, const cl_event *list, cl_event *event);
cl_int CL_API_CALL fake_clEnqueueFillBuffer(cl_command_queue queue, cl_mem memory, const void *pattern, size_t pattern_bytes,
                                            size_t offset, size_t bytes, cl_uint n, const cl_event *list, cl_event *event);
void *CL_API_CALL fake_clEnqueueMapBuffer(cl_command_queue queue, cl_mem memory, cl_bool blocking, cl_map_flags flags,
                                          size_t offset, size_t bytes, cl_uint n, const cl_event *list, cl_event *event,
                                          cl_int *error);
cl_int CL_API_CALL fake_clEnqueueUnmapMemObject(cl_command_queue queue, cl_mem memory, void *mapping, cl_uint n,
                                                const cl_event *list, cl_event *event);
cl_int CL_API_CALL fake_clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                               const size_t *global, const size_t *local, cl_uint n, const cl_event *list,
                                               cl_event *event);
cl_int CL_API_CALL fake_clEnqueueMarkerWithWaitList(cl_command_queue queue, cl_uint n, const cl_event *list, cl_event *event);
cl_int CL_API_CALL fake_clEnqueueBarrierWithWaitList(cl_command_queue queue, cl_uint n, const cl_event *list, cl_event *event);

#endif
