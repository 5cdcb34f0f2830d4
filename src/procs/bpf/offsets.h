/* SPDX-License-Identifier: MIT */
/* Where this kernel has what the programs read, from its BTF. */
#pragma once

#include "base/macros.h"
#include "base/why.h"
#include "procs/bpf/layout.h"

/** Fills the offsets and what differs between kernels. -ENOENT without BTF, -ENOTSUP when a member is
 * missing. */
int eco_bpf_offsets(struct eco_bpf_config *ret, struct eco_why *why) ECO_MUST_CHECK;
