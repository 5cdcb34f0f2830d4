/* SPDX-License-Identifier: MIT */
/*
 * Whose clock is read in a look. A clock costs 0.2-0.9 us (mostly what the kernel has to fetch from memory),
 * stat 8.5 us, so a process that sleeps costs one clock and no memory is asked for.
 *
 * Of those that have slept for a while a quarter is asked in turn, where that can change no figure by more
 * than the machine's own unrest:
 *
 *  - the clocks of the others must explain the time that CPUs were busy since the last look, else somebody
 *    has woken up, and all are asked;
 *  - where somebody's books of children have grown, all are asked before the books are made, so that nothing
 *    counts twice;
 *  - clocks only go up, so that what a look leaves out the next but two at the latest has;
 *  - not in a job's tree, not where looks are far apart, and not where busy time is not known.
 */
#include "procs/scan.h"

#include <errno.h>

#define REFRESH_NS  (30 * ECO_NS_PER_S)
#define REFRESH_MAX 4u /* sleepers read again in one look: above 120 of them they wait longer than that */
#define STILL_LOOKS 2u /* a clock that has not moved for so many looks is asked in turn */
#define TURNS       4u
#define TURNS_NS    (5 * ECO_NS_PER_S) /* within which each is asked */
/* Unexplained busy time that is no sign: 2 ms in a second, and what is read at not quite the same moment. */
#define UNREST_OF_ELAPSED 512u
#define UNREST_OF_BUSY    64u

/* Of those that sleep, some in turn: what the kernel reclaims from them shows within a while. */
static void refresh_some(struct eco_scan *scan)
{
    uint32_t high = scan->table.high;
    uint64_t share = high * (scan->now_ns - scan->last_ns) / REFRESH_NS + 1;
    uint32_t steps = share < REFRESH_MAX ? (uint32_t)share : REFRESH_MAX;

    for (uint32_t i = 0; i < steps && i < high; i++) {
        scan->refresh_cursor = (scan->refresh_cursor + 1) % high;
        struct eco_row *row = eco_table_row(&scan->table, scan->refresh_cursor);
        if (row->proc.pid <= 0 || row->proc.id == 0 ||
            eco_scan_ms(scan) - row->refreshed_ms < REFRESH_NS / ECO_NS_PER_MS)
            continue;
        eco_scan_enqueue(scan, row);
        if (scan->table.hot[row->slot].pid > 0 && (row->proc.flags & ECO_PROC_KERNEL) == 0)
            eco_scan_read_status(scan, row);
    }
}

static void set_kernel_cpu(struct eco_scan *scan, struct eco_row *row, uint64_t cpu_ns)
{
    if (cpu_ns < row->proc.cpu_ns) {
        eco_scan_enqueue(scan, row); /* another process by now */
        return;
    }
    eco_scan_set_cpu(scan, row, cpu_ns);
    if ((row->proc.flags & ECO_PROC_JOB) != 0)
        eco_account_count(&scan->account, row);
}

static void sweep_slot(struct eco_scan *scan, uint32_t slot, bool all)
{
    const struct eco_clock *clock = scan->base.env->clock;
    struct eco_hot *hot = &scan->table.hot[slot];
    uint64_t cpu_ns = hot->cpu_ns;

    if (hot->pid <= 0)
        return;
    int rc = scan->has_clocks ? clock->process_cpu_ns(clock, hot->pid, &cpu_ns) : -ENOTSUP;
    if (rc == 0 && cpu_ns == hot->cpu_ns && !all) {
        hot->marks += hot->marks < STILL_LOOKS * ECO_ROW_STILL_ONE ? ECO_ROW_STILL_ONE : 0;
        return;
    }
    struct eco_row *row = eco_table_row(&scan->table, slot);
    if (rc == -ESRCH) {
        eco_scan_lose(scan, row);
        return;
    }
    eco_scan_note_clock(scan, hot, cpu_ns);
    if ((row->proc.flags & ECO_PROC_KERNEL) != 0 && scan->has_clocks) {
        /* No memory, no children, no exec: its stat has nothing to tell. */
        set_kernel_cpu(scan, row, cpu_ns);
        return;
    }
    if (!all || scan->base.options.scope == ECO_SCOPE_TREE || (row->proc.flags & ECO_PROC_JOB) != 0 ||
        cpu_ns != row->proc.cpu_ns)
        eco_scan_enqueue(scan, row);
}

/* ---- in turn ---- */

/* Not its turn. The same throughout a look, for all but those whose clock is read meanwhile. */
static bool is_left_out(const struct eco_scan *scan, uint32_t slot)
{
    return scan->table.hot[slot].marks >= STILL_LOOKS * ECO_ROW_STILL_ONE &&
           slot % TURNS != scan->sweep.turn % TURNS;
}

static bool may_leave_out(const struct eco_scan *scan)
{
    return scan->base.busy_ns != 0 && scan->sweep.busy_ns != 0 && scan->all_job && scan->has_clocks &&
           !eco_fed_is_on(scan) && scan->now_ns - scan->last_ns <= TURNS_NS / TURNS;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* Whether those who were asked explain what the CPUs did since the last look. */
static bool is_explained(const struct eco_scan *scan)
{
    const struct eco_sweep *sweep = &scan->sweep;
    uint64_t busy_ns = scan->base.busy_ns - sweep->busy_ns, seen_ns = sweep->clocks_ns - sweep->seen_ns;
    uint64_t unrest_ns = (scan->now_ns - scan->last_ns) / UNREST_OF_ELAPSED + busy_ns / UNREST_OF_BUSY;

    if (scan->base.busy_grain_ns > 1)
        unrest_ns += 2 * scan->base.busy_grain_ns;
    return scan->base.busy_ns >= sweep->busy_ns && distance(busy_ns, seen_ns) <= unrest_ns;
}

static void sweep_in_turn(struct eco_scan *scan)
{
    struct eco_sweep *sweep = &scan->sweep;
    uint32_t left_out = 0;

    sweep->turn++;
    for (uint32_t slot = 0; slot < scan->table.high; slot++) {
        if (is_left_out(scan, slot))
            left_out++;
        else
            sweep_slot(scan, slot, false);
    }
    if (left_out == 0)
        return;
    eco_scan_drain(scan); /* only the rows' own files tell whether books of children have grown */
    if (!sweep->has_grown && is_explained(scan))
        return;
    for (uint32_t slot = 0; slot < scan->table.high; slot++)
        if (is_left_out(scan, slot))
            sweep_slot(scan, slot, false);
}

void eco_scan_sweep(struct eco_scan *scan, bool all)
{
    struct eco_sweep *sweep = &scan->sweep;

    sweep->has_grown = false;
    if (!all && may_leave_out(scan))
        sweep_in_turn(scan);
    else if (scan->fed.knows_who_ran && !all)
        for (uint32_t i = 0; i < scan->fed.ran_count; i++)
            sweep_slot(scan, scan->fed.ran[i], false);
    else
        for (uint32_t slot = 0; slot < scan->table.high; slot++)
            sweep_slot(scan, slot, all);
    sweep->busy_ns = scan->base.busy_ns;
    sweep->seen_ns = sweep->clocks_ns;
    scan->base.busy_ns = 0;
    if (scan->table.high > 0)
        refresh_some(scan);
}
