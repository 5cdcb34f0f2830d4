/* SPDX-License-Identifier: MIT */
/* How processes are accounted for: by what the kernel tells of itself (a feed), or by /proc alone. */
#include "base/counter.h"
#include "base/parse.h"
#include "meter/meter_internal.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* The feed counts as there for the whole when it came within this part of the measurement. */
#define WHOLE_RATIO 0.1
/*
 * To ask a process for its clock at every look, and the hook at a switch: measured (2 CPUs, kernel 6.18), for
 * only their ratio counts. Below so many processes neither is worth a word: the dearer takes 0.1 ms each
 * time.
 */
#define CLOCK_NS  1000.0
#define SWITCH_NS 100.0
#define LARGE_MIN 200u
/* How long switches are counted. What was since boot says little of now: one hour of a busy pipe is in it for
 * ever. */
#define RATE_NS (10 * ECO_NS_PER_MS)
/* One process of this program's own is made to get it. */
#define OWN_FORKS 1u

/* A line of /proc/stat, 0 unknown. */
static uint64_t read_stat(const struct eco_meter *meter, const char *key)
{
    char text[16384];
    uint64_t value = 0;
    ssize_t n = eco_root_read(meter->env->root, ECO_PROCFS, "stat", text, sizeof text);
    const char *at = n > 0 ? strstr(text, key) : NULL;
    if (!at)
        return 0;
    at += strlen(key);
    return eco_scan_u64(&at, &value) == 0 ? value : 0;
}

/* Processes and threads made since boot, 0 unknown. */
static uint64_t read_forks(const struct eco_meter *meter)
{
    return read_stat(meter, "\nprocesses ");
}

/* Whether some process may have been born and have ended before the feed told of such. */
static bool may_have_missed(const struct eco_meter *meter, const struct eco_feed_state *state)
{
    uint64_t forks = read_forks(meter), known = eco_sub_sat(state->job_count, meter->job_count_begin);
    if (!forks || !meter->forks_begin)
        return true;
    return eco_sub_sat(forks, meter->forks_begin) > known + OWN_FORKS;
}

void eco_meter_see_feed(struct eco_meter *meter)
{
    uint64_t lost_events = meter->feed.lost_events;
    eco_procs_feed_state(meter->procs, &meter->feed);
    meter->has_just_lost = meter->feed.lost_events > lost_events;
    atomic_store(&meter->drain_due_ns, meter->feed.due_ns);
    atomic_store(&meter->is_told, meter->feed.is_in_place && meter->feed.is_whole);
}

int eco_meter_use_feed(struct eco_meter *meter, struct eco_feed *feed)
{
    struct eco_places places;
    (void)pthread_mutex_lock(&meter->procs_lock);
    (void)pthread_mutex_lock(&meter->lock);
    (void)eco_meter_make_places(meter, &places); /* without memory they are not told apart */
    int r = eco_procs_use_feed(meter->procs, feed, &places);
    /* What was lent went back. */
    meter->usage.changed_count = meter->usage.identity_count = 0;
    eco_meter_see_feed(meter);
    if (meter->has_begun && meter->feed.is_in_place) {
        meter->feed_job_ns = eco_sub_sat(meter->feed.base_ns, meter->job_begin_ns);
        meter->missed_before_feed = may_have_missed(meter, &meter->feed);
    }
    (void)pthread_mutex_unlock(&meter->lock);
    (void)pthread_mutex_unlock(&meter->procs_lock);
    return r;
}

uint64_t eco_meter_before_feed_ns(const struct eco_meter *meter)
{
    return meter->missed_before_feed ? eco_sub_sat(meter->feed.since_ns, meter->begin_ns) : 0;
}

bool eco_meter_is_fed(const struct eco_meter *meter)
{
    double before_ns = (double)eco_sub_sat(meter->feed.since_ns, meter->begin_ns);
    double all_ns = (double)eco_sub_sat(meter->has_ended ? meter->end_ns : meter->look_ns, meter->begin_ns);
    return meter->feed.is_in_place && before_ns <= WHOLE_RATIO * all_ns;
}

static size_t process_count(struct eco_meter *meter)
{
    struct eco_feed_state state;
    (void)pthread_mutex_lock(&meter->procs_lock);
    eco_procs_feed_state(meter->procs, &state);
    (void)pthread_mutex_unlock(&meter->procs_lock);
    return state.alive_count;
}

/* Of all CPUs at present; since boot where the clock stands still meanwhile. */
static double switches_per_ns(const struct eco_meter *meter)
{
    const struct eco_clock *clock = meter->env->clock;
    const struct timespec span = {.tv_nsec = (long)RATE_NS};
    uint64_t before = read_stat(meter, "\nctxt "), begin_ns = clock->boot_ns(clock);
    (void)nanosleep(&span, NULL);
    uint64_t after = read_stat(meter, "\nctxt "), end_ns = clock->boot_ns(clock);
    if (end_ns - begin_ns >= RATE_NS / 2 && after >= before)
        return (double)(after - before) / (double)(end_ns - begin_ns);
    return end_ns > 0 ? (double)after / (double)end_ns : 0;
}

bool eco_meter_is_large(struct eco_meter *meter)
{
    size_t count = process_count(meter);
    if (count < LARGE_MIN)
        return false;
    double by_interval = switches_per_ns(meter) * (double)meter->options.interval_ns;
    return (double)count * CLOCK_NS > by_interval * SWITCH_NS;
}

const char *eco_meter_accounting(struct eco_meter *meter)
{
    (void)pthread_mutex_lock(&meter->lock);
    const char *name = eco_meter_is_fed(meter) ? "bpf" : meter->procs->ops->name;
    (void)pthread_mutex_unlock(&meter->lock);
    return name;
}

void eco_meter_warn_of_feed(const struct eco_meter *meter, struct eco_report *report)
{
    const struct eco_feed_state *feed = &meter->feed;
    if (feed->is_in_place && !eco_meter_is_fed(meter) && feed->since_ns > meter->begin_ns + ECO_NS_PER_S / 2)
        eco_report_warn(report, "accounting by the kernel's own events began only %.1f s after the start",
                        (double)(feed->since_ns - meter->begin_ns) * 1e-9);
    if (feed->lost_events)
        eco_report_warn(
            report,
            "%llu events of processes were lost for want of room; everything was listed again, and "
            "what short-lived ones used meanwhile is not in a row of their own%s",
            (unsigned long long)feed->lost_events,
            meter->usage.job_is_exact || (meter->options.flags & ECO_METER_MACHINE)
                ? ""
                : ": of those whom nobody waited for it may be missing in the job, and is in 'unattributed'");
    if (feed->lost_ns > ECO_NS_PER_MS)
        eco_report_warn(report, "of %.3f CPU seconds it is not known on which CPU they were spent",
                        (double)feed->lost_ns * 1e-9);
}
