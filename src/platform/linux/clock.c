/* SPDX-License-Identifier: MIT */
#include "platform/clock.h"

#include "base/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* No pid is as large (PID_MAX_LIMIT is 1 << 22). */
#define PID_END (1 << 28)

static uint64_t to_ns(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * ECO_NS_PER_S + (uint64_t)time->tv_nsec;
}

static uint64_t read_clock(clockid_t id)
{
    struct timespec now = {0};
    (void)clock_gettime(id, &now);
    return to_ns(&now);
}

static uint64_t mono_ns(const struct eco_clock *clock)
{
    (void)clock;
    return read_clock(CLOCK_MONOTONIC);
}

static uint64_t boot_ns(const struct eco_clock *clock)
{
    (void)clock;
    return read_clock(CLOCK_BOOTTIME);
}

static int64_t real_ns(const struct eco_clock *clock)
{
    (void)clock;
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * (int64_t)ECO_NS_PER_S + now.tv_nsec;
}

/*
 * CPUCLOCK_SCHED of a whole process: the kernel's own encoding, which clock_getcpuclockid() makes
 * as well (include/linux/posix-timers.h). Needs no permission, and no file is opened. The clock of
 * pid 0 would be our own, and so would that of a pid whose upper bits the encoding loses.
 */
static int process_cpu_ns(const struct eco_clock *clock, pid_t pid, uint64_t *ret)
{
    (void)clock;
    if (pid <= 0 || pid >= PID_END)
        return -ESRCH;
    struct timespec used;
    clockid_t id = (clockid_t)(~(unsigned)pid << 3 | 2u);
    if (clock_gettime(id, &used) < 0)
        return errno == EINVAL ? -ESRCH : -errno;
    *ret = to_ns(&used);
    return 0;
}

const struct eco_clock eco_clock_system = {
    .mono_ns = mono_ns,
    .boot_ns = boot_ns,
    .real_ns = real_ns,
    .process_cpu_ns = process_cpu_ns,
};

uint64_t eco_clock_self_cpu_ns(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

/*
 * VmHWM belongs to the program that runs now. ru_maxrss survives exec, so that it would show the
 * size of a large program (python, make) that started us (kernel/sys.c, fs/exec.c setmax_mm_hiwater_rss).
 */
static uint64_t max_rss_of_status(void)
{
    char text[4096];
    uint64_t kib;
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t length = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    if (length <= 0)
        return 0;
    text[length] = '\0';
    const char *line = strstr(text, "\nVmHWM:");
    if (!line)
        return 0;
    line += strlen("\nVmHWM:");
    return eco_scan_u64(&line, &kib) == 0 ? kib * 1024 : 0;
}

uint64_t eco_clock_self_max_rss_bytes(void)
{
    uint64_t bytes = max_rss_of_status();
    struct rusage usage;
    if (bytes == 0 && getrusage(RUSAGE_SELF, &usage) == 0 && usage.ru_maxrss > 0)
        bytes = (uint64_t)usage.ru_maxrss * 1024;
    return bytes;
}
