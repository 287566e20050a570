/* SPDX-License-Identifier: Apache-2.0 */
/* probe.c: one small kernel whose answer is known, run before a device is trusted. */
#include "device/private.h"
#include "device/source.h"

#define PROBE_FILE "common/probe.cl"

enum { PROBE_LARGEST = 64 };

struct probe_data {
    float x[PROBE_LARGEST + 5], y[2 * PROBE_LARGEST + 1];
    uint32_t z[PROBE_LARGEST];
};

/* What probe.cl computes, on the host. */
static void expect(struct probe_data *data, size_t n)
{
    float sum = 0.0f;
    for (size_t i = 0; i < n + 5; i++)
        data->x[i] = (float)(int)(i * 7 % 23) - 9.0f;
    for (size_t i = 0; i < n; i++)
        sum += data->x[i];
    for (size_t i = 0; i < n; i++) {
        const float *w = data->x + i + 1;
        float weighted = w[0] + 2.0f * w[1] + 3.0f * w[2] - 4.0f * w[3];
        data->y[2 * i + 1] = sum + data->x[n - 1 - i];
        data->y[2 * i + 2] = weighted * 2.0f + (data->x[i] > 3.0f ? data->x[i] : 3.0f);
        uint32_t k = (uint32_t)i, product = k * 0x01000001u;
        uint32_t high = (uint32_t)(((uint64_t)product * 0x00010203u) >> 32);
        int32_t shifted = ((int32_t)k - 5 - (k % 2 == 0)) / 2; /* an arithmetic shift rounds down */
        data->z[i] = high ^ (k << 7) ^ (uint32_t)shifted ^ (k % 7);
    }
}

static plugcl_status launch(plugcl_context *context, size_t n, struct buffer *const buffers[3])
{
    struct kernel *kernel = NULL;
    plugcl_status status = kernel_create(context, PROBE_FILE, NULL, "probe", &kernel);
    if (status == PLUGCL_OK && kernel_max_work_group(kernel) < n)
        status = fail(PLUGCL_UNSUPPORTED, "the probe kernel cannot run with %zu work-items", n);
    for (uint32_t i = 0; i < 3 && status == PLUGCL_OK; i++)
        status = kernel_set_buffer(kernel, i, buffers[i]);
    if (status == PLUGCL_OK)
        status = kernel_set_local(kernel, 3, n * sizeof(float));
    struct queue queue = { .context = context, .cl = context->transfers };
    const size_t size[3] = { n, 1, 1 };
    if (status == PLUGCL_OK) /* not a warming: the binary is not worth storing, since the answer is */
        status = queue_launch(&queue, kernel, 1, size, size, NULL);
    if (status == PLUGCL_OK)
        status = queue_finish(&queue);
    kernel_destroy(&kernel);
    return status;
}

static plugcl_status compare(const struct probe_data *data, size_t n, const struct buffer *y, const struct buffer *z)
{
    struct probe_data got;
    plugcl_status status = buffer_read_now(y, 0, got.y, (2 * n + 1) * sizeof got.y[0]);
    if (status == PLUGCL_OK)
        status = buffer_read_now(z, 0, got.z, n * sizeof got.z[0]);
    if (status != PLUGCL_OK)
        return status;
    for (size_t i = 0; i < n; i++) {
        if (got.y[2 * i + 1] != data->y[2 * i + 1] || got.y[2 * i + 2] != data->y[2 * i + 2] || got.z[i] != data->z[i])
            return fail(PLUGCL_UNSUPPORTED, "the device computes wrong: item %zu of the probe kernel is %g, %g, %u instead of "
                        "%g, %g, %u", i, (double)got.y[2 * i + 1], (double)got.y[2 * i + 2], (unsigned)got.z[i],
                        (double)data->y[2 * i + 1], (double)data->y[2 * i + 2], (unsigned)data->z[i]);
    }
    return PLUGCL_OK;
}

static plugcl_status compute(plugcl_context *context)
{
    size_t n = PROBE_LARGEST;
    while (n > 1 && n > context->caps.max_work_group)
        n /= 2;
    struct probe_data data;
    expect(&data, n);
    struct buffer *buffers[3] = { 0 };
    const size_t bytes[3] = { (n + 5) * sizeof(float), (2 * n + 1) * sizeof(float), n * sizeof(uint32_t) };
    plugcl_status status = PLUGCL_OK;
    for (size_t i = 0; i < 3 && status == PLUGCL_OK; i++)
        status = buffer_create(context, bytes[i], false, &buffers[i]);
    if (status == PLUGCL_OK)
        status = buffer_write_now(buffers[0], 0, data.x, bytes[0]);
    if (status == PLUGCL_OK)
        status = launch(context, n, buffers);
    if (status == PLUGCL_OK)
        status = compare(&data, n, buffers[1], buffers[2]);
    for (size_t i = 0; i < 3; i++)
        buffer_drop(&buffers[i]);
    return status == PLUGCL_OK ? status : fail_in(status, "%s: ", context->device.info.name);
}

/* A right answer holds for the driver that gave it: the record's key names its version. So a start with a filled cache neither
 * loads nor launches the probe; a wrong answer is never recorded. */
plugcl_status probe_run(plugcl_context *context)
{
    static const char passed[] = "the probe's answer was right";
    const struct embedded_file *probe = embedded_file_find(PROBE_FILE);
    uint8_t key[32];
    size_t bytes = 0;
    program_key(context, (const char *)probe->data, probe->bytes, passed, key);
    void *file;
    const uint8_t *record = program_cache_get(&context->cache, CACHE_PROGRAM, key, &context->log, &file, &bytes);
    bool trusted = record && bytes == sizeof passed && memcmp(record, passed, bytes) == 0;
    memory_free(file);
    plugcl_status status = trusted ? PLUGCL_OK : compute(context);
    if (!trusted && status == PLUGCL_OK)
        program_cache_set(&context->cache, CACHE_PROGRAM, key, passed, sizeof passed, &context->log);
    return status;
}
