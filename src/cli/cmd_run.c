/* SPDX-License-Identifier: MIT */
/*
 * run: measures a command. The order matters: the child is forked before anything is opened and held on
 * a pipe; outputs are opened while it waits, so that a mistyped path is told before anything ran; then
 * the meter takes its baseline and the child is let go.
 */
#include "base/text.h"
#include "cli/command.h"
#include "cli/guard.h"
#include "cli/measure_idle.h"
#include "cli/session.h"
#include "run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TAIL_MAX_NS  ECO_NS_PER_S
#define TAIL_MIN_NS  (200 * ECO_NS_PER_MS)
#define TAIL_STEP_NS (100 * ECO_NS_PER_MS)

struct running {
    struct eco_session session;
    struct eco_run *run;
    struct eco_guard guard;
    uint64_t started_ns, ended_ns;
    int status; /* of CMD, as from waitpid */
    bool has_ended, wait_all;
    int32_t pid;       /* of CMD */
    char own_name[16]; /* comm of this program */
};

/* Behind the fork, so that CMD has 0, 1 and 2 as we found them, but none of our files becomes one of them. */
static void guard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= 2);
    if (fd > 2)
        (void)close(fd);
}

static int open_outputs(struct running *self, const struct eco_call *call, struct eco_why *why)
{
    const struct eco_settings *settings = &call->settings;
    /* A closed or read-only standard error is no reason not to run: the report is then seen by nobody. */
    int flags = fcntl(STDERR_FILENO, F_GETFL);
    bool writable = flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
    const char *format = settings->json ? "json" : settings->outputs.count == 0 ? settings->format : NULL;
    const struct eco_sink_options screen = {.fd = STDERR_FILENO, .format = format ? format : "text"};
    return eco_outputs_open(&self->session.outputs, call, settings->quiet || !writable ? NULL : &screen,
                            "run", why);
}

static int open_meter(struct running *self, const char *idle_power, struct eco_why *why)
{
    int r = eco_session_open_meter(&self->session, false, eco_run_cgroup_fd(self->run),
                                   eco_run_cgroup_path(self->run), idle_power, why);
    if (r < 0)
        return r;
    r = eco_meter_add_root(self->session.meter, eco_run_pid(self->run));
    if (r < 0)
        eco_why_set(why, "cannot watch the command: %s", strerror(-r));
    return r;
}

/* Everything between fork and release. On failure the child has run nothing. */
static int make_ready(struct running *self, const struct eco_call *call, struct eco_why *why)
{
    char idle_power[ECO_IDLE_POWER_MAX] = "";
    int r = open_outputs(self, call, why);
    if (r == 0 && call->settings.measure_idle_ns)
        r = eco_measure_idle(&self->session, self->run, call->settings.measure_idle_ns, idle_power, why);
    if (r < 0)
        return r;
    eco_guard_enter(&self->guard);
    r = open_meter(self, *idle_power ? idle_power : NULL, why);
    if (r == 0) {
        r = eco_meter_begin(self->session.meter);
        if (r < 0)
            eco_why_set(why, "the first look failed: %s", strerror(-r));
    }
    (void)eco_guard_leave(&self->guard);
    return r;
}

static int refuse_exec(const struct eco_call *call, int error, const struct eco_why *why)
{
    int status = error == -ENOENT ? ECO_EXIT_MISSING : ECO_EXIT_NOEXEC;
    if (*why->text)
        return eco_fail(call->command, status, why);
    return eco_failf(call->command, status, "%.200s: %s", call->words[0],
                     error == -ENOENT ? "command not found" : strerror(-error));
}

/* CMD has ended: what it and those it had waited for used is known exactly. */
static void on_exited(struct running *self, const struct eco_run_event *event)
{
    eco_meter_child_own_cpu(self->session.meter, event->pid, event->own_cpu_ns);
    (void)eco_meter_child_ended(self->session.meter, event->pid, &event->usage);
    self->status = event->status;
    self->has_ended = true;
    eco_guard_ended(&self->guard, event->status, !self->wait_all);
}

/* False when the measurement is over: CMD, or with --wait-all everything it started, has ended. */
static bool handle(struct running *self, const struct eco_run_event *event)
{
    switch (event->kind) {
    case ECO_RUN_REAPED:
        (void)eco_meter_child_ended(self->session.meter, event->pid, &event->usage);
        return true;
    case ECO_RUN_EXITED:
        on_exited(self, event);
        return self->wait_all;
    case ECO_RUN_EMPTY:
    case ECO_RUN_INTERRUPT:
        return false;
    case ECO_RUN_DEADLINE:
    case ECO_RUN_STOPPED:
    case ECO_RUN_SIGNAL:
        break;
    }
    return true;
}

/* One look. False when the measurement is over, which may happen while a sensor keeps us waiting. */
static bool tick(struct running *self)
{
    bool go_on = true;
    eco_guard_enter(&self->guard);
    /* A look that failed leaves a gap which the meter tells of; the command is not harmed by it. */
    (void)eco_meter_tick(self->session.meter);
    if (eco_guard_leave(&self->guard))
        for (size_t i = 0; i < self->guard.event_count; i++)
            go_on = handle(self, &self->guard.events[i]) && go_on;
    (void)eco_session_deliver(&self->session);
    return go_on;
}

static void watch(struct running *self)
{
    /* Kept until it is reached: asked again after an event that came late, it would be the one after. */
    uint64_t deadline = eco_meter_next_ns(self->session.meter);
    bool go_on = true;
    while (go_on) {
        struct eco_run_event event;
        if (eco_run_wait(self->run, deadline, &event) < 0)
            return;
        if (event.kind == ECO_RUN_DEADLINE || event.kind == ECO_RUN_STOPPED) {
            go_on = tick(self);
            deadline = eco_meter_next_ns(self->session.meter);
        } else {
            go_on = handle(self, &event);
        }
    }
}

static void end(struct running *self)
{
    if (self->has_ended)
        eco_guard_ended(&self->guard, self->status, true);
    eco_guard_enter(&self->guard);
    (void)eco_meter_end(self->session.meter);
    (void)eco_guard_leave(&self->guard);
    self->ended_ns = eco_now_ns();
    (void)eco_session_deliver(&self->session);
}

/* A short look at the machine without the command, when its idle power is not known well enough. */
static void tail(struct running *self)
{
    uint64_t length = (self->ended_ns - self->started_ns) / 20;
    if (length > TAIL_MAX_NS)
        length = TAIL_MAX_NS;
    if (length < TAIL_MIN_NS || !eco_meter_wants_tail(self->session.meter))
        return;
    uint64_t end = self->ended_ns + length;
    for (uint64_t next = self->ended_ns + TAIL_STEP_NS; next <= end;) {
        struct eco_run_event event;
        if (eco_run_wait(self->run, next, &event) < 0 || event.kind == ECO_RUN_INTERRUPT)
            return;
        if (event.kind != ECO_RUN_DEADLINE)
            continue;
        eco_guard_enter(&self->guard);
        int r = eco_meter_tail_tick(self->session.meter);
        (void)eco_guard_leave(&self->guard);
        if (r < 0)
            return;
        next = eco_now_ns() + TAIL_STEP_NS;
    }
}

/*
 * A command shorter than an interval was last seen while it was held, with our own name. What it became
 * is known: its words.
 */
static void name_command(struct running *self)
{
    static char cmdline[256];
    struct eco_session *session = &self->session;
    const char *slash = strrchr(session->command[0], '/');
    size_t used = 0;
    for (size_t i = 0; session->command[i] && used + 1 < sizeof cmdline; i++) {
        used += i ? eco_text_copy(cmdline + used, sizeof cmdline - used, " ") : 0;
        if (used < sizeof cmdline)
            used += eco_text_copy(cmdline + used, sizeof cmdline - used, session->command[i]);
    }
    for (size_t i = 0; i < session->report.process_count; i++) {
        struct eco_report_process *row = &session->report.processes[i];
        if (row->pid != self->pid || !row->name || strcmp(row->name, self->own_name) != 0)
            continue;
        row->name = slash ? slash + 1 : session->command[0];
        if (row->cmdline)
            row->cmdline = cmdline;
    }
}

static void report(struct running *self, bool is_whole)
{
    struct eco_session *session = &self->session;
    int r = eco_session_make_report(session);
    if (r < 0) {
        eco_notice("no report: %s", strerror(-r));
        return;
    }
    name_command(self);
    if (self->has_ended) {
        session->report.exit_code = WIFEXITED(self->status) ? WEXITSTATUS(self->status) : -1;
        session->report.exit_signal = WIFSIGNALED(self->status) ? WTERMSIG(self->status) : -1;
        session->report.core_dumped = WIFSIGNALED(self->status) && WCOREDUMP(self->status);
    }
    if (session->report.caught_ratio < 0.995 && *eco_run_cgroup_why(self->run))
        eco_report_warn(&session->report, "no private cgroup: %s", eco_run_cgroup_why(self->run));
    if (!is_whole)
        eco_report_warn(&session->report,
                        "a sensor did not answer any more: the figures end before the command did");
    eco_session_end(session, is_whole);
}

/* From the guard's thread, while a look hangs in a driver: no sensor is touched here. */
static void last_words(void *context)
{
    struct running *self = context;
    for (size_t i = 0; i < self->guard.event_count; i++)
        (void)handle(self, &self->guard.events[i]);
    report(self, false);
}

static int measure(struct running *self, struct eco_call *call)
{
    struct eco_why why = {0};
    struct eco_session *session = &self->session;
    guard_descriptors();
    self->wait_all = call->settings.wait_all;
    self->guard.run = self->run;
    self->guard.session = session;
    self->guard.wait_all = self->wait_all;
    self->guard.last_words = last_words;
    self->guard.context = self;
    eco_guard_init(&self->guard);
    int r = make_ready(self, call, &why);
    if (r < 0) {
        if (!*why.text)
            eco_why_set(&why, "%s", strerror(-r));
        eco_run_abandon(self->run);
        return eco_fail(call->command, ECO_EXIT_RUN, &why);
    }
    session->started_real_ns = eco_clock_system.real_ns(&eco_clock_system);
    r = eco_run_release(self->run, &self->started_ns, &why);
    if (r < 0)
        return refuse_exec(call, r, &why);
    eco_guard_begun(&self->guard);
    eco_session_begin(session, true);
    watch(self);
    end(self);
    if (!call->settings.no_idle_tail && !call->settings.no_record)
        tail(self);
    report(self, true);
    return self->has_ended ? eco_run_exit_status(self->status) : ECO_EXIT_RUN;
}

static int run(struct eco_call *call)
{
    struct eco_why why = {0};
    if (!call->words[0])
        return eco_failf(call->command, ECO_EXIT_RUN, "no command given: ecocode run [options] CMD...");
    if (eco_session_check(call, &why) < 0)
        return eco_fail(call->command, ECO_EXIT_RUN, &why);
    static struct running self;
    eco_session_init(&self.session, call, call->words);
    const struct eco_run_options options = {.argv = call->words,
                                            .run_id = self.session.run_id,
                                            .no_cgroup = call->settings.no_cgroup,
                                            .wait_all = call->settings.wait_all};
    if (eco_run_prepare(&options, &self.run, &why) < 0)
        return eco_fail(call->command, ECO_EXIT_RUN, &why);
    if (eco_run_spawn(self.run, &why) < 0) {
        self.run = eco_run_finish(self.run);
        return eco_fail(call->command, ECO_EXIT_RUN, &why);
    }
    self.pid = eco_run_pid(self.run);
    (void)prctl(PR_GET_NAME, self.own_name);
    int status = measure(&self, call);
    eco_guard_finish(&self.guard);
    eco_session_finish(&self.session);
    eco_run_reap_rest(self.run);
    self.run = eco_run_finish(self.run);
    if (self.has_ended)
        eco_run_die_like(self.status);
    return status;
}

static const struct eco_option *const tables[] = {eco_options_report,
                                                  eco_options_output,
                                                  eco_options_measure,
                                                  eco_options_job,
                                                  eco_options_paths,
                                                  eco_options_common,
                                                  NULL};
static const struct eco_example examples[] = {
    {"ecocode run python3 train.py", "measure a training run; the report follows on standard error"},
    {"ecocode run -q -o run.json make -j8", "no report on the screen, all figures as JSON in a file"},
    {"ecocode run --measure-idle 5s ./simulate", "learn the idle power of a quiet machine first"},
    {"ecocode run --interval 100ms -o power.csv ./simulate", "power over time, ten lines a second"},
    {0}};

const struct eco_command eco_command_run = {
    .name = "run",
    .summary = "Measure the energy of a command and all its processes",
    .usage = "[options] [--] CMD [ARGUMENT...]",
    .description =
        "Starts CMD, measures it and every process that descends from it until it ends, and reports joules "
        "and watts "
        "by part of the machine and by process, with how each figure is known. Options end at the first word "
        "that is "
        "none. Standard input, output and error belong to CMD; the report goes to standard error.\n\n"
        "The exit status is that of CMD; if it died of a signal, ecocode dies of the same. 125: ecocode "
        "failed before "
        "CMD had started; 126: CMD cannot be executed; 127: CMD was not found.\n\n"
        "CMD finds the id of its run in the variable ECOCODE_RUN; nothing else of its environment is "
        "changed.",
    .examples = examples,
    .options = tables,
    .takes_words = true,
    .misuse = ECO_EXIT_RUN,
    .run = run,
};
