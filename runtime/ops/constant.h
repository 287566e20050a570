/* SPDX-License-Identifier: Apache-2.0 */
/*
 * constant.h: constant tensors on the host, and the store of their packed forms on the device.
 *
 * The store belongs to the context and is shared by its plans. An entry is keyed by the constant's identity and the packing's name,
 * so that a second plan, for another shape, uploads and packs nothing. It holds no constant: what is packed may go on the host.
 */
#ifndef PLUGCL_OPS_CONSTANT_H
#define PLUGCL_OPS_CONSTANT_H

#include <plugcl/weights.h>

#include "base/memory.h"
#include "device/buffer.h"

/* Reference-counted and immutable. */
struct constant {
    reference_count references;
    uint8_t identity[32]; /* equal for equal recipes: a tensor of a weights object, or a fold of such tensors */
    plugcl_dtype dtype;
    plugcl_shape shape;
    const void *data;     /* dense, row-major, unaligned; NULL for a derived one */
    void *owned;          /* the data, when the constant owns it */
    plugcl_weights *weights; /* the object that lends the data */
    struct derivation *derivation;
};

/* Fills `packed`, of zeros, from the constants' floats. `sources[i]` is NULL for an absent one. */
typedef void (*pack_function)(const float *const *sources, const struct constant *const *constants, const void *parameters,
                              float *packed);

plugcl_status constant_create(plugcl_dtype dtype, const plugcl_shape *shape, const void *data, struct constant **constant);
plugcl_status constant_from_weights(plugcl_weights *weights, const struct plugcl_weights_entry *entry, struct constant **constant);
/* An F32 constant that holds its sources, not its elements: `compute` makes these whenever they are read, with a copy of the
 * `bytes` of parameters. Its identity is made of `recipe`, which names them too, and of the sources' (NULL ones are allowed). */
#define DERIVED_MAX_SOURCES 6
struct recipe {
    const char *name;
    pack_function compute;
    const void *parameters;
    size_t bytes;
};
plugcl_status constant_derive(const struct recipe *recipe, const plugcl_shape *shape, struct constant *const *sources,
                              size_t n_sources, struct constant **constant);
struct constant *constant_take(struct constant *constant);
void constant_drop(struct constant **constant);

#define PACKED_MAX_CONSTANTS 18
/* A packed form of up to so many constants, from the store or packed and uploaded now. `packing` names the form and its parameters,
 * "conv2d.taps 48"; `elements` is the packed size. The buffer is taken for the caller. */
plugcl_status constant_packed(plugcl_context *context, struct constant *const *constants, size_t n_constants, const char *packing,
                              size_t elements, pack_function pack, const void *parameters, struct buffer **buffer);
/* Frees the packed forms that nobody but the store holds. */
void constants_sweep(plugcl_context *context);
/* Its elements in their order: as int for I32, I64 (UNSUPPORTED if one does not fit) and BOOL (0 or 1), else as float. */
plugcl_status constant_uploaded(plugcl_context *context, struct constant *constant, struct buffer **buffer);

#endif
