/* SPDX-License-Identifier: MIT */
/* Checks of the sensors and of procfs. */
#include "cli/doctor.h"

#include "base/text.h"
#include "sensors/powercap_why.h"

#include <errno.h>
#include <string.h>

static void say(struct eco_check_result *ret, enum eco_verdict verdict, const char *text)
{
    ret->verdict = verdict;
    eco_why_set(&ret->why, "%s", text);
}

static bool is_rapl(const char *sensor)
{
    return strcmp(sensor, "powercap") == 0 || strcmp(sensor, "perf") == 0;
}

/* The first refusal of a kind of sensor with that error (0 = any), or NULL. */
static const struct eco_refusal *find_refusal(const struct eco_probe *probe, const char *sensor, int error)
{
    for (size_t i = 0; i < probe->count; i++) {
        const struct eco_finding *finding = &probe->findings[i];
        if (finding->refusal && strcmp(finding->sensor, sensor) == 0 &&
            (!error || finding->refusal->error == error))
            return finding->refusal;
    }
    return NULL;
}

static bool has_channel(const struct eco_probe *probe, const char *sensor)
{
    for (size_t i = 0; i < probe->count; i++)
        if (probe->findings[i].channel && strcmp(probe->findings[i].sensor, sensor) == 0)
            return true;
    return false;
}

static void copy_refusal(struct eco_check_result *ret, enum eco_verdict verdict,
                         const struct eco_refusal *refusal)
{
    ret->verdict = verdict;
    eco_why_set(&ret->why, "%s: %s", refusal->what,
                *refusal->why.text ? refusal->why.text : strerror(-refusal->error));
    if (*refusal->why.fix)
        eco_why_fix(&ret->why, "%s", refusal->why.fix);
}

static bool is_measured_package(const struct eco_probe *probe, const struct eco_finding *finding)
{
    const struct eco_domain *domain = eco_probe_domain(probe, finding);
    return finding->channel && finding->elected && is_rapl(finding->sensor) && domain &&
           domain->kind == ECO_KIND_CPU && finding->last.state != ECO_READING_ERROR;
}

static bool counts(const struct eco_probe *probe, const struct eco_finding *finding)
{
    const struct eco_domain *domain = eco_probe_domain(probe, finding);
    return domain && domain->counted;
}

static void check_rapl(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    const struct eco_probe *probe = checkup->probe;
    for (size_t i = 0; i < probe->count; i++)
        if (is_measured_package(probe, &probe->findings[i])) {
            ret->verdict = ECO_PASS;
            eco_why_set(&ret->why, "%s is read by %s", probe->findings[i].channel->name,
                        probe->findings[i].sensor);
            return;
        }
    const struct eco_refusal *refusal = find_refusal(probe, "powercap", -EACCES);
    if (!refusal)
        refusal = find_refusal(probe, "powercap", 0);
    /* What no command here can change is not this machine's failure. */
    if (refusal)
        copy_refusal(ret, refusal->mendable || refusal->error == -EACCES ? ECO_FAIL : ECO_SKIP, refusal);
    else
        say(ret, ECO_SKIP, "no RAPL counter on this machine");
}

/* A counter that can be read and does not move tells nothing; one that counts makes gaps. */
static void check_moving(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    const struct eco_finding *still = NULL;
    for (size_t i = 0; i < checkup->probe->count; i++) {
        const struct eco_finding *finding = &checkup->probe->findings[i];
        if (finding->stands_still && finding->elected && (!still || counts(checkup->probe, finding)))
            still = finding;
    }
    if (!still) {
        say(ret, ECO_PASS, "no counter stands still");
        return;
    }
    bool is_counted = counts(checkup->probe, still);
    ret->verdict = is_counted ? ECO_FAIL : ECO_WARN;
    eco_why_set(&ret->why, "%s (%s %s) stands still, which no counter does: broken, or a virtual machine's%s",
                still->channel->name, still->sensor, still->channel->label,
                is_counted ? "; its energy is unknown" : "; nothing that counts depends on it");
}

static void check_perf(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    const struct eco_refusal *refusal = find_refusal(checkup->probe, "perf", 0);
    if (has_channel(checkup->probe, "perf"))
        say(ret, ECO_PASS, "the power counters of perf can be opened");
    else if (refusal)
        copy_refusal(ret, refusal->error == -ENODEV ? ECO_SKIP : ECO_WARN, refusal);
    else
        say(ret, ECO_SKIP, "the kernel offers no power counters through perf");
}

/* Other kinds of sensor: one refusal is enough to say. */
static void check_others(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    for (size_t i = 0; i < checkup->probe->count; i++) {
        const struct eco_finding *finding = &checkup->probe->findings[i];
        if (finding->refusal && !is_rapl(finding->sensor) && strcmp(finding->sensor, "gpu") != 0 &&
            finding->refusal->mendable) {
            copy_refusal(ret, ECO_WARN, finding->refusal);
            return;
        }
    }
    say(ret, ECO_PASS, "no other sensor is refused that a command could open");
}

static void check_measured(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    const struct eco_probe *probe = checkup->probe;
    bool estimated = false, measured = false;
    for (unsigned d = 0; d < probe->domain_count; d++) {
        if (!probe->domains[d].counted)
            continue;
        estimated |= probe->domains[d].model_ratio > 0;
        measured |= !(probe->domains[d].model_ratio > 0);
    }
    if (!estimated && measured) {
        say(ret, ECO_PASS, "every counted domain is measured");
        return;
    }
    ret->verdict = ECO_WARN;
    ret->why = probe->why;
    if (!*ret->why.text)
        eco_why_set(&ret->why,
                    estimated ? "some domains are estimated by a model" : "nothing is measured here");
}

static void check_container(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    const struct eco_probe *probe = checkup->probe;
    bool measured = false;
    for (size_t i = 0; i < probe->count; i++)
        measured |= is_measured_package(probe, &probe->findings[i]);
    if (!probe->host.is_container) {
        say(ret, ECO_PASS, "not in a container");
    } else if (measured) {
        say(ret, ECO_PASS, "in a container, and the counters are visible");
    } else if (eco_powercap_view(&probe->root) == ECO_POWERCAP_SEEN) {
        say(ret, ECO_PASS,
            "in a container that shows the host's sysfs: a sensor that is not here is not on the host "
            "either");
    } else {
        enum eco_powercap_view view = eco_powercap_view(&probe->root);
        say(ret, ECO_WARN,
            view == ECO_POWERCAP_MASKED
                ? "the container hides /sys/devices/virtual/powercap: whether the host has an energy counter "
                  "cannot "
                  "be told from inside"
                : "the container shows no sysfs: which sensors the host has cannot be told from inside");
        eco_why_fix(&ret->why, "%s", eco_powercap_view_fix(view));
    }
}

static void check_procfs_own(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    if (checkup->probe->root.is_own[ECO_PROCFS]) {
        say(ret, ECO_PASS, "procfs is that of this pid namespace: process clocks can be used");
        return;
    }
    say(ret, ECO_WARN, "procfs is not that of this pid namespace: CPU times have a grain of 10 ms");
    eco_why_fix(&ret->why, "ecocode doctor (without --path.procfs), or mount -t proc proc in this namespace");
}

static void check_hidepid(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    const struct eco_root *root = &checkup->probe->root;
    int r = eco_root_exists(root, ECO_PROCFS, "1/stat");
    if (r == 0) {
        say(ret, ECO_PASS, "processes of all users are visible");
        return;
    }
    say(ret, ECO_WARN, "processes of other users are hidden (hidepid): monitor sees your own only");
    eco_why_fix(&ret->why, "sudo mount -o remount,hidepid=0 %s", root->path[ECO_PROCFS]);
}

static void check_boottime(const struct eco_checkup *checkup, struct eco_check_result *ret)
{
    const struct eco_clock *clock = checkup->probe->env.clock;
    uint64_t mono_ns = clock->mono_ns(clock), boot_ns = clock->boot_ns(clock);
    if (boot_ns + ECO_NS_PER_MS >= mono_ns)
        say(ret, ECO_PASS, "time asleep can be told");
    else
        say(ret, ECO_WARN,
            "CLOCK_BOOTTIME is behind CLOCK_MONOTONIC (a time namespace): sleep of the machine is not seen");
}

const struct eco_check eco_checks[] = {{"rapl.readable", check_rapl},
                                       {"perf.power", check_perf},
                                       {"sensors.other", check_others},
                                       {"sensors.moving", check_moving},
                                       {"gpu.found", eco_check_gpu_found},
                                       {"gpu.sensord", eco_check_gpu_sensord},
                                       {"gpu.driver", eco_check_gpu_driver},
                                       {"gpu.permission", eco_check_gpu_permission},
                                       {"energy.measured", check_measured},
                                       {"container.hidden", check_container},
                                       {"cgroup.private", eco_check_cgroup},
                                       {"procfs.own", check_procfs_own},
                                       {"procfs.hidepid", check_hidepid},
                                       {"priv.installed", eco_check_priv_installed},
                                       {"priv.capabilities", eco_check_priv_caps},
                                       {"priv.group", eco_check_priv_group},
                                       {"priv.counters", eco_check_priv_counters},
                                       {"bpf.usable", eco_check_bpf},
                                       {"clock.boottime", check_boottime},
                                       {"idle.known", eco_check_idle},
                                       {"calibration", eco_check_calibration},
                                       {"state.writable", eco_check_state},
                                       {"config.valid", eco_check_config},
                                       {"config.variables", eco_check_variables},
                                       {0}};
