/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tensor.h: types, shapes, and the tensors that a run reads and writes.
 *
 * A tensor is a block of memory with a type, a shape and a layout. Shapes are logical: a rank-4 tensor is [N, C, H, W]
 * (PyTorch's order) whatever its layout in memory. Memory may be the caller's own host memory, a device buffer, a buffer
 * mapped into the host (zero-copy where the device shares memory), or an application's cl_mem (<plugcl/cl.h>).
 */
#ifndef PLUGCL_TENSOR_H
#define PLUGCL_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include <plugcl/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct plugcl_context plugcl_context;
typedef struct plugcl_tensor plugcl_tensor;

typedef enum plugcl_dtype {
    PLUGCL_F32 = 0,
    PLUGCL_I32,
    PLUGCL_I64,
    PLUGCL_BOOL, /* one byte, 0 or 1 */
    PLUGCL_F16,  /* IEEE half, storage only */
    PLUGCL_BF16, /* storage only */
    PLUGCL_F64   /* in files only; narrowed to F32 where used */
} plugcl_dtype;

/* Bytes of one element; 0 for a value outside the enumeration. Thread-safety: safe. */
PLUGCL_API size_t plugcl_dtype_size(plugcl_dtype dtype);
/* "f32", "i64", …; static storage, never NULL. Thread-safety: safe. */
PLUGCL_API const char *plugcl_dtype_name(plugcl_dtype dtype);

#define PLUGCL_MAX_RANK 8
/* A dimension that is not known until a plan is made. */
#define PLUGCL_DIM_ANY ((int64_t)-1)

typedef struct plugcl_shape {
    uint32_t rank; /* 0 (a scalar) to PLUGCL_MAX_RANK */
    int64_t dims[PLUGCL_MAX_RANK];
} plugcl_shape;

/* Product of the dimensions, 1 for a scalar; −1 if one is negative or the product does not fit in int64_t.
 * Thread-safety: safe. */
PLUGCL_API int64_t plugcl_shape_elements(const plugcl_shape *shape);

typedef enum plugcl_layout {
    PLUGCL_NCHW = 0, /* row-major in the logical order; the only layout of other ranks than 4 */
    PLUGCL_NHWC      /* rank 4 only: channels innermost */
} plugcl_layout;

typedef enum plugcl_memory {
    PLUGCL_MEMORY_DEVICE = 0, /* a buffer the device likes best; moved with plugcl_tensor_read and _write */
    PLUGCL_MEMORY_MAPPED,     /* a buffer the host may map without a copy where the device shares memory */
    PLUGCL_MEMORY_HOST        /* the caller's memory (plugcl_tensor_wrap_host) */
} plugcl_memory;

struct plugcl_tensor_params {
    size_t struct_size;
    plugcl_dtype dtype;
    plugcl_shape shape;   /* all dimensions known, each ≥ 0 */
    plugcl_layout layout;
    plugcl_memory memory; /* DEVICE or MAPPED */
};

/* Creates a tensor with memory of its own, uninitialised. It holds a reference to the context.
 * Errors: INVALID (shape, dtype), NO_MEMORY (the message names the bytes and the device's limit), DEVICE.
 * Thread-safety: safe. */
PLUGCL_API plugcl_status plugcl_tensor_create(plugcl_context *context, const struct plugcl_tensor_params *params,
                                              plugcl_tensor **tensor);

/* Wraps dense host memory of `bytes` bytes, which must be at least the shape's size. The caller keeps the memory and must keep
 * it alive and unmoved until the tensor is destroyed and every run that uses it has finished. Needs no context.
 * Errors: INVALID. Thread-safety: safe. */
PLUGCL_API plugcl_status plugcl_tensor_wrap_host(void *data, size_t bytes, plugcl_dtype dtype, const plugcl_shape *shape,
                                                 plugcl_layout layout, plugcl_tensor **tensor);

/* Drops the caller's reference and sets *tensor to NULL; NULL is fine. A run in flight keeps what it needs alive.
 * Thread-safety: safe as long as no other thread uses the same handle. */
PLUGCL_API void plugcl_tensor_destroy(plugcl_tensor **tensor);

/* What the tensor was made with; of NULL F32, NULL and NCHW. The shape, with 0 beyond its rank, is valid as long as the tensor is.
 * Thread-safety: safe. */
PLUGCL_API plugcl_dtype plugcl_tensor_dtype(const plugcl_tensor *tensor);
PLUGCL_API const plugcl_shape *plugcl_tensor_shape(const plugcl_tensor *tensor);
PLUGCL_API plugcl_layout plugcl_tensor_layout(const plugcl_tensor *tensor);
/* Bytes of the dense tensor; 0 for NULL. Thread-safety: safe. */
PLUGCL_API size_t plugcl_tensor_bytes(const plugcl_tensor *tensor);

/* Copies the whole tensor from or to dense host memory in the tensor's own layout; `bytes` must equal plugcl_tensor_bytes().
 * Blocks until the copy is done; does not wait for runs (wait for those first). Works on every kind of tensor.
 * Errors: INVALID (size), STATE (mapped now), DEVICE. Thread-safety: one thread at a time per tensor. */
PLUGCL_API plugcl_status plugcl_tensor_write(plugcl_tensor *tensor, const void *data, size_t bytes);
PLUGCL_API plugcl_status plugcl_tensor_read(const plugcl_tensor *tensor, void *data, size_t bytes);

/* Maps a MAPPED or DEVICE tensor for reading and writing on the host; the pointer is valid until plugcl_tensor_unmap().
 * A mapped tensor cannot be bound to a run. For a HOST tensor this is its own pointer.
 * Errors: STATE (already mapped), DEVICE. Thread-safety: one thread at a time per tensor. */
PLUGCL_API plugcl_status plugcl_tensor_map(plugcl_tensor *tensor, void **data);
PLUGCL_API plugcl_status plugcl_tensor_unmap(plugcl_tensor *tensor);

#ifndef __cplusplus
#define PLUGCL_SHAPE(...)                                                                   \
    (&(const plugcl_shape){ .rank = (uint32_t)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), \
                            .dims = { __VA_ARGS__ } })
#define plugcl_tensor_params(...) \
    (&(const struct plugcl_tensor_params){ .struct_size = sizeof(struct plugcl_tensor_params), __VA_ARGS__ })
#endif
/* Parameters with struct_size set and every field at its default. */
static inline struct plugcl_tensor_params plugcl_tensor_params_init(void)
{
    struct plugcl_tensor_params params = { sizeof(struct plugcl_tensor_params), PLUGCL_F32, { 0, { 0 } }, PLUGCL_NCHW,
                                           PLUGCL_MEMORY_DEVICE };
    return params;
}

#ifdef __cplusplus
}

/* plugcl_make_shape(1, 3, 224, 224) is what PLUGCL_SHAPE(1, 3, 224, 224) points to in C. */
template <class... Dimensions> inline plugcl_shape plugcl_make_shape(Dimensions... dimensions)
{
    static_assert(sizeof...(Dimensions) <= PLUGCL_MAX_RANK, "too many dimensions");
    return plugcl_shape{ static_cast<uint32_t>(sizeof...(Dimensions)), { static_cast<int64_t>(dimensions)... } };
}
#endif
#endif
