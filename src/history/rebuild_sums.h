/* SPDX-License-Identifier: MIT */
/* Sums over the intervals of a record: by domain, by process, and for the whole. */
#pragma once

#include "history/run_frames.h"

#include <stdint.h>

#define ECO_SUM_PROCESSES_MAX 65536 /* further ones are told as one */

struct eco_energy_sums {
    double job_j, others_j, idle_j, unattributed_j, machine_j, gap_s;
    bool is_known; /* some interval was */
};

struct eco_domain_sums {
    char name[128];
    bool counted;
    struct eco_energy_sums sums;
    unsigned quality; /* 0 none, else worst of: 1 measured, 2 derived, 3 estimated */
};

struct eco_process_sums {
    int64_t pid;
    char name[64];
    double cpu_s, energy_j, rss_bytes;
    bool has_ended;
};

struct eco_record_sums {
    struct eco_domain_sums domains[ECO_DOMAINS_MAX];
    unsigned domain_count, quality;
    struct eco_energy_sums total;
    double active_j, full_j, quality_j[4]; /* job's, by quality */
    double suspended_s, job_cpu_s, job_rows_j;
    uint64_t intervals;
    struct eco_process_sums *processes; /* of the job, owned */
    size_t process_count, process_capacity;
    uint32_t *slots; /* of the table by pid and name: index + 1, owned */
    size_t slot_count;
};

void eco_record_sums_init(struct eco_record_sums *sums);
/** -ENOMEM. */
int eco_record_sums_add(struct eco_record_sums *sums, const struct eco_frame_text *frame) ECO_MUST_CHECK;
void eco_record_sums_finish(struct eco_record_sums *sums);
