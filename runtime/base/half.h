/* SPDX-License-Identifier: Apache-2.0 */
/* half.h: IEEE half and bfloat16 to float and back, and any stored element as a float. */
#ifndef PLUGCL_BASE_HALF_H
#define PLUGCL_BASE_HALF_H

#include <stddef.h>
#include <stdint.h>

#include <plugcl/tensor.h>

float half_to_float(uint16_t half);
uint16_t float_to_half(float value); /* round to nearest even; overflow gives infinity */
float bfloat16_to_float(uint16_t bits);

/* Converts `count` elements of unaligned data of any dtype to float. */
void elements_to_float(plugcl_dtype dtype, const void *data, size_t count, float *out);
/* The same of I32, I64 (which must fit) and BOOL (0 or 1) to int32_t; `out` is unaligned too. */
void elements_to_int(plugcl_dtype dtype, const void *data, size_t count, void *out);

#endif
