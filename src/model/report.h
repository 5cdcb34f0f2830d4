/* SPDX-License-Identifier: MIT */
/*
 * A whole measurement, as the report shows it and `ecocode.run/1` writes it (docs/api.md). Joules,
 * watts and seconds: this is the edge. nan = not known = null in JSON. Owned by whoever filled it:
 * eco_report_finish() frees what is marked "owned".
 */
#pragma once

#include "model/course.h"
#include "model/frame.h"
#include "model/gpu.h"
#include "model/host.h"
#include "model/impact.h"

#include <stddef.h>

#define ECO_WARNINGS_MAX 16
#define ECO_LABELS_MAX   32

struct eco_uncertainty {
    double job_low_j, job_high_j; /* 95 % */
    double random_ratio; /* part that differs from run to run, relative to job_j, 1.96 sigma; nan unknown */
    double sensor_j, timing_j, idle_j, attribution_j, unattributed_j; /* 95 % half widths (2u) */
};

/* Sums of one slot: job + others + idle + unattributed = machine. */
struct eco_sums {
    double job_j, others_j, idle_j, unattributed_j;
};

/* A graphics card over the whole measurement. */
struct eco_report_device {
    bool is_there;
    const struct eco_gpu_device *device;                                        /* borrowed from the meter */
    double utilization_mean_ratio, power_max_w, temperature_max_c, throttled_s; /* nan unknown */
    double power_limit_w;       /* that it may draw, at the end; nan unknown */
    double machine_mean_w;      /* of the card, whoever used it; nan unknown */
    double late_s;              /* part of the domain's gap: from the start until its driver first answered */
    uint64_t memory_peak_bytes; /* 0 unknown */
    bool is_fitted; /* some of its energy was divided by watts that were told apart, not by time alone */
    bool is_split;  /* by uses that are an estimate (instances by slices, sampled units) */
};

struct eco_report_domain {
    struct eco_report_device device;
    struct eco_domain info;
    struct eco_sums slot[ECO_SLOT_COUNT];
    double machine_j, gap_s, mean_power_w, peak_power_w; /* peak nan below three intervals */
    double still_s; /* of gap_s: its counter could be read, and stood still; 0 where that is not told */
    struct eco_uncertainty uncertainty; /* of the headline's job_j */
};

struct eco_report_process {
    int32_t pid, ppid;
    uint32_t uid;
    uint32_t id, parent_id; /* rows refer to each other by these; not in JSON */
    uint32_t count; /* processes that it stands for, 0 = not known (short-lived ones that nobody counted) */
    const struct eco_identity *identity; /* NULL not known */
    const char *name;                    /* borrowed from the meter */
    const char *role, *cmdline;
    double start_offset_s, end_offset_s; /* nan = still running */
    double cpu_s;
    uint64_t max_rss_bytes; /* 0 unknown */
    double gpu_busy_s;      /* of all cards; nan = it used none */
    uint64_t gpu_memory_max_bytes;
    double energy_j[ECO_SLOT_COUNT];
    double *by_domain_j; /* owned by the report: [slot][domain] */
};

struct eco_report_label {
    const char *key, *value; /* borrowed from the command line */
};

/* Of a job that runs as several. */
struct eco_report_rank {
    const char *variable; /* by which the launcher told it; NULL = of no such job, all else is 0 */
    int index, count;     /* count: 0 = not known */
};

struct eco_report {
    char run_id[33], parent_run_id[33]; /* "" = none */
    struct eco_report_rank rank;
    char *const *command; /* NULL-ended, borrowed; NULL for monitor */
    char cwd[4096];
    struct eco_report_label labels[ECO_LABELS_MAX];
    unsigned label_count;
    int64_t started_real_ns; /* CLOCK_REALTIME */
    double duration_s, suspended_s;
    int exit_code, exit_signal; /* -1 = does not apply */
    bool core_dumped;
    const struct eco_host *host;
    enum eco_policy policy;
    enum eco_slot headline;
    unsigned slots;
    const char *accounting; /* "proc" or "bpf" */
    double caught_ratio;
    double interval_s;
    uint64_t interval_count;

    struct {
        const char *method;                   /* "given" "calibrated" "learnt" "model" "none" */
        double power_w[ECO_DOMAINS_MAX];      /* by domain, nan unknown */
        double half_width_w[ECO_DOMAINS_MAX]; /* 2u */
        double total_w;                       /* given for the whole machine; nan otherwise */
        int64_t at_real_ns;                   /* when it was learnt, 0 = does not apply */
    } idle;

    struct eco_sums sums[ECO_SLOT_COUNT]; /* counted domains */
    double machine_j, self_j, mean_power_w, peak_power_w;
    double quality_j[4]; /* by enum eco_quality: job_j of the headline known so */
    enum eco_quality quality;
    struct eco_uncertainty uncertainty[ECO_SLOT_COUNT];
    bool has_energy; /* some counted domain gave a figure */
    bool has_curve;  /* a calibrated one: the next two are known */
    double job_marginal_j, job_alone_j;

    struct eco_report_domain *domains; /* owned */
    unsigned domain_count;
    struct eco_report_process *processes; /* owned; the tree, ended ones too; sums to job_j */
    size_t process_count;
    double *process_energy; /* owned: backing of by_domain_j */

    double cpu_s, cpu_user_s, cpu_system_s; /* of the job; user and system nan when not known */
    uint64_t max_rss_bytes;                 /* 0 unknown */
    uint64_t job_processes;
    uint64_t still_running; /* of the job when the measurement ended */
    double self_cpu_s;
    uint64_t self_max_rss_bytes;
    double tail_s; /* idle tail measured after CMD */

    struct eco_impact impact;
    const struct eco_course *course; /* of `run`: budgets, phases, findings; borrowed, NULL none */

    char warnings[ECO_WARNINGS_MAX][320];
    unsigned warning_count;
    /* for the terminal report: why there is no (better) sensor, and the command that mends it */
    char sensor_why[320], sensor_fix[320];
    char record_text[320]; /* for the terminal report: where this first record of a user is kept; "" = it is
                              told */
    bool is_recorded;      /* for the terminal report: `ecocode report RUN` will find it */
    char model_text[320];  /* the model and its inputs when figures are estimated */
};

void eco_report_warn(struct eco_report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void eco_report_finish(struct eco_report *report);
