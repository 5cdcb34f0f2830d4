/* SPDX-License-Identifier: MIT */
/*
 * What nobody told of, for events can be lost: a child that lived and ended in between has no row, but who
 * waited for it has its time among that of its children (cutime, proc(5)). So with a feed each row keeps how
 * far that has grown since the feed was in place (grown_ns), and what it must hold of children whose end is
 * known (claimed_ns). Once something was lost, the difference is the job's: unseen_ns. Children that end are
 * claimed before they may have been waited for, and so are those whom nobody waits for at all: the difference
 * is rather too small than too great.
 */
#include "procs/scan.h"

#include "base/counter.h"

static struct eco_row *heir_of(const struct eco_scan *scan, const struct eco_row *row)
{
    return row->parent != ECO_SLOT_NONE ? eco_table_row(&scan->table, row->parent) : NULL;
}

static bool has_ended(const struct eco_row *row)
{
    return row->exit_ns != 0 || row->gone_ns != 0 || (row->proc.flags & ECO_PROC_ENDED) != 0;
}

/* What is in the books of whoever waits for it: its own, its children's as read, and as known since. */
static uint64_t full_ns(const struct eco_row *row)
{
    return row->proc.cpu_ns + row->children_ns + eco_sub_sat(row->claimed_ns, row->grown_ns);
}

void eco_fed_see_unseen(struct eco_scan *scan, struct eco_row *row)
{
    bool counts = !scan->fed.is_whole && scan->account.is_fed && (row->proc.flags & ECO_PROC_JOB) != 0;
    uint64_t unseen_ns = counts ? eco_sub_sat(row->grown_ns, row->claimed_ns) : row->unseen_ns;

    scan->account.unseen_ns += unseen_ns - row->unseen_ns;
    row->unseen_ns = unseen_ns;
}

void eco_fed_claim(struct eco_scan *scan, struct eco_row *row)
{
    while (scan->account.is_fed && has_ended(row)) {
        uint64_t full = full_ns(row);
        struct eco_row *heir = heir_of(scan, row);
        if (full <= row->handed_ns || heir == NULL)
            return;
        heir->claimed_ns += full - row->handed_ns;
        row->handed_ns = full;
        eco_fed_see_unseen(scan, heir);
        row = heir;
    }
}

/* Exact where wait4 told: the books of those that are left are read in ticks. */
void eco_fed_reaped(struct eco_scan *scan, struct eco_row *row, uint64_t own_ns)
{
    uint64_t children_ns = eco_sub_sat(row->reaped_ns, own_ns);

    if (children_ns > row->children_ns) {
        row->grown_ns += children_ns - row->children_ns;
        row->children_ns = children_ns;
    }
    eco_fed_see_unseen(scan, row);
}

void eco_fed_begin_books(struct eco_scan *scan)
{
    for (uint32_t slot = 0; slot < scan->table.high; slot++) {
        struct eco_row *row = eco_table_row(&scan->table, slot);
        row->grown_ns = row->handed_ns = row->unseen_ns = 0;
        /* Ticks that were cut show later. */
        row->claimed_ns = scan->account.is_fed && row->children_ns > 0 ? scan->account.slack_ns : 0;
    }
}
