/* SPDX-License-Identifier: Apache-2.0 */
/* clblast.c: the only file with CLBlast's names. */
#include "device/clblast.h"

#include "device/private.h"

#if defined(PLUGCL_CLBLAST)

#include <clblast_c.h>

/* CLBlast fills a table of the process at its first call, whatever call that is, without a lock of its own. */
static mutex first_use = MUTEX_INITIALIZER;

bool clblast_serves(const plugcl_context *context)
{
    return context->api == opencl_api_linked();
}

static plugcl_status clblast_fail(const char *call, CLBlastStatusCode code)
{
    if (code == CLBlastOpenCLBuildProgramFailure)
        return fail(PLUGCL_BUILD, "%s: the device's compiler refuses CLBlast's kernels", call);
    if ((int)code > -1000) /* below are its own, above OpenCL's */
        return opencl_fail(call, (cl_int)code);
    return fail(PLUGCL_DEVICE, "%s failed with CLBlast's status %d", call, (int)code);
}

static CLBlastTranspose transpose_of(bool transposed)
{
    return transposed ? CLBlastTransposeYes : CLBlastTransposeNo;
}

plugcl_status clblast_scratch(plugcl_context *context, const struct sgemm *product, size_t *bytes)
{
    mutex_lock(&first_use);
    /* An operand that begins its buffer may need no copy, so that an offset asks for the most. */
    CLBlastStatusCode code = CLBlastSGemmTempBufferSize(
        CLBlastLayoutRowMajor, transpose_of(product->transpose_a), transpose_of(product->transpose_b), product->rows,
        product->columns, product->depth, 1, product->a_pitch, 1, product->b_pitch, 1, product->y_pitch, &context->transfers,
        bytes);
    mutex_unlock(&first_use);
    return code == CLBlastSuccess ? PLUGCL_OK : clblast_fail("CLBlastSGemmTempBufferSize", code);
}

plugcl_status clblast_enqueue(struct queue *queue, const struct sgemm *product, const struct sgemm_operand *a,
                              const struct sgemm_operand *b, const struct sgemm_operand *y, const struct buffer *scratch,
                              plugcl_event **event)
{
    cl_event cl = NULL;
    if (event != NULL)
        *event = NULL;
    CLBlastStatusCode code = CLBlastSgemmWithTempBuffer(
        CLBlastLayoutRowMajor, transpose_of(product->transpose_a), transpose_of(product->transpose_b), product->rows,
        product->columns, product->depth, 1.0f, a->buffer->cl, a->offset, product->a_pitch, b->buffer->cl, b->offset,
        product->b_pitch, product->beta, y->buffer->cl, y->offset, product->y_pitch, &queue->cl, event ? &cl : NULL,
        scratch ? scratch->cl : NULL);
    if (code != CLBlastSuccess)
        return clblast_fail("CLBlastSgemm", code);
    return event != NULL ? event_make(queue->context, cl, event) : PLUGCL_OK;
}

plugcl_status clblast_warm_up(struct queue *queue, const struct sgemm *product, const struct sgemm_operand *a,
                              const struct sgemm_operand *b, const struct sgemm_operand *y, const struct buffer *scratch)
{
    mutex_lock(&first_use);
    plugcl_status status = clblast_enqueue(queue, product, a, b, y, scratch, NULL);
    if (status == PLUGCL_OK)
        status = queue_finish(queue);
    mutex_unlock(&first_use);
    return status;
}

#else

bool clblast_serves(const plugcl_context *context)
{
    (void)context;
    return false;
}

static plugcl_status fail_absent(void)
{
    return fail(PLUGCL_UNSUPPORTED, "this build of plugcl has no CLBlast; meson's option clblast=enabled builds one that has");
}

plugcl_status clblast_scratch(plugcl_context *context, const struct sgemm *product, size_t *bytes)
{
    (void)context;
    (void)product;
    *bytes = 0;
    return fail_absent();
}

plugcl_status clblast_enqueue(struct queue *queue, const struct sgemm *product, const struct sgemm_operand *a,
                              const struct sgemm_operand *b, const struct sgemm_operand *y, const struct buffer *scratch,
                              plugcl_event **event)
{
    (void)queue;
    (void)product;
    (void)a;
    (void)b;
    (void)y;
    (void)scratch;
    if (event != NULL)
        *event = NULL;
    return fail_absent();
}

plugcl_status clblast_warm_up(struct queue *queue, const struct sgemm *product, const struct sgemm_operand *a,
                              const struct sgemm_operand *b, const struct sgemm_operand *y, const struct buffer *scratch)
{
    return clblast_enqueue(queue, product, a, b, y, scratch, NULL);
}

#endif
