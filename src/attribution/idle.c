/* SPDX-License-Identifier: MIT */
#include "attribution/idle.h"

#include <math.h>
#include <string.h>

#define CHUNK_MIN_S     0.2
#define CHUNK_PERIODS   20.0
#define HEAT_S          60.0
#define RATE_S          60.0 /* once a class of the ring is full, one chunk per this time */
#define AGE_MAX_S       (30 * 24 * 3600)
#define NEAR_BUSY       0.5 /* chunks that the intercept is taken from */
#define MID_BUSY        2.0 /* chunks that tell the slope */
#define NEAR_MAX        48  /* + MID_MAX + HIGH_MAX = ECO_IDLE_RING */
#define MID_MAX         12
#define HIGH_MAX        4
#define QUIET_MAX       32
#define LEAKAGE         0.02 /* of the excess of the low-passed power over idle */
#define STEP_BELOW      5
#define STEP_ABOVE      15
#define STEP_ABOVE_KEPT 8
#define STEP_RATIO      0.03
#define NEAR_MIN        3
#define NEAR_MIN_S      0.8
#define EPSILON         1e-9 /* sums of floats: four chunks of 0.2 s are 0.8 s */

_Static_assert(NEAR_MAX + MID_MAX + HIGH_MAX == ECO_IDLE_RING, "the classes fill the ring");

enum chunk_class { CLASS_NEAR, CLASS_MID, CLASS_HIGH };

static enum chunk_class class_of(const struct eco_idle_chunk *chunk)
{
    if (chunk->busy_cpus <= NEAR_BUSY)
        return CLASS_NEAR;
    return chunk->busy_cpus <= MID_BUSY ? CLASS_MID : CLASS_HIGH;
}

static size_t class_limit(enum chunk_class class)
{
    switch (class) {
    case CLASS_NEAR:
        return NEAR_MAX;
    case CLASS_MID:
        return MID_MAX;
    case CLASS_HIGH:
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

/* ---- small statistics on at most ECO_IDLE_RING numbers ---- */

static void sort_numbers(double *values, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        double value = values[i];
        size_t at = i;

        for (; at > 0 && values[at - 1] > value; at--)
            values[at] = values[at - 1];
        values[at] = value;
    }
}

static double median(const double *values, size_t n)
{
    double sorted[ECO_IDLE_RING];

    memcpy(sorted, values, n * sizeof(values[0]));
    sort_numbers(sorted, n);
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* 1.48 x the median distance from the median: the standard deviation where the noise is normal. */
static double spread(const double *values, size_t n)
{
    double distance[ECO_IDLE_RING];
    double centre = median(values, n);

    for (size_t i = 0; i < n; i++)
        distance[i] = fabs(values[i] - centre);
    return 1.48 * median(distance, n);
}

static double mean(const double *values, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += values[i];
    return sum / (double)n;
}

/* ---- the estimate ---- */

/* The quietest chunks as columns, and the slope that the busier ones tell. */
struct quiet {
    double x[QUIET_MAX], y[QUIET_MAX], heat[QUIET_MAX], length[QUIET_MAX];
    size_t n;
    double x_low, y_low; /* chunk with the least busy CPUs */
    double k0, vk;       /* prior of the slope in watts per busy CPU, and its variance */
    double power_min;    /* of all chunks */
};

static double heat_excess(double heat_w, double idle_w)
{
    return fmax(heat_w - idle_w, 0);
}

static void find_lowest(struct quiet *quiet, const struct eco_idle_chunk *chunks, size_t count)
{
    quiet->x_low = (double)INFINITY;
    quiet->power_min = (double)INFINITY;
    for (size_t i = 0; i < count; i++) {
        if (chunks[i].busy_cpus <= quiet->x_low) {
            quiet->x_low = chunks[i].busy_cpus;
            quiet->y_low = chunks[i].power_w;
        }
        quiet->power_min = fmin(quiet->power_min, chunks[i].power_w);
    }
}

static void find_slope(struct quiet *quiet, const struct eco_idle_chunk *chunks, size_t count)
{
    double secants[ECO_IDLE_RING];
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        if (class_of(&chunks[i]) == CLASS_MID)
            secants[n++] = (chunks[i].power_w - quiet->y_low) / (chunks[i].busy_cpus - quiet->x_low);
    }
    double k0 = n > 0 ? median(secants, n) : 0;

    if (k0 > 0) {
        quiet->k0 = k0;
        quiet->vk = (0.5 * k0) * (0.5 * k0);
    } else {
        quiet->k0 = 0.8 * quiet->y_low;
        quiet->vk = quiet->k0 * quiet->k0;
    }
}

/* The near chunks that cost least to correct, never those that happen to read low. */
static void choose_quiet(struct quiet *quiet, const struct eco_idle_chunk *chunks, size_t count)
{
    double cost[QUIET_MAX];

    for (size_t i = count; i-- > 0;) { /* newest first, so that it wins a tie */
        if (class_of(&chunks[i]) != CLASS_NEAR)
            continue;
        double own = quiet->k0 * chunks[i].busy_cpus + LEAKAGE * heat_excess(chunks[i].heat_w, quiet->y_low);
        size_t at = quiet->n;

        for (; at > 0 && cost[at - 1] > own; at--)
            ;
        if (at == QUIET_MAX)
            continue;
        if (quiet->n < QUIET_MAX)
            quiet->n++;
        for (size_t j = quiet->n - 1; j > at; j--) {
            cost[j] = cost[j - 1];
            quiet->x[j] = quiet->x[j - 1];
            quiet->y[j] = quiet->y[j - 1];
            quiet->heat[j] = quiet->heat[j - 1];
            quiet->length[j] = quiet->length[j - 1];
        }
        cost[at] = own;
        quiet->x[at] = chunks[i].busy_cpus;
        quiet->y[at] = chunks[i].power_w;
        quiet->heat[at] = chunks[i].heat_w;
        quiet->length[at] = chunks[i].length_s;
    }
}

struct fit {
    double a, u, x_mean;
};

/* One round: slope shrunk towards k0, then the intercept; `ret->a` holds the last round's. */
static void fit_round(const struct quiet *q, double tau_s, struct fit *ret)
{
    double z[QUIET_MAX], rest[QUIET_MAX], heat_correction = 0;
    double sxx = 0, sxz = 0;
    double n = (double)q->n, x_mean = mean(q->x, q->n);

    for (size_t i = 0; i < q->n; i++) {
        double correction = LEAKAGE * heat_excess(q->heat[i], ret->a);

        heat_correction += correction / n;
        z[i] = q->y[i] - correction;
        rest[i] = z[i] - q->k0 * q->x[i];
    }
    double s = fmax(fmax(spread(rest, q->n), tau_s * ret->a / (2.4 * mean(q->length, q->n))), 0.003 * ret->a);
    double z_mean = mean(z, q->n);

    for (size_t i = 0; i < q->n; i++) {
        sxx += (q->x[i] - x_mean) * (q->x[i] - x_mean);
        sxz += (q->x[i] - x_mean) * (z[i] - z_mean);
    }
    double lam = q->vk > 0 ? s * s / q->vk : 0;
    double k = sxx + lam > 0 ? (sxz + lam * q->k0) / (sxx + lam) : q->k0;

    k = fmin(fmax(k, 0), 3 * q->k0);
    for (size_t i = 0; i < q->n; i++)
        rest[i] = z[i] - k * q->x[i];
    double level = fmin(median(rest, q->n), 1.02 * q->power_min);
    double slope_u2 = sxx + lam > 0 ? x_mean * x_mean * s * s / (sxx + lam) : 0;

    ret->a = fmax(level, 0);
    ret->x_mean = x_mean;
    ret->u = sqrt(1.25 * s * 1.25 * s / n * (1 + 4 / n) + slope_u2 + heat_correction * heat_correction +
                  0.01 * ret->a * 0.01 * ret->a);
}

static void estimate_unknown(double power_min, struct eco_idle_estimate *ret)
{
    ret->trust = ECO_IDLE_UNKNOWN;
    ret->power_w = isfinite(power_min) ? power_min / 2 : (double)NAN;
    ret->u_w = isfinite(power_min) ? power_min / sqrt(12) : (double)NAN;
}

static void estimate_of(const struct eco_idle_chunk *chunks, size_t count, double tau_s,
                        struct eco_idle_estimate *ret)
{
    struct quiet quiet = {.n = 0};
    struct fit fit = {0, 0, 0};
    double near_s = 0;
    size_t near = 0;

    *ret = (struct eco_idle_estimate){.chunks = count};
    for (size_t i = 0; i < count; i++) {
        if (class_of(&chunks[i]) == CLASS_NEAR) {
            near++;
            near_s += chunks[i].length_s;
        }
        if (chunks[i].at_real_s > ret->at_real_s)
            ret->at_real_s = chunks[i].at_real_s;
    }
    find_lowest(&quiet, chunks, count);
    if (near < NEAR_MIN || near_s < NEAR_MIN_S - EPSILON) {
        estimate_unknown(quiet.power_min, ret);
        return;
    }
    find_slope(&quiet, chunks, count);
    choose_quiet(&quiet, chunks, count);
    fit.a = median(quiet.y, quiet.n);
    for (int round = 0; round < 3; round++)
        fit_round(&quiet, tau_s, &fit);
    ret->trust = fit.x_mean <= 0.1 ? ECO_IDLE_TRUSTED : ECO_IDLE_EXTRAPOLATED;
    ret->power_w = fit.a;
    ret->u_w = fit.u;
    ret->chunks = quiet.n;
}

void eco_idle_estimate(const struct eco_idle *idle, struct eco_idle_estimate *ret)
{
    estimate_of(idle->ring, idle->count, idle->tau_s, ret);
}

/* ---- the ring ---- */

/* The newest `wanted` near chunks; returns where the earliest of them stands, or count when fewer. */
static size_t newest_near(const struct eco_idle *idle, size_t wanted)
{
    for (size_t i = idle->count; i-- > 0;) {
        if (class_of(&idle->ring[i]) == CLASS_NEAR && --wanted == 0)
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
    struct quiet quiet = {.n = 0};

    estimate_of(idle->ring, first, idle->tau_s, &older);
    if (older.trust == ECO_IDLE_UNKNOWN)
        return false;
    find_lowest(&quiet, idle->ring, first);
    find_slope(&quiet, idle->ring, first);
    double threshold = fmax(4 * older.u_w, STEP_RATIO * older.power_w);

    for (size_t i = first; i < idle->count; i++) {
        const struct eco_idle_chunk *chunk = &idle->ring[i];

        if (class_of(chunk) != CLASS_NEAR)
            continue;
        double power = chunk->power_w;

        if (sign > 0)
            power -=
                3 * quiet.k0 * chunk->busy_cpus + 2 * LEAKAGE * heat_excess(chunk->heat_w, older.power_w);
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
    enum chunk_class class = class_of(chunk);
    size_t of_class = 0, oldest = 0, newest = 0;

    for (size_t i = 0; i < idle->count; i++) {
        if (class_of(&idle->ring[i]) != class)
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
    if (class == CLASS_NEAR)
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

    if (isnan(idle->heat_w))
        idle->heat_w = power;
    if (!(idle->open_length_s > 0))
        idle->open_heat_w = idle->heat_w;
    idle->open_length_s += length_s;
    idle->open_energy_j += energy_j;
    idle->open_busy_s += busy_s;
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

    eco_idle_break(idle);
    add_chunk(idle, &chunk);
}

void eco_idle_expire(struct eco_idle *idle, int64_t now_real_s)
{
    for (size_t i = idle->count; i-- > 0;) {
        int64_t at = idle->ring[i].at_real_s;

        /* A stamp from the future is a clock that was wrong: its age can never be told. */
        if (now_real_s - at > AGE_MAX_S || at - now_real_s > 24 * 3600)
            ring_remove(idle, i);
    }
    detect_step(idle);
}
