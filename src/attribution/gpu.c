/* SPDX-License-Identifier: MIT */
#include "attribution/gpu.h"

#include <math.h>
#include <string.h>

#define FORGET_S    120.0 /* the least time in which 400 and 250 W came out within 2 % in simulation */
#define PRIOR_RATIO 0.35  /* sd of a process' watts around the common ones */
#define NOISE_RATIO                                                                                         \
    0.02                  /* least noise of an interval's energy, of its mean: percent steps of utilisation \
                           */
#define KNOWN_RATIO   0.1 /* posterior sd over mean up to which a figure is used */
#define INTERVALS_MIN 8
#define FIT_ROUNDS    4
#define SOLVE_ROUNDS  200
#define SOLVE_ENOUGH  1e-9

static double clean(double value)
{
    return value > 0 && isfinite(value) ? value : 0;
}

/* ---- weights ---- */

static double row_work(const struct eco_gpu_share_input *in, size_t row)
{
    return clean(in->busy_ns[row]) * (in->watts ? clean(in->watts[row]) : 1);
}

static double rest_work(const struct eco_gpu_share_input *in)
{
    return clean(in->rest_busy_ns) * (in->watts ? clean(in->rest_watts) : 1);
}

void eco_gpu_weights(const struct eco_gpu_share_input *in, double *ret_row, double *ret_rest)
{
    double work = rest_work(in), largest = work, dynamic = clean(in->dynamic_uj);
    double holders = (double)in->rest_holders;

    for (size_t i = 0; i < in->row_count; i++) {
        largest = fmax(largest, row_work(in, i));
        holders += in->holds[i];
    }
    /* scaled by the largest, so that no sum overflows */
    double scale = largest > 0 ? 1 / largest : 0;
    work *= scale;
    for (size_t i = 0; i < in->row_count; i++)
        work += row_work(in, i) * scale;
    double context = holders > 0 ? fmin(clean(in->context_uj), dynamic) : 0;
    if (!(work > 0))
        context = holders > 0 ? dynamic : 0; /* contexts are open and nothing ran: it is theirs */
    double each = holders > 0 ? context / holders : 0;
    double rate = work > 0 ? (dynamic - context) / work * scale : 0;
    for (size_t i = 0; i < in->row_count; i++)
        ret_row[i] = (in->holds[i] ? each : 0) + row_work(in, i) * rate;
    *ret_rest = each * (double)in->rest_holders + rest_work(in) * rate;
}

/* ---- watts of each process ---- */

static size_t find(const struct eco_gpu_fit *fit, uint64_t id)
{
    size_t i = 0;

    while (i < fit->count && fit->id[i] != id)
        i++;
    return i;
}

static void forget(struct eco_gpu_fit *fit, double length_s)
{
    double keep = exp2(-length_s / FORGET_S);

    for (size_t i = 0; i < fit->count; i++) {
        fit->xy[i] *= keep;
        for (size_t j = 0; j < fit->count; j++)
            fit->xx[i][j] *= keep;
    }
    fit->yy *= keep;
    fit->weight *= keep;
    fit->x_sum *= keep;
    fit->y_sum *= keep;
}

void eco_gpu_fit_add(struct eco_gpu_fit *fit, double length_s, double energy_j, const uint64_t *id,
                     const double *busy_s, size_t count)
{
    size_t slot[ECO_GPU_FIT_MAX];

    if (!(length_s > 0) || !(energy_j >= 0) || !isfinite(energy_j) || !isfinite(length_s))
        return;
    if (count > ECO_GPU_FIT_MAX) {
        memset(fit, 0, sizeof(*fit));
        return;
    }
    for (size_t i = 0; i < count; i++) {
        slot[i] = find(fit, id[i]);
        if (slot[i] < fit->count)
            continue;
        if (fit->count == ECO_GPU_FIT_MAX) {
            memset(fit, 0, sizeof(*fit));
            return;
        }
        fit->id[fit->count++] = id[i];
    }
    forget(fit, length_s);
    for (size_t i = 0; i < count; i++) {
        double x = clean(busy_s[i]);
        for (size_t j = 0; j < count; j++)
            fit->xx[slot[i]][slot[j]] += x * clean(busy_s[j]);
        fit->xy[slot[i]] += x * energy_j;
        fit->x_sum += x;
    }
    fit->yy += energy_j * energy_j;
    fit->y_sum += energy_j;
    fit->weight += 1;
}

/* Squares that `watts` leave unexplained. */
static double residual(const struct eco_gpu_fit *fit, const double *watts)
{
    double left = fit->yy;

    for (size_t i = 0; i < fit->count; i++) {
        left -= 2 * watts[i] * fit->xy[i];
        for (size_t j = 0; j < fit->count; j++)
            left += watts[i] * watts[j] * fit->xx[i][j];
    }
    return fmax(left, 0);
}

/* The most likely watts, none below 0 (coordinate descent; the problem is convex). */
static void solve(const struct eco_gpu_fit *fit, double common, double ridge, double *watts)
{
    for (unsigned round = 0; round < SOLVE_ROUNDS; round++) {
        double moved = 0;
        for (size_t i = 0; i < fit->count; i++) {
            double pull = fit->xy[i] + ridge * common;
            for (size_t j = 0; j < fit->count; j++)
                pull -= j == i ? 0 : fit->xx[i][j] * watts[j];
            double next = fmax(pull / (fit->xx[i][i] + ridge), 0);
            moved = fmax(moved, fabs(next - watts[i]));
            watts[i] = next;
        }
        if (moved <= SOLVE_ENOUGH * common)
            return;
    }
}

/* Diagonal of the inverse of xx + ridge, by Gauss-Jordan: positive definite, so no pivot is 0. */
static void variances(const struct eco_gpu_fit *fit, double ridge, double *ret)
{
    double a[ECO_GPU_FIT_MAX][2 * ECO_GPU_FIT_MAX] = {0};
    size_t n = fit->count;

    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++)
            a[i][j] = fit->xx[i][j] + (i == j ? ridge : 0);
        a[i][n + i] = 1;
    }
    for (size_t p = 0; p < n; p++) {
        double pivot = a[p][p];
        for (size_t j = 0; j < 2 * n; j++)
            a[p][j] /= pivot;
        for (size_t i = 0; i < n; i++) {
            double factor = a[i][p];
            for (size_t j = 0; i != p && j < 2 * n; j++)
                a[i][j] -= factor * a[p][j];
        }
    }
    for (size_t i = 0; i < n; i++)
        ret[i] = a[i][n + i];
}

bool eco_gpu_fit_watts(const struct eco_gpu_fit *fit, const uint64_t *id, size_t count, double *ret_watts)
{
    double watts[ECO_GPU_FIT_MAX], spread[ECO_GPU_FIT_MAX];

    if (count == 0 || count > ECO_GPU_FIT_MAX || fit->weight < INTERVALS_MIN || !(fit->x_sum > 0) ||
        !(fit->y_sum > 0))
        return false;
    double common = fit->y_sum / fit->x_sum, prior = PRIOR_RATIO * common;
    double floor = NOISE_RATIO * fit->y_sum / fit->weight, noise2 = 0, ridge = 0;
    for (size_t i = 0; i < fit->count; i++)
        watts[i] = common;
    for (unsigned round = 0; round < FIT_ROUNDS; round++) {
        noise2 = fmax(residual(fit, watts) / fit->weight, floor * floor);
        ridge = noise2 / (prior * prior);
        solve(fit, common, ridge, watts);
    }
    variances(fit, ridge, spread);
    for (size_t i = 0; i < count; i++) {
        size_t at = find(fit, id[i]);
        if (at == fit->count || !(watts[at] > 0) || sqrt(noise2 * spread[at]) > KNOWN_RATIO * watts[at])
            return false;
    }
    for (size_t i = 0; i < count; i++)
        ret_watts[i] = watts[find(fit, id[i])];
    return true;
}
