/* SPDX-License-Identifier: MIT */
/*
 * The whole job at once, for whoever has to end it. It shares its process group with us and with whoever
 * started us, so it is no group that could be signalled: its processes are, one by one.
 */
#include "run/run_internal.h"

#include "base/parse.h"
#include "platform/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GROUP_DEPTH_MAX 8
#define TREE_DEPTH_MAX  256 /* a deeper chain of children is not followed any further */

struct signalling {
    const struct eco_run *run;
    int signo;
    unsigned count, depth;
};

/* 0 would be our own process group, and in a list it stands for who is in a namespace that we cannot see. */
static void signal_one(struct signalling *self, pid_t pid)
{
    if (pid <= 1 || pid == getpid() || pid == self->run->own_pid)
        return;
    if (kill(pid, self->signo) == 0)
        self->count++;
}

static void signal_members(struct signalling *self, int group_fd)
{
    int fd = openat(group_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    char line[32];
    uint64_t pid;
    if (!file) {
        if (fd >= 0)
            (void)close(fd);
        return;
    }
    while (fgets(line, sizeof line, file))
        if (eco_parse_u64(line, &pid) == 0 && pid <= INT32_MAX)
            signal_one(self, (pid_t)pid);
    (void)fclose(file);
}

/* Runs inside the job have groups of their own below. `group_fd` is taken. */
static void signal_group(struct signalling *self, int group_fd)
{
    signal_members(self, group_fd);
    DIR *dir = fdopendir(group_fd);
    if (!dir) {
        (void)close(group_fd);
        return;
    }
    for (const struct dirent *entry = readdir(dir); entry && self->depth > 0; entry = readdir(dir)) {
        if (entry->d_name[0] == '.' || entry->d_type != DT_DIR)
            continue;
        int inner = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        self->depth--;
        if (inner >= 0)
            signal_group(self, inner);
        self->depth++;
    }
    (void)closedir(dir);
}

/* Parents first: what they start between the list and the signal is for the next call. */
static int signal_tree(void *context, pid_t pid)
{
    struct signalling *self = context;
    if (pid == self->run->own_pid || eco_run_is_stranger(self->run, pid) || self->depth == 0)
        return 0;
    signal_one(self, pid);
    self->depth--;
    (void)!eco_process_children_of(pid, signal_tree, self);
    self->depth++;
    return 0;
}

unsigned eco_run_signal_job(const struct eco_run *run, int signo)
{
    struct signalling self = {.run = run, .signo = signo, .depth = GROUP_DEPTH_MAX};
    int fd = run->group_fd >= 0 ? openat(run->group_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        signal_group(&self, fd);
        return self.count;
    }
    self.depth = TREE_DEPTH_MAX;
    /* We are a subreaper: the command and every orphan of it are children of ours. */
    if (eco_process_children(signal_tree, &self) < 0 && !run->has_ended)
        signal_one(&self, run->pid);
    return self.count;
}
