/* SPDX-License-Identifier: MIT */
/*
 * The physics of the simulated machine: what each package's counter shows, and what is true.
 *
 * A package draws `idle_w` always and `k_j` joules for every CPU second of its CPUs:
 *     E = E0 + idle_w * t + k_j * cpu_seconds        counter = E mod range
 * t is CLOCK_MONOTONIC. CPU seconds come from the v1 cpuacct root (usage_percpu: ns, per CPU; a running
 * task is brought up to date at each tick, so the counter lags a busy CPU by one tick at most) or, where
 * that is not mounted, from /proc/stat (user + nice + system + irq + softirq, 10 ms grain). With
 * --exponent P below 1 the dynamic part is k_j * busy^P per second, as on real silicon; with --sigma S the
 * second thread of a core adds S of what the first one takes (CPUs in pairs; run-on-machine declares them).
 *
 * Thread rule: every function takes the machine's lock itself.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECO_SIM_PACKAGES_MAX 8
#define ECO_SIM_CPUS_MAX     1024

/* Zones of one package, in the order of their sub-ids; PSYS is a zone of its own beside the packages. */
enum eco_sim_zone {
    ECO_SIM_PACKAGE,
    ECO_SIM_CORE,
    ECO_SIM_UNCORE,
    ECO_SIM_DRAM,
    ECO_SIM_PSYS,
    ECO_SIM_ZONES
};

struct eco_sim_options {
    unsigned packages;
    double idle_w, k_j;           /* of each package */
    double dram_idle_w, dram_k_j; /* both 0: no dram zone */
    double exponent;              /* 1 = linear */
    double sigma;       /* CPUs 2i and 2i+1 are threads of one core: both busy draw 1 + sigma; < 0 no */
    double gain;        /* what the counter shows of a joule: the sensor's own error */
    double noise_ratio; /* standard deviation of idle power over 1 s, relative */
    double range_j;     /* the counter starts again here */
    double start_j;     /* where every counter begins */
    double max_power_w; /* constraint_0_max_power_uw of each package */
    unsigned period_ms; /* the counter moves in steps of this; 0 = at every read */
    bool core, uncore, psys;
    uint64_t seed;
};

struct eco_sim_zone_state {
    double true_j;    /* since the start, never wraps */
    double shown_j;   /* before the modulus: true_j + start + jumps - resets */
    double stepped_j; /* shown_j at the last step of the counter */
};

struct eco_sim_package {
    struct eco_sim_zone_state zone[ECO_SIM_ZONES];
    uint64_t cpu_ns; /* CPU time of its CPUs at the last look */
    double cpu_s;    /* since the start */
    int error;       /* positive errno that a read of energy_uj gives, 0 = none */
    bool gone;       /* the zone is not there */
};

struct eco_sim {
    struct eco_sim_options options;
    unsigned cpu_count;
    unsigned package_of[ECO_SIM_CPUS_MAX];
    struct eco_sim_package package[ECO_SIM_PACKAGES_MAX];
    uint64_t each_ns[ECO_SIM_CPUS_MAX], before_ns[ECO_SIM_CPUS_MAX]; /* by CPU, now and at the last look */
    uint64_t start_ns, last_ns, random;
    int cpu_fd; /* cpuacct.usage_percpu or /proc/stat */
    bool is_cpuacct;
    bool steps;                   /* the thread that moves the counters runs */
    bool hangs;                   /* a read of energy_uj blocks until this is false again */
    bool stalls;                  /* the same, but a signal ends it: is_interrupted */
    bool (*is_interrupted)(void); /* was the read that this thread serves given up? NULL = never */
    unsigned waiting;             /* readers that hang now */
    pthread_mutex_t lock;
    pthread_cond_t released;
    pthread_t stepper;
};

/** Opens the CPU clock and takes the baseline. 0 or negative errno. */
int eco_sim_init(struct eco_sim *sim, const struct eco_sim_options *options);
/** Starts the thread that moves the counters where period or curve need one. After the daemon's last fork. */
int eco_sim_start(struct eco_sim *sim);

/** True when the machine was built with this zone and it is there now. */
bool eco_sim_has(struct eco_sim *sim, unsigned package, enum eco_sim_zone zone);
/** What energy_uj shows. 0, -ENODEV when the zone is gone, or the error that was asked for. May block (hang).
 */
int eco_sim_read_uj(struct eco_sim *sim, unsigned package, enum eco_sim_zone zone, uint64_t *ret_uj);

/** The truth as one JSON object. Bytes as from snprintf. */
int eco_sim_truth(struct eco_sim *sim, char *ret, size_t size);

/**
 * One line written to `control`. A package number at the end narrows it to that package.
 *   error NAME|NUMBER   reads of energy_uj fail (EIO, EACCES, ENODATA, ...)
 *   ok                  no more errors, hanging reads go on
 *   reset               counters start again at 0
 *   jump J              counters are J joules further, without energy having been used
 *   vanish, return      the zones are gone, or there again
 *   noise X             idle power varies by X (standard deviation over 1 s, relative)
 *   concave P           dynamic power is k * busy^P
 *   gain G              counters show G joules for one
 *   idle W              idle power of the packages from now on
 *   hang                reads of energy_uj block until `ok`, whatever happens: not even a kill ends them
 *   stall               the same, but a signal to the reader ends its read with EINTR
 *
 * @return 0 or -EINVAL
 */
int eco_sim_control(struct eco_sim *sim, const char *line);
