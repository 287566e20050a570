/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h: where the library's remarks go. The library never prints: without a log it is silent.
 */
#ifndef PLUGCL_LOG_H
#define PLUGCL_LOG_H

#include <plugcl/version.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum plugcl_log_level {
    PLUGCL_LOG_ERROR = 0, /* a failure of a context, graph, plan or run; the text is in plugcl_error_message() too */
    PLUGCL_LOG_WARNING,   /* something works, but not as asked, for example no disk cache */
    PLUGCL_LOG_NOTE,      /* a choice made for the caller: the flavour taken, a default that weights cannot tell */
    PLUGCL_LOG_DEBUG      /* programs compiled or loaded, variants taken, devices skipped */
} plugcl_log_level;

/* Receives one line without its newline (a build log has several). May be called from any thread that calls into plugcl, and, for
 * adopted OpenCL contexts, from a thread of the driver; it must not call plugcl. `message` is valid during the call only. `user`
 * must live until the object that the log was given to, and all that was made from it, are destroyed: plans that outlive their
 * context's handle still have something to say. */
typedef void (*plugcl_log_callback)(void *user, plugcl_log_level level, const char *message);

#ifdef __cplusplus
}
#endif
#endif
