/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weights.c: named tensors on the host.
 *
 * Entries are allocated one by one, so that a pointer to one stays good while others are added. One hash table serves both ways
 * of finding: it is keyed by the name without its wrappers, so all names that might answer a search lie on one probe path.
 */
#include "base/weights.h"

#include <string.h>

#include "base/memory.h"
#include "base/thread.h"

struct slot {
    uint64_t hash;
    size_t number; /* 1 + the entry's index; 0 for a free slot */
};

struct stored {
    struct plugcl_weights_entry entry;
    const char *bare; /* the part of the name after the wrappers */
    void *owned;      /* the data where it was copied, NULL where it was lent */
    char name[];
};

/* A tensor of a kind that plugcl does not read: kept by name, so that a search for it can say why it fails. */
struct unread {
    char *name, *why;
};

struct plugcl_weights {
    reference_count references;
    struct stored **entries;
    size_t count, capacity;
    struct slot *slots; /* a power of two of them, at most half full */
    size_t n_slots;
    struct unread *unread;
    size_t n_unread, unread_capacity;
    uint64_t seed, number;
    struct file_map map;
};

/* The name behind its wrappers; a wrapper that is all of it stays, unless `all`. */
static const char *unwrap(const char *name, bool all)
{
    static const char *const wrappers[] = { "module.", "_orig_mod.", "model." };
    for (size_t i = 0; i < sizeof wrappers / sizeof wrappers[0];) {
        size_t length = strlen(wrappers[i]);
        if (strncmp(name, wrappers[i], length) == 0 && (all || name[length] != '\0')) {
            name += length;
            i = 0;
        } else {
            i++;
        }
    }
    return name;
}

static const char *without_wrappers(const char *name)
{
    return unwrap(name, false);
}

/* FNV-1a, seeded, since the names come from a file that anybody may have made. */
static uint64_t hash_of(const plugcl_weights *weights, const char *bare)
{
    uint64_t hash = weights->seed;
    for (; *bare; bare++)
        hash = (hash ^ (uint8_t)*bare) * UINT64_C(1099511628211);
    return hash ^ hash >> 32;
}

plugcl_status plugcl_weights_create(plugcl_weights **weights)
{
    if (!weights)
        return fail(PLUGCL_INVALID, "plugcl_weights_create needs a place for the handle, not NULL");
    *weights = memory_zeroed(1, sizeof **weights);
    if (!*weights)
        return fail_no_memory(sizeof **weights);
    atomic_init(&(*weights)->references, 1);
    (*weights)->seed = UINT64_C(14695981039346656037) ^ clock_ns() ^ (uint64_t)(uintptr_t)*weights << 20;
    (*weights)->number = unique_number();
    return PLUGCL_OK;
}

uint64_t weights_number(const plugcl_weights *weights)
{
    return weights->number;
}

plugcl_weights *weights_take(plugcl_weights *weights)
{
    if (weights)
        reference_take(&weights->references);
    return weights;
}

void plugcl_weights_destroy(plugcl_weights **weights)
{
    plugcl_weights *w = weights ? *weights : NULL;
    if (!w)
        return;
    *weights = NULL;
    if (!reference_drop(&w->references))
        return;
    for (size_t i = 0; i < w->count; i++) {
        memory_free(w->entries[i]->owned);
        memory_free(w->entries[i]);
    }
    for (size_t i = 0; i < w->n_unread; i++) {
        memory_free(w->unread[i].name);
        memory_free(w->unread[i].why);
    }
    memory_free(w->entries);
    memory_free(w->unread);
    memory_free(w->slots);
    file_map_close(&w->map);
    memory_free(w);
}

/* Puts entry `index` on the first free slot of its probe path. */
static void place(struct slot *slots, size_t n_slots, uint64_t hash, size_t index)
{
    size_t i = hash & (n_slots - 1);
    while (slots[i].number != 0)
        i = (i + 1) & (n_slots - 1);
    slots[i] = (struct slot){ hash, index + 1 };
}

static bool grow_slots(plugcl_weights *w)
{
    if (w->count < w->n_slots / 2)
        return true;
    size_t larger = w->n_slots ? w->n_slots * 2 : 16;
    struct slot *slots = memory_zeroed(larger, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < w->n_slots; i++) {
        if (w->slots[i].number != 0)
            place(slots, larger, w->slots[i].hash, w->slots[i].number - 1);
    }
    memory_free(w->slots);
    w->slots = slots;
    w->n_slots = larger;
    return true;
}

/* The entry called `name`; else, unless `exact`, the first of the file that is called so but for wrappers. */
static const struct stored *find(const plugcl_weights *w, const char *name, bool exact)
{
    if (w->n_slots == 0)
        return NULL;
    const char *bare = without_wrappers(name);
    uint64_t hash = hash_of(w, bare);
    size_t first = SIZE_MAX;
    for (size_t i = hash & (w->n_slots - 1); w->slots[i].number != 0; i = (i + 1) & (w->n_slots - 1)) {
        size_t index = w->slots[i].number - 1;
        if (w->slots[i].hash != hash || strcmp(w->entries[index]->bare, bare) != 0)
            continue;
        if (strcmp(w->entries[index]->name, name) == 0)
            return w->entries[index];
        if (index < first)
            first = index;
    }
    return exact || first == SIZE_MAX ? NULL : w->entries[first];
}

/* What both ways of adding check. */
static plugcl_status check_entry(const plugcl_weights *w, const char *name, plugcl_dtype dtype, const plugcl_shape *shape,
                                 const void *data, size_t bytes)
{
    if (!w || !name || !shape || (!data && bytes > 0))
        return fail(PLUGCL_INVALID, "plugcl_weights_add needs weights, a name, a shape and data, not NULL");
    if (plugcl_dtype_size(dtype) == 0)
        return fail(PLUGCL_INVALID, "tensor \"%s\": %d is not a plugcl_dtype", name, (int)dtype);
    if (shape->rank > PLUGCL_MAX_RANK)
        return fail(PLUGCL_INVALID, "tensor \"%s\" has rank %u; at most %d is possible", name, (unsigned)shape->rank,
                    PLUGCL_MAX_RANK);
    int64_t elements = plugcl_shape_elements(shape);
    size_t wanted;
    if (elements < 0 || (uint64_t)elements > SIZE_MAX ||
        !size_multiply((size_t)elements, plugcl_dtype_size(dtype), &wanted))
        return fail(PLUGCL_INVALID, "tensor \"%s\" has a dimension below 0 or more elements than memory can hold", name);
    if (wanted != bytes)
        return fail(PLUGCL_INVALID, "tensor \"%s\" has %zu bytes of data; its shape and type %s need %zu", name, bytes,
                    plugcl_dtype_name(dtype), wanted);
    if (find(w, name, true))
        return fail(PLUGCL_INVALID, "tensor \"%s\" is there already; a name can be given once", name);
    return PLUGCL_OK;
}

/* Appends an entry with data that the caller has made safe; `owned` is taken only on success. */
static plugcl_status append(plugcl_weights *w, const char *name, plugcl_dtype dtype, const plugcl_shape *shape,
                            const void *data, size_t bytes, void *owned)
{
    size_t size = strlen(name) + 1;
    struct stored *stored = memory_zeroed(1, sizeof *stored + size);
    if (!stored)
        return fail_no_memory(sizeof *stored + size);
    struct stored **place_of = grow_slots(w) ? array_push(&w->entries, &w->count, &w->capacity, sizeof *w->entries) : NULL;
    if (!place_of) {
        memory_free(stored);
        return fail_no_memory((w->count + 1) * (sizeof *w->entries + 2 * sizeof *w->slots));
    }
    memcpy(stored->name, name, size);
    stored->entry = (struct plugcl_weights_entry){ stored->name, dtype, *shape, data, bytes };
    stored->bare = without_wrappers(stored->name);
    stored->owned = owned;
    *place_of = stored;
    place(w->slots, w->n_slots, hash_of(w, stored->bare), w->count - 1);
    return PLUGCL_OK;
}

plugcl_status weights_give(plugcl_weights *weights, const char *name, plugcl_dtype dtype, const plugcl_shape *shape, void *data,
                           size_t bytes)
{
    plugcl_status status = check_entry(weights, name, dtype, shape, data, bytes);
    return status != PLUGCL_OK ? status : append(weights, name, dtype, shape, data, bytes, data);
}

plugcl_status weights_lend(plugcl_weights *weights, const char *name, plugcl_dtype dtype, const plugcl_shape *shape,
                           const void *data, size_t bytes)
{
    plugcl_status status = check_entry(weights, name, dtype, shape, data, bytes);
    return status != PLUGCL_OK ? status : append(weights, name, dtype, shape, data, bytes, NULL);
}

plugcl_status plugcl_weights_add(plugcl_weights *weights, const char *name, plugcl_dtype dtype, const plugcl_shape *shape,
                                 const void *data, size_t bytes)
{
    plugcl_status status = check_entry(weights, name, dtype, shape, data, bytes);
    if (status != PLUGCL_OK)
        return status;
    void *copy = memory_aligned(bytes);
    if (!copy)
        return fail_no_memory(bytes);
    if (bytes > 0)
        memcpy(copy, data, bytes);
    status = append(weights, name, dtype, shape, copy, bytes, copy);
    if (status != PLUGCL_OK)
        memory_free(copy);
    return status;
}

void weights_keep_map(plugcl_weights *weights, struct file_map map)
{
    weights->map = map;
}

plugcl_status weights_note_unread(plugcl_weights *weights, const char *name, const char *why)
{
    struct unread *unread =
        array_push(&weights->unread, &weights->n_unread, &weights->unread_capacity, sizeof *weights->unread);
    if (!unread || !(unread->name = string_copy(name)) || !(unread->why = string_copy(why)))
        return fail_no_memory(strlen(name) + strlen(why) + sizeof *unread);
    return PLUGCL_OK;
}

plugcl_status weights_fail_missing(const plugcl_weights *weights, const char *name)
{
    const char *bare = without_wrappers(name);
    for (size_t i = 0; weights && i < weights->n_unread; i++) {
        if (strcmp(without_wrappers(weights->unread[i].name), bare) == 0)
            return fail(PLUGCL_UNSUPPORTED, "tensor \"%s\" %s", weights->unread[i].name, weights->unread[i].why);
    }
    if (plugcl_weights_count(weights) == 0)
        return fail(PLUGCL_NOT_FOUND, "there is no tensor \"%s\": the weights are empty", name);
    return fail(PLUGCL_NOT_FOUND, "there is no tensor \"%s\" among the %zu of the weights, the first of which is \"%s\"", name,
                weights->count, weights->entries[0]->name);
}

bool weights_is_below(const char *name, const char *prefix)
{
    const char *bare = unwrap(prefix, true);
    return strncmp(name, prefix, strlen(prefix)) == 0 || strncmp(without_wrappers(name), bare, strlen(bare)) == 0;
}

bool weights_any_below(const plugcl_weights *weights, const char *prefix)
{
    for (size_t i = 0; i < weights->count; i++)
        if (weights_is_below(weights->entries[i]->name, prefix))
            return true;
    for (size_t i = 0; i < weights->n_unread; i++)
        if (weights_is_below(weights->unread[i].name, prefix))
            return true;
    return false;
}

size_t plugcl_weights_count(const plugcl_weights *weights)
{
    return weights ? weights->count : 0;
}

const struct plugcl_weights_entry *plugcl_weights_at(const plugcl_weights *weights, size_t index)
{
    return weights && index < weights->count ? &weights->entries[index]->entry : NULL;
}

const struct plugcl_weights_entry *plugcl_weights_find(const plugcl_weights *weights, const char *name)
{
    const struct stored *found = weights && name ? find(weights, name, false) : NULL;
    return found ? &found->entry : NULL;
}
