/* SPDX-License-Identifier: MIT */
/* A machine of text files, a scripted clock and counters from a table, for tests of sensors. */
#pragma once

#include "sensors/group.h"
#include "sensors/kinds.h"
#include "support/clock.h"
#include "support/perf.h"
#include "support/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MACHINE_CPUS     8
#define MACHINE_FINDINGS 700

struct machine {
    struct eco_temp temp;
    struct eco_root root;
    struct eco_fake_clock clock;
    struct eco_fake_perf perf;
    struct eco_host host;
    struct eco_cpu_place places[MACHINE_CPUS];
    struct eco_cpu_busy busy[MACHINE_CPUS];
    struct eco_activity activity;
    struct eco_env env;
    /* answer of the root double for paths that hold `fault_part` ("" = kept descriptors); 0 = none */
    int fault_error;
    const char *fault_part;
};

static inline int machine_fault(void *context, enum eco_tree tree, const char *path)
{
    const struct machine *machine = context;
    (void)tree;
    if (!machine->fault_error || !machine->fault_part)
        return 0;
    bool is_hit = machine->fault_part[0] ? strstr(path, machine->fault_part) != NULL : path[0] == '\0';
    return is_hit ? machine->fault_error : 0;
}

/* A machine of one Intel package with 4 cores of two CPUs each; `tree` is a fixture or NULL. */
static inline void machine_init(struct machine *machine, const char *tree)
{
    memset(machine, 0, sizeof(*machine));
    if (tree)
        eco_temp_init_fixture(&machine->temp, tree);
    else
        eco_temp_init(&machine->temp);
    eco_temp_roots(&machine->temp, &machine->root);
    machine->root.fault = machine_fault;
    machine->root.fault_context = machine;
    eco_fake_clock_init(&machine->clock);
    eco_fake_perf_init(&machine->perf);
    for (int cpu = 0; cpu < MACHINE_CPUS; cpu++)
        machine->places[cpu] =
            (struct eco_cpu_place){.core = cpu % 4, .sibling = (cpu + 4) % 8, .die = 0, .online = true};
    machine->host.topology = (struct eco_topology){.cpus = machine->places,
                                                   .cpu_count = MACHINE_CPUS,
                                                   .online_count = MACHINE_CPUS,
                                                   .core_count = 4,
                                                   .package_count = 1,
                                                   .has_smt = true};
    (void)snprintf(machine->host.cpu_vendor, sizeof(machine->host.cpu_vendor), "GenuineIntel");
    machine->activity =
        (struct eco_activity){.cpu_count = MACHINE_CPUS, .cpus = machine->busy, .grain_ns = 1};
    machine->env = (struct eco_env){.root = &machine->root,
                                    .clock = &machine->clock.clock,
                                    .perf = &machine->perf.perf,
                                    .host = &machine->host};
}

static inline void machine_finish(struct machine *machine)
{
    eco_root_finish(&machine->root);
    eco_temp_finish(&machine->temp);
}

/* A zone "intel-rapl:0" with the range of most Intel machines, where it is not stated otherwise. */
static inline void machine_zone(const struct machine *machine, const char *zone, const char *name,
                                uint64_t energy_uj)
{
    char path[160];
    (void)snprintf(path, sizeof(path), "sys/class/powercap/%s/name", zone);
    eco_temp_printf(&machine->temp, path, "%s\n", name);
    (void)snprintf(path, sizeof(path), "sys/class/powercap/%s/max_energy_range_uj", zone);
    eco_temp_write(&machine->temp, path, "262143328850\n");
    (void)snprintf(path, sizeof(path), "sys/class/powercap/%s/energy_uj", zone);
    eco_temp_printf(&machine->temp, path, "%llu\n", (unsigned long long)energy_uj);
}

/* Rewritten in place, as sysfs does: a kept descriptor sees it. */
static inline void machine_set(const struct machine *machine, const char *file, uint64_t value)
{
    char path[ECO_PATH_MAX], full[96];
    (void)snprintf(full, sizeof(full), "sys/class/%s", file);
    FILE *stream = fopen(eco_temp_path(&machine->temp, full, path), "r+");
    if (!stream)
        abort();
    (void)fprintf(stream, "%llu\n", (unsigned long long)value);
    if (ftruncate(fileno(stream), ftell(stream)) < 0)
        abort();
    (void)fclose(stream);
}

static inline void machine_set_text(const struct machine *machine, const char *file, const char *text)
{
    char path[ECO_PATH_MAX], full[96];
    (void)snprintf(full, sizeof(full), "sys/class/%s", file);
    FILE *stream = fopen(eco_temp_path(&machine->temp, full, path), "r+");
    if (!stream)
        abort();
    (void)fputs(text, stream);
    (void)fflush(stream);
    if (ftruncate(fileno(stream), (off_t)strlen(text)) < 0)
        abort();
    (void)fclose(stream);
}

static inline struct eco_group *machine_open(struct machine *machine, const struct eco_group_options *options,
                                             struct eco_why *why)
{
    struct eco_group *group = NULL;
    if (eco_group_open(&machine->env, options, &group, why) != 0)
        abort();
    return group;
}

/* Every CPU was busy for `share` of the time since the last look. */
static inline void machine_advance(struct machine *machine, uint64_t ns, double share)
{
    eco_fake_clock_advance(&machine->clock, ns);
    for (int cpu = 0; cpu < MACHINE_CPUS; cpu++) {
        machine->busy[cpu].busy_ns += (uint64_t)(share * (double)ns);
        machine->activity.busy_ns += (uint64_t)(share * (double)ns);
    }
}

static inline void machine_read(struct machine *machine, struct eco_group *group, bool close_all,
                                struct eco_energy *ret)
{
    machine->activity.time_ns = machine->clock.mono_ns;
    eco_group_read(group, &machine->activity, close_all, ret);
}

/* Its index, -1 when there is no such domain. */
static inline int machine_find(const struct eco_group *group, const char *name)
{
    unsigned count;
    const struct eco_domain *domains = eco_group_domains(group, &count);
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(domains[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

/* A domain that must be there. */
static inline const struct eco_domain *machine_domain(const struct eco_group *group, const char *name,
                                                      unsigned *ret_index)
{
    unsigned count;
    const struct eco_domain *domains = eco_group_domains(group, &count);
    int index = machine_find(group, name);
    if (index < 0)
        abort();
    if (ret_index)
        *ret_index = (unsigned)index;
    return &domains[index];
}

static inline int open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}
