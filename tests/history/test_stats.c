/* SPDX-License-Identifier: MIT */
/* Estimates and intervals against enumeration and integration by other means. */
#include "support/test.h"

#include "base/mem.h"
#include "history/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Chance that a centre of 0 lies outside [low, high], over all 2^n signs of the values: none is more likely.
 */
static double miss_by_enumeration(const double *values, size_t count, double level)
{
    unsigned misses = 0, all = 1u << count;
    for (unsigned signs = 0; signs < all; signs++) {
        double signed_values[16];
        struct eco_interval interval;
        for (size_t i = 0; i < count; i++)
            signed_values[i] = signs >> i & 1 ? values[i] : -values[i];
        assert_int_equal(eco_signed_rank(signed_values, count, level, &interval), 0);
        misses += interval.low > 0 || interval.high < 0;
    }
    return (double)misses / all;
}

static void test_interval_misses_exactly_as_often_as_it_says(void **state)
{
    (void)state;
    /* no two pairwise means alike, so that no tie blurs the ranks */
    static const double values[] = {0.13, 1.07, 2.31, 0.59, 4.83, 3.71, 8.91, 5.03, 6.47, 7.39, 9.97};
    for (size_t count = 6; count <= ECO_COUNT(values); count++) {
        struct eco_interval interval;
        assert_int_equal(eco_signed_rank(values, count, 0.95, &interval), 0);
        double miss = miss_by_enumeration(values, count, 0.95);
        eco_assert_near(miss, 1 - interval.level, 1e-12);
        assert_true(miss <= 0.05);
        assert_true(miss > 0.02); /* the next wider one would waste what is allowed */
    }
}

static void test_levels_are_those_of_printed_tables(void **state)
{
    (void)state;
    /* two-sided chance of the tables (Hollander, Wolfe, Chicken, A.4): n = 10: P(W >= 47) = .024, n = 8:
     * .0039 */
    static const double ten[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    struct eco_interval interval;
    assert_int_equal(eco_signed_rank(ten, 10, 0.95, &interval), 0);
    eco_assert_near(interval.level, 1 - 50.0 / 1024, 1e-12);
    assert_int_equal(eco_signed_rank(ten, 8, 0.99, &interval), 0);
    eco_assert_near(interval.level, 1 - 2.0 / 256, 1e-12);
    eco_assert_near(interval.low, 1, 0);
    eco_assert_near(interval.high, 8, 0);
}

static void test_estimate_is_the_median_of_pairwise_means(void **state)
{
    (void)state;
    static const double values[] = {3.1, -0.4, 7.7, 2.2, 0.9, 5.5, 100};
    double means[28];
    size_t at = 0;
    struct eco_interval interval;
    for (size_t i = 0; i < 7; i++)
        for (size_t j = i; j < 7; j++)
            means[at++] = (values[i] + values[j]) / 2;
    qsort(means, at, sizeof *means, by_value);
    assert_int_equal(eco_signed_rank(values, 7, 0.9, &interval), 0);
    eco_assert_near(interval.estimate, (means[13] + means[14]) / 2, 1e-12);
    /* a value that is wild by any measure: neither the estimate nor the lower end knows how wild */
    double wilder[7];
    struct eco_interval other;
    memcpy(wilder, values, sizeof wilder);
    wilder[6] = 1e6;
    assert_int_equal(eco_signed_rank(wilder, 7, 0.9, &other), 0);
    eco_assert_near(other.estimate, interval.estimate, 1e-12);
    eco_assert_near(other.low, interval.low, 1e-12);
}

static void test_too_few_too_many_and_not_finite(void **state)
{
    (void)state;
    double values[ECO_STATS_MAX + 1] = {0};
    struct eco_interval interval = {.estimate = 42};
    assert_int_equal(eco_signed_rank_least(0.95), 6);
    assert_int_equal(eco_signed_rank_least(0.99), 8);
    assert_int_equal(eco_signed_rank(values, 5, 0.95, &interval), -EDOM);
    assert_int_equal(eco_signed_rank(values, 7, 0.99, &interval), -EDOM);
    assert_int_equal(eco_signed_rank(values, ECO_STATS_MAX + 1, 0.95, &interval), -E2BIG);
    values[3] = ECO_NAN;
    assert_int_equal(eco_signed_rank(values, 8, 0.95, &interval), -EINVAL);
    assert_int_equal(eco_student(values, 8, 0.95, &interval), -EINVAL);
    assert_int_equal(eco_welch(values, 8, values, 2, 0.95, &interval), -EINVAL);
    values[3] = 0;
    assert_int_equal(eco_student(values, 8, 0.95, &interval), -EDOM); /* no spread: no clock is that good */
    assert_int_equal(eco_student(values, 1, 0.95, &interval), -EDOM);
    assert_int_equal(eco_welch(values, 8, values, 1, 0.95, &interval), -EDOM);
    eco_assert_near(interval.estimate, 42, 0); /* untouched by all that */
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    static const double values[] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct eco_interval interval;
    bool flags[8];
    for (unsigned long n = 1; n <= 2; n++) {
        eco_mem_fail_at(n);
        assert_int_equal(eco_signed_rank(values, 8, 0.95, &interval), -ENOMEM);
    }
    eco_mem_fail_at(1);
    assert_int_equal(eco_stats_outliers(values, 8, 4, flags), -ENOMEM);
    eco_mem_fail_at(0);
}

/* Chance of Student's t between -t and t, by Simpson's rule over the density. */
static double t_between(double t, double freedom)
{
    double c = exp(lgamma((freedom + 1) / 2) - lgamma(freedom / 2)) / sqrt(freedom * acos(-1.0));
    double sum = 0, step = 2 * t / 20000;
    for (int i = 0; i <= 20000; i++) {
        double x = -t + i * step;
        double weight = i == 0 || i == 20000 ? 1 : i % 2 ? 4 : 2;
        sum += weight * c * pow(1 + x * x / freedom, -(freedom + 1) / 2);
    }
    return sum * step / 3;
}

static void moments(const double *values, size_t count, double *ret_mean, double *ret_variance)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - sum / (double)count) * (values[i] - sum / (double)count);
    *ret_mean = sum / (double)count;
    *ret_variance = squares / (double)(count - 1);
}

static void test_welch_and_student_by_integration(void **state)
{
    (void)state;
    static const double a[] = {3.10, 3.15, 3.02, 3.21, 3.08, 3.11, 3.30};
    static const double b[] = {3.40, 3.10, 3.90, 3.55};
    struct eco_interval interval;
    double mean_a, mean_b, var_a, var_b;
    moments(a, 7, &mean_a, &var_a);
    moments(b, 4, &mean_b, &var_b);
    assert_int_equal(eco_welch(a, 7, b, 4, 0.95, &interval), 0);
    eco_assert_near(interval.estimate, mean_b - mean_a, 1e-12);
    double pa = var_a / 7, pb = var_b / 4;
    double freedom = (pa + pb) * (pa + pb) / (pa * pa / 6 + pb * pb / 3);
    double t = (interval.high - interval.estimate) / sqrt(pa + pb);
    eco_assert_near(t_between(t, freedom), 0.95, 1e-6);
    eco_assert_near(interval.high - interval.estimate, interval.estimate - interval.low, 1e-12);

    assert_int_equal(eco_student(a, 7, 0.95, &interval), 0);
    eco_assert_near(interval.estimate, mean_a, 1e-12);
    eco_assert_near(t_between((interval.high - mean_a) / sqrt(var_a / 7), 6), 0.95, 1e-6);
}

static void test_outliers_are_named(void **state)
{
    (void)state;
    static const double values[] = {0.01, -0.02, 0.00, 0.03, -0.01, 0.90, 0.02};
    bool flags[7];
    assert_int_equal(eco_stats_outliers(values, 7, 0.01, flags), 1);
    assert_true(flags[5]);
    static const double calm[] = {0.01, -0.02, 0.00, 0.03, -0.01, 0.06, 0.02};
    assert_int_equal(eco_stats_outliers(calm, 7, 0.01, flags), 0);
    static const double same[] = {1, 1, 1, 1, 2}; /* no spread to measure by: nothing is far */
    assert_int_equal(eco_stats_outliers(same, 5, 1, flags), 0);
}

static void test_median(void **state)
{
    (void)state;
    double values[] = {5, 1, 4, 2};
    eco_assert_near(eco_stats_median(values, 4), 3, 1e-15);
    assert_true(isnan(eco_stats_median(values, 0)));
    values[2] = ECO_NAN;
    assert_true(isnan(eco_stats_median(values, 4)));
    assert_false(isnan(eco_stats_median(values, 2)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_interval_misses_exactly_as_often_as_it_says),
                                       cmocka_unit_test(test_levels_are_those_of_printed_tables),
                                       cmocka_unit_test(test_estimate_is_the_median_of_pairwise_means),
                                       cmocka_unit_test(test_too_few_too_many_and_not_finite),
                                       cmocka_unit_test(test_every_allocation_may_fail),
                                       cmocka_unit_test(test_welch_and_student_by_integration),
                                       cmocka_unit_test(test_outliers_are_named),
                                       cmocka_unit_test(test_median)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
