/* SPDX-License-Identifier: Apache-2.0 */
/* npy.h: NumPy's .npy format, versions 1.0, 2.0 and 3.0, as far as plugcl reads it: arrays of floating-point numbers. */
#ifndef PLUGCL_IO_NPY_H
#define PLUGCL_IO_NPY_H

#include <stdbool.h>
#include <stdint.h>

#include <plugcl/tensor.h>

struct npy_header {
    plugcl_shape shape;
    size_t elements;
    size_t item_size;    /* 2, 4 or 8: a float of so many bytes */
    bool big_endian;
    bool fortran_order;  /* the first axis is innermost */
    size_t data_offset;
};

/* Reads and checks everything but the data, the length of which is checked too. Errors do not name the file. */
plugcl_status npy_read_header(const uint8_t *bytes, size_t length, struct npy_header *header);

/* Reads a whole file in memory as float32 in C order; *data has `elements` floats and is freed with memory_free. */
plugcl_status npy_read(const uint8_t *bytes, size_t length, plugcl_shape *shape, float **data);

#endif
