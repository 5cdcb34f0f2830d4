/* SPDX-License-Identifier: MIT */
/*
 * Statistics of comparisons. Everything here is about logarithms of ratios or of energies: a ratio of 2 and
 * one of 1/2 are equally far from 1, and noise of machines is a part of the whole. Pure.
 */
#pragma once

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

#define ECO_STATS_MAX 1000 /* values of one sample: the pairs of them are half a million */

struct eco_interval {
    double estimate, low, high;
    double level; /* with what probability it covers the truth, 0.95; at least what was asked for */
};

/** Median; nan of none, and where one is not finite. `values` is sorted by it. */
double eco_stats_median(double *values, size_t count);

/**
 * Where the centre of a symmetric distribution lies: the median of all pairwise means (Hodges and Lehmann),
 * with the exact interval of the signed-rank test (Wilcoxon; Hollander, Wolfe, Chicken: Nonparametric
 * Statistical Methods, 3.2 and 3.3). One wild value moves neither far, whatever its size.
 *
 * @param level  in (0, 1)
 * @return 0; -EDOM: too few values for that level (eco_signed_rank_least); -E2BIG: more than ECO_STATS_MAX;
 * -EINVAL: a value that is not finite; -ENOMEM
 */
int eco_signed_rank(const double *values, size_t count, double level,
                    struct eco_interval *ret) ECO_MUST_CHECK;
/** The least number of values that gives an interval of that level: 2^(1-n) <= 1 - level. */
size_t eco_signed_rank_least(double level);

/**
 * mean(b) - mean(a) of two samples whose spread may differ (Welch, Biometrika 34, 1947), two-sided.
 *
 * @return 0; -EDOM: fewer than two values on a side, or no spread at all; -EINVAL: a value that is not finite
 */
int eco_welch(const double *a, size_t a_count, const double *b, size_t b_count, double level,
              struct eco_interval *ret) ECO_MUST_CHECK;
/** The mean of one sample with Student's interval; as eco_welch(). */
int eco_student(const double *values, size_t count, double level, struct eco_interval *ret) ECO_MUST_CHECK;

/**
 * Values that lie further from `centre` than 3.5 times 1.4826 MAD (Iglewicz and Hoaglin: the modified
 * z-score). They are named, never dropped.
 *
 * @param ret  count flags
 * @return how many, or -ENOMEM
 */
int eco_stats_outliers(const double *values, size_t count, double centre, bool *ret);
