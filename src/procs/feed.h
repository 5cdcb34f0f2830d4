/* SPDX-License-Identifier: MIT */
/*
 * What the kernel tells of processes by itself, so that nothing between two looks is missed: events of
 * their lives, and who was on a CPU. An accelerator of the source in scan.c, which works without one too:
 * with a feed `accounting` is "bpf", without "proc". A feed may arrive while a measurement runs and may be
 * lost again. Reading makes no system call of the kernel's bpf() and needs no privilege. Thread: one, that
 * of the looks.
 */
#pragma once

#include "base/macros.h"
#include "base/why.h"

#include <stdbool.h>
#include <stdint.h>

#define ECO_FEED_COMM_MAX 16

enum eco_feed_kind {
    ECO_FEED_FORK, /* a process (not a thread) was made: .pid .ppid .start_ns .cgroup_id .name */
    ECO_FEED_EXEC, /* it called exec: .pid .name; identity stays */
    ECO_FEED_EXIT, /* its last thread is ending: .cpu_ns is what is known at this moment, a lower bound */
    ECO_FEED_END /* it is gone: .cpu_ns is whole (may come late, after its EXIT); nothing follows for .pid */
};

struct eco_feed_event {
    enum eco_feed_kind kind;
    int32_t pid, ppid; /* thread group ids in the initial pid namespace; ppid: its parent when it was made */
    uint32_t uid;
    uint64_t start_ns;            /* BOOTTIME when it started, exact: tells it from another of the same pid */
    uint64_t time_ns;             /* MONOTONIC, when it happened */
    uint64_t cpu_ns;              /* EXIT, END: CPU time of all its threads, without children */
    uint64_t cgroup_id;           /* of cgroup v2, 0 unknown */
    char name[ECO_FEED_COMM_MAX]; /* comm, any bytes, NUL at the end */
};

/* Time of one process on one CPU since the last call, from the hook on switches. */
struct eco_feed_stint {
    int32_t pid;
    uint32_t cpu;
    uint64_t on_ns;     /* on that CPU */
    uint64_t shared_ns; /* of it, while the SMT sibling was busy; 0 where there is none */
};

struct eco_feed_health {
    uint64_t lost_events; /* cumulative: for these the tables must be listed again */
    uint64_t lost_ns;     /* cumulative: CPU time that no stint holds for want of room */
    uint64_t self_ns;     /* cumulative: the kernel side's own time, sampled */
    uint64_t since_ns;    /* MONOTONIC, when the last of its hooks was in place */
};

struct eco_feed;

struct eco_feed_ops {
    /* All events so far, in order. The callback's negative result ends the call, which returns it. */
    int (*events)(struct eco_feed *self, int (*told)(void *context, const struct eco_feed_event *event),
                  void *context);
    /* Everybody who was on a CPU since the last call, those that are on one now included.
     * NULL: no hook on switches. */
    int (*stints)(struct eco_feed *self, int (*told)(void *context, const struct eco_feed_stint *stint),
                  void *context);
    /* Cumulative idle time of one CPU by its switches. -ENOTSUP, -EINVAL. */
    int (*idle_ns)(const struct eco_feed *self, uint32_t cpu, uint64_t *ret);
    void (*health)(const struct eco_feed *self, struct eco_feed_health *ret);
    void (*close)(struct eco_feed *self); /* frees it */
};

/* An implementation begins with this. */
struct eco_feed {
    const struct eco_feed_ops *ops;
};

/** Accepts NULL, returns NULL. */
static inline struct eco_feed *eco_feed_free(struct eco_feed *feed)
{
    if (feed)
        feed->ops->close(feed);
    return NULL;
}
