/* SPDX-License-Identifier: MIT */
/* calibrate: measures this machine itself, once, so that every later run knows it better. */
#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"
#include "cli/calibrate.h"
#include "meter/state_file.h"
#include "procs/procs.h"
#include "store/state_dir.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DURATION_NS (40 * ECO_NS_PER_S)
#define QUIET_NS    ECO_NS_PER_S /* before anything is loaded */
#define QUIET_CPUS  0.1          /* busy CPUs of a quiet machine; a large one has always something to do */
#define QUIET_RATIO 0.005
#define CULPRITS    4
#define CULPRIT_MIN 0.01

static void on_signal(int number)
{
    eco_calibrate_asked_to_end = number;
}

/* The second signal ends us at once: the kernel then ends the load too. */
static void take_signals(void)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    for (size_t i = 0; i < ECO_COUNT(ends); i++) {
        struct sigaction found;
        if (sigaction(ends[i], NULL, &found) == 0 && found.sa_handler != SIG_IGN)
            (void)sigaction(ends[i], &action, NULL);
    }
}

static int end_by_signal(const struct eco_call *call)
{
    (void)eco_failf(call->command, 0, "interrupted: nothing has changed");
    (void)fflush(NULL);
    (void)signal(eco_calibrate_asked_to_end, SIG_DFL);
    (void)raise(eco_calibrate_asked_to_end);
    return ECO_EXIT_MISUSE;
}

static int find_allowed(const struct eco_topology *topology, bool **ret)
{
    size_t size = CPU_ALLOC_SIZE(ECO_CPUS_MAX);
    cpu_set_t *set = eco_calloc(1, size);
    bool *allowed = eco_calloc(topology->cpu_count + 1, sizeof *allowed);
    int r = set && allowed ? 0 : -ENOMEM;
    if (r == 0 && sched_getaffinity(0, size, set) < 0)
        r = -errno;
    for (uint32_t cpu = 0; r == 0 && cpu < topology->cpu_count; cpu++)
        allowed[cpu] = CPU_ISSET_S(cpu, size, set);
    free(set);
    if (r < 0)
        free(allowed);
    else
        *ret = allowed;
    return r;
}

/* ---- is the machine quiet? ---- */

static double quiet_limit(const struct eco_probe *probe)
{
    return fmax(QUIET_CPUS, QUIET_RATIO * probe->host.topology.online_count);
}

static double used_s(const struct eco_proc *proc)
{
    bool is_other =
        !(proc->flags & ECO_PROC_SELF) && proc->pid != (int32_t)getpid() && proc->cpu_ns > proc->base_cpu_ns;
    return is_other ? (double)(proc->cpu_ns - proc->base_cpu_ns) * 1e-9 : 0;
}

/* "cc1 (4711) 93 %, ..." */
static void name_culprits(const struct eco_usage *usage, double span_s, char *ret, size_t size)
{
    const struct eco_proc *told[CULPRITS] = {NULL};
    size_t length = 0;
    ret[0] = '\0';
    for (unsigned n = 0; n < CULPRITS; n++) {
        const struct eco_proc *most = NULL;
        for (uint32_t i = 0; i < usage->changed_count; i++) {
            const struct eco_proc *proc = usage->changed[i];
            bool is_told = false;
            for (unsigned k = 0; k < n; k++)
                is_told |= told[k] == proc;
            if (!is_told && used_s(proc) >= CULPRIT_MIN * span_s && (!most || used_s(proc) > used_s(most)))
                most = proc;
        }
        if (!most)
            return;
        told[n] = most;
        char name[32];
        eco_text_clean(name, sizeof name, most->name, strlen(most->name), true);
        int more = snprintf(ret + length, size - length, "%s%s (%d) %.0f %%", n ? ", " : "", name, most->pid,
                            100 * used_s(most) / span_s);
        if (more < 0 || (size_t)more >= size - length)
            return;
        length += (size_t)more;
    }
}

static void say_busy(struct eco_procs *procs, double busy, double limit, double span_s, struct eco_why *why)
{
    struct eco_usage usage = {.changed_count = 0};
    char names[160] = "";
    if (procs && eco_procs_look(procs, false, &usage) >= 0)
        name_culprits(&usage, span_s, names, sizeof names);
    eco_why_set(why, "the machine is not quiet: %.2f CPUs are busy (at most %.2f)%s%s", busy, limit,
                *names ? ": " : "", names);
    eco_why_fix(why, "ecocode calibrate when nothing else runs (--force all the same)");
}

/* The idle part. -EBUSY with a reason where others use the machine. */
static int watch_idle(struct eco_watch *watch, const struct eco_plan *plan, bool force, struct eco_why *why)
{
    const struct eco_procs_options options = {
        .scope = ECO_SCOPE_MACHINE, .no_cmdline = true, .cgroup_dir_fd = -1};
    struct eco_procs *procs = NULL;
    struct eco_usage usage;
    if (eco_procs_open(&eco_procs_scan, &watch->probe->env, &options, &procs, NULL) == 0 &&
        eco_procs_look(procs, false, &usage) < 0)
        procs = eco_procs_free(procs);
    uint64_t first_ns = plan->idle_ns < QUIET_NS ? plan->idle_ns : QUIET_NS;
    double limit = quiet_limit(watch->probe);
    int r = eco_watch_begin(watch);
    if (r == 0)
        r = eco_watch_for(watch, first_ns, UINT_MAX, true, "is it quiet");
    if (r == 0 && !force && eco_watch_busy(watch) > limit)
        r = -EBUSY;
    if (r == 0 && plan->idle_ns > first_ns)
        r = eco_watch_for(watch, plan->idle_ns - first_ns, UINT_MAX, true, "idle power");
    if (r == 0 && !force && eco_watch_busy(watch) > limit)
        r = -EBUSY;
    if (r == -EBUSY)
        say_busy(procs, eco_watch_busy(watch), limit, (double)(watch->last_ns - watch->first_ns) * 1e-9, why);
    (void)eco_procs_free(procs);
    return r;
}

/* ---- levels of load ---- */

static int hold_level(struct eco_watch *watch, const struct eco_plan *plan, unsigned index, unsigned number)
{
    const struct eco_level *level = &plan->levels[index];
    struct eco_load load;
    char what[48];
    uint32_t *cpus = eco_calloc(plan->count, sizeof *cpus);
    if (!cpus)
        return -ENOMEM;
    (void)snprintf(what, sizeof what, "%u thread%s", level->threads, level->threads == 1 ? "" : "s");
    unsigned count = eco_plan_cpus(plan, &watch->probe->host.topology, level, cpus);
    int r = eco_load_start(&load, cpus, count);
    free(cpus);
    if (r < 0)
        return r;
    r = eco_watch_for(watch, plan->settle_ns, UINT_MAX, false, what);
    if (r == 0)
        r = eco_watch_begin(watch);
    if (r == 0)
        r = eco_watch_for(watch, plan->hold_ns, number, level->threads == plan->levels[0].threads, what);
    eco_load_stop(&load);
    if (r == 0)
        eco_watch_take_point(watch, level);
    return r;
}

static int watch_levels(struct eco_watch *watch, const struct eco_plan *plan)
{
    int r = 0;
    for (unsigned pass = 0; pass < plan->passes && r == 0; pass++)
        for (unsigned i = 0; i < plan->level_count && r == 0; i++)
            r = hold_level(watch, plan, pass % 2 ? plan->level_count - 1 - i : i,
                           pass * plan->level_count + i);
    return r;
}

static int measure(const struct eco_call *call, struct eco_probe *probe, const struct eco_plan *plan,
                   struct eco_result *result, struct eco_watch *watch, struct eco_why *why)
{
    int r = eco_watch_init(watch, probe, plan);
    if (r < 0)
        return r;
    watch->shows_progress = isatty(STDERR_FILENO) == 1;
    uint64_t each_ns = plan->settle_ns + plan->hold_ns;
    watch->end_ns = probe->env.clock->mono_ns(probe->env.clock) + plan->idle_ns +
                    (uint64_t)plan->passes * plan->level_count * each_ns;
    r = watch_idle(watch, plan, call->settings.force, why);
    if (r == 0)
        r = watch_levels(watch, plan);
    eco_watch_end_progress(watch);
    if (r == 0)
        r = eco_result_make(watch, result, why);
    return r;
}

/* ---- where it is kept ---- */

static int format_file(const struct eco_probe *probe, const struct eco_calibration *calibration,
                       const char *path)
{
    char regime[ECO_REGIME_SIZE];
    struct eco_buf out;
    eco_regime_find(&probe->env, regime);
    eco_buf_init(&out, 65536);
    eco_buf_text(&out, "ecocode.calibration/1\n");
    eco_calibration_format(calibration, regime, &out);
    int r = eco_buf_error(&out);
    if (r == 0)
        r = eco_state_file_replace(path, out.data, out.length);
    eco_buf_finish(&out);
    return r;
}

/* The machine's place where we may write there, else the user's own. */
static int keep(const struct eco_call *call, const struct eco_probe *probe,
                const struct eco_calibration *calibration, char *ret_where, size_t size, struct eco_why *why)
{
    const struct eco_settings *settings = &call->settings;
    if (settings->calibration_file) {
        int r = format_file(probe, calibration, settings->calibration_file);
        eco_text_copy(ret_where, size, settings->calibration_file);
        if (r < 0)
            eco_why_set(why, "%.200s: %s", settings->calibration_file, strerror(-r));
        return r;
    }
    const char *dir = settings->calibration ? settings->calibration : ECO_CALIBRATION_DIR;
    eco_text_copy(ret_where, size, dir);
    int r = geteuid() == 0 || settings->calibration
                ? eco_calibration_save(&probe->env, dir, true, calibration)
                : -EACCES;
    if (r == -EACCES || r == -EPERM || r == -EROFS) {
        char own[PATH_MAX];
        if (eco_state_dir(own, sizeof own)) {
            r = eco_calibration_save(&probe->env, own, false, calibration);
            eco_text_copy(ret_where, size, own);
        }
    }
    if (r < 0)
        eco_why_set(why, "it could not be kept in %.200s: %s", ret_where, strerror(-r));
    return r;
}

static int tell(const struct eco_call *call, const struct eco_probe *probe, const struct eco_result *result,
                struct eco_why *why)
{
    char where[PATH_MAX], regime[ECO_REGIME_SIZE];
    int r = keep(call, probe, &result->calibration, where, sizeof where, why);
    eco_regime_find(&probe->env, regime);
    if (call->settings.json) {
        int written = eco_result_write_json(result, regime, r < 0 ? NULL : where);
        return r < 0 ? r : written;
    }
    if (result->domain_count)
        eco_result_write(result);
    else
        (void)printf("By a wall meter: %.4g W idle, %.4g W with all CPUs busy. Estimates are now those\n"
                     "of the whole machine at the wall, within a factor of 1.6; what they hold beside\n"
                     "the CPU is not taken off.\n",
                     result->calibration.wall_idle_w, result->calibration.wall_busy_w);
    if (r < 0)
        return r;
    char text[PATH_MAX + 200], clean[PATH_MAX];
    eco_text_clean(clean, sizeof clean, where, strlen(where), true);
    bool is_own = !call->settings.calibration_file && strcmp(where, ECO_CALIBRATION_DIR) != 0 &&
                  !(call->settings.calibration && strcmp(where, call->settings.calibration) == 0);
    (void)snprintf(text, sizeof text,
                   "Kept in %s, for this governor, power source, power limit and number of CPUs%s", clean,
                   is_own ? " (for you alone; as root it is the machine's)" : "");
    (void)printf("\n");
    eco_help_fill(stdout, text, 0, 0);
    return 0;
}

/* ---- the command ---- */

static int by_wall(const struct eco_call *call, const struct eco_probe *probe, bool has_sensor,
                   struct eco_why *why)
{
    static struct eco_result result;
    const struct eco_settings *settings = &call->settings;
    struct eco_calibration *calibration = &result.calibration;
    eco_calibration_init(calibration);
    if (!settings->meter_idle || !settings->meter_busy) {
        eco_why_set(why, "a wall meter's two figures go together: --meter-idle 45W --meter-busy 120W");
        return -EINVAL;
    }
    if (has_sensor) {
        eco_why_set(why,
                    "the CPU of this machine is measured: a wall meter's figures are for machines without "
                    "a sensor");
        return -EINVAL;
    }
    if (eco_parse_power(settings->meter_idle, &calibration->wall_idle_w) < 0 ||
        eco_parse_power(settings->meter_busy, &calibration->wall_busy_w) < 0 ||
        !(calibration->wall_busy_w > calibration->wall_idle_w) || calibration->wall_busy_w > 1e6) {
        eco_why_set(why, "--meter-busy must be more than --meter-idle");
        return -EINVAL;
    }
    result.sigma = result.gamma = (struct eco_constant){.why = "a wall meter does not tell"};
    calibration->at_real_s = probe->env.clock->real_ns(probe->env.clock) / (int64_t)ECO_NS_PER_S;
    eco_text_copy(calibration->cpu_model, sizeof calibration->cpu_model, probe->host.cpu_model);
    if (settings->dry_run) {
        (void)printf("Would keep %.4g W idle and %.4g W busy at the wall.\n", calibration->wall_idle_w,
                     calibration->wall_busy_w);
        return 0;
    }
    return tell(call, probe, &result, why);
}

/* All CPUs busy, so that a wall meter can be read. */
static int load_only(const struct eco_call *call, const struct eco_plan *plan)
{
    struct eco_load load;
    int r = eco_load_start(&load, plan->order, plan->count);
    if (r < 0)
        return r;
    (void)fprintf(stderr, "%u CPUs are kept busy: read the meter now.\n", plan->count);
    struct timespec left = {(time_t)(call->settings.load_ns / ECO_NS_PER_S),
                            (long)(call->settings.load_ns % ECO_NS_PER_S)};
    while (!eco_calibrate_asked_to_end && nanosleep(&left, &left) < 0 && errno == EINTR) {
    }
    eco_load_stop(&load);
    return eco_calibrate_asked_to_end ? -EINTR : 0;
}

static void write_plan(const struct eco_plan *plan, double seconds, FILE *out, bool is_whole)
{
    (void)fprintf(out,
                  "Calibrating takes %.0f s: idle, then up to %u of %u CPUs busy.\n"
                  "Let nothing else run; Ctrl-C leaves everything as it is.\n",
                  seconds, plan->levels[plan->level_count - 1].threads, plan->count);
    for (unsigned i = 0; is_whole && i < plan->level_count; i++)
        (void)fprintf(out, "   %u thread%s%s\n", plan->levels[i].threads,
                      plan->levels[i].threads == 1 ? "" : "s",
                      plan->levels[i].only_kind > 0  ? ", small cores only"
                      : plan->levels[i].has_siblings ? ", some two to a core"
                                                     : "");
}

static int by_load(const struct eco_call *call, struct eco_probe *probe, const struct eco_plan *plan,
                   struct eco_why *why)
{
    static struct eco_result result;
    static struct eco_watch watch;
    double seconds = (double)(plan->idle_ns + (uint64_t)plan->passes * plan->level_count *
                                                  (plan->settle_ns + plan->hold_ns)) *
                     1e-9;
    write_plan(plan, seconds, call->settings.dry_run ? stdout : stderr, call->settings.dry_run);
    if (call->settings.dry_run)
        return 0;
    int r = measure(call, probe, plan, &result, &watch, why);
    if (r == 0)
        r = tell(call, probe, &result, why);
    eco_watch_finish(&watch);
    return r;
}

static bool has_sensor(const struct eco_probe *probe)
{
    bool any = false, cpu_estimated = false;
    for (unsigned d = 0; d < probe->domain_count; d++) {
        any |= eco_watch_wants(&probe->domains[d]);
        cpu_estimated |= probe->domains[d].kind == ECO_KIND_CPU && probe->domains[d].model_ratio > 0;
    }
    return any && !cpu_estimated;
}

static int calibrate(const struct eco_call *call, struct eco_probe *probe, struct eco_why *why)
{
    const struct eco_settings *settings = &call->settings;
    bool is_measured = has_sensor(probe);
    struct eco_plan plan = {.passes = 1};
    bool *allowed = NULL;
    if (settings->meter_idle || settings->meter_busy)
        return by_wall(call, probe, is_measured, why);
    if (!is_measured && !settings->load_ns) {
        eco_why_set(why,
                    "%s. With a wall meter: read it idle, and with all CPUs busy (ecocode calibrate --load "
                    "60s), then say both",
                    *probe->why.text ? probe->why.text : "no power of the CPU is measured here");
        eco_why_fix(why, "ecocode calibrate --meter-idle 45W --meter-busy 120W");
        return -ENODEV;
    }
    int r = find_allowed(&probe->host.topology, &allowed);
    if (r == 0)
        r = eco_plan_init(&plan, &probe->host.topology, allowed, settings->threads,
                          settings->duration_ns ? settings->duration_ns : DURATION_NS, why);
    free(allowed);
    if (r < 0)
        return r;
    r = settings->load_ns ? load_only(call, &plan) : by_load(call, probe, &plan, why);
    eco_plan_finish(&plan);
    return r;
}

static int run(struct eco_call *call)
{
    struct eco_why why = {{0}, {0}};
    struct eco_probe *probe;
    take_signals();
    int r = eco_probe_open(call, &probe, &why);
    if (r == 0) {
        r = calibrate(call, probe, &why);
        probe = eco_probe_free(probe);
    }
    if (eco_calibrate_asked_to_end)
        return end_by_signal(call);
    if (r < 0 && !*why.text)
        eco_why_set(&why, "%s", strerror(-r));
    return r == 0
               ? 0
               : eco_fail(call->command, r == -EBUSY || r == -EAGAIN ? ECO_EXIT_NO : ECO_EXIT_MISUSE, &why);
}

static int check_power(const char *text, struct eco_why *why)
{
    double watts;
    if (eco_parse_power(text, &watts) == 0)
        return 0;
    eco_why_set(why, "a power: 45W");
    return -EINVAL;
}

#define AT(member) offsetof(struct eco_settings, member)

static const struct eco_option options[] = {
    {.name = "duration",
     .kind = ECO_OPTION_DURATION,
     .value = "TIME",
     .min = ECO_NS_PER_S,
     .max = 3600 * ECO_NS_PER_S,
     .offset = AT(duration_ns),
     .only_here = true,
     .help = "How long all of it may take (40s)"},
    {.name = "threads",
     .kind = ECO_OPTION_TEXT,
     .value = "LIST",
     .offset = AT(threads),
     .only_here = true,
     .help = "How many threads at a time, in place of a choice: 1,2,4-8"},
    {.name = "meter-idle",
     .kind = ECO_OPTION_TEXT,
     .value = "POWER",
     .check = check_power,
     .offset = AT(meter_idle),
     .only_here = true,
     .help = "What a wall meter shows when nothing runs; for machines without a sensor"},
    {.name = "meter-busy",
     .kind = ECO_OPTION_TEXT,
     .value = "POWER",
     .check = check_power,
     .offset = AT(meter_busy),
     .only_here = true,
     .help = "What it shows when all CPUs are busy"},
    {.name = "load",
     .kind = ECO_OPTION_DURATION,
     .value = "TIME",
     .min = ECO_NS_PER_MS,
     .max = 3600 * ECO_NS_PER_S,
     .offset = AT(load_ns),
     .only_here = true,
     .help = "Only keep all CPUs busy for TIME, to read a wall meter"},
    {.name = "force",
     .kind = ECO_OPTION_FLAG,
     .offset = AT(force),
     .only_here = true,
     .help = "Measure although the machine is not quiet"},
    {.name = "dry-run",
     .kind = ECO_OPTION_FLAG,
     .offset = AT(dry_run),
     .only_here = true,
     .help = "Say what would be done; load nothing, keep nothing"},
    {.name = "output",
     .letter = 'o',
     .kind = ECO_OPTION_TEXT,
     .value = "FILE",
     .offset = AT(calibration_file),
     .is_file = true,
     .only_here = true,
     .help = "Keep it in FILE, in place of where it is looked for"},
    {0}};
static const struct eco_option *const tables[] = {options, eco_options_output, eco_options_paths,
                                                  eco_options_common, NULL};
static const struct eco_example examples[] = {
    {"sudo ecocode calibrate", "for all users of this machine; takes 40 s in which nothing else should run"},
    {"ecocode calibrate --dry-run", "what would be loaded, and for how long"},
    {"ecocode calibrate --meter-idle 45W --meter-busy 120W", "no sensor, but a wall meter"},
    {0}};

const struct eco_command eco_command_calibrate = {
    .name = "calibrate",
    .summary = "Measure this machine once: idle power, power by busy CPUs",
    .usage = "[--duration TIME] [options]",
    .description =
        "Watches the machine while nothing runs, then keeps one, two and more CPUs busy and watches what "
        "they "
        "take: cores first, then their second threads. From that follow the idle power of every part, a "
        "curve of "
        "power by busy CPUs, what a second thread of a core adds, what small cores take, and how power "
        "follows "
        "frequency. What cannot be told (a power limit, noise) is said and not kept. Later runs use it, and "
        "tell "
        "what a job added to others and what it would have used alone.\n\n"
        "Refuses a machine that is not quiet (exit status 1). As root it is kept in /var/lib/ecocode for all "
        "users, otherwise for you; the newer one counts. It holds for this CPU, governor, power source, "
        "power "
        "limit and set of CPUs online.",
    .examples = examples,
    .options = tables,
    .run = run,
};
