/* SPDX-License-Identifier: MIT */
#include "cli/intensity.h"

#include "base/text.h"
#include "platform/clock.h"
#include "platform/process.h"
#include "run/helper.h"
#include "store/state_dir.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAME          "ecocode-intensity"
#define INSTALLED     ECO_LIBEXECDIR "/ecocode/" NAME
#define OLD_HOURS     6.0
#define FIRST_WAIT_MS 1000u /* a run that is over sooner than an answer can come waits so long for it */

static const struct eco_live_source *wanted(const struct eco_call *call)
{
    const char *name = call->settings.impact.carbon_source;
    return name ? eco_live_source_find(name) : NULL;
}

int eco_intensity_check(const struct eco_call *call, struct eco_why *why)
{
    const struct eco_impact_choices *choices = &call->settings.impact;
    const struct eco_live_source *source = wanted(call);
    if (!source)
        return 0;
    if (choices->carbon_intensity) {
        eco_why_set(why, "--carbon-intensity is a figure of your own: it does not go with --carbon-source %s",
                    source->name);
        return -EINVAL;
    }
    const struct eco_place *place = choices->location ? eco_place_find(choices->location, NULL) : NULL;
    const char *zone = choices->carbon_zone ? choices->carbon_zone
                       : place              ? eco_live_zone(source, place)
                                            : NULL;
    if (zone && strlen(zone) < ECO_ZONE_MAX)
        return 0;
    eco_why_set(why, "--carbon-source %s: its name for %s is not known; give it: --carbon-zone ZONE",
                source->name, place ? place->name : "where this is (no --location)");
    return -EINVAL;
}

/* Beside us in a build tree; where we are installed, in libexec alone. */
static bool find(char *ret, size_t size)
{
    char own[PATH_MAX];
    if (eco_process_own_path(own, sizeof own) < 0)
        return false;
    char *slash = strrchr(own, '/');
    if (!slash || slash == own)
        return false;
    *slash = '\0';
    bool is_installed = strcmp(own, ECO_BINDIR) == 0;
    int n = is_installed ? snprintf(ret, size, "%s", INSTALLED) : snprintf(ret, size, "%s/" NAME, own);
    return n > 0 && (size_t)n < size && access(ret, X_OK) == 0;
}

static void spawn(struct eco_intensity *live, const struct eco_impact_choices *choices, const char *cache)
{
    char path[PATH_MAX], words[5][24] = {NAME, "--source", "--zone", "--url", "--key-file"},
                         cache_word[] = "--cache";
    char values[5][PATH_MAX];
    char name[] = NAME, *argv[12] = {name};
    size_t count = 1;
    const char *const given[] = {live->source->name, live->zone,
                                 choices->carbon_url ? choices->carbon_url : live->source->url,
                                 choices->carbon_key_file};
    for (size_t i = 0; i < ECO_COUNT(given); i++) {
        if (!given[i])
            continue;
        (void)eco_text_copy(values[i], sizeof values[i], given[i]);
        argv[count++] = words[i + 1];
        argv[count++] = values[i];
    }
    if (*cache && eco_make_directories(cache) == 0) {
        (void)eco_text_copy(values[4], sizeof values[4], cache);
        argv[count++] = cache_word;
        argv[count++] = values[4];
    }
    int r =
        find(path, sizeof path) ? eco_helper_start_with(path, argv, environ, &live->fd, &live->pid) : -ENOENT;
    if (r == -ENOENT)
        (void)snprintf(live->why, sizeof live->why,
                       "%s, which asks for it, is not installed (it needs libcurl)", NAME);
    else if (r < 0)
        (void)snprintf(live->why, sizeof live->why, "%s cannot be started: %s", NAME, strerror(-r));
}

void eco_intensity_start(struct eco_intensity *live, const struct eco_call *call, const char *cache)
{
    const struct eco_impact_choices *choices = &call->settings.impact;
    if (live->is_started || !wanted(call))
        return;
    live->is_started = true;
    live->fd = -1;
    live->source = wanted(call);
    const struct eco_place *place = choices->location ? eco_place_find(choices->location, NULL) : NULL;
    const char *zone = choices->carbon_zone ? choices->carbon_zone
                       : place              ? eco_live_zone(live->source, place)
                                            : NULL;
    (void)eco_text_copy(live->zone, sizeof live->zone, zone ? zone : "");
    (void)snprintf(live->why, sizeof live->why, "it did not answer in time");
    spawn(live, choices, cache);
}

static void hear_one(struct eco_intensity *live, const struct eco_live_news *news)
{
    live->has_failed = news->error < 0;
    if (news->error < 0) {
        (void)eco_text_clean(live->why, sizeof live->why, news->text, strnlen(news->text, sizeof news->text),
                             true);
        return;
    }
    if (!(news->g_per_kwh > 0) || news->g_per_kwh > ECO_G_PER_KWH_MAX)
        return;
    live->values += live->values == 0 || fabs(news->g_per_kwh - live->newest.g_per_kwh) > 0;
    live->newest = *news;
    live->newest.scope[sizeof live->newest.scope - 1] = '\0';
    live->heard_ns = eco_clock_system.mono_ns(&eco_clock_system);
}

static void hear(struct eco_intensity *live)
{
    struct eco_live_news news;
    if (!live->is_started || live->fd < 0)
        return;
    for (;;) {
        ssize_t got = recv(live->fd, &news, sizeof news, MSG_DONTWAIT);
        if (got == (ssize_t)sizeof news && news.size == sizeof news) {
            hear_one(live, &news);
            continue;
        }
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) { /* it ended */
            (void)close(live->fd);
            live->fd = -1;
        }
        return;
    }
}

/* Seconds since the newest value was fetched. */
static double age_s(const struct eco_intensity *live)
{
    uint64_t now = eco_clock_system.mono_ns(&eco_clock_system);
    return live->newest.age_s + (double)(now - live->heard_ns) / (double)ECO_NS_PER_S;
}

static double present(const struct eco_intensity *live)
{
    if (live->values == 0)
        return 0;
    return age_s(live) < ECO_LIVE_STALE_S ? live->newest.g_per_kwh : -1;
}

void eco_intensity_frame(struct eco_intensity *live, const struct eco_frame *frame)
{
    double energy_uj[ECO_SLOT_COUNT] = {0};
    if (!live->is_started)
        return;
    hear(live);
    for (unsigned slot = 0; slot < frame->slots; slot++)
        energy_uj[slot] = frame->total.split[slot].job_uj;
    if (frame->keyframe) /* totals since the start: what was counted of them already is not counted again */
        for (int slot = 0; slot < ECO_SLOT_COUNT; slot++)
            energy_uj[slot] -= live->sum.energy_uj[slot] + live->sum.early_uj[slot] + live->sum.lost_uj[slot];
    eco_live_sum_add(&live->sum, energy_uj, present(live));
}

static void await_first(struct eco_intensity *live)
{
    const struct eco_clock *clock = &eco_clock_system;
    uint64_t until = clock->mono_ns(clock) + FIRST_WAIT_MS * ECO_NS_PER_MS, now;
    hear(live);
    while (live->values == 0 && !live->has_failed && live->fd >= 0 && (now = clock->mono_ns(clock)) < until) {
        struct pollfd fd = {.fd = live->fd, .events = POLLIN};
        if (poll(&fd, 1, (int)((until - now) / ECO_NS_PER_MS) + 1) < 0 && errno != EINTR)
            return;
        hear(live);
    }
}

/* What a source calls its latest may be of long ago. */
static void warn_of_age(const struct eco_intensity *live, struct eco_report *report)
{
    double hours =
        ((double)eco_clock_system.real_ns(&eco_clock_system) / 1e9 - (double)live->newest.at_real_s) / 3600;
    if (live->newest.at_real_s > 0 && hours > OLD_HOURS)
        eco_report_warn(report, "the newest live intensity of %s is %.0f hours old", live->source->title,
                        hours);
}

static void describe(struct eco_intensity *live, struct eco_factors *factors)
{
    double covered = eco_live_sum_covered(&live->sum, ECO_SLOT_FULL);
    int percent = isfinite(covered) ? (int)floor(covered * 100 + 0.5) : 100;
    (void)snprintf(live->text, sizeof live->text, "%s, live, zone %s: %u value%s for %d %% of the energy%s",
                   live->source->title, live->zone, live->values, live->values == 1 ? "" : "s", percent,
                   live->newest.is_estimated ? ", estimated by it" : "");
    factors->intensity.source = live->text;
    factors->intensity.year = 0;
    (void)snprintf(live->brief, sizeof live->brief, "%s, live", live->source->title);
    factors->intensity_brief = live->brief;
    factors->method = live->source->method;
    factors->resolution = live->source->resolution;
    factors->scope = *live->newest.scope ? live->newest.scope : live->source->scope;
    factors->is_world = false;
    factors->live = live->source->name;
    factors->live_zone = live->zone;
    factors->live_values = live->values;
    factors->live_covered = covered;
    factors->live_age_s = age_s(live);
    factors->live_at_real_s = live->newest.at_real_s;
}

void eco_intensity_apply(struct eco_intensity *live, struct eco_report *report, struct eco_factors *factors,
                         struct eco_impact_input *input)
{
    const double nothing[ECO_SLOT_COUNT] = {0};
    if (!live->is_started)
        return;
    await_first(live);
    eco_live_sum_add(&live->sum, nothing, present(live)); /* what came before the first value */
    if (live->values == 0) {
        eco_report_warn(report, "no live intensity from %s: %s; the yearly figure stands for it",
                        live->source->title, live->why);
        return;
    }
    double full = eco_live_sum_mean(&live->sum, ECO_SLOT_FULL);
    factors->intensity.value = full > 0 ? full : live->newest.g_per_kwh;
    for (unsigned slot = 0; slot < ECO_IMPACT_ROWS_MAX && input->rows[slot].policy; slot++) {
        double own = eco_live_sum_mean(&live->sum, slot);
        input->rows[slot].intensity_g_per_kwh = own > 0 ? own : factors->intensity.value;
    }
    describe(live, factors);
    warn_of_age(live, report);
}

void eco_intensity_finish(struct eco_intensity *live)
{
    if (live->is_started && live->pid > 0)
        eco_helper_leave(&live->fd, &live->pid);
    live->is_started = false;
}
