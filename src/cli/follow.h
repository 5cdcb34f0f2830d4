/* SPDX-License-Identifier: MIT */
/*
 * Watches the course of a run while it is measured: hears the marks of the job, judges its budgets, tells the
 * parent when one is exceeded. Frames come in the thread that looks, marks in either; the lock is in here.
 */
#pragma once

#include "cli/command.h"
#include "course/course.h"

#include <pthread.h>
#include <sys/types.h>

struct eco_follow {
    struct eco_course_keeper keeper;
    struct eco_course_now now; /* for sinks, in the thread that delivers frames */
    pthread_mutex_t lock;
    const char *policy; /* that was asked for, for words */
    int link;           /* to the parent */
    int fd;             /* marks; -1 = none can be heard */
    uid_t user;         /* whose marks are heard, beside our own and root's */
    bool has_begun;
    unsigned untold; /* budgets that are exceeded and of which the parent has not heard */
    uint64_t looked_ns;
};

/** Before anything is started: -EINVAL with a reason when a budget cannot be judged. */
int eco_follow_init(struct eco_follow *follow, const struct eco_call *call,
                    struct eco_why *why) ECO_MUST_CHECK;
/** The measurer's: hear the marks of this run; `user` is that of the command. Without a socket nothing is
 * heard, and `mark` says so. */
void eco_follow_open(struct eco_follow *follow, const char *run_id, uid_t user, int link);
void eco_follow_begin(struct eco_follow *follow, uint64_t begin_ns);
/** Marks have come. True when a look at the sensors is due, so that they are told apart. */
bool eco_follow_hear(struct eco_follow *follow);
/** Before the frame is delivered. */
void eco_follow_frame(struct eco_follow *follow, const struct eco_frame *frame);
/** The report is complete but for its course. */
void eco_follow_end(struct eco_follow *follow, struct eco_report *report);
/** Tell the parent what it has not heard. 0, -EAGAIN when it does not read now, another errno. */
int eco_follow_tell(struct eco_follow *follow, bool is_final);

/* follow_marks.c */
/** A datagram socket that hears this run's marks, close-on-exec, or negative errno. */
int eco_marks_open(const char *run_id);
/** One mark by somebody whose marks count. 1, 0 = nothing more now, -EINVAL = one that does not count. */
int eco_marks_take(int fd, uid_t user, struct eco_mark *ret);
/**
 * Tell a mark. Never waits longer than `patience_ms`.
 *
 * @return 0, -ECONNREFUSED nobody hears, -EAGAIN he does not read, or another errno
 */
int eco_marks_send(const char *run_id, const struct eco_mark *mark, int patience_ms);
