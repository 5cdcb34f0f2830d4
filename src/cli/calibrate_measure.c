/* SPDX-License-Identifier: MIT */
/* The measurement of `calibrate`: the quiet machine first, then every level of load. */
#include "base/mem.h"
#include "base/text.h"
#include "cli/calibrate.h"
#include "procs/procs.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define QUIET_NS    ECO_NS_PER_S /* before anything is loaded */
#define QUIET_CPUS  0.1          /* busy CPUs of a quiet machine; a large one has always something to do */
#define QUIET_RATIO 0.005
#define CULPRITS    4
#define CULPRIT_MIN 0.01

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

int eco_calibrate_measure(const struct eco_call *call, struct eco_probe *probe, const struct eco_plan *plan,
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
