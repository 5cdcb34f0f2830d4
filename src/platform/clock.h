/* SPDX-License-Identifier: MIT */
/* Clocks. A test replaces them by a struct of its own. All in nanoseconds. */
#pragma once

#include "base/macros.h"

#include <stdint.h>
#include <sys/types.h>

struct eco_clock {
    uint64_t (*mono_ns)(const struct eco_clock *clock); /* CLOCK_MONOTONIC: stands still in suspend */
    uint64_t (*boot_ns)(const struct eco_clock *clock); /* CLOCK_BOOTTIME: goes on in suspend */
    int64_t (*real_ns)(const struct eco_clock *clock);  /* CLOCK_REALTIME: may jump; for people only */
    /* CPU time of a whole process, its ended threads included. -ESRCH = gone, -ENOTSUP = not to be had */
    int (*process_cpu_ns)(const struct eco_clock *clock, pid_t pid, uint64_t *ret);
    void *context;
};

extern const struct eco_clock eco_clock_system;

/** CPU time of the calling thread and process so far. */
uint64_t eco_clock_self_cpu_ns(void);
/** Peak resident set of the calling process, 0 unknown. */
uint64_t eco_clock_self_max_rss_bytes(void);
