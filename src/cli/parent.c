/* SPDX-License-Identifier: MIT */
#include "cli/parent.h"

#include "base/mem.h"
#include "model/course.h"
#include "platform/clock.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_NS (2 * ECO_NS_PER_S) /* without any sign of the measurer */
#define RESEND_NS   (10 * ECO_NS_PER_MS)
#define HELD_MAX    65536u
/* --budget-action stop */
#define GRACE_NS      (10 * ECO_NS_PER_S)
#define KILL_AGAIN_NS (100 * ECO_NS_PER_MS)
#define REST_LOOK_NS  (20 * ECO_NS_PER_MS)
#define KILLS_MAX     50

static uint64_t now_ns(void)
{
    return eco_clock_system.mono_ns(&eco_clock_system);
}

/* Quiet means that no report is waited for, unless a file is. */
static bool is_wanted(const struct eco_parent *self)
{
    return !self->call->settings.quiet || self->call->settings.outputs.count > 0;
}

/* ---- to the measurer ---- */

static void send_held(struct eco_parent *self)
{
    size_t sent = 0;
    int r = 0;
    while (sent < self->held_count && (r = eco_link_send(self->link, &self->held[sent])) == 0)
        sent++;
    if (r < 0 && r != -EAGAIN)
        sent = self->held_count;
    if (sent > 0)
        memmove(self->held, self->held + sent, (self->held_count - sent) * sizeof *self->held);
    self->held_count -= sent;
}

/* Never waits: what the measurer does not read now is held, in order. */
static void send(struct eco_parent *self, const struct eco_link_message *message)
{
    if (self->is_gone || self->has_failed)
        return;
    send_held(self);
    if (self->held_count == 0 && eco_link_send(self->link, message) != -EAGAIN)
        return;
    void *list = self->held;
    /* Beyond that many it is stuck, and none of them will be read. */
    if (eco_grow(&list, &self->held_capacity, self->held_count + 1, HELD_MAX, sizeof *self->held) < 0)
        return;
    self->held = list;
    self->held[self->held_count++] = *message;
}

static void tell(struct eco_parent *self, enum eco_link_kind kind)
{
    const struct eco_link_message message = {.kind = kind};
    send(self, &message);
}

static void tell_ended(struct eco_parent *self, enum eco_link_kind kind, const struct eco_run_event *event)
{
    const struct eco_link_message message = {.kind = kind,
                                             .pid = event->pid,
                                             .status = event->status,
                                             .at_ns = event->at_ns,
                                             .own_cpu_ns = event->own_cpu_ns,
                                             .self_cpu_ns = eco_clock_self_cpu_ns() - self->self_begin_ns,
                                             .usage = event->usage};
    send(self, &message);
}

static void pass_text(const char *text)
{
    size_t length = strlen(text);
    while (length > 0) {
        ssize_t n = write(STDERR_FILENO, text, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        text += n;
        length -= (size_t)n;
    }
}

/* ---- budgets ---- */

/* One that is stopped hears it only when it goes on. */
static void stop_job(struct eco_parent *self)
{
    uint64_t grace_ns = self->call->settings.budget_grace_ns;
    if (self->is_stopping || self->has_ended)
        return;
    self->is_stopping = true;
    self->kill_ns = now_ns() + (grace_ns ? grace_ns : GRACE_NS);
    (void)eco_run_signal_job(self->run, SIGTERM);
    (void)eco_run_signal_job(self->run, SIGCONT);
}

/* Again and again: between the list and the signal more may be born. */
static void kill_job(struct eco_parent *self)
{
    (void)eco_run_signal_job(self->run, SIGKILL);
    self->kill_ns = now_ns() + KILL_AGAIN_NS;
}

/* The command has ended; those of the job that have not heeded the signal are given the rest of their time.
 */
static void end_rest(struct eco_parent *self)
{
    uint64_t until_ns = self->kill_ns;
    struct eco_run_event event = {.kind = ECO_RUN_DEADLINE};
    while (now_ns() < until_ns && event.kind != ECO_RUN_INTERRUPT && eco_run_signal_job(self->run, 0) > 0)
        if (eco_run_wait(self->run, now_ns() + REST_LOOK_NS, &event) < 0)
            break;
    for (int i = 0; i < KILLS_MAX && eco_run_signal_job(self->run, SIGKILL) > 0; i++)
        (void)!eco_run_wait(self->run, now_ns() + REST_LOOK_NS, &event);
}

/* Nobody judges any more: said at once, for the job may go on for long. */
static void tell_unwatched(struct eco_parent *self)
{
    if (self->call->settings.budgets.count == 0 || self->is_unwatched || self->has_ended)
        return;
    self->is_unwatched = true;
    eco_notice("the process that measures has ended too early: the command goes on without its budget");
}

static int budget_status(const struct eco_parent *self, int status)
{
    bool is_to_tell = self->is_exceeded && self->action != ECO_BUDGET_WARN;
    return is_to_tell && (status == 0 || self->is_stopping) ? ECO_EXIT_BUDGET : status;
}

/* ---- from the measurer ---- */

static void on_message(struct eco_parent *self, const struct eco_link_message *message)
{
    self->is_ready = self->is_ready || message->kind == ECO_LINK_READY;
    self->has_failed = self->has_failed || message->kind == ECO_LINK_FAILED;
    if (message->kind == ECO_LINK_DONE) {
        self->is_done = true;
        self->is_stuck = message->is_stuck;
    }
    if (message->kind == ECO_LINK_EXCEEDED) {
        self->is_exceeded = true;
        self->action = message->action;
        if (message->action == ECO_BUDGET_STOP && !message->is_final)
            stop_job(self);
    }
    if (message->kind == ECO_LINK_MEASURED) {
        self->is_measured = true;
        if (message->wants_standard)
            (void)!eco_link_send_standard(self->link);
    }
}

static void read_link(struct eco_parent *self)
{
    struct eco_link_message message;
    char text[ECO_LINK_TEXT_MAX + 1];
    while (!self->is_gone) {
        switch (eco_link_receive(self->link, &message, text)) {
        case ECO_LINK_NONE:
            return;
        case ECO_LINK_CLOSED:
            self->is_gone = true;
            eco_run_watch(self->run, -1);
            tell_unwatched(self);
            return;
        case ECO_LINK_TEXT:
            pass_text(text);
            break;
        case ECO_LINK_READY:
        case ECO_LINK_FAILED:
        case ECO_LINK_ALIVE:
        case ECO_LINK_EXCEEDED:
        case ECO_LINK_MEASURED:
        case ECO_LINK_DONE:
        case ECO_LINK_HELD:
        case ECO_LINK_RELEASED:
        case ECO_LINK_REAPED:
        case ECO_LINK_EXITED:
        case ECO_LINK_TICK:
        case ECO_LINK_OVER:
        case ECO_LINK_ABANDON:
        case ECO_LINK_STANDARD:
            on_message(self, &message);
            break;
        }
        self->heard_ns = now_ns();
    }
}

/* For a measurer that is told to end: until it has, or too long. */
static void await_end(struct eco_parent *self)
{
    uint64_t until = now_ns() + PATIENCE_NS;
    while (!self->is_gone && !self->is_done && !self->has_failed && eco_link_wait(self->link, until))
        read_link(self);
}

static void give_up(struct eco_parent *self)
{
    tell(self, ECO_LINK_ABANDON);
    await_end(self);
}

/* ---- in order ---- */

/* True when a signal asks to end, or CMD was killed, while the idle power is measured. */
static bool is_interrupted(struct eco_parent *self, uint64_t until_ns)
{
    struct eco_run_event event;
    if (eco_run_wait(self->run, until_ns, &event) < 0)
        return true;
    return event.kind == ECO_RUN_EXITED || event.kind == ECO_RUN_EMPTY || event.kind == ECO_RUN_INTERRUPT;
}

/*
 * Until the baseline is taken, for as long as the measurer gives signs. Signals that come meanwhile stay
 * pending, unless it was asked to look at the quiet machine for a while. 0 or -EINTR.
 */
static int await_ready(struct eco_parent *self)
{
    bool is_long = self->call->settings.measure_idle_ns > 0;
    self->heard_ns = now_ns();
    eco_run_watch(self->run, self->link);
    while (!self->is_ready && !self->has_failed && !self->is_gone) {
        uint64_t until = self->heard_ns + PATIENCE_NS;
        if (is_long ? is_interrupted(self, until) : !eco_link_wait(self->link, until))
            return is_long ? -EINTR : 0;
        read_link(self);
        if (now_ns() >= self->heard_ns + PATIENCE_NS)
            return 0;
    }
    return 0;
}

static int refuse_exec(const struct eco_call *call, int error, const struct eco_why *why)
{
    int status = error == -ENOENT ? ECO_EXIT_MISSING : ECO_EXIT_NOEXEC;
    if (*why->text)
        return eco_fail(call->command, status, why);
    return eco_failf(call->command, status, "%.200s: %s", call->words[0],
                     error == -ENOENT ? "command not found" : strerror(-error));
}

static int release(struct eco_parent *self, struct eco_why *why)
{
    struct eco_link_message message = {.kind = ECO_LINK_RELEASED, .is_late = !self->is_ready};
    message.real_ns = eco_clock_system.real_ns(&eco_clock_system);
    self->self_begin_ns = eco_clock_self_cpu_ns();
    int r = eco_run_release(self->run, &message.at_ns, why);
    if (r == 0) {
        send(self, &message);
        return 0;
    }
    give_up(self);
    return r;
}

/* False when the measurement is over: CMD, or with --wait-all everything it started, has ended. */
static bool handle(struct eco_parent *self, const struct eco_run_event *event)
{
    switch (event->kind) {
    case ECO_RUN_REAPED:
        tell_ended(self, ECO_LINK_REAPED, event);
        return true;
    case ECO_RUN_EXITED:
        self->status = event->status;
        self->has_ended = true;
        tell_ended(self, ECO_LINK_EXITED, event);
        return self->call->settings.wait_all;
    case ECO_RUN_STOPPED:
        tell(self, ECO_LINK_TICK);
        return true;
    case ECO_RUN_EMPTY:
    case ECO_RUN_INTERRUPT:
        self->is_asked = event->kind == ECO_RUN_INTERRUPT;
        tell(self, ECO_LINK_OVER);
        return false;
    case ECO_RUN_READABLE:
        read_link(self);
        return true;
    case ECO_RUN_DEADLINE:
        send_held(self);
        if (self->kill_ns && now_ns() >= self->kill_ns)
            kill_job(self);
        return true;
    case ECO_RUN_SIGNAL:
        break;
    }
    return true;
}

static uint64_t next_ns(const struct eco_parent *self)
{
    uint64_t resend_ns = self->held_count > 0 ? now_ns() + RESEND_NS : UINT64_MAX;
    return self->kill_ns && self->kill_ns < resend_ns ? self->kill_ns : resend_ns;
}

static void watch(struct eco_parent *self)
{
    struct eco_run_event event;
    do {
        if (eco_run_wait(self->run, next_ns(self), &event) < 0)
            return;
    } while (handle(self, &event));
}

/*
 * Until the report is written. Once no sensor is read any more it is waited for like any output; before, for
 * as long as the measurer gives signs. A signal asks it to hurry, a second one is not to be kept waiting.
 */
static void await_report(struct eco_parent *self)
{
    /* A baseline that comes only now is of no use. */
    self->heard_ns = self->is_ready ? now_ns() : 0;
    while (!self->is_gone && !self->is_done && !self->has_failed) {
        struct eco_run_event event;
        uint64_t now = now_ns(), until = self->is_measured ? UINT64_MAX : self->heard_ns + PATIENCE_NS;
        if (now >= until)
            break;
        if (self->held_count > 0 && now + RESEND_NS < until)
            until = now + RESEND_NS;
        bool was_asked = self->is_asked;
        if (self->is_measured && !self->is_stopping)
            eco_run_remove_group(self->run); /* beside the report, which is waited for anyway */
        if (eco_run_wait(self->run, until, &event) < 0)
            break;
        if (event.kind == ECO_RUN_INTERRUPT && was_asked)
            return;
        (void)handle(self, &event);
    }
    if (self->is_done || self->has_failed)
        return;
    if (self->is_gone)
        eco_notice("the process that measures has ended too early: no report");
    else if (is_wanted(self))
        eco_notice("a sensor does not answer: no report");
}

static int start(struct eco_parent *self)
{
    struct eco_why why = {0};
    const struct eco_link_message held = {
        .kind = ECO_LINK_HELD, .pid = eco_run_pid(self->run), .has_group = eco_run_cgroup_fd(self->run) >= 0};
    send(self, &held);
    int r = await_ready(self);
    if (r < 0) {
        give_up(self);
        eco_why_set(&why, "interrupted while the idle power was measured; the command has not started");
        eco_run_abandon(self->run);
        return eco_fail(self->call->command, ECO_EXIT_RUN, &why);
    }
    if (self->has_failed) {
        eco_run_abandon(self->run);
        return ECO_EXIT_RUN;
    }
    if (!self->is_ready && !self->is_gone && is_wanted(self))
        eco_notice("a sensor does not answer: the command begins without waiting for it");
    r = release(self, &why);
    return r < 0 ? refuse_exec(self->call, r, &why) : 0;
}

static void leave(struct eco_parent *self)
{
    if (self->is_gone || self->has_failed || (self->is_done && !self->is_stuck))
        eco_run_reap_own_later(self->run);
    free(self->held);
    (void)close(self->link);
}

int eco_parent_be(struct eco_parent *self)
{
    int status = start(self);
    if (status == 0) {
        watch(self);
        await_report(self);
        if (self->is_stopping)
            end_rest(self);
        status = budget_status(self, self->has_ended ? eco_run_exit_status(self->status) : ECO_EXIT_RUN);
    }
    leave(self);
    return status;
}

void eco_parent_give_up(struct eco_parent *self)
{
    give_up(self);
    leave(self);
}
