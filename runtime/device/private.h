/* SPDX-License-Identifier: Apache-2.0 */
/* private.h: the insides that the files of device/ share. */
#ifndef PLUGCL_DEVICE_PRIVATE_H
#define PLUGCL_DEVICE_PRIVATE_H

#include <string.h>

#include "base/memory.h"
#include "base/params.h"
#include "base/thread.h"
#include "device/context.h"
#include "device/opencl.h"
#include "device/program_cache.h"
#include "device/queue.h"
#include "device/tensor.h"

/* A device, or a platform without one, as the listing found it. The strings of `info` are its own. */
struct device {
    cl_platform_id platform;
    cl_device_id id; /* NULL for a platform without a device */
    cl_device_type types;
    char *platform_version;
    uint32_t address_bits;
    uint32_t quirks;      /* enum quirk */
    plugcl_status status; /* why it is not usable; NOT_FOUND when plugcl skips it, OK when it may be tried */
    struct plugcl_device_info info;
};

struct devices {
    struct device *items;
    size_t count, capacity;
};

/* Lists every device of every platform; nothing is compiled or run. Errors: NO_MEMORY, DEVICE. */
plugcl_status devices_find(const struct opencl_api *api, struct devices *devices);
void devices_free(struct devices *devices);
/* Fills in everything but the indices. A query that fails leaves a device that is not usable; only NO_MEMORY (of the host) is a
 * failure of the call itself. */
plugcl_status device_describe(const struct opencl_api *api, cl_platform_id platform, cl_device_id id, struct device *device);
void device_set_reason(struct device *device, plugcl_status status, const char *reason);
void device_free(struct device *device);

/* A program of the context, owned by it: once built it stays, so that a new plan compiles nothing. */
struct program {
    struct program *next;
    uint8_t key[32];
    char *file, *options; /* of an embedded source, for a search without hashing; NULL otherwise */
    enum { PROGRAM_BUILDING, PROGRAM_READY, PROGRAM_FAILED } state;
    int users; /* threads that build it or wait for it; under the context's lock */
    cl_program cl;
    plugcl_status status; /* and message, of a build that failed */
    char *message;
    uint32_t kernels;     /* that were made of it and not withdrawn: without one it is not worth storing */
    uint32_t warming;     /* first launches that may not have finished: the binary is not complete */
    bool loaded;          /* from the disk cache, not compiled */
    bool dirty;           /* the stored binary lacks something that was compiled since */
    uint64_t *warm;       /* hashes of (entry, local size) that were launched in this context */
    size_t n_warm, warm_capacity;
    uint64_t *stored;     /* those that the binary in the cache has */
    size_t n_stored;
};

struct plugcl_context {
    /* Two counts, since a store holds buffers and buffers need the context: `users` are the handles of callers and plans,
     * at whose end the stores go; `parts` are those users taken together and every object of device/, at whose end the
     * context itself goes. */
    reference_count users, parts;
    struct opencl_library library;
    const struct opencl_api *api;
    struct log log;
    uint64_t poll_ns; /* how long waits poll */
    struct device device;
    struct device_caps caps;
    cl_context cl;
    cl_command_queue transfers;
    cl_command_queue adopted; /* the application's queue, or NULL */
    bool adopted_in_order;
    struct program_cache cache;
    atomic_ullong compiled, loaded, device_bytes;
    mutex lock; /* programs, stores */
    condition built;
    struct program *programs;
    struct context_store {
        void *store;
        void (*clear)(void *store);
    } stores[CONTEXT_PLACES];
};

/* A reference of a part of the context, see above. */
plugcl_context *context_hold(plugcl_context *context);
void context_let_go(plugcl_context *context);

/* Makes a context on `device`, which goes over to it (emptied) whether it succeeds or not; so does `library`. With `cl` (adopted,
 * retained here) the context is the application's. */
struct context_source {
    struct opencl_library *library;
    struct device *device;
    cl_context cl;
    cl_command_queue queue;
    const struct plugcl_context_params *params;
};
plugcl_status context_open(const struct context_source *source, plugcl_context **context);
/* The same on a listed device, which keeps its description, with the reason if it does not work. The context does not own the
 * library that `api` may be of. */
plugcl_status context_try(const struct opencl_api *api, const struct plugcl_context_params *params, struct device *device,
                          plugcl_context **context);

/* Tells the log of a context that could not be made; its text is the thread's message. */
void context_log_failure(const struct plugcl_context_params *params);

/* Runs the probe kernel and checks its answer, unless the cache says that this driver gave the right one before. */
plugcl_status probe_run(plugcl_context *context);

struct buffer {
    reference_count references;
    plugcl_context *context;
    cl_mem cl;
    size_t bytes;
    bool adopted; /* an application's, not counted in device_bytes */
};
plugcl_status buffer_wrap(plugcl_context *context, cl_mem cl, struct buffer **buffer);

struct kernel {
    plugcl_context *context;
    struct program *program;
    cl_kernel cl;
    char *entry;
    size_t max_work_group;
    cl_uint arguments;
};

struct queue {
    plugcl_context *context;
    cl_command_queue cl;
    bool bridged; /* the application's queue is out of order: see queue_enter */
};

struct plugcl_event {
    reference_count references;
    plugcl_context *context;
    cl_event cl;
};
/* Takes over `cl`, released on failure too. */
plugcl_status event_make(plugcl_context *context, cl_event cl, plugcl_event **event);

/* Finds or builds the program. `file` is the name of an embedded file, or NULL with `source`, called `name` in messages. */
plugcl_status program_get(plugcl_context *context, const char *file, const char *name, const char *source, const char *options,
                          struct program **program);
void programs_free(plugcl_context *context);
/* Whether a hash is among a program's `warm` or `stored`. */
bool warm_holds(const uint64_t *hashes, size_t count, uint64_t hash);
/* Of everything that a program's binary depends on: its expanded source, the options, the device and its driver. */
void program_key(const plugcl_context *context, const char *source, size_t bytes, const char *options, uint8_t key[32]);

plugcl_status tensor_wrap_buffer(struct buffer *buffer, size_t byte_offset, const struct plugcl_tensor_params *params,
                                 plugcl_tensor **tensor);

#endif
