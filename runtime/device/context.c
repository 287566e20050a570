/* SPDX-License-Identifier: Apache-2.0 */
/* context.c: a context on one device: its life, its capabilities, its counts. context_select.c chooses the device. */
#include "device/clblast.h"
#include "device/private.h"
#include "device/quirks.h"

static void destroy(plugcl_context *context)
{
    const struct opencl_api *api = context->api;
    programs_free(context);
    if (context->transfers)
        api->clReleaseCommandQueue(context->transfers);
    if (context->adopted)
        api->clReleaseCommandQueue(context->adopted);
    if (context->cl)
        api->clReleaseContext(context->cl);
    program_cache_close(&context->cache);
    device_free(&context->device);
    opencl_close(&context->library);
    condition_destroy(&context->built);
    mutex_destroy(&context->lock);
    memory_free(context);
}

plugcl_context *context_hold(plugcl_context *context)
{
    reference_take(&context->parts);
    return context;
}

void context_let_go(plugcl_context *context)
{
    if (context && reference_drop(&context->parts))
        destroy(context);
}

plugcl_context *context_take(plugcl_context *context)
{
    reference_take(&context->users);
    return context;
}

void plugcl_context_destroy(plugcl_context **context)
{
    if (!context || !*context)
        return;
    plugcl_context *dropped = *context;
    *context = NULL;
    if (!reference_drop(&dropped->users))
        return;
    for (size_t i = 0; i < CONTEXT_PLACES; i++) {
        void *store = dropped->stores[i].store;
        if (!store)
            continue;
        dropped->stores[i].clear(store);
        mutex_destroy(store);
        memory_free(store);
        dropped->stores[i].store = NULL;
    }
    context_let_go(dropped);
}

static void fill_caps(plugcl_context *context)
{
    const struct device *device = &context->device;
    uint32_t width = device->info.float_vector_width;
    context->caps = (struct device_caps){
        .fast_local_memory = !(device->types & CL_DEVICE_TYPE_CPU) || (device->types & CL_DEVICE_TYPE_GPU),
        .cpu_family = (device->types & CL_DEVICE_TYPE_CPU) && !(device->types & CL_DEVICE_TYPE_GPU) && width >= 4,
        .vector_width = width >= 16 ? 16 : width >= 8 ? 8 : 4,
        .compute_units = device->info.compute_units,
        .max_work_group = (size_t)device->info.max_work_group,
        .local_memory = (size_t)device->info.local_memory,
        .max_allocation = device->info.max_allocation > SIZE_MAX ? SIZE_MAX : (size_t)device->info.max_allocation,
        .address_bits = device->address_bits,
        .has_clblast = clblast_serves(context),
        .host_in_place = (device->types & CL_DEVICE_TYPE_CPU) && (device->quirks & QUIRK_HOST_IN_PLACE),
        .prefers_own_gemm = (device->quirks & QUIRK_OWN_GEMM) != 0,
    };
}

/* The application's queue must belong to the same context and device. */
static plugcl_status adopt_queue(plugcl_context *context, cl_command_queue queue)
{
    const struct opencl_api *api = context->api;
    cl_context cl = NULL;
    cl_device_id device = NULL;
    cl_command_queue_properties properties = 0;
    cl_int error = api->clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof cl, &cl, NULL);
    if (!error)
        error = api->clGetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof device, &device, NULL);
    if (!error)
        error = api->clGetCommandQueueInfo(queue, CL_QUEUE_PROPERTIES, sizeof properties, &properties, NULL);
    if (error)
        return opencl_fail("clGetCommandQueueInfo", error);
    if (cl != context->cl || device != context->device.id)
        return fail(PLUGCL_INVALID, "the queue belongs to another context or device than the ones given with it");
    if ((error = api->clRetainCommandQueue(queue)) != CL_SUCCESS)
        return opencl_fail("clRetainCommandQueue", error);
    context->adopted = queue;
    context->adopted_in_order = !(properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
    return PLUGCL_OK;
}

static plugcl_status open_cl(plugcl_context *context, const struct context_source *source)
{
    const struct opencl_api *api = context->api;
    cl_int error;
    if (source->cl) {
        if ((error = api->clRetainContext(source->cl)) != CL_SUCCESS)
            return opencl_fail("clRetainContext", error);
        context->cl = source->cl;
        plugcl_status status = source->queue ? adopt_queue(context, source->queue) : PLUGCL_OK;
        if (status != PLUGCL_OK)
            return status;
    } else {
        cl_context_properties properties[] = { CL_CONTEXT_PLATFORM, (cl_context_properties)context->device.platform, 0 };
        context->cl = api->clCreateContext(properties, 1, &context->device.id, NULL, NULL, &error);
        if (!context->cl)
            return opencl_fail("clCreateContext", error);
    }
    context->transfers = api->clCreateCommandQueue(context->cl, context->device.id, 0, &error);
    return context->transfers ? PLUGCL_OK : opencl_fail("clCreateCommandQueue", error);
}

plugcl_status context_open(const struct context_source *source, plugcl_context **made)
{
    const struct plugcl_context_params *params = source->params;
    *made = NULL;
    plugcl_context *context = memory_zeroed(1, sizeof *context);
    if (!context) {
        device_free(source->device);
        opencl_close(source->library);
        return fail_no_memory(sizeof *context);
    }
    atomic_init(&context->users, 1);
    atomic_init(&context->parts, 1);
    mutex_create(&context->lock);
    condition_create(&context->built);
    context->library = *source->library;
    context->api = context->library.api;
    context->device = *source->device;
    *source->library = (struct opencl_library){ 0 };
    *source->device = (struct device){ 0 };
    context->log = (struct log){ params->log, params->log_user, params->log_level };
    context->poll_ns = params->poll_ns;
    fill_caps(context);
    plugcl_status status = program_cache_open(&context->cache, params, &context->log);
    if (status == PLUGCL_OK)
        status = open_cl(context, source);
    if (status == PLUGCL_OK)
        status = probe_run(context);
    if (status == PLUGCL_OK)
        log_message(&context->log, PLUGCL_LOG_DEBUG, "device %u:%u, %s (%s)", (unsigned)context->device.info.platform_index,
                    (unsigned)context->device.info.device_index, context->device.info.name, context->device.info.platform);
    else
        plugcl_context_destroy(&context);
    *made = context;
    return status;
}

const struct plugcl_device_info *plugcl_context_device(const plugcl_context *context)
{
    return context ? &context->device.info : NULL;
}

const struct device_caps *context_caps(const plugcl_context *context)
{
    return &context->caps;
}

const struct log *context_log(const plugcl_context *context)
{
    return &context->log;
}

void *context_store(plugcl_context *context, enum context_place place, size_t bytes, void (*clear)(void *store))
{
    mutex_lock(&context->lock);
    struct context_store *place_of_store = &context->stores[place];
    if (!place_of_store->store && (place_of_store->store = memory_zeroed(1, bytes)) != NULL) {
        mutex_create(place_of_store->store);
        place_of_store->clear = clear;
    }
    void *store = place_of_store->store;
    mutex_unlock(&context->lock);
    return store;
}

void plugcl_context_statistics(const plugcl_context *context, struct plugcl_context_statistics *statistics)
{
    if (!context || !statistics || statistics->struct_size < sizeof(size_t))
        return;
    plugcl_context *counts = (plugcl_context *)context; /* atomic loads of const objects came after C11 */
    struct plugcl_context_statistics now = {
        .struct_size = statistics->struct_size,
        .programs_compiled = atomic_load(&counts->compiled),
        .programs_loaded = atomic_load(&counts->loaded),
        .device_bytes = atomic_load(&counts->device_bytes),
    };
    memcpy(statistics, &now, statistics->struct_size < sizeof now ? statistics->struct_size : sizeof now);
}

void *context_cache_get(plugcl_context *context, const uint8_t key[32], size_t *bytes)
{
    void *file;
    const uint8_t *payload = program_cache_get(&context->cache, CACHE_TUNING, key, &context->log, &file, bytes);
    void *copy = payload ? memory_zeroed(*bytes + 1, 1) : NULL;
    if (copy)
        memcpy(copy, payload, *bytes);
    memory_free(file);
    return copy;
}

void context_cache_set(plugcl_context *context, const uint8_t key[32], const void *record, size_t bytes)
{
    program_cache_set(&context->cache, CACHE_TUNING, key, record, bytes, &context->log);
    program_cache_trim(&context->cache, CACHE_TUNING, TUNING_CACHE_BOUND, &context->log);
}

void plugcl_free(void *memory)
{
    memory_free(memory);
}
