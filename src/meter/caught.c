/* SPDX-License-Identifier: MIT */
/*
 * What a run without a private cgroup missed: children that nobody waits for (their parent ignores
 * SIGCHLD) leave no trace in any process' times. Everybody is looked at twice, soon after the start and at
 * the end; busy time that neither the job nor any stranger explains was lost. Not in the sampling path.
 */
#include "base/counter.h"
#include "meter/meter_internal.h"

#include <math.h>

/* Busy time and process clocks are not read at one instant: less than this is no evidence. */
#define NOISE_RATIO 0.01
#define TOLD_RATIO  0.99
#define DELAY_NS    (20 * ECO_NS_PER_MS)

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
    meter->has_looked_at_strangers = true;
    if (eco_procs_open(&eco_procs_scan, meter->env, &options, &meter->strangers, NULL) < 0)
        return;
    if (eco_procs_look(meter->strangers, false, &usage) < 0)
        return;
    meter->strangers_ready = true;
    meter->strangers_begin_busy_ns = meter->activity.busy_ns;
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

/* When everybody is to be looked at for the first time: not before the command runs, which it must not keep
 * waiting, but soon. UINT64_MAX = never, or done. */
uint64_t eco_meter_strangers_due_ns(const struct eco_meter *meter)
{
    if (!eco_meter_needs_strangers(meter) || meter->has_looked_at_strangers || atomic_load(&meter->is_told))
        return UINT64_MAX;
    return meter->begin_ns + DELAY_NS;
}

/* Before the kernel told of everybody children that nobody waits for went unseen. The job was as busy then as
 * since, as far as can be told. */
static double missed_before_feed_ns(const struct eco_meter *meter, double job_ns)
{
    double before_ns = (double)eco_meter_before_feed_ns(meter);
    double all_ns = (double)eco_sub_sat(meter->look_ns, meter->begin_ns);
    if (!(before_ns > 0) || all_ns <= before_ns)
        return 0;
    double known_ns = (double)meter->feed_job_ns, rate = (job_ns - known_ns) / (all_ns - before_ns);
    return fmax(0, rate * before_ns - known_ns);
}

void eco_meter_watch_strangers(struct eco_meter *meter, bool final)
{
    if (!eco_meter_needs_strangers(meter)) {
        meter->caught_ratio = 1;
        return;
    }
    /* Whose time went by unseen with the events that were lost nobody can tell: neither how much. */
    if (meter->feed.lost_events > 0) {
        meter->caught_ratio = ECO_NAN;
        return;
    }
    if (final && meter->forks_begin && eco_busy_read_forks(meter->busy) == meter->forks_begin) {
        meter->caught_ratio = 1; /* nobody forked: nothing can have escaped */
        return;
    }
    /* The kernel told of everybody, from so soon on that no more than this can have been missed. */
    if (meter->feed.is_in_place && meter->feed.is_whole) {
        double job_ns = (double)(meter->rows_cpu_ns + meter->short_cpu_ns);
        double missed_ns = missed_before_feed_ns(meter, job_ns);
        meter->caught_ratio = missed_ns > 0 ? job_ns / (job_ns + missed_ns) : 1;
        if (meter->caught_ratio >= TOLD_RATIO || !meter->strangers_ready)
            return;
    }
    if (!final && eco_meter_strangers_due_ns(meter) <= meter->look_ns)
        open_strangers(meter);
    if (final && meter->strangers_ready)
        judge(meter);
}
