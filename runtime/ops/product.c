/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/product.h"

#define LEAST_WORK (64.0 * 64 * 64) /* of a product that is worth the library's calls */

/* How a matrix lies: rows of `pitch` elements, or, transposed, columns. A stride along an axis of one element does not matter. */
static bool find_pitch(int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride, bool *transposed, size_t *pitch)
{
    *transposed = !(column_stride == 1 || columns == 1);
    int64_t length = *transposed ? rows : columns, found = *transposed ? column_stride : row_stride;
    if (*transposed && row_stride != 1 && rows != 1)
        return false;
    if ((*transposed ? columns : rows) == 1)
        found = length;
    *pitch = (size_t)found;
    return found >= length;
}

/* y row by row. */
static bool fits(const struct matmul *matmul, struct sgemm *sgemm)
{
    bool transposed = false;
    *sgemm = (struct sgemm){ .rows = (size_t)matmul->rows, .columns = (size_t)matmul->columns, .depth = (size_t)matmul->depth };
    return find_pitch(matmul->rows, matmul->depth, matmul->a_row, matmul->a_depth, &sgemm->transpose_a, &sgemm->a_pitch) &&
           find_pitch(matmul->depth, matmul->columns, matmul->b_depth, matmul->b_column, &sgemm->transpose_b, &sgemm->b_pitch) &&
           find_pitch(matmul->rows, matmul->columns, matmul->y_row, matmul->y_column, &transposed, &sgemm->y_pitch) && !transposed;
}

bool product_of(const struct matmul *matmul, struct sgemm *sgemm, bool *swapped)
{
    struct matmul other = *matmul;
    other.rows = matmul->columns;
    other.columns = matmul->rows;
    other.a_row = matmul->b_column;
    other.a_depth = matmul->b_depth;
    other.b_depth = matmul->a_depth;
    other.b_column = matmul->a_row;
    other.y_row = matmul->y_column;
    other.y_column = matmul->y_row;
    *swapped = false;
    if (matmul->rows < 1 || matmul->columns < 1 || matmul->depth < 1)
        return false;
    return fits(matmul, sgemm) || (*swapped = fits(&other, sgemm));
}

bool product_can_run(const struct device_caps *caps, const struct operator_call *call, const struct matmul *matmul)
{
    struct sgemm sgemm;
    bool swapped;
    return caps->has_clblast && call->gemm != PLUGCL_GEMM_OWN && strided_elements(&matmul->batch) <= PRODUCT_MAX_IMAGES &&
           product_of(matmul, &sgemm, &swapped);
}

bool product_fits(const struct operand *operand)
{
    const int64_t *dims = operand->shape.dims, *strides = operand->strides;
    bool transposed;
    size_t pitch;
    return find_pitch(dims[1], dims[2], strides[1], strides[2], &transposed, &pitch);
}

bool product_is_preferred(const struct device_caps *caps, const struct operator_call *call, double work)
{
    return call->gemm == PLUGCL_GEMM_CLBLAST || (!caps->cpu_family && !caps->prefers_own_gemm && work >= LEAST_WORK);
}

/* An operand at index `image` of the batch. */
static struct operand operand_at(const struct operand *operand, const struct strided *batch, int which, int64_t image)
{
    struct operand at = *operand;
    for (uint32_t i = batch->rank; i-- > 0;) {
        at.offset += image % batch->sizes[i] * batch->strides[which][i];
        image /= batch->sizes[i];
    }
    return at;
}

plugcl_status product_plan(struct schedule *schedule, const struct matmul *matmul, float beta)
{
    struct sgemm sgemm;
    bool swapped;
    size_t scratch = 0; /* the same for each image */
    int64_t images = strided_elements(&matmul->batch);
    product_of(matmul, &sgemm, &swapped);
    sgemm.beta = beta;
    plugcl_status status = clblast_scratch(schedule_context(schedule), &sgemm, &scratch);
    if (status != PLUGCL_OK)
        return schedule_fail(schedule, status);
    for (int64_t image = 0; image < images; image++) {
        struct operand a = operand_at(matmul->a, &matmul->batch, 0, image), b = operand_at(matmul->b, &matmul->batch, 1, image);
        struct operand y = operand_at(matmul->y, &matmul->batch, 2, image);
        schedule_product(schedule, &sgemm, scratch, swapped ? &b : &a, swapped ? &a : &b, &y);
    }
    return schedule_status(schedule);
}

void product_set_buffer(struct product *product, uint32_t index, const struct buffer *buffer, size_t offset)
{
    if (index / 2 < 3)
        product->operands[index / 2] = (struct sgemm_operand){ buffer, offset };
    else
        product->scratch = buffer;
}

plugcl_status product_enqueue(const struct product *product, struct queue *queue, plugcl_event **event)
{
    const struct sgemm_operand *operands = product->operands;
    return clblast_enqueue(queue, &product->sgemm, &operands[0], &operands[1], &operands[2], product->scratch, event);
}

plugcl_status product_warm_up(const struct product *product, struct queue *queue)
{
    const struct sgemm_operand *operands = product->operands;
    return clblast_warm_up(queue, &product->sgemm, &operands[0], &operands[1], &operands[2], product->scratch);
}

bool product_is_alike(const struct product *a, const struct product *b)
{
    const struct sgemm *x = &a->sgemm, *y = &b->sgemm;
    return x->rows == y->rows && x->columns == y->columns && x->depth == y->depth && x->transpose_a == y->transpose_a &&
           x->transpose_b == y->transpose_b;
}
