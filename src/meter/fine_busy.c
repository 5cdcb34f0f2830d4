/* SPDX-License-Identifier: MIT */
/*
 * Busy time of CPUs by their switches, where the books of the kernel that can be read have a grain of ticks.
 * The ticks are right in the long run (steal, CPUs that went away), the switches in the short: so the fine
 * sum never leaves the coarse one by more than two grains.
 */
#include "base/counter.h"
#include "base/mem.h"
#include "meter/meter_internal.h"

#include <errno.h>
#include <string.h>

#define GRAINS 2

static int reserve(struct eco_meter *meter, uint32_t count)
{
    if (count <= meter->fine_count)
        return 0;
    struct eco_fine_busy *grown = eco_reallocarray(meter->fine, meter->fine_count, count, sizeof *grown);
    if (grown)
        meter->fine = grown;
    struct eco_cpu_busy *cpus =
        grown ? eco_reallocarray(meter->fine_cpus, meter->fine_count, count, sizeof *cpus) : NULL;
    if (!cpus)
        return -ENOMEM;
    meter->fine_cpus = cpus;
    meter->fine_count = count;
    return 0;
}

/* One CPU: cumulative, near the coarse sum. */
static uint64_t refine(struct eco_fine_busy *fine, uint64_t coarse_ns, uint64_t idle_ns, uint64_t now_ns,
                       uint64_t slack_ns)
{
    if (!fine->since_ns)
        *fine = (struct eco_fine_busy){.since_ns = now_ns, .idle_ns = idle_ns, .base_ns = coarse_ns};
    uint64_t busy = fine->base_ns + eco_sub_sat(now_ns - fine->since_ns, eco_sub_sat(idle_ns, fine->idle_ns));
    uint64_t least = eco_sub_sat(coarse_ns, slack_ns), most = coarse_ns + slack_ns;
    if (busy >= least && busy <= most)
        return busy;
    busy = busy < least ? least : most; /* from here on anew */
    *fine = (struct eco_fine_busy){.since_ns = now_ns, .idle_ns = idle_ns, .base_ns = busy};
    return busy;
}

static bool refine_all(struct eco_meter *meter, uint32_t count)
{
    uint64_t slack_ns = GRAINS * meter->activity.grain_ns, idle_ns;
    for (uint32_t cpu = 0; cpu < count; cpu++) {
        const struct eco_cpu_busy *coarse = &meter->activity.cpus[cpu];
        if (eco_procs_idle_ns(meter->procs, cpu, &idle_ns) < 0)
            return false;
        uint64_t now_ns = meter->env->clock->mono_ns(meter->env->clock),
                 before_ns = meter->fine_cpus[cpu].busy_ns;
        meter->fine_cpus[cpu] = *coarse;
        meter->fine_cpus[cpu].busy_ns = refine(&meter->fine[cpu], coarse->busy_ns, idle_ns, now_ns, slack_ns);
        if (meter->fine_cpus[cpu].busy_ns < before_ns)
            meter->fine_cpus[cpu].busy_ns = before_ns;
    }
    return true;
}

void eco_meter_refine_busy(struct eco_meter *meter)
{
    struct eco_activity *activity = &meter->activity;
    uint32_t count = activity->cpu_count;
    if (activity->grain_ns <= 1)
        return;
    (void)pthread_mutex_lock(&meter->procs_lock);
    bool is_good = reserve(meter, count) == 0 && refine_all(meter, count);
    (void)pthread_mutex_unlock(&meter->procs_lock);
    if (!is_good) {
        if (meter->fine_count > 0)
            memset(meter->fine, 0, meter->fine_count * sizeof *meter->fine);
        return;
    }
    activity->cpus = meter->fine_cpus;
    activity->grain_ns = 1;
    activity->busy_ns = 0;
    for (uint32_t cpu = 0; cpu < count; cpu++)
        activity->busy_ns += meter->fine_cpus[cpu].busy_ns;
}
