/* SPDX-License-Identifier: Apache-2.0 */
/* params.h: reading the parameter structs of callers that were built with another version of the headers. */
#ifndef PLUGCL_BASE_PARAMS_H
#define PLUGCL_BASE_PARAMS_H

#include <string.h>

#include "base/error.h"

/* Copies a caller's parameters, which may be of an older version (fewer fields: zero) or a newer one (more: they must be zero). */
static inline plugcl_status params_read(const char *what, const void *from, void *to, size_t size)
{
    size_t given;
    memcpy(&given, from, sizeof given);
    if (given < sizeof given)
        return fail(PLUGCL_INVALID, "struct_size of %s is %zu; set it with %s(…) or %s_init()", what, given, what, what);
    for (size_t i = size; i < given; i++) {
        if (((const unsigned char *)from)[i] != 0)
            return fail(PLUGCL_UNSUPPORTED, "%s has a field that this version of plugcl does not know", what);
    }
    memset(to, 0, size);
    memcpy(to, from, given < size ? given : size);
    return PLUGCL_OK;
}

#endif
