/* SPDX-License-Identifier: MIT */
/* Frames and marks as they come, up to the report. */
#include "support/test.h"

#include "course/course.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define S ECO_NS_PER_S

static struct eco_course_keeper keeper;
static struct eco_frame frame;
static const struct eco_domain domain = {.name = "package-0", .counted = true};

static int init(const struct eco_course_options *given)
{
    struct eco_course_options options = *given;
    struct eco_factors factors;
    struct eco_why why = {0};
    assert_int_equal(eco_factors_init(&factors, &(struct eco_impact_choices){.price = "0.36EUR"}, &why), 0);
    options.factors = &factors;
    keeper = (struct eco_course_keeper){0};
    frame = (struct eco_frame){
        .slots = 2, .domain_count = 1, .domain_info = &domain, .headline = ECO_SLOT_ACTIVE, .t1_ns = 100 * S};
    int r = eco_course_init(&keeper, &options, &why);
    eco_course_begin(&keeper, 100 * S);
    return r;
}

/* Another `seconds` with so many joules. */
static unsigned look(double seconds, double job_j)
{
    frame.t0_ns = frame.t1_ns;
    frame.t1_ns += (uint64_t)(seconds * 1e9);
    frame.domains[0] = (struct eco_frame_domain){
        .state = ECO_ENERGY_OK, .machine_uj = 2e6 * job_j, .span_ns = frame.t1_ns - frame.t0_ns};
    frame.domains[0].split[ECO_SLOT_ACTIVE].job_uj = 1e6 * job_j;
    frame.domains[0].split[ECO_SLOT_FULL].job_uj = 1.5e6 * job_j;
    frame.total = frame.domains[0];
    frame.job_cpu_ns = job_j > 0 ? frame.t1_ns - frame.t0_ns : 0;
    return eco_course_frame(&keeper, &frame);
}

static void mark(const char *name, uint64_t done, uint64_t total)
{
    struct eco_mark mark = {.done = done, .total = total};
    (void)snprintf(mark.name, sizeof mark.name, "%s", name);
    eco_course_mark(&keeper, &mark, frame.t1_ns);
}

static void each_budget_is_told_once(void **state)
{
    static const char *const budgets[] = {"15J", "1kJ", "0.0000025EUR"};
    (void)state;
    assert_int_equal(init(&(struct eco_course_options){.budgets = budgets, .budget_count = 3}), 0);
    assert_int_equal(look(1, 10), 0);
    assert_int_equal(look(1, 10), 1);
    assert_int_equal(look(1, 10), 4);
    assert_int_equal(look(1, 10), 0);
    eco_assert_near(keeper.course.budgets[0].at_s, 2, 1e-9);
}

static void a_budget_that_cannot_be_judged_is_refused(void **state)
{
    static const char *const budgets[] = {"15J", "1USD"};
    (void)state;
    assert_int_equal(init(&(struct eco_course_options){.budgets = budgets, .budget_count = 2}), -EINVAL);
}

static void progress_tells_the_whole(void **state)
{
    (void)state;
    assert_int_equal(init(&(struct eco_course_options){0}), 0);
    (void)look(1, 50); /* before the first part: no part */
    mark("epoch", 0, 10);
    (void)look(1, 10);
    mark("batch", 1, 2); /* inside: not what counts */
    assert_string_equal(keeper.course.progress.name, "epoch");
    eco_assert_near(keeper.course.progress.total, 10, 0);
    (void)look(1, 10);
    mark("epoch", 1, 10);
    (void)look(2, 20);
    mark("epoch", 2, 10);
    (void)look(1, 3);
    const struct eco_prediction *whole = &keeper.course.prediction;
    assert_true(whole->is_known);
    assert_string_equal(whole->basis, "progress");
    assert_string_equal(keeper.course.progress.name, "epoch");
    eco_assert_near(whole->energy_j, 50 + 200, 1e-6);
    eco_assert_near(whole->duration_s, 21, 1e-6);
    eco_assert_near(whole->fraction, 0.2, 1e-12);
}

static void named_units_are_counted(void **state)
{
    (void)state;
    assert_int_equal(init(&(struct eco_course_options){.per = "epoch", .per_count = 5}), 0);
    for (int i = 0; i < 3; i++) {
        mark("epoch", 0, 0);
        (void)look(1, 10);
        mark("test", 0, 0);
        (void)look(1, 1);
    }
    const struct eco_prediction *whole = &keeper.course.prediction;
    assert_string_equal(whole->basis, "per");
    eco_assert_near(whole->energy_j, 55, 1e-6);
    eco_assert_near(keeper.course.progress.done, 2, 0);
}

static void expected_time_tells_the_whole(void **state)
{
    (void)state;
    assert_int_equal(init(&(struct eco_course_options){.expect_ns = 100 * S}), 0);
    for (int i = 0; i < 10; i++)
        (void)look(1, 10);
    const struct eco_prediction *whole = &keeper.course.prediction;
    assert_string_equal(whole->basis, "expect");
    eco_assert_near(whole->energy_j, 1000, 1e-6);
    eco_assert_near(whole->duration_s, 100, 1e-6);
    assert_false(keeper.course.progress.is_known);
}

/* A clock that is not ours, as in a time namespace: the mark counts from when it came. */
static void another_clock_is_not_believed(void **state)
{
    struct eco_mark ahead = {.time_ns = 500 * S, .name = "a"}, behind = {.time_ns = 3 * S, .name = "b"},
                    own = {.time_ns = 102 * S - S / 2, .name = "c"};
    (void)state;
    assert_int_equal(init(&(struct eco_course_options){0}), 0);
    eco_course_mark(&keeper, &ahead, 100 * S + S / 2);
    eco_course_mark(&keeper, &behind, 101 * S);
    eco_course_mark(&keeper, &own, 102 * S);
    (void)look(3, 30);
    eco_assert_near(keeper.course.phases[1].start_offset_s, 0.5, 1e-9);
    eco_assert_near(keeper.course.phases[2].start_offset_s, 1, 1e-9);
    eco_assert_near(keeper.course.phases[3].start_offset_s, 1.5, 1e-9);
}

/* The wait at the end: since the last interval that had work, of a CPU or a card. */
static void waiting_is_timed_from_the_last_work(void **state)
{
    (void)state;
    assert_int_equal(init(&(struct eco_course_options){0}), 0);
    (void)look(2, 0);
    eco_assert_near(keeper.idle_tail_s, 2, 1e-9);
    (void)look(1, 10);
    eco_assert_near(keeper.idle_tail_s, 0, 1e-9);
    (void)look(3, 0);
    (void)look(2, 0);
    eco_assert_near(keeper.idle_tail_s, 5, 1e-9);
    frame.job_cpu_ns = ECO_NS_PER_S / 10; /* a tenth of a CPU for a second */
    frame.t0_ns = frame.t1_ns;
    frame.t1_ns += S;
    (void)eco_course_frame(&keeper, &frame);
    eco_assert_near(keeper.idle_tail_s, 0, 1e-9);
}

static struct eco_report report_of(double job_j)
{
    struct eco_report report = {.has_energy = true, .headline = ECO_SLOT_ACTIVE, .duration_s = 3};
    report.machine_j = 2 * job_j;
    report.sums[ECO_SLOT_ACTIVE].job_j = job_j;
    report.sums[ECO_SLOT_FULL].job_j = 1.5 * job_j;
    for (int s = 0; s < 2; s++) {
        report.uncertainty[s].job_low_j = 0.9 * report.sums[s].job_j;
        report.uncertainty[s].job_high_j = 1.1 * report.sums[s].job_j;
    }
    return report;
}

static void the_report_is_the_last_judge(void **state)
{
    static const char *const budgets[] = {"25J", "100J"};
    struct eco_report report = report_of(30);
    (void)state;
    assert_int_equal(init(&(struct eco_course_options){.budgets = budgets, .budget_count = 2}), 0);
    assert_int_equal(look(1, 20), 0);
    assert_int_equal(eco_course_end(&keeper, &report), 1);
    assert_ptr_equal(report.course, &keeper.course);
    eco_assert_near(keeper.course.budgets[0].used, 30, 1e-9);
    eco_assert_near(keeper.course.budgets[0].used_high, 33, 1e-9);
    assert_false(keeper.course.budgets[1].is_exceeded);
}

/* Idle power that is learnt after the end makes a smaller figure of another policy: what was said stays. */
static void what_was_exceeded_keeps_its_policy(void **state)
{
    static const char *const budgets[] = {"25J"};
    struct eco_report report = report_of(20);
    (void)state;
    assert_int_equal(init(&(struct eco_course_options){.budgets = budgets, .budget_count = 1}), 0);
    frame.headline = ECO_SLOT_FULL;
    assert_int_equal(look(1, 20), 1);
    assert_int_equal(eco_course_end(&keeper, &report), 0);
    assert_int_equal(keeper.course.budgets[0].slot, ECO_SLOT_FULL);
    eco_assert_near(keeper.course.budgets[0].used, 30, 1e-9);
}

static void a_prediction_has_the_sensors_doubt_too(void **state)
{
    struct eco_report report = report_of(100);
    (void)state;
    assert_int_equal(init(&(struct eco_course_options){.expect_ns = 100 * S}), 0);
    for (int i = 0; i < 10; i++)
        (void)look(1, 10);
    (void)eco_course_end(&keeper, &report);
    const struct eco_prediction *whole = &keeper.course.prediction;
    eco_assert_near(whole->energy_low_j, 900, 1e-3);
    eco_assert_near(whole->energy_high_j, 1100, 1e-3);
    eco_assert_near(whole->cost, 0.36 * 1000 / 3.6e6, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_budget_is_told_once),
        cmocka_unit_test(a_budget_that_cannot_be_judged_is_refused),
        cmocka_unit_test(progress_tells_the_whole),
        cmocka_unit_test(named_units_are_counted),
        cmocka_unit_test(expected_time_tells_the_whole),
        cmocka_unit_test(another_clock_is_not_believed),
        cmocka_unit_test(waiting_is_timed_from_the_last_work),
        cmocka_unit_test(the_report_is_the_last_judge),
        cmocka_unit_test(what_was_exceeded_keeps_its_policy),
        cmocka_unit_test(a_prediction_has_the_sensors_doubt_too),
    };
    return cmocka_run_group_tests_name("course", tests, NULL, NULL);
}
