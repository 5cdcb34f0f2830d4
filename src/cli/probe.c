/* SPDX-License-Identifier: MIT */
#include "cli/probe.h"

#include "base/mem.h"
#include "cli/priv.h"
#include "cli/session.h"
#include "gpu/client.h"
#include "run/helper.h"
#include "store/state_dir.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#define BETWEEN_NS   (200 * ECO_NS_PER_MS)
#define GPUS_WAIT_NS (3 * ECO_NS_PER_S) /* a driver without a card's process loads its firmware first */

static void look(struct eco_probe *probe, struct eco_energy *energies)
{
    struct eco_activity activity;
    if (probe->gpus.client)
        (void)eco_gpu_client_read(probe->gpus.client, eco_now_ns());
    bool has_activity = eco_busy_read(probe->busy, true, &activity) >= 0;
    eco_group_read(probe->group, has_activity ? &activity : NULL, true, energies);
}

static int look_twice(struct eco_probe *probe)
{
    struct eco_energy *energies = eco_calloc(ECO_DOMAINS_MAX, sizeof *energies);
    if (!energies)
        return -ENOMEM;
    const struct timespec between = {.tv_nsec = (long)BETWEEN_NS};
    look(probe, energies);
    (void)nanosleep(&between, NULL);
    look(probe, energies);
    free(energies);
    return 0;
}

/* What a wall meter told takes the place of rated power. */
static void find_calibration(struct eco_probe *probe, const char *machine_dir)
{
    char own[PATH_MAX];
    struct eco_calibration loaded;
    bool has_own = eco_state_dir(own, sizeof own);
    if (eco_calibration_load(&probe->env, machine_dir, has_own ? own : NULL, &loaded,
                             &probe->calibration_source) < 0)
        return;
    probe->calibration = eco_calloc(1, sizeof *probe->calibration);
    if (probe->calibration)
        *probe->calibration = loaded;
    if (!isnan(loaded.wall_idle_w)) {
        probe->host.wall_idle_w = loaded.wall_idle_w;
        probe->host.wall_busy_w = loaded.wall_busy_w;
    }
}

static int open_sources(struct eco_probe *probe, struct eco_why *why)
{
    const struct eco_group_options options = {0};
    int r = eco_host_read_topology(&probe->root, &probe->host);
    if (r == 0)
        r = eco_busy_open(&probe->env, &probe->busy);
    if (r < 0) {
        eco_why_set(why, "procfs cannot be read: %s", strerror(-r));
        return r;
    }
    r = eco_group_open(&probe->env, &options, &probe->group, &probe->why);
    if (r == 0)
        r = look_twice(probe);
    if (r < 0)
        eco_why_set(why, "the sensors cannot be read: %s", strerror(-r));
    return r;
}

int eco_probe_open(const struct eco_call *call, struct eco_probe **ret, struct eco_why *why)
{
    const struct eco_settings *settings = &call->settings;
    struct eco_probe *probe = eco_calloc(1, sizeof *probe);
    if (!probe)
        return -ENOMEM;
    int r = eco_root_init(&probe->root, settings->procfs, settings->sysfs);
    if (r < 0) {
        eco_why_set(why, "%s%s%s: %s", settings->procfs ? settings->procfs : "",
                    settings->procfs && settings->sysfs ? " or " : "", settings->sysfs ? settings->sysfs : "",
                    strerror(-r));
        free(probe);
        return r;
    }
    eco_host_read(&probe->root, &probe->host);
    probe->counters = settings->sysfs ? NULL : eco_priv_counters_new();
    eco_gpus_start(&probe->gpus, &probe->root, 0);
    eco_gpus_await(&probe->gpus, eco_now_ns() + GPUS_WAIT_NS);
    probe->env = (struct eco_env){.root = &probe->root,
                                  .clock = &eco_clock_system,
                                  .perf = &eco_perf_system,
                                  .counters = probe->counters,
                                  .gpus = probe->gpus.client,
                                  .host = &probe->host};
    find_calibration(probe, settings->calibration);
    r = open_sources(probe, why);
    if (r < 0) {
        (void)eco_probe_free(probe);
        return r;
    }
    probe->domains = eco_group_domains(probe->group, &probe->domain_count);
    size_t count = eco_group_findings(probe->group, probe->findings, ECO_FINDINGS_MAX);
    probe->count = count < ECO_FINDINGS_MAX ? count : ECO_FINDINGS_MAX;
    *ret = probe;
    return 0;
}

struct eco_probe *eco_probe_free(struct eco_probe *probe)
{
    if (!probe)
        return NULL;
    (void)eco_group_free(probe->group);
    (void)eco_busy_free(probe->busy);
    (void)eco_priv_counters_free(probe->counters);
    eco_gpus_finish(&probe->gpus);
    eco_helper_await_all(20);
    eco_host_finish(&probe->host);
    eco_root_finish(&probe->root);
    free(probe->calibration);
    free(probe);
    return NULL;
}

const struct eco_domain *eco_probe_domain(const struct eco_probe *probe, const struct eco_finding *finding)
{
    bool known = finding->domain >= 0 && (unsigned)finding->domain < probe->domain_count;
    return known ? &probe->domains[finding->domain] : NULL;
}
