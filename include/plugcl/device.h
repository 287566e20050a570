/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.h: which OpenCL devices there are, and which of them plugcl can use.
 */
#ifndef PLUGCL_DEVICE_H
#define PLUGCL_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <plugcl/log.h>
#include <plugcl/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct plugcl_device_list plugcl_device_list;

typedef enum plugcl_device_type {
    PLUGCL_DEVICE_NONE = 0, /* an entry for a platform that has no device */
    PLUGCL_DEVICE_CPU,
    PLUGCL_DEVICE_GPU,
    PLUGCL_DEVICE_OTHER
} plugcl_device_type;

struct plugcl_device_info {
    size_t struct_size;
    uint32_t platform_index, device_index; /* "P:D", as plugcl_context_params::device takes it; skipped entries count too */
    const char *platform;                  /* platform name */
    const char *name;                      /* device name, "" for PLUGCL_DEVICE_NONE */
    const char *vendor;
    const char *version;                   /* the OpenCL version string of the device */
    const char *driver;                    /* driver version */
    plugcl_device_type type;
    uint32_t compute_units;
    uint32_t float_vector_width;           /* native */
    uint64_t global_memory, max_allocation, local_memory; /* bytes */
    uint64_t max_work_group;               /* work-items */
    bool has_half, has_double, has_unified_memory;
    bool usable;                           /* plugcl can run on it */
    const char *reason;                    /* why not, in a sentence; "" when usable */
};

struct plugcl_device_list_params {
    size_t struct_size;
    bool no_probe; /* true: do not compile and run the probe kernel; `usable` then says less */
    plugcl_log_callback log;
    void *log_user;
    plugcl_log_level log_level;
};

/* Looks at every OpenCL platform and device and runs a small probe kernel on each, checking its answer. A machine without OpenCL
 * gives an empty list, not an error. `params` may be NULL.
 * Errors: NO_MEMORY. Thread-safety: safe. */
PLUGCL_API plugcl_status plugcl_device_list_create(const struct plugcl_device_list_params *params, plugcl_device_list **list);
/* Sets *list to NULL; NULL is fine. Thread-safety: no other thread uses the list. */
PLUGCL_API void plugcl_device_list_destroy(plugcl_device_list **list);
/* Number of devices, usable or not; 0 for NULL. Thread-safety: safe. */
PLUGCL_API size_t plugcl_device_list_count(const plugcl_device_list *list);
/* Valid as long as the list is; NULL outside 0 … count−1. Thread-safety: safe. */
PLUGCL_API const struct plugcl_device_info *plugcl_device_list_at(const plugcl_device_list *list, size_t index);

#ifndef __cplusplus
#define plugcl_device_list_params(...) \
    (&(const struct plugcl_device_list_params){ .struct_size = sizeof(struct plugcl_device_list_params), __VA_ARGS__ })
#endif
static inline struct plugcl_device_list_params plugcl_device_list_params_init(void)
{
    struct plugcl_device_list_params params = { sizeof(struct plugcl_device_list_params), false, NULL, NULL, PLUGCL_LOG_ERROR };
    return params;
}

#ifdef __cplusplus
}
#endif
#endif
