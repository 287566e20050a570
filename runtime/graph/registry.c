/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/registry.h"

#include <string.h>

#include "base/error.h"
#include "base/library.h"
#include "base/memory.h"

struct registered {
    const struct plugcl_plugin *plugin;
    void *user;
};

struct plugcl_registry {
    struct registered *added;
    size_t count, capacity;
    void **libraries; /* shared objects that plug-ins come from */
    size_t n_libraries, c_libraries;
};

static size_t builtin_count(void)
{
    size_t count = 0;
    while (plugcl_builtin_plugins[count] != NULL)
        count++;
    return count;
}

plugcl_status plugcl_registry_create(plugcl_registry **registry)
{
    if (registry == NULL)
        return fail(PLUGCL_INVALID, "no place for the registry was given");
    *registry = memory_zeroed(1, sizeof **registry);
    return *registry ? PLUGCL_OK : fail_no_memory(sizeof **registry);
}

void plugcl_registry_destroy(plugcl_registry **registry)
{
    if (registry == NULL || *registry == NULL)
        return;
    for (size_t i = 0; i < (*registry)->n_libraries; i++)
        library_close((*registry)->libraries[i]);
    memory_free((*registry)->libraries);
    memory_free((*registry)->added);
    memory_free(*registry);
    *registry = NULL;
}

plugcl_status plugcl_registry_add(plugcl_registry *registry, const struct plugcl_plugin *plugin, void *user)
{
    if (registry == NULL || plugin == NULL)
        return fail(PLUGCL_INVALID, "plugcl_registry_add needs a registry and a plug-in, not NULL");
    if (plugin->struct_size < sizeof *plugin || plugin->name == NULL || plugin->summary == NULL || plugin->build == NULL ||
        plugin->inputs == NULL || plugin->outputs == NULL)
        return fail(PLUGCL_INVALID, "a plug-in needs struct_size, name, summary, inputs, outputs and build");
    if (plugin->api_version != PLUGCL_PLUGIN_API_VERSION)
        return fail(PLUGCL_INVALID, "plug-in %s is for interface version %u; this is version %u", plugin->name, plugin->api_version,
                    PLUGCL_PLUGIN_API_VERSION);
    if (registry_find(registry, plugin->name, NULL) != NULL)
        return fail(PLUGCL_INVALID, "there is a plug-in named %s already", plugin->name);
    struct registered *entry = array_push(&registry->added, &registry->count, &registry->capacity, sizeof *entry);
    if (entry == NULL)
        return fail_no_memory(sizeof *entry);
    *entry = (struct registered){ plugin, user };
    return PLUGCL_OK;
}

/* What the object exports, if it was built for this interface. */
static plugcl_status find_plugins(void *library, const char *path, const struct plugcl_plugin_library **found)
{
    const struct plugcl_plugin_library *exported = NULL;
    if (!library_symbol(library, "plugcl_plugins", &exported))
        return fail(PLUGCL_FORMAT, "%s has no plug-ins: it exports no plugcl_plugins", path);
    if (exported->struct_size < sizeof *exported)
        return fail(PLUGCL_FORMAT, "%s: struct_size of plugcl_plugins is %zu; it must be sizeof plugcl_plugins, %zu", path,
                    exported->struct_size, sizeof *exported);
    if (exported->api_version != PLUGCL_PLUGIN_API_VERSION)
        return fail(PLUGCL_FORMAT, "%s was built for version %u of the plug-in interface; this is version %u: build it again", path,
                    exported->api_version, PLUGCL_PLUGIN_API_VERSION);
    if (exported->plugins == NULL || exported->plugins[0] == NULL)
        return fail(PLUGCL_FORMAT, "%s has no plug-ins: the list in plugcl_plugins is empty", path);
    *found = exported;
    return PLUGCL_OK;
}

plugcl_status plugcl_registry_load(plugcl_registry *registry, const char *path)
{
    const struct plugcl_plugin_library *found = NULL;
    void *library = NULL;
    if (registry == NULL || path == NULL)
        return fail(PLUGCL_INVALID, "plugcl_registry_load needs a registry and a path, not NULL");
    size_t count = registry->count;
    plugcl_status status = library_open_file(path, &library);
    if (status != PLUGCL_OK)
        return status;
    status = find_plugins(library, path, &found);
    for (size_t i = 0; status == PLUGCL_OK && found->plugins[i] != NULL; i++)
        if ((status = plugcl_registry_add(registry, found->plugins[i], NULL)) != PLUGCL_OK)
            fail_in(status, "%s: ", path);
    void **place = status == PLUGCL_OK
                       ? array_push(&registry->libraries, &registry->n_libraries, &registry->c_libraries, sizeof *place)
                       : NULL;
    if (place != NULL) {
        *place = library;
        return PLUGCL_OK;
    }
    if (status == PLUGCL_OK)
        status = fail_no_memory(sizeof *place);
    registry->count = count;
    library_close(library);
    return status;
}

size_t plugcl_registry_count(const plugcl_registry *registry)
{
    return builtin_count() + (registry ? registry->count : 0);
}

const struct plugcl_plugin *plugcl_registry_at(const plugcl_registry *registry, size_t index)
{
    size_t builtin = builtin_count();
    if (index < builtin)
        return plugcl_builtin_plugins[index];
    return registry != NULL && index - builtin < registry->count ? registry->added[index - builtin].plugin : NULL;
}

const struct plugcl_plugin *registry_find(const plugcl_registry *registry, const char *name, void **user)
{
    for (size_t i = 0; i < plugcl_registry_count(registry); i++) {
        const struct plugcl_plugin *plugin = plugcl_registry_at(registry, i);
        if (strcmp(plugin->name, name) != 0)
            continue;
        if (user != NULL)
            *user = i < builtin_count() ? NULL : registry->added[i - builtin_count()].user;
        return plugin;
    }
    return NULL;
}
