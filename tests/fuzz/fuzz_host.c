/* SPDX-License-Identifier: MIT */
/*
 * What machine this is: names fit for a terminal, figures known or not, a topology that fits together.
 * Fields: cpuinfo, meminfo, self/cgroup, cpu.max, 1/environ, self/mountinfo, DMI's vendor and product, lists
 * of CPUs online and present, siblings of CPU 0 and its package, /proc/stat, boot_id.
 */
#include "fuzz/machine.h"
#include "fuzz/valid.h"
#include "platform/host.h"

#include <math.h>

#define CPUS "sys/devices/system/cpu/"

static void check_text(const char *text, size_t size)
{
    const char *end = memchr(text, '\0', size);

    require(end != NULL && valid_utf8(text, (size_t)(end - text)));
    for (; text < end; text++)
        require((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void check_host(const struct eco_host *host)
{
    check_text(host->hostname, sizeof(host->hostname));
    check_text(host->cpu_model, sizeof(host->cpu_model));
    check_text(host->cpu_vendor, sizeof(host->cpu_vendor));
    check_text(host->kernel, sizeof(host->kernel));
    check_text(host->boot_id, sizeof(host->boot_id));
    check_text(host->virtualization, sizeof(host->virtualization));
    check_text(host->machine_type, sizeof(host->machine_type));
    check_text(host->cloud, sizeof(host->cloud));
    require(host->memory_bytes % 1024 == 0);
    require(isnan(host->cpu_quota) || (isfinite(host->cpu_quota) && host->cpu_quota >= 0));
}

static void check_topology(const struct eco_topology *topology)
{
    uint32_t online = 0;

    require(topology->cpu_count >= 1 && topology->cpu_count <= ECO_CPUS_MAX);
    require(topology->package_count >= 1 && topology->core_count <= topology->online_count);
    for (uint32_t i = 0; i < topology->cpu_count; i++) {
        const struct eco_cpu_place *place = &topology->cpus[i];
        online += place->online;
        require(place->package >= -1 && place->core >= -1 && place->core < (int32_t)topology->core_count);
        require(!place->online || place->core >= 0);
        require(place->sibling >= -1 && place->sibling < (int32_t)topology->cpu_count);
        require(place->sibling < 0 ||
                (place->sibling != (int32_t)i && topology->cpus[place->sibling].online));
    }
    require(online == topology->online_count && online >= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const files[] = {"proc/cpuinfo",
                                        "proc/meminfo",
                                        "proc/self/cgroup",
                                        "sys/fs/cgroup/cpu.max",
                                        "proc/1/environ",
                                        "proc/self/mountinfo",
                                        "sys/class/dmi/id/sys_vendor",
                                        "sys/class/dmi/id/product_name",
                                        CPUS "online",
                                        CPUS "present",
                                        CPUS "cpu0/topology/thread_siblings_list",
                                        CPUS "cpu0/topology/physical_package_id",
                                        "proc/stat",
                                        "proc/sys/kernel/random/boot_id"};
    const struct fuzz_machine *machine = fuzz_machine_get();
    struct eco_host host = {.cpu_quota = 0};
    struct fuzz_fields fields;

    fuzz_split(&fields, data, size);
    for (unsigned i = 0; i < ECO_COUNT(files); i++)
        fuzz_put(machine, files[i], &fields, i);
    eco_host_read(&machine->root, &host);
    check_host(&host);
    require(eco_host_read_topology(&machine->root, &host) == 0);
    check_topology(&host.topology);
    eco_host_finish(&host);
    fuzz_fields_free(&fields);
    return 0;
}
