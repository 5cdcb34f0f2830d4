/* SPDX-License-Identifier: MIT */
/* What `run` and `monitor` share: a meter made from the options, its outputs and its record. init/finish. */
#pragma once

#include "cli/accounting.h"
#include "cli/follow.h"
#include "cli/gpus.h"
#include "cli/intensity.h"
#include "cli/outputs.h"
#include "meter/meter.h"
#include "store/spool.h"

#include <limits.h>

struct eco_session {
    const struct eco_call *call;
    struct eco_meter *meter;
    struct eco_counters *counters; /* by ecocode-priv, NULL = none */
    struct eco_accounting accounting;
    struct eco_gpus gpus;
    struct eco_intensity live;
    struct eco_outputs outputs;
    struct eco_spool *spool; /* NULL: nothing is recorded */
    struct eco_sink_begin begin;
    char run_id[33], parent_run_id[33];
    char state_dir[PATH_MAX]; /* "" = none */
    char idle_unknown[48];    /* domain that --idle-power names and that is not there, "" none */
    char *const *command;     /* NULL for monitor */
    int64_t started_real_ns;
    bool is_held; /* run: its command waits, to become one of held_uid */
    uint32_t held_uid;
    uint64_t last_seq, last_t1_ns; /* of the newest frame; t1 is the begin before the first */
    bool delivered;
    const struct eco_selection *selection; /* monitor: whose processes are the job; NULL = all. Borrowed */
    struct eco_report_label labels[ECO_LABELS_MAX]; /* of --label */
    unsigned label_count;
    struct eco_follow *follow; /* run: budgets and marks; NULL = none. Borrowed */
    struct eco_report report;
};

/** Ids, and the run that we are inside of (ECOCODE_RUN). Reads nothing. `session` is empty: most of its pages
 * are not touched before the command runs. */
void eco_session_init(struct eco_session *session, const struct eco_call *call, char *const *command);

/** "bpf" and other options that this version cannot do: -ENOTSUP with a reason. */
int eco_session_check(const struct eco_call *call, struct eco_why *why) ECO_MUST_CHECK;

/**
 * Find the sensors.
 *
 * @param whole_machine  rows for every process
 * @param cgroup_fd      private cgroup of the job, -1 none; with its path
 * @param idle_power     in place of the option, NULL = as the option says
 */
int eco_session_open_meter(struct eco_session *session, bool whole_machine, int cgroup_fd,
                           const char *cgroup_path, const char *idle_power,
                           struct eco_why *why) ECO_MUST_CHECK;

/** The measurement has begun: tell the outputs. The record is prepared unless --no-record. */
void eco_session_begin(struct eco_session *session, bool record);
/** Hand the newest frame to all outputs, once. Returns how many processes of the job live, UINT32_MAX
 * unknown. */
uint32_t eco_session_deliver(struct eco_session *session);
/** Fill session->report with all but the end of the command. 0 or negative errno. */
int eco_session_make_report(struct eco_session *session) ECO_MUST_CHECK;
/** Hand the report to all outputs and the record. Before it `keep`: keep what was learnt of idle power. */
void eco_session_end(struct eco_session *session, bool keep);
/** Graphics cards, where there are any. `wait_ns`: for the first figures; 0 = what comes, comes. */
void eco_session_start_gpus(struct eco_session *session, uint64_t wait_ns);
/** ecocode-intensity, where it was asked for. */
void eco_session_start_live(struct eco_session *session);
/** The next look ends the measurement, or was it: what ecocode-priv tells of it must be as new as can be. */
void eco_session_edge(struct eco_session *session, bool is_edge);
/** Frees everything. Outputs that got no report vanish, as far as they are files of their own. */
void eco_session_finish(struct eco_session *session);

static inline uint64_t eco_now_ns(void)
{
    return eco_clock_system.mono_ns(&eco_clock_system);
}
