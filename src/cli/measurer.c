/* SPDX-License-Identifier: MIT */
#include "cli/measurer.h"

#include "cli/measure_idle.h"
#include "cli/priv.h"
#include "run/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_NS (2 * ECO_NS_PER_S) /* for one look; a slow BMC answers within a second */
/* Most commands of a moment have ended by then: nothing more is started for these. */
#define ASK_AFTER_NS (3 * ECO_NS_PER_MS)
#define ALIVE_NS     (500 * ECO_NS_PER_MS)
#define HELPERS_MS   20u /* for their zombies */
#define TAIL_MAX_NS  ECO_NS_PER_S
#define TAIL_MIN_NS  (200 * ECO_NS_PER_MS)
#define TAIL_STEP_NS (100 * ECO_NS_PER_MS)

/* ---- what the parent tells ---- */

/* CMD has ended: what it and those it had waited for used is known exactly. */
static void on_exited(struct eco_measurer *self, const struct eco_link_message *message)
{
    struct eco_meter *meter = self->session->meter;
    if (meter) {
        eco_meter_child_own_cpu(meter, message->pid, message->own_cpu_ns);
        (void)eco_meter_child_ended(meter, message->pid, &message->usage);
        eco_meter_helper_cpu(meter, message->self_cpu_ns);
    }
    self->status = message->status;
    self->has_ended = true;
    if (!self->call->settings.wait_all)
        self->is_over = true;
}

static void on_released(struct eco_measurer *self, const struct eco_link_message *message)
{
    self->is_released = true;
    self->started_ns = message->at_ns;
    self->session->started_real_ns = message->real_ns;
    uint64_t now = eco_now_ns();
    self->late_ns = message->is_late && now > message->at_ns ? now - message->at_ns : 0;
    if (self->session->meter)
        eco_meter_see_roots(self->session->meter); /* its end may be told with the next message */
}

static void handle(struct eco_measurer *self, const struct eco_link_message *message)
{
    switch (message->kind) {
    case ECO_LINK_HELD:
        self->pid = message->pid;
        self->lost_group = !message->has_group && eco_run_cgroup_fd(self->run) >= 0;
        return;
    case ECO_LINK_RELEASED:
        on_released(self, message);
        return;
    case ECO_LINK_REAPED:
        if (self->session->meter)
            (void)eco_meter_child_ended(self->session->meter, message->pid, &message->usage);
        return;
    case ECO_LINK_EXITED:
        on_exited(self, message);
        return;
    case ECO_LINK_TICK:
        self->tick_asked = true;
        return;
    case ECO_LINK_OVER:
        self->is_over = true;
        return;
    case ECO_LINK_CLOSED:
    case ECO_LINK_ABANDON:
        self->is_closed = true;
        self->is_over = true;
        return;
    case ECO_LINK_NONE:
    case ECO_LINK_TEXT:
    case ECO_LINK_READY:
    case ECO_LINK_FAILED:
    case ECO_LINK_ALIVE:
    case ECO_LINK_EXCEEDED:
    case ECO_LINK_MEASURED:
    case ECO_LINK_DONE:
    case ECO_LINK_STANDARD:
        return;
    }
}

/* One message, if there is one. */
static enum eco_link_kind receive(struct eco_measurer *self, struct eco_link_message *ret)
{
    char text[ECO_LINK_TEXT_MAX + 1];
    enum eco_link_kind kind = eco_link_receive(self->link, ret, text);
    if (kind == ECO_LINK_CLOSED)
        ret->kind = kind;
    return kind;
}

static void drain(struct eco_measurer *self)
{
    struct eco_link_message message;
    while (!self->is_closed) {
        enum eco_link_kind kind = receive(self, &message);
        if (kind == ECO_LINK_NONE)
            return;
        if (kind != ECO_LINK_TEXT)
            handle(self, &message);
    }
}

/* ---- before the command runs ---- */

static int open_outputs(struct eco_measurer *self, struct eco_why *why)
{
    const struct eco_settings *settings = &self->call->settings;
    /* A closed or read-only standard error is no reason not to run: the report is then seen by nobody. */
    int flags = fcntl(STDERR_FILENO, F_GETFL);
    bool writable = flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
    const char *format = settings->json ? "json" : settings->outputs.count == 0 ? settings->format : NULL;
    const struct eco_sink_options screen = {.fd = STDERR_FILENO, .format = format ? format : "text"};
    return eco_outputs_open(&self->session->outputs, self->call,
                            settings->quiet || !writable ? NULL : &screen, "run", why);
}

/* The sensors are opened while the command is still made; should it have found no place in its cgroup, then
 * once more. */
static int open_meter(struct eco_measurer *self, const char *idle_power, struct eco_why *why)
{
    struct eco_session *session = self->session;
    session->is_held = true;
    session->held_uid = self->user;
    int r = eco_session_open_meter(session, false, eco_run_cgroup_fd(self->run),
                                   eco_run_cgroup_path(self->run), idle_power, why);
    if (r < 0)
        return r;
    while (self->pid == 0 && !self->is_closed && eco_link_wait(self->link, UINT64_MAX))
        drain(self);
    if (self->is_closed)
        return -ECANCELED;
    if (self->lost_group) {
        session->meter = eco_meter_free(session->meter);
        r = eco_session_open_meter(session, false, -1, NULL, idle_power, why);
        if (r < 0)
            return r;
    }
    r = eco_meter_add_root(session->meter, self->pid);
    if (r < 0) {
        eco_why_set(why, "cannot watch the command: %s", strerror(-r));
        return r;
    }
    r = eco_meter_begin(session->meter);
    if (r < 0)
        eco_why_set(why, "the first look failed: %s", strerror(-r));
    return r;
}

static bool pause_until(void *context, uint64_t until_ns)
{
    struct eco_measurer *self = context;
    (void)eco_link_tell(self->link, ECO_LINK_ALIVE);
    while (!self->is_over && (self->is_tail || !self->is_released) && eco_link_wait(self->link, until_ns))
        drain(self);
    /* A command that was not waited for makes a noise. */
    return self->is_over || (self->is_released && !self->is_tail);
}

/* Everything between fork and release. On failure the child has run nothing. */
static int make_ready(struct eco_measurer *self, struct eco_why *why)
{
    char idle_power[ECO_IDLE_POWER_MAX] = "";
    uint64_t idle_ns = self->call->settings.measure_idle_ns;
    const struct eco_idle_pause pause = {pause_until, self, idle_ns && isatty(STDERR_FILENO)};
    self->keeps_standard = eco_measurer_wants_descriptors(&self->call->settings);
    if (!self->keeps_standard)
        eco_measurer_close_others(self);
    int r = open_outputs(self, why);
    if (!self->keeps_standard)
        eco_measurer_leave_standard(self);
    eco_follow_open(&self->follow, self->session->run_id, self->user, self->link);
    self->session->follow = &self->follow;
    if (r == 0 && idle_ns)
        r = eco_measure_idle(self->session, &pause, idle_ns, idle_power, why);
    if (r == 0)
        r = open_meter(self, *idle_power ? idle_power : NULL, why);
    return r;
}

/* ---- while it runs ---- */

/* Sleep until the parent tells something, the present look is back, or `until_ns`. */
static void sleep_until(struct eco_measurer *self, uint64_t until_ns)
{
    uint64_t now = eco_now_ns(), left = until_ns > now ? until_ns - now : 0, hour = 3600 * ECO_NS_PER_S;
    left = left < hour ? left : hour;
    const struct timespec span = {.tv_sec = (time_t)(left / ECO_NS_PER_S),
                                  .tv_nsec = (long)(left % ECO_NS_PER_S)};
    struct pollfd fds[4] = {{.fd = self->is_closed ? -1 : self->link, .events = POLLIN},
                            {.fd = self->looker.done_fd, .events = POLLIN},
                            {.fd = eco_accounting_fd(&self->session->accounting), .events = POLLIN},
                            {.fd = self->follow.has_begun ? self->follow.fd : -1, .events = POLLIN}};
    (void)ppoll(fds, 4, &span, NULL);
    drain(self);
    if (fds[3].revents && eco_follow_hear(&self->follow))
        self->tick_asked = true;
    if (fds[2].revents)
        eco_accounting_take(&self->session->accounting, self->session->meter);
}

/*
 * Wait for the present look, whatever happens meanwhile. False when it has not come back although nothing
 * else is waited for: then no sensor is touched any more.
 */
static bool await_look(struct eco_measurer *self)
{
    while (!eco_looker_is_back(&self->looker)) {
        bool is_last = self->is_over || self->is_tail;
        uint64_t now = eco_now_ns(), end = self->looker.since_ns + PATIENCE_NS;
        if (is_last && (now >= end || self->is_closed)) {
            eco_looker_cut(&self->looker);
            self->is_stuck = true;
            self->is_cut = !self->is_tail;
            return false;
        }
        if (is_last)
            (void)eco_link_tell(self->link, ECO_LINK_ALIVE);
        sleep_until(self, !is_last ? UINT64_MAX : now + ALIVE_NS < end ? now + ALIVE_NS : end);
    }
    return true;
}

static void look(struct eco_measurer *self, eco_look what)
{
    (void)eco_looker_start(&self->looker, what);
    if (await_look(self) && what != eco_meter_tail_tick)
        (void)eco_session_deliver(self->session);
}

static void tell_frame(void *context)
{
    struct eco_measurer *self = context;
    (void)eco_session_deliver(self->session);
}

static void ask_accounting(struct eco_measurer *self)
{
    const struct eco_accounting_scope scope = {
        .group_fd = self->lost_group ? -1 : eco_run_cgroup_fd(self->run),
        .group_path = eco_run_cgroup_path(self->run),
    };
    eco_accounting_ask(&self->session->accounting, self->call, self->session->meter, &scope);
}

/*
 * Until the first look is due there is no thread: a command that is shorter never has one. From then on the
 * thread ticks and tells by itself, and this one sleeps until its parent tells something.
 */
static void watch(struct eco_measurer *self)
{
    uint64_t deadline = eco_meter_next_ns(self->session->meter), ask_ns = self->started_ns + ASK_AFTER_NS;
    drain(self);
    if (!self->is_over)
        sleep_until(self, ask_ns < deadline ? ask_ns : deadline);
    if (!self->is_over) {
        eco_session_start_gpus(self->session, 0);
        eco_session_start_live(self->session);
        if (ask_ns < deadline)
            ask_accounting(self);
        deadline = eco_meter_next_ns(self->session->meter);
    }
    while (!self->is_over) {
        sleep_until(self, self->tick_asked ? 0 : deadline);
        if (self->is_over || (!self->tick_asked && eco_now_ns() < deadline))
            continue;
        self->tick_asked = false;
        deadline = UINT64_MAX;
        if (!eco_looker_go(&self->looker)) {
            (void)eco_meter_tick(self->session->meter);
            tell_frame(self);
            deadline = eco_meter_next_ns(self->session->meter);
        }
    }
}

/*
 * The last look. A command that was shorter than any interval has no thread that looks, and is not kept
 * waiting for one.
 */
static void end(struct eco_measurer *self)
{
    eco_session_edge(self->session, true);
    eco_accounting_finish(&self->session->accounting);
    if (!self->is_stuck && self->looker.has_thread) {
        look(self, eco_meter_end);
    } else if (!self->is_stuck) {
        (void)eco_meter_end(self->session->meter);
        (void)eco_session_deliver(self->session);
    }
    self->ended_ns = eco_now_ns();
    eco_session_edge(self->session, false);
}

/* A short look at the machine without the command, when its idle power is not known well enough. */
static void tail(struct eco_measurer *self)
{
    uint64_t length = (self->ended_ns - self->started_ns) / 20;
    if (length > TAIL_MAX_NS)
        length = TAIL_MAX_NS;
    if (self->is_stuck || length < TAIL_MIN_NS || !eco_meter_wants_tail(self->session->meter))
        return;
    uint64_t last = self->ended_ns + length;
    self->is_tail = true;
    self->is_over = self->is_closed; /* asked for anew: a signal may cut the tail short */
    for (uint64_t next = self->ended_ns + TAIL_STEP_NS; next <= last && !pause_until(self, next);) {
        look(self, eco_meter_tail_tick);
        if (self->is_stuck || atomic_load(&self->looker.result) < 0)
            return;
        next = eco_now_ns() + TAIL_STEP_NS;
    }
}

/* ---- the end ---- */

/* Standard output and error as our caller gave them, now that nothing can keep us any more. */
static void take_standard(struct eco_measurer *self)
{
    struct eco_link_message message;
    enum eco_link_kind kind;
    do {
        (void)eco_link_wait(self->link, UINT64_MAX);
        kind = receive(self, &message);
    } while (kind != ECO_LINK_STANDARD && kind != ECO_LINK_CLOSED);
    self->is_closed = kind == ECO_LINK_CLOSED;
    for (int i = 0; i < 2 && kind == ECO_LINK_STANDARD; i++) {
        if (message.fds[i] >= 0) {
            (void)dup2(message.fds[i], STDOUT_FILENO + i);
            (void)close(message.fds[i]);
        }
    }
}

static void report(struct eco_measurer *self)
{
    const struct eco_link_message measured = {.kind = ECO_LINK_MEASURED,
                                              .wants_standard =
                                                  self->session->outputs.has_screen && !self->keeps_standard};
    int r;
    while ((r = eco_link_send(self->link, &measured)) == -EAGAIN)
        sleep_until(self, eco_now_ns() + ECO_NS_PER_MS);
    self->is_closed = self->is_closed || r < 0;
    if (!self->is_closed && measured.wants_standard)
        take_standard(self);
    if (!self->is_closed)
        eco_run_report(self);
    while (!self->is_closed && eco_follow_tell(&self->follow, true) == -EAGAIN)
        sleep_until(self, eco_now_ns() + ECO_NS_PER_MS);
}

/* Without freeing what ends with us. Outputs that got no report vanish, as far as they are files of their
 * own. */
static _Noreturn void leave(struct eco_measurer *self, enum eco_link_kind kind)
{
    const struct eco_link_message message = {.kind = kind, .is_stuck = self->is_stuck};
    if (self->looker.has_thread && !self->is_stuck)
        eco_looker_cut(&self->looker); /* a record that is being written is written whole */
    eco_outputs_close(&self->session->outputs);
    if (self->is_stuck)
        eco_measurer_leave_standard(self); /* what a stuck thread shares stays open until it comes back */
    self->session->spool = eco_spool_free(self->session->spool);
    eco_priv_counters_leave(self->session->counters);
    eco_gpus_leave(&self->session->gpus);
    (void)eco_link_send(self->link, &message);
    eco_helper_await_all(HELPERS_MS);
    _exit(0);
}

static _Noreturn void fail(struct eco_measurer *self, int error, struct eco_why *why)
{
    if (!*why->text)
        eco_why_set(why, "%s", strerror(-error));
    drain(self);
    if (self->is_released)
        eco_notice("no report: %s", error == -EINTR ? "a sensor was too slow to answer" : why->text);
    else if (!self->is_over)
        (void)eco_fail(self->call->command, ECO_EXIT_RUN, why);
    leave(self, ECO_LINK_FAILED);
}

void eco_measurer_be(struct eco_measurer *self)
{
    struct eco_why why = {0};
    int r = make_ready(self, &why);
    if (r < 0)
        fail(self, r, &why);
    self->is_closed |= eco_link_tell(self->link, ECO_LINK_READY) < 0;
    eco_looker_init(&self->looker, self->session->meter, tell_frame, self);
    while (!self->is_released && !self->is_closed)
        sleep_until(self, UINT64_MAX);
    if (self->is_closed)
        leave(self, ECO_LINK_DONE);
    eco_meter_see_roots(self->session->meter); /* one that began without waiting for us */
    eco_session_begin(self->session, true);
    watch(self);
    if (self->is_closed)
        leave(self, ECO_LINK_DONE);
    end(self);
    if (!self->call->settings.no_idle_tail && !self->call->settings.no_record)
        tail(self);
    report(self);
    leave(self, ECO_LINK_DONE);
}
