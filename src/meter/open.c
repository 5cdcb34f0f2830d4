/* SPDX-License-Identifier: MIT */
/* Opening and freeing a meter: options, what it looks at, its books. */
#include "base/mem.h"
#include "base/text.h"
#include "meter/meter_internal.h"
#include "platform/host.h"
#include "procs/self.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define INTERVAL_DEFAULT_NS ECO_NS_PER_S
#define INTERVAL_MIN_NS     ECO_NS_PER_MS
#define INTERVAL_MAX_NS     (3600 * ECO_NS_PER_S)

static int take_options(struct eco_meter *meter, const struct eco_meter_options *options, struct eco_why *why)
{
    size_t size = options && options->size < sizeof meter->options ? options->size : sizeof meter->options;
    if (!options || options->size < offsetof(struct eco_meter_options, interval_ns)) {
        eco_why_set(why, "eco_meter_options.size is not set");
        return -EINVAL;
    }
    memcpy(&meter->options, options, size);
    if (!meter->options.interval_ns)
        meter->options.interval_ns = INTERVAL_DEFAULT_NS;
    if (meter->options.interval_ns < INTERVAL_MIN_NS || meter->options.interval_ns > INTERVAL_MAX_NS) {
        eco_why_set(why, "the interval must be between 1 ms and 1 h");
        return -EINVAL;
    }
    static const enum eco_policy policies[] = {ECO_POLICY_ACTIVE, ECO_POLICY_ACTIVE, ECO_POLICY_FULL,
                                               ECO_POLICY_EQUAL, ECO_POLICY_RESERVED};
    if (meter->options.policy < 0 || (size_t)meter->options.policy >= ECO_COUNT(policies)) {
        eco_why_set(why, "no such policy");
        return -EINVAL;
    }
    meter->policy = policies[meter->options.policy];
    meter->slots = meter->policy == ECO_POLICY_EQUAL || meter->policy == ECO_POLICY_RESERVED ? 3 : 2;
    return 0;
}

static int make_env(struct eco_meter *meter, struct eco_why *why)
{
    if (meter->extra.env) {
        meter->env = meter->extra.env;
        return 0;
    }
    int r = eco_root_init(&meter->own_root, meter->options.procfs_path, meter->options.sysfs_path);
    if (r < 0) {
        eco_why_set(why, "%s: %s",
                    meter->options.procfs_path ? meter->options.procfs_path : meter->options.sysfs_path,
                    strerror(-r));
        return r;
    }
    eco_host_read_early(&meter->own_root, &meter->own_host);
    eco_identify_self(&meter->own_root, &meter->own_host);
    meter->own_env = (struct eco_env){.root = &meter->own_root,
                                      .clock = &eco_clock_system,
                                      .perf = &eco_perf_system,
                                      .counters = meter->extra.counters,
                                      .host = &meter->own_host};
    meter->env = &meter->own_env;
    return 0;
}

/* Topology is read after the command has started where that can be: it costs a few files per CPU. */
void eco_meter_see_topology(struct eco_meter *meter)
{
    if (meter->has_topology)
        return;
    meter->has_topology = true;
    if (meter->env != &meter->own_env)
        return;
    if (meter->own_host.topology.cpus)
        eco_meter_see_cpus_again(meter); /* a sketch may have been lent out */
    else
        (void)eco_host_read_topology(&meter->own_root, &meter->own_host); /* without it all CPUs are alike */
    (void)pthread_mutex_lock(&meter->lock);
    eco_host_read_limits(&meter->own_root, &meter->own_host);
    (void)pthread_mutex_unlock(&meter->lock);
}

/* All that a model of a guest wants to know before. */
static void sketch_topology(struct eco_meter *meter)
{
    const struct eco_host *host = meter->env->host;
    if (meter->env != &meter->own_env || !host->is_hypervisor_guest ||
        eco_host_sketch_topology(&meter->own_root, &meter->own_host) < 0)
        eco_meter_see_topology(meter);
}

const struct eco_topology *eco_meter_topology(struct eco_meter *meter)
{
    eco_meter_see_topology(meter);
    return &meter->env->host->topology;
}

static bool is_estimated(const struct eco_meter *meter)
{
    unsigned count;
    const struct eco_domain *domains = eco_group_domains(meter->group, &count);
    for (unsigned d = 0; d < count; d++)
        if (domains[d].model_ratio > 0)
            return true;
    return count == 0;
}

/* A model has to know the CPUs, a counter does not: so they are looked at first only where no counter is in
 * sight. */
static int open_group(struct eco_meter *meter)
{
    const struct eco_group_options options = {.no_estimate = meter->extra.no_estimate};
    if (eco_root_exists(meter->env->root, ECO_SYSFS, "class/powercap/intel-rapl:0") < 0 &&
        eco_root_exists(meter->env->root, ECO_SYSFS, "bus/event_source/devices/power/events/energy-pkg") < 0)
        sketch_topology(meter);
    int r = eco_group_open(meter->env, &options, &meter->group, &meter->sensor_why);
    if (r < 0 || meter->env->host->topology.cpus || !is_estimated(meter))
        return r;
    sketch_topology(meter);
    meter->group = eco_group_free(meter->group);
    return eco_group_open(meter->env, &options, &meter->group, &meter->sensor_why);
}

static int open_sources(struct eco_meter *meter, struct eco_why *why)
{
    int r = eco_busy_open(meter->env, &meter->busy);
    if (r < 0) {
        eco_why_set(why, "no figures of CPU use can be read from procfs: %s", strerror(-r));
        return r;
    }
    eco_meter_load_calibration(meter);
    r = open_group(meter);
    if (r < 0)
        return r;
    bool machine = meter->options.flags & ECO_METER_MACHINE;
    const struct eco_procs_options procs_options = {.scope = machine ? ECO_SCOPE_MACHINE : ECO_SCOPE_TREE,
                                                    .no_cmdline = meter->options.flags & ECO_METER_NO_CMDLINE,
                                                    .wants_trees = meter->extra.wants_identities,
                                                    .cgroup_dir_fd = meter->extra.cgroup_dir_fd,
                                                    .cgroup_v2_path = meter->extra.cgroup_v2_path,
                                                    .run_id = meter->extra.run_id,
                                                    .reaper_pid = meter->extra.reaper_pid,
                                                    .is_held = meter->extra.is_held,
                                                    .held_uid = meter->extra.held_uid};
    return eco_procs_open(&eco_procs_scan, meter->env, &procs_options, &meter->procs, why);
}

static int make_books(struct eco_meter *meter)
{
    const struct eco_domain *domains = eco_group_domains(meter->group, &meter->domain_count);
    meter->domains = eco_calloc(ECO_DOMAINS_MAX, sizeof *meter->domains);
    if (!meter->domains)
        return -ENOMEM;
    memcpy(meter->domains, domains, meter->domain_count * sizeof *domains);
    int highest = 0;
    for (unsigned d = 0; d < meter->domain_count; d++)
        if (meter->domains[d].package > highest)
            highest = meter->domains[d].package;
    meter->columns = highest > 0 && highest < (int)ECO_COLUMNS_MAX ? (unsigned)highest + 1 : 1;
    meter->d = eco_calloc(ECO_DOMAINS_MAX, sizeof *meter->d);
    meter->pool = eco_frame_pool_new();
    if (!meter->d || !meter->pool)
        return -ENOMEM;
    for (unsigned d = 0; d < meter->domain_count; d++) {
        double tau_s = (double)meter->domains[d].period_ns * 1e-9;
        eco_idle_init(&meter->d[d].learner, tau_s > 0 ? tau_s : 0.001);
        meter->d[d].idle_uw = ECO_NAN;
        if (eco_meter_begin_gpu(meter, d) < 0)
            return -ENOMEM;
    }
    return eco_accounts_init(&meter->accounts, meter->columns, meter->domain_count, meter->slots);
}

int eco_meter_open_full(const struct eco_meter_options *options, const struct eco_meter_host_options *host,
                        struct eco_meter **ret, struct eco_why *why)
{
    struct eco_meter *meter = eco_calloc(1, sizeof *meter);
    if (!meter)
        return -ENOMEM;
    meter->owner = getpid();
    (void)pthread_mutex_init(&meter->look_lock, NULL);
    (void)pthread_mutex_init(&meter->procs_lock, NULL);
    (void)pthread_mutex_init(&meter->lock, NULL);
    (void)pthread_cond_init(&meter->changed, NULL);
    meter->extra.cgroup_dir_fd = -1;
    meter->feed.due_ns = UINT64_MAX;
    atomic_init(&meter->drain_due_ns, UINT64_MAX);
    meter->weights = eco_weight_default;
    meter->is_host_driven = host != NULL;
    if (host)
        meter->extra = *host;
    meter->own_root.fd[0] = meter->own_root.fd[1] = -1;
    meter->given_total_uw = meter->caught_ratio = meter->user_s = meter->system_s = ECO_NAN;
    int r = take_options(meter, options, why);
    if (r >= 0)
        r = eco_meter_parse_idle(meter, meter->options.idle_power, why);
    if (r >= 0)
        r = make_env(meter, why);
    if (r >= 0)
        r = open_sources(meter, why);
    if (r >= 0)
        r = make_books(meter);
    if (r < 0) {
        (void)eco_meter_free(meter);
        return r;
    }
    eco_meter_load_state(meter, 0);
    *ret = meter;
    return 0;
}

struct eco_meter *eco_meter_free(struct eco_meter *meter)
{
    if (!meter)
        return NULL;
    if (meter->owner == getpid())
        (void)eco_meter_stop(meter);
    for (unsigned i = 0; i < ECO_FRAMES; i++)
        eco_frame_unref(meter->ring[i]);
    (void)eco_frame_pool_free(meter->pool);
    eco_accounts_finish(&meter->accounts);
    (void)eco_procs_free(meter->strangers);
    (void)eco_procs_free(meter->procs);
    (void)eco_group_free(meter->group);
    (void)eco_busy_free(meter->busy);
    eco_host_finish(&meter->own_host);
    eco_root_finish(&meter->own_root);
    free(meter->calibration);
    for (unsigned d = 0; meter->d && d < ECO_DOMAINS_MAX; d++)
        free(meter->d[d].gpu);
    free(meter->gpu_marks);
    free(meter->gpu_gone);
    free(meter->pending);
    free(meter->scratch);
    free(meter->cpus_before);
    free(meter->cpu_hg);
    free(meter->cpu_place);
    free(meter->fine);
    free(meter->fine_cpus);
    free(meter->d);
    free(meter->domains);
    /* In a forked child the thread that waited is gone: destroying what it waited for would wait for it. */
    if (meter->owner == getpid()) {
        (void)pthread_cond_destroy(&meter->changed);
        (void)pthread_mutex_destroy(&meter->lock);
        (void)pthread_mutex_destroy(&meter->procs_lock);
        (void)pthread_mutex_destroy(&meter->look_lock);
    }
    free(meter);
    return NULL;
}
