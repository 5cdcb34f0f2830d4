/* SPDX-License-Identifier: MIT */
/* What machine this is. Plain data; filled by platform/host.h. Unknown text is "", unknown numbers 0. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ECO_CPUS_MAX 4096

/* Where a logical CPU sits. Index into eco_topology.cpus is the kernel's CPU number. */
struct eco_cpu_place {
    int32_t package;       /* physical_package_id; -1 unknown (counts as 0) */
    int32_t die;           /* -1 unknown */
    int32_t core;          /* index of the physical core, unique in the machine; -1 unknown */
    int32_t sibling;       /* another CPU of the same core (the next one round), -1 none */
    uint32_t capacity;     /* cpu_capacity, 1024 = the largest core; 0 unknown */
    uint32_t max_freq_khz; /* cpuinfo_max_freq, 0 unknown */
    bool online;
};

struct eco_topology {
    struct eco_cpu_place *cpus; /* owned */
    uint32_t cpu_count;         /* one more than the highest CPU number */
    uint32_t online_count;
    uint32_t core_count;    /* physical cores online */
    uint32_t package_count; /* at least 1 */
    bool has_smt;           /* some core has two CPUs online */
    bool is_hybrid;         /* cores of different capacity or kind */
};

struct eco_host {
    char hostname[65];
    char cpu_model[96];                                             /* "AMD EPYC 7763 64-Core Processor" */
    char cpu_vendor[24];                                            /* "GenuineIntel", "AuthenticAMD" */
    uint32_t cpu_family, cpu_model_number, cpu_stepping, microcode; /* 0 unknown (ARM) */
    char kernel[65];                                                /* "6.1.0-18-amd64" */
    char boot_id[37];
    char virtualization[24]; /* "kvm", "container:docker" ...; "" = none seen */
    char machine_type[64];   /* cloud instance or product name, "" unknown */
    char cloud[16];          /* "aws" "gcp" "azure" or "" */
    uint64_t memory_bytes;
    double cpu_quota; /* CPUs that our cgroup may use, nan = no limit */
    char cpuset[256]; /* CPUs that EcoCode, and what it starts, may run on: "0-3,8"; "" unknown */
    char cgroup[256]; /* EcoCode's own, as seen from where it runs; "" unknown */
    char container[96], pod[40], slurm_job[40]; /* that EcoCode itself runs in, "" none known */
    uint32_t ticks_per_s;                       /* of /proc/PID/stat */
    double wall_idle_w, wall_busy_w; /* at the wall, idle and all CPUs busy, by calibration; 0 unknown */
    bool is_hypervisor_guest;
    bool is_container;
    bool on_battery;
    struct eco_topology topology;
};
