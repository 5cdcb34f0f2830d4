/* SPDX-License-Identifier: MIT */
#include "run/run.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int eco_run_exit_status(int wait_status)
{
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

void eco_run_die_like(int wait_status)
{
    if (!WIFSIGNALED(wait_status)) {
        return;
    }
    int signo = WTERMSIG(wait_status);
    /* The command has left its core; ours would only overwrite it. A core that is piped to a program heeds no
     * limit. */
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) == 0) {
        limit.rlim_cur = 0;
        (void)setrlimit(RLIMIT_CORE, &limit);
    }
    (void)prctl(PR_SET_DUMPABLE, 0ul, 0ul, 0ul, 0ul);
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = SIG_DFL;
    (void)sigaction(signo, &action, NULL);
    sigset_t only;
    (void)sigemptyset(&only);
    (void)sigaddset(&only, signo);
    (void)kill(getpid(), signo);
    (void)pthread_sigmask(SIG_UNBLOCK, &only, NULL);
}
