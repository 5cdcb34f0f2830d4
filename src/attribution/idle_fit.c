/* SPDX-License-Identifier: MIT */
#include "attribution/idle_fit.h"

#include <math.h>
#include <string.h>

#define QUIET_MAX  32
#define NEAR_MIN   3
#define NEAR_MIN_S 0.8
#define EPSILON    1e-9 /* sums of floats: four chunks of 0.2 s are 0.8 s */

enum eco_idle_class eco_idle_class_of(const struct eco_idle_chunk *chunk)
{
    if (chunk->busy_cpus <= ECO_IDLE_NEAR)
        return ECO_IDLE_CLASS_NEAR;
    return chunk->busy_cpus <= ECO_IDLE_MID ? ECO_IDLE_CLASS_MID : ECO_IDLE_CLASS_HIGH;
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
    double sorted[ECO_IDLE_RING] = {0};

    memcpy(sorted, values, n * sizeof(values[0]));
    sort_numbers(sorted, n);
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* 1.48 x the median distance from the median: the standard deviation where the noise is normal. */
static double spread(const double *values, size_t n)
{
    double distance[ECO_IDLE_RING] = {0};
    double centre = median(values, n);

    for (size_t i = 0; i < n; i++)
        distance[i] = fabs(values[i] - centre);
    return 1.48 * median(distance, n);
}

/* Mean of the middle half: as deaf to outliers as this needs, and less noisy than the median. */
static double midmean(const double *values, size_t n)
{
    double sorted[ECO_IDLE_RING] = {0}, sum = 0;
    size_t skip = (n + 1) / 4;

    memcpy(sorted, values, n * sizeof(values[0]));
    sort_numbers(sorted, n);
    for (size_t i = skip; i < n - skip; i++)
        sum += sorted[i];
    return sum / (double)(n - 2 * skip);
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

double eco_idle_heat_excess(double heat_w, double idle_w)
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
        if (eco_idle_class_of(&chunks[i]) == ECO_IDLE_CLASS_MID)
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
    quiet->n = 0;

    for (size_t i = count; i-- > 0;) { /* newest first, so that it wins a tie */
        if (eco_idle_class_of(&chunks[i]) != ECO_IDLE_CLASS_NEAR)
            continue;
        double own = quiet->k0 * chunks[i].busy_cpus +
                     ECO_IDLE_LEAKAGE * eco_idle_heat_excess(chunks[i].heat_w, quiet->y_low);
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
    double z[QUIET_MAX] = {0}, rest[QUIET_MAX] = {0}, heat_correction = 0;
    double sxx = 0, sxz = 0;
    double n = (double)q->n, x_mean = mean(q->x, q->n);

    for (size_t i = 0; i < q->n; i++) {
        double correction = ECO_IDLE_LEAKAGE * eco_idle_heat_excess(q->heat[i], ret->a);

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
    /* No power ever seen is below idle, but the least of many noisy chunks lies two or three s too low. */
    double ceiling = q->power_min + fmax(0.02 * q->power_min, 3 * s);
    double level = fmin(midmean(rest, q->n), ceiling);
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

void eco_idle_fit(const struct eco_idle_chunk *chunks, size_t count, double tau_s,
                  struct eco_idle_estimate *ret, double *ret_slope)
{
    struct quiet quiet = {.n = 0};
    struct fit fit = {0, 0, 0};
    double near_s = 0;
    size_t near = 0;

    *ret = (struct eco_idle_estimate){.chunks = count};
    if (ret_slope)
        *ret_slope = 0;
    for (size_t i = 0; i < count; i++) {
        if (eco_idle_class_of(&chunks[i]) == ECO_IDLE_CLASS_NEAR) {
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
    if (ret_slope)
        *ret_slope = quiet.k0;
    choose_quiet(&quiet, chunks, count);
    fit.a = median(quiet.y, quiet.n);
    for (int round = 0; round < 3; round++)
        fit_round(&quiet, tau_s, &fit);
    ret->trust = fit.x_mean <= 0.1 ? ECO_IDLE_TRUSTED : ECO_IDLE_EXTRAPOLATED;
    ret->power_w = fit.a;
    ret->u_w = fit.u;
    ret->chunks = quiet.n;
}
