/* SPDX-License-Identifier: MIT */
/* The process source that reads /proc; scan.h tells its steps. */
#include "procs/scan.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS_MAX 32 /* generations that one look follows; what is deeper is found by the next */

static struct eco_scan *scan_of(struct eco_procs *procs)
{
    return (struct eco_scan *)procs;
}

/* ---- new ones ---- */

static void create_fresh(struct eco_scan *scan)
{
    struct eco_members *members = &scan->members;

    for (size_t i = 0; i < members->fresh_count; i++) {
        struct eco_row *row;
        int rc = eco_scan_create(scan, &members->fresh[i], &row);
        if (rc == -E2BIG || rc == -ENOMEM)
            scan->overflow++;
    }
    members->fresh_count = 0;
}

/* A parent with the greater pid comes after its child in the list. */
static void adopt_late(struct eco_scan *scan, uint32_t first_changed)
{
    for (uint32_t i = first_changed; i < scan->changed_count; i++) {
        uint32_t slot = eco_table_find(&scan->table, scan->changed[i]->pid);
        if (slot == ECO_SLOT_NONE || (scan->changed[i]->flags & ECO_PROC_NEW) == 0)
            continue;
        struct eco_row *row = eco_table_row(&scan->table, slot);
        if (row->parent != ECO_SLOT_NONE)
            continue;
        uint32_t parent = eco_table_find(&scan->table, row->proc.ppid);
        if (parent == ECO_SLOT_NONE)
            continue;
        eco_tree_link(&scan->table, row, parent);
        struct eco_row *above = eco_table_row(&scan->table, parent);
        row->proc.parent_id = above->proc.id;
        if ((above->proc.flags & ECO_PROC_JOB) != 0)
            eco_scan_mark_job(scan, row);
    }
}

/* Rows for the fresh, then their children, until there are no more. */
static int take_fresh(struct eco_scan *scan)
{
    bool walks =
        scan->base.options.scope == ECO_SCOPE_TREE && !scan->has_cgroup && scan->members.has_children_files;
    int rc = 0;

    for (int round = 0; round < ROUNDS_MAX && scan->members.fresh_count > 0; round++) {
        uint32_t first = scan->changed_count;
        create_fresh(scan);
        adopt_late(scan, first);
        eco_scan_drain(scan);
        for (uint32_t i = first; walks && rc == 0 && i < scan->changed_count; i++) {
            uint32_t slot = eco_table_find(&scan->table, scan->changed[i]->pid);
            if (slot != ECO_SLOT_NONE && (scan->changed[i]->flags & ECO_PROC_NEW) != 0)
                rc = eco_members_children(scan, eco_table_row(&scan->table, slot));
        }
    }
    if (scan->members.fresh_count > 0)
        scan->members.is_incomplete = true;
    scan->members.fresh_count = 0;
    return rc;
}

/* ---- one look ---- */

static void clear_marks(struct eco_scan *scan, const uint32_t *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        scan->table.hot[list[i]].marks &= ECO_ROW_CHANGED;
}

/* What the last look lent is given back; rows that came between looks stay in the list. */
static void begin_look(struct eco_scan *scan)
{
    for (uint32_t i = 0; i < scan->changed_done; i++) {
        struct eco_proc *proc = scan->changed[i];
        struct eco_row *row = (struct eco_row *)proc;
        proc->flags &= ~(uint32_t)(ECO_PROC_NEW | ECO_PROC_RENAMED);
        scan->table.hot[row->slot].marks &= ~(uint32_t)ECO_ROW_CHANGED;
    }
    scan->changed_count -= scan->changed_done;
    if (scan->changed_count > 0)
        memmove(scan->changed, scan->changed + scan->changed_done,
                scan->changed_count * sizeof(struct eco_proc *));
    scan->changed_done = 0;
    clear_marks(scan, scan->touched, scan->touched_count);
    scan->touched_count = 0;
    for (uint32_t i = 0; i < scan->vanished_lent; i++)
        eco_table_remove(&scan->table, eco_table_row(&scan->table, scan->vanished[i]));
    scan->vanished_count -= scan->vanished_lent;
    if (scan->vanished_count > 0 && scan->vanished_lent > 0)
        memmove(scan->vanished, scan->vanished + scan->vanished_lent,
                scan->vanished_count * sizeof(*scan->vanished));
    scan->vanished_settled -= scan->vanished_lent;
    scan->vanished_lent = 0;
    scan->last_ns = scan->now_ns;
    scan->now_ns = scan->base.env->clock->mono_ns(scan->base.env->clock);
}

/* Before the first look of a machine without roots: figures are still those of open(). */
static void make_all_job(struct eco_scan *scan)
{
    scan->all_job = scan->is_base = true;
    for (uint32_t slot = 0; slot < scan->table.high; slot++)
        if (scan->table.hot[slot].pid > 0)
            eco_scan_mark_job(scan, eco_table_row(&scan->table, slot));
    scan->is_base = false;
}

/* Who is new and was not told of by a feed: where there is none, or it has just come, or has lost something.
 */
static int discover(struct eco_scan *scan, bool final)
{
    bool is_listed = scan->fed.is_fresh || scan->fed.has_lost;
    bool forked = eco_fed_is_on(scan) ? is_listed : eco_members_forked(scan);
    int rc = 0;

    if (forked || final || (!eco_fed_is_on(scan) && eco_members_asks_again(scan))) {
        rc = eco_members_discover(scan, final || is_listed);
        eco_scan_drain(scan);
    }
    scan->members.was_stirred = scan->members.was_stirred || (!forked && scan->vanished_count > 0);
    return rc;
}

static void look_once(struct eco_scan *scan, bool final)
{
    begin_look(scan);
    if (scan->base.options.scope == ECO_SCOPE_MACHINE && scan->root_count == 0 && !scan->all_job)
        make_all_job(scan);
    eco_fed_drain(scan);
    for (uint32_t i = 0; i < scan->reaped_count; i++)
        eco_scan_vanish(scan, eco_table_row(&scan->table, scan->reaped[i]));
    scan->reaped_count = 0;
    /* What is gone when nobody knew who ran: all are looked at. */
    eco_scan_sweep(scan, final || scan->fed.is_fresh || scan->fed.has_lost);
    eco_scan_drain(scan);
    int rc = !final && eco_scan_has_stood_still(scan) ? 0 : discover(scan, final);
    if (rc == 0)
        rc = take_fresh(scan);
    if (final)
        eco_fed_wait(scan);
    eco_fed_give_up(scan, final);
    eco_scan_settle(scan);
    eco_fed_settled(scan);
    scan->has_looked = true;
    if (rc < 0) {
        /* What could not be listed is looked for again; the clocks of the known ones are good. */
        scan->members.is_incomplete = true;
        scan->members.fresh_count = 0;
    }
}

void eco_scan_look_quietly(struct eco_scan *scan)
{
    look_once(scan, false);
}

static int scan_look(struct eco_procs *procs, bool final, struct eco_usage *ret)
{
    struct eco_scan *scan = scan_of(procs);

    eco_scan_see_cgroup(scan);
    look_once(scan, final);
    scan->is_cgroup_same = false;
    scan->changed_done = scan->changed_count;
    scan->vanished_lent = scan->vanished_count;
    if (scan->base.options.wants_trees)
        eco_scan_find_trees(scan);
    eco_scan_fill_usage(scan, ret);
    return scan->job_alive == 0 ? -ESRCH : 0;
}

/* ---- roots ---- */

/* Bring in `pid` and what is below it now, all of it used before the measurement. */
static int scan_add_root(struct eco_procs *procs, pid_t pid)
{
    struct eco_scan *scan = scan_of(procs);
    struct eco_fresh fresh = {.pid = pid};
    uint32_t slot = eco_table_find(&scan->table, pid);
    struct eco_row *row;
    int rc;

    if (pid <= 0)
        return -ESRCH;
    scan->now_ns = scan->base.env->clock->mono_ns(scan->base.env->clock);
    scan->is_base = true;
    if (slot == ECO_SLOT_NONE) {
        rc = eco_scan_create(scan, &fresh, &row);
        if (rc < 0) {
            scan->is_base = false;
            return rc;
        }
    } else {
        row = eco_table_row(&scan->table, slot);
        eco_scan_mark_job(scan, row);
    }
    scan->root_count++;
    rc = 0;
    (void)eco_members_forget_stranger(scan, pid);
    if (scan->base.options.scope == ECO_SCOPE_TREE) {
        rc = scan->has_cgroup || !scan->members.has_children_files ? eco_members_discover(scan, true)
                                                                   : eco_members_children(scan, row);
        if (rc == 0)
            rc = take_fresh(scan);
    }
    scan->is_base = false;
    if (rc == 0 && scan->has_cgroup && !scan->has_cgroup_base)
        scan->has_cgroup_base = eco_scan_read_cgroup_cpu(scan, &scan->cgroup_base);
    scan->cgroup_now = scan->has_cgroup_base ? scan->cgroup_base : scan->cgroup_now;
    return rc;
}

static void scan_see_roots(struct eco_procs *procs)
{
    struct eco_scan *scan = scan_of(procs);

    for (uint32_t slot = 0; slot < scan->table.high; slot++)
        if (scan->table.hot[slot].pid > 0 && eco_table_row(&scan->table, slot)->is_unseen)
            eco_scan_see_root(scan, eco_table_row(&scan->table, slot));
}

/* ---- life cycle ---- */

static int scan_open(struct eco_procs *procs, struct eco_why *why)
{
    struct eco_scan *scan = scan_of(procs);
    const struct eco_env *env = procs->env;
    long ticks = sysconf(_SC_CLK_TCK), page = sysconf(_SC_PAGESIZE);
    int rc;

    eco_table_init(&scan->table, procs->options.limit > 0 ? procs->options.limit : ECO_PROCS_LIMIT);
    scan->tick_ns = ECO_NS_PER_S / (uint64_t)(ticks > 0 ? ticks : 100);
    scan->page_bytes = (uint64_t)(page > 0 ? page : 4096);
    scan->account.slack_ns = 2 * scan->tick_ns;
    scan->global_group[0] = scan->global_group[1] = ECO_SLOT_NONE;
    eco_identities_init(&scan->identities, env->root->is_own[ECO_PROCFS]);
    scan->has_clocks = env->root->is_own[ECO_PROCFS] && env->clock->process_cpu_ns != NULL;
    scan->now_ns = scan->opened_ns = env->clock->mono_ns(env->clock);
    rc = eco_members_open(scan);
    if (rc < 0)
        return rc;
    if (procs->options.scope != ECO_SCOPE_MACHINE)
        return 0;
    scan->is_base = true;
    (void)eco_members_forked(scan);
    rc = eco_members_discover(scan, true);
    if (rc == 0)
        rc = take_fresh(scan);
    scan->is_base = false;
    if (rc < 0)
        eco_why_set(why, "%s: processes cannot be listed: %s", env->root->path[ECO_PROCFS], strerror(-rc));
    return rc;
}

static const struct eco_proc *scan_find(const struct eco_procs *procs, int32_t pid)
{
    const struct eco_scan *scan = (const struct eco_scan *)procs;
    uint32_t slot = eco_table_find(&scan->table, pid);

    return slot != ECO_SLOT_NONE ? &eco_table_row(&scan->table, slot)->proc : NULL;
}

static void scan_close(struct eco_procs *procs)
{
    struct eco_scan *scan = scan_of(procs);

    eco_fed_close(scan);
    eco_scan_close_stats(scan);
    eco_members_close(scan);
    eco_table_finish(&scan->table);
    eco_identities_finish(&scan->identities);
    free(scan->changed);
    free(scan->queue);
    free(scan->touched);
    free(scan->vanished);
    free(scan->reaped);
}

const struct eco_procs_ops eco_procs_scan = {
    .name = "proc",
    .size = sizeof(struct eco_scan),
    .open = scan_open,
    .add_root = scan_add_root,
    .child_ended = eco_scan_child_ended,
    .look = scan_look,
    .find = scan_find,
    .close = scan_close,
    .use_feed = eco_fed_use,
    .feed_state = eco_fed_state,
    .idle_ns = eco_fed_idle_ns,
    .see_roots = scan_see_roots,
};
