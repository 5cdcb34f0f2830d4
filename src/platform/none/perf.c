/* SPDX-License-Identifier: MIT */
#include "platform/perf.h"

#include <errno.h>

static int open_counter(const struct eco_perf *perf, uint32_t type, uint64_t config, int cpu)
{
    (void)perf;
    (void)type;
    (void)config;
    (void)cpu;
    return -ENOTSUP;
}

static int read_counter(const struct eco_perf *perf, int fd, uint64_t ret[3])
{
    (void)perf;
    (void)fd;
    (void)ret;
    return -ENOTSUP;
}

static void close_counter(const struct eco_perf *perf, int fd)
{
    (void)perf;
    (void)fd;
}

const struct eco_perf eco_perf_system = {
    .open = open_counter,
    .read = read_counter,
    .close = close_counter,
};
