/* SPDX-License-Identifier: MIT */
/* Why the kernel programs could not be loaded, in words. */
#pragma once

#include "base/macros.h"
#include "base/why.h"

#include <stdbool.h>

/** "6.1.0-18-amd64": 6 and 1. */
bool eco_bpf_kernel_version(const char *release, unsigned *major, unsigned *minor);

/** -ENOTSUP when the kernel is older than what the programs were made for. */
int eco_bpf_check_kernel(struct eco_why *why) ECO_MUST_CHECK;

/** @param step  "load", "attach" ...  @param error  negative errno that it came back with */
void eco_bpf_say_why(const char *step, int error, struct eco_why *why);
