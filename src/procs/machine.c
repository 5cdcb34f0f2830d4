/* SPDX-License-Identifier: MIT */
/* Lists of the whole of /proc: for the machine, and for a tree where the kernel has no children files. */
#include "procs/scan.h"

#include "base/mem.h"

#include <errno.h>

#define OTHERS_MAX (1u << 22) /* the kernel's PID_MAX_LIMIT */

/* The directory's inode number stays while the process lives and its name is cached; another one may be
 * another process. */
static int see_process(void *context, const char *name, uint64_t inode)
{
    struct eco_scan *scan = context;
    int32_t pid = eco_pid_parse(name);

    if (pid == 0)
        return 0;
    uint32_t slot = eco_table_find(&scan->table, pid);
    if (slot == ECO_SLOT_NONE)
        return eco_members_push(scan, pid, inode);
    struct eco_hot *hot = &scan->table.hot[slot];
    if (hot->inode != inode) {
        if (hot->inode != 0)
            eco_scan_enqueue(scan, eco_table_row(&scan->table, slot));
        hot->inode = inode;
    }
    return 0;
}

int eco_members_list_all(struct eco_scan *scan)
{
    scan->overflow = 0;
    return eco_root_list(scan->base.env->root, ECO_PROCFS, "", see_process, scan);
}

struct tree_list {
    struct eco_scan *scan;
    size_t at; /* where we are in the old list; /proc is in the order of pids */
};

static int keep_other(struct eco_members *members, int32_t pid, uint64_t inode)
{
    int rc = eco_grow((void **)&members->others_next, &members->others_next_capacity,
                      members->others_next_count + 1, OTHERS_MAX, sizeof(*members->others_next));
    if (rc == 0)
        members->others_next[members->others_next_count++] = (struct eco_other){.pid = pid, .inode = inode};
    return rc;
}

static int see_candidate(void *context, const char *name, uint64_t inode)
{
    struct tree_list *list = context;
    struct eco_members *members = &list->scan->members;
    int32_t pid = eco_pid_parse(name);

    if (pid == 0 || eco_table_find(&list->scan->table, pid) != ECO_SLOT_NONE)
        return 0;
    while (list->at < members->others_count && members->others[list->at].pid < pid)
        list->at++;
    if (list->at < members->others_count && members->others[list->at].pid == pid &&
        members->others[list->at].inode == inode)
        return keep_other(members, pid, inode);
    return eco_members_push(list->scan, pid, inode);
}

static void forget_others(struct eco_members *members)
{
    struct eco_other *others = members->others;
    size_t capacity = members->others_capacity;

    members->others = members->others_next;
    members->others_count = members->others_next_count;
    members->others_capacity = members->others_next_capacity;
    members->others_next = others;
    members->others_next_capacity = capacity;
    members->others_next_count = 0;
}

/* Whether the parent is in the table or among the first `ours` of the fresh ones. */
static bool is_child_of_job(const struct eco_scan *scan, int32_t ppid, size_t ours)
{
    if (eco_table_find(&scan->table, ppid) != ECO_SLOT_NONE)
        return true;
    for (size_t i = 0; i < ours; i++)
        if (scan->members.fresh[i].pid == ppid)
            return true;
    return false;
}

static int compare_others(const void *a, const void *b)
{
    const struct eco_other *x = a, *y = b;

    return (x->pid > y->pid) - (x->pid < y->pid);
}

/* Of the new ones, keep those whose parent is of the job; again as long as that finds more. */
static int choose_children(struct eco_scan *scan)
{
    struct eco_members *members = &scan->members;
    size_t ours = 0;
    bool again = true;

    while (again) {
        again = false;
        for (size_t i = ours; i < members->fresh_count; i++) {
            struct eco_stat_line line;
            struct eco_fresh fresh = members->fresh[i];
            if (eco_scan_read_stat(scan, fresh.pid, &line) < 0 || !is_child_of_job(scan, line.ppid, ours))
                continue;
            members->fresh[i] = members->fresh[ours];
            members->fresh[ours++] = fresh;
            again = true;
        }
    }
    int rc = 0;
    for (size_t i = ours; rc == 0 && i < members->fresh_count; i++)
        rc = keep_other(members, members->fresh[i].pid, members->fresh[i].inode);
    members->fresh_count = ours;
    if (rc == 0 && members->others_next_count > 0)
        qsort(members->others_next, members->others_next_count, sizeof(*members->others_next),
              compare_others);
    return rc;
}

int eco_members_list_tree(struct eco_scan *scan)
{
    struct tree_list list = {.scan = scan};
    int rc;

    scan->members.others_next_count = 0;
    rc = eco_root_list(scan->base.env->root, ECO_PROCFS, "", see_candidate, &list);
    if (rc == 0)
        rc = choose_children(scan);
    forget_others(&scan->members);
    return rc;
}
