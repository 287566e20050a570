/* SPDX-License-Identifier: Apache-2.0 */
/* tensor.c: tensors in device memory, in an application's buffer, or in the caller's host memory. */
#include "device/private.h"

struct plugcl_tensor {
    reference_count references;
    plugcl_dtype dtype;
    plugcl_layout layout;
    plugcl_shape shape;
    size_t bytes;
    struct buffer *buffer; /* NULL for a host tensor */
    size_t byte_offset;
    void *host;
    bool mapped;
    void *mapping; /* NULL for an empty tensor even while it is mapped */
};

/* A tensor without memory, which the caller gives it. */
static plugcl_status make_tensor(plugcl_dtype dtype, const plugcl_shape *shape, plugcl_layout layout, plugcl_tensor **made)
{
    *made = NULL;
    size_t element = plugcl_dtype_size(dtype), bytes;
    if (element == 0)
        return fail(PLUGCL_INVALID, "a tensor of the unknown type %d; it must be f32, i32, i64, bool, f16 or bf16", (int)dtype);
    if (dtype == PLUGCL_F64)
        return fail(PLUGCL_INVALID, "a tensor of type f64; it must be f32, i32, i64, bool, f16 or bf16");
    if (!shape)
        return fail(PLUGCL_INVALID, "a tensor needs a shape, not NULL");
    if (shape->rank > PLUGCL_MAX_RANK)
        return fail(PLUGCL_INVALID, "a tensor of rank %u; it must be at most %d", (unsigned)shape->rank, PLUGCL_MAX_RANK);
    for (uint32_t i = 0; i < shape->rank; i++) {
        if (shape->dims[i] < 0)
            return fail(PLUGCL_INVALID, "dimension %u of the tensor is %lld; it must be known", (unsigned)i,
                        (long long)shape->dims[i]);
    }
    if (layout != PLUGCL_NCHW && layout != PLUGCL_NHWC)
        return fail(PLUGCL_INVALID, "a tensor in layout %d; it must be NCHW or NHWC", (int)layout);
    if (layout == PLUGCL_NHWC && shape->rank != 4)
        return fail(PLUGCL_INVALID, "a tensor in NHWC of rank %u; it must be NCHW, which is row-major", (unsigned)shape->rank);
    int64_t elements = plugcl_shape_elements(shape);
    if (elements < 0 || (uint64_t)elements > SIZE_MAX || !size_multiply((size_t)elements, element, &bytes))
        return fail(PLUGCL_INVALID, "the tensor is larger than memory can be");
    plugcl_tensor *tensor = memory_zeroed(1, sizeof *tensor);
    if (!tensor)
        return fail_no_memory(sizeof *tensor);
    atomic_init(&tensor->references, 1);
    tensor->dtype = dtype;
    tensor->layout = layout;
    tensor->shape = *shape;
    for (uint32_t i = shape->rank; i < PLUGCL_MAX_RANK; i++)
        tensor->shape.dims[i] = 0;
    tensor->bytes = bytes;
    *made = tensor;
    return PLUGCL_OK;
}

plugcl_status plugcl_tensor_create(plugcl_context *context, const struct plugcl_tensor_params *params, plugcl_tensor **tensor)
{
    struct plugcl_tensor_params given;
    if (!context || !params || !tensor)
        return fail(PLUGCL_INVALID, "plugcl_tensor_create needs a context, parameters and a place for the tensor");
    *tensor = NULL;
    plugcl_status status = params_read("plugcl_tensor_params", params, &given, sizeof given);
    if (status == PLUGCL_OK && given.memory != PLUGCL_MEMORY_DEVICE && given.memory != PLUGCL_MEMORY_MAPPED)
        status = fail(PLUGCL_INVALID, "the memory is DEVICE or MAPPED; plugcl_tensor_wrap_host wraps host memory");
    if (status == PLUGCL_OK)
        status = make_tensor(given.dtype, &given.shape, given.layout, tensor);
    if (status == PLUGCL_OK)
        status = buffer_create(context, (*tensor)->bytes, given.memory == PLUGCL_MEMORY_MAPPED, &(*tensor)->buffer);
    if (status != PLUGCL_OK)
        plugcl_tensor_destroy(tensor);
    return status;
}

plugcl_status plugcl_tensor_wrap_host(void *data, size_t bytes, plugcl_dtype dtype, const plugcl_shape *shape,
                                      plugcl_layout layout, plugcl_tensor **tensor)
{
    if (!tensor)
        return fail(PLUGCL_INVALID, "no place for the tensor was given");
    plugcl_status status = make_tensor(dtype, shape, layout, tensor);
    if (status != PLUGCL_OK)
        return status;
    if (bytes < (*tensor)->bytes)
        status = fail(PLUGCL_INVALID, "the memory has %zu bytes; the tensor needs %zu", bytes, (*tensor)->bytes);
    else if (!data && (*tensor)->bytes > 0)
        status = fail(PLUGCL_INVALID, "no memory was given for the tensor");
    (*tensor)->host = data ? data : *tensor; /* an empty tensor: any address that is not NULL */
    if (status != PLUGCL_OK)
        plugcl_tensor_destroy(tensor);
    return status;
}

plugcl_status tensor_wrap_buffer(struct buffer *buffer, size_t byte_offset, const struct plugcl_tensor_params *params,
                                 plugcl_tensor **tensor)
{
    plugcl_status status = make_tensor(params->dtype, &params->shape, params->layout, tensor);
    if (status != PLUGCL_OK)
        return status;
    size_t bytes = (*tensor)->bytes, element = plugcl_dtype_size(params->dtype);
    if (byte_offset % element != 0)
        status = fail(PLUGCL_INVALID, "the offset is %zu bytes; it must be a multiple of %zu", byte_offset, element);
    else if (byte_offset > buffer->bytes || bytes > buffer->bytes - byte_offset)
        status = fail(PLUGCL_INVALID, "the buffer has %zu bytes; the tensor needs %zu from byte %zu on", buffer->bytes, bytes,
                      byte_offset);
    if (status != PLUGCL_OK) {
        plugcl_tensor_destroy(tensor);
        return status;
    }
    (*tensor)->buffer = buffer_take(buffer);
    (*tensor)->byte_offset = byte_offset;
    return PLUGCL_OK;
}

plugcl_tensor *tensor_take(plugcl_tensor *tensor)
{
    reference_take(&tensor->references);
    return tensor;
}

void plugcl_tensor_destroy(plugcl_tensor **tensor)
{
    if (!tensor || !*tensor)
        return;
    plugcl_tensor *dropped = *tensor;
    *tensor = NULL;
    if (!reference_drop(&dropped->references))
        return;
    if (dropped->mapped && dropped->buffer)
        plugcl_tensor_unmap(dropped);
    buffer_drop(&dropped->buffer);
    memory_free(dropped);
}

plugcl_dtype plugcl_tensor_dtype(const plugcl_tensor *tensor)
{
    return tensor ? tensor->dtype : PLUGCL_F32;
}

const plugcl_shape *plugcl_tensor_shape(const plugcl_tensor *tensor)
{
    return tensor ? &tensor->shape : NULL;
}

plugcl_layout plugcl_tensor_layout(const plugcl_tensor *tensor)
{
    return tensor ? tensor->layout : PLUGCL_NCHW;
}

size_t plugcl_tensor_bytes(const plugcl_tensor *tensor)
{
    return tensor ? tensor->bytes : 0;
}

static plugcl_status check_copy(const plugcl_tensor *tensor, const void *data, size_t bytes)
{
    if (!tensor || (!data && bytes > 0))
        return fail(PLUGCL_INVALID, "a copy needs a tensor and memory");
    if (bytes != tensor->bytes)
        return fail(PLUGCL_INVALID, "%zu bytes were given; the tensor has %zu", bytes, tensor->bytes);
    if (tensor->mapped)
        return fail(PLUGCL_STATE, "the tensor is mapped; unmap it first");
    return PLUGCL_OK;
}

plugcl_status plugcl_tensor_write(plugcl_tensor *tensor, const void *data, size_t bytes)
{
    plugcl_status status = check_copy(tensor, data, bytes);
    if (status != PLUGCL_OK || bytes == 0)
        return status;
    if (tensor->buffer)
        return buffer_write_now(tensor->buffer, tensor->byte_offset, data, bytes);
    memmove(tensor->host, data, bytes);
    return PLUGCL_OK;
}

plugcl_status plugcl_tensor_read(const plugcl_tensor *tensor, void *data, size_t bytes)
{
    plugcl_status status = check_copy(tensor, data, bytes);
    if (status != PLUGCL_OK || bytes == 0)
        return status;
    if (tensor->buffer)
        return buffer_read_now(tensor->buffer, tensor->byte_offset, data, bytes);
    memmove(data, tensor->host, bytes);
    return PLUGCL_OK;
}

plugcl_status plugcl_tensor_map(plugcl_tensor *tensor, void **data)
{
    if (!tensor || !data)
        return fail(PLUGCL_INVALID, "a mapping needs a tensor and a place for the pointer");
    *data = NULL;
    if (tensor->mapped)
        return fail(PLUGCL_STATE, "the tensor is mapped already");
    if (tensor->buffer && tensor->bytes > 0) {
        plugcl_context *context = tensor->buffer->context;
        cl_int error = CL_SUCCESS;
        tensor->mapping = context->api->clEnqueueMapBuffer(context->transfers, tensor->buffer->cl, CL_TRUE,
                                                           CL_MAP_READ | CL_MAP_WRITE, tensor->byte_offset, tensor->bytes, 0, NULL,
                                                           NULL, &error);
        if (error)
            return opencl_fail("clEnqueueMapBuffer", error);
        *data = tensor->mapping;
    } else {
        *data = tensor->buffer ? (void *)tensor : tensor->host;
    }
    tensor->mapped = true;
    return PLUGCL_OK;
}

plugcl_status plugcl_tensor_unmap(plugcl_tensor *tensor)
{
    if (!tensor)
        return fail(PLUGCL_INVALID, "no tensor was given");
    if (!tensor->mapped)
        return fail(PLUGCL_STATE, "the tensor is not mapped");
    tensor->mapped = false;
    if (!tensor->mapping)
        return PLUGCL_OK;
    void *mapping = tensor->mapping;
    tensor->mapping = NULL;
    return buffer_unmap(tensor->buffer, mapping);
}

struct buffer *tensor_buffer(const plugcl_tensor *tensor, size_t *byte_offset)
{
    if (byte_offset)
        *byte_offset = tensor->byte_offset;
    return tensor->buffer;
}

void *tensor_host(const plugcl_tensor *tensor)
{
    return tensor->host;
}

bool tensor_is_mapped(const plugcl_tensor *tensor)
{
    return tensor->mapped && tensor->buffer;
}

const plugcl_context *tensor_context(const plugcl_tensor *tensor)
{
    return tensor->buffer ? tensor->buffer->context : NULL;
}
