/* SPDX-License-Identifier: MIT */
/*
 * What the kernel told since the last look, in order: births make rows at once, from what the event says, so
 * that one that is born and ends between two looks has its own; /proc is read only of who still lives at the
 * end of the drain. pid and start time together are an identity: pids are used again.
 */
#include "procs/scan.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

/* So many that have ended are taken out of the table at once, so that a storm does not fill it. */
#define FLUSH_AT 1024u
/* About half of the events that the ring of the kernel side holds. */
#define MANY_EVENTS  6000
#define DRAIN_MIN_NS (20 * ECO_NS_PER_MS)

static struct eco_row *row_of(const struct eco_scan *scan, int32_t pid)
{
    uint32_t slot = eco_table_find(&scan->table, pid);

    return slot != ECO_SLOT_NONE ? eco_table_row(&scan->table, slot) : NULL;
}

/* /proc shows the start in ticks, cut; events have it exactly. */
static bool is_same(const struct eco_scan *scan, const struct eco_row *row, uint64_t start_ns)
{
    if (start_ns == 0 || row->proc.start_ns == 0)
        return true;
    if (row->is_born)
        return row->proc.start_ns == start_ns;
    return start_ns + scan->tick_ns >= row->proc.start_ns &&
           start_ns <= row->proc.start_ns + 2 * scan->tick_ns;
}

/* One whose pid was given to another process while its end was waited for. */
static struct eco_row *find_displaced(const struct eco_scan *scan, const struct eco_feed_event *event)
{
    for (uint32_t i = 0; scan->fed.displaced > 0 && i < scan->fed.gone_count; i++) {
        struct eco_row *row = eco_table_row(&scan->table, scan->fed.gone[i]);
        if (scan->table.hot[row->slot].pid == 0 && row->proc.pid == event->pid && !row->is_whole &&
            is_same(scan, row, event->start_ns))
            return row;
    }
    return NULL;
}

/* Whether a child of `parent` is looked at at all, and whether it is of the job. */
static bool is_wanted(const struct eco_scan *scan, const struct eco_row *parent, bool *ret_is_job)
{
    *ret_is_job = scan->all_job || (parent != NULL && (parent->proc.flags & ECO_PROC_JOB) != 0);
    return *ret_is_job || scan->base.options.scope == ECO_SCOPE_MACHINE;
}

static struct eco_row *add_newborn(struct eco_scan *scan, const struct eco_feed_event *event)
{
    struct eco_row *parent = row_of(scan, event->ppid), *row;
    bool is_job;

    if (event->pid <= 0 || !is_wanted(scan, parent, &is_job))
        return NULL;
    if (eco_scan_add_quiet(scan, event->pid, &row) < 0) {
        scan->overflow++;
        return NULL;
    }
    row->is_newborn = true;
    row->proc.start_ns = event->start_ns;
    row->is_born = event->start_ns != 0;
    row->start_ticks = event->start_ns / scan->tick_ns;
    row->proc.ppid = event->ppid;
    row->proc.uid = event->uid;
    (void)eco_text_copy(row->proc.name, sizeof(row->proc.name), event->name);
    if (parent != NULL) {
        eco_tree_link(&scan->table, row, parent->slot);
        row->proc.parent_id = parent->proc.id;
    }
    eco_scan_inherit_identity(scan, row, parent);
    if (is_job) {
        row->proc.flags |= ECO_PROC_JOB;
        scan->job_count++;
        scan->job_alive++;
    }
    scan->fed.newborn[scan->fed.newborn_count++] = row->slot;
    return row;
}

static void on_fork(struct eco_scan *scan, const struct eco_feed_event *event)
{
    struct eco_row *row = row_of(scan, event->pid);

    if (row != NULL && is_same(scan, row, event->start_ns)) {
        /* listed before its event was read */
        row->proc.start_ns = event->start_ns;
        row->is_born = event->start_ns != 0;
        return;
    }
    if (row != NULL)
        eco_fed_displace(scan, row);
    if (add_newborn(scan, event) != NULL || scan->base.options.scope != ECO_SCOPE_TREE)
        return;
    /* A child that is ours by CLONE_PARENT. */
    if (scan->root_count > 0 && event->ppid == eco_scan_reaper(scan) && event->pid > 0 &&
        scan->base.options.run_id != NULL && row_of(scan, event->pid) == NULL &&
        eco_members_is_ours(scan, event->pid))
        (void)eco_members_push(scan, event->pid, 0);
}

static void on_exec(struct eco_scan *scan, const struct eco_feed_event *event)
{
    struct eco_row *row = row_of(scan, event->pid);

    if (row == NULL || row->is_whole || !is_same(scan, row, event->start_ns))
        return;
    (void)eco_text_copy(row->proc.name, sizeof(row->proc.name), event->name);
    if (row->is_newborn)
        return; /* everything of it is still to be read */
    row->is_renamed = true;
    row->proc.flags |= ECO_PROC_RENAMED;
    eco_scan_change(scan, row);
    eco_scan_enqueue(scan, row);
}

/* What is added to one that had ended before the rows became the total is in that total already. */
static void set_cpu(struct eco_scan *scan, struct eco_row *row, uint64_t cpu_ns)
{
    uint64_t before_ns = scan->account.rows_ns;

    if (scan->table.hot[row->slot].cpu_ns < cpu_ns)
        scan->table.hot[row->slot].cpu_ns = cpu_ns;
    eco_scan_set_cpu(scan, row, cpu_ns);
    if (row->is_late)
        scan->account.fed_rows_ns += scan->account.rows_ns - before_ns;
}

static void on_exiting(struct eco_scan *scan, const struct eco_feed_event *event)
{
    struct eco_row *row = row_of(scan, event->pid);

    if (row == NULL || row->is_whole || row->exit_ns != 0 || !is_same(scan, row, event->start_ns))
        return;
    set_cpu(scan, row, event->cpu_ns);
    row->exit_ns = event->time_ns != 0 ? event->time_ns : scan->now_ns;
    eco_fed_claim(scan, row);
    if ((row->proc.flags & ECO_PROC_JOB) != 0)
        scan->job_alive--;
}

static void on_end(struct eco_scan *scan, const struct eco_feed_event *event)
{
    struct eco_row *row = row_of(scan, event->pid);

    if (row == NULL || !is_same(scan, row, event->start_ns))
        row = find_displaced(scan, event);
    /* Its birth was lost: the end tells all that is needed, unless it was there before. */
    if (row == NULL && scan->fed.has_lost && event->start_ns > scan->fed.boot_since_ns &&
        row_of(scan, event->pid) == NULL)
        row = add_newborn(scan, event);
    if (row == NULL || row->is_ended)
        return;
    on_exiting(scan, event);
    set_cpu(scan, row, event->cpu_ns);
    row->is_whole = row->is_ended = true;
    eco_fed_claim(scan, row);
    scan->fed.ended[scan->fed.ended_count++] = row->slot;
}

static int told(void *context, const struct eco_feed_event *event)
{
    struct eco_scan *scan = context;

    scan->fed.event_count++;
    switch (event->kind) {
    case ECO_FEED_FORK:
        on_fork(scan, event);
        break;
    case ECO_FEED_EXEC:
        on_exec(scan, event);
        break;
    case ECO_FEED_EXIT:
        on_exiting(scan, event);
        break;
    case ECO_FEED_END:
        on_end(scan, event);
        break;
    }
    return scan->fed.ended_count >= FLUSH_AT ? -EINTR : 0;
}

/* Overflow is found before what is left is read, so that ends without a birth are understood. */
static void check_health(struct eco_scan *scan)
{
    struct eco_fed *fed = &scan->fed;
    uint64_t lost = fed->health.lost_events, lost_ns = fed->health.lost_ns;

    fed->feed->ops->health(fed->feed, &fed->health);
    fed->has_lost = fed->health.lost_events > lost;
    fed->has_lost_stints = fed->health.lost_ns > lost_ns;
    fed->relists += fed->has_lost;
    fed->is_whole = fed->is_whole && !fed->has_lost;
}

/* At the present rate: before half of what the ring can hold has come. */
static void plan_next(struct eco_scan *scan)
{
    struct eco_fed *fed = &scan->fed;
    uint64_t elapsed_ns = scan->now_ns - fed->drained_ns, span_ns;

    fed->due_ns = UINT64_MAX;
    if (fed->drained_ns != 0 && fed->event_count > MANY_EVENTS / 4) {
        span_ns = (uint64_t)((double)elapsed_ns * MANY_EVENTS / (double)fed->event_count);
        fed->due_ns = scan->now_ns + (span_ns > DRAIN_MIN_NS ? span_ns : DRAIN_MIN_NS);
    }
    fed->drained_ns = scan->now_ns;
}

void eco_fed_drain(struct eco_scan *scan)
{
    struct eco_fed *fed = &scan->fed;
    int rc;

    fed->has_lost = fed->has_lost_stints = false;
    fed->kept = fed->ran_count = 0;
    fed->knows_who_ran = fed->feed != NULL && fed->feed->ops->stints != NULL;
    if (fed->feed == NULL)
        return;
    check_health(scan);
    fed->event_count = 0;
    do {
        rc = fed->feed->ops->events(fed->feed, told, scan);
        eco_fed_take_stints(scan);
        eco_fed_flush(scan);
    } while (rc == -EINTR);
    plan_next(scan);
    eco_fed_finish(scan);
}
