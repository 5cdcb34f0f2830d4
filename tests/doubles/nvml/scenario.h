/* SPDX-License-Identifier: MIT */
/* What a scenario file says (README.md has its grammar), as plain data. */
#pragma once

#include "curve.h"

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define NV_DEVICES_MAX   16
#define NV_MIG_MAX       8
#define NV_FAULTS_MAX    64
#define NV_UTIL_ROWS_MAX 32
#define NV_ABSENT_MAX    64
#define NV_PROCESSES_MAX 1024
#define NV_NAME_SIZE     96

enum nv_engine { NV_SM, NV_MEM, NV_ENC, NV_DEC, NV_JPG, NV_OFA, NV_ENGINES };
enum nv_pid_view { NV_PIDS_HOST, NV_PIDS_CONTAINER };
enum nv_process_kind { NV_COMPUTE = 'C', NV_GRAPHICS = 'G', NV_MPS = 'M' };
enum nv_fault_kind { NV_FAULT_CODE, NV_FAULT_DELAY, NV_FAULT_HANG, NV_FAULT_CRASH };

struct nv_process {
    char name[NV_NAME_SIZE];
    int line;                    /* of the scenario, for complaints */
    char pid_name[NV_NAME_SIZE]; /* "@NAME": looked up in the control file; else empty */
    double device;               /* index */
    double pid, container_pid;   /* container_pid 0: the same as pid */
    double start_s, end_s;       /* holds a context in [start, end) */
    double vram_mib;             /* negative: the driver cannot say */
    double gi, ci;               /* MIG instance; negative: none */
    double after_lists;          /* seen in lists of processes only after so many calls of them */
    enum nv_process_kind kind;
    double watts[NV_ENGINES];         /* at 100 % of that engine */
    double watts_slice;               /* of each compute slice of its MIG instance, in place of watts */
    struct nv_curve util[NV_ENGINES]; /* percent */
    /* as the control file has it, reset before each reading of it */
    bool is_there;
    double now_pid, now_container_pid, now_start_s, now_end_s;
};

struct nv_mig {
    double gi, ci, gi_slices, ci_slices, memory_mib, multiprocessors;
    char uuid[NV_NAME_SIZE];
};

static inline bool nv_is_of_instance(const struct nv_process *process, const struct nv_mig *instance)
{
    return (int)process->gi == (int)instance->gi && (int)process->ci == (int)instance->ci;
}

struct nv_device {
    char name[NV_NAME_SIZE], uuid[NV_NAME_SIZE], serial[NV_NAME_SIZE], pci[32];
    char arch[16];
    bool is_ga100;
    double arch_number, brand, pci_device_id, pci_subsystem_id, cuda_major, cuda_minor, multiprocessors,
        minor;
    double memory_mib, memory_used_mib, memory_reserved_mib;
    double idle_w, context_w, module_w, memory_w; /* negative: the driver does not tell */
    double gpu_scope;                             /* 0: field values of the scope GPU are not supported */
    double power_mean_ms, power_period_ms, sample_period_ms, sample_ring;
    double energy, energy_period_ms, energy_base_mj, field_stamp_query;
    double sampled_on_ms,
        sampled_period_ms; /* the sensor sees the first `on` of each period; 0: everything */
    double util_period_ms, util_ring;
    double limit_w, limit_min_w, limit_max_w, limit_default_w, limit_requested_w;
    double fan, ecc, ecc_corrected, ecc_uncorrected, persistence, accounting, pstate;
    double clock_max_sm, clock_max_mem, clock_max_video, pcie_gen, pcie_gen_max, pcie_width, pcie_width_max;
    double pcie_tx_kib, pcie_rx_kib;
    double mig, gpm;
    struct nv_mig instance[NV_MIG_MAX];
    size_t instance_count;
    struct nv_curve power, temperature, clock_sm, clock_mem, throttle,
        reset; /* reset: one point per counter reset */
};

struct nv_fault {
    double from_s, to_s;
    int device; /* -1: any, and calls without a device */
    char call[NV_NAME_SIZE];
    enum nv_fault_kind kind;
    int code;
    double delay_ms;
    char path[PATH_MAX]; /* a hang reads this file, if there is one */
    unsigned long times; /* only the first so many calls of each client; 0: all */
    unsigned long seen;
};

/* A row that the answer of the utilisation calls has beside the true ones. */
struct nv_util_row {
    double from_s, to_s, age_ms, pid, util[NV_ENGINES];
    int device;
};

struct nv_scenario {
    char path[PATH_MAX];
    double start_ns; /* CLOCK_MONOTONIC; 0: when it was loaded */
    char driver[NV_NAME_SIZE], nvml[NV_NAME_SIZE], pids_path[PATH_MAX];
    double cuda;
    double stride[4]; /* bytes of a row of the process lists: [1] unversioned, [2] _v2, [3] _v3 */
    enum nv_pid_view pids_in_lists, pids_in_util;
    double init_ms;
    double util_ignores_last_seen;
    char (*absent)[NV_NAME_SIZE];
    size_t absent_count;
    struct nv_device device[NV_DEVICES_MAX];
    size_t device_count;
    struct nv_process *process;
    size_t process_count;
    struct nv_fault fault[NV_FAULTS_MAX];
    size_t fault_count;
    struct nv_util_row util_row[NV_UTIL_ROWS_MAX];
    size_t util_row_count;
    struct timespec pids_mtime;
    ino_t pids_inode;
    off_t pids_size;
};

/** 0, or a negative errno and what is wrong in ret_why. An empty scenario has no device. */
int nv_scenario_load(struct nv_scenario *scenario, const char *path, char *ret_why, size_t why_size);
/** Reads the control file again if it has changed (one stat otherwise). */
void nv_scenario_refresh(struct nv_scenario *scenario);
void nv_scenario_free(struct nv_scenario *scenario);
/** Seconds since the scenario's start. */
double nv_scenario_now_s(const struct nv_scenario *scenario);
