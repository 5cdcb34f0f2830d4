/* SPDX-License-Identifier: MIT */
#include "attribution/check.h"
#include "attribution/idle.h"
#include "attribution/sim.h"

#define DAY_S 86400

static struct eco_idle_estimate estimate_of(const struct eco_idle *idle)
{
    struct eco_idle_estimate estimate;

    eco_idle_estimate(idle, &estimate);
    return estimate;
}

static struct eco_idle fed(double seconds, double step_s, double power_w, double busy)
{
    struct eco_idle idle;

    eco_idle_init(&idle, 0.001);
    for (int i = 0; i < (int)(seconds / step_s + 0.5); i++)
        eco_idle_feed(&idle, step_s, power_w * step_s, busy * step_s, 1000 + (int64_t)(i * step_s));
    return idle;
}

static void nothing_seen(void **state)
{
    struct eco_idle idle;
    struct eco_idle_estimate estimate;

    (void)state;
    eco_idle_init(&idle, (double)NAN);
    estimate = estimate_of(&idle);
    assert_int_equal(estimate.trust, ECO_IDLE_UNKNOWN);
    assert_true(isnan(estimate.power_w) && isnan(estimate.u_w));
    assert_int_equal(estimate.chunks, 0);
    eco_idle_expire(&idle, 5);
}

static void too_little_is_half_the_least(void **state)
{
    struct eco_idle idle = fed(2, 1, 20, 0);
    struct eco_idle_estimate estimate = estimate_of(&idle);

    (void)state;
    assert_int_equal(estimate.trust, ECO_IDLE_UNKNOWN);
    assert_near(estimate.power_w, 10, 1e-9);
    assert_near(estimate.u_w, 20 / sqrt(12), 1e-9);
    idle = fed(60, 1, 50, 8);
    assert_int_equal(estimate_of(&idle).trust, ECO_IDLE_UNKNOWN);
    assert_near(estimate_of(&idle).power_w, 25, 1e-9);
}

/* The smallest that is trusted: three chunks and 0.8 s. */
static void four_chunks_are_trusted(void **state)
{
    struct eco_idle idle = fed(4, 1, 20, 0);

    (void)state;
    assert_int_equal(idle.count, 4);
    assert_int_equal(estimate_of(&idle).trust, ECO_IDLE_TRUSTED);
    idle = fed(0.8, 0.1, 20, 0);
    assert_int_equal(idle.count, 4);
    assert_int_equal(estimate_of(&idle).trust, ECO_IDLE_TRUSTED);
    idle = fed(0.6, 0.1, 20, 0);
    assert_int_equal(estimate_of(&idle).trust, ECO_IDLE_UNKNOWN);
}

/* Four quiet seconds on the linear machine without noise, whatever the interval. */
static void four_quiet_seconds(void **state)
{
    const double steps[] = {1, 0.1, 0.01};
    struct sim_random random = {7};

    (void)state;
    for (int i = 0; i < 600; i++) {
        struct sim_options options = {.step_s = steps[i % 3]};
        struct eco_idle_estimate estimate;

        sim_learn(SIM_QUIET, &sim_curves[0], &options, &random, &estimate);
        assert_int_equal(estimate.trust, ECO_IDLE_TRUSTED);
        assert_near(estimate.power_w, 20, 0.005 * 20);
    }
}

/* The same with busy time in steps of 10 ms, which hide when within the second the load was. */
static void four_quiet_seconds_in_ticks(void **state)
{
    const double steps[] = {1, 0.1, 0.01};
    struct sim_random random = {8};
    size_t good = 0;

    (void)state;
    for (int i = 0; i < 600; i++) {
        struct sim_options options = {.step_s = steps[i % 3], .grain_s = 0.01};
        struct eco_idle_estimate estimate;

        sim_learn(SIM_QUIET, &sim_curves[0], &options, &random, &estimate);
        assert_near(estimate.power_w, 20, 0.02 * 20);
        assert_true(fabs(estimate.power_w - 20) <= 2 * estimate.u_w);
        good += fabs(estimate.power_w - 20) <= 0.01 * 20;
    }
    assert_true(good >= 570);
}

static void error_table(enum sim_case which, double step_s, double mean_limit, size_t repetitions)
{
    struct sim_random random = {which + 11};
    struct sim_options options = {.step_s = step_s,
                                  .noise_ratio = 0.01,
                                  .leakage_ratio = 0.03,
                                  .day_s = which == SIM_DAY ? 3600 : 4800};
    size_t covered = 0, count = 0;

    for (size_t c = 0; c < SIM_CURVES; c++) {
        const struct sim_curve *curve = &sim_curves[c];
        double truth = curve->power_w[0], error = 0;

        for (size_t i = 0; i < repetitions; i++) {
            struct eco_idle_estimate estimate;

            sim_learn(which, curve, &options, &random, &estimate);
            assert_int_not_equal(estimate.trust, ECO_IDLE_UNKNOWN);
            covered += fabs(estimate.power_w - truth) <= 2 * estimate.u_w;
            error += (truth - estimate.power_w) / truth / (double)repetitions;
            count++;
        }
        assert_near(error, 0, mean_limit);
    }
    assert_true((double)covered >= 0.95 * (double)count);
}

/* Short noisy chunks: neither the least of them nor their median may pull the estimate away. */
static void noise_does_not_bias(void **state)
{
    struct sim_options options = {.step_s = 0.1, .noise_ratio = 0.01};
    struct sim_random random = {12};
    double error = 0;

    (void)state;
    for (int i = 0; i < 300; i++) {
        struct eco_idle_estimate estimate;

        sim_learn(SIM_QUIET, &sim_curves[0], &options, &random, &estimate);
        error += (estimate.power_w / 20 - 1) / 300;
    }
    assert_near(error, 0, 0.002);
}

/* Every chunk the same: only the floors of the spread and of the model are left. */
static void uncertainty_of_a_perfect_idle(void **state)
{
    struct eco_idle idle = fed(16, 1, 20, 0);

    (void)state;
    assert_near(estimate_of(&idle).power_w, 20, 1e-9);
    assert_near(estimate_of(&idle).u_w, hypot(1.25 * 0.06 / 4 * sqrt(1.25), 0.2), 1e-9);
    assert_int_equal(estimate_of(&idle).chunks, 16);
    assert_int_equal(estimate_of(&idle).at_real_s, 1015);
}

static void errors_stay_small(void **state)
{
    (void)state;
    error_table(SIM_QUIET, 1, 0.02, 60);
    error_table(SIM_QUIET, 0.1, 0.02, 60);
    error_table(SIM_QUIET, 0.01, 0.02, 20);
    error_table(SIM_DAY, 1, 0.015, 20);
    error_table(SIM_BUSY_15, 1, 0.04, 30);
    error_table(SIM_BUSY_40, 1, 0.03, 30);
    error_table(SIM_TAIL, 1, 0.03, 40);
}

static void busy_background_is_extrapolated(void **state)
{
    struct eco_idle idle = fed(10, 1, 24, 0.4);

    (void)state;
    assert_int_equal(estimate_of(&idle).trust, ECO_IDLE_EXTRAPOLATED);
    assert_true(estimate_of(&idle).power_w < 24);
}

static void full_class_takes_one_a_minute(void **state)
{
    struct eco_idle idle = fed(48, 1, 20, 0);

    (void)state;
    assert_int_equal(idle.count, 48);
    eco_idle_feed(&idle, 1, 20, 0, 1050);
    assert_int_equal(idle.count, 48);
    assert_int_equal(idle.ring[47].at_real_s, 1047);
    eco_idle_feed(&idle, 1, 20, 0, 1107);
    assert_int_equal(idle.ring[47].at_real_s, 1107);
    assert_int_equal(idle.ring[0].at_real_s, 1001);
    for (int i = 0; i < 120; i++) /* a clock that stands still: fed time decides */
        eco_idle_feed(&idle, 1, 20, 0, 1107);
    assert_int_equal(idle.ring[0].at_real_s, 1003);
    assert_int_equal(idle.count, 48);
}

/* Hours of full load leave room for the quiet second that follows. */
static void load_does_not_push_out_quiet(void **state)
{
    struct eco_idle idle = fed(20000, 1, 100, 8);

    (void)state;
    for (int i = 0; i < 7200; i++)
        eco_idle_feed(&idle, 1, 40, 1, 30000 + i);
    assert_int_equal(idle.count, 16);
    for (int i = 0; i < 10; i++)
        eco_idle_feed(&idle, 0.1, 2.01, 0, 40000);
    assert_int_equal(estimate_of(&idle).trust, ECO_IDLE_TRUSTED);
    assert_near(estimate_of(&idle).power_w, 20.1, 0.5);
}

static void feed_steps(struct eco_idle *idle, int count, double power_w, double busy, int64_t at)
{
    for (int i = 0; i < count; i++)
        eco_idle_feed(idle, 1, power_w, busy, at + i);
}

static void a_step_of_the_regime_is_followed(void **state)
{
    struct eco_idle idle = fed(20, 1, 20, 0);

    (void)state;
    feed_steps(&idle, 4, 14, 0, 2000);
    assert_int_equal(idle.count, 24);
    feed_steps(&idle, 1, 14, 0, 2004);
    assert_int_equal(idle.count, 5);
    assert_near(estimate_of(&idle).power_w, 14, 0.15);
    feed_steps(&idle, 14, 20, 0, 3000);
    assert_int_equal(idle.count, 19);
    feed_steps(&idle, 1, 20, 0, 3014);
    assert_int_equal(idle.count, 8);
    assert_near(estimate_of(&idle).power_w, 20, 0.1);
}

/* More background is not a new idle power. */
static void load_is_no_step(void **state)
{
    struct eco_idle idle = fed(20, 1, 20, 0);

    (void)state;
    feed_steps(&idle, 28, 28, 0.4, 2000);
    assert_int_equal(idle.count, 48);
    assert_near(estimate_of(&idle).power_w, 20, 0.2);
}

static void old_and_impossible_chunks_go(void **state)
{
    struct eco_idle idle = fed(10, 1, 20, 0);

    (void)state;
    eco_idle_expire(&idle, 1005 + 30 * DAY_S);
    assert_int_equal(idle.count, 5);
    eco_idle_expire(&idle, 1000 - 2 * DAY_S);
    assert_int_equal(idle.count, 0);
    idle = fed(4, 1, 20, 0);
    idle.ring[0].power_w = (double)NAN;
    idle.ring[1].busy_cpus = -1;
    idle.ring[2].length_s = (double)INFINITY;
    eco_idle_expire(&idle, 1010);
    assert_int_equal(idle.count, 1);
}

static void a_gap_drops_what_is_open(void **state)
{
    struct eco_idle idle = fed(0.1, 0.1, 20, 0);

    (void)state;
    eco_idle_break(&idle);
    eco_idle_feed(&idle, 0.1, 3, 0, 1001);
    assert_int_equal(idle.count, 0);
    eco_idle_feed(&idle, 0.1, 3, 0, 1001);
    assert_int_equal(idle.count, 1);
    assert_near(idle.ring[0].power_w, 30, 1e-9);
    assert_near(idle.ring[0].length_s, 0.2, 1e-9);
}

static void odd_intervals_are_gaps(void **state)
{
    const double odd[] = {(double)NAN, (double)INFINITY, -1};
    struct eco_idle idle = fed(0.1, 0.1, 20, 0);

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        eco_idle_feed(&idle, odd[i], 1, 0, 0);
        eco_idle_feed(&idle, 1, odd[i], 0, 0);
        if (i < 2)
            eco_idle_feed(&idle, 1, 1, odd[i], 0);
    }
    eco_idle_feed(&idle, 0, 1, 0, 0);
    assert_int_equal(idle.count, 0);
    eco_idle_feed(&idle, 1, 20, -0.001, 0); /* a signed remainder may be below 0 */
    assert_int_equal(idle.count, 1);
    assert_near(idle.ring[0].busy_cpus, 0, 0);
}

/* A slow counter (batteries, 1 s) needs chunks of 20 periods. */
static void slow_counters_need_long_chunks(void **state)
{
    struct eco_idle idle;

    (void)state;
    eco_idle_init(&idle, 1);
    feed_steps(&idle, 19, 20, 0, 0);
    assert_int_equal(idle.count, 0);
    feed_steps(&idle, 41, 20, 0, 19);
    assert_int_equal(idle.count, 3);
    assert_int_equal(estimate_of(&idle).trust, ECO_IDLE_TRUSTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_seen),
        cmocka_unit_test(too_little_is_half_the_least),
        cmocka_unit_test(four_chunks_are_trusted),
        cmocka_unit_test(four_quiet_seconds),
        cmocka_unit_test(four_quiet_seconds_in_ticks),
        cmocka_unit_test(noise_does_not_bias),
        cmocka_unit_test(uncertainty_of_a_perfect_idle),
        cmocka_unit_test(errors_stay_small),
        cmocka_unit_test(busy_background_is_extrapolated),
        cmocka_unit_test(full_class_takes_one_a_minute),
        cmocka_unit_test(load_does_not_push_out_quiet),
        cmocka_unit_test(a_step_of_the_regime_is_followed),
        cmocka_unit_test(load_is_no_step),
        cmocka_unit_test(old_and_impossible_chunks_go),
        cmocka_unit_test(a_gap_drops_what_is_open),
        cmocka_unit_test(odd_intervals_are_gaps),
        cmocka_unit_test(slow_counters_need_long_chunks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
