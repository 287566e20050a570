/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.c: kernels with arguments of their own, and what was warmed. */
#include "device/private.h"
#include "device/quirks.h"

static plugcl_status make_kernel(plugcl_context *context, struct program *program, const char *name, const char *entry,
                                 struct kernel **made)
{
    const struct opencl_api *api = context->api;
    struct kernel *kernel = memory_zeroed(1, sizeof *kernel);
    if (!kernel)
        return fail_no_memory(sizeof *kernel);
    kernel->context = context_hold(context);
    kernel->program = program;
    mutex_lock(&context->lock);
    program->kernels++;
    mutex_unlock(&context->lock);
    kernel->entry = string_copy(entry);
    cl_int error = CL_SUCCESS;
    plugcl_status status = kernel->entry ? PLUGCL_OK : fail_no_memory(strlen(entry));
    if (status == PLUGCL_OK)
        kernel->cl = api->clCreateKernel(program->cl, entry, &error);
    if (error == CL_INVALID_KERNEL_NAME)
        status = fail(PLUGCL_NOT_FOUND, "%s has no kernel \"%s\"", name, entry);
    else if (error)
        status = opencl_fail("clCreateKernel", error);
    if (status == PLUGCL_OK) {
        error = api->clGetKernelInfo(kernel->cl, CL_KERNEL_NUM_ARGS, sizeof kernel->arguments, &kernel->arguments, NULL);
        status = error ? opencl_fail("clGetKernelInfo", error) : PLUGCL_OK;
    }
    if (status == PLUGCL_OK && (context->device.quirks & QUIRK_KERNEL_GROUP))
        kernel->max_work_group = context->caps.max_work_group;
    else if (status == PLUGCL_OK)
        error = api->clGetKernelWorkGroupInfo(kernel->cl, context->device.id, CL_KERNEL_WORK_GROUP_SIZE,
                                              sizeof kernel->max_work_group, &kernel->max_work_group, NULL);
    if (status == PLUGCL_OK && error)
        status = opencl_fail("clGetKernelWorkGroupInfo", error);
    if (status != PLUGCL_OK)
        kernel_destroy(&kernel);
    *made = kernel;
    return status;
}

plugcl_status kernel_create(plugcl_context *context, const char *file, const char *options, const char *entry,
                            struct kernel **kernel)
{
    struct program *program;
    *kernel = NULL;
    plugcl_status status = program_get(context, file, file, NULL, options, &program);
    return status == PLUGCL_OK ? make_kernel(context, program, file, entry, kernel) : status;
}

plugcl_status kernel_create_from_source(plugcl_context *context, const char *name, const char *source, const char *options,
                                        const char *entry, struct kernel **kernel)
{
    struct program *program;
    *kernel = NULL;
    plugcl_status status = program_get(context, NULL, name, source, options, &program);
    return status == PLUGCL_OK ? make_kernel(context, program, name, entry, kernel) : status;
}

void kernel_destroy(struct kernel **kernel)
{
    if (!kernel || !*kernel)
        return;
    plugcl_context *context = (*kernel)->context;
    if ((*kernel)->cl)
        context->api->clReleaseKernel((*kernel)->cl);
    memory_free((*kernel)->entry);
    memory_free(*kernel);
    *kernel = NULL;
    context_let_go(context);
}

void kernel_withdraw(struct kernel *kernel)
{
    mutex_lock(&kernel->context->lock);
    kernel->program->kernels--;
    mutex_unlock(&kernel->context->lock);
}

uint32_t kernel_arguments(const struct kernel *kernel)
{
    return kernel->arguments;
}

static plugcl_status set(struct kernel *kernel, uint32_t index, size_t bytes, const void *value)
{
    cl_int error = kernel->context->api->clSetKernelArg(kernel->cl, index, bytes, value);
    if (!error)
        return PLUGCL_OK;
    plugcl_status status = error == CL_INVALID_ARG_SIZE ? fail(PLUGCL_INVALID, "the kernel takes another type there")
                                                        : opencl_fail("clSetKernelArg", error);
    return fail_in(status, "kernel %s, argument %u of %zu bytes: ", kernel->entry, (unsigned)index, bytes);
}

plugcl_status kernel_set_buffer(struct kernel *kernel, uint32_t index, const struct buffer *buffer)
{
    cl_mem cl = buffer ? buffer->cl : NULL; /* NULL is a legal argument: the kernel sees a null pointer */
    return set(kernel, index, sizeof cl, &cl);
}

plugcl_status kernel_set_value(struct kernel *kernel, uint32_t index, const void *value, size_t bytes)
{
    return set(kernel, index, bytes, value);
}

plugcl_status kernel_set_local(struct kernel *kernel, uint32_t index, size_t bytes)
{
    return set(kernel, index, bytes, NULL);
}

size_t kernel_max_work_group(const struct kernel *kernel)
{
    return kernel->max_work_group;
}

bool kernel_shares_program(const struct kernel *a, const struct kernel *b)
{
    return a->program == b->program;
}

bool kernel_is_alike(const struct kernel *a, const struct kernel *b)
{
    return kernel_shares_program(a, b) && strcmp(a->entry, b->entry) == 0;
}

bool kernel_was_loaded(const struct kernel *kernel)
{
    return kernel->program->loaded;
}

/* FNV-1a over the entry's name and the local size: collisions cost a missed warming, nothing else. */
static uint64_t warm_hash(const char *entry, const size_t local[3])
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (; *entry; entry++)
        hash = (hash ^ (unsigned char)*entry) * 0x100000001B3u;
    for (size_t i = 0; i < 3; i++)
        hash = (hash ^ (uint64_t)local[i]) * 0x100000001B3u;
    return hash;
}

bool warm_holds(const uint64_t *hashes, size_t count, uint64_t hash)
{
    for (size_t i = 0; i < count; i++) {
        if (hashes[i] == hash)
            return true;
    }
    return false;
}

bool kernel_needs_warming(struct kernel *kernel, const size_t local[3])
{
    struct program *program = kernel->program;
    mutex_lock(&kernel->context->lock);
    bool needed = !warm_holds(program->warm, program->n_warm, warm_hash(kernel->entry, local));
    mutex_unlock(&kernel->context->lock);
    return needed;
}

bool kernel_begin_warming(struct kernel *kernel, const size_t local[3])
{
    struct program *program = kernel->program;
    uint64_t hash = warm_hash(kernel->entry, local);
    mutex_lock(&kernel->context->lock);
    bool begin = !warm_holds(program->warm, program->n_warm, hash);
    if (begin) {
        uint64_t *place = array_push(&program->warm, &program->n_warm, &program->warm_capacity, sizeof *place);
        if (place)
            *place = hash;
        program->dirty = program->dirty || !warm_holds(program->stored, program->n_stored, hash);
        program->warming++;
    }
    mutex_unlock(&kernel->context->lock);
    return begin;
}

void kernel_end_warming(struct kernel *kernel)
{
    mutex_lock(&kernel->context->lock);
    kernel->program->warming--;
    mutex_unlock(&kernel->context->lock);
}
