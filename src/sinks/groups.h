/* SPDX-License-Identifier: MIT */
/*
 * Sums by container, pod, job, unit, user, process or tree, over frames as they come or over a report. Their
 * energies add up to the job's: what is of no such group has a group of its own, without key. Bounded: where
 * there are too many, what has ended is put together. init/finish.
 */
#pragma once

#include "base/macros.h"
#include "model/grouping.h"
#include "model/report.h"
#include "sinks/tally.h"

#define ECO_GROUP_SUMS_MAX 4096u

struct eco_group_sum {
    uint32_t id;                         /* by process or tree: that of the process */
    int32_t pid;                         /* by process or tree */
    const struct eco_identity *identity; /* of one of its processes; NULL: processes of no such group */
    char name[20];                       /* by process or tree: its name, any bytes */
    bool is_rest;                        /* stands for many that ended */
    double energy_uj, frame_uj;          /* so far, in the last frame; nan = not known there */
    uint64_t cpu_ns, frame_cpu_ns;
    uint64_t alive; /* processes, at the end of the frame; of a report: rows' processes, 0 = nobody counted */
    bool is_seen, was_seen; /* in the last frame, or alive; in the one before */
};

struct eco_groups {
    enum eco_grouping by;
    struct eco_group_sum *all;
    size_t count, capacity;
    struct eco_group_slot *slots; /* id of an identity or a process -> its group */
    uint32_t slot_count, slot_used;
};

void eco_groups_init(struct eco_groups *groups, enum eco_grouping by);
void eco_groups_finish(struct eco_groups *groups);
/** Add what is new. 0 or -ENOMEM. */
int eco_groups_add_frame(struct eco_groups *groups, const struct eco_frame *frame,
                         const struct eco_interval *interval) ECO_MUST_CHECK;
/** Add all rows of a report; only groupings by identity. 0 or -ENOMEM. */
int eco_groups_add_report(struct eco_groups *groups, const struct eco_report *report) ECO_MUST_CHECK;

/** What tells it from others, in files: id, number, name; NULL for those of no such group. Into ret or
 * borrowed. */
const char *eco_group_key(const struct eco_groups *groups, const struct eco_group_sum *sum,
                          char ret[ECO_GROUPING_TEXT_MAX]);
/** What people call it; NULL for those of no such group. */
const char *eco_group_label(const struct eco_groups *groups, const struct eco_group_sum *sum,
                            char ret[ECO_GROUPING_TEXT_MAX]);
/** A row's energy over counted domains in an interval, uJ; nan when none is known. */
double eco_row_energy_uj(const struct eco_frame *frame, const struct eco_interval *interval, uint32_t row);
