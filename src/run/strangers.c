/* SPDX-License-Identifier: MIT */
/*
 * Children that are not the job's. A shell script that ends in `exec ecocode run CMD` leaves us its
 * background jobs: they are reaped here, since nobody else will, but their use is never told.
 */
#include "run/run_internal.h"

#include "base/mem.h"
#include "platform/cgroup.h"
#include "platform/process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* More background jobs than that are not told apart one by one. */
#define STRANGERS_MAX 65536u

static int add_stranger(void *context, pid_t pid)
{
    struct eco_run *run = context;
    void *list = run->strangers;
    int r = eco_grow(&list, &run->stranger_capacity, run->stranger_count + 1, STRANGERS_MAX, sizeof(pid_t));
    if (r < 0) {
        return r;
    }
    run->strangers = list;
    run->strangers[run->stranger_count++] = pid;
    return 0;
}

int eco_run_find_strangers(struct eco_run *run)
{
    siginfo_t info;
    if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD) {
        return 0;
    }
    int r = eco_process_children(add_stranger, run);
    if (r == -ENOMEM) {
        return r;
    }
    run->has_unknown_strangers = r != 0;
    return 0;
}

bool eco_run_has_strangers(const struct eco_run *run)
{
    return run->stranger_count > 0 || run->has_unknown_strangers;
}

static size_t stranger_index(const struct eco_run *run, pid_t pid)
{
    size_t i = 0;
    while (i < run->stranger_count && run->strangers[i] != pid) {
        i++;
    }
    return i;
}

bool eco_run_is_stranger(const struct eco_run *run, pid_t pid)
{
    return stranger_index(run, pid) < run->stranger_count;
}

void eco_run_drop_stranger(struct eco_run *run, pid_t pid)
{
    size_t i = stranger_index(run, pid);
    if (i < run->stranger_count) {
        run->strangers[i] = run->strangers[--run->stranger_count];
    }
}

static bool is_in_group(const struct eco_run *run, pid_t pid)
{
    char path[ECO_RUN_PATH_MAX];
    if (run->group_fd < 0 || eco_cgroup_path(pid, path, sizeof(path)) < 0) {
        return false;
    }
    size_t length = strlen(run->group_path);
    return strncmp(path, run->group_path, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/*
 * Once there are strangers, an orphan that comes to us may be theirs. Only the cgroup can tell; without one
 * it is not told as the job's: unattributed is honest, a stranger's energy in the job's bill is not.
 */
bool eco_run_is_of_job(const struct eco_run *run, pid_t pid)
{
    if (pid == run->pid || !eco_run_has_strangers(run)) {
        return true;
    }
    return stranger_index(run, pid) == run->stranger_count && is_in_group(run, pid);
}

/* "populated 0\nfrozen 0\n" (kernel Documentation/admin-guide/cgroup-v2.rst). */
static bool is_group_empty(const struct eco_run *run)
{
    char text[256];
    int fd = openat(run->group_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return true; /* it was removed, which only works when it is empty */
    }
    ssize_t n = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    return strstr(text, "populated 1") == NULL;
}

static int stop_at_unknown(void *context, pid_t pid)
{
    const struct eco_run *run = context;
    return pid != run->own_pid && stranger_index(run, pid) == run->stranger_count ? 1 : 0;
}

bool eco_run_is_empty(const struct eco_run *run)
{
    if (run->no_children) {
        return true;
    }
    if (!eco_run_has_strangers(run)) {
        return false; /* subreaper: whatever is left of the job is, or will become, a child of ours */
    }
    if (run->group_fd >= 0) {
        return is_group_empty(run);
    }
    struct eco_run copy = *run;
    return eco_process_children(stop_at_unknown, &copy) == 0;
}
