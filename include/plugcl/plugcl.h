/* SPDX-License-Identifier: Apache-2.0 */
/* plugcl.h: everything but <plugcl/cl.h>, which needs the OpenCL headers. */
#ifndef PLUGCL_PLUGCL_H
#define PLUGCL_PLUGCL_H

#include <plugcl/context.h>
#include <plugcl/device.h>
#include <plugcl/graph.h>
#include <plugcl/kernel.h>
#include <plugcl/log.h>
#include <plugcl/plan.h>
#include <plugcl/plugin.h>
#include <plugcl/status.h>
#include <plugcl/tensor.h>
#include <plugcl/version.h>
#include <plugcl/weights.h>

#endif
