/* SPDX-License-Identifier: MIT */
/*
 * What comes and goes while a measurement runs: sockets with their zones, sensors of a driver that was
 * loaded, a battery, CPUs. Names of a few directories are looked at every few seconds; only where they differ
 * anything is opened. Domains keep their index and their place in memory, for frames that are out point to
 * them; new ones are appended.
 */
#include "base/counter.h"
#include "base/mem.h"
#include "base/text.h"
#include "meter/meter_internal.h"
#include "platform/host.h"

#include <errno.h>
#include <string.h>

/* 25 us each time: 5 us a second. */
#define WATCH_NS (5 * ECO_NS_PER_S)

static void read_online(const struct eco_meter *meter, char *ret, size_t size)
{
    ssize_t n = eco_root_read(meter->env->root, ECO_SYSFS, "devices/system/cpu/online", ret, size);
    if (n < 0 && n != -EFBIG)
        ret[0] = '\0';
}

/* The meter's own host is read anew; one that was lent is its owner's. The array of CPUs that was lent out
 * with frames and reports stays where it is as long as it is large enough. */
void eco_meter_see_cpus_again(struct eco_meter *meter)
{
    struct eco_topology *topology = &meter->own_host.topology;
    struct eco_host fresh = {.cpu_quota = ECO_NAN};
    if (meter->env != &meter->own_env || eco_host_read_topology(&meter->own_root, &fresh) < 0)
        return;
    uint32_t count = fresh.topology.cpu_count;
    (void)pthread_mutex_lock(&meter->lock);
    if (topology->cpus && count <= topology->cpu_count) {
        struct eco_cpu_place *cpus = topology->cpus;
        uint32_t had = topology->cpu_count;
        memcpy(cpus, fresh.topology.cpus, count * sizeof *cpus);
        for (uint32_t i = count; i < had; i++)
            cpus[i] = (struct eco_cpu_place){.package = -1, .die = -1, .core = -1, .sibling = -1};
        free(fresh.topology.cpus);
        fresh.topology.cpus = cpus;
        fresh.topology.cpu_count = had;
    } else {
        free(topology->cpus);
    }
    *topology = fresh.topology;
    (void)pthread_mutex_unlock(&meter->lock);
}

static void watch_cpus(struct eco_meter *meter, bool is_first)
{
    char online[sizeof meter->cpus_online];
    read_online(meter, online, sizeof online);
    if (!strcmp(online, meter->cpus_online))
        return;
    eco_text_copy(meter->cpus_online, sizeof meter->cpus_online, online);
    if (is_first)
        return;
    eco_meter_see_cpus_again(meter);
    meter->cpus_changed_ns = meter->env->clock->mono_ns(meter->env->clock);
    meter->is_other_regime = true;
}

void eco_meter_watch_hardware(struct eco_meter *meter)
{
    uint64_t now = meter->env->clock->mono_ns(meter->env->clock);
    bool is_first = !meter->watch_ns;
    if (now < meter->watch_ns)
        return;
    meter->watch_ns = now + WATCH_NS;
    if (is_first)
        meter->cpus_at_begin = meter->env->host->topology.online_count;
    watch_cpus(meter, is_first);
    uint64_t fingerprint = eco_group_fingerprint(meter->group);
    if (!is_first && fingerprint != meter->fingerprint && eco_group_rescan(meter->group) < 0)
        return; /* without memory: seen the next time */
    meter->fingerprint = fingerprint;
}

/* Its socket may be one that no domain had before. */
static unsigned columns_with(const struct eco_meter *meter, const struct eco_domain *domains, unsigned count)
{
    unsigned columns = meter->columns;
    for (unsigned d = meter->domain_count; d < count; d++)
        if (domains[d].package >= (int)columns && domains[d].package < (int)ECO_COLUMNS_MAX)
            columns = (unsigned)domains[d].package + 1;
    return columns;
}

/* From here on its books begin: what was used before this look is not of it. */
static void begin_domain(struct eco_meter *meter, unsigned d)
{
    struct eco_meter_domain *own = &meter->d[d];
    double tau_s = (double)meter->domains[d].period_ns * 1e-9;
    *own = (struct eco_meter_domain){.idle_uw = ECO_NAN, .since_ns = meter->has_begun ? meter->look_ns : 0};
    eco_idle_init(&own->learner, tau_s > 0 ? tau_s : 0.001);
    own->others_mark = eco_meter_weight(meter, meter->others_weight, d);
    own->lost_mark = eco_meter_weight(meter, meter->lost_weight, d);
    own->busy_mark_ns = eco_meter_weight(meter, meter->column_time_ns, d);
    if (meter->has_begun)
        own->gap_s = (double)eco_sub_sat(meter->look_ns, meter->begin_ns) * 1e-9;
    (void)eco_meter_begin_gpu(meter, d); /* without memory it is divided as if nobody used it */
    for (size_t i = 0; i < meter->accounts.count; i++) {
        struct eco_account *account = meter->accounts.all[i];
        if (account)
            account->mark[d] = eco_meter_weight(meter, account->weight, d);
    }
    /* It has just got its baseline; where it was read before, memory came late. */
    meter->energies[d] = (struct eco_energy){.state = ECO_ENERGY_WAITING};
}

void eco_meter_adopt_domains(struct eco_meter *meter)
{
    unsigned count, first = meter->domain_count;
    const struct eco_domain *domains = eco_group_domains(meter->group, &count);
    if (count <= first)
        return;
    unsigned columns = columns_with(meter, domains, count);
    if (eco_accounts_widen(&meter->accounts, columns, count) < 0)
        return; /* the next look tries again */
    memcpy(meter->domains + first, domains + first, (count - first) * sizeof *domains);
    meter->columns = columns;
    meter->domain_count = count;
    for (unsigned d = first; d < count; d++)
        begin_domain(meter, d);
    eco_meter_load_state(meter, first);
    eco_meter_freeze_late_idle(meter, first);
    eco_meter_see_memory(meter, first);
}
