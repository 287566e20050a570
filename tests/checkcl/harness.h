/* SPDX-License-Identifier: Apache-2.0 */
/* harness.h: what the files of the harness share. */
#ifndef PLUGCL_TESTS_CHECKCL_HARNESS_H
#define PLUGCL_TESTS_CHECKCL_HARNESS_H

#include "checkcl/checkcl.h"

struct checkcl {
    plugcl_context *context;
    struct queue *queue;
    const char *filter; /* NULL: every row */
    bool quick, list, bench;
    uint64_t seed;
    size_t rows, failed;
};

/* A tensor as it lies in device memory: an image of the whole buffer, guard bands and gaps included, and the logical elements. */
struct image {
    bool present;
    plugcl_dtype dtype;
    plugcl_shape shape;
    int64_t strides[PLUGCL_MAX_RANK];
    int64_t offset;   /* of element 0, in elements; odd */
    size_t count;     /* of the buffer, in elements */
    uint32_t *bits;   /* the buffer's content */
    int64_t elements;
    double *values;   /* dense, row-major: an input, or what the reference says */
    struct buffer *buffer;
    struct constant *constant;
};

/* Zero dimensions give an image of guard bands only. False when out of memory. */
bool image_lay_out(struct image *image, const plugcl_shape *shape, enum checkcl_layout layout);
void image_free(struct image *image);
/* Makes the values of an input, those given or random ones times `scale`, and puts them between guard bands of NaN. */
void image_fill(struct image *image, const struct checkcl_tensor *tensor, float scale, uint64_t *random);
/* A dense constant of the values. */
plugcl_status image_make_constant(struct image *image);
/* Every element and every gap becomes poison. */
void image_poison(struct image *image);
/* The elements of an image of the same shape. */
void image_take(struct image *image, const struct image *from);
plugcl_status image_upload(plugcl_context *context, struct image *image);
void image_operand(const struct image *image, struct operand *operand);

/* What is wrong with an output, in `text`; false if something is. `found` is the buffer's content after the run. */
bool image_compare(const struct image *image, const uint32_t *found, double budget, char *text, size_t text_size);

uint64_t random_seed(const char *name, uint64_t seed);

#endif
