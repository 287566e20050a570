/* SPDX-License-Identifier: Apache-2.0 */
/*
 * safetensors.c: reading safetensors. The file may come from anybody, so nothing that it says is believed before it is checked,
 * and the checks are those of the reference implementation: the tensors cover the data from its first byte to its last,
 * without overlap and without holes.
 */
#include "io/safetensors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/memory.h"

enum { LENGTH_SIZE = 8, MAX_HEADER = 100000000 };

/* The types of the format. Those that plugcl does not read are here for their size, so that their data is checked as well. */
struct stored_type {
    const char *name;
    unsigned bits;
    int dtype; /* a plugcl_dtype, or −1 */
};
static const struct stored_type types[] = {
    { "F32", 32, PLUGCL_F32 }, { "F16", 16, PLUGCL_F16 },   { "BF16", 16, PLUGCL_BF16 }, { "F64", 64, PLUGCL_F64 },
    { "I32", 32, PLUGCL_I32 }, { "I64", 64, PLUGCL_I64 },   { "BOOL", 8, PLUGCL_BOOL },  { "U8", 8, -1 },
    { "I8", 8, -1 },           { "I16", 16, -1 },           { "U16", 16, -1 },           { "U32", 32, -1 },
    { "U64", 64, -1 },         { "F8_E4M3", 8, -1 },        { "F8_E5M2", 8, -1 },        { "F8_E8M0", 8, -1 },
    { "F4", 4, -1 },           { "F8_E4M3FNUZ", 8, -1 },    { "F8_E5M2FNUZ", 8, -1 },    { "F6_E2M3", 6, -1 },
    { "F6_E3M2", 6, -1 },      { "C64", 64, -1 },
};

/* Where the data of a tensor lies, for the check that all of them fit together. */
struct range {
    uint64_t begin, end;
    const char *name;
};

static uint64_t little_endian(const uint8_t *bytes)
{
    uint64_t value = 0;
    for (int i = LENGTH_SIZE - 1; i >= 0; i--)
        value = value << 8 | bytes[i];
    return value;
}

static bool host_is_little_endian(void)
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 1;
}

/* A whole number that is not negative; false for anything else. */
static bool natural(const json_t *value, uint64_t *number)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *number = (uint64_t)json_integer_value(value);
    return true;
}

static plugcl_status read_range(const char *name, const json_t *info, uint64_t data_bytes, struct range *range)
{
    const json_t *offsets = json_object_get(info, "data_offsets");
    range->name = name;
    if (json_array_size(offsets) != 2 || !natural(json_array_get(offsets, 0), &range->begin) ||
        !natural(json_array_get(offsets, 1), &range->end))
        return fail(PLUGCL_FORMAT, "tensor \"%s\" has no \"data_offsets\" of two whole numbers", name);
    if (range->begin > range->end)
        return fail(PLUGCL_FORMAT, "tensor \"%s\" begins at byte %" PRIu64 " of the data and ends before it, at %" PRIu64, name,
                    range->begin, range->end);
    if (range->end > data_bytes)
        return fail(PLUGCL_FORMAT, "tensor \"%s\" ends at byte %" PRIu64 " of the data, of which there are %" PRIu64
                    ": the file is truncated or its header is wrong", name, range->end, data_bytes);
    return PLUGCL_OK;
}

/* The shape, as far as plugcl can hold it, and the number of elements of the whole of it. */
static plugcl_status read_shape(const char *name, const json_t *info, size_t *rank, plugcl_shape *shape, uint64_t *elements)
{
    const json_t *dims = json_object_get(info, "shape");
    if (!json_is_array(dims))
        return fail(PLUGCL_FORMAT, "tensor \"%s\" has no \"shape\"", name);
    *rank = json_array_size(dims);
    *elements = 1;
    for (size_t i = 0; i < *rank; i++) {
        uint64_t dim;
        if (!natural(json_array_get(dims, i), &dim))
            return fail(PLUGCL_FORMAT, "tensor \"%s\" has a shape with something other than whole numbers in it", name);
        if (dim != 0 && *elements > UINT64_MAX / dim)
            return fail(PLUGCL_FORMAT, "tensor \"%s\" has a shape of more than 2^64 elements", name);
        *elements *= dim;
        if (i < PLUGCL_MAX_RANK)
            shape->dims[i] = (int64_t)dim;
    }
    shape->rank = (uint32_t)(*rank < PLUGCL_MAX_RANK ? *rank : PLUGCL_MAX_RANK);
    return PLUGCL_OK;
}

static const struct stored_type *find_type(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    }
    return NULL;
}

/* The data must be as long as shape and type say. */
static plugcl_status check_size(const char *name, const struct stored_type *type, uint64_t elements, const struct range *range)
{
    uint64_t bytes = range->end - range->begin;
    if (elements > UINT64_MAX / type->bits)
        return fail(PLUGCL_FORMAT, "tensor \"%s\" has a shape of more than 2^64 bits", name);
    uint64_t bits = elements * type->bits;
    if (bits % 8 != 0 || bits / 8 != bytes)
        return fail(PLUGCL_FORMAT, "tensor \"%s\" has %" PRIu64 " bytes of data; its shape and type %s need %" PRIu64, name, bytes,
                    type->name, bits / 8 + (bits % 8 != 0));
    return PLUGCL_OK;
}

static plugcl_status note_unread(plugcl_weights *weights, const char *name, const char *type, size_t rank)
{
    char why[160];
    if (rank > PLUGCL_MAX_RANK)
        snprintf(why, sizeof why, "has rank %zu; at most %d is read", rank, PLUGCL_MAX_RANK);
    else
        snprintf(why, sizeof why, "has type %.40s; F32, F16, BF16, F64, I32, I64 and BOOL are read", type);
    return weights_note_unread(weights, name, why);
}

static plugcl_status read_tensor(const char *name, const json_t *info, const uint8_t *data, uint64_t data_bytes,
                                 struct range *range, plugcl_weights *weights)
{
    const char *type_name = json_string_value(json_object_get(info, "dtype"));
    if (!type_name)
        return fail(PLUGCL_FORMAT, "tensor \"%s\" has no \"dtype\"", name);
    plugcl_shape shape = { 0 };
    size_t rank = 0;
    uint64_t elements = 0;
    plugcl_status status = read_range(name, info, data_bytes, range);
    if (status == PLUGCL_OK)
        status = read_shape(name, info, &rank, &shape, &elements);
    if (status != PLUGCL_OK)
        return status;
    const struct stored_type *type = find_type(type_name); /* NULL: a type of a later version of the format */
    if (type && (status = check_size(name, type, elements, range)) != PLUGCL_OK)
        return status;
    if (!type || type->dtype < 0 || rank > PLUGCL_MAX_RANK)
        return note_unread(weights, name, type_name, rank);
    return weights_lend(weights, name, (plugcl_dtype)type->dtype, &shape, data + range->begin,
                        (size_t)(range->end - range->begin));
}

static int by_place(const void *left, const void *right)
{
    const struct range *a = left, *b = right;
    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    return a->end < b->end ? -1 : a->end > b->end;
}

/* Each tensor begins where the one before ends. Overlaps would let a small file look huge; holes could hide something. */
static plugcl_status check_cover(struct range *ranges, size_t count, uint64_t data_bytes)
{
    uint64_t end = 0;
    qsort(ranges, count, sizeof *ranges, by_place);
    for (size_t i = 0; i < count; i++) {
        if (ranges[i].begin < end)
            return fail(PLUGCL_FORMAT, "tensors \"%s\" and \"%s\" overlap at byte %" PRIu64 " of the data", ranges[i - 1].name,
                        ranges[i].name, ranges[i].begin);
        if (ranges[i].begin > end)
            return fail(PLUGCL_FORMAT, "bytes %" PRIu64 " to %" PRIu64 " of the data, before tensor \"%s\", belong to no tensor",
                        end, ranges[i].begin, ranges[i].name);
        end = ranges[i].end;
    }
    if (end != data_bytes)
        return fail(PLUGCL_FORMAT, "the tensors end at byte %" PRIu64 " of the data, of which there are %" PRIu64, end, data_bytes);
    return PLUGCL_OK;
}

static plugcl_status read_tensors(json_t *header, const uint8_t *data, uint64_t data_bytes, plugcl_weights *weights)
{
    size_t count = 0;
    struct range *ranges = memory_zeroed(json_object_size(header), sizeof *ranges);
    if (!ranges)
        return fail_no_memory(json_object_size(header) * sizeof *ranges);
    plugcl_status status = PLUGCL_OK;
    const char *name;
    json_t *info;
    json_object_foreach(header, name, info) {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        status = read_tensor(name, info, data, data_bytes, &ranges[count], weights);
        if (status != PLUGCL_OK)
            break;
        count++;
    }
    if (status == PLUGCL_OK)
        status = check_cover(ranges, count, data_bytes);
    memory_free(ranges);
    return status;
}

/* Says what a file with an impossible header length probably is. */
static plugcl_status fail_length(const uint8_t *bytes, size_t length, uint64_t header)
{
    static const char lfs[] = "version https://git-lfs";
    if (length >= sizeof lfs - 1 && memcmp(bytes, lfs, sizeof lfs - 1) == 0)
        return fail(PLUGCL_FORMAT, "this is a git-lfs pointer, not the file itself; \"git lfs pull\" fetches it");
    if (header > MAX_HEADER)
        return fail(PLUGCL_FORMAT, "not safetensors: the first eight bytes give a header of %" PRIu64 " bytes; at most %d are "
                    "allowed", header, MAX_HEADER);
    return fail(PLUGCL_FORMAT, "the header should be %" PRIu64 " bytes long, but only %zu follow: the file is truncated or not "
                "safetensors", header, length - LENGTH_SIZE);
}

plugcl_status safetensors_read(const uint8_t *bytes, size_t length, plugcl_weights *weights)
{
    if (!host_is_little_endian())
        return fail(PLUGCL_UNSUPPORTED, "safetensors are little-endian and this processor is not");
    if (length < LENGTH_SIZE)
        return fail(PLUGCL_FORMAT, "not safetensors: %zu bytes are too few for the length of a header", length);
    uint64_t header_bytes = little_endian(bytes);
    if (header_bytes > MAX_HEADER || header_bytes > length - LENGTH_SIZE)
        return fail_length(bytes, length, header_bytes);
    json_error_t error;
    json_t *header = json_loadb((const char *)bytes + LENGTH_SIZE, (size_t)header_bytes, JSON_REJECT_DUPLICATES, &error);
    if (!header && json_error_code(&error) == json_error_out_of_memory)
        return fail_no_memory((size_t)header_bytes);
    if (!header)
        return fail(PLUGCL_FORMAT, "the header is not valid JSON: %s (byte %d)", error.text, error.position);
    plugcl_status status;
    if (json_is_object(header))
        status = read_tensors(header, bytes + LENGTH_SIZE + header_bytes, length - LENGTH_SIZE - header_bytes, weights);
    else
        status = fail(PLUGCL_FORMAT, "the header is JSON but not an object");
    json_decref(header);
    return status;
}
