/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fail_each.h: makes each OpenCL call and each allocation of some work fail in turn, and demands the right status and that nothing
 * stays behind.
 */
#ifndef PLUGCL_TEST_FAIL_EACH_H
#define PLUGCL_TEST_FAIL_EACH_H

#include <plugcl/context.h>

/* The work: makes a context of `params` on the fake device, uses it, and destroys everything. */
typedef plugcl_status (*driver)(const struct plugcl_context_params *params);

/* `silent`: any call may fail without a word. */
void fail_each_call(driver run, const struct plugcl_context_params *params, bool silent);
void fail_each_allocation(driver run, const struct plugcl_context_params *params);

#endif
