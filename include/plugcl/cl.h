/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cl.h: sharing OpenCL objects with an application. The only public header that includes CL/cl.h; plugcl.h leaves it out.
 *
 * Adopted objects are retained while plugcl uses them and released afterwards; the caller keeps its own references.
 */
#ifndef PLUGCL_CL_H
#define PLUGCL_CL_H

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#if defined(__APPLE__)
#include <OpenCL/cl.h>
#else
#include <CL/cl.h>
#endif

#include <plugcl/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A context on an application's cl_context and one of its devices. `params->device` is ignored. With `queue` (may be NULL) every
 * plan enqueues there; an out-of-order queue is bridged by events to an in-order queue of plugcl's.
 * Errors: INVALID (the device is not of the context), UNSUPPORTED (the device cannot be used; the message says why), DEVICE.
 * Thread-safety: safe. */
PLUGCL_API plugcl_status plugcl_context_adopt(cl_context cl, cl_device_id device, cl_command_queue queue,
                                              const struct plugcl_context_params *params, plugcl_context **context);

/* Wraps a cl_mem of the context: a dense tensor of `params` that begins `byte_offset` bytes in (a multiple of the element size).
 * params->memory is ignored. Errors: INVALID (too small, wrong context). Thread-safety: safe. */
PLUGCL_API plugcl_status plugcl_tensor_wrap_cl_mem(plugcl_context *context, cl_mem memory, size_t byte_offset,
                                                   const struct plugcl_tensor_params *params, plugcl_tensor **tensor);

/* The tensor's buffer and where it begins; not retained for the caller. NULL for host tensors. Thread-safety: safe. */
PLUGCL_API cl_mem plugcl_tensor_cl_mem(const plugcl_tensor *tensor, size_t *byte_offset);

/* An event of the application's, retained, for plugcl_plan_run_after. Errors: INVALID, NO_MEMORY. Thread-safety: safe. */
PLUGCL_API plugcl_status plugcl_event_adopt(plugcl_context *context, cl_event cl, plugcl_event **event);
/* The OpenCL event, not retained for the caller. Thread-safety: safe. */
PLUGCL_API cl_event plugcl_event_cl(const plugcl_event *event);

#ifdef __cplusplus
}
#endif
#endif
