/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/table.h"

#include <stddef.h>

const struct plugcl_plugin *const plugcl_builtin_plugins[] = {
    &plugin_se,   &plugin_cbam, &plugin_channel_attention, &plugin_spatial_attention,
    &plugin_aspp, &plugin_stn,  &plugin_nonlocal,          NULL,
};
