/* SPDX-License-Identifier: MIT */
#include "sensors/powercap_why.h"

#include <errno.h>
#include <string.h>

static int count_one(void *context, const char *name, uint64_t inode)
{
    (void)name;
    (void)inode;
    *(unsigned *)context += 1;
    return 1;
}

/* CVE-2020-8694 (PLATYPUS): engines hide the counters by a read-only, empty file system over the directory.
 * The kernel makes the directory only together with what is in it. */
enum eco_powercap_view eco_powercap_view(const struct eco_root *root)
{
    static const char devices[] = "devices/virtual/powercap";
    unsigned entries = 0;

    if (eco_root_exists(root, ECO_SYSFS, "class") < 0 || eco_root_exists(root, ECO_SYSFS, "devices") < 0)
        return ECO_POWERCAP_NO_SYSFS;
    if (eco_root_exists(root, ECO_SYSFS, devices) < 0)
        return ECO_POWERCAP_SEEN;
    int r = eco_root_list(root, ECO_SYSFS, devices, count_one, &entries);
    return r == 0 && entries == 0 ? ECO_POWERCAP_MASKED : ECO_POWERCAP_SEEN;
}

const char *eco_powercap_view_fix(enum eco_powercap_view view)
{
    if (view == ECO_POWERCAP_NO_SYSFS)
        return "docker run -v /sys:/sys:ro ...  # Kubernetes: a hostPath volume";
    return "docker run --security-opt systempaths=unconfined ...  # podman run --security-opt "
           "unmask=/sys/devices/virtual/powercap; Kubernetes: a hostPath volume of that folder";
}

void eco_powercap_explain(struct eco_refusal *refusal, const char *zone, const struct eco_host *host)
{
    bool is_container = host && host->is_container;
    switch (-refusal->error) {
    case EACCES:
    case EPERM:
        eco_why_set(&refusal->why, "this machine has an energy counter (RAPL), but only root may read it");
        eco_why_fix(&refusal->why, "sudo ecocode doctor --fix  # shows what it would do, and asks");
        refusal->mendable = true;
        break;
    case ENOENT:
    case ENOTDIR:
    case ENODEV:
        if (is_container) {
            eco_why_set(&refusal->why, "the energy counter %s is hidden by the container", zone);
            eco_why_fix(&refusal->why, "%s", eco_powercap_view_fix(ECO_POWERCAP_MASKED));
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
    } else if (host->is_container && eco_powercap_view(sensor->env->root) != ECO_POWERCAP_SEEN) {
        refusal->error = -ENOENT;
        eco_powercap_explain(refusal, "class/powercap", host);
        eco_why_fix(&refusal->why, "%s", eco_powercap_view_fix(eco_powercap_view(sensor->env->root)));
    } else if (host->is_container) {
        eco_why_set(&refusal->why,
                    "no energy counter (RAPL): this container sees the sysfs of its host, and there "
                    "is none in it");
        eco_why_fix(&refusal->why, "sudo modprobe intel_rapl_msr  # on the host");
    } else {
        eco_why_set(&refusal->why,
                    "no energy counter (RAPL) in /sys/class/powercap: the CPU has none or its driver "
                    "is not loaded");
        eco_why_fix(&refusal->why, "sudo modprobe intel_rapl_msr");
        refusal->mendable = true;
    }
}
