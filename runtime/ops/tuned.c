/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/tuned.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/sha256.h"
#include "base/thread.h"

#define NO_TILE "-"

struct known_result {
    struct tuned_result result;
    bool is_own; /* measured by this context; others are the record's, where a process may have put a newer one since */
};

struct tuned_store {
    mutex lock;
    bool is_loaded;
    struct known_result *results; /* the oldest first */
    size_t count, capacity;
};

static void store_clear(void *user)
{
    struct tuned_store *store = user;
    memory_free(store->results);
}

static struct tuned_store *store_of(plugcl_context *context)
{
    return context_store(context, PLACE_TUNED, sizeof(struct tuned_store), store_clear);
}

static void write_time(struct text *text, const struct tuned_time *time)
{
    text_add(text, " %s %s %" PRIu64, time->variant, time->tile[0] ? time->tile : NO_TILE, time->ns);
}

void tuned_write(struct text *text, const struct tuned_result *result)
{
    char key[65];
    sha256_hex(result->key, key);
    text_add_bytes(text, key, 64);
    write_time(text, &result->best);
    write_time(text, &result->built_in);
    text_add_bytes(text, "\n", 1);
}

const char *tuned_read(const char *text, struct tuned_result *result)
{
    char key[65] = "";
    int end = 0;
    *result = (struct tuned_result){ 0 };
    sscanf(text, "%64[0-9a-f] %31s %23s %" SCNu64 " %31s %23s %" SCNu64 "%n", key, result->best.variant, result->best.tile,
           &result->best.ns, result->built_in.variant, result->built_in.tile, &result->built_in.ns, &end);
    if (end == 0 || text[end] != '\n' || !sha256_from_hex(key, result->key))
        return NULL;
    if (strcmp(result->best.tile, NO_TILE) == 0)
        result->best.tile[0] = '\0';
    if (strcmp(result->built_in.tile, NO_TILE) == 0)
        result->built_in.tile[0] = '\0';
    return text + end + 1;
}

static struct known_result *find(const struct tuned_store *store, const uint8_t key[32])
{
    for (size_t i = 0; i < store->count; i++)
        if (memcmp(store->results[i].result.key, key, sizeof store->results[i].result.key) == 0)
            return &store->results[i];
    return NULL;
}

/* Replaces what is known of the call, or adds to it. */
static void set(struct tuned_store *store, const struct tuned_result *result, bool is_own)
{
    struct known_result *place = find(store, result->key);
    if (place == NULL) {
        if (store->count == TUNED_MOST)
            memmove(store->results, store->results + 1, --store->count * sizeof *store->results);
        place = array_push(&store->results, &store->count, &store->capacity, sizeof *place);
    }
    if (place != NULL)
        *place = (struct known_result){ *result, is_own };
}

static void record_key(const plugcl_context *context, uint8_t key[32])
{
    uint8_t identity[32];
    struct sha256 hash;
    context_identity(context, identity);
    sha256_start(&hash);
    sha256_add_string(&hash, "tuning 1"); /* another number for another format of lines or meaning of keys */
    sha256_add_field(&hash, identity, sizeof identity);
    sha256_finish(&hash, key);
}

/* Takes over what the record has, but for what this context measured itself. */
static void load(plugcl_context *context, struct tuned_store *store)
{
    uint8_t key[32];
    size_t bytes;
    struct tuned_result result;
    const struct known_result *known;
    record_key(context, key);
    char *record = context_cache_get(context, key, &bytes);
    for (const char *line = record; line != NULL && (line = tuned_read(line, &result)) != NULL;)
        if ((known = find(store, result.key)) == NULL || !known->is_own)
            set(store, &result, false);
    memory_free(record);
    store->is_loaded = true;
}

bool tuned_find(plugcl_context *context, const uint8_t key[32], struct tuned_result *result)
{
    struct tuned_store *store = store_of(context);
    if (store == NULL)
        return false;
    mutex_lock(&store->lock);
    if (!store->is_loaded)
        load(context, store);
    const struct known_result *found = find(store, key);
    if (found != NULL)
        *result = found->result;
    mutex_unlock(&store->lock);
    return found != NULL;
}

void tuned_keep(plugcl_context *context, const struct tuned_result *result)
{
    struct tuned_store *store = store_of(context);
    struct text record = { 0 };
    uint8_t key[32];
    if (store == NULL)
        return;
    mutex_lock(&store->lock);
    load(context, store); /* again: another process may have added to it */
    set(store, result, true);
    for (size_t i = 0; i < store->count; i++)
        tuned_write(&record, &store->results[i].result);
    record_key(context, key);
    if (!record.failed && record.data != NULL)
        context_cache_set(context, key, record.data, record.length);
    text_free(&record);
    mutex_unlock(&store->lock);
}
