/* SPDX-License-Identifier: MIT */
/*
 * Energy and CPU time by phase. A mark begins a phase, which lasts until the next one; the same name again
 * adds up. An interval that holds a mark is divided by time; whoever looks at the sensors at a mark keeps
 * that part small. A domain whose counter moves seldom tells late: its energy goes to the phases of the time
 * that it speaks for. The sum over phases is the sum over frames.
 */
#pragma once

#include "course/mark.h"
#include "model/course.h"
#include "model/frame.h"

#define ECO_SWITCHES_MAX 256 /* remembered; a slow counter that reaches back behind them is the oldest's */

struct eco_switch {
    uint64_t at_ns; /* MONOTONIC */
    unsigned phase;
};

struct eco_phases {
    struct eco_course *course; /* what is filled; borrowed */
    struct eco_switch switches[ECO_SWITCHES_MAX];
    unsigned switch_count;
    uint64_t begin_ns, booked_ns; /* the measurement's begin; up to where frames have told */
};

/** `course` has no phases yet. */
void eco_phases_init(struct eco_phases *phases, struct eco_course *course, uint64_t begin_ns);
/** A phase begins, not before what is booked already. Marks come in the order of their times. */
void eco_phases_mark(struct eco_phases *phases, const char *name, uint64_t at_ns);
/** Book an interval. */
void eco_phases_frame(struct eco_phases *phases, const struct eco_frame *frame);
