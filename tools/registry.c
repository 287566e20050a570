/* SPDX-License-Identifier: Apache-2.0 */
/* registry.c: the plug-ins by name, built in or from the files of --plugin. */
#include "tool.h"

#include <stdio.h>
#include <string.h>

static plugcl_registry *loaded; /* NULL: the built-in ones */

const plugcl_registry *registry(void)
{
    return loaded;
}

int registry_load(const char *path)
{
    if (*path == '\0')
        return wrong_usage("--plugin names no file");
    if (loaded == NULL && plugcl_registry_create(&loaded))
        return library_failed();
    return plugcl_registry_load(loaded, path) ? library_failed() : EXIT_DONE;
}

void registry_end(void)
{
    plugcl_registry_destroy(&loaded);
}

const struct plugcl_plugin *find_plugin(const char *name)
{
    char known[1024] = "";
    size_t used = 0;
    for (size_t i = 0; i < plugcl_registry_count(loaded); i++) {
        const struct plugcl_plugin *plugin = plugcl_registry_at(loaded, i);
        if (strcmp(plugin->name, name) == 0)
            return plugin;
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", plugin->name);
    }
    wrong_usage("unknown plug-in \"%s\"; there are %s", name, known);
    return NULL;
}
