/* SPDX-License-Identifier: Apache-2.0 */
/* channel_pools.h: the bits of enum plugcl_gate_pool, for the kernels of the channel gate. */
#ifndef PLUGCL_CHANNEL_POOLS_H
#define PLUGCL_CHANNEL_POOLS_H

#define AVERAGE 1
#define MAXIMUM 2
#define LP 4
#define LSE 8

#endif
