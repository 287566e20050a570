/* SPDX-License-Identifier: Apache-2.0 */
/* product.h: a matrix product by a library, as a launch of a schedule that is not a kernel's. */
#ifndef PLUGCL_OPS_PRODUCT_H
#define PLUGCL_OPS_PRODUCT_H

#include "device/clblast.h"
#include "ops/matmul.h"

#define PRODUCT_MAX_IMAGES 256 /* each is a launch */

struct product {
    struct sgemm sgemm;
    struct sgemm_operand operands[3]; /* a, b, y: set by the schedule */
    const struct buffer *scratch;
};

/* The product of one image of `matmul` (its batch's index 0) as the library wants it; *swapped: it computes the transposed
 * product, of b and a. False where strides or sizes do not allow it. */
bool product_of(const struct matmul *matmul, struct sgemm *sgemm, bool *swapped);

/* For the rows of operators that are, or are made of, matrix products. */
bool product_can_run(const struct device_caps *caps, const struct operator_call *call, const struct matmul *matmul);
/* Axes 1 and 2 of an operand of rank 3 lie as a matrix of the library does. */
bool product_fits(const struct operand *operand);
/* `work`: the multiplications of one image. */
bool product_is_preferred(const struct device_caps *caps, const struct operator_call *call, double work);
/* A launch for each image; `beta` is 0, or 1 to add to what y holds. */
plugcl_status product_plan(struct schedule *schedule, const struct matmul *matmul, float beta);

/* An argument as the schedule numbers them: buffers have even numbers, a, b, y and scratch. */
void product_set_buffer(struct product *product, uint32_t index, const struct buffer *buffer, size_t offset);
plugcl_status product_enqueue(const struct product *product, struct queue *queue, plugcl_event **event);
plugcl_status product_warm_up(const struct product *product, struct queue *queue);
/* The library compiles nothing more for one after the other. */
bool product_is_alike(const struct product *a, const struct product *b);

#endif
