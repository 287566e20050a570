/* SPDX-License-Identifier: Apache-2.0 */
/* fakecl.c: the fake's counting, its objects, and every function that enqueues nothing. */
#include "fakecl.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"

static struct {
    long calls, fail_at, launches, objects, made;
    size_t bytes;
    cl_int error;
    const char *failed;
    bool gpu, in_place;
} fake = { .error = CL_OUT_OF_RESOURCES };

/* The one platform and device; only their addresses are used. */
static char the_platform, the_device;

void fakecl_use_host(bool in_place)
{
    fake.in_place = in_place;
}

void fakecl_use_gpu(bool gpu)
{
    fake.gpu = gpu;
}

void fakecl_fail_at(long n)
{
    fake.calls = fake.launches = fake.made = 0;
    fake.fail_at = n;
    fake.failed = NULL;
}

void fakecl_error(cl_int error)
{
    fake.error = error;
}

long fakecl_calls(void)
{
    return fake.calls;
}

const char *fakecl_failed_call(void)
{
    return fake.failed;
}

long fakecl_live_objects(void)
{
    return fake.objects;
}

size_t fakecl_live_bytes(void)
{
    return fake.bytes;
}

long fakecl_made(void)
{
    return fake.made;
}

long fakecl_launches(void)
{
    return fake.launches;
}

void fake_count_launch(void)
{
    fake.launches++;
}

cl_int fake_enter(const char *name)
{
    if (++fake.calls != fake.fail_at)
        return CL_SUCCESS;
    fake.failed = name;
    return fake.error;
}

static void *allocate(size_t bytes)
{
    void *memory = calloc(1, bytes);
    if (!memory)
        abort();
    return memory;
}

struct object *fake_object(void *handle, enum kind kind)
{
    struct object *object = handle;
    if (!object || object->kind != kind || object->references <= 0) {
        fprintf(stderr, "fakecl: a handle is not a living object of kind %d\n", (int)kind);
        abort();
    }
    return object;
}

struct object *fake_create(enum kind kind, struct object *context)
{
    struct object *object = allocate(sizeof *object);
    object->kind = kind;
    object->references = 1;
    object->context = context;
    if (context)
        context->references++;
    fake.objects++;
    fake.made += kind != FAKE_EVENT;
    return object;
}

cl_int fake_retain(void *handle, enum kind kind)
{
    fake_object(handle, kind)->references++;
    return CL_SUCCESS;
}

cl_int fake_release(void *handle, enum kind kind)
{
    struct object *object = fake_object(handle, kind);
    if (--object->references > 0)
        return CL_SUCCESS;
    if (kind == FAKE_BUFFER)
        fake.bytes -= object->bytes;
    fake.objects--;
    if (object->context)
        fake_release(object->context, object->context->kind);
    if (!object->is_host)
        free(object->data);
    free(object);
    return CL_SUCCESS;
}

cl_int fake_answer(const void *value, size_t bytes, size_t room, void *place, size_t *size)
{
    if (size)
        *size = bytes;
    if (!place)
        return CL_SUCCESS;
    if (room < bytes)
        return CL_INVALID_VALUE;
    memcpy(place, value, bytes);
    return CL_SUCCESS;
}

static cl_int answer_text(const char *text, size_t room, void *place, size_t *size)
{
    return fake_answer(text, strlen(text) + 1, room, place, size);
}

static cl_int CL_API_CALL fake_clGetPlatformIDs(cl_uint room, cl_platform_id *platforms, cl_uint *count)
{
    FAKE_TRY(clGetPlatformIDs);
    if (platforms && room > 0)
        platforms[0] = (cl_platform_id)(void *)&the_platform;
    if (count)
        *count = 1;
    return CL_SUCCESS;
}

static cl_int CL_API_CALL fake_clGetPlatformInfo(cl_platform_id platform, cl_platform_info what, size_t room, void *place,
                                                 size_t *size)
{
    (void)platform;
    FAKE_TRY(clGetPlatformInfo);
    const char *name = fake.in_place ? "Portable Computing Language" : "Fake";
    return answer_text(what == CL_PLATFORM_NAME ? name : "OpenCL 1.2 fake", room, place, size);
}

static cl_int CL_API_CALL fake_clGetDeviceIDs(cl_platform_id platform, cl_device_type type, cl_uint room, cl_device_id *devices,
                                              cl_uint *count)
{
    (void)platform;
    (void)type;
    FAKE_TRY(clGetDeviceIDs);
    if (devices && room > 0)
        devices[0] = (cl_device_id)(void *)&the_device;
    if (count)
        *count = 1;
    return CL_SUCCESS;
}

static cl_int CL_API_CALL fake_clGetDeviceInfo(cl_device_id device, cl_device_info what, size_t room, void *place, size_t *size)
{
    cl_ulong large = (cl_ulong)1 << 30, local = 32768;
    cl_device_type type = fake.gpu ? CL_DEVICE_TYPE_GPU : CL_DEVICE_TYPE_CPU;
    cl_uint units = 4, width = fake.gpu ? 1 : 8, bits = 64;
    cl_bool yes = CL_TRUE;
    size_t group = 256;
    void *platform = &the_platform;
    (void)device;
    FAKE_TRY(clGetDeviceInfo);
    switch (what) {
    case CL_DEVICE_TYPE: return fake_answer(&type, sizeof type, room, place, size);
    case CL_DEVICE_PLATFORM: return fake_answer(&platform, sizeof platform, room, place, size);
    case CL_DEVICE_NAME: return answer_text("fake device", room, place, size);
    case CL_DEVICE_VENDOR: return answer_text("nobody", room, place, size);
    case CL_DEVICE_VERSION: return answer_text("OpenCL 1.2 fake", room, place, size);
    case CL_DRIVER_VERSION: return answer_text("1", room, place, size);
    case CL_DEVICE_EXTENSIONS: return answer_text("", room, place, size);
    case CL_DEVICE_MAX_COMPUTE_UNITS: return fake_answer(&units, sizeof units, room, place, size);
    case CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT: return fake_answer(&width, sizeof width, room, place, size);
    case CL_DEVICE_ADDRESS_BITS: return fake_answer(&bits, sizeof bits, room, place, size);
    case CL_DEVICE_GLOBAL_MEM_SIZE:
    case CL_DEVICE_MAX_MEM_ALLOC_SIZE: return fake_answer(&large, sizeof large, room, place, size);
    case CL_DEVICE_LOCAL_MEM_SIZE: return fake_answer(&local, sizeof local, room, place, size);
    case CL_DEVICE_MAX_WORK_GROUP_SIZE: return fake_answer(&group, sizeof group, room, place, size);
    case CL_DEVICE_HOST_UNIFIED_MEMORY:
    case CL_DEVICE_COMPILER_AVAILABLE:
    case CL_DEVICE_AVAILABLE: return fake_answer(&yes, sizeof yes, room, place, size);
    default: return CL_INVALID_VALUE;
    }
}

static cl_context CL_API_CALL fake_clCreateContext(const cl_context_properties *properties, cl_uint count,
                                                   const cl_device_id *devices,
                                                   void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *),
                                                   void *user, cl_int *error)
{
    (void)properties;
    (void)count;
    (void)devices;
    (void)notify;
    (void)user;
    *error = fake_enter("clCreateContext");
    return *error ? NULL : (cl_context)(void *)fake_create(FAKE_CONTEXT, NULL);
}

static cl_int CL_API_CALL fake_clGetContextInfo(cl_context context, cl_context_info what, size_t room, void *place, size_t *size)
{
    void *device = &the_device;
    fake_object(context, FAKE_CONTEXT);
    FAKE_TRY(clGetContextInfo);
    return what == CL_CONTEXT_DEVICES ? fake_answer(&device, sizeof device, room, place, size) : CL_INVALID_VALUE;
}

static cl_command_queue CL_API_CALL fake_clCreateCommandQueue(cl_context context, cl_device_id device,
                                                              cl_command_queue_properties properties, cl_int *error)
{
    (void)device;
    *error = fake_enter("clCreateCommandQueue");
    if (*error)
        return NULL;
    struct object *queue = fake_create(FAKE_QUEUE, fake_object(context, FAKE_CONTEXT));
    queue->bytes = (size_t)properties;
    return (cl_command_queue)(void *)queue;
}

static cl_int CL_API_CALL fake_clGetCommandQueueInfo(cl_command_queue queue, cl_command_queue_info what, size_t room, void *place,
                                                     size_t *size)
{
    struct object *q = fake_object(queue, FAKE_QUEUE);
    void *device = &the_device;
    cl_command_queue_properties properties = q->bytes;
    FAKE_TRY(clGetCommandQueueInfo);
    if (what == CL_QUEUE_CONTEXT)
        return fake_answer(&q->context, sizeof q->context, room, place, size);
    if (what == CL_QUEUE_DEVICE)
        return fake_answer(&device, sizeof device, room, place, size);
    return fake_answer(&properties, sizeof properties, room, place, size);
}

static cl_mem CL_API_CALL fake_clCreateBuffer(cl_context context, cl_mem_flags flags, size_t bytes, void *host, cl_int *error)
{
    bool is_host = (flags & CL_MEM_USE_HOST_PTR) != 0;
    *error = fake_enter("clCreateBuffer");
    if (*error == CL_SUCCESS && bytes == 0)
        *error = CL_INVALID_BUFFER_SIZE;
    if (*error == CL_SUCCESS && is_host != (host != NULL))
        *error = CL_INVALID_HOST_PTR;
    if (*error)
        return NULL;
    struct object *buffer = fake_create(FAKE_BUFFER, fake_object(context, FAKE_CONTEXT));
    buffer->is_host = is_host;
    buffer->data = is_host ? host : allocate(bytes);
    buffer->bytes = bytes;
    fake.bytes += bytes;
    return (cl_mem)(void *)buffer;
}

static cl_int CL_API_CALL fake_clGetMemObjectInfo(cl_mem memory, cl_mem_info what, size_t room, void *place, size_t *size)
{
    struct object *buffer = fake_object(memory, FAKE_BUFFER);
    cl_mem_object_type type = CL_MEM_OBJECT_BUFFER;
    FAKE_TRY(clGetMemObjectInfo);
    if (what == CL_MEM_CONTEXT)
        return fake_answer(&buffer->context, sizeof buffer->context, room, place, size);
    if (what == CL_MEM_SIZE)
        return fake_answer(&buffer->bytes, sizeof buffer->bytes, room, place, size);
    return what == CL_MEM_TYPE ? fake_answer(&type, sizeof type, room, place, size) : CL_INVALID_VALUE;
}

static cl_program make_program(cl_context context, const void *data, size_t bytes)
{
    struct object *program = fake_create(FAKE_PROGRAM, fake_object(context, FAKE_CONTEXT));
    program->data = allocate(bytes + 1);
    program->bytes = bytes;
    memcpy(program->data, data, bytes);
    return (cl_program)(void *)program;
}

static cl_program CL_API_CALL fake_clCreateProgramWithSource(cl_context context, cl_uint count, const char **texts,
                                                             const size_t *lengths, cl_int *error)
{
    *error = fake_enter("clCreateProgramWithSource");
    if (count != 1 || !lengths)
        abort();
    return *error ? NULL : make_program(context, texts[0], lengths[0]);
}

/* A program's binary is its source. */
static cl_program CL_API_CALL fake_clCreateProgramWithBinary(cl_context context, cl_uint count, const cl_device_id *devices,
                                                             const size_t *lengths, const unsigned char **binaries,
                                                             cl_int *states, cl_int *error)
{
    (void)count;
    (void)devices;
    *error = fake_enter("clCreateProgramWithBinary");
    *states = *error;
    return *error ? NULL : make_program(context, binaries[0], lengths[0]);
}

static cl_int CL_API_CALL fake_clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                                              void(CL_CALLBACK *notify)(cl_program, void *), void *user)
{
    struct object *p = fake_object(program, FAKE_PROGRAM);
    (void)count;
    (void)devices;
    (void)options;
    (void)notify;
    (void)user;
    FAKE_TRY(clBuildProgram);
    return strstr(p->data, "#error") ? CL_BUILD_PROGRAM_FAILURE : CL_SUCCESS;
}

static cl_int CL_API_CALL fake_clGetProgramInfo(cl_program program, cl_program_info what, size_t room, void *place, size_t *size)
{
    struct object *p = fake_object(program, FAKE_PROGRAM);
    void *device = &the_device;
    cl_uint one = 1;
    FAKE_TRY(clGetProgramInfo);
    if (what == CL_PROGRAM_NUM_DEVICES)
        return fake_answer(&one, sizeof one, room, place, size);
    if (what == CL_PROGRAM_DEVICES)
        return fake_answer(&device, sizeof device, room, place, size);
    if (what == CL_PROGRAM_BINARY_SIZES)
        return fake_answer(&p->bytes, sizeof p->bytes, room, place, size);
    if (what != CL_PROGRAM_BINARIES || !place)
        return CL_INVALID_VALUE;
    memcpy(*(unsigned char **)place, p->data, p->bytes);
    return CL_SUCCESS;
}

static cl_int CL_API_CALL fake_clGetProgramBuildInfo(cl_program program, cl_device_id device, cl_program_build_info what,
                                                     size_t room, void *place, size_t *size)
{
    fake_object(program, FAKE_PROGRAM);
    (void)device;
    (void)what;
    FAKE_TRY(clGetProgramBuildInfo);
    return answer_text("an #error is in the way", room, place, size);
}

static cl_kernel CL_API_CALL fake_clCreateKernel(cl_program program, const char *name, cl_int *error)
{
    struct object *p = fake_object(program, FAKE_PROGRAM);
    *error = fake_enter("clCreateKernel");
    if (*error == CL_SUCCESS && !strstr(p->data, name))
        *error = CL_INVALID_KERNEL_NAME;
    if (*error)
        return NULL;
    struct object *kernel = fake_create(FAKE_KERNEL, p);
    kernel->data = allocate(strlen(name) + 1);
    strcpy(kernel->data, name);
    return (cl_kernel)(void *)kernel;
}

static cl_int CL_API_CALL fake_clSetKernelArg(cl_kernel kernel, cl_uint index, size_t bytes, const void *value)
{
    struct object *k = fake_object(kernel, FAKE_KERNEL);
    FAKE_TRY(clSetKernelArg);
    if (index >= FAKE_ARGUMENTS)
        return CL_INVALID_ARG_INDEX;
    if (bytes == 0)
        return CL_INVALID_ARG_SIZE;
    if (value && bytes == sizeof(void *)) /* a buffer, or a number of that size, which nobody looks at */
        memcpy(&k->arguments[index], value, sizeof(void *));
    return CL_SUCCESS;
}

/* Counts what stands between the brackets behind the kernel's name. */
static cl_int CL_API_CALL fake_clGetKernelInfo(cl_kernel kernel, cl_kernel_info what, size_t room, void *place, size_t *size)
{
    struct object *k = fake_object(kernel, FAKE_KERNEL);
    const char *source = (const char *)k->context->data, *name = (const char *)k->data, *at = source;
    cl_uint count = 1;
    FAKE_TRY(clGetKernelInfo);
    if (what != CL_KERNEL_NUM_ARGS)
        return CL_INVALID_VALUE;
    while ((at = strstr(at, name)) != NULL && at[strlen(name)] != '(')
        at++;
    for (; at != NULL && *at != '\0' && *at != ')'; at++)
        count += *at == ',';
    return fake_answer(&count, sizeof count, room, place, size);
}

static cl_int CL_API_CALL fake_clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info what,
                                                        size_t room, void *place, size_t *size)
{
    size_t group = 256;
    fake_object(kernel, FAKE_KERNEL);
    (void)device;
    (void)what;
    FAKE_TRY(clGetKernelWorkGroupInfo);
    return fake_answer(&group, sizeof group, room, place, size);
}

#define FAKE_REFERENCES(Name, type, kind)                      \
    static cl_int CL_API_CALL fake_clRetain##Name(type handle) \
    {                                                          \
        return fake_retain(handle, kind);                      \
    }                                                          \
    static cl_int CL_API_CALL fake_clRelease##Name(type handle)\
    {                                                          \
        return fake_release(handle, kind);                     \
    }
FAKE_REFERENCES(Context, cl_context, FAKE_CONTEXT)
FAKE_REFERENCES(CommandQueue, cl_command_queue, FAKE_QUEUE)
FAKE_REFERENCES(MemObject, cl_mem, FAKE_BUFFER)

static cl_int CL_API_CALL fake_clReleaseProgram(cl_program program)
{
    return fake_release(program, FAKE_PROGRAM);
}

static cl_int CL_API_CALL fake_clReleaseKernel(cl_kernel kernel)
{
    return fake_release(kernel, FAKE_KERNEL);
}

const struct opencl_api *fakecl_api(void)
{
#define FAKE_ADDRESS(name) .name = fake_##name,
    static const struct opencl_api api = { OPENCL_FUNCTIONS(FAKE_ADDRESS) };
#undef FAKE_ADDRESS
    return &api;
}
