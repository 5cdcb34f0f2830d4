/* SPDX-License-Identifier: MIT */
#include "priv/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DESCRIPTORS_TRIED 65536

static bool has_option(int option, int wanted)
{
    int value = -1;
    socklen_t size = sizeof value;
    return getsockopt(STDIN_FILENO, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

/* A pair is made by one process, whose user the kernel remembers: it must be ours. */
static bool is_pair(void)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return has_option(SO_DOMAIN, AF_UNIX) && has_option(SO_TYPE, SOCK_SEQPACKET) &&
           has_option(SO_ACCEPTCONN, 0) &&
           getsockopt(STDIN_FILENO, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == getuid() &&
           peer.pid > 0;
}

/* Before Linux 5.9 one by one. */
static void close_others(void)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 1u, ~0u, 0u) == 0)
        return;
#endif
    for (int fd = 1; fd < DESCRIPTORS_TRIED; fd++)
        (void)close(fd);
}

/* So that nothing that is opened later is taken for a place to print to. */
static void plug(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO)
        fd = dup(fd);
    if (fd > STDERR_FILENO)
        (void)close(fd);
}

static void reset_signals(void)
{
    sigset_t none;
    for (int signo = 1; signo < NSIG; signo++)
        (void)signal(signo, signo == SIGPIPE ? SIG_IGN : SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0ul, 0ul, 0ul);
}

int eco_guard_begin(int argc, const char **ret_why)
{
    const struct rlimit no_core = {0, 0};
    environ = NULL;
    (void)prctl(PR_SET_DUMPABLE, 0ul, 0ul, 0ul, 0ul);
    if (getuid() != geteuid() || getgid() != getegid()) {
        *ret_why = "is not to be set-user-ID or set-group-ID";
        return -EPERM;
    }
    if (argc > 1 || !is_pair()) {
        *ret_why = "is started by ecocode, not by hand, and takes no arguments";
        return -EINVAL;
    }
    close_others();
    plug();
    (void)umask(S_IRWXG | S_IRWXO);
    (void)setrlimit(RLIMIT_CORE, &no_core);
    reset_signals();
    if (chdir("/") != 0)
        return -errno;
    return 0;
}

void eco_guard_end(void)
{
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1ul, 0ul, 0ul, 0ul);
}
