/* SPDX-License-Identifier: MIT */
/*
 * Inside of the process source that reads /proc. One look goes through these steps (scan.c):
 *
 *   sweep     the clock of every known process; what moved or vanished is noted   rows.c
 *   read      the stat of what moved, and of parents of what vanished             rows.c
 *   discover  who is new: cgroup.procs, children files or /proc itself            members.c
 *   settle    who accounts for the time of those that ended                       settle.c
 */
#pragma once

#include "procs/account.h"
#include "procs/parse.h"
#include "procs/procs.h"

#include <unistd.h>

#define ECO_CMDLINE_MAX 256 /* bytes kept of a command line, NUL included */
#define ECO_GROUPS_MAX  64  /* rows for short-lived children; then one for all others */

struct eco_fresh {
    int32_t pid;
    uint64_t inode; /* 0 unknown */
};

/* A process that is not ours, where all of /proc must be listed to find the tree. */
struct eco_other {
    int32_t pid;
    uint64_t inode;
};

struct eco_members {
    struct eco_fresh *fresh; /* found, not in the table yet */
    size_t fresh_count, fresh_capacity;
    struct eco_other *others, *others_next;
    size_t others_count, others_capacity, others_next_count, others_next_capacity;
    int32_t *strangers; /* our own children that are not of the job */
    size_t stranger_count, stranger_capacity;
    char *text; /* for files that list pids */
    size_t text_size;
    struct eco_root cgroup; /* the job's cgroup seen as a root: fd[ECO_SYSFS] */
    int cgroup_procs_fd, cgroup_cpu_fd;
    int loadavg_fd, stat_fd;
    uint64_t fork_mark;
    bool has_mark, has_children_files;
    bool is_incomplete; /* something was missed: look again, whether or not anything was created */
    bool was_stirred;   /* a process of the tree ended since the last discovery */
};

/* Slots, each at most once; as long as the table has slots. `queue` is a ring. */
struct eco_scan {
    struct eco_procs base;
    struct eco_table table;
    struct eco_members members;
    struct eco_account account;
    struct eco_proc **changed;
    uint32_t *queue, *touched, *vanished, *reaped;
    uint32_t list_capacity;
    uint32_t changed_count, changed_done, queue_head, queue_count, touched_count, vanished_count,
        reaped_count;
    uint32_t refresh_cursor;
    uint32_t root_count, group_count, global_group[2]; /* for strangers, for the job */
    uint64_t now_ns, last_ns;
    uint64_t tick_ns, page_bytes;
    uint64_t job_count, job_alive, overflow;
    struct eco_cgroup_cpu cgroup_base, cgroup_now;
    bool has_cgroup, has_cgroup_base, is_base; /* is_base: what is found now was there before we came */
    bool has_clocks;                           /* process clocks belong to this /proc */
    bool all_job;                              /* the machine without roots: every process is of the job */
};

/** The process of ours whose children the job's orphans become (run/ makes it a child subreaper). */
static inline int32_t eco_scan_reaper(const struct eco_scan *scan)
{
    return scan->base.options.reaper_pid > 0 ? scan->base.options.reaper_pid : (int32_t)getpid();
}

/* members.c */
int eco_members_open(struct eco_scan *scan) ECO_MUST_CHECK;
void eco_members_close(struct eco_scan *scan);
/** Whether anything may have been created since the last call that said yes. */
bool eco_members_forked(struct eco_scan *scan);
/** Collect processes that may be missing in the table into `fresh`. */
int eco_members_discover(struct eco_scan *scan, bool all) ECO_MUST_CHECK;
/** Children of one row into `fresh`. */
int eco_members_children(struct eco_scan *scan, struct eco_row *row) ECO_MUST_CHECK;
int eco_members_push(struct eco_scan *scan, int32_t pid, uint64_t inode) ECO_MUST_CHECK;
bool eco_members_forget_stranger(struct eco_scan *scan, int32_t pid);
/** A child of ours that came to us when its parent ended: whether it is of the job. */
bool eco_members_is_ours(struct eco_scan *scan, int32_t pid);

/* machine.c: lists of /proc */
int eco_members_list_all(struct eco_scan *scan) ECO_MUST_CHECK;
int eco_members_list_tree(struct eco_scan *scan) ECO_MUST_CHECK;

/* proc_files.c: what is read of one process */
int eco_scan_read_stat(struct eco_scan *scan, int32_t pid, struct eco_stat_line *ret) ECO_MUST_CHECK;
void eco_scan_read_cmdline(struct eco_scan *scan, struct eco_row *row);
void eco_scan_read_status(struct eco_scan *scan, struct eco_row *row);

/* rows.c, lists.c */
/** Put a process into the table. 0, -ESRCH when it is gone, -E2BIG, -ENOMEM. */
int eco_scan_create(struct eco_scan *scan, const struct eco_fresh *fresh,
                    struct eco_row **ret) ECO_MUST_CHECK;
int eco_scan_add_row(struct eco_scan *scan, int32_t pid, struct eco_row **ret) ECO_MUST_CHECK;
void eco_scan_mark_job(struct eco_scan *scan, struct eco_row *row);
void eco_scan_change(struct eco_scan *scan, struct eco_row *row);
void eco_scan_enqueue(struct eco_scan *scan, struct eco_row *row);
void eco_scan_vanish(struct eco_scan *scan, struct eco_row *row);
void eco_scan_sweep(struct eco_scan *scan, bool all);
void eco_scan_drain(struct eco_scan *scan);

/* settle.c */
void eco_scan_settle(struct eco_scan *scan);

/* roles.c */
/**
 * What a process is for, by data/roles.csv.
 *
 * @param same_as_parent  its command line is its parent's: it was forked and has not called exec
 * @return static text, or NULL
 */
const char *eco_role_find(const char *name, const char *cmdline, bool same_as_parent);
