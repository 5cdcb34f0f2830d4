/* SPDX-License-Identifier: MIT */
#include "platform/perf.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_counter(const struct eco_perf *perf, uint32_t type, uint64_t config, int cpu)
{
    (void)perf;
    struct perf_event_attr attr = {
        .type = type,
        .size = sizeof(attr),
        .config = config,
        .read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
    };
    long fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
    return fd < 0 ? -errno : (int)fd;
}

static int read_counter(const struct eco_perf *perf, int fd, uint64_t ret[3])
{
    (void)perf;
    uint64_t values[3];
    ssize_t length;
    do
        length = read(fd, values, sizeof(values));
    while (length < 0 && errno == EINTR);
    if (length < 0)
        return -errno;
    /* 0 bytes: the event is in the error state, as when its CPU went away. */
    if (length != (ssize_t)sizeof(values))
        return -EIO;
    for (int i = 0; i < 3; i++)
        ret[i] = values[i];
    return 0;
}

static void close_counter(const struct eco_perf *perf, int fd)
{
    (void)perf;
    if (fd >= 0)
        (void)close(fd);
}

const struct eco_perf eco_perf_system = {
    .open = open_counter,
    .read = read_counter,
    .close = close_counter,
};
