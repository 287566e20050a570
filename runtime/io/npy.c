/* SPDX-License-Identifier: Apache-2.0 */
/* npy.c: the data of .npy files, read and written. */
#include "io/npy.h"

#include <inttypes.h>
#include <string.h>

#include <plugcl/weights.h>

#include "base/file.h"
#include "base/half.h"
#include "base/memory.h"

/* One element by its bytes, so that neither alignment nor the host's byte order matters. */
static float element(const uint8_t *bytes, size_t size, bool big_endian)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++)
        bits = bits << 8 | bytes[big_endian ? i : size - 1 - i];
    if (size == 2)
        return half_to_float((uint16_t)bits);
    if (size == 4) {
        uint32_t word = (uint32_t)bits;
        float value;
        memcpy(&value, &word, sizeof value);
        return value;
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return (float)value;
}

/* Walks the array in C order; `at` is the place, in elements, that the current index has in the file. */
static void convert_fortran(const struct npy_header *header, const uint8_t *data, float *out)
{
    int64_t index[PLUGCL_MAX_RANK] = { 0 };
    size_t stride[PLUGCL_MAX_RANK] = { 0 }, at = 0, step = 1;
    uint32_t rank = header->shape.rank;
    for (uint32_t axis = 0; axis < rank; axis++) {
        stride[axis] = step;
        step *= (size_t)header->shape.dims[axis];
    }
    for (size_t i = 0; i < header->elements; i++) {
        out[i] = element(data + at * header->item_size, header->item_size, header->big_endian);
        for (uint32_t axis = rank; axis-- > 0;) {
            at += stride[axis];
            if (++index[axis] < header->shape.dims[axis])
                break;
            at -= stride[axis] * (size_t)header->shape.dims[axis];
            index[axis] = 0;
        }
    }
}

plugcl_status npy_read(const uint8_t *bytes, size_t length, plugcl_shape *shape, float **data)
{
    struct npy_header header;
    plugcl_status status = npy_read_header(bytes, length, &header);
    if (status != PLUGCL_OK)
        return status;
    size_t out_bytes;
    if (!size_multiply(header.elements, sizeof(float), &out_bytes)) /* float16 grows */
        return fail_no_memory(SIZE_MAX);
    float *out = memory_aligned(out_bytes);
    if (!out)
        return fail_no_memory(out_bytes);
    const uint8_t *from = bytes + header.data_offset;
    if (header.fortran_order && header.shape.rank > 1) {
        convert_fortran(&header, from, out);
    } else {
        for (size_t i = 0; i < header.elements; i++)
            out[i] = element(from + i * header.item_size, header.item_size, header.big_endian);
    }
    *shape = header.shape;
    *data = out;
    return PLUGCL_OK;
}

/* The file up to the data, which NumPy wants at a multiple of 64 bytes. */
static void write_header(struct text *file, const plugcl_shape *shape)
{
    struct text header = { 0 };
    text_add(&header, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (uint32_t i = 0; i < shape->rank; i++)
        text_add(&header, i == 0 ? "%" PRId64 : ", %" PRId64, shape->dims[i]);
    text_add(&header, shape->rank == 1 ? ",), }" : "), }");
    while ((10 + header.length + 1) % 64 != 0 && !header.failed)
        text_add(&header, " ");
    text_add(&header, "\n");
    const uint8_t start[10] = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (uint8_t)header.length, (uint8_t)(header.length >> 8) };
    text_add_bytes(file, start, sizeof start);
    if (header.failed)
        file->failed = true;
    else
        text_add_bytes(file, header.data, header.length);
    text_free(&header);
}

/* The numbers with their lowest byte first. */
static void write_data(uint8_t *to, const float *data, size_t elements)
{
    for (size_t i = 0; i < elements; i++) {
        uint32_t bits;
        memcpy(&bits, &data[i], sizeof bits);
        for (int b = 0; b < 4; b++)
            *to++ = (uint8_t)(bits >> (8 * b));
    }
}

plugcl_status plugcl_npy_save(const char *path, const plugcl_shape *shape, const float *data)
{
    if (!path || !shape)
        return fail(PLUGCL_INVALID, "plugcl_npy_save needs a path and a shape, not NULL");
    int64_t elements = plugcl_shape_elements(shape);
    size_t bytes, total;
    if (elements < 0 || (uint64_t)elements > SIZE_MAX || !size_multiply((size_t)elements, sizeof(float), &bytes))
        return fail(PLUGCL_INVALID, "%s: the shape has a dimension below 0, more than %d of them, or more elements than memory "
                    "can hold", path, PLUGCL_MAX_RANK);
    if (!data && elements > 0)
        return fail(PLUGCL_INVALID, "%s: there is no data to write", path);
    struct text header = { 0 };
    write_header(&header, shape);
    uint8_t *file = !header.failed && size_add(header.length, bytes, &total) ? memory_aligned(total) : NULL;
    plugcl_status status;
    if (file) {
        memcpy(file, header.data, header.length);
        write_data(file + header.length, data, (size_t)elements);
        status = file_replace(path, file, total, 0666);
    } else {
        status = fail_no_memory(bytes);
    }
    memory_free(file);
    text_free(&header);
    return status;
}
