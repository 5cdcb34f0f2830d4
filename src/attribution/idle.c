/* SPDX-License-Identifier: MIT */
#include "attribution/idle.h"

#include "attribution/idle_fit.h"

#include <math.h>
#include <string.h>

#define CHUNK_MIN_S     0.2
#define CHUNK_PERIODS   20.0
#define HEAT_S          60.0
#define RATE_S          60.0 /* once a class of the ring is full, one chunk per this time */
#define DAY_S           ((int64_t)86400)
#define AGE_MAX_S       (30 * DAY_S)
#define NEAR_MAX        48 /* + MID_MAX + HIGH_MAX = ECO_IDLE_RING */
#define MID_MAX         12
#define HIGH_MAX        4
#define STEP_BELOW      5
#define STEP_ABOVE      15
#define STEP_ABOVE_KEPT 8
#define STEP_RATIO      0.03
#define EPSILON         1e-9 /* sums of floats: four chunks of 0.2 s are 0.8 s */

_Static_assert(NEAR_MAX + MID_MAX + HIGH_MAX == ECO_IDLE_RING, "the classes fill the ring");

static size_t class_limit(enum eco_idle_class class)
{
    switch (class) {
    case ECO_IDLE_CLASS_NEAR:
        return NEAR_MAX;
    case ECO_IDLE_CLASS_MID:
        return MID_MAX;
    case ECO_IDLE_CLASS_HIGH:
        break;
    }
    return HIGH_MAX;
}

void eco_idle_init(struct eco_idle *idle, double tau_s)
{
    *idle = (struct eco_idle){.heat_w = (double)NAN, .tau_s = isfinite(tau_s) && tau_s > 0 ? tau_s : 0};
}

void eco_idle_break(struct eco_idle *idle)
{
    idle->open_length_s = 0;
    idle->open_energy_j = 0;
    idle->open_busy_s = 0;
    idle->open_heat_w = (double)NAN;
}

static void ring_remove(struct eco_idle *idle, size_t at)
{
    idle->count--;
    memmove(&idle->ring[at], &idle->ring[at + 1], (idle->count - at) * sizeof(idle->ring[0]));
}

void eco_idle_estimate(const struct eco_idle *idle, struct eco_idle_estimate *ret)
{
    eco_idle_fit(idle->ring, idle->count, idle->tau_s, ret, NULL);
}

/* ---- the ring ---- */

/* The newest `wanted` near chunks; returns where the earliest of them stands, or count when fewer. */
static size_t newest_near(const struct eco_idle *idle, size_t wanted)
{
    for (size_t i = idle->count; i-- > 0;) {
        if (eco_idle_class_of(&idle->ring[i]) == ECO_IDLE_CLASS_NEAR && --wanted == 0)
            return i;
    }
    return idle->count;
}

/*
 * Do the near chunks from `first` on all lie beyond what the older ones allow? Below, power itself
 * counts, since load cannot lower it; above, even three times the slope must not explain it.
 */
static bool is_step(const struct eco_idle *idle, size_t first, int sign)
{
    struct eco_idle_estimate older;
    double slope;

    eco_idle_fit(idle->ring, first, idle->tau_s, &older, &slope);
    if (older.trust == ECO_IDLE_UNKNOWN)
        return false;
    double threshold = fmax(4 * older.u_w, STEP_RATIO * older.power_w);

    for (size_t i = first; i < idle->count; i++) {
        const struct eco_idle_chunk *chunk = &idle->ring[i];

        if (eco_idle_class_of(chunk) != ECO_IDLE_CLASS_NEAR)
            continue;
        double power = chunk->power_w;

        if (sign > 0)
            power -= 3 * slope * chunk->busy_cpus +
                     2 * ECO_IDLE_LEAKAGE * eco_idle_heat_excess(chunk->heat_w, older.power_w);
        if (sign * (power - older.power_w) <= threshold)
            return false;
    }
    return true;
}

static void keep_from(struct eco_idle *idle, size_t first)
{
    idle->count -= first;
    memmove(idle->ring, &idle->ring[first], idle->count * sizeof(idle->ring[0]));
}

static void detect_step(struct eco_idle *idle)
{
    size_t below = newest_near(idle, STEP_BELOW), above = newest_near(idle, STEP_ABOVE);

    if (below < idle->count && below > 0 && is_step(idle, below, -1))
        keep_from(idle, below);
    else if (above < idle->count && above > 0 && is_step(idle, above, 1))
        keep_from(idle, newest_near(idle, STEP_ABOVE_KEPT));
}

/*
 * The ring is shared by three classes of load, so that hours of work do not push out the quiet
 * seconds. A class that is full takes one chunk a minute, in place of its oldest.
 */
static void add_chunk(struct eco_idle *idle, const struct eco_idle_chunk *chunk)
{
    enum eco_idle_class class = eco_idle_class_of(chunk);
    size_t of_class = 0, oldest = 0, newest = 0;

    for (size_t i = 0; i < idle->count; i++) {
        if (eco_idle_class_of(&idle->ring[i]) != class)
            continue;
        if (of_class++ == 0)
            oldest = i;
        newest = i;
    }
    if (of_class >= class_limit(class)) {
        bool minute_fed = idle->last_added_s >= RATE_S;
        bool minute_passed = chunk->at_real_s >= idle->ring[newest].at_real_s + (int64_t)RATE_S;

        if (!minute_fed && !minute_passed)
            return;
        ring_remove(idle, oldest);
    }
    idle->ring[idle->count++] = *chunk;
    idle->last_added_s = 0;
    if (class == ECO_IDLE_CLASS_NEAR)
        detect_step(idle);
}

void eco_idle_feed(struct eco_idle *idle, double length_s, double energy_j, double busy_s, int64_t real_s)
{
    if (!(length_s > 0) || !isfinite(length_s) || !(energy_j >= 0) || !isfinite(energy_j) ||
        !isfinite(busy_s)) {
        eco_idle_break(idle);
        return;
    }
    double power = energy_j / length_s;

    if (!(idle->open_length_s > 0))
        idle->open_heat_w = idle->heat_w;
    idle->open_length_s += length_s;
    idle->open_energy_j += energy_j;
    idle->open_busy_s += busy_s;
    if (!isnan(idle->heat_w))
        idle->heat_w += -expm1(-length_s / HEAT_S) * (power - idle->heat_w);
    idle->last_added_s += length_s;
    if (idle->open_length_s < fmax(CHUNK_MIN_S, CHUNK_PERIODS * idle->tau_s) - EPSILON)
        return;
    struct eco_idle_chunk chunk = {
        .length_s = idle->open_length_s,
        .busy_cpus = fmax(idle->open_busy_s / idle->open_length_s, 0),
        .power_w = idle->open_energy_j / idle->open_length_s,
        .heat_w = idle->open_heat_w,
        .at_real_s = real_s,
    };

    /* Nothing is known of before the first chunk; one interval of it may be a single burst. */
    if (isnan(chunk.heat_w))
        chunk.heat_w = chunk.power_w;
    if (isnan(idle->heat_w))
        idle->heat_w = chunk.power_w;
    eco_idle_break(idle);
    add_chunk(idle, &chunk);
}

void eco_idle_expire(struct eco_idle *idle, int64_t now_real_s)
{
    for (size_t i = idle->count; i-- > 0;) {
        const struct eco_idle_chunk *chunk = &idle->ring[i];
        int64_t at = chunk->at_real_s;
        bool sane = chunk->length_s > 0 && chunk->busy_cpus >= 0 && chunk->power_w >= 0 &&
                    isfinite(chunk->length_s + chunk->busy_cpus + chunk->power_w);

        /* A stamp from the future is a clock that was wrong: its age can never be told. */
        if (!sane || at < now_real_s - AGE_MAX_S || at > now_real_s + DAY_S)
            ring_remove(idle, i);
    }
    detect_step(idle);
}
