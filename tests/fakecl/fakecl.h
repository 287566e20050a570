/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fakecl.h: a table of OpenCL functions without a driver. It has one platform with one device, counts living objects, and can make
 * the n-th call fail. Kernels do nothing (outputs stay as they were), but for the probe, which a context wants right. Buffers are
 * host memory; commands are done when they are enqueued. Not for several threads.
 */
#ifndef PLUGCL_TEST_FAKECL_H
#define PLUGCL_TEST_FAKECL_H

#include <stdbool.h>

#include "device/opencl.h"

const struct opencl_api *fakecl_api(void);

/* The device is a CPU with vectors of 8 floats, or a GPU. */
void fakecl_use_gpu(bool gpu);
/* The platform has the name of one whose kernels work in a caller's memory (device/quirks.c). */
void fakecl_use_host(bool in_place);

/* Starts counting calls at 0; the n-th call from now (1 is the next one) fails with the error of fakecl_error, all others work.
 * 0: none fails. Retain and release calls neither count nor fail. */
void fakecl_fail_at(long n);
void fakecl_error(cl_int error); /* CL_OUT_OF_RESOURCES at first */
/* Calls since the last fakecl_fail_at. */
long fakecl_calls(void);
/* The name of the function that was made to fail, NULL when none was yet. */
const char *fakecl_failed_call(void);

/* Objects that were made and not released; bytes of buffers among them. */
long fakecl_live_objects(void);
size_t fakecl_live_bytes(void);
/* Objects but events that were made since the last fakecl_fail_at. */
long fakecl_made(void);
/* Kernel launches since the last fakecl_fail_at. */
long fakecl_launches(void);

#endif
