/* SPDX-License-Identifier: Apache-2.0 */
/* table.h: the built-in plug-ins, one file each. */
#ifndef PLUGCL_PLUGINS_TABLE_H
#define PLUGCL_PLUGINS_TABLE_H

#include <plugcl/plugin.h>

extern const struct plugcl_plugin plugin_se, plugin_cbam, plugin_channel_attention, plugin_spatial_attention, plugin_aspp,
    plugin_stn;

/* Ends with NULL. */
extern const struct plugcl_plugin *const plugcl_builtin_plugins[];

#endif
