/* SPDX-License-Identifier: MIT */
/* Performance counters of the operating system, opened for a CPU, counting only. Replaceable in tests. */
#pragma once

#include "base/macros.h"

#include <stdint.h>

struct eco_perf {
    /* A descriptor, or -EACCES, -ENOENT, -ENOTSUP ... */
    int (*open)(const struct eco_perf *perf, uint32_t type, uint64_t config, int cpu);
    /* value, time enabled, time running (ns). */
    int (*read)(const struct eco_perf *perf, int fd, uint64_t ret[3]);
    void (*close)(const struct eco_perf *perf, int fd);
    void *context;
};

extern const struct eco_perf eco_perf_system;
