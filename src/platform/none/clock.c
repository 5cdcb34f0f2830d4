/* SPDX-License-Identifier: MIT */
/* ISO C has one clock. It may jump, which is well enough where nothing is measured. */
#include "platform/clock.h"

#include <errno.h>
#include <time.h>

static int64_t real_ns(const struct eco_clock *clock)
{
    (void)clock;
    struct timespec now = {0};
    (void)timespec_get(&now, TIME_UTC);
    return (int64_t)now.tv_sec * (int64_t)ECO_NS_PER_S + now.tv_nsec;
}

static uint64_t elapsed_ns(const struct eco_clock *clock)
{
    int64_t now = real_ns(clock);
    return now > 0 ? (uint64_t)now : 0;
}

static int process_cpu_ns(const struct eco_clock *clock, pid_t pid, uint64_t *ret)
{
    (void)clock;
    (void)pid;
    (void)ret;
    return -ENOTSUP;
}

const struct eco_clock eco_clock_system = {
    .mono_ns = elapsed_ns,
    .boot_ns = elapsed_ns,
    .real_ns = real_ns,
    .process_cpu_ns = process_cpu_ns,
};

uint64_t eco_clock_self_cpu_ns(void)
{
    clock_t used = clock();
    return used > 0 ? (uint64_t)((double)used * ((double)ECO_NS_PER_S / (double)CLOCKS_PER_SEC)) : 0;
}

uint64_t eco_clock_self_max_rss_bytes(void)
{
    return 0;
}
