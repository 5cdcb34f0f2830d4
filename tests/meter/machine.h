/* SPDX-License-Identifier: MIT */
/*
 * A scripted machine for tests of the meter: zones whose counters, CPUs and processes move only when the
 * test says so. Two CPUs, one package or two with memory. procfs is not the system's own, so CPU times come
 * from stat files (10 ms).
 */
#pragma once

#include "base/text.h"
#include "meter/meter.h"
#include "support/clock.h"
#include "support/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MACHINE_ZONES 4
#define MACHINE_JOB   100
#define MACHINE_RANGE 262143328850ull

struct machine {
    struct eco_temp temp;
    struct eco_root root;
    struct eco_fake_clock clock;
    struct eco_host host;
    struct eco_cpu_place places[2];
    struct eco_env env;
    struct eco_meter *meter;
    unsigned packages;
    double zone_uj[MACHINE_ZONES];   /* package-0, dram-0, package-1, dram-1 */
    double cpu_s[2], job_s, child_s; /* CPU time so far */
    bool has_child;
    int fault; /* errno that reading energy_uj gives */
};

static inline int machine_fault(void *context, enum eco_tree tree, const char *path)
{
    const struct machine *machine = context;
    (void)path;
    return tree == ECO_SYSFS ? machine->fault : 0;
}

static inline void machine_write_zone(struct machine *machine, unsigned zone)
{
    char path[128];
    (void)snprintf(path, sizeof path,
                   zone % 2 ? "sys/class/powercap/intel-rapl:%u/intel-rapl:%u:0/energy_uj"
                            : "sys/class/powercap/intel-rapl:%u/energy_uj",
                   zone / 2, zone / 2);
    eco_temp_printf(&machine->temp, path, "%llu\n",
                    (unsigned long long)fmod(machine->zone_uj[zone], (double)MACHINE_RANGE));
}

static inline void machine_make_zone(struct machine *machine, unsigned zone)
{
    char base[96], path[160];
    unsigned package = zone / 2;
    (void)snprintf(base, sizeof base,
                   zone % 2 ? "sys/class/powercap/intel-rapl:%u/intel-rapl:%u:0"
                            : "sys/class/powercap/intel-rapl:%u",
                   package, package);
    (void)snprintf(path, sizeof path, "%s/name", base);
    if (zone % 2)
        eco_temp_write(&machine->temp, path, "dram\n");
    else
        eco_temp_printf(&machine->temp, path, "package-%u\n", package);
    (void)snprintf(path, sizeof path, "%s/max_energy_range_uj", base);
    eco_temp_printf(&machine->temp, path, "%llu\n", MACHINE_RANGE);
    machine_write_zone(machine, zone);
    if (zone % 2) { /* the class shows every zone, the nested ones too */
        char link[96], target[96];
        (void)snprintf(link, sizeof link, "sys/class/powercap/intel-rapl:%u:0", package);
        (void)snprintf(target, sizeof target, "intel-rapl:%u/intel-rapl:%u:0", package, package);
        eco_temp_link(&machine->temp, link, target);
    }
}

static inline void machine_write_stat(struct machine *machine, int pid, int ppid, double cpu_s,
                                      const char *name)
{
    char path[64];
    (void)snprintf(path, sizeof path, "proc/%d/stat", pid);
    eco_temp_printf(
        &machine->temp, path,
        "%d (%s) S %d 1 1 0 -1 0 0 0 0 0 %llu 0 0 0 20 0 1 0 1000 1000000 256 18446744073709551615 0 0 0 "
        "0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
        pid, name, ppid, (unsigned long long)llround(cpu_s * 100));
    (void)snprintf(path, sizeof path, "proc/%d/cmdline", pid);
    eco_temp_write(&machine->temp, path, name);
    (void)snprintf(path, sizeof path, "proc/%d/task/%d/children", pid, pid);
    eco_temp_write(&machine->temp, path, pid == MACHINE_JOB && machine->has_child ? "101 " : "");
}

static inline void machine_write_cpus(struct machine *machine)
{
    uint64_t now_ticks = machine->clock.boot_ns / 10000000;
    char text[512];
    size_t used = 0;
    for (int cpu = -1; cpu < 2; cpu++) {
        double busy = cpu < 0 ? machine->cpu_s[0] + machine->cpu_s[1] : machine->cpu_s[cpu];
        unsigned long long ticks = (unsigned long long)llround(busy * 100);
        unsigned long long all = now_ticks * (cpu < 0 ? 2 : 1);
        char name[8] = "cpu";
        if (cpu >= 0)
            (void)snprintf(name, sizeof name, "cpu%d", cpu);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s  %llu 0 0 %llu 0 0 0 0 0 0\n", name,
                                 ticks, all - ticks);
    }
    eco_temp_printf(&machine->temp, "proc/stat", "%sctxt 1\nbtime 1\nprocesses 5\n", text);
}

static inline void machine_write_procs(struct machine *machine)
{
    machine_write_cpus(machine);
    machine_write_stat(machine, MACHINE_JOB, 1, machine->job_s, "train");
    if (machine->has_child)
        machine_write_stat(machine, 101, MACHINE_JOB, machine->child_s, "worker");
}

/* The roots are opened only once the trees are there. */
static inline void machine_init(struct machine *machine, unsigned packages)
{
    *machine = (struct machine){.packages = packages};
    eco_temp_init(&machine->temp);
    eco_fake_clock_init(&machine->clock);
    machine->clock.mono_ns = machine->clock.boot_ns = 100 * ECO_NS_PER_S;
    machine->clock.real_ns = 1700000000ll * (int64_t)ECO_NS_PER_S;
    for (unsigned zone = 0; zone < packages * 2; zone++) {
        machine->zone_uj[zone] = 1e9 * (zone + 1);
        machine_make_zone(machine, zone);
    }
    eco_temp_write(&machine->temp, "proc/loadavg", "0.00 0.00 0.00 1/100 500\n");
    eco_temp_write(&machine->temp, "proc/meminfo",
                   "MemTotal: 1000000 kB\nMemFree: 1 kB\nMemAvailable: 500000 kB\n");
    machine_write_procs(machine);
    eco_temp_roots(&machine->temp, &machine->root);
    machine->root.fault = machine_fault;
    machine->root.fault_context = machine;
    eco_text_copy(machine->host.hostname, sizeof machine->host.hostname, "scripted");
    eco_text_copy(machine->host.cpu_vendor, sizeof machine->host.cpu_vendor, "GenuineIntel");
    machine->host.memory_bytes = 1024000000;
    machine->host.cpu_quota = ECO_NAN;
    machine->host.ticks_per_s = 100;
    for (int i = 0; i < 2; i++)
        machine->places[i] = (struct eco_cpu_place){
            .package = packages > 1 ? i : 0, .die = -1, .core = i, .sibling = -1, .online = true};
    machine->host.topology = (struct eco_topology){.cpus = machine->places,
                                                   .cpu_count = 2,
                                                   .online_count = 2,
                                                   .core_count = 2,
                                                   .package_count = packages};
    machine->env =
        (struct eco_env){.root = &machine->root, .clock = &machine->clock.clock, .host = &machine->host};
}

static inline int machine_open(struct machine *machine, int policy, const char *idle, const char *state_dir)
{
    struct eco_meter_options options = {
        .size = sizeof options, .policy = policy, .idle_power = idle, .interval_ns = ECO_NS_PER_S};
    struct eco_meter_host_options extra = {
        .env = &machine->env, .cgroup_dir_fd = -1, .state_dir = state_dir, .no_estimate = true};
    return eco_meter_open_full(&options, &extra, &machine->meter, NULL);
}

static inline void machine_start(struct machine *machine, int policy, const char *idle, const char *state_dir)
{
    assert_int_equal(machine_open(machine, policy, idle, state_dir), 0);
    assert_int_equal(eco_meter_add_root(machine->meter, MACHINE_JOB), 0);
    assert_int_equal(eco_meter_begin(machine->meter), 0);
}

/* Time goes by: the job and a stranger use CPUs, zones count idle_w + 30 W per busy CPU (memory a tenth). */
static inline void machine_step(struct machine *machine, double seconds, double job_cpu0_s,
                                double stranger_cpu1_s)
{
    eco_fake_clock_advance(&machine->clock, (uint64_t)(seconds * 1e9));
    machine->job_s += job_cpu0_s;
    machine->cpu_s[0] += job_cpu0_s;
    machine->cpu_s[1] += stranger_cpu1_s;
    double busy[2] = {job_cpu0_s, stranger_cpu1_s};
    for (unsigned package = 0; package < machine->packages; package++) {
        double used = machine->packages > 1 ? busy[package] : busy[0] + busy[1];
        machine->zone_uj[package * 2] += 1e6 * (20 * seconds + 30 * used);
        machine->zone_uj[package * 2 + 1] += 1e6 * (2 * seconds + 3 * used);
    }
    for (unsigned zone = 0; zone < machine->packages * 2; zone++)
        machine_write_zone(machine, zone);
    machine_write_procs(machine);
}

static inline void machine_finish(struct machine *machine)
{
    machine->meter = eco_meter_free(machine->meter);
    eco_root_finish(&machine->root);
    eco_temp_finish(&machine->temp);
}
