/* SPDX-License-Identifier: Apache-2.0 */
/* weights.h: what the other floors need of plugcl_weights beyond <plugcl/weights.h>. */
#ifndef PLUGCL_BASE_WEIGHTS_H
#define PLUGCL_BASE_WEIGHTS_H

#include <plugcl/weights.h>

#include "base/file.h"

/* Another reference; dropped with plugcl_weights_destroy. */
plugcl_weights *weights_take(plugcl_weights *weights);

/* A number that no other object of the process has, not even one that has gone: see unique_number. */
uint64_t weights_number(const plugcl_weights *weights);

/* For io/: lends an entry whose data stays where it is (in the mapped file). The name is copied. */
plugcl_status weights_lend(plugcl_weights *weights, const char *name, plugcl_dtype dtype, const plugcl_shape *shape,
                           const void *data, size_t bytes);
/* The map is closed with the object. */
void weights_keep_map(plugcl_weights *weights, struct file_map map);
/* For io/: an entry whose data was allocated with memory_aligned and goes over to the object; on failure the caller keeps it. */
plugcl_status weights_give(plugcl_weights *weights, const char *name, plugcl_dtype dtype, const plugcl_shape *shape, void *data,
                           size_t bytes);
/* For io/: remembers a tensor that is in the file but is of a kind that plugcl does not read, so that only a use of it fails.
 * `why` follows the name in the message: "has type U8; F32 … are read". */
plugcl_status weights_note_unread(plugcl_weights *weights, const char *name, const char *why);

/* Whether a tensor's name begins with the prefix, as it is written or without wrappers; whether any tensor's does. */
bool weights_is_below(const char *name, const char *prefix);
bool weights_any_below(const plugcl_weights *weights, const char *prefix);

/* The failure of a search for `name`: UNSUPPORTED for a tensor that is there but is not read, else NOT_FOUND. */
plugcl_status weights_fail_missing(const plugcl_weights *weights, const char *name);

#endif
