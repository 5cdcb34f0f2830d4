/* SPDX-License-Identifier: MIT */
/* A process of ours was reaped: what wait4 said of it, and of those that it had waited for, is exact. */
#include "procs/scan.h"

#include "base/counter.h"

static uint64_t to_ns(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * ECO_NS_PER_S + (uint64_t)time->tv_usec * ECO_NS_PER_US;
}

/* It was found gone by the last look, before we were told: only what that did not know is added. */
static bool ended_before(struct eco_scan *scan, pid_t pid, uint64_t total_ns)
{
    for (uint32_t i = 0; i < scan->vanished_count; i++) {
        struct eco_row *row = eco_table_row(&scan->table, scan->vanished[i]);
        if (row->proc.pid != pid)
            continue;
        uint64_t known_ns = eco_account_claim(row);
        if ((row->proc.flags & ECO_PROC_JOB) != 0 && !row->is_reaped && total_ns > known_ns)
            eco_account_unseen(&scan->account, total_ns - known_ns, 0);
        row->is_reaped = true;
        return true;
    }
    return false;
}

void eco_scan_child_ended(struct eco_procs *procs, pid_t pid, const struct rusage *usage)
{
    struct eco_scan *scan = (struct eco_scan *)procs;
    uint64_t user_ns = to_ns(&usage->ru_utime), system_ns = to_ns(&usage->ru_stime);
    uint32_t slot = eco_table_find(&scan->table, pid);

    if (eco_members_forget_stranger(scan, pid))
        return;
    if (slot == ECO_SLOT_NONE) {
        /* In a machine's table our own books hold it already. */
        bool covered = scan->all_job;
        /* With a feed its own time is told, and its children's. */
        if (ended_before(scan, pid, user_ns + system_ns) || covered || scan->account.is_fed)
            return;
        eco_account_unseen(&scan->account, user_ns, system_ns);
        scan->job_count++;
        return;
    }
    struct eco_row *row = eco_table_row(&scan->table, slot);
    row->is_reaped = true;
    row->reaped_ns = user_ns + system_ns;
    row->user_ns = user_ns;
    row->system_ns = system_ns;
    /* Its end is told by the feed, and need not be waited for when its own time is known. */
    if (eco_fed_is_on(scan) && scan->base.told_pid == pid && scan->base.told_cpu_ns > 0) {
        eco_scan_set_cpu(scan, row, scan->base.told_cpu_ns);
        row->is_whole = true;
        eco_fed_reaped(scan, row, scan->base.told_cpu_ns);
    }
    if (eco_fed_is_on(scan)) {
        /* The books of children were read in ticks before the feed came. */
        if ((row->proc.flags & ECO_PROC_JOB) != 0)
            scan->account.least_ns += eco_sub_sat(row->reaped_ns, row->counted_base_ns);
        return;
    }
    /* Without children all of it is its own. */
    if (row->children_ns == 0 && row->first_child == ECO_SLOT_NONE &&
        row->extra_ns + row->provisional_ns == 0 && row->proc.seen_ns < scan->now_ns &&
        row->reaped_ns > row->proc.cpu_ns) {
        if ((row->proc.flags & ECO_PROC_JOB) != 0)
            scan->account.rows_ns += row->reaped_ns - row->proc.cpu_ns;
        row->proc.cpu_ns = row->reaped_ns;
    }
    /* From here on the pid may be anybody's; the next look tells of its end. */
    eco_table_detach(&scan->table, row);
    scan->reaped[scan->reaped_count++] = row->slot;
}
