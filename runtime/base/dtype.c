/* SPDX-License-Identifier: Apache-2.0 */
/* dtype.c: types and shapes. */
#include <plugcl/tensor.h>

size_t plugcl_dtype_size(plugcl_dtype dtype)
{
    switch (dtype) {
    case PLUGCL_BOOL: return 1;
    case PLUGCL_F16:
    case PLUGCL_BF16: return 2;
    case PLUGCL_F32:
    case PLUGCL_I32: return 4;
    case PLUGCL_I64:
    case PLUGCL_F64: return 8;
    }
    return 0;
}

const char *plugcl_dtype_name(plugcl_dtype dtype)
{
    switch (dtype) {
    case PLUGCL_F32: return "f32";
    case PLUGCL_I32: return "i32";
    case PLUGCL_I64: return "i64";
    case PLUGCL_BOOL: return "bool";
    case PLUGCL_F16: return "f16";
    case PLUGCL_BF16: return "bf16";
    case PLUGCL_F64: return "f64";
    }
    return "unknown";
}

int64_t plugcl_shape_elements(const plugcl_shape *shape)
{
    if (shape->rank > PLUGCL_MAX_RANK)
        return -1;
    /* A dimension of 0 makes the product 0 however large the others are; a negative one is wrong in any company. */
    int64_t elements = 1;
    for (uint32_t i = 0; i < shape->rank; i++) {
        if (shape->dims[i] < 0)
            return -1;
        if (shape->dims[i] == 0)
            elements = 0;
    }
    for (uint32_t i = 0; i < shape->rank && elements > 0; i++) {
        if (elements > INT64_MAX / shape->dims[i])
            return -1;
        elements *= shape->dims[i];
    }
    return elements;
}
