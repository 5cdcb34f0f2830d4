/* SPDX-License-Identifier: MIT */
/* A process as seen from outside. Plain data, owned by procs/; readers borrow it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ECO_PROC_NAME_MAX 64
#define ECO_PROCS_LIMIT   131072u /* rows alive at once; what is above stays in the remainder, said once */

enum eco_proc_flags {
    ECO_PROC_JOB = 1u << 0,     /* of the tree, container or unit that is measured */
    ECO_PROC_ENDED = 1u << 1,   /* gone; cpu_ns is final */
    ECO_PROC_GROUP = 1u << 2,   /* stands for many short-lived ones that nobody saw; pid 0 */
    ECO_PROC_KERNEL = 1u << 3,  /* kernel thread */
    ECO_PROC_RENAMED = 1u << 4, /* name or command line changed since the last look (exec) */
    ECO_PROC_NEW = 1u << 5,     /* first look that has it */
    ECO_PROC_SELF = 1u << 6     /* EcoCode */
};

struct eco_proc {
    uint32_t id;        /* unique in the meter's life, from 1; never used again */
    uint32_t parent_id; /* 0 = not in the table */
    int32_t pid, ppid;
    uint32_t uid;
    uint32_t flags;
    uint32_t count;       /* processes that this row stands for */
    uint32_t threads;     /* 0 unknown */
    uint64_t start_ns;    /* BOOTTIME when it started (10 ms grain) */
    uint64_t seen_ns;     /* MONOTONIC first look that has it */
    uint64_t end_ns;      /* MONOTONIC look that found it gone, 0 = alive */
    uint64_t cpu_ns;      /* cumulative, since its own start */
    uint64_t base_cpu_ns; /* what it had used before the meter first saw it; not part of this measurement */
    uint64_t rss_bytes, max_rss_bytes;
    int32_t last_cpu;    /* CPU it last ran on, -1 unknown */
    const char *role;    /* "data worker" ..., static or interned; NULL = none */
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
};
