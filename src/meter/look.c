/* SPDX-License-Identifier: MIT */
/* One look at everything, as close together as can be: CPUs, energy, processes. */
#include "base/counter.h"
#include "base/mem.h"
#include "meter/meter_internal.h"

#include <errno.h>
#include <string.h>

/* Frequencies cost a file per CPU: read them where some figure depends on them, on machines of a sane size.
 */
#define FREQUENCY_CPUS_MAX 64u
#define PAIR_NS            ECO_NS_PER_MS
#define PAIR_TRIES         4

static bool wants_frequencies(const struct eco_meter *meter)
{
    if (meter->activity.cpu_count > FREQUENCY_CPUS_MAX)
        return false;
    for (unsigned d = 0; d < meter->domain_count; d++)
        if (meter->domains[d].model_ratio > 0)
            return true;
    return meter->has_topology &&
           (meter->env->host->topology.is_hybrid || meter->env->host->topology.has_smt);
}

static int keep_cpus_before(struct eco_meter *meter)
{
    uint32_t n = meter->activity.cpu_count;
    meter->activity_before_ns = meter->activity.time_ns;
    if (n > meter->cpus_before_count) {
        struct eco_cpu_busy *grown =
            eco_reallocarray(meter->cpus_before, meter->cpus_before_count, n, sizeof *grown);
        if (!grown)
            return -ENOMEM;
        meter->cpus_before = grown;
        meter->cpus_before_count = n;
    }
    if (n)
        memcpy(meter->cpus_before, meter->activity.cpus, n * sizeof *meter->cpus_before);
    return 0;
}

/* How long the machine has slept since it was switched on, exact to PAIR_NS: the two clocks cannot be read at
 * once, and who reads them may have to wait in between. */
static uint64_t read_asleep_ns(const struct eco_clock *clock)
{
    uint64_t asleep_ns = 0;
    for (unsigned i = 0; i < PAIR_TRIES; i++) {
        uint64_t before_ns = clock->mono_ns(clock), boot_ns = clock->boot_ns(clock);
        uint64_t after_ns = clock->mono_ns(clock);
        asleep_ns = eco_sub_sat(boot_ns, before_ns);
        if (after_ns - before_ns < PAIR_NS)
            break;
    }
    return asleep_ns;
}

/* A sensor's driver may take its time, or never answer: no lock is held meanwhile, so that what is known
 * already can be told. */
int eco_meter_look_at_sensors(struct eco_meter *meter, bool close_all)
{
    int r = keep_cpus_before(meter);
    if (r < 0)
        return r;
    r = eco_busy_read(meter->busy, wants_frequencies(meter), &meter->activity);
    meter->has_new_busy = r >= 0;
    if (r >= 0)
        eco_meter_refine_busy(meter);
    eco_group_read(meter->group, r >= 0 ? &meter->activity : NULL, close_all, meter->energies);
    meter->now_ns = meter->env->clock->mono_ns(meter->env->clock);
    meter->asleep_ns = read_asleep_ns(meter->env->clock);
    return 0;
}

/* Names, and what tells domains apart, stay: readers of frames look at them without a lock. */
static void refresh_domain(struct eco_domain *own, const struct eco_domain *now)
{
    memcpy(own->sources, now->sources, sizeof own->sources);
    own->source_count = now->source_count;
    own->active_source = now->active_source;
    own->quality = now->quality;
    own->period_ns = now->period_ns;
    own->quantum_uj = now->quantum_uj;
    own->max_uw = now->max_uw;
    own->alpha = now->alpha;
    own->model_idle_uw = now->model_idle_uw;
    own->model_ratio = now->model_ratio;
    if (own->counted != now->counted)
        own->counted = now->counted;
}

/* What the table says of everybody is cut to those that were chosen. */
static void count_selected(struct eco_meter *meter)
{
    struct eco_usage *usage = &meter->usage;
    usage->job_alive = usage->job_count = 0;
    usage->job_user_ns = usage->job_system_ns = 0;
    for (uint32_t i = 0; i < usage->identity_count; i++)
        if (usage->identity_alive[i] && eco_selection_matches(meter->extra.selection, usage->identities[i]))
            usage->job_alive += usage->identity_alive[i];
}

int eco_meter_look_at_procs(struct eco_meter *meter, bool final)
{
    unsigned count;
    const struct eco_domain *domains = eco_group_domains(meter->group, &count);
    if (meter->has_new_busy)
        eco_procs_tell_busy(meter->procs, meter->activity.busy_ns, meter->activity.grain_ns);
    int r = eco_procs_look(meter->procs, final, &meter->usage);
    eco_meter_see_feed(meter);
    if (meter->extra.selection)
        count_selected(meter);
    meter->look_before_ns = meter->look_ns;
    meter->look_ns = meter->now_ns;
    for (unsigned d = 0; d < meter->domain_count; d++)
        refresh_domain(&meter->domains[d], &domains[d]);
    return r == -ESRCH ? 0 : r;
}

double *eco_meter_scratch(struct eco_meter *meter, size_t n)
{
    if (n > meter->scratch_capacity) {
        size_t capacity = n < 256 ? 256 : n * 2;
        double *fresh = eco_calloc(capacity, sizeof *fresh);
        if (!fresh)
            return NULL;
        free(meter->scratch);
        meter->scratch = fresh;
        meter->scratch_capacity = capacity;
    }
    return meter->scratch;
}
