/* SPDX-License-Identifier: MIT */
#include "cli/measure_idle.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define STEP_NS (100 * ECO_NS_PER_MS)

static void show_progress(uint64_t left_ns, bool done)
{
    if (done)
        (void)fputs("\r\033[K", stderr);
    else
        (void)fprintf(stderr, "\rmeasuring idle power, %llu s left: let nothing else run ",
                      (unsigned long long)((left_ns + ECO_NS_PER_S - 1) / ECO_NS_PER_S));
    (void)fflush(stderr);
}

static int watch(struct eco_meter *meter, const struct eco_idle_pause *pause, uint64_t duration_ns,
                 struct eco_why *why)
{
    uint64_t end = eco_now_ns() + duration_ns;
    uint64_t next = eco_now_ns() + STEP_NS, shown = 0;
    while (eco_now_ns() < end) {
        if (pause->wait(pause->context, next < end ? next : end)) {
            eco_why_set(why, "interrupted while the idle power was measured; the command has not started");
            return -EINTR;
        }
        (void)eco_meter_tick(meter);
        next = eco_now_ns() + STEP_NS;
        uint64_t left = end > next ? (end - next) / ECO_NS_PER_S + 1 : 0;
        if (left != shown && left && pause->shows_progress)
            show_progress(left * ECO_NS_PER_S, false);
        shown = left;
    }
    return 0;
}

/* What was learnt, as the option --idle-power would say it. "" when some counted domain stayed unknown. */
static int format_learnt(struct eco_meter *meter, char *ret)
{
    struct eco_report report = {0};
    int r = eco_meter_report(meter, &report);
    if (r < 0)
        return r;
    size_t used = 0;
    ret[0] = 0;
    for (unsigned d = 0; d < report.domain_count && used < ECO_IDLE_POWER_MAX - 80; d++) {
        const struct eco_domain *info = &report.domains[d].info;
        if (!info->counted || !isfinite(report.idle.power_w[d]))
            continue;
        int n = snprintf(ret + used, ECO_IDLE_POWER_MAX - used, "%s%s=%.6fW", used ? "," : "", info->name,
                         report.idle.power_w[d]);
        used += n > 0 ? (size_t)n : 0;
    }
    eco_report_finish(&report);
    return 0;
}

int eco_measure_idle(struct eco_session *session, const struct eco_idle_pause *pause, uint64_t duration_ns,
                     char *ret_idle_power, struct eco_why *why)
{
    struct eco_session quiet = *session;
    quiet.meter = NULL;
    int r = eco_session_open_meter(&quiet, true, -1, NULL, NULL, why);
    session->counters = quiet.counters;
    if (r < 0)
        return r;
    r = eco_meter_begin(quiet.meter);
    if (r == 0)
        r = watch(quiet.meter, pause, duration_ns, why);
    if (pause->shows_progress)
        show_progress(0, true);
    if (r == 0)
        r = eco_meter_end(quiet.meter);
    bool unknown = r == 0 && eco_meter_wants_tail(quiet.meter);
    bool kept = r == 0 && *session->state_dir && !session->call->settings.no_record &&
                eco_meter_save_state(quiet.meter) == 0;
    if (r == 0 && !kept)
        r = format_learnt(quiet.meter, ret_idle_power);
    quiet.meter = eco_meter_free(quiet.meter);
    if (unknown)
        eco_notice("the machine was not quiet: its idle power could not be measured well");
    if (r < 0 && !*why->text)
        eco_why_set(why, "the idle power could not be measured: %s", strerror(-r));
    return r;
}
