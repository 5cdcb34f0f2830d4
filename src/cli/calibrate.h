/* SPDX-License-Identifier: MIT */
/*
 * `calibrate`: plan (which CPUs are loaded when), load (children that keep them busy), watch (what the
 * machine takes meanwhile), measure (all of these in order), result (what follows from it), the pages that
 * show it, and keep (where it stays).
 */
#pragma once

#include "attribution/idle.h"
#include "cli/probe.h"
#include "meter/calibration_store.h"

#include <signal.h>
#include <sys/types.h>

#define ECO_LEVELS_MAX 20

struct eco_level {
    unsigned threads;
    int only_kind; /* cores of this kind alone; -1 = in order: large cores, small ones, second threads */
    bool has_siblings;
};

/* calibrate_plan.c: init/finish. */
struct eco_plan {
    uint32_t *order; /* CPUs in the order in which they are loaded */
    unsigned count, core_count;
    unsigned kind_count;
    uint32_t capacity[ECO_CORE_TYPES]; /* of each kind, the largest first */
    struct eco_level levels[ECO_LEVELS_MAX];
    unsigned level_count, passes;
    uint64_t idle_ns, settle_ns, hold_ns; /* how long each part takes */
};

/**
 * @param allowed      [host's cpu_count] which CPUs this process may use
 * @param threads      list of numbers of threads, NULL = chosen
 * @param duration_ns  for all of it
 * @return 0, -ENOMEM, -EINVAL with a reason
 */
int eco_plan_init(struct eco_plan *plan, const struct eco_topology *topology, const bool *allowed,
                  const char *threads, uint64_t duration_ns, struct eco_why *why) ECO_MUST_CHECK;
void eco_plan_finish(struct eco_plan *plan);
unsigned eco_plan_kind(const struct eco_plan *plan, const struct eco_cpu_place *place);
/** CPUs of a level; at most `plan->count`. Returns how many. */
unsigned eco_plan_cpus(const struct eco_plan *plan, const struct eco_topology *topology,
                       const struct eco_level *level, uint32_t *ret);

/* calibrate_load.c: children that die with us, whatever happens. */
struct eco_load {
    pid_t *pids;
    unsigned count;
};

/** One child a CPU, pinned, always busy. 0 or negative errno; what was started is then ended. */
int eco_load_start(struct eco_load *load, const uint32_t *cpus, unsigned count) ECO_MUST_CHECK;
void eco_load_stop(struct eco_load *load);

/* calibrate_watch.c */
extern volatile sig_atomic_t eco_calibrate_asked_to_end; /* the signal that asked, 0 none */

struct eco_watch_domain {
    struct eco_idle learner;
    struct eco_calibration_point points[ECO_CALIBRATION_POINTS];
    struct eco_calibration_sample samples[ECO_CALIBRATION_SAMPLES];
    size_t sample_count;
    /* the present window, and the present part of it */
    double energy_j, span_s, part_energy_j, part_span_s, part_busy_s;
    double parts_w[64];
    unsigned part_count;
    double busy_since_s; /* of its CPUs since its interval was last closed */
    int error;           /* of a gap in the window */
};

struct eco_watch {
    struct eco_probe *probe;
    const struct eco_plan *plan;
    struct eco_watch_domain *domains; /* [domain_count] */
    size_t point_count;
    struct eco_energy *energies;
    struct eco_cpu_busy *first, *last; /* per CPU: when the window began, at the last look */
    uint32_t cpu_count;
    uint64_t first_ns, last_ns, first_busy_ns, last_busy_ns;
    double freq_sum, freq_weight, part_freq_sum, part_freq_weight;
    bool shows_progress;
    uint64_t end_ns; /* when all will be done, for progress */
};

int eco_watch_init(struct eco_watch *watch, struct eco_probe *probe,
                   const struct eco_plan *plan) ECO_MUST_CHECK;
void eco_watch_finish(struct eco_watch *watch);
/** Is this domain calibrated: counted, measured, and somebody's? */
bool eco_watch_wants(const struct eco_domain *domain);
/** Forget what was seen: a window begins. */
int eco_watch_begin(struct eco_watch *watch) ECO_MUST_CHECK;
/**
 * Look ten times a second.
 *
 * @param level  for the samples; UINT_MAX = idle
 * @param learns feeds the learner of idle power
 * @return 0, -EINTR when asked to end, another negative errno
 */
int eco_watch_for(struct eco_watch *watch, uint64_t duration_ns, unsigned level, bool learns,
                  const char *what) ECO_MUST_CHECK;
/** Mean busy CPUs of the window. */
double eco_watch_busy(const struct eco_watch *watch);
/** The window as a point of every domain. */
void eco_watch_take_point(struct eco_watch *watch, const struct eco_level *level);
void eco_watch_end_progress(const struct eco_watch *watch);

/* calibrate_result.c */
struct eco_result_domain {
    const struct eco_domain *info;
    const char *source;
    struct eco_idle_estimate idle;
    struct eco_calibration_fit fit;
    const struct eco_calibration_point *points;
};

struct eco_result {
    struct eco_calibration calibration;
    struct eco_constant sigma, gamma, cores[ECO_CORE_TYPES];
    struct eco_result_domain domains[ECO_CALIBRATION_DOMAINS];
    unsigned domain_count;
    size_t point_count;
    const struct eco_plan *plan;
};

/** -EAGAIN with a reason when idle power could not be told. */
int eco_result_make(const struct eco_watch *watch, struct eco_result *ret,
                    struct eco_why *why) ECO_MUST_CHECK;

/* calibrate_show.c */
void eco_result_write(const struct eco_result *result);
/** `kept` is where it is kept, NULL nowhere. 0 or negative errno. */
int eco_result_write_json(const struct eco_result *result, const char *regime,
                          const char *kept) ECO_MUST_CHECK;

/* calibrate_measure.c */
/**
 * The quiet machine, then every level of `plan`. `watch` is the caller's to finish, whatever is returned.
 *
 * @return 0, -EBUSY with a reason where others use the machine (not with --force), -EINTR when asked to end,
 * -EAGAIN as eco_result_make(), another negative errno
 */
int eco_calibrate_measure(const struct eco_call *call, struct eco_probe *probe, const struct eco_plan *plan,
                          struct eco_result *result, struct eco_watch *watch,
                          struct eco_why *why) ECO_MUST_CHECK;

/* calibrate_keep.c */
/** Keep it where the settings say, or the machine's place, or the user's own; then print it and where it is.
 */
int eco_calibrate_keep(const struct eco_call *call, const struct eco_probe *probe,
                       const struct eco_result *result, struct eco_why *why) ECO_MUST_CHECK;
