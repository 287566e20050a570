/* SPDX-License-Identifier: Apache-2.0 */
/* program_store.c: reading programs back from the driver and putting them into the cache. */
#include "device/cache_file.h"
#include "device/private.h"
#include "device/quirks.h"

/* Which of the program's devices is ours: an application's context may have several. −1 on failure. */
static int device_position(const plugcl_context *context, cl_program cl, cl_uint *count)
{
    const struct opencl_api *api = context->api;
    if (api->clGetProgramInfo(cl, CL_PROGRAM_NUM_DEVICES, sizeof *count, count, NULL) || *count == 0)
        return -1;
    cl_device_id *ids = memory_zeroed(*count, sizeof *ids);
    int position = -1;
    if (ids && api->clGetProgramInfo(cl, CL_PROGRAM_DEVICES, *count * sizeof *ids, ids, NULL) == CL_SUCCESS) {
        for (cl_uint i = 0; i < *count && position < 0; i++)
            position = ids[i] == context->device.id ? (int)i : -1;
    }
    memory_free(ids);
    return position;
}

/* The binary in new memory, NULL when the driver gives none. */
static uint8_t *read_binary(const plugcl_context *context, cl_program cl, size_t *bytes)
{
    const struct opencl_api *api = context->api;
    cl_uint count = 0;
    int position = device_position(context, cl, &count);
    if (position < 0)
        return NULL;
    size_t *sizes = memory_zeroed(count, sizeof *sizes);
    unsigned char **binaries = memory_zeroed(count, sizeof *binaries);
    uint8_t *binary = NULL;
    if (sizes && binaries && !api->clGetProgramInfo(cl, CL_PROGRAM_BINARY_SIZES, count * sizeof *sizes, sizes, NULL) &&
        sizes[position] > 0)
        binary = memory_zeroed(sizes[position], 1);
    if (binary) {
        *bytes = sizes[position];
        binaries[position] = binary; /* a NULL place is passed over */
        if (api->clGetProgramInfo(cl, CL_PROGRAM_BINARIES, count * sizeof *binaries, binaries, NULL)) {
            memory_free(binary);
            binary = NULL;
        }
    }
    memory_free(sizes);
    memory_free(binaries);
    return binary;
}

/* Under the lock: what the binary is warmed for from now on. NULL when out of memory. */
static uint64_t *join_warm(struct program *program, size_t *count)
{
    uint64_t *all = memory_zeroed(program->n_warm + program->n_stored, sizeof *all);
    uint64_t *copy = all ? memory_zeroed(program->n_warm + program->n_stored, sizeof *copy) : NULL;
    if (!copy) {
        memory_free(all);
        return NULL;
    }
    size_t n = program->n_warm;
    memcpy(all, program->warm, n * sizeof *all);
    for (size_t i = 0; i < program->n_stored; i++) {
        if (!warm_holds(program->warm, program->n_warm, program->stored[i]))
            all[n++] = program->stored[i];
    }
    memcpy(copy, all, n * sizeof *all);
    memory_free(program->stored);
    program->stored = copy;
    program->n_stored = n;
    *count = n;
    return all;
}

static bool is_to_be_stored(const struct program *program)
{
    return program->state == PROGRAM_READY && program->dirty && program->kernels > 0 && program->n_warm > 0 &&
           program->warming == 0;
}

/* The next program to store, which counts as stored from now on, whether that works or not. */
static struct program *next_dirty(plugcl_context *context, uint64_t **warm, size_t *n_warm)
{
    mutex_lock(&context->lock);
    struct program *program = context->programs;
    while (program && !is_to_be_stored(program))
        program = program->next;
    *warm = NULL;
    if (program) {
        program->dirty = false;
        *warm = join_warm(program, n_warm);
    }
    mutex_unlock(&context->lock);
    return program;
}

static bool store(plugcl_context *context, const struct program *program, const uint64_t *warm, size_t n_warm)
{
    size_t bytes = 0, length = 0;
    uint8_t *binary = read_binary(context, program->cl, &bytes);
    uint8_t *payload = binary ? cache_program_encode(warm, n_warm, binary, bytes, &length) : NULL;
    if (payload)
        program_cache_set(&context->cache, CACHE_PROGRAM, program->key, payload, length, &context->log);
    else
        log_message(&context->log, PLUGCL_LOG_DEBUG, "a program's binary could not be read; it is not cached");
    memory_free(payload);
    memory_free(binary);
    return payload != NULL;
}

void plugcl_context_save_programs(plugcl_context *context)
{
    if (context)
        programs_store(context);
}

void programs_store(plugcl_context *context)
{
    if ((!context->cache.folder && !context->cache.set) || (context->device.quirks & QUIRK_NO_BINARIES))
        return;
    struct program *program;
    uint64_t *warm;
    size_t n_warm = 0;
    bool stored = false;
    while ((program = next_dirty(context, &warm, &n_warm)) != NULL) {
        stored = (warm && store(context, program, warm, n_warm)) || stored;
        memory_free(warm);
    }
    if (stored)
        program_cache_trim(&context->cache, CACHE_PROGRAM, PROGRAM_CACHE_BOUND, &context->log);
}
