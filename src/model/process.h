/* SPDX-License-Identifier: MIT */
/* A process as seen from outside. Plain data, owned by procs/; readers borrow it. */
#pragma once

#include "model/identity.h"

#include <stdbool.h>
#include <stdint.h>

#define ECO_PROC_NAME_MAX 64
#define ECO_PROCS_LIMIT   131072u /* rows alive at once; what is above stays in the remainder, said once */

enum eco_proc_flags {
    ECO_PROC_JOB = 1u << 0,     /* of the tree, container or unit that is measured */
    ECO_PROC_ENDED = 1u << 1,   /* gone; cpu_ns is final */
    ECO_PROC_GROUP = 1u << 2,   /* stands for many short-lived ones; pid 0 */
    ECO_PROC_KERNEL = 1u << 3,  /* kernel thread */
    ECO_PROC_RENAMED = 1u << 4, /* name or command line changed since the last look (exec) */
    ECO_PROC_NEW = 1u << 5,     /* first look that has it */
    ECO_PROC_SELF = 1u << 6,    /* EcoCode */
    ECO_PROC_CUT = 1u << 7 /* gone, but its last CPU time was not told in time: cpu_ns is a lower bound */
};

struct eco_proc {
    uint32_t id;        /* unique in the meter's life, from 1; never used again */
    uint32_t parent_id; /* 0 = not in the table */
    uint32_t tree_id; /* its topmost known ancestor below process 1; only with options.wants_trees, else 0 */
    int32_t tree_pid;
    char tree_name[16];
    int32_t pid, ppid;
    uint32_t uid;
    uint32_t flags;
    uint32_t count;       /* processes that this row stands for */
    uint32_t threads;     /* 0 unknown */
    uint64_t start_ns;    /* BOOTTIME when it started (10 ms grain, unless the kernel told of it) */
    uint64_t seen_ns;     /* MONOTONIC first look that has it */
    uint64_t end_ns;      /* MONOTONIC look that found it gone, 0 = alive */
    uint64_t cpu_ns;      /* cumulative, since its own start */
    uint64_t base_cpu_ns; /* what it had used before the meter first saw it; not part of this measurement */
    uint64_t rss_bytes, max_rss_bytes;
    /* By place (sockets, kinds of cores), cumulative: [places] time on a CPU there, then [places] of it while
     * the other thread of the core was busy. NULL unknown. */
    const uint64_t *place_ns;
    int32_t last_cpu;                    /* CPU it last ran on, -1 unknown */
    const struct eco_identity *identity; /* whose it is, NULL = not known */
    const char *role;                    /* "data worker" ..., static or interned; NULL = none */
    const char *cmdline; /* blank-separated, bounded, as read (any bytes); NULL = not known; owned by procs */
    char name[ECO_PROC_NAME_MAX]; /* comm, any bytes */
};

/* One look at who used the machine. Everything is cumulative, so a missed look loses nothing. */
struct eco_usage {
    uint64_t time_ns;    /* MONOTONIC */
    uint64_t job_cpu_ns; /* the job's total since it began; >= sum of its rows as far as is known */
    bool job_is_exact;   /* from a private cgroup: nothing can be missing */
    uint64_t job_user_ns, job_system_ns; /* split of the total, 0 unknown */
    uint64_t job_count;                  /* processes that the job has had, as far as is known */
    uint64_t job_alive;                  /* processes of the job that run now */
    /* Rows that used CPU, are new, ended or changed; borrowed till the next look. */
    struct eco_proc *const *changed;
    uint32_t changed_count;
    uint32_t alive_count; /* rows in the table */
    uint64_t overflow;    /* processes not in the table for its limit */
    /* Everybody that was told apart so far, and how many living processes each has; borrowed till the next
     * look. */
    const struct eco_identity *const *identities;
    const uint32_t *identity_alive;
    uint32_t identity_count, identity_overflow;
    uint64_t awaited; /* ended, but their last CPU time is told only later: it is not short-lived ones' */
};
