/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context.h: one device, ready to compile and run, and the program cache.
 *
 * A context may be shared by threads. Objects made from it hold references, so they may be destroyed in any order.
 * <plugcl/cl.h> makes a context from an application's own cl_context.
 */
#ifndef PLUGCL_CONTEXT_H
#define PLUGCL_CONTEXT_H

#include <plugcl/device.h>
#include <plugcl/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An application's own store for compiled programs and tuning results, in place of the cache folder. `key` is 64 hexadecimal
 * digits.
 * `get` returns the number of bytes of the blob (0 for none) and, when `data` is not NULL, copies at most `capacity` of them.
 * plugcl checks what it gets: a damaged blob is ignored and rebuilt. Both may be called from any thread that makes plans, runs
 * them or destroys what belongs to the context, by several at once; they must not call plugcl, which may hold a lock meanwhile. */
typedef size_t (*plugcl_cache_get)(void *user, const char *key, void *data, size_t capacity);
typedef void (*plugcl_cache_set)(void *user, const char *key, const void *data, size_t bytes);

struct plugcl_context_params {
    size_t struct_size;
    /* Which device: NULL is "gpu,cpu". A comma-separated list, tried in order, of: cpu, gpu, P:D (platform and device index as
     * plugcl_device_list counts), or a part of a device or platform name (letter case ignored). */
    const char *device;
    plugcl_log_callback log; /* NULL: silent */
    void *log_user;          /* this and cache_user must live until the context and all that was made from it are destroyed */
    plugcl_log_level log_level; /* the most talkative level that is passed on; zero is errors only */
    const char *cache_dir;      /* NULL: $XDG_CACHE_HOME/plugcl, else $HOME/.cache/plugcl (%LOCALAPPDATA% on Windows) */
    bool no_disk_cache;         /* true: programs are kept in memory only */
    plugcl_cache_get cache_get; /* both or none; they take the place of the folder */
    plugcl_cache_set cache_set;
    void *cache_user;
    /* How long a wait asks the driver again and again before it sleeps, giving its core in between to any thread that wants it; 0:
     * not at all. A thread that sleeps is woken late, by 10 to 50 microseconds, and a core that idles is slow to start again:
     * a run of a millisecond and less ends that much sooner, for a core that is busy while it lasts. */
    uint64_t poll_ns;
};

/* Opens the first device of the list that works.
 * Errors: NOT_FOUND (the message names what was asked for and what there is), INVALID, DEVICE, NO_MEMORY.
 * Thread-safety: safe. `params` may be NULL. */
PLUGCL_API plugcl_status plugcl_context_create(const struct plugcl_context_params *params, plugcl_context **context);
/* Drops the caller's reference and sets *context to NULL; NULL is fine. What was made from the context keeps it alive.
 * Thread-safety: safe as long as no other thread uses the same handle. */
PLUGCL_API void plugcl_context_destroy(plugcl_context **context);
/* The device; valid as long as the context is. Thread-safety: safe. */
PLUGCL_API const struct plugcl_device_info *plugcl_context_device(const plugcl_context *context);

/* Counts since the context was made. Thread-safety: safe. */
struct plugcl_context_statistics {
    size_t struct_size;
    uint64_t programs_compiled; /* from source */
    uint64_t programs_loaded;   /* from the disk cache or the application's store */
    uint64_t device_bytes;      /* device memory that plugcl holds now */
};
PLUGCL_API void plugcl_context_statistics(const plugcl_context *context, struct plugcl_context_statistics *statistics);

/* Writes the compiled programs that the cache does not have yet into it. Destroying a plan does the same; an application that may
 * end without destroying its plans calls this at a quiet moment. It is not done before the first result, since some drivers take
 * as long for it as for compiling (PoCL: 0.1 to 0.4 s for each kernel, once). What tuning tried and no plan took is left out.
 * Failures are logged at debug level. NULL is fine. Thread-safety: safe. */
PLUGCL_API void plugcl_context_save_programs(plugcl_context *context);

/* Work that ends at some time: a run's, or an application's (<plugcl/cl.h>). */
typedef struct plugcl_event plugcl_event;
#define PLUGCL_WAIT_FOREVER UINT64_MAX
/* Waits until the work has ended, first as the context's poll_ns says. Errors: TIMEOUT (the work goes on), DEVICE (it failed).
 * Thread-safety: safe. */
PLUGCL_API plugcl_status plugcl_event_wait(plugcl_event *event, uint64_t timeout_ns);
/* Drops the caller's reference and sets *event to NULL; NULL is fine. Thread-safety: safe as long as no other thread uses the same
 * handle. */
PLUGCL_API void plugcl_event_destroy(plugcl_event **event);

/* The cache folder that `cache_dir` (NULL: the default) leads to. *path is NULL when there is none, with the reason in
 * plugcl_error_message(), which may be that memory ran out; freed with plugcl_free. Errors: INVALID (no place for the path).
 * Thread-safety: safe. */
PLUGCL_API plugcl_status plugcl_cache_folder(const char *cache_dir, char **path);
/* Number and bytes of the cached programs of that folder, and, with `clear`, their removal and that of the tuning results (of the
 * cache's own files only). Errors: IO when one cannot be removed. Thread-safety: safe. */
PLUGCL_API plugcl_status plugcl_cache_usage(const char *cache_dir, bool clear, uint64_t *files, uint64_t *bytes);
/* Number of the tuning results of that folder, of all devices and versions (see `tune` of plugcl_plan_params).
 * Errors: INVALID, IO. Thread-safety: safe. */
PLUGCL_API plugcl_status plugcl_cache_tuned(const char *cache_dir, uint64_t *results);

/* Frees a text that a plugcl call gave to the caller; NULL is fine. Thread-safety: safe. */
PLUGCL_API void plugcl_free(void *memory);

#ifndef __cplusplus
#define plugcl_context_params(...) \
    (&(const struct plugcl_context_params){ .struct_size = sizeof(struct plugcl_context_params), __VA_ARGS__ })
#endif
static inline struct plugcl_context_params plugcl_context_params_init(void)
{
    struct plugcl_context_params params = { sizeof(struct plugcl_context_params), NULL, NULL, NULL, PLUGCL_LOG_ERROR, NULL,
                                            false, NULL, NULL, NULL, 0 };
    return params;
}

#ifdef __cplusplus
}
#endif
#endif
