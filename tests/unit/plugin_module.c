/* SPDX-License-Identifier: Apache-2.0 */
/* plugin_module.c: shared objects for registry_test.c, good and bad ones, told apart by -DMODULE_… */
#include <plugcl/plugin.h>

#ifndef MODULE_EMPTY
static plugcl_status build(plugcl_graph *graph, const struct plugcl_plugin_call *call, void *user)
{
    (void)graph;
    (void)call;
    return user == NULL ? PLUGCL_TIMEOUT : PLUGCL_STATE; /* seen by the test */
}

static const char *const names[] = { "x", NULL };

static const struct plugcl_plugin first = {
    .struct_size = sizeof first,
    .api_version = PLUGCL_PLUGIN_API_VERSION,
    .name = "first",
    .summary = "the first of a shared object",
    .inputs = names,
    .outputs = names,
    .build = build,
};

static const struct plugcl_plugin second = {
    .struct_size = sizeof second,
    .api_version = PLUGCL_PLUGIN_API_VERSION,
#ifdef MODULE_TAKEN
    .name = "se",
#else
    .name = "second",
#endif
    .summary = "the second",
    .inputs = names,
    .outputs = names,
    .build = build,
};

static const struct plugcl_plugin *const plugins[] = { &first, &second, NULL };
#else
static const struct plugcl_plugin *const plugins[] = { NULL };
#endif

#if defined(MODULE_VERSION)
const struct plugcl_plugin_library plugcl_plugins = { sizeof plugcl_plugins, PLUGCL_PLUGIN_API_VERSION + 41, plugins };
#elif defined(MODULE_SIZE)
const struct plugcl_plugin_library plugcl_plugins = { 8, PLUGCL_PLUGIN_API_VERSION, plugins };
#elif defined(MODULE_SYMBOL)
PLUGCL_API extern const struct plugcl_plugin_library other_name;
const struct plugcl_plugin_library other_name = { sizeof other_name, PLUGCL_PLUGIN_API_VERSION, plugins };
#else
const struct plugcl_plugin_library plugcl_plugins = { sizeof plugcl_plugins, PLUGCL_PLUGIN_API_VERSION, plugins };
#endif
