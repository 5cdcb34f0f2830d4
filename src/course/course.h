/* SPDX-License-Identifier: MIT */
/*
 * The course of a run: takes frames and marks as they come, judges budgets, fills what is told of it. Pure
 * arithmetic, nothing is allocated. Thread: one at a time (cli/follow.h has the lock).
 */
#pragma once

#include "course/budget.h"
#include "course/phases.h"
#include "course/predict.h"
#include "model/report.h"

#define ECO_PENDING_MAX                                                                \
    32 /* marks between two frames whose energy is asked for; the rest are phases only \
        */

struct eco_course_options {
    const char *const *budgets; /* each passed eco_budget_parse */
    unsigned budget_count;
    const char *budget_action;
    uint64_t expect_ns; /* 0 = not given */
    const char *per;    /* "epoch"; NULL or "" = not given */
    double per_count;
    const struct eco_factors *factors; /* copied */
};

struct eco_course_keeper {
    struct eco_course course; /* what is told; borrowed by sinks between two calls */
    struct eco_phases phases;
    struct eco_factors factors;
    struct eco_predictor predictor;
    struct eco_point now;
    struct {
        uint64_t at_ns;
        double done;
    } pending[ECO_PENDING_MAX];
    unsigned pending_count;
    double machine_j, job_j[ECO_SLOT_COUNT]; /* so far */
    double expect_s, per_count;
    uint64_t begin_ns, per_seen, idle_since_ns;
    double idle_tail_s;      /* without a break up to now: no CPU and no card did anything for the job */
    uint64_t reserved_bytes; /* memory kept for the job, set by whoever knows; 0 = not known */
    bool is_told_progress;
    char per[ECO_PHASE_NAME_MAX];
};

/** Budgets are parsed and checked: -EINVAL with a reason. The measurement begins later. */
int eco_course_init(struct eco_course_keeper *keeper, const struct eco_course_options *options,
                    struct eco_why *why) ECO_MUST_CHECK;
void eco_course_begin(struct eco_course_keeper *keeper, uint64_t begin_ns);
/** The job tells something; marks come before the frame that holds their time, and in order. */
void eco_course_mark(struct eco_course_keeper *keeper, const struct eco_mark *mark, uint64_t now_ns);
/** @return a bit for every budget that is exceeded since this frame */
unsigned eco_course_frame(struct eco_course_keeper *keeper, const struct eco_frame *frame);
/**
 * Everything has been seen: judge by the report, with its intervals. The report's course is set.
 *
 * @return as eco_course_frame
 */
unsigned eco_course_end(struct eco_course_keeper *keeper, struct eco_report *report);
/** Whether something is to be told of it: budgets, marks or a prediction. */
bool eco_course_has_something(const struct eco_course *course);
