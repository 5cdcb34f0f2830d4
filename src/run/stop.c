/* SPDX-License-Identifier: MIT */
/*
 * Job control. A command that stops, stops us, so that the shell sees its job stopped. The shell's SIGCONT
 * goes to the group, hence to both; one that is sent to us alone is passed on. Whoever stopped the command
 * alone may wake it alone: we would sleep on beside it for ever. So a small process of ours looks, while we
 * are stopped, whether the command still is, and wakes us when it is not.
 */
#include "run/run_internal.h"

#include "platform/process.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GUARD_LOOK_NS    (25 * ECO_NS_PER_MS)
#define CONTINUE_LOOKS   5
#define CONTINUE_LOOK_NS ECO_NS_PER_MS

static void sleep_ns(uint64_t ns)
{
    struct timespec span = {.tv_sec = (time_t)(ns / ECO_NS_PER_S), .tv_nsec = (long)(ns % ECO_NS_PER_S)};
    (void)nanosleep(&span, NULL);
}

/* It repeats the SIGCONT: a first one may come before we have stopped, and is lost then. */
static _Noreturn void be_guard(pid_t command, pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0ul, 0ul, 0ul);
    while (getppid() == parent) {
        sleep_ns(GUARD_LOOK_NS);
        if (eco_process_is_stopped(command) == 0) {
            (void)kill(parent, SIGCONT);
        }
    }
    _exit(0);
}

static pid_t start_guard(const struct eco_run *run)
{
    if (eco_process_is_stopped(run->pid) < 0) {
        return -1;
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        be_guard(run->pid, parent);
    }
    return pid;
}

static void end_guard(pid_t guard)
{
    if (guard <= 0) {
        return;
    }
    (void)kill(guard, SIGKILL);
    pid_t r;
    do {
        r = waitpid(guard, NULL, 0);
    } while (r < 0 && errno == EINTR);
}

/* Whether the command goes on or has ended. A stop takes the mark of an earlier continuation away. */
static bool is_going_on(const struct eco_run *run)
{
    siginfo_t info;
    info.si_pid = 0;
    int r = waitid(P_PID, (id_t)run->pid, &info, WCONTINUED | WEXITED | WNOHANG | WNOWAIT);
    return r != 0 || info.si_pid != 0;
}

static void stop_self(const struct eco_run *run, int signo)
{
    static const struct timespec at_once;
    sigset_t stops;
    siginfo_t info;
    (void)sigemptyset(&stops);
    (void)sigaddset(&stops, SIGTSTP);
    (void)sigaddset(&stops, SIGTTIN);
    (void)sigaddset(&stops, SIGTTOU);
    /* Our own copy of Ctrl-Z has done its work once we stop: left pending it would stop us a second time. */
    while (sigtimedwait(&stops, &info, &at_once) > 0) {
    }
    if (sigismember(&stops, signo) != 1 || sigismember(&run->found.ignored, signo) == 1) {
        (void)kill(getpid(), SIGSTOP);
        return;
    }
    sigset_t only;
    (void)sigemptyset(&only);
    (void)sigaddset(&only, signo);
    (void)kill(getpid(),
               signo); /* blocked: it strikes when let through, so the shell reads the right signal */
    (void)pthread_sigmask(SIG_UNBLOCK, &only, NULL);
    (void)pthread_sigmask(SIG_BLOCK, &only, NULL);
}

static void continue_command(const struct eco_run *run)
{
    for (int i = 0; i < CONTINUE_LOOKS; i++) {
        if (is_going_on(run)) {
            return;
        }
        sleep_ns(CONTINUE_LOOK_NS);
    }
    (void)kill(run->pid, SIGCONT);
}

void eco_run_stop_too(struct eco_run *run, int signo)
{
    if (getpid() == 1 || is_going_on(run)) {
        return; /* process 1 cannot be stopped from inside */
    }
    pid_t guard = start_guard(run);
    /* Without a guard only what a terminal's user can undo stops us. */
    if (guard > 0 || signo != SIGSTOP) {
        stop_self(run, signo);
        end_guard(guard);
        continue_command(run);
    }
    static const struct timespec at_once;
    sigset_t cont;
    siginfo_t info;
    (void)sigemptyset(&cont);
    (void)sigaddset(&cont, SIGCONT);
    while (sigtimedwait(&cont, &info, &at_once) > 0) {
    }
}
