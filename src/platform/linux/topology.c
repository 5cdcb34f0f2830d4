/* SPDX-License-Identifier: MIT */
/* Packages, cores and siblings, from sysfs devices/system/cpu (Documentation/admin-guide/cputopology.rst). */
#include "base/mem.h"
#include "base/parse.h"
#include "platform/host.h"
#include "platform/linux/host_parts.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A list of 4096 CPUs, each apart: "0,2,4,..." */
#define LIST_MAX 24576
/* "cpu4095" and ten numbers; longer ones only cost us the last of very many CPUs. */
#define STAT_LINE_MAX 128

static int read_cpu_list(const struct eco_root *root, const char *path, bool *ret)
{
    char text[LIST_MAX];
    ssize_t length = eco_root_read(root, ECO_SYSFS, path, text, sizeof(text));
    return length < 0 ? (int)length : eco_parse_cpulist(text, ret, ECO_CPUS_MAX);
}

static uint32_t read_u32(const struct eco_root *root, unsigned cpu, const char *attribute)
{
    char path[ECO_PATH_MAX];
    uint64_t value;
    if (eco_path(path, "devices/system/cpu/cpu%u/%s", cpu, attribute) < 0 ||
        eco_root_read_u64(root, ECO_SYSFS, path, &value) < 0 || value > UINT32_MAX)
        return 0;
    return (uint32_t)value;
}

/* -1 also where the kernel says -1, and for what fits no int32. */
static int32_t read_id(const struct eco_root *root, unsigned cpu, const char *attribute)
{
    char path[ECO_PATH_MAX];
    uint64_t value;
    if (eco_path(path, "devices/system/cpu/cpu%u/topology/%s", cpu, attribute) < 0 ||
        eco_root_read_u64(root, ECO_SYSFS, path, &value) < 0 || value > INT32_MAX)
        return -1;
    return (int32_t)value;
}

/* The lowest CPU of the same core, and in *ret_next the next one round (-1 none). Only CPUs that are online
 * count. */
static unsigned read_siblings(const struct eco_root *root, const struct eco_topology *topology, unsigned cpu,
                              int32_t *ret_next)
{
    char path[ECO_PATH_MAX];
    bool set[ECO_CPUS_MAX];
    *ret_next = -1;
    if (eco_path(path, "devices/system/cpu/cpu%u/topology/thread_siblings_list", cpu) < 0 ||
        read_cpu_list(root, path, set) < 0 || !set[cpu])
        return cpu;

    unsigned lowest = cpu;
    for (unsigned i = 1; i < topology->cpu_count; i++) {
        unsigned other = (cpu + i) % topology->cpu_count;
        if (!set[other] || !topology->cpus[other].online)
            continue;
        if (*ret_next < 0)
            *ret_next = (int32_t)other;
        if (other < lowest)
            lowest = other;
    }
    return lowest;
}

static void read_place(const struct eco_root *root, struct eco_topology *topology, unsigned cpu)
{
    struct eco_cpu_place *place = &topology->cpus[cpu];
    place->package = read_id(root, cpu, "physical_package_id");
    place->die = read_id(root, cpu, "die_id");
    place->capacity = read_u32(root, cpu, "cpu_capacity");
    place->max_freq_khz = read_u32(root, cpu, "cpufreq/cpuinfo_max_freq");

    unsigned lowest = read_siblings(root, topology, cpu, &place->sibling);
    if (lowest < cpu && topology->cpus[lowest].core >= 0)
        place->core = topology->cpus[lowest].core;
    else
        place->core = (int32_t)topology->core_count++;
    if (place->sibling >= 0)
        topology->has_smt = true;
}

static int32_t package_of(const struct eco_cpu_place *place)
{
    return place->package >= 0 ? place->package : 0;
}

static void count_packages(struct eco_topology *topology)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < topology->cpu_count; i++) {
        if (!topology->cpus[i].online)
            continue;
        bool is_new = true;
        /* Neighbours mostly share a package, so the last ones are looked at first. */
        for (uint32_t j = i; j-- > 0 && is_new;)
            is_new =
                !topology->cpus[j].online || package_of(&topology->cpus[j]) != package_of(&topology->cpus[i]);
        count += is_new;
    }
    topology->package_count = count > 0 ? count : 1;
}

/* Different capacities (ARM), or Intel's two kinds of core, each with a PMU of its own. */
static bool find_hybrid(const struct eco_root *root, const struct eco_topology *topology)
{
    uint32_t capacity = 0;
    for (uint32_t i = 0; i < topology->cpu_count; i++) {
        uint32_t own = topology->cpus[i].online ? topology->cpus[i].capacity : 0;
        if (own != 0 && capacity != 0 && own != capacity)
            return true;
        if (own != 0)
            capacity = own;
    }
    return eco_root_exists(root, ECO_SYSFS, "devices/cpu_core/cpus") == 0 &&
           eco_root_exists(root, ECO_SYSFS, "devices/cpu_atom/cpus") == 0;
}

/* "cpu12 345 ..." lines, which come first in /proc/stat; one that is off has none. */
static int read_stat_cpus(const struct eco_root *root, bool *ret)
{
    size_t size = (size_t)ECO_CPUS_MAX * STAT_LINE_MAX;
    ECO_CLEANUP(eco_cleanup_free) char *text = eco_calloc(size, 1);
    if (!text)
        return -ENOMEM;
    int count = 0;
    ssize_t length = eco_host_read_head(root, ECO_PROCFS, "stat", text, size);
    if (length < 0)
        return (int)length;
    for (const char *line = text; strncmp(line, "cpu", 3) == 0; line++) {
        const char *number = line + 3;
        uint64_t cpu;
        if (*number != ' ' && eco_scan_u64(&number, &cpu) == 0 && cpu < ECO_CPUS_MAX && *number == ' ') {
            count += !ret[cpu];
            ret[cpu] = true;
        }
        line = strchr(line, '\n');
        if (!line)
            break;
    }
    return count;
}

/* Without sysfs: what the kernel's statistics name, else what the C library counts. */
static void assume_online(const struct eco_root *root, bool *ret)
{
    memset(ret, 0, ECO_CPUS_MAX * sizeof(*ret));
    if (read_stat_cpus(root, ret) > 0)
        return;
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    if (count < 1)
        count = 1;
    if (count > ECO_CPUS_MAX)
        count = ECO_CPUS_MAX;
    for (long i = 0; i < count; i++)
        ret[i] = true;
}

/* Which there are, in an array of its own, and nothing of where they are. */
static int list_cpus(const struct eco_root *root, struct eco_topology *ret)
{
    bool online[ECO_CPUS_MAX], present[ECO_CPUS_MAX];
    if (read_cpu_list(root, "devices/system/cpu/online", online) <= 0)
        assume_online(root, online);
    if (read_cpu_list(root, "devices/system/cpu/present", present) <= 0)
        memcpy(present, online, sizeof(present));

    *ret = (struct eco_topology){0};
    for (unsigned i = 0; i < ECO_CPUS_MAX; i++) {
        if (online[i] || present[i])
            ret->cpu_count = i + 1;
        ret->online_count += online[i];
    }
    ret->cpus = eco_calloc(ret->cpu_count, sizeof(*ret->cpus));
    if (!ret->cpus)
        return -ENOMEM;
    for (unsigned i = 0; i < ret->cpu_count; i++)
        ret->cpus[i] =
            (struct eco_cpu_place){.package = -1, .die = -1, .core = -1, .sibling = -1, .online = online[i]};
    return 0;
}

static unsigned next_online(const struct eco_topology *topology, unsigned cpu, int step)
{
    while (cpu < topology->cpu_count && !topology->cpus[cpu].online)
        cpu += (unsigned)step;
    return cpu;
}

int eco_host_sketch_topology(const struct eco_root *root, struct eco_host *ret)
{
    struct eco_topology topology;
    int r = list_cpus(root, &topology);
    if (r < 0)
        return r;
    unsigned first = next_online(&topology, 0, 1), last = next_online(&topology, topology.cpu_count - 1, -1);
    topology.package_count = 1;
    if (last < topology.cpu_count) {
        int32_t package = read_id(root, first, "physical_package_id");
        /* Hypervisors number one socket after the other. */
        bool is_one = first == last || read_id(root, last, "physical_package_id") == package;
        for (unsigned i = first; is_one && i <= last; i++)
            topology.cpus[i].package = topology.cpus[i].online ? package : -1;
        topology.cpus[first].package = package;
        topology.cpus[first].max_freq_khz = read_u32(root, first, "cpufreq/cpuinfo_max_freq");
        topology.package_count += !is_one;
    }
    eco_host_finish(ret);
    ret->topology = topology;
    return 0;
}

int eco_host_read_topology(const struct eco_root *root, struct eco_host *ret)
{
    struct eco_topology topology;
    int r = list_cpus(root, &topology);
    if (r < 0)
        return r;
    for (unsigned i = 0; i < topology.cpu_count; i++) {
        if (topology.cpus[i].online)
            read_place(root, &topology, i);
    }
    count_packages(&topology);
    topology.is_hybrid = find_hybrid(root, &topology);

    eco_host_finish(ret);
    ret->topology = topology;
    return 0;
}
