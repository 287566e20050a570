/* SPDX-License-Identifier: Apache-2.0 */
/* source.h: the kernels of cl/, embedded by tools/embed_cl.py, and the expansion of their #include lines. */
#ifndef PLUGCL_DEVICE_SOURCE_H
#define PLUGCL_DEVICE_SOURCE_H

#include <stddef.h>

#include "base/memory.h"

struct embedded_file {
    const char *name; /* "cpu/pool.cl", "include/activation.h" */
    const unsigned char *data;
    size_t bytes;
};
extern const struct embedded_file embedded_files[]; /* sorted by name; generated */
extern const size_t embedded_file_count;
extern const unsigned char embedded_files_digest[32]; /* SHA-256 of all names and sources */

const struct embedded_file *embedded_file_find(const char *name);

/* Adds `source` to `out` with each `#include "x.h"` line replaced by the embedded include/x.h, at most once per header and whatever
 * #if is round it, so includes belong outside of #if. Lines keep their file and number through #line. An include that is not
 * embedded stays as it is. Memory that runs out sets out->failed. */
void source_expand(const char *name, const char *source, size_t bytes, struct text *out);

#endif
