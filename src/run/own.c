/* SPDX-License-Identifier: MIT */
/*
 * A process of ours beside the command. It is cloned without an exit signal: wait4 then neither returns it
 * nor counts it as a child (wait(2): only with __WALL or __WCLONE), so that "no children left" still means
 * that the job has ended. Should it outlive us, its new parent is told by SIGCHLD as of any child
 * (kernel/exit.c, reparent_leader).
 */
#include "run/run_internal.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Flags 0, no new stack and no pointers: like fork(), whatever order an architecture takes them in. */
static pid_t fork_without_signal(void)
{
    long pid = syscall(SYS_clone, 0ul, 0ul, 0ul, 0ul, 0ul);
    return pid < 0 ? (pid_t)-errno : (pid_t)pid;
}

/* The command must see its pipe close when its parent goes, whatever becomes of us. */
static void let_go(struct eco_run *run)
{
    int *fds[] = {&run->release_fd, &run->error_fd, &run->own_group_fd};
    for (size_t i = 0; i < ECO_COUNT(fds); i++) {
        if (*fds[i] >= 0) {
            (void)close(*fds[i]);
        }
        *fds[i] = -1;
    }
}

pid_t eco_run_fork_own(struct eco_run *run)
{
    if (run->own_pid != 0) {
        return -EINVAL;
    }
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork_without_signal();
    if (pid == 0) {
        let_go(run);
        eco_run_plug_stdio();
        return 0;
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid > 0) {
        run->own_pid = pid;
    }
    return pid;
}

void eco_run_reap_own(struct eco_run *run)
{
    if (run->own_pid <= 0)
        return;
    while (waitpid(run->own_pid, NULL, __WALL) < 0 && errno == EINTR) {
    }
}

void eco_run_reap_own_later(struct eco_run *run)
{
    run->has_own_to_reap = true;
}
