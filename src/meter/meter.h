/* SPDX-License-Identifier: MIT */
/*
 * The sampling loop behind the public API of <ecocode/ecocode.h>: one look at energy, CPUs and
 * processes per interval, attribution, ledger, frame. What programs of this project may use beyond
 * the public API stands here. Thread: the owner's, or the meter's own after eco_meter_start.
 */
#pragma once

#include "base/why.h"
#include "ecocode/ecocode.h"
#include "meter/calibration_store.h"
#include "model/frame.h"
#include "model/report.h"
#include "procs/procs.h"
#include "procs/selection.h"
#include "sensors/group.h"

/** What `run` tells beyond the public options. Borrowed for the life of the meter. */
struct eco_meter_host_options {
    const struct eco_env *env;     /* NULL: the meter makes its own from the public options */
    struct eco_counters *counters; /* into that; NULL = none */
    int cgroup_dir_fd;             /* private cgroup of the job, -1 none */
    const char *cgroup_v2_path;
    const char *run_id;
    int32_t reaper_pid;          /* our process that the job's orphans come to; 0 = this one */
    const char *state_dir;       /* where idle power is learnt and kept; NULL = nowhere */
    const char *calibration_dir; /* of the machine; NULL = ECO_CALIBRATION_DIR */
    bool no_estimate;
    bool is_held; /* roots wait to become a command of held_uid: eco_meter_see_roots */
    uint32_t held_uid;
    const struct eco_selection *selection; /* of the whole machine these are the job; NULL = all are */
    bool wants_identities;                 /* frames tell how many live of each identity, and trees */
};

int eco_meter_open_full(const struct eco_meter_options *options, const struct eco_meter_host_options *host,
                        struct eco_meter **ret, struct eco_why *why) ECO_MUST_CHECK;

/** With is_held, once the command runs and before any look: whose it is, and what else of the machine need
 * not be known before. */
void eco_meter_see_roots(struct eco_meter *meter);
/** The first look: baseline of everything. Energy before it is not part of the measurement. */
int eco_meter_begin(struct eco_meter *meter) ECO_MUST_CHECK;
/** What ecocode-sensord tells, from now on; borrowed for the life of the meter. May come at any time. */
void eco_meter_use_gpus(struct eco_meter *meter, struct eco_gpu_client *client);
/**
 * CPU time of an ended process alone, without what it had waited for (its rusage holds both). Before the look
 * that finds it gone.
 */
void eco_meter_child_own_cpu(struct eco_meter *meter, int32_t pid, uint64_t own_cpu_ns);
/**
 * From now on the kernel tells of processes by itself (procs/feed.h); before or after eco_meter_begin.
 * Thread: any.
 *
 * @param feed  ownership moves, also on failure; NULL = by /proc alone
 * @return as eco_procs_use_feed
 */
int eco_meter_use_feed(struct eco_meter *meter, struct eco_feed *feed) ECO_MUST_CHECK;
/** Whether asking every process for its clock costs more than a hook on switches, as busy as the machine was
 * since it was started. */
bool eco_meter_is_large(struct eco_meter *meter);
/** "bpf" or "proc": how it is up to now. */
const char *eco_meter_accounting(struct eco_meter *meter);
/** Packages, cores and siblings, read now if need be. Not while another thread looks. */
const struct eco_topology *eco_meter_topology(struct eco_meter *meter);
/** CPU time of another process of ours that serves this measurement, in all: part of what EcoCode costs
 * itself. */
void eco_meter_helper_cpu(struct eco_meter *meter, uint64_t cpu_ns);
/**
 * One look that serves the idle power only: before eco_meter_begin (--measure-idle; the first call is its
 * baseline) or after eco_meter_end (the tail; where the idle power was not known it gives this run's
 * `active`).
 */
int eco_meter_tail_tick(struct eco_meter *meter) ECO_MUST_CHECK;
/** True when the idle power of some counted domain is not known well enough, so that a tail helps. */
bool eco_meter_wants_tail(const struct eco_meter *meter);
/** Keep what was learnt (written aside, then renamed). 0 or negative errno; never harms the run. */
int eco_meter_save_state(struct eco_meter *meter) ECO_MUST_CHECK;

/**
 * The whole measurement so far, from the ledger. Fills energy, domains, processes, usage, idle, host and
 * warnings; the caller the rest (command, exit, labels, ids). eco_report_finish() afterwards. Strings and
 * host are borrowed from the meter. Ended rows are merged by parent and name beyond 4096.
 */
int eco_meter_report(struct eco_meter *meter, struct eco_report *ret) ECO_MUST_CHECK;

/** Name of a process in a frame, NULL for an unknown id. Lives as long as the meter. */
const struct eco_proc_name *eco_meter_proc_name(const struct eco_meter *meter, uint32_t proc_id);
const struct eco_domain *eco_meter_domains(const struct eco_meter *meter, unsigned *ret_count);
/** The calibration in use, NULL none; and what is to say of it (never NULL). */
const struct eco_calibration *eco_meter_calibration(const struct eco_meter *meter,
                                                    const struct eco_calibration_source **ret_source);
const struct eco_host *eco_meter_host(const struct eco_meter *meter);
/** Call `each` for everybody who has a living process now. Between looks. */
void eco_meter_each_identity(struct eco_meter *meter,
                             void (*each)(void *context, const struct eco_identity *identity), void *context);
/** When the next look is due, MONOTONIC: on the grid that began with eco_meter_begin, so that it never
 * drifts. */
uint64_t eco_meter_next_ns(const struct eco_meter *meter);
/** The frame that the last tick or end made, a reference to give back with eco_frame_unref; NULL when it made
   none (looks between frames keep counters from wrapping unseen where the interval is long). */
struct eco_frame *eco_meter_latest(struct eco_meter *meter);
