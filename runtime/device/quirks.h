/* SPDX-License-Identifier: Apache-2.0 */
/* quirks.h: what is known to be wrong with platforms and devices; the only place that looks at their names. */
#ifndef PLUGCL_DEVICE_QUIRKS_H
#define PLUGCL_DEVICE_QUIRKS_H

#include <stdint.h>

enum quirk {
    QUIRK_SKIP = 1 << 0,        /* not usable */
    QUIRK_OWN_GEMM = 1 << 1,    /* CLBlast works but takes minutes */
    QUIRK_NO_BINARIES = 1 << 2, /* binaries cannot be read back, or do not load again */
    QUIRK_KERNEL_GROUP = 1 << 3, /* CL_KERNEL_WORK_GROUP_SIZE is wrong; the device's limit holds */
    QUIRK_HIDES = 1 << 4,       /* the platform may list no device though there is one */
    QUIRK_HOST_IN_PLACE = 1 << 5 /* its CPU devices compute in the host memory that a buffer is made over, mapped or not */
};

/* The quirks of a device, whose name is "" where the platform has none; with QUIRK_SKIP, or with QUIRK_HIDES and no device,
 * *reason (static storage) is why. */
uint32_t quirks_find(const char *platform, const char *device, const char **reason);

#endif
