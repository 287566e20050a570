/* SPDX-License-Identifier: Apache-2.0 */
/* user_kernel.h: the operator of plugcl_graph_kernel. */
#ifndef PLUGCL_OPS_USER_KERNEL_H
#define PLUGCL_OPS_USER_KERNEL_H

#include <plugcl/kernel.h>

#include "ops/operator.h"

/* A copy of a user's parameters, shared by the nodes of graphs and of plans' copies. */
struct user_kernel;
struct user_kernel_params {
    struct user_kernel *kernel;
};

/* `params` have been checked and have no default left but the shapes' and the range's. */
plugcl_status user_kernel_create(const struct plugcl_kernel_params *params, size_t n_inputs, struct user_kernel **kernel);
void user_kernel_drop(struct user_kernel **kernel);

/* By plugcl_layout, and by whether there is a definition. */
extern const struct operator_info operator_user_kernel[2][2];

#endif
