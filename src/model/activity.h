/* SPDX-License-Identifier: MIT */
/* How busy the machine's CPUs were. Plain data, cumulative since an arbitrary start. */
#pragma once

#include <stdint.h>

struct eco_cpu_busy {
    uint64_t busy_ns;  /* cumulative; from tick-free sources where there are any */
    uint32_t freq_khz; /* present frequency, 0 unknown */
};

struct eco_activity {
    uint64_t time_ns; /* MONOTONIC, when it was read */
    uint64_t busy_ns; /* cumulative busy time of the machine, the best source there is */
    uint32_t cpu_count;
    const struct eco_cpu_busy *cpus; /* borrowed from the reader; valid until its next read */
    uint64_t grain_ns;               /* resolution of busy_ns: 1 for cpuacct, 10 ms for /proc/stat */
};
