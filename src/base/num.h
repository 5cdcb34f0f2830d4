/* SPDX-License-Identifier: MIT */
/* Numbers for people: rounding that keeps sums, digits that the uncertainty allows. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/**
 * Round `values` to multiples of `step` so that the rounded cells add up to the rounded total
 * (largest remainder; ties to the earlier cell).
 *
 * @param values  n finite numbers of any sign
 * @param step    > 0
 * @param ret     n cells, in units of `step`
 * @return the total in units of `step` = sum of ret = nearest integer to sum(values)/step
 */
int64_t eco_round_sum(const double *values, size_t n, double step, int64_t *ret);

/**
 * The decimal exponent of the last digit worth printing for `value` that is known to
 * +- `half_width` (same unit): two digits of the half width, at most 4 significant digits of the value.
 */
int eco_digit_exponent(double value, double half_width);

/** A power of ten with an integer exponent in [-30, 30]. */
double eco_pow10(int exponent);
