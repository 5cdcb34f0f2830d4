/* SPDX-License-Identifier: MIT */
/* calibrate: measures this machine itself, once, so that every later run knows it better. */
#include "base/mem.h"
#include "base/parse.h"
#include "base/text.h"
#include "cli/calibrate.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#define DURATION_NS (40 * ECO_NS_PER_S)

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
    return eco_calibrate_keep(call, probe, &result, why);
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
    int r = eco_calibrate_measure(call, probe, plan, &result, &watch, why);
    if (r == 0)
        r = eco_calibrate_keep(call, probe, &result, why);
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
