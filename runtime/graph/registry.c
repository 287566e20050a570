/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/registry.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

struct registered {
    const struct plugcl_plugin *plugin;
    void *user;
};

struct plugcl_registry {
    struct registered *added;
    size_t count, capacity;
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
    *registry = memory_zeroed(1, sizeof **registry);
    return *registry ? PLUGCL_OK : fail_no_memory(sizeof **registry);
}

void plugcl_registry_destroy(plugcl_registry **registry)
{
    if (registry == NULL || *registry == NULL)
        return;
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
