/* SPDX-License-Identifier: MIT */
/*
 * Dynamic power of a domain by how many CPUs are busy: concave, never falling, 0 at 0, straight between
 * knots. Fitted by non-negative least squares: sums of min(x, knot) with factors >= 0 are all such curves
 * there are. Pure. Watts; x in weighted busy CPUs (weight.h: a full core of two siblings is 1 + sigma).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define ECO_CURVE_KNOTS 16

struct eco_curve {
    unsigned count; /* 0 = there is none */
    double x[ECO_CURVE_KNOTS], w[ECO_CURVE_KNOTS];
};

struct eco_curve_point {
    double x, w, u_w; /* dynamic power and its standard uncertainty, > 0 */
};

/** At 0 and below 0; beyond the last knot straight on. nan without a curve. */
double eco_curve_power(const struct eco_curve *curve, double x);

/** Are the knots rising in x, the watts never falling, the slopes never rising (to a relative 1e-6)? */
bool eco_curve_is_valid(const struct eco_curve *curve);

/**
 * Knots are the points' own x; nearer ones than a tenth of a CPU or 5 % are one.
 *
 * @return 0, -EINVAL for fewer than one point with x > 0 or a figure that is none
 */
int eco_curve_fit(const struct eco_curve_point *points, size_t count, struct eco_curve *ret);

/**
 * What a job of `job_x` busy CPUs did to a machine on which others kept `others_x` busy, of the dynamic
 * energy that was measured: scaled so that a job alone gets all of it.
 *
 * @param ret_marginal  what it added to what others drew
 * @param ret_alone     what it would have taken alone
 */
void eco_curve_job(const struct eco_curve *curve, double dynamic, double job_x, double others_x,
                   double *ret_marginal, double *ret_alone);
