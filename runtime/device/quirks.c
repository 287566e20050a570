/* SPDX-License-Identifier: Apache-2.0 */
/* quirks.c: the table; each row says why it is there. */
#include "device/quirks.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *platform, *device; /* parts of the names, NULL for any */
    uint32_t quirks;
    const char *reason;
} table[] = {
    { "Clover", NULL, QUIRK_SKIP, "Clover's compiler is incomplete and no longer maintained; Mesa's rusticl has taken its place" },
    { "Oclgrind", NULL, QUIRK_OWN_GEMM | QUIRK_NO_BINARIES,
      "a simulator: CLBlast's kernels take minutes on it, and its binaries are LLVM bitcode that saves no time" },
    { "rusticl", NULL, QUIRK_KERNEL_GROUP,
      "Mesa 22.3 answers CL_KERNEL_WORK_GROUP_SIZE with the sub-group size (32), though it runs the device's limit" },
    { "rusticl", NULL, QUIRK_HIDES,
      "the platform has no device; rusticl offers those that the environment variable RUSTICL_ENABLE names, such as llvmpipe" },
    { "Portable Computing Language", NULL, QUIRK_HOST_IN_PLACE,
      "PoCL's CPU devices take CL_MEM_USE_HOST_PTR at its word at every alignment: the buffer is that memory, mapping does nothing" },
    { "Portable Computing Language", NULL, QUIRK_HIDES,
      "the platform has no device; PoCL hides its own where it cannot write its cache, $POCL_CACHE_DIR or $XDG_CACHE_HOME/pocl" },
};

uint32_t quirks_find(const char *platform, const char *device, const char **reason)
{
    uint32_t quirks = 0;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if ((table[i].platform && !strstr(platform, table[i].platform)) || (table[i].device && !strstr(device, table[i].device)))
            continue;
        quirks |= table[i].quirks;
        if ((table[i].quirks & QUIRK_SKIP) || ((table[i].quirks & QUIRK_HIDES) && device[0] == '\0'))
            *reason = table[i].reason;
    }
    return quirks;
}
