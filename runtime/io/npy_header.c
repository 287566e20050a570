/* SPDX-License-Identifier: Apache-2.0 */
/*
 * npy_header.c: the header of .npy, which is a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }.
 * It has exactly these three keys, in any order.
 */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "io/npy.h"

/* What is left of the header's text. */
struct cursor {
    const uint8_t *at, *end;
};

static void skip_space(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t' || *c->at == '\r'))
        c->at++;
}

/* True, and past it, if `wanted` comes next after spaces. */
static bool accept(struct cursor *c, char wanted)
{
    skip_space(c);
    if (c->at == c->end || *c->at != (uint8_t)wanted)
        return false;
    c->at++;
    return true;
}

static bool accept_word(struct cursor *c, const char *word)
{
    size_t length = strlen(word);
    skip_space(c);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, word, length) != 0)
        return false;
    c->at += length;
    return true;
}

/* A quoted string of printable characters without escapes, cut to `size`, which is more than a key or type needs. */
static bool accept_string(struct cursor *c, char *text, size_t size)
{
    skip_space(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"'))
        return false;
    uint8_t quote = *c->at++;
    size_t n = 0;
    for (; c->at < c->end && *c->at != quote; c->at++) {
        if (*c->at < 0x20 || *c->at > 0x7E || *c->at == '\\')
            return false;
        if (n + 1 < size)
            text[n++] = (char)*c->at;
    }
    text[n] = '\0';
    return c->at++ < c->end;
}

static bool accept_number(struct cursor *c, int64_t *number)
{
    skip_space(c);
    const uint8_t *start = c->at;
    int64_t value = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        int digit = *c->at - '0';
        if (value > (INT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *number = value;
    bool any = c->at > start;
    if (any && c->at < c->end && *c->at == 'L') /* Python 2 wrote its long integers so */
        c->at++;
    return any;
}

static plugcl_status read_descr(struct cursor *c, struct npy_header *header)
{
    char descr[32];
    if (accept(c, '['))
        return fail(PLUGCL_UNSUPPORTED, "the array has a structured dtype; float16, float32 and float64 are read");
    if (!accept_string(c, descr, sizeof descr))
        return fail(PLUGCL_FORMAT, "the header's 'descr' is not a dtype in quotes");
    bool is_float = (descr[0] == '<' || descr[0] == '>') && descr[1] == 'f' && strlen(descr) == 3 &&
                    (descr[2] == '2' || descr[2] == '4' || descr[2] == '8');
    if (!is_float)
        return fail(PLUGCL_UNSUPPORTED, "the array has dtype '%s'; float16, float32 and float64 ('<f2', '<f4', '<f8' and their "
                    "'>' forms) are read", descr);
    header->big_endian = descr[0] == '>';
    header->item_size = (size_t)(descr[2] - '0');
    return PLUGCL_OK;
}

static plugcl_status read_order(struct cursor *c, struct npy_header *header)
{
    header->fortran_order = accept_word(c, "True");
    if (!header->fortran_order && !accept_word(c, "False"))
        return fail(PLUGCL_FORMAT, "the header's 'fortran_order' is neither True nor False");
    return PLUGCL_OK;
}

/* A tuple: (), (3,) or (2, 3). As in Python, (3) is a number and no tuple. */
static plugcl_status read_shape(struct cursor *c, struct npy_header *header)
{
    static const char wrong[] = "the header's 'shape' is not a tuple of whole numbers such as (1, 3, 224, 224)";
    plugcl_shape *shape = &header->shape;
    bool comma = false;
    shape->rank = 0;
    if (!accept(c, '('))
        return fail(PLUGCL_FORMAT, wrong);
    while (!accept(c, ')')) {
        int64_t dim;
        if ((shape->rank > 0 && !comma) || !accept_number(c, &dim))
            return fail(PLUGCL_FORMAT, wrong);
        if (shape->rank == PLUGCL_MAX_RANK)
            return fail(PLUGCL_UNSUPPORTED, "the array has more than %d axes", PLUGCL_MAX_RANK);
        shape->dims[shape->rank++] = dim;
        comma = accept(c, ',');
    }
    return shape->rank == 1 && !comma ? fail(PLUGCL_FORMAT, wrong) : PLUGCL_OK;
}

static plugcl_status read_dictionary(struct cursor *c, struct npy_header *header)
{
    static const struct {
        const char *name;
        plugcl_status (*read)(struct cursor *c, struct npy_header *header);
    } keys[] = { { "descr", read_descr }, { "fortran_order", read_order }, { "shape", read_shape } };
    enum { N_KEYS = sizeof keys / sizeof keys[0] };
    bool seen[N_KEYS] = { false };
    bool comma = true;
    if (!accept(c, '{'))
        return fail(PLUGCL_FORMAT, "the header is not a Python dictionary");
    while (!accept(c, '}')) {
        char key[32];
        if (!comma || !accept_string(c, key, sizeof key) || !accept(c, ':'))
            return fail(PLUGCL_FORMAT, "the header is not a Python dictionary of 'descr', 'fortran_order' and 'shape'");
        size_t k = 0;
        while (k < N_KEYS && strcmp(keys[k].name, key) != 0)
            k++;
        if (k == N_KEYS || seen[k])
            return fail(PLUGCL_FORMAT, "the header has %s key '%s'", k == N_KEYS ? "an unknown" : "twice the", key);
        seen[k] = true;
        plugcl_status status = keys[k].read(c, header);
        if (status != PLUGCL_OK)
            return status;
        comma = accept(c, ',');
    }
    for (size_t k = 0; k < N_KEYS; k++) {
        if (!seen[k])
            return fail(PLUGCL_FORMAT, "the header lacks '%s'", keys[k].name);
    }
    skip_space(c);
    return c->at == c->end ? PLUGCL_OK : fail(PLUGCL_FORMAT, "the header goes on after its dictionary");
}

/* The length of the data is what the header says: no less, and nothing after it. */
static plugcl_status check_length(size_t length, struct npy_header *header)
{
    int64_t elements = plugcl_shape_elements(&header->shape);
    size_t bytes, present = length - header->data_offset;
    if (elements < 0 || (uint64_t)elements > SIZE_MAX || !size_multiply((size_t)elements, header->item_size, &bytes))
        return fail(PLUGCL_FORMAT, "the header's shape has more elements than memory can hold");
    if (present != bytes)
        return fail(PLUGCL_FORMAT, "the header asks for %zu bytes of data and %zu follow: the file is %s", bytes, present,
                    present < bytes ? "truncated" : "longer than its array");
    header->elements = (size_t)elements;
    return PLUGCL_OK;
}

plugcl_status npy_read_header(const uint8_t *bytes, size_t length, struct npy_header *header)
{
    static const uint8_t magic[6] = { 0x93, 'N', 'U', 'M', 'P', 'Y' };
    *header = (struct npy_header){ 0 };
    if (length < sizeof magic || memcmp(bytes, magic, sizeof magic) != 0)
        return fail(PLUGCL_FORMAT, "not .npy: the file does not begin with \\x93NUMPY");
    if (length < 8)
        return fail(PLUGCL_FORMAT, "the file is truncated in its first eight bytes");
    if (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0)
        return fail(PLUGCL_UNSUPPORTED, "version %d.%d of .npy; 1.0, 2.0 and 3.0 are read", bytes[6], bytes[7]);
    size_t length_size = bytes[6] == 1 ? 2 : 4, text_length = 0, start = 8 + length_size;
    if (length < start)
        return fail(PLUGCL_FORMAT, "the file is truncated before its header");
    for (size_t i = 0; i < length_size; i++)
        text_length |= (size_t)bytes[8 + i] << (8 * i);
    if (text_length > length - start)
        return fail(PLUGCL_FORMAT, "the header should be %zu bytes long and %zu follow: the file is truncated", text_length,
                    length - start);
    header->data_offset = start + text_length;
    struct cursor cursor = { bytes + start, bytes + start + text_length };
    plugcl_status status = read_dictionary(&cursor, header);
    return status != PLUGCL_OK ? status : check_length(length, header);
}
