/* SPDX-License-Identifier: MIT */
/* monitor: measures what runs already: the whole machine, or the trees of given processes. */
#include "base/parse.h"
#include "cli/ancestors.h"
#include "cli/command.h"
#include "cli/select.h"
#include "cli/session.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PIDS_MAX           256
#define GPUS_WAIT_NS       (300 * ECO_NS_PER_MS)
#define ACCOUNTING_WAIT_NS (200 * ECO_NS_PER_MS)

struct watched {
    int32_t pids[PIDS_MAX];
    unsigned count;
};

/* The lists were checked when they were given. */
static bool collect_pids(const struct eco_texts *lists, struct watched *ret)
{
    for (unsigned i = 0; i < lists->count; i++) {
        const char *cursor = lists->items[i];
        uint64_t pid;
        while (eco_scan_u64(&cursor, &pid) == 0) {
            if (ret->count == PIDS_MAX)
                return false;
            ret->pids[ret->count++] = (int32_t)pid;
            cursor += *cursor == ',';
        }
    }
    return true;
}

static volatile sig_atomic_t asked_to_end;

static void on_signal(int signo)
{
    (void)signo;
    asked_to_end = 1;
}

/*
 * Signals that end us are waited for; one that was ignored when we came stays so. While a look is taken they
 * are let through once, so that a second Ctrl-C ends us even when a sensor's driver hangs.
 */
static void take_signals(sigset_t *ret)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    (void)sigemptyset(ret);
    for (size_t i = 0; i < ECO_COUNT(ends); i++) {
        struct sigaction found;
        if (sigaction(ends[i], NULL, &found) == 0 && found.sa_handler != SIG_IGN)
            (void)sigaddset(ret, ends[i]);
    }
    (void)sigprocmask(SIG_BLOCK, ret, NULL);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    for (size_t i = 0; i < ECO_COUNT(ends); i++)
        if (sigismember(ret, ends[i]) == 1)
            (void)sigaction(ends[i], &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

/* The baseline was taken a little before the duration began to count. */
#define LAST_SLACK_NS (20 * ECO_NS_PER_MS)

/* True when a signal asks us to end before `until_ns`. */
static bool sleep_until(const sigset_t *ends, uint64_t until_ns)
{
    for (uint64_t now = eco_now_ns(); now < until_ns; now = eco_now_ns()) {
        uint64_t left = until_ns - now;
        struct timespec wait = {.tv_sec = (time_t)(left / ECO_NS_PER_S),
                                .tv_nsec = (long)(left % ECO_NS_PER_S)};
        if (sigtimedwait(ends, NULL, &wait) > 0)
            return true;
    }
    return false;
}

static int open_outputs(struct eco_session *session, const struct eco_call *call, struct eco_why *why)
{
    const struct eco_settings *settings = &call->settings;
    bool terminal = isatty(STDOUT_FILENO);
    const char *format = settings->json ? "jsonl" : settings->outputs.count == 0 ? settings->format : NULL;
    if (!format)
        format = terminal ? "text" : "csv";
    const struct eco_sink_options screen = {
        .fd = STDOUT_FILENO, .format = format, .live = strcmp(format, "text") == 0};
    return eco_outputs_open(&session->outputs, call, settings->quiet ? NULL : &screen, "monitor", why);
}

/* A worker alone is seldom what was meant: say whose it is. */
static void offer_tree(const struct eco_call *call, const struct watched *watched)
{
    struct eco_root root;
    if (eco_root_init(&root, call->settings.procfs, call->settings.sysfs) < 0)
        return;
    for (unsigned i = 0; i < watched->count; i++) {
        struct eco_worker worker;
        bool is_worker = eco_find_worker(&root, watched->pids[i], &worker);
        for (unsigned k = 0; is_worker && k < watched->count; k++)
            is_worker = watched->pids[k] != worker.root_pid;
        if (is_worker)
            eco_notice("%d is a %s of %d %s; to measure all of it: ecocode monitor -p %d", watched->pids[i],
                       worker.role, worker.root_pid, worker.root_cmdline, worker.root_pid);
    }
    eco_root_finish(&root);
}

static int open_all(struct eco_session *session, const struct eco_call *call, const struct watched *watched,
                    struct eco_why *why)
{
    int r = open_outputs(session, call, why);
    if (r == 0)
        r = eco_session_open_meter(session, watched->count == 0, -1, NULL, NULL, why);
    for (unsigned i = 0; r == 0 && i < watched->count; i++) {
        r = eco_meter_add_root(session->meter, watched->pids[i]);
        if (r < 0)
            eco_why_set(why, "process %d: %s", watched->pids[i],
                        r == -ESRCH ? "there is none" : strerror(-r));
    }
    if (r < 0)
        return r;
    /* The baseline is better with it, so it is worth a moment. */
    const struct eco_accounting_scope scope = {.is_large = eco_meter_is_large(session->meter),
                                               .group_fd = -1};
    eco_accounting_ask(&session->accounting, call, session->meter, &scope);
    eco_session_start_live(session);
    eco_session_start_gpus(session, GPUS_WAIT_NS);
    eco_accounting_await(&session->accounting, session->meter, eco_now_ns() + ACCOUNTING_WAIT_NS);
    session->started_real_ns = eco_clock_system.real_ns(&eco_clock_system);
    r = eco_meter_begin(session->meter);
    if (r >= 0 && session->selection && !call->settings.wait) {
        r = eco_select_check(session->meter, session->selection, why);
        if (r < 0)
            return r;
    }
    if (r < 0 && r != -ESRCH)
        eco_why_set(why, "the first look failed: %s", strerror(-r));
    return r == -ESRCH ? 0 : r;
}

/* A look between two frames (so that no counter wraps unseen) counts for nothing. */
static bool ends_frame(const struct eco_session *session, uint64_t at_ns)
{
    uint64_t interval = session->begin.interval_ns;
    return at_ns + interval / 2 >= session->last_t1_ns + interval;
}

/* Trees, containers and jobs end; units and users may come again, and so may what is waited for. */
static bool ends_with_last(const struct watched *watched, const struct eco_settings *settings)
{
    unsigned again = settings->units.count + settings->users.count;
    return watched->count > 0 ||
           (settings->containers.count + settings->jobs.count > 0 && !again && !settings->wait);
}

static void watch(struct eco_session *session, const struct eco_settings *settings, bool trees,
                  const sigset_t *ends)
{
    uint64_t end = settings->duration_ns ? eco_now_ns() + settings->duration_ns : UINT64_MAX;
    uint64_t frames = 0;
    while (!eco_outputs_hung_up(&session->outputs)) {
        uint64_t next = eco_meter_next_ns(session->meter);
        bool last = end != UINT64_MAX && next + LAST_SLACK_NS >= end; /* no frame of a moment at the end */
        if (sleep_until(ends, last ? end : next) || last)
            break;
        if (settings->count && frames + 1 >= settings->count && ends_frame(session, next))
            break;
        uint64_t before = session->last_seq;
        bool delivered = session->delivered;
        (void)sigprocmask(SIG_UNBLOCK, ends, NULL);
        eco_accounting_take(&session->accounting, session->meter);
        (void)eco_meter_tick(session->meter);
        (void)sigprocmask(SIG_BLOCK, ends, NULL);
        uint32_t alive = eco_session_deliver(session);
        frames += !delivered || session->last_seq != before;
        if (asked_to_end || (trees && alive == 0))
            break;
    }
    eco_session_edge(session, true);
    eco_accounting_finish(&session->accounting);
    (void)eco_meter_end(session->meter);
    (void)eco_session_deliver(session);
}

static int run(struct eco_call *call)
{
    struct eco_why why = {0};
    struct watched watched = {.count = 0};
    if (eco_session_check(call, &why) < 0)
        return eco_fail(call->command, ECO_EXIT_MISUSE, &why);
    if (!collect_pids(&call->settings.pids, &watched))
        return eco_failf(call->command, ECO_EXIT_MISUSE, "more than %d process ids", PIDS_MAX);
    static uint32_t uids[ECO_SELECTED_MAX];
    struct eco_selection selection;
    if (eco_select(&call->settings, uids, &selection, &why) < 0)
        return eco_fail(call->command, ECO_EXIT_MISUSE, &why);
    if (watched.count > 0 && !eco_selection_is_empty(&selection))
        return eco_failf(call->command, ECO_EXIT_MISUSE,
                         "-p does not go with --container, --job, --unit and --user");
    sigset_t ends;
    take_signals(&ends);
    static struct eco_session session;
    eco_session_init(&session, call, NULL);
    session.selection = eco_selection_is_empty(&selection) ? NULL : &selection;
    int r = open_all(&session, call, &watched, &why);
    if (r < 0) {
        eco_session_finish(&session);
        if (!*why.text)
            eco_why_set(&why, "%s", strerror(-r));
        return eco_fail(call->command, ECO_EXIT_MISUSE, &why);
    }
    offer_tree(call, &watched);
    eco_session_begin(&session, call->settings.record);
    watch(&session, &call->settings, ends_with_last(&watched, &call->settings), &ends);
    r = eco_session_make_report(&session);
    if (r == 0)
        eco_session_end(&session, true);
    bool hung_up = eco_outputs_hung_up(&session.outputs);
    eco_session_finish(&session);
    if (r < 0 && !hung_up)
        return eco_failf(call->command, ECO_EXIT_MISUSE, "no totals: %s", strerror(-r));
    return 0;
}

static const struct eco_option options[] = {
    {.name = "pid",
     .letter = 'p',
     .kind = ECO_OPTION_LIST,
     .value = "PID[,PID]",
     .check = eco_check_pids,
     .offset = offsetof(struct eco_settings, pids),
     .help = "Measure these processes and all that descends from them; without it the whole machine"},
    {.name = "container",
     .kind = ECO_OPTION_LIST,
     .value = "ID",
     .check = eco_check_filled,
     .offset = offsetof(struct eco_settings, containers),
     .help = "Measure the processes of this container, or Kubernetes pod: the beginning of its id, or its "
             "name; may "
             "be repeated"},
    {.name = "job",
     .kind = ECO_OPTION_LIST,
     .value = "ID",
     .check = eco_check_filled,
     .offset = offsetof(struct eco_settings, jobs),
     .help =
         "Measure the processes of this Slurm job: 3, 2_1 of an array, or all of array 2; may be repeated"},
    {.name = "unit",
     .kind = ECO_OPTION_LIST,
     .value = "NAME",
     .check = eco_check_filled,
     .offset = offsetof(struct eco_settings, units),
     .help = "Measure the processes of this systemd unit, or slice: nginx, user.slice; may be repeated"},
    {.name = "user",
     .kind = ECO_OPTION_LIST,
     .value = "NAME",
     .check = eco_check_filled,
     .offset = offsetof(struct eco_settings, users),
     .help = "Measure the processes of this user, by name or number; may be repeated. What several kinds of "
             "these "
             "name must hold together"},
    {.name = "wait",
     .kind = ECO_OPTION_FLAG,
     .offset = offsetof(struct eco_settings, wait),
     .help = "Wait for what is chosen to appear, and for it to come again"},
    {.name = "duration",
     .kind = ECO_OPTION_DURATION,
     .value = "TIME",
     .min = ECO_NS_PER_MS,
     .max = 8784ull * 3600 * ECO_NS_PER_S,
     .offset = offsetof(struct eco_settings, duration_ns),
     .help = "End after TIME"},
    {.name = "count",
     .kind = ECO_OPTION_COUNT,
     .value = "N",
     .min = 1,
     .offset = offsetof(struct eco_settings, count),
     .help = "End after N intervals"},
    {.name = "record",
     .kind = ECO_OPTION_FLAG,
     .offset = offsetof(struct eco_settings, record),
     .help = "Keep a record, as run does"},
    {0}};
static const struct eco_option *const tables[] = {options,
                                                  eco_options_report,
                                                  eco_options_output,
                                                  eco_options_measure,
                                                  eco_options_impact,
                                                  eco_options_paths,
                                                  eco_options_common,
                                                  NULL};
static const struct eco_example examples[] = {
    {"ecocode monitor", "the whole machine, one line a second; totals at Ctrl-C"},
    {"ecocode monitor -p 1234 --duration 1m", "a process and all that descends from it, for a minute"},
    {"ecocode monitor --by container", "who on this machine uses how much; sorted by watts"},
    {"ecocode monitor --job 4711 -o job.json", "a Slurm job until it ends"},
    {"ecocode monitor --interval 10s > power.csv", "CSV where the output is no terminal"},
    {0}};

const struct eco_command eco_command_monitor = {
    .name = "monitor",
    .summary = "Watch the power of the machine or of running processes",
    .usage = "[-p PID[,PID]] [--container ID] [--job ID] [options]",
    .description = "Prints one line per interval: time, watts, CPU, memory, watts by part of the machine, "
                   "joules so far. On a "
                   "terminal that is a table, otherwise CSV. The totals follow at Ctrl-C, after --count or "
                   "--duration, or when "
                   "the last of the given processes, or of the chosen containers and jobs, has "
                   "ended.\n\nWatching a quiet machine teaches ecocode "
                   "its idle power, which "
                   "later runs take out.",
    .examples = examples,
    .options = tables,
    .run = run,
};
