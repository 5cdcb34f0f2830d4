/* SPDX-License-Identifier: MIT */
#include "run/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES 16384u
#define ENDING_MAX  8u

struct birth {
    const char *path;
    char *const *argv;
    char *const *environment;
    int fd;
    volatile int error; /* of the child, which shares our memory until it execs */
};

/* From before Linux 5.9: ours are close-on-exec, and the helper closes what it finds. */
static void close_from(unsigned first)
{
#ifdef SYS_close_range
    (void)syscall(SYS_close_range, first, ~0u, 0u);
#else
    (void)first;
#endif
}

static int begin(void *context)
{
    struct birth *birth = context;
    bool is_placed = birth->fd == STDIN_FILENO ? fcntl(birth->fd, F_SETFD, 0) == 0
                                               : dup2(birth->fd, STDIN_FILENO) == STDIN_FILENO;
    if (is_placed) {
        close_from(STDIN_FILENO + 1);
        (void)execve(birth->path, birth->argv, birth->environment);
    }
    birth->error = errno;
    _exit(127);
}

/*
 * As vfork(), on a stack of its own: what we have mapped is neither copied nor touched. Every signal stays
 * blocked, so that no handler runs in memory that is not its own; the helper clears its mask.
 */
static pid_t clone_and_exec(struct birth *birth)
{
    _Alignas(16) static __thread char stack[STACK_BYTES];
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = clone(begin, stack + sizeof stack, CLONE_VM | CLONE_VFORK, birth);
    int error = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid < 0 ? -error : pid;
}

int eco_helper_start_with(const char *path, char *const *argv, char *const *environment, int *ret_fd,
                          pid_t *ret_pid)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return -errno;
    struct birth birth = {.path = path, .argv = argv, .environment = environment, .fd = ends[1]};
    pid_t pid = clone_and_exec(&birth);
    (void)close(ends[1]);
    int r = pid < 0 ? (int)pid : -birth.error;
    if (r < 0) {
        if (pid > 0)
            (void)waitpid(pid, NULL, __WALL);
        (void)close(ends[0]);
        return r;
    }
    *ret_fd = ends[0];
    *ret_pid = pid;
    return 0;
}

int eco_helper_start(const char *path, int *ret_fd, pid_t *ret_pid)
{
    static char name[] = "ecocode-priv";
    char *const argv[] = {name, NULL};
    char *const environment[] = {NULL};
    return eco_helper_start_with(path, argv, environment, ret_fd, ret_pid);
}

/* Ended, not yet reaped. More at a time than there is room for are left to whoever inherits them. */
static _Atomic pid_t ending[ENDING_MAX];

static bool is_reaped(pid_t pid)
{
    return waitpid(pid, NULL, WNOHANG | __WALL) != 0;
}

void eco_helper_reap(pid_t *pid)
{
    if (*pid > 0 && is_reaped(*pid))
        *pid = 0;
}

static void remember(pid_t pid)
{
    for (size_t i = 0; i < ENDING_MAX && !is_reaped(pid); i++) {
        pid_t none = 0, old = atomic_load(&ending[i]);
        if (old > 0 && is_reaped(old))
            (void)atomic_compare_exchange_strong(&ending[i], &old, 0);
        if (atomic_compare_exchange_strong(&ending[i], &none, pid))
            return;
    }
}

void eco_helper_leave(int *fd, pid_t *pid)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
    if (*pid > 0)
        remember(*pid);
    *pid = 0;
}

void eco_helper_end(int *fd, pid_t *pid)
{
    if (*pid > 0)
        (void)kill(*pid, SIGKILL);
    eco_helper_leave(fd, pid);
}

static void await(pid_t pid, unsigned timeout_ms)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0u);
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    (void)poll(&waiting, fd >= 0, fd >= 0 ? (int)timeout_ms : 1);
    if (fd >= 0)
        (void)close(fd);
    (void)is_reaped(pid);
}

void eco_helper_await_all(unsigned timeout_ms)
{
    for (size_t i = 0; i < ENDING_MAX; i++) {
        pid_t pid = atomic_exchange(&ending[i], 0);
        if (pid > 0 && !is_reaped(pid))
            await(pid, timeout_ms);
    }
}
