/* SPDX-License-Identifier: MIT */
/*
 * The loop: one sigtimedwait a wake-up, one wait4 per ended process. SIGCHLD is blocked and stands for any
 * number of ended children, so after one wait4 is asked until it has nothing more.
 */
#include "platform/clock.h"
#include "run/run_internal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

/* A storm of ending processes must not keep the caller from its deadline for longer than that many events. */
#define OVERDUE_MAX   32
#define LOOK_AGAIN_NS (100 * ECO_NS_PER_MS)
/* Where no descriptor is left for a signalfd. */
#define WITHOUT_SIGNALFD_NS 10000000L

/* A child that changed state: pid, 0 when there is none now, or negative errno. */
static pid_t next_child(const struct eco_run *run, int *ret_status, struct rusage *ret_usage,
                        bool *ret_is_of_job)
{
    *ret_is_of_job = true;
    if (!eco_run_has_strangers(run)) {
        pid_t pid = wait4(-1, ret_status, WNOHANG | WUNTRACED, ret_usage);
        return pid < 0 ? -errno : pid;
    }
    /* Look first, reap then: only while it is a zombie does it say whose it was. */
    siginfo_t info;
    info.si_pid = 0;
    if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) != 0) {
        return -errno;
    }
    if (info.si_pid == 0) {
        return 0;
    }
    *ret_is_of_job = eco_run_is_of_job(run, info.si_pid);
    pid_t pid = wait4(info.si_pid, ret_status, WNOHANG | WUNTRACED, ret_usage);
    return pid < 0 ? -errno : pid;
}

static int tell_command(struct eco_run *run, struct eco_run_event *ret)
{
    if (WIFSTOPPED(ret->status)) {
        eco_run_stop_too(run, WSTOPSIG(ret->status));
        ret->at_ns = eco_run_now_ns();
        ret->kind = ECO_RUN_STOPPED;
        return 1;
    }
    run->has_ended = true;
    ret->kind = ECO_RUN_EXITED;
    ret->own_cpu_ns = run->own_cpu_ns;
    return 1;
}

/* 1 = an event, 0 = nothing to tell (look at run->may_reap whether there may be more). */
static int reap_one(struct eco_run *run, struct eco_run_event *ret)
{
    bool is_of_job;
    /* A zombie still tells its own time; once reaped only the sum with its children is left. */
    if (!run->has_ended)
        (void)eco_clock_system.process_cpu_ns(&eco_clock_system, run->pid, &run->own_cpu_ns);
    pid_t pid = next_child(run, &ret->status, &ret->usage, &is_of_job);
    ret->at_ns = eco_run_now_ns();
    if (pid <= 0) {
        run->may_reap = pid == -EINTR;
        run->no_children = pid == -ECHILD;
        return 0;
    }
    ret->pid = pid;
    if (pid == run->pid && !run->has_ended) {
        return tell_command(run, ret);
    }
    if (WIFSTOPPED(ret->status)) {
        return 0;
    }
    eco_run_drop_stranger(run, pid);
    ret->kind = ECO_RUN_REAPED;
    return is_of_job ? 1 : 0;
}

static int tell_empty(struct eco_run *run, struct eco_run_event *ret)
{
    if (!run->wait_all || !run->has_ended || run->is_empty_told || !eco_run_is_empty(run)) {
        return 0;
    }
    run->is_empty_told = true;
    ret->kind = ECO_RUN_EMPTY;
    ret->at_ns = eco_run_now_ns();
    return 1;
}

static uint64_t earliest(const struct eco_run *run, uint64_t deadline_ns, uint64_t now_ns)
{
    uint64_t until = deadline_ns;
    if (run->held.signo != 0 && run->held.until_ns < until) {
        until = run->held.until_ns;
    }
    /* Strangers do not say when the last of the job, a child of theirs by now, has ended. */
    bool must_look = run->wait_all && run->has_ended && !run->is_empty_told && eco_run_has_strangers(run);
    if (must_look && now_ns + LOOK_AGAIN_NS < until) {
        until = now_ns + LOOK_AGAIN_NS;
    }
    return until;
}

/*
 * Sleep until a signal, the watched descriptor or the end of `timeout`, whichever comes first. The signalfd
 * only wakes us: what came is taken by sigtimedwait. True when there is something to read, and no signal.
 */
static bool sleep_for_either(struct eco_run *run, const struct timespec *timeout)
{
    if (run->signal_fd < 0) {
        run->signal_fd = signalfd(-1, &run->waited, SFD_CLOEXEC | SFD_NONBLOCK);
    }
    struct pollfd fds[2] = {{.fd = run->signal_fd, .events = POLLIN},
                            {.fd = run->watch_fd, .events = POLLIN}};
    struct timespec span = *timeout;
    if (run->signal_fd < 0 && (span.tv_sec > 0 || span.tv_nsec > WITHOUT_SIGNALFD_NS)) {
        span = (struct timespec){.tv_nsec = WITHOUT_SIGNALFD_NS};
    }
    return ppoll(fds, 2, &span, NULL) > 0 && fds[0].revents == 0;
}

/* Sleep until a signal or `until_ns`. 1 = an event, 0 = look again. */
static int take_signal(struct eco_run *run, uint64_t now_ns, uint64_t until_ns, struct eco_run_event *ret)
{
    uint64_t span = until_ns > now_ns ? until_ns - now_ns : 0;
    uint64_t hour = 3600 * ECO_NS_PER_S;
    span = span < hour ? span : hour;
    struct timespec timeout = {.tv_sec = (time_t)(span / ECO_NS_PER_S),
                               .tv_nsec = (long)(span % ECO_NS_PER_S)};
    if (run->watch_fd >= 0) {
        if (sleep_for_either(run, &timeout)) {
            ret->kind = ECO_RUN_READABLE;
            ret->at_ns = eco_run_now_ns();
            return 1;
        }
        timeout = (struct timespec){0};
    }
    siginfo_t info;
    int signo = sigtimedwait(&run->waited, &info, &timeout);
    if (signo < 0) {
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    }
    if (signo == SIGCHLD) {
        run->may_reap = true;
        return 0;
    }
    return eco_run_handle_signal(run, &info, ret);
}

static int next_event(struct eco_run *run, uint64_t deadline_ns, struct eco_run_event *ret)
{
    for (;;) {
        if (run->may_reap) {
            int r = reap_one(run, ret);
            if (r != 0) {
                return r;
            }
            if (run->may_reap) {
                continue;
            }
        }
        if (tell_empty(run, ret) != 0) {
            return 1;
        }
        uint64_t now_ns = eco_run_now_ns();
        int r = eco_run_flush_held(run, now_ns, ret);
        if (r != 0) {
            return r;
        }
        r = take_signal(run, now_ns, earliest(run, deadline_ns, now_ns), ret);
        if (r != 0) {
            return r;
        }
        if (!run->may_reap && eco_run_now_ns() >= deadline_ns) {
            ret->kind = ECO_RUN_DEADLINE;
            return 1;
        }
    }
}

int eco_run_wait(struct eco_run *run, uint64_t deadline_ns, struct eco_run_event *ret)
{
    struct eco_run_event event;
    memset(&event, 0, sizeof(event));
    if (run->events_overdue < OVERDUE_MAX) {
        int r = next_event(run, deadline_ns, &event);
        if (r < 0) {
            return r;
        }
    } else {
        event.kind = ECO_RUN_DEADLINE;
    }
    if (event.kind == ECO_RUN_DEADLINE) {
        event.at_ns = eco_run_now_ns();
    }
    bool is_overdue = event.kind != ECO_RUN_DEADLINE && event.at_ns >= deadline_ns;
    run->events_overdue = is_overdue ? run->events_overdue + 1 : 0;
    *ret = event;
    return 0;
}

void eco_run_reap_rest(struct eco_run *run)
{
    pid_t pid;
    do {
        pid = waitpid(-1, NULL, WNOHANG);
        if (pid > 0 && pid == run->pid) {
            run->has_ended = true;
        }
    } while (pid > 0);
}

void eco_run_watch(struct eco_run *run, int fd)
{
    run->watch_fd = fd;
}
