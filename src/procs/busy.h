/* SPDX-License-Identifier: MIT */
/*
 * Busy time of the machine's CPUs. Sources in this order (method.md 1): cpuacct of the v1 root
 * (ns, per CPU); /proc/schedstat rq_cpu_time (ns, per CPU); else elapsed - idle - iowait - steal of
 * /proc/stat per CPU, kept cumulative for its 10 ms grain. Never user + system: they are sampled by
 * ticks. CPUs that go offline keep what they had. init/finish.
 */
#pragma once

#include "model/activity.h"
#include "platform/env.h"

struct eco_busy;

int eco_busy_open(const struct eco_env *env, struct eco_busy **ret) ECO_MUST_CHECK;
struct eco_busy *eco_busy_free(struct eco_busy *busy);
/** Negative errno only when no source can be read at all; *ret is then untouched. `with_freq`: also cpufreq
 * (8 us a CPU). */
int eco_busy_read(struct eco_busy *busy, bool with_freq, struct eco_activity *ret) ECO_MUST_CHECK;
/** Forks of processes and threads since boot, 0 unknown: where reading them is dear and nothing else is read
 * with them. */
uint64_t eco_busy_read_forks(struct eco_busy *busy);
/** "cpuacct", "schedstat", "stat". */
const char *eco_busy_source(const struct eco_busy *busy);
