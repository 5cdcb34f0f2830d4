/* SPDX-License-Identifier: MIT */
/*
 * What a run without a private cgroup missed: children that nobody waits for (their parent ignores
 * SIGCHLD) leave no trace in any process' times. Everybody is looked at twice, soon after the start and at
 * the end; busy time that neither the job nor any stranger explains was lost. Not in the sampling path.
 */
#include "base/counter.h"
#include "base/parse.h"
#include "meter/meter_internal.h"

#include <string.h>

/* The first look is made at the baseline only where it is quick: so many threads exist at most. */
#define EARLY_TASKS_MAX 400u
/* Busy time and process clocks are not read at one instant: less than this is no evidence. */
#define NOISE_RATIO 0.01

static uint64_t explained_by_strangers(struct eco_meter *meter, bool *ret_ok)
{
    struct eco_usage usage;
    *ret_ok = eco_procs_look(meter->strangers, true, &usage) == 0;
    for (uint32_t i = 0; *ret_ok && i < usage.changed_count; i++) {
        const struct eco_proc *proc = usage.changed[i];
        meter->strangers_cpu_ns += eco_sub_sat(proc->cpu_ns, proc->base_cpu_ns);
    }
    return meter->strangers_cpu_ns;
}

static void open_strangers(struct eco_meter *meter)
{
    const struct eco_procs_options options = {
        .scope = ECO_SCOPE_MACHINE, .no_cmdline = true, .cgroup_dir_fd = -1};
    struct eco_usage usage;
    if (eco_procs_open(&eco_procs_scan, meter->env, &options, &meter->strangers, NULL) < 0)
        return;
    if (eco_procs_look(meter->strangers, false, &usage) < 0)
        return;
    meter->strangers_ready = true;
    meter->strangers_begin_busy_ns = meter->activity.busy_ns;
}

/* Threads of the machine: "0.00 0.01 0.05 1/123 4567" gives 123. Unknown counts as many. */
static uint64_t count_tasks(const struct eco_meter *meter)
{
    char text[128];
    uint64_t tasks;
    if (eco_root_read(meter->env->root, ECO_PROCFS, "loadavg", text, sizeof text) < 0)
        return UINT64_MAX;
    const char *at = strchr(text, '/');
    if (!at)
        return UINT64_MAX;
    at++;
    return eco_scan_u64(&at, &tasks) < 0 ? UINT64_MAX : tasks;
}

static void judge(struct eco_meter *meter)
{
    bool ok;
    uint64_t busy = eco_sub_sat(meter->activity.busy_ns, meter->strangers_begin_busy_ns);
    uint64_t explained = explained_by_strangers(meter, &ok);
    uint64_t job = meter->rows_cpu_ns + meter->short_cpu_ns;
    if (!ok)
        return;
    double lost_ns = (double)busy - (double)explained;
    double noise_ns = 2.0 * (double)meter->activity.grain_ns * meter->activity.cpu_count +
                      8e6 * meter->activity.cpu_count + NOISE_RATIO * (double)busy;
    meter->lost_cpu_ns = lost_ns > noise_ns ? lost_ns : 0;
    meter->caught_ratio = job > 0 ? (double)job / ((double)job + meter->lost_cpu_ns) : 1;
}

void eco_meter_watch_strangers(struct eco_meter *meter, bool final)
{
    if (meter->usage.job_is_exact || (meter->options.flags & ECO_METER_MACHINE)) {
        meter->caught_ratio = 1;
        return;
    }
    if (final && meter->activity.forks && meter->activity.forks == meter->forks_begin) {
        meter->caught_ratio = 1; /* nobody forked: nothing can have escaped */
        return;
    }
    if (!final && !meter->strangers && (meter->seq || count_tasks(meter) <= EARLY_TASKS_MAX))
        open_strangers(meter);
    if (final && meter->strangers_ready)
        judge(meter);
}
