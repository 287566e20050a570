/* SPDX-License-Identifier: Apache-2.0 */
/* probe.c: what the machine reaches through OpenCL: multiply-adds alone, and copying alone. */
#include <stdio.h>

#include "contender.h"
#include "device/kernel.h"
#include "device/queue.h"

static const char fma_source[] =
    "__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void probe(__global float *y, int rounds)\n"
    "{\n"
    "    float16 c[12];\n"
    "    for (int i = 0; i < 12; i++) c[i] = (float16)(i);\n"
    "    const float16 a = (float16)(1.0f + 1e-7f * get_group_id(0)), b = (float16)(1e-7f);\n"
    "    for (int r = 0; r < rounds; r++) {\n"
    "        _Pragma(\"unroll\") for (int i = 0; i < 12; i++) c[i] = fma(c[i], a, b);\n"
    "    }\n"
    "    float16 sum = c[0];\n"
    "    for (int i = 1; i < 12; i++) sum += c[i];\n"
    "    vstore16(sum, get_group_id(0), y);\n"
    "}\n";

/* Each group copies its own part of x to y `rounds` times; `vectors` are float16. */
static const char copy_source[] =
    "__attribute__((reqd_work_group_size(1, 1, 1))) __kernel void probe(__global float *y, int rounds, __global const float *x,\n"
    "                                                                   int vectors)\n"
    "{\n"
    "    const uint first = (uint)get_group_id(0) * (uint)vectors;\n"
    "    for (int r = 0; r < rounds; r++)\n"
    "        for (uint i = 0; i < (uint)vectors; i++)\n"
    "            vstore16(vload16(first + i, x) + (float16)(r), first + i, y);\n"
    "}\n";

/* Answers each line with `units` (operations or bytes) for each nanosecond of a launch. */
static void serve_kernel(struct queue *queue, struct kernel *kernel, int32_t groups, double units)
{
    const size_t global[3] = { (size_t)groups, 1, 1 }, local[3] = { 1, 1, 1 };
    struct round round;
    puts("{}");
    fflush(stdout);
    while (round_asked_for(&round)) {
        while (round_goes_on(&round)) {
            check(queue_launch(queue, kernel, 1, global, local, NULL));
            check(queue_finish(queue));
        }
        printf("%.3f\n", units / round_median(&round));
        fflush(stdout);
    }
}

void serve_fma(plugcl_context *context, int32_t threads)
{
    struct kernel *kernel = NULL;
    struct buffer *buffer = NULL;
    struct queue *queue = NULL;
    const int32_t rounds = 100000, groups = 32 * threads; /* some milliseconds, in parts that threads can share */
    check(kernel_create_from_source(context, "fma", fma_source, NULL, "probe", &kernel));
    check(buffer_create(context, (size_t)groups * 64, false, &buffer));
    check(queue_create(context, false, &queue));
    check(kernel_set_buffer(kernel, 0, buffer));
    check(kernel_set_value(kernel, 1, &rounds, sizeof rounds));
    serve_kernel(queue, kernel, groups, 2.0 * 16 * 12 * rounds * groups);
    queue_destroy(&queue);
    buffer_drop(&buffer);
    kernel_destroy(&kernel);
}

void serve_copy(plugcl_context *context, int32_t threads, int64_t bytes)
{
    struct kernel *kernel = NULL;
    struct buffer *from = NULL, *to = NULL;
    struct queue *queue = NULL;
    const int32_t vectors = (int32_t)(bytes / 128 / threads) > 0 ? (int32_t)(bytes / 128 / threads) : 1;
    const int64_t moved = (int64_t)vectors * 128 * threads; /* read and written in one round */
    const int32_t rounds = (int32_t)(1000000000 / moved) > 0 ? (int32_t)(1000000000 / moved) : 1;
    check(kernel_create_from_source(context, "copy", copy_source, NULL, "probe", &kernel));
    check(buffer_create(context, (size_t)moved / 2, false, &from));
    check(buffer_create(context, (size_t)moved / 2, false, &to));
    check(queue_create(context, false, &queue));
    check(kernel_set_buffer(kernel, 0, to));
    check(kernel_set_value(kernel, 1, &rounds, sizeof rounds));
    check(kernel_set_buffer(kernel, 2, from));
    check(kernel_set_value(kernel, 3, &vectors, sizeof vectors));
    serve_kernel(queue, kernel, threads, (double)moved * rounds);
    queue_destroy(&queue);
    buffer_drop(&from);
    buffer_drop(&to);
    kernel_destroy(&kernel);
}
