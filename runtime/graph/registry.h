/* SPDX-License-Identifier: Apache-2.0 */
/* registry.h: the table of built-in plug-ins, which plugins/table.c defines. */
#ifndef PLUGCL_GRAPH_REGISTRY_H
#define PLUGCL_GRAPH_REGISTRY_H

#include <plugcl/plugin.h>

/* Ends with NULL. */
extern const struct plugcl_plugin *const plugcl_builtin_plugins[];

/* The plug-in of that name in `registry` (NULL: the built-in ones), or NULL; *user is what it was added with. */
const struct plugcl_plugin *registry_find(const plugcl_registry *registry, const char *name, void **user);

#endif
