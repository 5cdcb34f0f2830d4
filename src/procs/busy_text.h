/* SPDX-License-Identifier: MIT */
/*
 * Parsers of the kernel's books of CPU time per CPU. `text[length]` must be NUL. They fill
 * values[cpu] and present[cpu] for the CPUs that the text names and leave the others alone.
 * Each returns one more than the highest CPU, -EBADMSG for what the kernel does not write,
 * -E2BIG for a CPU >= limit. Thread: any.
 */
#pragma once

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** cpuacct.usage_percpu: "1890127 2190311 \n", nanoseconds of tasks, one number for each possible CPU. */
int eco_percpu_parse(const char *text, size_t length, uint64_t *values, bool *present,
                     uint32_t limit) ECO_MUST_CHECK;
/** /proc/schedstat: the 7th number behind "cpuN" is rq_cpu_time, ns of tasks (sched-stats.rst, version 14
 * on). */
int eco_schedstat_parse(const char *text, size_t length, uint64_t *values, bool *present,
                        uint32_t limit) ECO_MUST_CHECK;
/** /proc/stat: idle + iowait + steal of "cpuN", in ticks. Offline CPUs have no line. */
int eco_cpustat_parse(const char *text, size_t length, uint64_t *values, bool *present,
                      uint32_t limit) ECO_MUST_CHECK;

/* What /proc/stat says of the machine. */
struct eco_stat_sums {
    uint64_t busy_ticks; /* user + nice + system + irq + softirq: sampled by ticks */
    uint64_t idle_ticks; /* idle + iowait + steal */
    uint64_t forks;      /* "processes", 0 when there is no such line */
};

/** 0, or -EBADMSG without the line "cpu". */
int eco_stat_sums_parse(const char *text, size_t length, struct eco_stat_sums *ret) ECO_MUST_CHECK;
