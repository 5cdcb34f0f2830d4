/* SPDX-License-Identifier: MIT */
/*
 * Which signals are ours, which are the command's.
 *
 * We stay in the command's process group, so what the terminal sends (si_code SI_KERNEL) reaches the command
 * without us. What someone sends to our pid alone goes on to it. The kernel does not tell a receiver whether
 * a signal went to it or to its whole group; the one frequent sender of both is timeout(1), which signals us,
 * then the group it shares with us, then both again with SIGCONT. So a signal from a member of our own group
 * is held for 30 ms: when the sender's SIGCONT follows, the command has had it.
 */
#include "run/run_internal.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define HOLD_NS         (30 * ECO_NS_PER_MS)
#define GROUP_SENDER_NS (300 * ECO_NS_PER_MS)

static const int passed[] = {
    SIGHUP,  SIGINT,  SIGQUIT, SIGABRT, SIGUSR1,   SIGUSR2, SIGALRM, SIGTERM, SIGSTKFLT, SIGCONT,
    SIGTSTP, SIGTTIN, SIGTTOU, SIGURG,  SIGVTALRM, SIGPROF, SIGIO,   SIGPWR,  SIGXCPU,
};

static void fill_waited(sigset_t *set)
{
    (void)sigemptyset(set);
    for (size_t i = 0; i < ECO_COUNT(passed); i++) {
        (void)sigaddset(set, passed[i]);
    }
    for (int signo = SIGRTMIN; signo <= SIGRTMAX; signo++) {
        (void)sigaddset(set, signo);
    }
    (void)sigaddset(set, SIGCHLD);
    (void)sigaddset(set, SIGWINCH);
}

static void take_timers(struct eco_run *run)
{
    static const struct itimerval off;
    for (int i = 0; i < ECO_RUN_TIMERS; i++) {
        struct itimerval *timer = &run->found.timers[i];
        if (getitimer((__itimer_which_t)i, timer) != 0) {
            *timer = off;
        }
        if (timer->it_value.tv_sec != 0 || timer->it_value.tv_usec != 0) {
            run->found.has_timer = true;
            (void)setitimer((__itimer_which_t)i, &off, NULL);
        }
    }
}

static void set_timers(const struct eco_run *run)
{
    for (int i = 0; run->found.has_timer && i < ECO_RUN_TIMERS; i++) {
        (void)setitimer((__itimer_which_t)i, &run->found.timers[i], NULL);
    }
}

void eco_run_take_signals(struct eco_run *run)
{
    fill_waited(&run->waited);
    (void)sigprocmask(SIG_BLOCK, &run->waited, &run->found.mask);
    (void)sigemptyset(&run->found.ignored);
    static const int enders[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU};
    for (size_t i = 0; i < ECO_COUNT(enders); i++) {
        struct sigaction action;
        if (sigaction(enders[i], NULL, &action) == 0 && action.sa_handler == SIG_IGN) {
            (void)sigaddset(&run->found.ignored, enders[i]);
        }
    }
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = SIG_DFL;
    (void)sigaction(SIGCHLD, &action, &run->found.chld);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, &run->found.pipe);
    take_timers(run);
}

/* What came late was for a command that has ended: it must not change how we end. */
static void drain(const sigset_t *set)
{
    static const struct timespec at_once;
    siginfo_t info;
    while (sigtimedwait(set, &info, &at_once) > 0) {
    }
}

void eco_run_give_signals_back(struct eco_run *run)
{
    drain(&run->waited);
    (void)sigaction(SIGCHLD, &run->found.chld, NULL);
    (void)sigaction(SIGPIPE, &run->found.pipe, NULL);
    (void)sigprocmask(SIG_SETMASK, &run->found.mask, NULL);
}

void eco_run_restore_for_command(const struct eco_run *run)
{
    if (run->found.subreaper != 0) {
        (void)prctl(PR_SET_CHILD_SUBREAPER, 1ul, 0ul, 0ul, 0ul);
    }
    /* Only this one cannot be passed on by us when our own parent dies. */
    if (run->found.parent_death_signal == SIGKILL) {
        (void)prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0ul, 0ul, 0ul);
    }
    set_timers(run);
    (void)sigaction(SIGCHLD, &run->found.chld, NULL);
    (void)sigaction(SIGPIPE, &run->found.pipe, NULL);
    (void)sigprocmask(SIG_SETMASK, &run->found.mask, NULL);
}

static int tell(int signo, enum eco_run_event_kind kind, struct eco_run_event *ret)
{
    ret->kind = kind;
    ret->signo = signo;
    ret->at_ns = eco_run_now_ns();
    return 1;
}

static bool asks_to_end(const struct eco_run *run, int signo)
{
    bool is_end = signo == SIGINT || signo == SIGTERM || signo == SIGHUP || signo == SIGQUIT;
    return is_end && sigismember(&run->found.ignored, signo) == 0;
}

static int pass_on(struct eco_run *run, int signo, struct eco_run_event *ret)
{
    (void)kill(run->pid, signo);
    return tell(signo, ECO_RUN_SIGNAL, ret);
}

static bool is_from_someone(const siginfo_t *info)
{
    return info->si_code == SI_USER || info->si_code == SI_QUEUE || info->si_code == SI_TKILL;
}

static bool is_in_our_group(pid_t pid)
{
    return pid > 0 && getpgid(pid) == getpgrp();
}

static int handle_continue(struct eco_run *run, pid_t sender, struct eco_run_event *ret)
{
    if (run->held.signo != 0 && run->held.sender == sender) {
        int signo = run->held.signo;
        run->held.signo = 0;
        run->group_sender = sender;
        run->group_sender_until_ns = eco_run_now_ns() + GROUP_SENDER_NS;
        return tell(signo, ECO_RUN_SIGNAL, ret);
    }
    if (run->group_sender == sender && sender != 0 && eco_run_now_ns() < run->group_sender_until_ns) {
        return 0;
    }
    return pass_on(run, SIGCONT, ret);
}

static int hold(struct eco_run *run, int signo, pid_t sender, struct eco_run_event *ret)
{
    if (run->held.signo == signo && run->held.sender == sender) {
        return 0; /* the second of a pair: to us, and to the group */
    }
    int before = run->held.signo;
    run->held = (struct eco_run_held){signo, sender, eco_run_now_ns() + HOLD_NS};
    return before != 0 ? pass_on(run, before, ret) : 0;
}

int eco_run_handle_signal(struct eco_run *run, const siginfo_t *info, struct eco_run_event *ret)
{
    int signo = info->si_signo;
    if (signo == SIGWINCH) {
        return 0;
    }
    /* A held command cannot heed it, and must not begin only to die of it. */
    if (!run->is_released && asks_to_end(run, signo)) {
        return tell(signo, ECO_RUN_INTERRUPT, ret);
    }
    if (run->has_ended || run->pid == 0) {
        return asks_to_end(run, signo) ? tell(signo, ECO_RUN_INTERRUPT, ret) : 0;
    }
    if (!is_from_someone(info)) {
        /* A terminal that hangs up tells the session's leader alone (kernel tty_signal_session_leader). */
        bool is_for_leader = signo == SIGHUP && getsid(0) == getpid();
        return is_for_leader ? pass_on(run, signo, ret) : tell(signo, ECO_RUN_SIGNAL, ret);
    }
    pid_t sender = info->si_pid;
    /* Our own doing; or the command's, whose parent we are: it does not mean itself. */
    if (sender == getpid() || sender == run->pid) {
        return 0;
    }
    if (signo == SIGCONT) {
        return handle_continue(run, sender, ret);
    }
    return is_in_our_group(sender) ? hold(run, signo, sender, ret) : pass_on(run, signo, ret);
}

int eco_run_flush_held(struct eco_run *run, uint64_t now_ns, struct eco_run_event *ret)
{
    if (run->held.signo == 0 || (now_ns < run->held.until_ns && !run->has_ended)) {
        return 0;
    }
    int signo = run->held.signo;
    run->held.signo = 0;
    return run->has_ended ? 0 : pass_on(run, signo, ret);
}
