/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.h: what went wrong, as a status and as a sentence.
 *
 * Every fallible call returns a plugcl_status. The sentence that goes with the last failure on the calling thread is
 * plugcl_error_message(); it names what was wrong and what would be right. Read it right after the failure: a call that succeeds
 * after one of several ways failed, such as the first device of a list, may leave a text too.
 */
#ifndef PLUGCL_STATUS_H
#define PLUGCL_STATUS_H

#include <plugcl/version.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum plugcl_status {
    PLUGCL_OK = 0,
    PLUGCL_INVALID,     /* the caller's fault: a bad argument, shape, option or name */
    PLUGCL_UNSUPPORTED, /* a sensible request that this device or this version of plugcl cannot serve */
    PLUGCL_NO_MEMORY,   /* host or device memory ran out */
    PLUGCL_DEVICE,      /* the OpenCL driver reported a failure, or the device was lost */
    PLUGCL_BUILD,       /* a kernel did not compile; the message holds the build log */
    PLUGCL_IO,          /* a file could not be opened, read or written */
    PLUGCL_FORMAT,      /* a file or blob is not what it says it is */
    PLUGCL_STATE,       /* the call does not fit the state of the object, for example reading a run that failed */
    PLUGCL_NOT_FOUND,   /* no such device, tensor, plug-in, option or output */
    PLUGCL_CANCELLED,   /* the progress callback asked to stop */
    PLUGCL_TIMEOUT      /* a wait ended before the work did; the work goes on */
} plugcl_status;

/* The status in one word, "no memory" for PLUGCL_NO_MEMORY; static storage, never NULL.
 * Thread-safety: safe. */
PLUGCL_API const char *plugcl_status_name(plugcl_status status);

/* One line (a build log excepted) about the last call that failed on this thread; "" when none did.
 * The text stays valid until the next failing call on the same thread.
 * Thread-safety: safe; each thread has its own message. */
PLUGCL_API const char *plugcl_error_message(void);

#ifdef __cplusplus
}
#endif
#endif
