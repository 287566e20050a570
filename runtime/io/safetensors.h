/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors.h: the safetensors format: a length, a JSON header, raw little-endian data. */
#ifndef PLUGCL_IO_SAFETENSORS_H
#define PLUGCL_IO_SAFETENSORS_H

#include "base/weights.h"

/* Adds every tensor of a whole file in memory to `weights`; their data stays in `bytes`. Errors do not name the file. */
plugcl_status safetensors_read(const uint8_t *bytes, size_t length, plugcl_weights *weights);

#endif
