/* SPDX-License-Identifier: MIT */
/*
 * The process of `run` that measures. A read of a sensor that never returns keeps it from ending, even by a
 * kill, where the driver sleeps uninterruptibly; so neither the command nor the process that the user started
 * depends on it. Meanwhile it holds nobody's descriptors, unless an output is one of them.
 */
#pragma once

#include "cli/link.h"
#include "cli/looker.h"
#include "cli/session.h"
#include "run/run.h"

struct eco_measurer {
    struct eco_session *session;
    const struct eco_run *run; /* of the parent, as it was at the fork: for the cgroup's getters */
    const struct eco_call *call;
    int link;
    int32_t pid;       /* of the command, 0 = not told yet */
    bool lost_group;   /* the command could not be started in its cgroup */
    uid_t user;        /* of the command */
    char own_name[16]; /* comm of this program */

    struct eco_looker looker;
    struct eco_follow follow; /* budgets and marks */
    bool keeps_standard;      /* an output goes to a descriptor that we were given */
    bool shows_progress;
    bool is_released, has_ended, is_over; /* is_over: nothing more is waited for */
    bool is_closed;                       /* nobody is there to tell: the parent has gone, or gave up */
    bool is_stuck;                        /* a look has not come back */
    bool is_cut;                          /* and it was one of the measurement itself */
    bool is_tail, tick_asked;
    uint64_t started_ns, ended_ns, late_ns; /* late_ns: what of the command was not measured, at its start */
    int status;                             /* of CMD, as from waitpid */
};

/**
 * In the process of eco_run_fork_own: measure, write everything, end. session, run, call, link and own_name
 * are set.
 */
_Noreturn void eco_measurer_be(struct eco_measurer *self);

/** run_report.c: make the report and hand it to all outputs. */
void eco_run_report(struct eco_measurer *self);

/** descriptors.c: whether some output is written to one of the descriptors that we were given, while the
 * command runs. */
bool eco_measurer_wants_descriptors(const struct eco_settings *settings);
/** Close what we need not. A pipe or lock of our caller's must not be held on by a process that is stuck. */
void eco_measurer_close_others(const struct eco_measurer *self);
/** Give standard input, output and error up. What is said from then on goes to the parent as text. */
void eco_measurer_leave_standard(const struct eco_measurer *self);
