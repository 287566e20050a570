/* SPDX-License-Identifier: Apache-2.0 */
/* attention.c: the affinity of queries and keys times values. */
#include "ops/attention.h"

const struct operator_info operator_attention = {
    .name = "attention",
    .params_size = sizeof(struct plugcl_attention_params),
    .shape = attention_shape,
    .layout = OUTPUT_ROW_MAJOR,
    .expand = attention_expand,
};
