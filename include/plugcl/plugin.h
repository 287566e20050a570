/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.h: plug-ins, ours and a user's. A plug-in is a function that adds nodes to a graph.
 *
 * The built-in plug-ins use nothing that is not in the public headers. docs/architecture.md shows how the parts fit.
 */
#ifndef PLUGCL_PLUGIN_H
#define PLUGCL_PLUGIN_H

#include <plugcl/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum plugcl_option_type { PLUGCL_OPTION_TEXT = 0, PLUGCL_OPTION_BOOL, PLUGCL_OPTION_NUMBER } plugcl_option_type;

/* One option of a plug-in; drives validation, help and documentation. */
struct plugcl_option {
    const char *name;
    plugcl_option_type type;
    const char *fallback; /* the default, as a text; "" when the flavour decides */
    const char *choices;  /* "relu|relu6|silu" or NULL; for a list, each item must be one of them */
    bool list;            /* values separated by commas */
    const char *summary;
};

/* A published form of the module: how its weights are named. Listed by help; `build` decides which one it is. */
struct plugcl_flavour {
    const char *name;
    const char *weights; /* "fc.0.weight fc.2.weight" */
    const char *summary;
};

/* What check-plugin tries a plug-in with: weights of these names (below an empty prefix) and shapes, filled with random numbers. */
struct plugcl_sample_tensor {
    const char *name;
    plugcl_shape shape;
};

struct plugcl_sample {
    const char *name;    /* "k = 5", for the report */
    const char *options; /* "key=value key=value"; NULL: none */
    const struct plugcl_sample_tensor *weights; /* ends with a NULL name; NULL: no weights. "running_var" is made positive */
    const plugcl_shape *inputs; /* one for each input; each PLUGCL_DIM_ANY is tried with several sizes, the same in all inputs */
};

struct plugcl_plugin_call; /* see the accessors below */

struct plugcl_plugin {
    size_t struct_size;
    uint32_t api_version; /* PLUGCL_PLUGIN_API_VERSION */
    const char *name, *summary, *reference;
    const struct plugcl_option *options;   /* ends with a NULL name; "flavour" is added to all */
    const struct plugcl_flavour *flavours; /* ends with a NULL name */
    const char *const *inputs, *const *outputs; /* each ends with NULL */
    /* Adds nodes and sets the outputs; a failure is recorded in the graph (plugcl_graph_fail or a failing call) and returned. */
    plugcl_status (*build)(plugcl_graph *graph, const struct plugcl_plugin_call *call, void *user);
    const struct plugcl_sample *samples; /* ends with a NULL name; NULL: none */
};

/* What a shared object with plug-ins exports, as the symbol plugcl_plugins:
 *
 *     const struct plugcl_plugin_library plugcl_plugins = { sizeof plugcl_plugins, PLUGCL_PLUGIN_API_VERSION, plugins };
 */
struct plugcl_plugin_library {
    size_t struct_size;
    uint32_t api_version;
    const struct plugcl_plugin *const *plugins; /* ends with NULL */
};
PLUGCL_API extern const struct plugcl_plugin_library plugcl_plugins;

/* What `build` may ask of its call. Texts and entries live as long as the call. Thread-safety: one thread. */
PLUGCL_API plugcl_value plugcl_call_input(const struct plugcl_plugin_call *call, size_t index);
/* A tensor below the call's prefix; NULL if there is none. */
PLUGCL_API const struct plugcl_weights_entry *plugcl_call_find(const struct plugcl_plugin_call *call, const char *name);
/* The same as a value; the null value and a NOT_FOUND in the graph, naming prefix and tensor, if there is none. */
PLUGCL_API plugcl_value plugcl_call_weight(const struct plugcl_plugin_call *call, const char *name);
/* Folds the batch_norm layer of that name below the prefix into weight and bias (plugcl_graph_fold_batch_norm). */
PLUGCL_API void plugcl_call_fold_batch_norm(const struct plugcl_plugin_call *call, plugcl_value *weight, plugcl_value *bias,
                                            const char *layer, float eps);
/* True if the caller gave the option. */
PLUGCL_API bool plugcl_call_given(const struct plugcl_plugin_call *call, const char *option);
/* The option's value or its default; values have been checked against type and choices. Numbers have a point before their
 * decimals whatever the locale; of a list plugcl_call_number takes the first. */
PLUGCL_API const char *plugcl_call_text(const struct plugcl_plugin_call *call, const char *option);
PLUGCL_API bool plugcl_call_bool(const struct plugcl_plugin_call *call, const char *option);
PLUGCL_API double plugcl_call_number(const struct plugcl_plugin_call *call, const char *option);
PLUGCL_API void plugcl_call_set_output(const struct plugcl_plugin_call *call, const char *name, plugcl_value value);
/* The flavour taken; and a remark for the reader, "align_corners=false taken; weights cannot tell, …". Both are copied. */
PLUGCL_API void plugcl_call_set_flavour(const struct plugcl_plugin_call *call, const char *flavour);
PLUGCL_API void plugcl_call_note(const struct plugcl_plugin_call *call, const char *note);

/* A registry with the built-in plug-ins in it. Errors: NO_MEMORY. Thread-safety: add before sharing, then safe. */
PLUGCL_API plugcl_status plugcl_registry_create(plugcl_registry **registry);
/* Sets *registry to NULL and unloads its shared objects; NULL is fine. Graphs that were created with it go first.
 * Thread-safety: no other thread uses the registry. */
PLUGCL_API void plugcl_registry_destroy(plugcl_registry **registry);
/* Adds a plug-in, which must outlive the registry. Errors: INVALID (a name taken, a missing field, another api_version). */
PLUGCL_API plugcl_status plugcl_registry_add(plugcl_registry *registry, const struct plugcl_plugin *plugin, void *user);
/* Adds the plug-ins of a shared object, by the file's path (system folders are not searched), with a NULL `user`: all of them or
 * none. The object stays loaded as long as the registry lives. It runs with the rights of the process: load what you trust.
 * Errors: IO (the file cannot be read), FORMAT (it is no shared object, lacks what it needs or the symbol, or was built for another
 * version of the interface), INVALID (a plug-in that plugcl_registry_add refuses), NO_MEMORY. */
PLUGCL_API plugcl_status plugcl_registry_load(plugcl_registry *registry, const char *path);
/* How many there are, and one of them: the built-in ones first, then those added, in the order of adding; NULL outside
 * 0 … count−1. NULL registry: the built-in ones. A built-in plug-in is valid for ever, one of a shared object as long as the
 * registry is, one that was added as long as its owner says. Thread-safety: safe once nothing is added any more. */
PLUGCL_API size_t plugcl_registry_count(const plugcl_registry *registry);
PLUGCL_API const struct plugcl_plugin *plugcl_registry_at(const plugcl_registry *registry, size_t index);

#ifdef __cplusplus
}
#endif
#endif
