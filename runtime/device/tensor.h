/* SPDX-License-Identifier: Apache-2.0 */
/* tensor.h: what plans need of a plugcl_tensor. */
#ifndef PLUGCL_DEVICE_TENSOR_H
#define PLUGCL_DEVICE_TENSOR_H

#include <stdbool.h>

#include <plugcl/tensor.h>

#include "device/buffer.h"

plugcl_tensor *tensor_take(plugcl_tensor *tensor);
/* Device memory: the buffer (not taken) and the byte where the tensor begins; NULL for host tensors. */
struct buffer *tensor_buffer(const plugcl_tensor *tensor, size_t *byte_offset);
void *tensor_host(const plugcl_tensor *tensor); /* NULL unless it is a host tensor */
bool tensor_is_mapped(const plugcl_tensor *tensor);
const plugcl_context *tensor_context(const plugcl_tensor *tensor); /* NULL for host tensors */

#endif
