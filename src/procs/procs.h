/* SPDX-License-Identifier: MIT */
/*
 * Who used the machine: a table of processes, looked at once per interval. `scan.c` reads /proc;
 * an eBPF source takes the same place. Life cycle: open, add roots, look ..., free. Thread: one.
 */
#pragma once

#include "base/why.h"
#include "model/process.h"
#include "platform/env.h"

#include <sys/resource.h>

struct eco_procs;

enum eco_scope {
    ECO_SCOPE_TREE,   /* only the roots and what descends from them: costs nothing for the others */
    ECO_SCOPE_MACHINE /* every process; those below the roots are the job (no roots: all are) */
};

struct eco_procs_options {
    enum eco_scope scope;
    bool no_cmdline;
    const char *cgroup_v2_path; /* private cgroup of the job below the cgroup2 mount, NULL = none */
    int cgroup_dir_fd;          /* the same, open; -1 = none. Borrowed */
    const char *run_id; /* value of ECOCODE_RUN: tells the job's orphans from strangers; NULL = none */
    int32_t reaper_pid; /* the process of ours whose children the job's orphans become; 0 = this one */
    size_t limit;       /* rows; 0 = ECO_PROCS_LIMIT */
};

struct eco_procs_ops {
    const char *name; /* "proc", "bpf": `accounting` in reports */
    size_t size;
    int (*open)(struct eco_procs *self, struct eco_why *why);
    int (*add_root)(struct eco_procs *self, pid_t pid);
    /* A process of ours was reaped; rusage holds it and what it had waited for. */
    void (*child_ended)(struct eco_procs *self, pid_t pid, const struct rusage *usage);
    int (*look)(struct eco_procs *self, bool final, struct eco_usage *ret);
    void (*close)(struct eco_procs *self);
};

struct eco_procs {
    const struct eco_procs_ops *ops;
    const struct eco_env *env;
    struct eco_procs_options options;
};

extern const struct eco_procs_ops eco_procs_scan;

int eco_procs_open(const struct eco_procs_ops *ops, const struct eco_env *env,
                   const struct eco_procs_options *options, struct eco_procs **ret,
                   struct eco_why *why) ECO_MUST_CHECK;
struct eco_procs *eco_procs_free(struct eco_procs *procs);
/** -ESRCH when there is no such process. What it used before this call is not part of the measurement. */
int eco_procs_add_root(struct eco_procs *procs, pid_t pid) ECO_MUST_CHECK;
void eco_procs_child_ended(struct eco_procs *procs, pid_t pid, const struct rusage *usage);
/**
 * Look once.
 *
 * @param final  the last look: everything of the job is read, whatever the cost
 * @return 0, or -ESRCH when the job has no living process left (the view is filled all the same)
 */
int eco_procs_look(struct eco_procs *procs, bool final, struct eco_usage *ret) ECO_MUST_CHECK;
