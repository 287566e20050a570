/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weights.h: named tensors on the host, as a trained network brings them.
 *
 * Files: safetensors (mapped into memory, not copied) and .npy (one array). .npz and .pth are UNSUPPORTED in this version.
 * A plugcl_weights object is read-only once a graph uses it and may be shared by threads and contexts.
 */
#ifndef PLUGCL_WEIGHTS_H
#define PLUGCL_WEIGHTS_H

#include <plugcl/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct plugcl_weights plugcl_weights;

/* One tensor of a weights object: row-major data in the host's byte order, aligned to 1 byte only (files are mapped as they
 * are). Valid as long as the weights object is. */
struct plugcl_weights_entry {
    const char *name;
    plugcl_dtype dtype;
    plugcl_shape shape;
    const void *data;
    size_t bytes;
};

/* Opens PATH by what it ends in: .safetensors or .npy. An .npy array gets the file's stem as its name and is converted to F32,
 * C order, host byte order; float16, 32 and 64 of either byte order and order of axes are read.
 * The file must stay unchanged while the object lives.
 * Errors: IO, FORMAT (truncated, lying header, overlapping tensors), UNSUPPORTED (.npz, .pth, .onnx, a dtype), NO_MEMORY.
 * Thread-safety: safe. */
PLUGCL_API plugcl_status plugcl_weights_open(const char *path, plugcl_weights **weights);

/* Reads safetensors bytes; the bytes must stay alive and unchanged while the object lives.
 * Errors and thread-safety as plugcl_weights_open. */
PLUGCL_API plugcl_status plugcl_weights_from_memory(const void *data, size_t bytes, plugcl_weights **weights);

/* An empty object, to be filled with plugcl_weights_add. Errors: INVALID, NO_MEMORY. Thread-safety: safe. */
PLUGCL_API plugcl_status plugcl_weights_create(plugcl_weights **weights);

/* Adds a copy of a dense row-major array. Errors: INVALID (a name given twice, a size that does not fit the shape), NO_MEMORY.
 * Thread-safety: not safe; add before sharing. */
PLUGCL_API plugcl_status plugcl_weights_add(plugcl_weights *weights, const char *name, plugcl_dtype dtype,
                                            const plugcl_shape *shape, const void *data, size_t bytes);

/* Drops the caller's reference and sets *weights to NULL; graphs made from it keep theirs. NULL is fine.
 * Thread-safety: safe as long as no other thread uses the same handle. */
PLUGCL_API void plugcl_weights_destroy(plugcl_weights **weights);

/* Number of tensors; 0 for NULL. Thread-safety: safe. */
PLUGCL_API size_t plugcl_weights_count(const plugcl_weights *weights);
/* Entry `index` in the order of the file; NULL outside 0 … count−1. Thread-safety: safe. */
PLUGCL_API const struct plugcl_weights_entry *plugcl_weights_at(const plugcl_weights *weights, size_t index);

/* Finds a tensor by name: as written first, then ignoring the wrappers that training tools put in front (leading "module.",
 * "_orig_mod." and "model.", any number of them, on either side). NULL if there is none. Thread-safety: safe. */
PLUGCL_API const struct plugcl_weights_entry *plugcl_weights_find(const plugcl_weights *weights, const char *name);

/* Writes F32 data of `shape` as .npy version 1.0 (`<f4`, C order). The file appears whole or not at all.
 * Errors: INVALID, IO. Thread-safety: safe. */
PLUGCL_API plugcl_status plugcl_npy_save(const char *path, const plugcl_shape *shape, const float *data);

#ifdef __cplusplus
}
#endif
#endif
