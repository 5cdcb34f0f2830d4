/* SPDX-License-Identifier: MIT */
/* The feed (procs/feed.h) over what the loader handed over. By mmap only: no privilege, no system call of
 * bpf(). */
#pragma once

#include "base/macros.h"
#include "procs/bpf/fds.h"
#include "procs/feed.h"

/**
 * @param fds  become the feed's, also on failure: all are -1 after it
 * @return 0, -EINVAL when they are not what the loader of this version makes, -ENOMEM, or what mmap said
 */
int eco_bpf_feed_open(struct eco_bpf_fds *fds, struct eco_feed **ret, struct eco_why *why) ECO_MUST_CHECK;

/**
 * Ask the kernel to let go of ended processes now (their END comes then) and wait for it.
 *
 * @return 0 or what membarrier() said; takes some milliseconds up to some ten
 */
int eco_bpf_feed_hurry(void);
