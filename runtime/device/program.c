/* SPDX-License-Identifier: Apache-2.0 */
/* program.c: programs of a context, each built once: from memory, else from the program cache, else from source. */
#include "base/sha256.h"
#include "device/cache_file.h"
#include "device/private.h"
#include "device/quirks.h"
#include "device/source.h"

#define ALWAYS_OPTIONS "-cl-std=CL1.2"

static void add_device(struct sha256 *hash, const struct device *device)
{
    sha256_add_string(hash, device->info.platform);
    sha256_add_string(hash, device->platform_version);
    sha256_add_string(hash, device->info.name);
    sha256_add_string(hash, device->info.vendor);
    sha256_add_string(hash, device->info.version);
    sha256_add_string(hash, device->info.driver);
}

void context_identity(const plugcl_context *context, uint8_t identity[32])
{
    const struct device_caps *caps = &context->caps;
    const uint64_t numbers[] = { caps->cpu_family,     caps->fast_local_memory, caps->vector_width, caps->compute_units,
                                 caps->max_work_group, caps->local_memory,      caps->has_clblast,  caps->address_bits };
    struct sha256 hash;
    sha256_start(&hash);
    sha256_add_string(&hash, plugcl_version());
    sha256_add_field(&hash, embedded_files_digest, sizeof embedded_files_digest);
    sha256_add_field(&hash, numbers, sizeof numbers);
    add_device(&hash, &context->device);
    sha256_finish(&hash, identity);
}

void program_key(const plugcl_context *context, const char *source, size_t bytes, const char *options, uint8_t key[32])
{
    const struct device *device = &context->device;
    struct sha256 hash;
    const uint8_t numbers[2] = { CACHE_FILE_VERSION, (uint8_t)device->address_bits };
    sha256_start(&hash);
    sha256_add_field(&hash, numbers, sizeof numbers);
    sha256_add_field(&hash, source, bytes);
    sha256_add_string(&hash, options);
    add_device(&hash, device);
    sha256_finish(&hash, key);
}

static void program_free(const struct opencl_api *api, struct program *program)
{
    if (program->cl)
        api->clReleaseProgram(program->cl);
    memory_free(program->file);
    memory_free(program->options);
    memory_free(program->message);
    memory_free(program->warm);
    memory_free(program->stored);
    memory_free(program);
}

void programs_free(plugcl_context *context)
{
    while (context->programs) {
        struct program *program = context->programs;
        context->programs = program->next;
        program_free(context->api, program);
    }
}

/* Under the lock. */
static void forget(plugcl_context *context, struct program *program)
{
    struct program **place = &context->programs;
    while (*place && *place != program)
        place = &(*place)->next;
    if (*place)
        *place = program->next;
}

static plugcl_status fail_build(plugcl_context *context, cl_program cl, const char *name, const char *options)
{
    const struct opencl_api *api = context->api;
    size_t size = 0;
    cl_int error = api->clGetProgramBuildInfo(cl, context->device.id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
    char *log = error ? NULL : memory_zeroed(size + 1, 1);
    if (log)
        error = api->clGetProgramBuildInfo(cl, context->device.id, CL_PROGRAM_BUILD_LOG, size, log, NULL);
    plugcl_status status = fail(PLUGCL_BUILD, "%s does not compile with %s:\n%s", name, options,
                                log && !error ? log : "the driver gives no log");
    memory_free(log);
    return status;
}

/* From source. On success *made is the program. */
static plugcl_status compile(plugcl_context *context, const char *name, const struct text *source, const char *options,
                             cl_program *made)
{
    const struct opencl_api *api = context->api;
    const char *data = source->data;
    cl_int error = CL_SUCCESS;
    cl_program cl = api->clCreateProgramWithSource(context->cl, 1, &data, &source->length, &error);
    if (!cl)
        return opencl_fail("clCreateProgramWithSource", error);
    error = api->clBuildProgram(cl, 1, &context->device.id, options, NULL, NULL);
    plugcl_status status = PLUGCL_OK;
    if (error == CL_BUILD_PROGRAM_FAILURE || error == CL_INVALID_BUILD_OPTIONS)
        status = fail_build(context, cl, name, options);
    else if (error)
        status = opencl_fail("clBuildProgram", error);
    if (status != PLUGCL_OK)
        api->clReleaseProgram(cl);
    else
        *made = cl;
    return status;
}

/* From a binary whose hash was right. False when the driver does not take it, as after an update that kept its version. */
static bool load_binary(plugcl_context *context, const struct cache_program *cached, const char *options, cl_program *made)
{
    const struct opencl_api *api = context->api;
    cl_int error = CL_SUCCESS, binary_status = CL_SUCCESS;
    const unsigned char *binary = cached->binary;
    cl_program cl = api->clCreateProgramWithBinary(context->cl, 1, &context->device.id, &cached->binary_bytes, &binary,
                                                   &binary_status, &error);
    if (!cl)
        return false;
    if (error || binary_status || api->clBuildProgram(cl, 1, &context->device.id, options, NULL, NULL) != CL_SUCCESS) {
        api->clReleaseProgram(cl);
        return false;
    }
    *made = cl;
    return true;
}

static bool load(plugcl_context *context, struct program *program, const char *options)
{
    void *file;
    size_t bytes;
    struct cache_program cached;
    if (context->device.quirks & QUIRK_NO_BINARIES)
        return false;
    const uint8_t *payload = program_cache_get(&context->cache, CACHE_PROGRAM, program->key, &context->log, &file, &bytes);
    bool good = payload && cache_program_decode(payload, bytes, &cached) && load_binary(context, &cached, options, &program->cl);
    if (payload && !good)
        program_cache_remove(&context->cache, CACHE_PROGRAM, program->key);
    uint64_t *stored = good ? memory_zeroed(cached.n_warm, sizeof *stored) : NULL;
    for (size_t i = 0; stored && i < cached.n_warm; i++)
        stored[i] = cache_program_warm(&cached, i);
    program->stored = stored; /* NULL only costs another write */
    program->n_stored = stored ? cached.n_warm : 0;
    memory_free(file);
    return good;
}

static plugcl_status build(plugcl_context *context, struct program *program, const char *name, const struct text *source,
                           const char *options)
{
    if (load(context, program, options)) {
        program->loaded = true;
        atomic_fetch_add(&context->loaded, 1);
        log_message(&context->log, PLUGCL_LOG_DEBUG, "loaded %s %s", name, options);
        return PLUGCL_OK;
    }
    uint64_t start = clock_ns();
    plugcl_status status = compile(context, name, source, options, &program->cl);
    if (status != PLUGCL_OK)
        return status;
    program->dirty = true;
    atomic_fetch_add(&context->compiled, 1);
    log_message(&context->log, PLUGCL_LOG_DEBUG, "compiled %s %s in %.1f ms", name, options, (double)(clock_ns() - start) * 1e-6);
    return PLUGCL_OK;
}

/* Under the lock: waits for the thread that builds it. */
static plugcl_status wait_for(plugcl_context *context, struct program *program)
{
    program->users++;
    while (program->state == PROGRAM_BUILDING)
        condition_wait(&context->built, &context->lock, UINT64_MAX);
    plugcl_status status = program->status;
    if (status != PLUGCL_OK)
        fail(status, "%s", program->message ? program->message : "the program was not built");
    if (--program->users == 0 && program->state == PROGRAM_FAILED)
        program_free(context->api, program);
    return status;
}

/* Under the lock, which is given back during the build. */
static plugcl_status build_new(plugcl_context *context, struct program *program, const char *name, const struct text *source,
                               const char *options)
{
    program->users = 1;
    program->next = context->programs;
    context->programs = program;
    mutex_unlock(&context->lock);
    plugcl_status status = build(context, program, name, source, options);
    mutex_lock(&context->lock);
    program->status = status;
    program->state = status == PLUGCL_OK ? PROGRAM_READY : PROGRAM_FAILED;
    condition_broadcast(&context->built);
    program->users--;
    if (status == PLUGCL_OK)
        return status;
    forget(context, program); /* so that a later call tries again: memory may be there by then */
    if (program->users > 0)
        program->message = string_copy(plugcl_error_message());
    else
        program_free(context->api, program);
    return status;
}

static struct program *find_key(const plugcl_context *context, const uint8_t key[32])
{
    struct program *program = context->programs;
    while (program && memcmp(program->key, key, 32) != 0)
        program = program->next;
    return program;
}

/* An embedded file that was asked for before needs no expansion and no hash. */
static struct program *find_file(plugcl_context *context, const char *file, const char *options)
{
    mutex_lock(&context->lock);
    struct program *program = context->programs;
    while (program && !(program->state == PROGRAM_READY && program->file && program->options &&
                        strcmp(program->file, file) == 0 && strcmp(program->options, options) == 0))
        program = program->next;
    mutex_unlock(&context->lock);
    return program;
}

static plugcl_status get_expanded(plugcl_context *context, const char *file, const char *name, const struct text *source,
                                  const char *options, struct program **found)
{
    struct program *made = memory_zeroed(1, sizeof *made);
    if (!made)
        return fail_no_memory(sizeof *made);
    program_key(context, source->data, source->length, options, made->key);
    made->file = file ? string_copy(file) : NULL;
    made->options = file ? string_copy(options) : NULL;
    mutex_lock(&context->lock);
    struct program *program = find_key(context, made->key);
    plugcl_status status = program ? wait_for(context, program) : build_new(context, made, name, source, options);
    mutex_unlock(&context->lock);
    *found = status != PLUGCL_OK ? NULL : program ? program : made;
    if (program)
        program_free(context->api, made);
    return status;
}

plugcl_status program_get(plugcl_context *context, const char *file, const char *name, const char *source, const char *options,
                          struct program **program)
{
    *program = NULL;
    struct text all = { 0 }, expanded = { 0 };
    text_add(&all, ALWAYS_OPTIONS "%s%s", options && options[0] ? " " : "", options ? options : "");
    if (all.failed)
        return fail_no_memory(1);
    plugcl_status status = PLUGCL_OK;
    if (file && (*program = find_file(context, file, all.data)) != NULL) {
        text_free(&all);
        return status;
    }
    const struct embedded_file *embedded = file ? embedded_file_find(file) : NULL;
    if (file && !embedded)
        status = fail(PLUGCL_NOT_FOUND, "there is no kernel file \"%s\" in this library", file);
    else if (embedded)
        source_expand(file, (const char *)embedded->data, embedded->bytes, &expanded);
    else if (source)
        source_expand(name, source, strlen(source), &expanded);
    else
        status = fail(PLUGCL_INVALID, "no source was given for the kernel %s", name);
    if (expanded.failed)
        status = fail_no_memory(expanded.length);
    if (status == PLUGCL_OK)
        status = get_expanded(context, file, name, &expanded, all.data, program);
    text_free(&expanded);
    text_free(&all);
    return status;
}
