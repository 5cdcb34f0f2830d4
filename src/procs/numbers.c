/* SPDX-License-Identifier: MIT */
/*
 * Who is new on the machine, by the numbers that the kernel gives out. They go up by one for every process
 * and thread (kernel/pid.c, idr_alloc_cyclic), so that all that is new has one between the last number known
 * and the last one given out; asking for the clock of each costs 0.2 us, a listing of /proc 1.5 us for every
 * process that there is. Where this cannot be relied on, /proc is listed:
 *
 *  - the numbers began again, or more were given out than are worth asking for;
 *  - there were more forks than numbers: a whole lap of them, numbers that were asked for (clone3 with
 * set_tid), or forks in other pid namespaces;
 *  - something was missed before, or the table is full;
 *  - it was not done for a while.
 *
 * A number is given out a moment before its process can be found, so that each is asked for in two looks.
 */
#include "procs/scan.h"

#include <errno.h>

#define LIST_NS    (30 * ECO_NS_PER_S)
#define ASKED_MIN  256u /* so many numbers are always worth asking for */
#define ASK_FACTOR 4u   /* a process costs a listing more than that many numbers */

/* The mark was read before /proc was listed, and the forks are read after: what came between is counted at
 * most as a number too many. */
static int list_all(struct eco_scan *scan)
{
    struct eco_numbers *numbers = &scan->members.numbers;
    int rc = eco_members_list_all(scan);

    numbers->from = numbers->seen = rc == 0 ? scan->members.last_pid : 0;
    numbers->given = 0;
    numbers->listed_ns = scan->now_ns;
    if (numbers->seen != 0 && !eco_members_read_forks(scan, &numbers->base_forks))
        numbers->seen = 0;
    return rc;
}

/* A number in the table that was given out since the last look is another process by now; its stat tells. */
static int ask(struct eco_scan *scan, int32_t pid, bool is_fresh)
{
    const struct eco_clock *clock = scan->base.env->clock;
    uint32_t slot = eco_table_find(&scan->table, pid);
    uint64_t cpu_ns;

    if (slot != ECO_SLOT_NONE) {
        if (is_fresh)
            eco_scan_enqueue(scan, eco_table_row(&scan->table, slot));
        return 0;
    }
    /* Threads have no clock of a process. */
    return clock->process_cpu_ns(clock, pid, &cpu_ns) == -ESRCH ? 0 : eco_members_push(scan, pid, 0);
}

static int ask_all(struct eco_scan *scan, uint64_t to)
{
    struct eco_numbers *numbers = &scan->members.numbers;
    int rc = 0;

    for (uint64_t pid = numbers->from + 1; rc == 0 && pid <= to; pid++)
        rc = ask(scan, (int32_t)pid, pid > numbers->seen);
    if (rc < 0)
        return rc;
    numbers->given += to - numbers->seen;
    numbers->from = numbers->seen;
    numbers->seen = to;
    return 0;
}

static bool is_askable(const struct eco_scan *scan, uint64_t to, uint64_t forks)
{
    const struct eco_numbers *numbers = &scan->members.numbers;
    uint64_t worth = (uint64_t)scan->table.used * ASK_FACTOR;

    return to >= numbers->seen && to <= INT32_MAX && to - numbers->from <= worth + ASKED_MIN &&
           forks >= numbers->base_forks &&
           forks - numbers->base_forks <= numbers->given + (to - numbers->seen);
}

int eco_members_find_new(struct eco_scan *scan, bool all)
{
    struct eco_members *members = &scan->members;
    const struct eco_numbers *numbers = &members->numbers;
    uint64_t forks, to;
    bool is_due = scan->now_ns - numbers->listed_ns >= LIST_NS;

    if (all || is_due || members->must_list || scan->overflow > 0 || numbers->seen == 0 || !scan->has_clocks)
        return list_all(scan);
    /* In this order, so that no fork is counted whose number is not. */
    if (!eco_members_read_forks(scan, &forks) || !eco_members_read_last_pid(scan, &to) ||
        !is_askable(scan, to, forks))
        return list_all(scan);
    return ask_all(scan, to);
}

bool eco_members_asks_again(const struct eco_scan *scan)
{
    const struct eco_numbers *numbers = &scan->members.numbers;

    if (scan->base.options.scope != ECO_SCOPE_MACHINE || numbers->seen == 0)
        return false;
    return numbers->from != numbers->seen ||
           (numbers->given > 0 && scan->now_ns - numbers->listed_ns >= LIST_NS);
}
