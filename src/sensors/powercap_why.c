/* SPDX-License-Identifier: MIT */
#include "sensors/powercap_why.h"

#include <errno.h>
#include <string.h>

void eco_powercap_explain(struct eco_refusal *refusal, const char *zone, const struct eco_host *host)
{
    bool is_container = host && host->is_container;
    switch (-refusal->error) {
    case EACCES:
    case EPERM:
        eco_why_set(&refusal->why, "this machine has an energy counter (RAPL), but only root may read it");
        eco_why_fix(&refusal->why,
                    "sudo chmod a+r /sys/class/powercap/intel-rapl*/energy_uj /sys/class/powercap/"
                    "intel-rapl*/*/energy_uj  # lasts until reboot");
        refusal->mendable = true;
        break;
    case ENOENT:
    case ENOTDIR:
    case ENODEV:
        if (is_container) {
            eco_why_set(&refusal->why, "the energy counter %s is hidden by the container", zone);
            eco_why_fix(&refusal->why,
                        "docker run -v /sys/class/powercap:/sys/class/powercap:ro --security-opt "
                        "systempaths=unconfined ...");
            refusal->mendable = true;
        } else {
            eco_why_set(&refusal->why,
                        "%s has no files behind it: its CPU package is offline or its driver half loaded",
                        zone);
        }
        break;
    case EINVAL:
    case ERANGE:
    case EFBIG:
    case EPROTO:
        eco_why_set(&refusal->why, "energy_uj of %s holds no number", zone);
        break;
    default:
        eco_why_set(&refusal->why, "%s cannot be read: %s", zone, strerror(-refusal->error));
        break;
    }
}

static bool has_rapl_cpu(const struct eco_host *host)
{
    return strcmp(host->cpu_vendor, "GenuineIntel") == 0 || strcmp(host->cpu_vendor, "AuthenticAMD") == 0 ||
           strcmp(host->cpu_vendor, "HygonGenuine") == 0;
}

/* No zone at all: hidden, not loaded, or not there? */
void eco_powercap_explain_absence(struct eco_sensor *sensor)
{
    const struct eco_host *host = sensor->env->host;
    if (!host || !has_rapl_cpu(host))
        return;
    struct eco_refusal *refusal = eco_sensor_refuse(sensor, -ENODEV, "class/powercap", "package-0");
    if (!refusal)
        return;
    if (host->is_hypervisor_guest) {
        eco_why_set(&refusal->why,
                    "a virtual machine: the host keeps its energy counters to itself, and nothing "
                    "in here can change that");
    } else if (host->is_container) {
        refusal->error = -ENOENT;
        eco_powercap_explain(refusal, "class/powercap", host);
    } else {
        eco_why_set(&refusal->why,
                    "no energy counter (RAPL) in /sys/class/powercap: the CPU has none or its driver "
                    "is not loaded");
        eco_why_fix(&refusal->why, "sudo modprobe intel_rapl_msr");
        refusal->mendable = true;
    }
}
