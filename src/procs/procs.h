/* SPDX-License-Identifier: MIT */
/*
 * Who used the machine: a table of processes, looked at once per interval. `scan.c` reads /proc;
 * an eBPF source takes the same place. Life cycle: open, add roots, look ..., free. Thread: one.
 */
#pragma once

#include "base/why.h"
#include "model/process.h"
#include "platform/env.h"
#include "procs/feed.h"

#include <sys/resource.h>

struct eco_procs;

enum eco_scope {
    ECO_SCOPE_TREE,   /* only the roots and what descends from them: costs nothing for the others */
    ECO_SCOPE_MACHINE /* every process; those below the roots are the job (no roots: all are) */
};

struct eco_procs_options {
    enum eco_scope scope;
    bool no_cmdline;
    bool wants_trees;           /* rows know the top of their tree */
    const char *cgroup_v2_path; /* private cgroup of the job below the cgroup2 mount, NULL = none */
    int cgroup_dir_fd;          /* the same, open; -1 = none. Borrowed */
    const char *run_id; /* value of ECOCODE_RUN: tells the job's orphans from strangers; NULL = none */
    int32_t reaper_pid; /* the process of ours whose children the job's orphans become; 0 = this one */
    size_t limit;       /* rows; 0 = ECO_PROCS_LIMIT */
    bool is_held;       /* roots wait to become a command: whose they are is for eco_procs_see_roots */
    uint32_t held_uid;  /* the user that they become */
};

/* Which CPUs count alike (socket, kind of core): stints are summed by place. Borrowed for the life of procs.
 */
struct eco_places {
    const uint8_t *of_cpu; /* [cpu_count], each below `count` */
    uint32_t cpu_count, count;
};

/* How the feed has done so far. */
struct eco_feed_state {
    bool is_in_place;
    bool has_stints;
    bool was_refused;     /* by eco_procs_use_feed, or lost again */
    bool is_whole;        /* since since_ns nothing was lost */
    uint64_t since_ns;    /* MONOTONIC: from here on every process is known by it */
    uint64_t relists;     /* how often everything had to be listed again because events were lost */
    uint64_t lost_events; /* of all feeds so far */
    uint64_t lost_ns, self_ns;
    uint64_t awaited;   /* processes that have ended and whose last CPU time is not told yet */
    uint64_t job_count; /* of the job so far, with or without a feed */
    uint32_t alive_count;
    uint64_t base_ns; /* the job's total when the feed came */
    uint64_t due_ns; /* MONOTONIC: looked at later than that it might lose something; UINT64_MAX = any time */
};

struct eco_procs_ops {
    const char *name;
    size_t size;
    int (*open)(struct eco_procs *self, struct eco_why *why);
    int (*add_root)(struct eco_procs *self, pid_t pid);
    /* A process of ours was reaped; rusage holds it and what it had waited for. */
    void (*child_ended)(struct eco_procs *self, pid_t pid, const struct rusage *usage);
    int (*look)(struct eco_procs *self, bool final, struct eco_usage *ret);
    const struct eco_proc *(*find)(const struct eco_procs *self, int32_t pid);
    void (*close)(struct eco_procs *self);
    /* Each NULL where the source can do without. */
    int (*use_feed)(struct eco_procs *self, struct eco_feed *feed, const struct eco_places *places);
    void (*feed_state)(const struct eco_procs *self, struct eco_feed_state *ret);
    int (*idle_ns)(const struct eco_procs *self, uint32_t cpu, uint64_t *ret);
    void (*see_roots)(struct eco_procs *self);
};

struct eco_procs {
    const struct eco_procs_ops *ops;
    const struct eco_env *env;
    struct eco_procs_options options;
    int32_t told_pid; /* eco_procs_own_cpu */
    uint64_t told_cpu_ns;
    uint64_t busy_ns, busy_grain_ns; /* eco_procs_tell_busy */
};

extern const struct eco_procs_ops eco_procs_scan;

int eco_procs_open(const struct eco_procs_ops *ops, const struct eco_env *env,
                   const struct eco_procs_options *options, struct eco_procs **ret,
                   struct eco_why *why) ECO_MUST_CHECK;
struct eco_procs *eco_procs_free(struct eco_procs *procs);
/** -ESRCH when there is no such process. What it used before this call is not part of the measurement. */
int eco_procs_add_root(struct eco_procs *procs, pid_t pid) ECO_MUST_CHECK;
/** With options.is_held, once the command runs: its command line, user, cgroup. Of one that has ended, what
 * it was born with. */
void eco_procs_see_roots(struct eco_procs *procs);
void eco_procs_child_ended(struct eco_procs *procs, pid_t pid, const struct rusage *usage);
/** CPU time of an ended child alone, without what it had waited for. Before eco_procs_child_ended. */
void eco_procs_own_cpu(struct eco_procs *procs, pid_t pid, uint64_t own_cpu_ns);
/**
 * Before a look: busy time of all CPUs until now, cumulative. With it a look of the whole machine need not
 * ask everybody who sleeps. 0 = not known.
 */
void eco_procs_tell_busy(struct eco_procs *procs, uint64_t busy_ns, uint64_t grain_ns);
/**
 * Look once.
 *
 * @param final  the last look: everything of the job is read, whatever the cost
 * @return 0, or -ESRCH when the job has no living process left (the view is filled all the same)
 */
int eco_procs_look(struct eco_procs *procs, bool final, struct eco_usage *ret) ECO_MUST_CHECK;

/** The living process of that number, as it was at the last look; NULL when it is not in the table. */
const struct eco_proc *eco_procs_find(const struct eco_procs *procs, int32_t pid);

/**
 * From now on the kernel tells of processes by itself. May come at any time; everybody is listed once, so
 * that nothing is missed and nothing counted twice.
 *
 * @param feed    ownership moves, also on failure; NULL takes the present one away: then as before
 * @param places  where CPU time of processes is told apart, NULL = nowhere
 * @return 0; -ENOTSUP where the pids of this procfs are not those of the kernel; -ENOMEM
 */
int eco_procs_use_feed(struct eco_procs *procs, struct eco_feed *feed,
                       const struct eco_places *places) ECO_MUST_CHECK;
void eco_procs_feed_state(const struct eco_procs *procs, struct eco_feed_state *ret);
/** Cumulative idle time of one CPU, as the feed tells it. -ENOTSUP without one. */
int eco_procs_idle_ns(const struct eco_procs *procs, uint32_t cpu, uint64_t *ret) ECO_MUST_CHECK;
