/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layers.h: what plug-ins need of a call's weights: a layer's tensors found, checked and made values, and the published form
 * recognised that they have. A failure is recorded in the graph, in one line that names the tensor.
 */
#ifndef PLUGCL_PLUGINS_LAYERS_H
#define PLUGCL_PLUGINS_LAYERS_H

#include <plugcl/plugin.h>

/* The error's text in the manner of printf, recorded in the graph. */
plugcl_status layers_fail(plugcl_graph *graph, plugcl_status status, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

/* "<layer>.<tensor>" below the call's prefix; NULL if there is none, or for a NULL layer. */
const struct plugcl_weights_entry *layers_find(const struct plugcl_plugin_call *call, const char *layer, const char *tensor);
/* True if any tensor of a batch norm of that name is there. */
bool layers_have_norm(const struct plugcl_plugin_call *call, const char *layer);

/*
 * How one published form of a module names its layers; a plug-in's own form begins with it. A flavour may have several forms.
 * `count` says how many of the form's layers the call has; 0: certainly not this form.
 */
struct layers_form {
    const char *flavour;
};
typedef int (*layers_count)(const struct plugcl_plugin_call *call, const struct layers_form *form);

/* The form that has most of its layers, the first one of equals, or of those of the flavour asked for by `flavour=`. `forms` has
 * elements of `form_size` bytes and ends with a NULL flavour. NULL and an error in the graph if there is none. States the
 * flavour. */
const struct layers_form *layers_recognise(plugcl_graph *graph, const struct plugcl_plugin_call *call,
                                           const struct layers_form *forms, size_t form_size, layers_count count,
                                           const struct plugcl_flavour *flavours);

/* "[1, 2, 3]"; returns `text`. */
const char *layers_write_shape(char text[128], const plugcl_shape *shape);

/* False, with an error in the graph, where an entry, which must not be NULL, is not what it must be. Sizes of −1 may be any. */
bool layers_check_type(plugcl_graph *graph, const struct plugcl_weights_entry *entry);
/* A fully connected layer [rows, columns], perhaps written as a 1x1 convolution; rank 2 or 4, or 0 for both. */
bool layers_check_matrix(plugcl_graph *graph, const struct plugcl_weights_entry *entry, uint32_t rank, int64_t rows,
                         int64_t columns);
/* `wanted` is what the error says it must be, "[C, 1, K, K]". */
bool layers_check_shape(plugcl_graph *graph, const struct plugcl_weights_entry *entry, const plugcl_shape *shape,
                        const char *wanted);
/* A vector; NULL is right too. */
bool layers_check_vector(plugcl_graph *graph, const struct plugcl_weights_entry *entry, int64_t elements);

/* Values of "<layer>.weight" and "<layer>.bias"; the bias may be left out unless `needs_bias`. */
bool layers_take(plugcl_graph *graph, const struct plugcl_plugin_call *call, const char *layer, bool needs_bias,
                 plugcl_value *weight, plugcl_value *bias);
/* Checks the batch norm of that name, which must be there, and folds it into the layer before. */
bool layers_fold_norm(plugcl_graph *graph, const struct plugcl_plugin_call *call, const char *layer, int64_t channels, float eps,
                      plugcl_value *weight, plugcl_value *bias);

/* C of x [N, C, H, W] where it is known, else −1; false for another rank. */
bool layers_read_channels(plugcl_graph *graph, plugcl_value x, int64_t *channels);

#endif
