/* SPDX-License-Identifier: MIT */
/*
 * A feed in place of lists. When it comes everybody is listed once, after what it had told by then: from
 * there on every process' own CPU time is known to its end, and the job's total is what it was plus what the
 * rows grow by. The end of a process is told in two steps: at EXIT its time is a lower bound, at END it is
 * whole, but that may be late (RCU); until then the row waits, in the next looks too.
 */
#include "procs/scan.h"

#include <errno.h>
#include <time.h>

#define KEEP_MAX    512u                /* short-lived ones that get a row of their own in one look */
#define GONE_MAX    4096u               /* rows that wait for their last CPU time */
#define GONE_MAX_NS (30 * ECO_NS_PER_S) /* who holds on to an ended process so long (a tracer) */
#define LATE_MAX_NS                                                                         \
    (3 * ECO_NS_PER_S) /* it may have ended before the feed came, and its end is never told \
                        */
#define WAIT_MAX_NS (100 * ECO_NS_PER_MS) /* at the end, but not more than ... */
#define WAIT_RATIO  25                    /* ... this part of the measurement */
#define WAIT_MIN_NS (2 * ECO_NS_PER_MS)
#define WAIT_STEPS  128

static void remove_gone(struct eco_scan *scan, const struct eco_row *row)
{
    struct eco_fed *fed = &scan->fed;

    for (uint32_t i = 0; i < fed->gone_count; i++)
        if (fed->gone[i] == row->slot) {
            fed->gone[i] = fed->gone[--fed->gone_count];
            fed->displaced -= scan->table.hot[row->slot].pid == 0;
            return;
        }
}

void eco_fed_await(struct eco_scan *scan, struct eco_row *row)
{
    struct eco_fed *fed = &scan->fed;

    if (row->gone_ns != 0)
        return;
    if (fed->gone_count >= GONE_MAX) {
        eco_scan_vanish(scan, row);
        return;
    }
    row->gone_ns = scan->now_ns;
    fed->gone[fed->gone_count++] = row->slot;
    eco_fed_claim(scan, row);
}

void eco_fed_displace(struct eco_scan *scan, struct eco_row *row)
{
    if (scan->table.hot[row->slot].pid == 0)
        return; /* it has vanished already */
    if (row->is_whole) {
        /* its end was told, and it is about to leave */
        eco_table_detach(&scan->table, row);
        return;
    }
    eco_fed_await(scan, row);
    if (scan->table.hot[row->slot].pid == 0)
        return;
    eco_table_detach(&scan->table, row);
    scan->fed.displaced++;
}

/* Slots of newborn that have ended are going to be used again: they leave the list first. */
static void compact_newborn(struct eco_scan *scan)
{
    struct eco_fed *fed = &scan->fed;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < fed->newborn_count; i++)
        if (!eco_table_row(&scan->table, fed->newborn[i])->is_ended)
            fed->newborn[kept++] = fed->newborn[i];
    fed->newborn_count = kept;
    kept = 0;
    for (uint32_t i = 0; i < fed->ran_count; i++)
        if (!eco_table_row(&scan->table, fed->ran[i])->is_ended)
            fed->ran[kept++] = fed->ran[i];
    fed->ran_count = kept;
}

void eco_fed_flush(struct eco_scan *scan)
{
    struct eco_fed *fed = &scan->fed;

    compact_newborn(scan);
    for (uint32_t i = 0; i < fed->ended_count; i++) {
        struct eco_row *row = eco_table_row(&scan->table, fed->ended[i]);
        bool was_newborn = row->is_newborn;
        if (row->gone_ns != 0)
            remove_gone(scan, row);
        if (was_newborn && fed->kept++ >= KEEP_MAX)
            eco_fed_merge(scan, row);
        else
            eco_scan_vanish(scan, row);
    }
    fed->ended_count = 0;
}

void eco_fed_finish(struct eco_scan *scan)
{
    struct eco_fed *fed = &scan->fed;

    for (uint32_t i = 0; i < fed->newborn_count; i++) {
        struct eco_row *row = eco_table_row(&scan->table, fed->newborn[i]);
        row->is_newborn = false;
        eco_scan_change(scan, row);
        /* Of a zombie only its times are left, and these are told. A displaced one's pid is another's. */
        if (row->exit_ns == 0 && scan->table.hot[row->slot].pid > 0 && eco_scan_read_new(scan, row) == -ESRCH)
            eco_fed_await(scan, row);
    }
    fed->newborn_count = 0;
    for (uint32_t i = 0; i < fed->ran_count; i++)
        scan->table.hot[fed->ran[i]].marks &= ~(uint32_t)ECO_ROW_RAN;
}

void eco_fed_give_up(struct eco_scan *scan, bool all)
{
    struct eco_fed *fed = &scan->fed;

    for (uint32_t i = 0; i < fed->gone_count;) {
        struct eco_row *row = eco_table_row(&scan->table, fed->gone[i]);
        uint64_t most_ns = row->is_late ? LATE_MAX_NS : GONE_MAX_NS;
        if (!all && fed->feed != NULL && scan->now_ns - row->gone_ns < most_ns) {
            i++;
            continue;
        }
        row->proc.flags |= ECO_PROC_CUT;
        remove_gone(scan, row);
        eco_scan_vanish(scan, row);
    }
}

/* How many are worth waiting for. */
static uint32_t awaited(const struct eco_scan *scan)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < scan->fed.gone_count; i++)
        count += !eco_table_row(&scan->table, scan->fed.gone[i])->is_late;
    return count;
}

void eco_fed_wait(struct eco_scan *scan)
{
    const struct eco_clock *clock = scan->base.env->clock;
    struct eco_fed *fed = &scan->fed;
    uint64_t begin_ns = clock->mono_ns(clock), most_ns = (begin_ns - scan->opened_ns) / WAIT_RATIO;
    const struct timespec nap = {.tv_nsec = ECO_NS_PER_MS};

    if (fed->feed == NULL)
        return;
    most_ns = most_ns < WAIT_MIN_NS ? WAIT_MIN_NS : most_ns < WAIT_MAX_NS ? most_ns : WAIT_MAX_NS;
    for (int i = 0; i < WAIT_STEPS && awaited(scan) > 0; i++) {
        if (clock->mono_ns(clock) - begin_ns >= most_ns)
            return;
        (void)nanosleep(&nap, NULL);
        eco_fed_drain(scan);
    }
}

void eco_fed_settled(struct eco_scan *scan)
{
    struct eco_fed *fed = &scan->fed;

    if (!fed->is_fresh)
        return;
    fed->is_fresh = false;
    eco_account_feed(&scan->account);
    eco_fed_begin_books(scan);
    for (uint32_t i = 0; i < fed->gone_count; i++)
        eco_table_row(&scan->table, fed->gone[i])->is_late = true;
}

/* ---- it comes and goes ---- */

static void drop_feed(struct eco_scan *scan)
{
    struct eco_fed *fed = &scan->fed;

    if (fed->feed == NULL)
        return;
    fed->feed->ops->health(fed->feed, &fed->health);
    fed->before.lost_events += fed->health.lost_events;
    fed->before.lost_ns += fed->health.lost_ns;
    fed->before.self_ns += fed->health.self_ns;
    fed->health = (struct eco_feed_health){0};
    fed->feed = eco_feed_free(fed->feed);
    fed->is_fresh = fed->is_whole = fed->has_lost = fed->knows_who_ran = false;
}

/* A last look with it; then /proc alone, from the present total. */
static void lose_feed(struct eco_scan *scan)
{
    if (scan->fed.feed == NULL)
        return;
    eco_scan_look_quietly(scan);
    eco_fed_give_up(scan, true);
    eco_scan_settle(scan);
    eco_account_unfeed(&scan->account);
    eco_fed_begin_books(scan);
    drop_feed(scan);
    scan->members.is_incomplete = true;
    scan->fed.was_refused = true;
}

int eco_fed_use(struct eco_procs *procs, struct eco_feed *feed, const struct eco_places *places)
{
    struct eco_scan *scan = (struct eco_scan *)procs;
    struct eco_fed *fed = &scan->fed;

    lose_feed(scan);
    if (feed == NULL)
        return 0;
    if (!scan->has_clocks) {
        (void)eco_feed_free(feed);
        fed->was_refused = true;
        return -ENOTSUP;
    }
    fed->feed = feed;
    fed->places = places != NULL && places->count > 0 ? *places : (struct eco_places){0};
    fed->is_fresh = fed->is_whole = true;
    fed->was_refused = false;
    feed->ops->health(feed, &fed->health);
    fed->since_ns = scan->base.env->clock->mono_ns(scan->base.env->clock);
    fed->boot_since_ns = scan->base.env->clock->boot_ns(scan->base.env->clock);
    if (scan->has_looked)
        eco_scan_look_quietly(scan);
    return 0;
}

void eco_fed_state(const struct eco_procs *procs, struct eco_feed_state *ret)
{
    const struct eco_fed *fed = &((const struct eco_scan *)procs)->fed;
    struct eco_feed_health now = fed->health;

    if (fed->feed != NULL)
        fed->feed->ops->health(fed->feed, &now);
    *ret = (struct eco_feed_state){
        .is_in_place = fed->feed != NULL,
        .has_stints = fed->feed != NULL && fed->feed->ops->stints != NULL,
        .was_refused = fed->was_refused,
        .is_whole = fed->is_whole,
        .since_ns = fed->since_ns,
        .relists = fed->relists,
        .lost_events = fed->before.lost_events + now.lost_events,
        .lost_ns = fed->before.lost_ns + now.lost_ns,
        .self_ns = fed->before.self_ns + now.self_ns,
        .awaited = fed->gone_count,
        .job_count = ((const struct eco_scan *)procs)->job_count,
        .base_ns = ((const struct eco_scan *)procs)->account.fed_base_ns,
        .alive_count = ((const struct eco_scan *)procs)->table.used,
        .due_ns = fed->feed != NULL ? fed->due_ns : UINT64_MAX,
    };
}

int eco_fed_idle_ns(const struct eco_procs *procs, uint32_t cpu, uint64_t *ret)
{
    const struct eco_feed *feed = ((const struct eco_scan *)procs)->fed.feed;

    return feed != NULL && feed->ops->idle_ns != NULL ? feed->ops->idle_ns(feed, cpu, ret) : -ENOTSUP;
}

void eco_fed_close(struct eco_scan *scan)
{
    struct eco_fed *fed = &scan->fed;

    fed->feed = eco_feed_free(fed->feed);
    free(fed->newborn);
    free(fed->ended);
    free(fed->gone);
    free(fed->ran);
}
