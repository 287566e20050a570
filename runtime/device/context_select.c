/* SPDX-License-Identifier: Apache-2.0 */
/* context_select.c: which device "gpu,cpu", "1:0" or "radeon" means, and opening it. */
#include <ctype.h>
#include <stdlib.h>

#include "device/private.h"

static bool contains(const char *text, const char *part, size_t length)
{
    size_t text_length = strlen(text);
    for (size_t start = 0; start + length <= text_length; start++) {
        size_t i = 0;
        while (i < length && tolower((unsigned char)text[start + i]) == tolower((unsigned char)part[i]))
            i++;
        if (i == length)
            return true;
    }
    return false;
}

static bool is_word(const char *item, size_t length, const char *word)
{
    return length == strlen(word) && contains(word, item, length);
}

/* "P:D", digits only. */
static bool parse_indices(const char *item, size_t length, unsigned long *platform, unsigned long *device)
{
    size_t digits = strspn(item, "0123456789");
    if (digits == 0 || digits >= length || item[digits] != ':')
        return false;
    size_t more = strspn(item + digits + 1, "0123456789");
    if (more == 0 || digits + 1 + more != length)
        return false;
    *platform = strtoul(item, NULL, 10);
    *device = strtoul(item + digits + 1, NULL, 10);
    return true;
}

static bool matches(const struct device *device, const char *item, size_t length)
{
    unsigned long platform_index, device_index;
    if (is_word(item, length, "cpu"))
        return device->id && (device->types & CL_DEVICE_TYPE_CPU);
    if (is_word(item, length, "gpu"))
        return device->id && (device->types & CL_DEVICE_TYPE_GPU);
    if (parse_indices(item, length, &platform_index, &device_index))
        return device->info.platform_index == platform_index && device->info.device_index == device_index;
    return contains(device->info.name, item, length) || contains(device->info.platform, item, length);
}

/* "there is 0:0 pthread-… (Portable Computing Language), 1:0 rusticl [not usable: …]". */
static plugcl_status fail_no_device(plugcl_status status, const struct devices *devices, const char *asked)
{
    struct text there = { 0 };
    for (size_t i = 0; i < devices->count; i++) {
        const struct plugcl_device_info *info = &devices->items[i].info;
        text_add(&there, "%s%u:%u %s%s%s%s", i ? ", " : "", (unsigned)info->platform_index, (unsigned)info->device_index,
                 info->name, info->name[0] ? " (" : "", info->platform, info->name[0] ? ")" : "");
        if (!info->usable)
            text_add(&there, " [not usable: %s]", info->reason ? info->reason : "");
    }
    if (there.failed)
        status = fail_no_memory(there.length);
    else
        status = fail(status, "no device for \"%s\" works; there is %s", asked,
                      there.data ? there.data : "no OpenCL device on this machine");
    text_free(&there);
    return status;
}

/* A description goes over to the context that is tried, so a device that may not work is described again. */
plugcl_status context_try(const struct opencl_api *api, const struct plugcl_context_params *params, struct device *device,
                          plugcl_context **context)
{
    struct device copy;
    plugcl_status status = device_describe(api, device->platform, device->id, &copy);
    if (status != PLUGCL_OK)
        return status;
    copy.info.platform_index = device->info.platform_index;
    copy.info.device_index = device->info.device_index;
    struct opencl_library lent = { .api = api };
    struct context_source source = { .library = &lent, .device = &copy, .params = params };
    if (copy.info.usable) {
        status = context_open(&source, context);
    } else {
        status = copy.status; /* a query failed this time; its message is the thread's */
        device_free(&copy);
    }
    if (status != PLUGCL_OK)
        device_set_reason(device, status, plugcl_error_message());
    return status;
}

/* The library stays with the caller until a context works; then it goes over. */
static plugcl_status try_open(struct opencl_library *library, const struct plugcl_context_params *params, struct device *device,
                              plugcl_context **context)
{
    plugcl_status status = context_try(library->api, params, device, context);
    if (status == PLUGCL_OK) {
        (*context)->library = *library;
        *library = (struct opencl_library){ 0 };
    }
    return status;
}

/* Tries the devices that one item of the list means, in the listing's order. NOT_FOUND when none of them is usable. */
static plugcl_status try_item(struct opencl_library *library, const struct plugcl_context_params *params, struct devices *devices,
                              const char *item, size_t length, plugcl_context **context)
{
    plugcl_status worst = PLUGCL_NOT_FOUND;
    for (size_t i = 0; i < devices->count; i++) {
        struct device *device = &devices->items[i];
        if (!matches(device, item, length))
            continue;
        plugcl_status status = device->status;
        if (device->info.usable) {
            status = try_open(library, params, device, context);
            if (status == PLUGCL_OK)
                return status;
            struct log log = { params->log, params->log_user, params->log_level };
            log_message(&log, PLUGCL_LOG_WARNING, "device %u:%u %s does not work: %s", (unsigned)device->info.platform_index,
                        (unsigned)device->info.device_index, device->info.name, plugcl_error_message());
        }
        if (status != PLUGCL_OK && status != PLUGCL_NOT_FOUND)
            worst = status;
    }
    return worst;
}

static plugcl_status check_list(const char *asked)
{
    for (const char *p = asked;; p++) {
        size_t length = strcspn(p, ",");
        if (length == 0)
            return fail(PLUGCL_INVALID, "the device list \"%s\" has an empty item; write, for example, \"gpu,cpu\"", asked);
        p += length;
        if (*p == '\0')
            return PLUGCL_OK;
    }
}

static plugcl_status select_device(struct opencl_library *library, const struct plugcl_context_params *params, const char *asked,
                                   struct devices *devices, plugcl_context **context)
{
    plugcl_status worst = PLUGCL_NOT_FOUND;
    for (const char *p = asked;; p++) {
        size_t length = strcspn(p, ",");
        plugcl_status status = try_item(library, params, devices, p, length, context);
        if (status == PLUGCL_OK || status == PLUGCL_INVALID)
            return status;
        if (status != PLUGCL_NOT_FOUND)
            worst = status;
        p += length;
        if (*p == '\0')
            break;
    }
    /* What could not even be asked for its type may have been what was wanted. */
    for (size_t i = 0; i < devices->count && worst == PLUGCL_NOT_FOUND; i++) {
        if (devices->items[i].status != PLUGCL_OK)
            worst = devices->items[i].status;
    }
    return fail_no_device(worst, devices, asked);
}

void context_log_failure(const struct plugcl_context_params *params)
{
    struct log log = { params->log, params->log_user, params->log_level };
    log_message(&log, PLUGCL_LOG_ERROR, "%s", plugcl_error_message());
}

static plugcl_status create(struct opencl_library *library, const struct plugcl_context_params *params, plugcl_context **context)
{
    if (!context)
        return fail(PLUGCL_INVALID, "no place for the context was given");
    *context = NULL;
    struct plugcl_context_params given = plugcl_context_params_init();
    plugcl_status status = params ? params_read("plugcl_context_params", params, &given, sizeof given) : PLUGCL_OK;
    const char *asked = given.device ? given.device : "gpu,cpu";
    if (status == PLUGCL_OK)
        status = check_list(asked);
    struct devices devices = { 0 };
    if (status == PLUGCL_OK)
        status = devices_find(library->api, &devices);
    if (status == PLUGCL_OK)
        status = select_device(library, &given, asked, &devices, context);
    devices_free(&devices);
    if (status != PLUGCL_OK)
        context_log_failure(&given);
    return status;
}

plugcl_status context_create_with_api(const struct opencl_api *api, const struct plugcl_context_params *params,
                                      plugcl_context **context)
{
    struct opencl_library library = { .api = api };
    return create(&library, params, context);
}

plugcl_status plugcl_context_create(const struct plugcl_context_params *params, plugcl_context **context)
{
    if (context)
        *context = NULL;
    struct opencl_library library;
    plugcl_status status = opencl_open(&library);
    if (status == PLUGCL_OK)
        status = create(&library, params, context);
    opencl_close(&library);
    return status;
}
