/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program_cache.c: the folder of compiled programs and tuning results. Nothing that it holds is trusted before its hash was
 * checked: some drivers abort the process on a damaged binary.
 */
#include "device/program_cache.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "device/cache_file.h"

static const char suffixes[][8] = { [CACHE_PROGRAM] = ".plugcl", [CACHE_TUNING] = ".tuning" };
enum { NAME_LENGTH = 64 + sizeof suffixes[0] - 1, LARGEST_FILE = 64 * 1024 * 1024, TEMPORARY_LIFE_SECONDS = 3600 };

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

static bool is_absolute(const char *path)
{
#if defined(_WIN32)
    return path[0] == '\\' || path[0] == '/' || (path[0] && path[1] == ':');
#else
    return path[0] == '/';
#endif
}

/* The folder of the rules, not looked at yet. NULL with a reason when the environment names none. */
static char *folder_name(const char *cache_dir, const char **reason)
{
    *reason = "out of host memory";
    if (cache_dir)
        return string_copy(cache_dir);
#if defined(_WIN32)
    const char *base = environment("LOCALAPPDATA");
    *reason = base ? *reason : "LOCALAPPDATA is not set";
    return base ? string_format("%s\\plugcl", base) : NULL;
#else
    const char *base = environment("XDG_CACHE_HOME");
    const char *tail = "plugcl";
    if (!base) {
        base = environment("HOME");
        tail = ".cache/plugcl";
    }
    if (!base) {
        *reason = "neither XDG_CACHE_HOME nor HOME is set";
        return NULL;
    }
    if (!is_absolute(base)) {
        *reason = "XDG_CACHE_HOME or HOME is not an absolute path";
        return NULL;
    }
    return path_join(base, tail);
#endif
}

/* The usable folder or NULL, with the reason. */
static char *folder_find(const char *cache_dir, char *reason, size_t size)
{
    const char *why;
    char *folder = folder_name(cache_dir, &why);
    if (!folder) {
        strncpy(reason, why, size - 1);
        reason[size - 1] = '\0';
        return NULL;
    }
    if (is_absolute(folder) || !cache_dir) {
        if (folder_make_private(folder, reason, size))
            return folder;
    } else {
        strncpy(reason, "cache_dir is not an absolute path", size - 1);
        reason[size - 1] = '\0';
    }
    memory_free(folder);
    return NULL;
}

plugcl_status program_cache_open(struct program_cache *cache, const struct plugcl_context_params *params, const struct log *log)
{
    *cache = (struct program_cache){ 0 };
    if (!params->cache_get != !params->cache_set)
        return fail(PLUGCL_INVALID, "cache_get and cache_set go together: give both or none");
    if (params->cache_get) {
        cache->get = params->cache_get;
        cache->set = params->cache_set;
        cache->user = params->cache_user;
    } else if (!params->no_disk_cache) {
        char reason[512] = "";
        cache->folder = folder_find(params->cache_dir, reason, sizeof reason);
        if (!cache->folder)
            log_message(log, PLUGCL_LOG_WARNING, "no program cache on disk: %s", reason);
    }
    return PLUGCL_OK;
}

void program_cache_close(struct program_cache *cache)
{
    memory_free(cache->folder);
    *cache = (struct program_cache){ 0 };
}

static char *file_path(const char *folder, enum cache_kind kind, const uint8_t key[32])
{
    char name[NAME_LENGTH + 1];
    sha256_hex(key, name);
    memcpy(name + 64, suffixes[kind], sizeof suffixes[kind]);
    return path_join(folder, name);
}

/* The application's answer in new memory. Its size may change between the two calls: then there is no answer. */
static void *get_blob(const struct program_cache *cache, const uint8_t key[32], size_t *length)
{
    char name[65];
    sha256_hex(key, name);
    *length = cache->get(cache->user, name, NULL, 0);
    void *blob = *length > 0 && *length <= LARGEST_FILE ? memory_zeroed(*length, 1) : NULL;
    if (blob && cache->get(cache->user, name, blob, *length) != *length) {
        memory_free(blob);
        blob = NULL;
    }
    return blob;
}

const uint8_t *program_cache_get(const struct program_cache *cache, enum cache_kind kind, const uint8_t key[32],
                                 const struct log *log, void **file, size_t *bytes)
{
    size_t length = 0;
    *file = NULL;
    *bytes = 0;
    if (cache->get) {
        *file = get_blob(cache, key, &length);
    } else if (cache->folder) {
        char *path = file_path(cache->folder, kind, key);
        *file = path ? file_read_private(path, LARGEST_FILE, &length) : NULL;
        memory_free(path);
    }
    const uint8_t *payload = *file ? cache_file_verify(key, *file, length, bytes) : NULL;
    if (*file && !payload) {
        log_message(log, PLUGCL_LOG_DEBUG, "a file of the cache is damaged or of another version: it is made again");
        program_cache_remove(cache, kind, key);
        memory_free(*file);
        *file = NULL;
    }
    return payload;
}

static void set_file(const struct program_cache *cache, enum cache_kind kind, const uint8_t key[32], const uint8_t *file,
                     size_t length, const struct log *log)
{
    char *path = file_path(cache->folder, kind, key);
    char message[ERROR_MESSAGE_SIZE]; /* of a plan that failed, perhaps, whose end stores what was compiled */
    error_save(message);
    if (path && file_write_private(path, file, length) != PLUGCL_OK)
        log_message(log, PLUGCL_LOG_DEBUG, "the cache could not take a file: %s", plugcl_error_message());
    error_restore(message);
    memory_free(path);
}

void program_cache_set(const struct program_cache *cache, enum cache_kind kind, const uint8_t key[32], const void *payload,
                       size_t bytes, const struct log *log)
{
    if ((!cache->set && !cache->folder) || bytes > LARGEST_FILE - CACHE_FILE_HEADER)
        return;
    size_t length = 0;
    uint8_t *file = cache_file_encode(key, payload, bytes, &length);
    if (!file)
        return;
    if (cache->set) {
        char name[65];
        sha256_hex(key, name);
        cache->set(cache->user, name, file, length);
    } else {
        set_file(cache, kind, key, file, length, log);
    }
    memory_free(file);
}

void program_cache_remove(const struct program_cache *cache, enum cache_kind kind, const uint8_t key[32])
{
    char *path = cache->folder ? file_path(cache->folder, kind, key) : NULL;
    if (path)
        file_remove(path);
    memory_free(path);
}

/* A listing of the cache's own files. */
struct listed_file {
    char name[NAME_LENGTH + 1];
    uint64_t bytes;
    int64_t modified;
};

struct listing {
    struct listed_file *files;
    size_t count, capacity;
    uint64_t bytes;
};

static bool is_cache_name(const char *name)
{
    return strlen(name) == NAME_LENGTH && strspn(name, "0123456789abcdef") == 64;
}

static void add_listed(void *user, const struct folder_file *file)
{
    struct listing *listing = user;
    if (!is_cache_name(file->name))
        return;
    struct listed_file *item = array_push(&listing->files, &listing->count, &listing->capacity, sizeof *item);
    if (!item)
        return;
    memcpy(item->name, file->name, NAME_LENGTH + 1);
    item->bytes = file->bytes;
    item->modified = file->modified;
    listing->bytes += file->bytes;
}

static int compare_age(const void *a, const void *b)
{
    int64_t x = ((const struct listed_file *)a)->modified, y = ((const struct listed_file *)b)->modified;
    return x < y ? -1 : x > y;
}

struct leftovers {
    const char *folder;
    int64_t before;
};

/* Only those old enough that no living process can be writing them. */
static void remove_leftover(void *user, const struct folder_file *file)
{
    const struct leftovers *leftovers = user;
    if (strncmp(file->name, ".plugcl-", 8) != 0 || file->modified >= leftovers->before)
        return;
    char *path = path_join(leftovers->folder, file->name);
    if (path)
        file_remove(path);
    memory_free(path);
}

static void remove_leftovers(const char *folder, int64_t age)
{
    struct leftovers leftovers = { folder, (int64_t)time(NULL) - age };
    folder_list(folder, ".tmp", remove_leftover, &leftovers);
}

void program_cache_trim(const struct program_cache *cache, enum cache_kind kind, uint64_t bound, const struct log *log)
{
    if (!cache->folder)
        return;
    struct listing listing = { 0 };
    folder_list(cache->folder, suffixes[kind], add_listed, &listing);
    if (listing.bytes > bound) {
        /* Down to three quarters, so that the next program does not start it all again. */
        qsort(listing.files, listing.count, sizeof *listing.files, compare_age);
        for (size_t i = 0; i < listing.count && listing.bytes > bound / 4 * 3; i++) {
            char *path = path_join(cache->folder, listing.files[i].name);
            if (path && file_remove(path))
                listing.bytes -= listing.files[i].bytes;
            memory_free(path);
        }
        log_message(log, PLUGCL_LOG_DEBUG, "the oldest files of the cache were removed");
    }
    memory_free(listing.files);
    remove_leftovers(cache->folder, TEMPORARY_LIFE_SECONDS);
}

plugcl_status plugcl_cache_folder(const char *cache_dir, char **path)
{
    if (!path)
        return fail(PLUGCL_INVALID, "no place for the path was given");
    char reason[512] = "";
    *path = folder_find(cache_dir, reason, sizeof reason);
    if (!*path)
        fail(PLUGCL_NOT_FOUND, "there is no cache folder: %s", reason);
    return PLUGCL_OK;
}

/* Lists the files of a kind, and with `clear` removes them. */
static plugcl_status list_kind(const char *folder, enum cache_kind kind, bool clear, struct listing *listing)
{
    plugcl_status status = folder_list(folder, suffixes[kind], add_listed, listing)
                               ? PLUGCL_OK
                               : fail(PLUGCL_IO, "%s cannot be listed", folder);
    for (size_t i = 0; clear && i < listing->count; i++) {
        char *path = path_join(folder, listing->files[i].name);
        if (!path)
            status = fail_no_memory(NAME_LENGTH);
        else if (!file_remove(path))
            status = fail(PLUGCL_IO, "%s cannot be removed", path);
        memory_free(path);
    }
    return status;
}

plugcl_status plugcl_cache_usage(const char *cache_dir, bool clear, uint64_t *files, uint64_t *bytes)
{
    char *folder = NULL;
    struct listing programs = { 0 }, tuning = { 0 };
    plugcl_status status = plugcl_cache_folder(cache_dir, &folder);
    if (status == PLUGCL_OK && folder)
        status = list_kind(folder, CACHE_PROGRAM, clear, &programs);
    if (clear && folder) {
        plugcl_status cleared = list_kind(folder, CACHE_TUNING, clear, &tuning);
        status = status == PLUGCL_OK ? cleared : status;
        remove_leftovers(folder, TEMPORARY_LIFE_SECONDS);
    }
    if (files)
        *files = programs.count;
    if (bytes)
        *bytes = programs.bytes;
    memory_free(programs.files);
    memory_free(tuning.files);
    memory_free(folder);
    return status;
}

/* The lines of a tuning file that is undamaged. */
static uint64_t count_results(const char *folder, const char *name)
{
    uint8_t key[32];
    size_t length = 0, bytes = 0;
    uint64_t results = 0;
    char *path = path_join(folder, name);
    void *file = path ? file_read_private(path, LARGEST_FILE, &length) : NULL;
    const uint8_t *payload = file && sha256_from_hex(name, key) ? cache_file_verify(key, file, length, &bytes) : NULL;
    for (size_t i = 0; i < bytes; i++)
        results += payload[i] == '\n';
    memory_free(file);
    memory_free(path);
    return results;
}

plugcl_status plugcl_cache_tuned(const char *cache_dir, uint64_t *results)
{
    char *folder = NULL;
    struct listing listing = { 0 };
    if (!results)
        return fail(PLUGCL_INVALID, "no place for the number was given");
    *results = 0;
    plugcl_status status = plugcl_cache_folder(cache_dir, &folder);
    if (status == PLUGCL_OK && folder)
        status = list_kind(folder, CACHE_TUNING, false, &listing);
    for (size_t i = 0; i < listing.count; i++)
        *results += count_results(folder, listing.files[i].name);
    memory_free(listing.files);
    memory_free(folder);
    return status;
}
