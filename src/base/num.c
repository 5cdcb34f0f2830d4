/* SPDX-License-Identifier: MIT */
#include "base/num.h"

#include <math.h>
#include <stdbool.h>

#define POW10_MAX    30
#define VALUE_DIGITS 4
#define WIDTH_DIGITS 2
/* Halvings of [0, 1): finer than two doubles there can differ, but for those next to 0. */
#define THRESHOLD_HALVINGS 64
#define CELL_LIMIT         4611686018427387904.0 /* 2^62 */

double eco_pow10(int exponent)
{
    static const double powers[] = {
        1e-30, 1e-29, 1e-28, 1e-27, 1e-26, 1e-25, 1e-24, 1e-23, 1e-22, 1e-21, 1e-20, 1e-19, 1e-18,
        1e-17, 1e-16, 1e-15, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9,  1e-8,  1e-7,  1e-6,  1e-5,
        1e-4,  1e-3,  1e-2,  1e-1,  1e0,   1e1,   1e2,   1e3,   1e4,   1e5,   1e6,   1e7,   1e8,
        1e9,   1e10,  1e11,  1e12,  1e13,  1e14,  1e15,  1e16,  1e17,  1e18,  1e19,  1e20,  1e21,
        1e22,  1e23,  1e24,  1e25,  1e26,  1e27,  1e28,  1e29,  1e30};
    if (exponent < -POW10_MAX)
        exponent = -POW10_MAX;
    if (exponent > POW10_MAX)
        exponent = POW10_MAX;
    return powers[exponent + POW10_MAX];
}

/* A value in units of `step`; what is no finite number counts as nothing. */
static double in_steps(double value, double step, size_t n)
{
    double limit = CELL_LIMIT / (double)n, scaled = value / step;
    if (!isfinite(scaled))
        return 0.0;
    if (scaled > limit)
        return limit;
    return scaled < -limit ? -limit : scaled;
}

static size_t count_above(const double *values, size_t n, double step, double threshold)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        double scaled = in_steps(values[i], step, n);
        if (scaled - floor(scaled) > threshold)
            count++;
    }
    return count;
}

int64_t eco_round_sum(const double *values, size_t n, double step, int64_t *ret)
{
    int64_t total = 0;
    double remainders = 0.0;
    for (size_t i = 0; i < n; i++) {
        double scaled = in_steps(values[i], step, n), below = floor(scaled);
        ret[i] = (int64_t)below;
        total += ret[i];
        remainders += scaled - below;
    }

    /* The total is rounded by the remainders alone: exact however large the cells are. */
    size_t extra = (size_t)floor(remainders + 0.5);
    if (extra > n)
        extra = n;

    /* Cells with a remainder above `high` get one more, and of those in (low, high] as many as are left. */
    double low = -1.0, high = 1.0;
    for (int i = 0; i < THRESHOLD_HALVINGS && extra > 0; i++) {
        double middle = low + (high - low) / 2.0;
        if (count_above(values, n, step, middle) <= extra)
            high = middle;
        else
            low = middle;
    }
    size_t at_edge = extra > 0 ? extra - count_above(values, n, step, high) : 0;
    for (size_t i = 0; i < n && extra > 0; i++) {
        double scaled = in_steps(values[i], step, n), remainder = scaled - floor(scaled);
        if (remainder > high) {
            ret[i]++;
        } else if (remainder > low && at_edge > 0) {
            ret[i]++;
            at_edge--;
        }
    }
    return total + (int64_t)extra;
}

/* Exponent of the first digit: 999 -> 2, 1000 -> 3; log10 alone may be one off beside a power of ten. */
static int first_digit(double value)
{
    int exponent = (int)floor(log10(value));
    if (exponent < -POW10_MAX)
        return -POW10_MAX;
    if (exponent > POW10_MAX)
        return POW10_MAX;
    if (exponent < POW10_MAX && value >= eco_pow10(exponent + 1))
        exponent++;
    else if (exponent > -POW10_MAX && value < eco_pow10(exponent))
        exponent--;
    return exponent;
}

int eco_digit_exponent(double value, double half_width)
{
    bool has_value = isfinite(value) && fabs(value) > 0.0;
    bool has_width = isfinite(half_width) && half_width > 0.0;
    int by_value = has_value ? first_digit(fabs(value)) - (VALUE_DIGITS - 1) : 0;
    int by_width = has_width ? first_digit(half_width) - (WIDTH_DIGITS - 1) : 0;
    int exponent = by_value;
    if (has_width && (!has_value || by_width > by_value))
        exponent = by_width;
    return exponent < -POW10_MAX ? -POW10_MAX : exponent;
}
