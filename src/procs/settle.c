/* SPDX-License-Identifier: MIT */
/*
 * The end of a look: whose books hold the time of the processes that ended in it, and what nobody
 * was seen for. Children are settled before their parents, so that a chain that ended between two
 * looks is handed up whole.
 */
#include "procs/scan.h"

#include "base/text.h"

#include <string.h>

static struct eco_row *row_at(struct eco_scan *scan, uint32_t slot)
{
    return slot != ECO_SLOT_NONE ? eco_table_row(&scan->table, slot) : NULL;
}

static bool is_vanished(const struct eco_scan *scan, const struct eco_row *row)
{
    return row != NULL && (scan->table.hot[row->slot].marks & ECO_ROW_VANISHED) != 0;
}

/* Who had to wait for it: we, for what we reaped; else its last known parent. */
static struct eco_row *heir_of(struct eco_scan *scan, const struct eco_row *row)
{
    uint32_t slot = row->is_reaped ? eco_table_find(&scan->table, eco_scan_reaper(scan)) : row->parent;

    return row_at(scan, slot);
}

static void settle_ended(struct eco_scan *scan, struct eco_row *row)
{
    struct eco_row *heir = heir_of(scan, row);

    scan->table.hot[row->slot].marks |= ECO_ROW_SETTLED;
    bool is_covered = heir != NULL && (heir->proc.flags & ECO_PROC_JOB) != 0;
    if (scan->account.is_fed) {
        eco_fed_see_unseen(scan, row);
        eco_fed_claim(scan, row);
    } else {
        /* Its own books can no longer be read: what its children claim is known to be in them, or lost. */
        row->extra_ns += row->claimed_ns;
        row->claimed_ns = row->grown_ns = 0;
        if (heir != NULL)
            heir->claimed_ns += eco_account_claim(row);
    }
    if ((row->proc.flags & ECO_PROC_JOB) != 0)
        eco_account_end(&scan->account, row, is_covered);
    if (is_vanished(scan, heir) && heir->waiting > 0)
        heir->waiting--;
}

static void settle_vanished(struct eco_scan *scan)
{
    uint32_t first = scan->vanished_settled, left = scan->vanished_count - first;
    bool stuck = false;

    for (uint32_t i = first; i < scan->vanished_count; i++)
        eco_table_row(&scan->table, scan->vanished[i])->waiting = 0;
    for (uint32_t i = first; i < scan->vanished_count; i++) {
        struct eco_row *heir = heir_of(scan, eco_table_row(&scan->table, scan->vanished[i]));
        if (is_vanished(scan, heir))
            heir->waiting++;
    }
    /* From the end: who ended later in the list is mostly the child. */
    while (left > 0 && !stuck) {
        stuck = true;
        for (uint32_t i = scan->vanished_count; i-- > first;) {
            struct eco_row *row = eco_table_row(&scan->table, scan->vanished[i]);
            if (row->waiting > 0 || (scan->table.hot[row->slot].marks & ECO_ROW_SETTLED) != 0)
                continue;
            settle_ended(scan, row);
            left--;
            stuck = false;
        }
    }
}

static bool has_tail(const struct eco_scan *scan, const struct eco_row *child)
{
    return is_vanished(scan, child) && !child->is_reaped && child->proc.seen_ns < scan->last_ns;
}

/*
 * What a known child used between its last look and its end is in its parent's books but in nobody's
 * row. It goes in equal parts to children that were there for a whole interval, at most what their
 * threads can have used; the rest may be anybody's.
 */
static uint64_t give_tails(struct eco_scan *scan, const struct eco_row *parent, uint64_t unexplained_ns)
{
    uint64_t elapsed_ns = scan->now_ns - scan->last_ns, heirs = 0;
    const struct eco_table *table = &scan->table;

    for (uint32_t slot = parent->first_child; slot != ECO_SLOT_NONE; slot = eco_table_row(table, slot)->next)
        heirs += has_tail(scan, eco_table_row(table, slot));
    for (uint32_t slot = parent->first_child; slot != ECO_SLOT_NONE && heirs > 0;) {
        struct eco_row *child = eco_table_row(table, slot);
        slot = child->next;
        if (!has_tail(scan, child))
            continue;
        uint64_t most_ns = elapsed_ns * (child->proc.threads > 1 ? child->proc.threads : 1);
        uint64_t share_ns = unexplained_ns / heirs--;
        uint64_t given_ns = share_ns < most_ns ? share_ns : most_ns;
        child->proc.cpu_ns += given_ns;
        if ((child->proc.flags & ECO_PROC_JOB) != 0)
            scan->account.rows_ns += given_ns;
        unexplained_ns -= given_ns;
    }
    return unexplained_ns;
}

struct eco_row *eco_scan_new_group(struct eco_scan *scan, const struct eco_row *parent, const char *name)
{
    struct eco_row *group;

    if (eco_scan_add_row(scan, 0, &group) < 0)
        return NULL;
    group->proc.flags |= ECO_PROC_GROUP;
    group->proc.count = 0;
    (void)eco_text_copy(group->proc.name, sizeof(group->proc.name), name);
    if (parent != NULL) {
        group->proc.parent_id = parent->proc.id;
        group->proc.ppid = parent->proc.pid;
        group->proc.uid = parent->proc.uid;
    }
    return group;
}

/* The row for the short-lived children of `parent`, or the one for all that have none of their own. */
struct eco_row *eco_scan_group_of(struct eco_scan *scan, struct eco_row *parent)
{
    bool is_job = (parent->proc.flags & ECO_PROC_JOB) != 0;
    uint32_t *place = scan->group_count < ECO_GROUPS_MAX || parent->group != ECO_SLOT_NONE
                          ? &parent->group
                          : &scan->global_group[is_job];

    if (*place != ECO_SLOT_NONE)
        return eco_table_row(&scan->table, *place);
    bool is_own = place == &parent->group;
    struct eco_row *group = eco_scan_new_group(scan, is_own ? parent : NULL, "short-lived");
    if (group == NULL)
        return NULL;
    group->proc.flags |= is_job ? ECO_PROC_JOB : 0;
    scan->group_count += is_own;
    *place = group->slot;
    return group;
}

/* `count` is a lower bound: one for each look that found some. */
static void add_short_lived(struct eco_scan *scan, struct eco_row *parent, uint64_t cpu_ns)
{
    struct eco_row *group = eco_scan_group_of(scan, parent);

    if (group == NULL)
        return;
    if (group->slot == parent->group) {
        group->proc.identity = parent->proc.identity;
        group->proc.tree_id = parent->proc.tree_id;
        group->proc.tree_pid = parent->proc.tree_pid;
        memcpy(group->proc.tree_name, parent->proc.tree_name, sizeof(group->proc.tree_name));
    }
    group->proc.cpu_ns += cpu_ns;
    group->proc.count++;
    if ((group->proc.flags & ECO_PROC_JOB) != 0)
        scan->account.rows_ns += cpu_ns;
    eco_scan_change(scan, group);
}

void eco_scan_end_group(struct eco_scan *scan, struct eco_row *group)
{
    group->proc.flags |= ECO_PROC_ENDED;
    group->proc.end_ns = scan->now_ns;
    scan->table.hot[group->slot].marks |= ECO_ROW_VANISHED | ECO_ROW_SETTLED;
    scan->vanished[scan->vanished_count++] = group->slot;
    eco_scan_change(scan, group);
}

/* A group ends with the parent that it belongs to. */
static void end_groups(struct eco_scan *scan, struct eco_row *parent)
{
    struct eco_row *group = row_at(scan, parent->group);

    eco_fed_end_groups(scan, parent);
    if (group == NULL)
        return;
    parent->group = ECO_SLOT_NONE;
    scan->group_count--;
    eco_scan_end_group(scan, group);
}

static void settle_touched(struct eco_scan *scan, struct eco_row *row)
{
    uint64_t unexplained_ns = 0;

    if (is_vanished(scan, row) || (row->grown_ns == 0 && row->claimed_ns == 0))
        return;
    if (scan->account.is_fed) {
        row->provisional_ns = row->extra_ns = 0;
        eco_fed_see_unseen(scan, row);
    } else {
        unexplained_ns = eco_account_settle(&scan->account, row);
    }
    if ((row->proc.flags & ECO_PROC_JOB) != 0)
        eco_account_count(&scan->account, row);
    /*
     * With a feed every child has, or is going to have, a row of its own. With a cgroup the meter divides
     * what is left of its total, which had this time when it was used; the books have it only once the child
     * was waited for.
     */
    if (eco_fed_is_on(scan) || scan->is_cgroup_seen)
        return;
    unexplained_ns = give_tails(scan, row, unexplained_ns);
    /* In a tree the meter derives the remainder itself. */
    if (unexplained_ns > 0 && scan->base.options.scope == ECO_SCOPE_MACHINE)
        add_short_lived(scan, row, unexplained_ns);
}

void eco_scan_settle(struct eco_scan *scan)
{
    uint32_t vanished = scan->vanished_count;

    settle_vanished(scan);
    for (uint32_t i = 0; i < scan->touched_count; i++)
        settle_touched(scan, eco_table_row(&scan->table, scan->touched[i]));
    for (uint32_t i = scan->vanished_settled; i < vanished; i++)
        end_groups(scan, eco_table_row(&scan->table, scan->vanished[i]));
    scan->vanished_settled = scan->vanished_count;
}
