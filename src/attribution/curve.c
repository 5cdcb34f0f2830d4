/* SPDX-License-Identifier: MIT */
#include "attribution/curve.h"

#include "base/macros.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define MERGE_CPUS  0.1
#define MERGE_RATIO 0.05
#define STEPS_MAX   200u /* of the active set; far more than 16 knots can need */
#define SLOPE_SLACK 1e-6

double eco_curve_power(const struct eco_curve *curve, double x)
{
    double x0 = 0, w0 = 0;

    if (curve->count == 0 || isnan(x))
        return (double)NAN;
    if (x <= 0)
        return 0;
    for (unsigned i = 0; i < curve->count; i++) {
        if (x <= curve->x[i] || i + 1 == curve->count)
            return w0 + (curve->w[i] - w0) * (x - x0) / (curve->x[i] - x0);
        x0 = curve->x[i];
        w0 = curve->w[i];
    }
    return w0;
}

bool eco_curve_is_valid(const struct eco_curve *curve)
{
    double x0 = 0, w0 = 0, slope0 = (double)INFINITY;

    if (curve->count == 0 || curve->count > ECO_CURVE_KNOTS)
        return false;
    for (unsigned i = 0; i < curve->count; i++) {
        double slope = (curve->w[i] - w0) / (curve->x[i] - x0);

        if (!(curve->x[i] > x0) || !isfinite(curve->x[i]) || !isfinite(slope) || !(slope >= 0))
            return false;
        if (i > 0 && slope > slope0 + SLOPE_SLACK * (1 + slope0))
            return false;
        x0 = curve->x[i];
        w0 = curve->w[i];
        slope0 = slope;
    }
    return w0 > 0;
}

/* Sorted and thinned out from the points' x; the largest stays. */
static unsigned choose_knots(const struct eco_curve_point *points, size_t count, double *ret)
{
    double last = 0;
    unsigned n = 0;

    for (;;) {
        double next = (double)INFINITY;

        for (size_t i = 0; i < count; i++)
            if (points[i].x > last + fmax(MERGE_CPUS, MERGE_RATIO * last) && points[i].x < next)
                next = points[i].x;
        if (!isfinite(next) || n == ECO_CURVE_KNOTS)
            break;
        ret[n++] = last = next;
    }
    for (size_t i = 0; i < count && n > 0; i++)
        ret[n - 1] = fmax(ret[n - 1], points[i].x);
    return n;
}

/* Normal equations of the basis min(x, knot). */
struct normal {
    unsigned n;
    double a[ECO_CURVE_KNOTS][ECO_CURVE_KNOTS], b[ECO_CURVE_KNOTS];
};

static void make_normal(const struct eco_curve_point *points, size_t count, const double *knots,
                        struct normal *ret)
{
    for (size_t p = 0; p < count; p++) {
        double weight = 1 / (points[p].u_w * points[p].u_w);

        for (unsigned i = 0; i < ret->n && points[p].x > 0; i++) {
            double own = fmin(points[p].x, knots[i]);

            ret->b[i] += weight * own * points[p].w;
            for (unsigned k = 0; k < ret->n; k++)
                ret->a[i][k] += weight * own * fmin(points[p].x, knots[k]);
        }
    }
}

/* Gauss with the chosen unknowns only; those left out are 0. False where they cannot be told apart. */
static bool solve(const struct normal *normal, const bool *chosen, double *ret)
{
    double a[ECO_CURVE_KNOTS][ECO_CURVE_KNOTS + 1];
    unsigned index[ECO_CURVE_KNOTS] = {0}, n = 0;

    for (unsigned i = 0; i < normal->n; i++) {
        ret[i] = 0;
        if (chosen[i])
            index[n++] = i;
    }
    for (unsigned i = 0; i < n; i++) {
        for (unsigned k = 0; k < n; k++)
            a[i][k] = normal->a[index[i]][index[k]];
        a[i][n] = normal->b[index[i]];
    }
    for (unsigned i = 0; i < n; i++) { /* positive definite: no pivoting */
        if (!(a[i][i] > 1e-12 * normal->a[index[i]][index[i]]))
            return false;
        for (unsigned k = i + 1; k < n; k++) {
            double factor = a[k][i] / a[i][i];

            for (unsigned c = i; c <= n; c++)
                a[k][c] -= factor * a[i][c];
        }
    }
    for (unsigned i = n; i-- > 0;) {
        double sum = a[i][n];

        for (unsigned k = i + 1; k < n; k++)
            sum -= a[i][k] * ret[index[k]];
        ret[index[i]] = sum / a[i][i];
    }
    return true;
}

static double gradient(const struct normal *normal, const double *c, unsigned i)
{
    double sum = normal->b[i];

    for (unsigned k = 0; k < normal->n; k++)
        sum -= normal->a[i][k] * c[k];
    return sum;
}

/* From a feasible c towards z, as far as nothing turns negative; what reaches 0 is left out. */
static void step_back(unsigned n, bool *chosen, double *c, const double *z)
{
    double part = 1;

    for (unsigned i = 0; i < n; i++)
        if (chosen[i] && z[i] <= 0)
            part = fmin(part, c[i] / (c[i] - z[i]));
    for (unsigned i = 0; i < n; i++) {
        c[i] += part * (z[i] - c[i]);
        if (chosen[i] && z[i] <= 0 && c[i] <= 1e-14) {
            chosen[i] = false;
            c[i] = 0;
        }
    }
}

static bool is_feasible(unsigned n, const bool *chosen, const double *z)
{
    for (unsigned i = 0; i < n; i++)
        if (chosen[i] && z[i] <= 0)
            return false;
    return true;
}

/* Lawson and Hanson, Solving Least Squares Problems (1974), 23.10. */
static void solve_non_negative(const struct normal *normal, double *c)
{
    bool chosen[ECO_CURVE_KNOTS] = {false}, refused[ECO_CURVE_KNOTS] = {false};
    double z[ECO_CURVE_KNOTS];

    for (unsigned i = 0; i < normal->n; i++)
        c[i] = 0;
    for (unsigned step = 0; step < STEPS_MAX; step++) {
        double most = 0;
        unsigned best = normal->n;

        for (unsigned i = 0; i < normal->n; i++) {
            double g = gradient(normal, c, i) / sqrt(normal->a[i][i]);

            if (!chosen[i] && !refused[i] && g > most + 1e-10) {
                most = g;
                best = i;
            }
        }
        if (best == normal->n)
            return;
        chosen[best] = true;
        if (!solve(normal, chosen, z) || z[best] <= 0) {
            chosen[best] = false;
            refused[best] = true;
            continue;
        }
        for (unsigned inner = 0; inner < STEPS_MAX && !is_feasible(normal->n, chosen, z); inner++) {
            step_back(normal->n, chosen, c, z);
            if (!solve(normal, chosen, z))
                return;
        }
        memcpy(c, z, normal->n * sizeof(*c));
        memset(refused, 0, sizeof(refused));
    }
}

int eco_curve_fit(const struct eco_curve_point *points, size_t count, struct eco_curve *ret)
{
    struct normal normal = {.n = 0};
    struct eco_curve curve = {.count = 0};
    double c[ECO_CURVE_KNOTS];

    for (size_t i = 0; i < count; i++)
        if (!isfinite(points[i].x) || !isfinite(points[i].w) || !isfinite(points[i].u_w) ||
            !(points[i].u_w > 0))
            return -EINVAL;
    curve.count = normal.n = choose_knots(points, count, curve.x);
    if (curve.count == 0)
        return -EINVAL;
    make_normal(points, count, curve.x, &normal);
    solve_non_negative(&normal, c);
    for (unsigned i = 0; i < curve.count; i++)
        for (unsigned k = 0; k < curve.count; k++)
            curve.w[i] += c[k] * fmin(curve.x[i], curve.x[k]);
    *ret = curve;
    return 0;
}

void eco_curve_job(const struct eco_curve *curve, double dynamic, double job_x, double others_x,
                   double *ret_marginal, double *ret_alone)
{
    job_x = fmax(job_x, 0);
    others_x = fmax(others_x, 0);
    double all = eco_curve_power(curve, job_x + others_x);

    if (!(all > 0)) {
        *ret_marginal = *ret_alone = job_x > 0 || isnan(all) ? (double)NAN : 0;
        return;
    }
    *ret_marginal = dynamic * (all - eco_curve_power(curve, others_x)) / all;
    *ret_alone = dynamic * eco_curve_power(curve, job_x) / all;
}
