/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h: a graph made ready for a device and for input shapes, and its runs.
 *
 * Making a plan compiles, uploads, packs and allocates; a run only enqueues. A plan belongs to one thread at a time and has an
 * in-order queue of its own; several plans of one context run side by side and share compiled programs and packed weights.
 * Within a plan I32, I64 and BOOL are 32-bit integers: I64 tensors (8 bytes an element) are saturated to −2147483648 … 2147483647
 * when a run reads them, BOOL tensors (1 byte) are true where they are not 0; results are widened to the tensor's type.
 * Packed weights are freed with the last plan that uses them: to go over to other shapes, make the new plan first.
 */
#ifndef PLUGCL_PLAN_H
#define PLUGCL_PLAN_H

#include <plugcl/context.h>
#include <plugcl/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct plugcl_plan plugcl_plan;
typedef struct plugcl_run plugcl_run;

/* The shape of one input of the graph, all dimensions known. */
struct plugcl_input_shape {
    const char *name;
    plugcl_shape shape;
};

/* Called during long work, on the thread that called plugcl, with what is being done and how far it is: `done` of `total` never
 * goes back and ends at `total`. Returning false cancels the work: the call then returns PLUGCL_CANCELLED. It must not call
 * plugcl. */
typedef bool (*plugcl_progress_callback)(void *user, const char *what, size_t done, size_t total);

/* Which implementation (variant and tile) each step gets. Results of measurements are kept in the context's program cache, by
 * device, driver and version of the kernels: whatever changes one of these makes them void. The same inputs give the same
 * choices. */
typedef enum plugcl_tune {
    PLUGCL_TUNE_STORED = 0, /* the one that was measured best, if there is a stored result for the step; else the built-in choice */
    PLUGCL_TUNE_MISSING,    /* measures, on memory of its own, those for which there is no stored result, and stores the winners */
    PLUGCL_TUNE_ALL,        /* measures all anew */
    PLUGCL_TUNE_NEVER       /* built-in choices only */
} plugcl_tune;

struct plugcl_plan_params {
    size_t struct_size;
    const struct plugcl_input_shape *shapes; /* needed for inputs with unknown dimensions; others may be left out */
    size_t n_shapes;
    bool no_fusion;       /* true: composites are expanded, nothing is folded or fused: the definition, step by step */
    const char *variants; /* forces implementations by name, "conv2d=generic,pool2d=gpu"; NULL: the built-in choice */
    bool channels_last;   /* true: rank-4 inputs and outputs are PLUGCL_NHWC tensors; else PLUGCL_NCHW */
    bool profile;         /* true: record the device time of each step (plugcl_run_step_time) */
    plugcl_progress_callback progress;
    void *progress_user;
    /* Measuring takes about a second a step. An implementation that fails then is left out, with a note in the log. When `progress`
     * cancels it, what was measured till then is stored. What `variants` forces is not measured. */
    plugcl_tune tune;
    /* true: convolutions of 3 × 3 taps are summed tap by tap. Else, where it is faster, they are computed by Winograd's method,
     * which errs by up to 5e-5 of the largest result, and in which a NaN or infinity reaches the outputs of its whole tile, up to
     * 4 × 4 pixels (`dilation` apart). With no_fusion it is not used. */
    bool no_winograd;
};

/* Makes a plan. It holds references to the context and to what it needs of the graph, which may be destroyed; weights it has on the
 * device, and keeps none on the host.
 * Errors: the graph's first error; INVALID (shapes that do not fit; the message names the node), UNSUPPORTED, NO_MEMORY (names the
 * bytes), BUILD, DEVICE, NOT_FOUND (a variant name), CANCELLED. Thread-safety: safe. `params` may be NULL. */
PLUGCL_API plugcl_status plugcl_plan_create(plugcl_context *context, plugcl_graph *graph, const struct plugcl_plan_params *params,
                                            plugcl_plan **plan);
/* Sets *plan to NULL; NULL is fine. Runs in flight go on and keep what they need; their handles stay valid. Stores the programs
 * that the cache lacks (plugcl_context_save_programs). Thread-safety: no other thread uses the plan. */
PLUGCL_API void plugcl_plan_destroy(plugcl_plan **plan);

/* The shape of an input or output of the graph under this plan. Errors: NOT_FOUND, INVALID. Thread-safety: safe. */
PLUGCL_API plugcl_status plugcl_plan_shape(const plugcl_plan *plan, const char *name, plugcl_shape *shape);

/* Its type: F32, I32, I64 or BOOL. Errors: NOT_FOUND, INVALID. Thread-safety: safe. */
PLUGCL_API plugcl_status plugcl_plan_dtype(const plugcl_plan *plan, const char *name, plugcl_dtype *dtype);

/* The tensor for an input or output of the graph. Its dtype must be the value's and its shape the plan's. */
struct plugcl_binding {
    const char *name;
    plugcl_tensor *tensor;
};

/* Enqueues one run. Every input must be bound; an output that is not bound is computed and dropped. No two outputs may share
 * memory, nor an output an input. Host tensors are read and written asynchronously: their memory must live until the run has
 * finished. `run` may be NULL: the call then waits for the work.
 * Errors: INVALID, NOT_FOUND (a name), STATE (a mapped tensor), DEVICE, NO_MEMORY. Thread-safety: one thread at a time per plan. */
PLUGCL_API plugcl_status plugcl_plan_run(plugcl_plan *plan, const struct plugcl_binding *bindings, size_t n_bindings,
                                         plugcl_run **run);

/* As plugcl_plan_run; the work begins after `n_events` events. Same errors and thread-safety. */
PLUGCL_API plugcl_status plugcl_plan_run_after(plugcl_plan *plan, const struct plugcl_binding *bindings, size_t n_bindings,
                                               plugcl_event *const *events, size_t n_events, plugcl_run **run);
/* The event that completes with the run, for the caller to destroy. Errors: NO_MEMORY. Thread-safety: safe. */
PLUGCL_API plugcl_status plugcl_run_event(plugcl_run *run, plugcl_event **event);

/* Waits until the run has finished. Errors: TIMEOUT (the run goes on), DEVICE. Thread-safety: safe. */
PLUGCL_API plugcl_status plugcl_run_wait(plugcl_run *run, uint64_t timeout_ns);
/* Drops the handle without waiting and sets *run to NULL; NULL is fine.
 * Thread-safety: safe as long as no other thread uses the same handle. */
PLUGCL_API void plugcl_run_destroy(plugcl_run **run);

/* Device time of step `step` (0 … plugcl_plan_steps()−1) of a finished run of a plan made with `.profile`, from the beginning of
 * its first launch to the end of its last, in nanoseconds of the device's clock. Errors: STATE (not profiled, not finished),
 * INVALID. Thread-safety: safe. */
PLUGCL_API plugcl_status plugcl_run_step_time(plugcl_run *run, size_t step, uint64_t *start_ns, uint64_t *end_ns);

typedef enum plugcl_choice {
    PLUGCL_CHOICE_BUILT_IN = 0, /* by the library's own rule */
    PLUGCL_CHOICE_TUNED,        /* by measurement, of the step or of an operator that it is made of */
    PLUGCL_CHOICE_FORCED        /* by the caller */
} plugcl_choice;

struct plugcl_step_info {
    size_t struct_size;
    const char *operation;  /* "conv2d" */
    const char *variant;    /* "cpu_taps" */
    const char *name;       /* the layer or plug-in it stems from, "" if unnamed */
    uint64_t flops, bytes;  /* work and the least traffic: inputs, weights and outputs once */
    const char *tile;       /* "6x64"; "" where the variant has no choice of tiles */
    plugcl_choice choice;
};
/* Number of steps; 0 for NULL. Thread-safety: safe. */
PLUGCL_API size_t plugcl_plan_steps(const plugcl_plan *plan);
/* The caller sets info->struct_size. Strings are valid as long as the plan is. Errors: INVALID. Thread-safety: safe. */
PLUGCL_API plugcl_status plugcl_plan_step(const plugcl_plan *plan, size_t step, struct plugcl_step_info *info);

/* A result of tuning that the plan took, of a step or of an operator that a step is made of. */
struct plugcl_tuning_info {
    size_t struct_size;
    const char *operation, *name; /* the operator, and the step as in plugcl_step_info */
    const char *variant, *tile;   /* the best */
    uint64_t time_ns;             /* of a run by it, with those before and behind it enqueued */
    const char *built_in_variant, *built_in_tile; /* the library's own choice */
    uint64_t built_in_time_ns;    /* 0 if it could not be measured */
    bool measured;                /* for this plan; else stored before */
};
/* Number of the results that the plan took; 0 for NULL. Thread-safety: safe. */
PLUGCL_API size_t plugcl_plan_tunings(const plugcl_plan *plan);
/* The caller sets info->struct_size. Strings are valid as long as the plan is. Errors: INVALID. Thread-safety: safe. */
PLUGCL_API plugcl_status plugcl_plan_tuning(const plugcl_plan *plan, size_t index, struct plugcl_tuning_info *info);

typedef enum plugcl_text_format { PLUGCL_TEXT = 0, PLUGCL_JSON } plugcl_text_format;
/* Describes the plan for a reader or a program: device, plug-ins and their flavours, steps, variants, FLOPs; the bytes of its
 * arena and the most that is alive in it at once, the bytes of weights on the device, which plans of the context share; the
 * numbers of launches, of kernels among them, and of the kernels' programs, compiled or loaded from the cache. JSON names them
 * arena_bytes, arena_lower_bound_bytes, constant_bytes, launches, kernels, programs, programs_loaded.
 * *text is freed with plugcl_free. Errors: NO_MEMORY. Thread-safety: safe. */
PLUGCL_API plugcl_status plugcl_plan_describe(const plugcl_plan *plan, plugcl_text_format format, char **text);

#ifndef __cplusplus
#define plugcl_plan_params(...)                                                                                                    \
    (&(const struct plugcl_plan_params){ .struct_size = sizeof(struct plugcl_plan_params), __VA_ARGS__ })
#endif
static inline struct plugcl_plan_params plugcl_plan_params_init(void)
{
    struct plugcl_plan_params params = { sizeof(struct plugcl_plan_params), NULL, 0, false, NULL, false, false, NULL,
                                         NULL, PLUGCL_TUNE_STORED, false };
    return params;
}

#ifdef __cplusplus
}
#endif
#endif
