/* SPDX-License-Identifier: Apache-2.0 */
/* image.c: test tensors in memory: layouts, guard bands, inputs, poison and the comparison. */
#include "checkcl/harness.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Odd, so that no view begins at an aligned address, and wider than the widest vector. */
#define GUARD 67
/* NaNs that no computation makes: an output element that still has POISON was not written; in an input's gaps they turn whatever
 * reads out of range into NaN. */
#define POISON 0x7fc0deadu
#define GUARD_BITS 0x7fc0bad1u

bool image_lay_out(struct image *image, const plugcl_shape *shape, enum checkcl_layout layout)
{
    static const uint32_t row_major[PLUGCL_MAX_RANK] = { 0, 1, 2, 3, 4, 5, 6, 7 }, channels_last[4] = { 0, 2, 3, 1 };
    bool by_pixel = shape->rank == 4 && (layout == CHECKCL_CHANNELS_LAST || layout == CHECKCL_CHANNEL_VIEW);
    const uint32_t *order = by_pixel ? channels_last : row_major;
    int64_t stride = layout == CHECKCL_ODD_VIEW ? 2 : 1;
    *image = (struct image){ .present = true, .shape = *shape, .offset = GUARD, .elements = plugcl_shape_elements(shape) };
    for (uint32_t i = shape->rank; i-- > 0;) {
        uint32_t axis = order[i];
        image->strides[axis] = stride;
        stride *= shape->dims[axis] > 0 ? shape->dims[axis] : 1;
        if (layout == CHECKCL_ODD_VIEW)
            stride += 1 + (int64_t)(i % 2);
        if (by_pixel && axis == 1 && layout == CHECKCL_CHANNEL_VIEW)
            stride += 5;
        if (layout == CHECKCL_ROW_VIEW && axis == 2)
            stride += 3 * image->strides[2];
    }
    if (by_pixel && layout == CHECKCL_CHANNEL_VIEW)
        image->offset += 4; /* an even step from an odd guard */
    image->count = (size_t)stride + 2 * GUARD + 4;
    image->bits = memory_zeroed(image->count, sizeof *image->bits);
    image->values = memory_zeroed((size_t)image->elements, sizeof *image->values);
    return image->bits && image->values;
}

void image_free(struct image *image)
{
    memory_free(image->bits);
    memory_free(image->values);
    buffer_drop(&image->buffer);
    constant_drop(&image->constant);
    *image = (struct image){ 0 };
}

static size_t place(const struct image *image, int64_t element)
{
    int64_t at = image->offset;
    for (uint32_t i = image->shape.rank; i-- > 0;) {
        at += element % image->shape.dims[i] * image->strides[i];
        element /= image->shape.dims[i];
    }
    return (size_t)at;
}

uint64_t random_seed(const char *name, uint64_t seed)
{
    uint64_t hash = 14695981039346656037u ^ seed * 0x9e3779b97f4a7c15u; /* FNV-1a */
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 1099511628211u;
    return hash;
}

/* splitmix64: 0 … 1. */
static float random_unit(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (float)((z ^ z >> 31) >> 40) * (1.0f / 16777216.0f);
}

static float random_special(uint64_t *random)
{
    float sign = random_unit(random) < 0.5f ? -1.0f : 1.0f, size = random_unit(random);
    switch ((int)(random_unit(random) * 40)) {
    case 0: return NAN;
    case 1: return sign * INFINITY;
    case 2: return sign * 0.0f;
    case 3: return sign * size * 1e-39f;
    case 4: return sign * (0.5f + size) * 1e30f; /* never two of the same size: they would cancel to rounding errors */
    default: return sign * size;
    }
}

static float random_value(enum checkcl_fill fill, uint64_t *random)
{
    switch (fill) {
    case CHECKCL_POSITIVE: return 0.5f + random_unit(random);
    case CHECKCL_LARGE: return 120.0f * random_unit(random) - 60.0f;
    case CHECKCL_SPECIAL: return random_special(random);
    case CHECKCL_INTEGER: /* random_integer's */
    case CHECKCL_RANDOM: break;
    }
    return 2.0f * random_unit(random) - 1.0f;
}

/* −limit … limit, or 0 and 1; a special one in 16 is an extreme. */
static double random_integer(const struct checkcl_tensor *tensor, uint64_t *random)
{
    int limit = tensor->limit ? tensor->limit : 9;
    float unit = random_unit(random);
    if (tensor->dtype == PLUGCL_BOOL)
        return unit < 0.5f;
    if (tensor->dtype != PLUGCL_F32 && tensor->fill == CHECKCL_SPECIAL && random_unit(random) < 1.0f / 16.0f)
        return unit < 0.5f ? INT32_MIN : INT32_MAX;
    return (int)(unit * (float)(2 * limit + 1)) - limit;
}

void image_fill(struct image *image, const struct checkcl_tensor *tensor, float scale, uint64_t *random)
{
    bool whole = tensor->dtype != PLUGCL_F32 || tensor->fill == CHECKCL_INTEGER;
    for (size_t i = 0; i < image->count; i++)
        image->bits[i] = GUARD_BITS;
    for (int64_t i = 0; i < image->elements; i++) {
        image->values[i] = tensor->values ? (double)tensor->values[i]
                           : whole        ? random_integer(tensor, random)
                                          : (double)(scale * random_value(tensor->fill, random));
        float real = (float)image->values[i];
        int32_t integer = whole ? (int32_t)image->values[i] : 0;
        memcpy(&image->bits[place(image, i)], image->dtype == PLUGCL_F32 ? (void *)&real : (void *)&integer, sizeof real);
    }
}

plugcl_status image_make_constant(struct image *image)
{
    size_t size = plugcl_dtype_size(image->dtype);
    uint8_t *dense = memory_zeroed((size_t)image->elements, size);
    if (!dense)
        return fail_no_memory((size_t)image->elements * size);
    for (int64_t i = 0; i < image->elements; i++) {
        float real = (float)image->values[i];
        int64_t wide = image->dtype == PLUGCL_F32 ? 0 : (int64_t)image->values[i];
        int32_t narrow = (int32_t)wide;
        uint8_t truth = wide != 0;
        const void *element = image->dtype == PLUGCL_F32   ? (const void *)&real
                              : image->dtype == PLUGCL_I64 ? (const void *)&wide
                              : image->dtype == PLUGCL_I32 ? (const void *)&narrow
                                                           : &truth;
        memcpy(dense + (size_t)i * size, element, size);
    }
    plugcl_status status = constant_create(image->dtype, &image->shape, dense, &image->constant);
    memory_free(dense);
    return status;
}

void image_poison(struct image *image)
{
    for (size_t i = 0; i < image->count; i++)
        image->bits[i] = POISON;
}

void image_take(struct image *image, const struct image *from)
{
    for (int64_t i = 0; i < image->elements; i++)
        image->bits[place(image, i)] = from->bits[place(from, i)];
}

plugcl_status image_upload(plugcl_context *context, struct image *image)
{
    size_t bytes = image->count * sizeof *image->bits;
    plugcl_status status = PLUGCL_OK;
    if (!image->buffer)
        status = buffer_create(context, bytes, false, &image->buffer);
    return status ? status : buffer_write_now(image->buffer, 0, image->bits, bytes);
}

void image_operand(const struct image *image, struct operand *operand)
{
    *operand = (struct operand){ .present = image->present, .dtype = image->dtype, .shape = image->shape, .offset = image->offset,
                                 .constant = image->constant };
    memcpy(operand->strides, image->strides, sizeof operand->strides);
    if (image->constant) {
        int64_t stride = 1;
        operand->offset = 0;
        for (uint32_t i = image->shape.rank; i-- > 0; stride *= image->shape.dims[i])
            operand->strides[i] = stride;
    }
}

/* A finite value beyond what a float holds is an infinity. */
static double as_float(double value)
{
    return fabs(value) > (double)FLT_MAX && !isnan(value) && value != CHECKCL_NOT_FINITE ? (double)(float)value : value;
}

/* The size that errors are measured by: the largest finite value, but strewn-in 1e30 must not hide all the others. */
static double scale_of(const struct image *image)
{
    double scale = 1e-3;
    for (int64_t i = 0; i < image->elements; i++) {
        double size = fabs(image->values[i]); /* CHECKCL_UNCHECKED and CHECKCL_NOT_FINITE are above the limit */
        if (size < 1e20 && size > scale)
            scale = size;
    }
    return scale;
}

/* Relative to the budget: above 1 is wrong. */
static double error_of(double found, double expected, double budget, double scale)
{
    if (expected == CHECKCL_NOT_FINITE)
        return isfinite(found) ? HUGE_VAL : 0;
    if (isnan(expected) || isnan(found))
        return isnan(expected) && isnan(found) ? 0 : HUGE_VAL;
    if (isinf(expected) || isinf(found))
        return found == expected ? 0 : HUGE_VAL;
    return fabs(found - expected) / (budget * fmax(scale, fabs(expected)));
}

static void index_text(const struct image *image, int64_t element, char *text, size_t size)
{
    int64_t index[PLUGCL_MAX_RANK];
    for (uint32_t i = image->shape.rank; i-- > 0; element /= image->shape.dims[i])
        index[i] = element % image->shape.dims[i];
    int used = snprintf(text, size, "[");
    for (uint32_t i = 0; i < image->shape.rank; i++)
        used += snprintf(text + used, size - (size_t)used, "%s%lld", i ? "," : "", (long long)index[i]);
    snprintf(text + used, size - (size_t)used, "]");
}

static double element_of(const struct image *image, uint32_t bits)
{
    float real;
    int32_t integer;
    memcpy(&real, &bits, sizeof real);
    memcpy(&integer, &bits, sizeof integer);
    return image->dtype == PLUGCL_F32 ? (double)real : (double)integer;
}

/* The first place outside the elements that was written, or `count`. */
static size_t guard_broken(const struct image *image, const uint32_t *found)
{
    uint8_t *inside = memory_zeroed(image->count, 1);
    size_t at = 0;
    if (!inside)
        return 0;
    for (int64_t i = 0; i < image->elements; i++)
        inside[place(image, i)] = 1;
    while (at < image->count && (inside[at] || found[at] == POISON))
        at++;
    memory_free(inside);
    return at;
}

bool image_compare(const struct image *image, const uint32_t *found, double budget, char *text, size_t text_size)
{
    double scale = scale_of(image), worst = 0;
    int64_t worst_at = 0, unwritten = 0, unwritten_at = 0, wrong = 0;
    char index[128];
    for (int64_t i = 0; i < image->elements; i++) {
        uint32_t bits = found[place(image, i)];
        bool checked = image->values[i] != CHECKCL_UNCHECKED;
        double error = checked ? error_of(element_of(image, bits), as_float(image->values[i]), budget, scale) : 0;
        if (bits == POISON && unwritten++ == 0)
            unwritten_at = i;
        wrong += error > 1;
        if (error > worst) {
            worst = error;
            worst_at = i;
        }
    }
    size_t broken = guard_broken(image, found);
    if (broken < image->count) {
        snprintf(text, text_size, "wrote outside: element %lld from the first one (0x%08x)",
                 (long long)broken - (long long)image->offset, found[broken]);
    } else if (unwritten > 0) {
        index_text(image, unwritten_at, index, sizeof index);
        snprintf(text, text_size, "%lld elements were not written, the first is %s", (long long)unwritten, index);
    } else if (worst > 1) {
        double value = element_of(image, found[place(image, worst_at)]);
        index_text(image, worst_at, index, sizeof index);
        snprintf(text, text_size, "at %s got %.9g, expected %.9g (%.3g times the budget of %g of %.3g; %lld of %lld wrong)", index,
                 value, image->values[worst_at], worst, budget, scale, (long long)wrong, (long long)image->elements);
    } else {
        return true;
    }
    return false;
}
