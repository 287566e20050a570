/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/constant.h"

#include <stdio.h>
#include <string.h>

#include "base/half.h"
#include "base/sha256.h"
#include "base/thread.h"
#include "base/weights.h"
#include "device/context.h"
#include "device/queue.h"

struct derivation {
    pack_function compute;
    size_t n_sources;
    struct constant *sources[DERIVED_MAX_SOURCES];
    _Alignas(16) unsigned char parameters[];
};

static size_t constant_elements(const struct constant *constant)
{
    return (size_t)plugcl_shape_elements(&constant->shape);
}

static struct constant *constant_new(plugcl_dtype dtype, const plugcl_shape *shape)
{
    struct constant *constant = memory_zeroed(1, sizeof *constant);
    if (constant == NULL)
        return NULL;
    constant->references = 1;
    constant->dtype = dtype;
    constant->shape = *shape;
    return constant;
}

static bool is_integer(plugcl_dtype dtype)
{
    return dtype == PLUGCL_I32 || dtype == PLUGCL_I64 || dtype == PLUGCL_BOOL;
}

/* Whose tensor it is, by a number that is never given twice, and where it lies in there: still right when the tensor has gone. */
static void identify(struct constant *constant, uint64_t owner)
{
    struct sha256 hash;
    sha256_start(&hash);
    sha256_add_string(&hash, "data");
    sha256_add_field(&hash, &owner, sizeof owner);
    sha256_add_field(&hash, &constant->data, sizeof constant->data);
    sha256_add_field(&hash, &constant->dtype, sizeof constant->dtype);
    sha256_add_field(&hash, &constant->shape.rank, sizeof constant->shape.rank);
    sha256_add_field(&hash, constant->shape.dims, constant->shape.rank * sizeof constant->shape.dims[0]);
    sha256_finish(&hash, constant->identity);
}

plugcl_status constant_create(plugcl_dtype dtype, const plugcl_shape *shape, const void *data, struct constant **constant)
{
    int64_t elements = plugcl_shape_elements(shape);
    size_t bytes;
    *constant = NULL;
    if (elements < 0 || !size_multiply((size_t)elements, plugcl_dtype_size(dtype), &bytes))
        return fail(PLUGCL_INVALID, "a constant's dimensions must all be known and at least 0");
    if (plugcl_dtype_size(dtype) == 0 || (data == NULL && bytes > 0))
        return fail(PLUGCL_INVALID, "a constant needs a type and data");
    struct constant *made = constant_new(dtype, shape);
    if (made == NULL || (made->owned = memory_aligned(bytes)) == NULL) {
        constant_drop(&made);
        return fail_no_memory(bytes);
    }
    if (bytes > 0)
        memcpy(made->owned, data, bytes);
    made->data = made->owned;
    identify(made, unique_number());
    *constant = made;
    return PLUGCL_OK;
}

plugcl_status constant_from_weights(plugcl_weights *weights, const struct plugcl_weights_entry *entry, struct constant **constant)
{
    struct constant *made = constant_new(entry->dtype, &entry->shape);
    *constant = made;
    if (made == NULL)
        return fail_no_memory(sizeof *made);
    made->data = entry->data;
    made->weights = weights_take(weights);
    identify(made, weights_number(weights));
    return PLUGCL_OK;
}

static void identify_by_sources(const char *name, uint64_t size, struct constant *const *sources, size_t n_sources,
                                uint8_t identity[32])
{
    struct sha256 hash;
    sha256_start(&hash);
    sha256_add_string(&hash, name);
    sha256_add_field(&hash, &size, sizeof size);
    for (size_t i = 0; i < n_sources; i++)
        sha256_add_field(&hash, sources[i] ? sources[i]->identity : NULL, sources[i] ? sizeof sources[i]->identity : 0);
    sha256_finish(&hash, identity);
}

plugcl_status constant_derive(const struct recipe *recipe, const plugcl_shape *shape, struct constant *const *sources,
                              size_t n_sources, struct constant **constant)
{
    struct constant *made = constant_new(PLUGCL_F32, shape);
    struct derivation *derivation = memory_zeroed(1, sizeof *derivation + recipe->bytes);
    *constant = NULL;
    if (made == NULL || derivation == NULL) {
        memory_free(derivation);
        constant_drop(&made);
        return fail_no_memory(sizeof *derivation + recipe->bytes);
    }
    derivation->compute = recipe->compute;
    derivation->n_sources = n_sources;
    for (size_t i = 0; i < n_sources; i++)
        derivation->sources[i] = constant_take(sources[i]);
    memcpy(derivation->parameters, recipe->parameters, recipe->bytes);
    made->derivation = derivation;
    identify_by_sources(recipe->name, constant_elements(made), sources, n_sources, made->identity);
    *constant = made;
    return PLUGCL_OK;
}

struct constant *constant_take(struct constant *constant)
{
    if (constant != NULL)
        reference_take(&constant->references);
    return constant;
}

void constant_drop(struct constant **constant)
{
    struct constant *old = *constant;
    *constant = NULL;
    if (old == NULL || !reference_drop(&old->references))
        return;
    plugcl_weights_destroy(&old->weights);
    for (size_t i = 0; old->derivation != NULL && i < old->derivation->n_sources; i++)
        constant_drop(&old->derivation->sources[i]);
    memory_free(old->derivation);
    memory_free(old->owned);
    memory_free(old);
}

static bool compute_from(struct constant *const *constants, size_t n_constants, pack_function compute, const void *parameters,
                         float *computed);

/* The elements as floats: where they lie if they are that already, else in `*made`, for memory_free. NULL when out of memory. */
static const float *floats_of(const struct constant *constant, float **made)
{
    const struct derivation *derivation = constant->derivation;
    size_t count = constant_elements(constant);
    if (constant->dtype == PLUGCL_F32 && constant->data != NULL && (uintptr_t)constant->data % _Alignof(float) == 0)
        return constant->data;
    *made = memory_aligned(count * sizeof **made);
    if (*made == NULL)
        return NULL;
    if (derivation == NULL)
        elements_to_float(constant->dtype, constant->data, count, *made);
    else if (!compute_from(derivation->sources, derivation->n_sources, derivation->compute, derivation->parameters, *made))
        return NULL;
    return *made;
}

/* False when out of memory. */
static bool compute_from(struct constant *const *constants, size_t n_constants, pack_function compute, const void *parameters,
                         float *computed)
{
    const float *sources[PACKED_MAX_CONSTANTS] = { NULL };
    float *made[PACKED_MAX_CONSTANTS] = { NULL };
    bool complete = true;
    for (size_t i = 0; complete && i < n_constants; i++)
        complete = constants[i] == NULL || (sources[i] = floats_of(constants[i], &made[i])) != NULL;
    if (complete)
        compute(sources, (const struct constant *const *)constants, parameters, computed);
    for (size_t i = 0; i < n_constants; i++)
        memory_free(made[i]);
    return complete;
}

/*
 * The store. An entry lives as long as its buffer is held by a schedule; unused ones are swept when a schedule goes and when a
 * new entry is made.
 */
struct packed {
    uint8_t key[32];
    struct buffer *buffer;
};

struct packed_store {
    mutex lock;
    struct packed *entries;
    size_t count, capacity;
};

static void store_clear(void *user)
{
    struct packed_store *store = user;
    for (size_t i = 0; i < store->count; i++)
        buffer_drop(&store->entries[i].buffer);
    memory_free(store->entries);
}

static struct packed_store *store_of(plugcl_context *context)
{
    return context_store(context, PLACE_PACKED, sizeof(struct packed_store), store_clear);
}

static void store_sweep(struct packed_store *store)
{
    size_t kept = 0;
    for (size_t i = 0; i < store->count; i++) {
        if (buffer_is_shared(store->entries[i].buffer))
            store->entries[kept++] = store->entries[i];
        else
            buffer_drop(&store->entries[i].buffer);
    }
    store->count = kept;
}

void constants_sweep(plugcl_context *context)
{
    struct packed_store *store = store_of(context);
    if (store == NULL)
        return; /* none could be made, so nothing is in it */
    mutex_lock(&store->lock);
    store_sweep(store);
    mutex_unlock(&store->lock);
}

static struct buffer *store_find(struct packed_store *store, const uint8_t key[32])
{
    for (size_t i = 0; i < store->count; i++)
        if (memcmp(store->entries[i].key, key, 32) == 0)
            return buffer_take(store->entries[i].buffer);
    return NULL;
}

static plugcl_status store_add(struct packed_store *store, const uint8_t key[32], struct buffer *buffer)
{
    struct packed *entry = array_push(&store->entries, &store->count, &store->capacity, sizeof *entry);
    if (entry == NULL)
        return fail_no_memory(sizeof *entry);
    memcpy(entry->key, key, sizeof entry->key);
    entry->buffer = buffer_take(buffer);
    return PLUGCL_OK;
}

/* Packs where the buffer is mapped: without a copy where the host shares the device's memory. */
static plugcl_status pack_and_upload(plugcl_context *context, struct constant *const *constants, size_t n_constants,
                                     size_t elements, pack_function pack, const void *parameters, struct buffer **buffer)
{
    const size_t bytes = elements * sizeof(float);
    void *packed = NULL;
    plugcl_status status = buffer_create(context, bytes, false, buffer);
    if (status == PLUGCL_OK && bytes > 0)
        status = buffer_map_to_fill(*buffer, &packed);
    if (status == PLUGCL_OK && bytes > 0) {
        memset(packed, 0, bytes);
        if (!compute_from(constants, n_constants, pack, parameters, packed))
            status = fail_no_memory(bytes);
        plugcl_status unmapped = buffer_unmap(*buffer, packed);
        status = status == PLUGCL_OK ? unmapped : status;
    }
    if (status != PLUGCL_OK)
        buffer_drop(buffer);
    return status;
}

plugcl_status constant_packed(plugcl_context *context, struct constant *const *constants, size_t n_constants, const char *packing,
                              size_t elements, pack_function pack, const void *parameters, struct buffer **buffer)
{
    *buffer = NULL;
    struct packed_store *store = store_of(context);
    if (store == NULL)
        return fail_no_memory(sizeof *store);
    uint8_t key[32];
    identify_by_sources(packing, elements, constants, n_constants, key);

    /* Packing under the lock makes two plans that are made at once pack a tensor once. */
    mutex_lock(&store->lock);
    plugcl_status status = PLUGCL_OK;
    *buffer = store_find(store, key);
    if (*buffer == NULL) {
        store_sweep(store);
        status = pack_and_upload(context, constants, n_constants, elements, pack, parameters, buffer);
        if (status == PLUGCL_OK && (status = store_add(store, key, *buffer)) != PLUGCL_OK)
            buffer_drop(buffer);
    }
    mutex_unlock(&store->lock);
    return status;
}

static void pack_as_it_is(const float *const *sources, const struct constant *const *constants, const void *parameters,
                          float *packed)
{
    size_t count = constant_elements(constants[0]);
    (void)parameters;
    if (is_integer(constants[0]->dtype))
        elements_to_int(constants[0]->dtype, constants[0]->data, count, packed);
    else
        memcpy(packed, sources[0], count * sizeof *packed);
}

/* Integers have 32 bits on the device. */
static plugcl_status check_range(const struct constant *constant)
{
    const uint8_t *bytes = constant->data;
    for (size_t i = 0; constant->dtype == PLUGCL_I64 && i < constant_elements(constant); i++) {
        int64_t value;
        memcpy(&value, bytes + i * sizeof value, sizeof value);
        if (value < INT32_MIN || value > INT32_MAX)
            return fail(PLUGCL_UNSUPPORTED, "element %zu of an i64 constant is %lld; a plan computes with 32 bits, -2147483648 to "
                        "2147483647", i, (long long)value);
    }
    return PLUGCL_OK;
}

plugcl_status constant_uploaded(plugcl_context *context, struct constant *constant, struct buffer **buffer)
{
    plugcl_status status = check_range(constant);
    return status != PLUGCL_OK ? status
                               : constant_packed(context, &constant, 1, "as it is", constant_elements(constant), pack_as_it_is,
                                                 NULL, buffer);
}
