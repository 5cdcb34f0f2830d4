/* SPDX-License-Identifier: MIT */
/* Power over time, thinned: whatever is joined and however late a counter moves, no joule is lost or moved
 * away. */
#include "support/test.h"

#include "history/report_series.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Exactly: the figures are whole numbers. */
static bool same(double a, double b)
{
    return !(a < b) && !(a > b);
}

static double sum_j(const struct eco_series *series, unsigned domain, bool is_machine)
{
    double sum = 0;
    for (size_t i = 0; i < series->count; i++) {
        const struct eco_series_cell *cell = eco_series_at(series, i, domain);
        sum += is_machine ? cell->machine_j : cell->job_j;
    }
    return sum;
}

static struct eco_series_frame one(double t_s, double job_j, double machine_j, double span_s)
{
    struct eco_series_frame frame = {.t_s = t_s, .domain_count = 1};
    frame.domains[0] = (struct eco_series_sample){.name = "package-0",
                                                  .counted = true,
                                                  .job_j = job_j,
                                                  .machine_j = machine_j,
                                                  .span_s = span_s,
                                                  .busy_ratio = ECO_NAN,
                                                  .memory_bytes = ECO_NAN};
    return frame;
}

static void test_a_short_run_is_drawn_as_it_was(void **state)
{
    static struct eco_series series;
    (void)state;
    assert_int_equal(eco_series_init(&series), 0);
    for (int i = 1; i <= 5; i++) {
        struct eco_series_frame frame = one(i, i, 2 * i, 1);
        eco_series_add(&series, &frame);
    }
    assert_int_equal(series.count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_true(same(series.end_s[i], (double)(i + 1)));
        assert_true(same(eco_series_at(&series, i, 0)->job_j, (double)(i + 1)));
        assert_true(same(eco_series_at(&series, i, 0)->machine_j, 2.0 * (double)(i + 1)));
    }
    eco_series_finish(&series);
}

static void test_what_is_over_in_a_moment_makes_no_peak(void **state)
{
    static const double times[] = {0.01, 1, 2, 3, 3.001, 4, 4.002};
    static const double ends[] = {1, 2, 3.001, 4.002};
    static struct eco_series series;
    (void)state;
    assert_int_equal(eco_series_init(&series), 0);
    for (size_t i = 0; i < ECO_COUNT(times); i++) {
        struct eco_series_frame frame = one(times[i], 1, 1, i ? times[i] - times[i - 1] : times[i]);
        eco_series_add(&series, &frame);
    }
    assert_int_equal(series.count, ECO_COUNT(ends));
    assert_int_equal(series.frame_count, ECO_COUNT(times));
    for (size_t i = 0; i < ECO_COUNT(ends); i++)
        assert_true(same(series.end_s[i], ends[i]));
    eco_assert_near(sum_j(&series, 0, false), 7, 1e-12);
    eco_series_finish(&series);
}

static void test_thinning_keeps_the_area_and_the_bound(void **state)
{
    static struct eco_series series;
    double job_j = 0, machine_j = 0;
    (void)state;
    assert_int_equal(eco_series_init(&series), 0);
    for (int i = 1; i <= 100001; i++) {
        /* whole numbers add up without rounding */
        struct eco_series_frame frame = one(i, i % 7, i % 7 + 3, 1);
        job_j += i % 7;
        machine_j += i % 7 + 3;
        eco_series_add(&series, &frame);
    }
    assert_in_range(series.count, ECO_SERIES_POINTS / 2, ECO_SERIES_POINTS);
    assert_int_equal(series.frame_count, 100001);
    assert_true(same(sum_j(&series, 0, false), job_j));
    assert_true(same(sum_j(&series, 0, true), machine_j));
    assert_true(same(series.end_s[series.count - 1], 100001));
    for (size_t i = 1; i < series.count; i++)
        assert_true(series.end_s[i] > series.end_s[i - 1]);
    eco_series_finish(&series);
}

static void test_energy_that_came_late_belongs_to_all_its_time(void **state)
{
    static struct eco_series series;
    struct eco_series_frame frame;
    (void)state;
    assert_int_equal(eco_series_init(&series), 0);
    frame = one(1, 4, 4, 1);
    eco_series_add(&series, &frame);
    for (int i = 2; i <= 4; i++) {
        frame = one(i, ECO_NAN, ECO_NAN, 0); /* the counter has not moved */
        eco_series_add(&series, &frame);
    }
    frame = one(5, 8, 16, 4);
    eco_series_add(&series, &frame);
    assert_true(same(eco_series_at(&series, 0, 0)->job_j, 4));
    for (size_t i = 1; i < 5; i++) {
        assert_true(fabs(eco_series_at(&series, i, 0)->job_j - 2) < 1e-12);
        assert_true(fabs(eco_series_at(&series, i, 0)->machine_j - 4) < 1e-12);
        assert_true(fabs(eco_series_at(&series, i, 0)->known_s - 1) < 1e-12);
    }
    eco_series_finish(&series);
}

static void test_time_without_a_figure_is_told(void **state)
{
    static struct eco_series series;
    struct eco_series_frame frame;
    (void)state;
    assert_int_equal(eco_series_init(&series), 0);
    frame = one(1, 1, 1, 1);
    eco_series_add(&series, &frame);
    frame = one(3, ECO_NAN, ECO_NAN, 0);
    eco_series_add(&series, &frame);
    frame = one(4, 1, 1, 1);
    eco_series_add(&series, &frame);
    assert_true(same(eco_series_at(&series, 1, 0)->known_s, 0));
    assert_true(same(eco_series_at(&series, 2, 0)->known_s, 1));
    eco_series_finish(&series);
}

static void test_times_that_make_no_sense_do_no_harm(void **state)
{
    static const double times[] = {5, 1, -3, (double)INFINITY, 5, 0, 6};
    static struct eco_series series;
    (void)state;
    assert_int_equal(eco_series_init(&series), 0);
    for (size_t i = 0; i < ECO_COUNT(times); i++) {
        struct eco_series_frame frame = one(times[i], 1, 1, 1e300);
        eco_series_add(&series, &frame);
    }
    for (size_t i = 1; i < series.count; i++)
        assert_true(series.end_s[i] >= series.end_s[i - 1]);
    assert_true(fabs(sum_j(&series, 0, false) - 5) < 1e-12); /* of the seven two have no time at all */
    eco_series_finish(&series);
}

static void test_a_card_tells_its_use(void **state)
{
    static struct eco_series series;
    (void)state;
    assert_int_equal(eco_series_init(&series), 0);
    for (int i = 1; i <= 2 * ECO_SERIES_POINTS; i++) {
        struct eco_series_frame frame = one(i, 1, 2, 1);
        /* a driver that answers late */
        frame.domains[0].is_gpu = i > 1;
        frame.domains[0].busy_ratio = i % 2 ? 1 : 0.5;
        frame.domains[0].memory_bytes = i;
        eco_series_add(&series, &frame);
    }
    assert_true(series.domains[0].is_gpu);
    assert_int_equal(series.count, ECO_SERIES_POINTS);
    for (size_t i = 0; i < series.count; i++) {
        assert_true(same(eco_series_at(&series, i, 0)->busy_s, 1.5));
        assert_true(same(eco_series_at(&series, i, 0)->memory_bytes, 2.0 * (double)(i + 1)));
    }
    eco_series_finish(&series);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_short_run_is_drawn_as_it_was),
        cmocka_unit_test(test_what_is_over_in_a_moment_makes_no_peak),
        cmocka_unit_test(test_thinning_keeps_the_area_and_the_bound),
        cmocka_unit_test(test_energy_that_came_late_belongs_to_all_its_time),
        cmocka_unit_test(test_time_without_a_figure_is_told),
        cmocka_unit_test(test_a_card_tells_its_use),
        cmocka_unit_test(test_times_that_make_no_sense_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
