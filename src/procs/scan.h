/* SPDX-License-Identifier: MIT */
/*
 * Inside of the process source that reads /proc. One look goes through these steps (scan.c):
 *
 *   sweep     the clock of the known processes; what moved or vanished is noted   sweep.c
 *   read      the stat of what moved, and of parents of what vanished             rows.c
 *   discover  who is new: cgroup.procs, children files or /proc itself            members.c
 *   settle    who accounts for the time of those that ended                       settle.c
 *
 * With a feed (feed.h) what the kernel told comes first, and takes the place of what it makes superfluous:
 *
 *   drain     rows of those that were born, names, final times of those that ended  fed_events.c
 *   stints    who ran, and where: clocks are read only of these                      fed_stints.c
 *   finish    /proc is read of the newborn that still live; who ended leaves         fed.c
 *   books     what nobody told of, where events were lost                            fed_books.c
 */
#pragma once

#include "procs/account.h"
#include "procs/identity.h"
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

/* Numbers (pids) that the kernel has given out: numbers.c. */
struct eco_numbers {
    uint64_t seen;       /* the last one given out at the last look, 0 unknown: then /proc is listed */
    uint64_t from;       /* at the look before that: those since are asked for once more */
    uint64_t given;      /* how many since /proc was listed */
    uint64_t base_forks; /* forks since boot when it was listed */
    uint64_t listed_ns;
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
    int cgroup_procs_fd, cgroup_cpu_fd, cgroup_stat_fd;
    int loadavg_fd, stat_fd;
    struct eco_numbers numbers;
    uint64_t fork_mark, last_pid; /* last_pid: fork_mark where it is one, else 0 */
    bool has_mark, has_children_files;
    bool is_incomplete; /* something was missed: look again, whether or not anything was created */
    bool must_list;     /* it was so before this look */
    bool was_stirred;   /* a process of the tree ended since the last discovery */
};

/* An open stat file of a process that runs in look after look: a third of the price is its path. */
#define ECO_KEPT_STATS 16u
struct eco_kept_stat {
    int32_t pid; /* 0: none */
    int fd;
    uint64_t used_ns;
};

/* Whose clock is read, and what they told: sweep.c. */
struct eco_sweep {
    uint64_t clocks_ns;        /* by how much all clocks together have moved */
    uint64_t busy_ns, seen_ns; /* of the CPUs, and clocks_ns, at the last look; busy_ns 0 unknown */
    uint32_t turn;
    bool has_grown; /* in this look: somebody's books of children */
};

/* A row that stands for the short-lived children of one parent that had one name. */
struct eco_named_group {
    uint32_t slot, parent; /* parent NONE: it is not in the table */
};

/* What belongs to the feed. Lists hold slots, each at most once, and are as long as the table has slots. */
struct eco_fed {
    struct eco_feed *feed; /* NULL: none */
    struct eco_places places;
    bool is_fresh; /* it came since the last look: everything is listed once */
    bool has_lost; /* in this look: everything is listed again, and a process may be told of by its end alone
                    */
    bool has_lost_stints;
    bool is_whole; /* nothing was lost so far */
    bool was_refused;
    bool knows_who_ran; /* in this look: `ran` */
    uint64_t since_ns, boot_since_ns;
    struct eco_feed_health health, before; /* `before`: of feeds that are gone */
    uint64_t relists;
    uint64_t event_count, drained_ns, due_ns; /* of the present look; the last; when to drain again */
    uint32_t *newborn, *ended, *gone, *ran;
    uint32_t newborn_count, ended_count, gone_count, ran_count;
    uint32_t displaced; /* of `gone`: detached, for another process has the pid now */
    uint32_t kept;      /* short-lived ones that have got a row of their own in this look */
    struct eco_named_group groups[ECO_GROUPS_MAX];
    uint32_t group_count, last_group;
};

/* Slots, each at most once; as long as the table has slots. `queue` is a ring. */
struct eco_scan {
    struct eco_procs base;
    struct eco_table table;
    struct eco_members members;
    struct eco_account account;
    struct eco_identities identities;
    uint32_t tell_tries; /* environments read in vain for what a Slurm job is called */
    struct eco_fed fed;
    struct eco_sweep sweep;
    struct eco_kept_stat kept[ECO_KEPT_STATS];
    struct eco_proc **changed;
    uint32_t *queue, *touched, *vanished, *reaped;
    uint32_t list_capacity;
    uint32_t changed_count, changed_done, queue_head, queue_count, touched_count, vanished_count,
        reaped_count;
    uint32_t vanished_lent,
        vanished_settled; /* of the first so many our caller has been told; books are made */
    uint32_t refresh_cursor;
    uint32_t root_count, group_count, global_group[2]; /* for strangers, for the job */
    uint64_t now_ns, last_ns, opened_ns;
    uint64_t tick_ns, page_bytes;
    uint64_t job_count, job_alive, overflow;
    struct eco_cgroup_cpu cgroup_base, cgroup_now;
    bool has_cgroup, has_cgroup_base, is_base; /* is_base: what is found now was there before we came */
    bool has_clocks;                           /* process clocks belong to this /proc */
    bool has_looked;
    bool is_cgroup_seen, is_cgroup_same; /* in this look: cgroup_now is of it, and what it was */
    bool all_job;                        /* the machine without roots: every process is of the job */
};

/** The process of ours whose children the job's orphans become (run/ makes it a child subreaper). */
static inline int32_t eco_scan_reaper(const struct eco_scan *scan)
{
    return scan->base.options.reaper_pid > 0 ? scan->base.options.reaper_pid : (int32_t)getpid();
}

/** Now, for what is only compared over some minutes: comes again after 49 days. */
static inline uint32_t eco_scan_ms(const struct eco_scan *scan)
{
    return (uint32_t)(scan->now_ns / ECO_NS_PER_MS);
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

bool eco_members_read_last_pid(struct eco_scan *scan, uint64_t *ret);
/** Forks of processes and threads since boot, of all pid namespaces. */
bool eco_members_read_forks(struct eco_scan *scan, uint64_t *ret);

/* numbers.c: who is new on the machine */
int eco_members_find_new(struct eco_scan *scan, bool all) ECO_MUST_CHECK;
/** Whether it has to be called although nothing was forked since. */
bool eco_members_asks_again(const struct eco_scan *scan);

/* machine.c: lists of /proc */
int eco_members_list_all(struct eco_scan *scan) ECO_MUST_CHECK;
int eco_members_list_tree(struct eco_scan *scan) ECO_MUST_CHECK;

/* proc_files.c: what is read of one process */
int eco_scan_read_stat(struct eco_scan *scan, int32_t pid, struct eco_stat_line *ret) ECO_MUST_CHECK;
/** The same for one that is in the table: its file may be open already. */
int eco_scan_read_stat_again(struct eco_scan *scan, int32_t pid, struct eco_stat_line *ret) ECO_MUST_CHECK;
/** It is gone. */
void eco_scan_forget_stat(struct eco_scan *scan, int32_t pid);
void eco_scan_close_stats(struct eco_scan *scan);
void eco_scan_read_cmdline(struct eco_scan *scan, struct eco_row *row);
void eco_scan_read_status(struct eco_scan *scan, struct eco_row *row);

/* identify.c */
/** Whose the process is, from its cgroups now. After its uid is known. */
void eco_scan_identify(struct eco_scan *scan, struct eco_row *row);
/** For one that may end before anything of it can be read: its parent's. */
void eco_scan_inherit_identity(struct eco_scan *scan, struct eco_row *row, const struct eco_row *parent);
/** The same where that was long ago: it may have been moved. For those that ran. */
void eco_scan_identify_again(struct eco_scan *scan, struct eco_row *row);
/** It has ended: its identity has one living process less. The row keeps it. */
void eco_scan_forget_identity(struct eco_scan *scan, struct eco_row *row);
/** tree_id of everything that changed. */
void eco_scan_find_trees(struct eco_scan *scan);

/* rows.c, lists.c */
/** Put a process into the table. 0, -ESRCH when it is gone, -E2BIG, -ENOMEM. */
int eco_scan_create(struct eco_scan *scan, const struct eco_fresh *fresh,
                    struct eco_row **ret) ECO_MUST_CHECK;
int eco_scan_add_row(struct eco_scan *scan, int32_t pid, struct eco_row **ret) ECO_MUST_CHECK;
/** As eco_scan_add_row, but the row is not said to have changed. */
int eco_scan_add_quiet(struct eco_scan *scan, int32_t pid, struct eco_row **ret) ECO_MUST_CHECK;
/** Read everything of a row that is in the table. 0, or why its stat cannot be read. */
int eco_scan_read_new(struct eco_scan *scan, struct eco_row *row) ECO_MUST_CHECK;
/** What it has used now; less than before is ignored. */
void eco_scan_set_cpu(struct eco_scan *scan, struct eco_row *row, uint64_t cpu_ns);
void eco_scan_mark_job(struct eco_scan *scan, struct eco_row *row);
void eco_scan_change(struct eco_scan *scan, struct eco_row *row);
void eco_scan_enqueue(struct eco_scan *scan, struct eco_row *row);
/** A root that was held and runs now (options.is_held). */
void eco_scan_see_root(struct eco_scan *scan, struct eco_row *row);
/** It is no more. With a feed that is told to have its last CPU time it waits for that. */
void eco_scan_lose(struct eco_scan *scan, struct eco_row *row);
void eco_scan_vanish(struct eco_scan *scan, struct eco_row *row);
void eco_scan_sweep(struct eco_scan *scan, bool all);
/** A clock has moved. */
static inline void eco_scan_note_clock(struct eco_scan *scan, struct eco_hot *hot, uint64_t cpu_ns)
{
    scan->sweep.clocks_ns += cpu_ns - hot->cpu_ns;
    hot->cpu_ns = cpu_ns;
    hot->marks &= ECO_ROW_STILL_ONE - 1;
}
void eco_scan_drain(struct eco_scan *scan);

/* usage.c */
bool eco_scan_read_cgroup_cpu(struct eco_scan *scan, struct eco_cgroup_cpu *ret);
/**
 * Read the job's total. Before the clocks of its processes: what they use meanwhile is then in their rows and
 * not yet in the total. The other way round it would be nobody's, told as that of short-lived ones, and once
 * more when the rows are next looked at (an interrupted look makes milliseconds of it).
 */
void eco_scan_see_cgroup(struct eco_scan *scan);
/**
 * Whether nobody of the job's cgroup has run since the last look, known or not: then nobody has forked or
 * ended there, and nothing else needs to be asked.
 */
bool eco_scan_has_stood_still(const struct eco_scan *scan);
void eco_scan_fill_usage(struct eco_scan *scan, struct eco_usage *ret);

/* reaped.c */
void eco_scan_child_ended(struct eco_procs *procs, pid_t pid, const struct rusage *usage);

/* settle.c */
void eco_scan_settle(struct eco_scan *scan);
/** The row for the short-lived of `parent` that have no other, NULL without memory. */
struct eco_row *eco_scan_group_of(struct eco_scan *scan, struct eco_row *parent);
struct eco_row *eco_scan_new_group(struct eco_scan *scan, const struct eco_row *parent, const char *name);
void eco_scan_end_group(struct eco_scan *scan, struct eco_row *group);

/* fed_events.c */
/** Take what the kernel has told since the last time into the table. */
void eco_fed_drain(struct eco_scan *scan);
/* fed_stints.c */
void eco_fed_take_stints(struct eco_scan *scan);
/* fed_groups.c: short-lived ones beyond what has rows of its own */
void eco_fed_merge(struct eco_scan *scan, struct eco_row *row);
void eco_fed_end_groups(struct eco_scan *scan, const struct eco_row *parent);
/* fed_books.c */
/** It has ended, or more is known of one that has: its parent's books must hold that. */
void eco_fed_claim(struct eco_scan *scan, struct eco_row *row);
/** Its children's time was read: what of it no row explains. */
void eco_fed_see_unseen(struct eco_scan *scan, struct eco_row *row);
/** row->reaped_ns is known, and what of it the row used itself. */
void eco_fed_reaped(struct eco_scan *scan, struct eco_row *row, uint64_t own_ns);
/** A feed came or went. */
void eco_fed_begin_books(struct eco_scan *scan);
/* fed.c */
static inline bool eco_fed_is_on(const struct eco_scan *scan)
{
    return scan->fed.feed != NULL;
}
/** Those whose end was told leave, or are merged. */
void eco_fed_flush(struct eco_scan *scan);
/** Read of the newborn what can still be read. */
void eco_fed_finish(struct eco_scan *scan);
/** Wait for the last CPU time of `row`, which /proc has no more. */
void eco_fed_await(struct eco_scan *scan, struct eco_row *row);
/** Its pid is another's now. */
void eco_fed_displace(struct eco_scan *scan, struct eco_row *row);
/** Those that have been waited for too long leave with what is known. `all`: nothing is waited for any more.
 */
void eco_fed_give_up(struct eco_scan *scan, bool all);
/** The last look: give the kernel a moment to tell of those that have just ended. */
void eco_fed_wait(struct eco_scan *scan);
/** After the rows of a look are done: the total may now come from them. */
void eco_fed_settled(struct eco_scan *scan);
int eco_fed_use(struct eco_procs *procs, struct eco_feed *feed, const struct eco_places *places);
void eco_fed_state(const struct eco_procs *procs, struct eco_feed_state *ret);
int eco_fed_idle_ns(const struct eco_procs *procs, uint32_t cpu, uint64_t *ret);
void eco_fed_close(struct eco_scan *scan);
/** scan.c: one look that nobody is told of yet; the next one tells of it too. */
void eco_scan_look_quietly(struct eco_scan *scan);

/* roles.c */
/**
 * What a process is for, by data/roles.csv.
 *
 * @param same_as_parent  its command line is its parent's: it was forked and has not called exec
 * @return static text, or NULL
 */
const char *eco_role_find(const char *name, const char *cmdline, bool same_as_parent);
