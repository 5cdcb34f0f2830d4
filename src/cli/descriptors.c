/* SPDX-License-Identifier: MIT */
/* What the measurer holds of our caller's. */
#include "cli/measurer.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_descriptor(const char *output)
{
    return strcmp(output, "-") == 0 || strncmp(output, "/dev/", 5) == 0 || strstr(output, "/fd/");
}

bool eco_measurer_wants_descriptors(const struct eco_settings *settings)
{
    const char *format = settings->json || settings->outputs.count > 0 ? NULL : settings->format;
    bool wants = format && (strcmp(format, "csv") == 0 || strcmp(format, "jsonl") == 0);
    for (unsigned i = 0; i < settings->outputs.count && !wants; i++)
        wants = is_descriptor(settings->outputs.items[i]);
    return wants;
}

/* Before Linux 5.9 they stay open. */
static void close_between(unsigned first, unsigned last)
{
#ifdef SYS_close_range
    if (first <= last)
        (void)syscall(SYS_close_range, first, last, 0u);
#else
    (void)first;
    (void)last;
#endif
}

void eco_measurer_close_others(const struct eco_measurer *self)
{
    int a = self->link, b = eco_run_cgroup_fd(self->run);
    unsigned low = (unsigned)(b >= 0 && b < a ? b : a), high = (unsigned)(b > a ? b : a);
    close_between(3, low - 1);
    close_between(low + 1, high - 1);
    close_between(high + 1, ~0u);
}

void eco_measurer_leave_standard(const struct eco_measurer *self)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd >= 0) {
        (void)dup2(fd, STDIN_FILENO);
        (void)dup2(fd, STDOUT_FILENO);
        (void)close(fd);
    }
    (void)dup2(self->link, STDERR_FILENO);
}
