/* SPDX-License-Identifier: MIT */
#include "attribution/calibration.h"
#include "attribution/check.h"
#include "attribution/sim.h"

#define CORES 4

static const uint32_t no_kinds[ECO_CORE_TYPES];

/* Levels of a machine of `cores` cores with two threads each: cores first, then siblings. */
static struct eco_calibration_point level(unsigned threads, unsigned cores, double power_w, double freq_khz)
{
    unsigned both = threads > cores ? threads - cores : 0;

    return (struct eco_calibration_point){.threads = threads,
                                          .has_siblings = both > 0,
                                          .only_kind = -1,
                                          .busy = {threads},
                                          .overlap = {both},
                                          .power_w = power_w,
                                          .u_w = 0.002 * power_w,
                                          .freq_khz = freq_khz};
}

/* Idle 10 W, awake 15 W, 8 W a core, the second sibling a quarter of that. */
static double known_power(double cores, double both)
{
    return (cores > 0 ? 15 : 10) + 8 * cores + 0.25 * 8 * both;
}

static size_t known_machine(struct eco_calibration_point *ret)
{
    size_t n = 0;

    for (unsigned threads = 1; threads <= 2 * CORES; threads++) {
        double both = threads > CORES ? threads - CORES : 0;
        ret[n++] = level(threads, CORES, known_power(threads - both, both), (double)NAN);
    }
    return n;
}

static void sigma_is_found(void **state)
{
    struct eco_calibration_point points[ECO_CALIBRATION_POINTS];
    struct eco_calibration_input in = {.points = points, .idle_w = 10, .idle_u_w = 0.05};
    struct eco_constant sigma;

    (void)state;
    in.count = known_machine(points);
    eco_calibration_sigma(&in, &sigma);
    assert_true(sigma.is_known);
    assert_near(sigma.value, 0.25, 1e-9);
    assert_true(sigma.u > 0 && sigma.u < 0.05);
    /* what else runs is measured with it: 0.3 CPUs on another core, and its overlap */
    for (size_t i = 0; i < in.count; i++) {
        double both = points[i].threads > CORES ? points[i].threads - CORES : 0;
        double free_cores = CORES - (points[i].threads - both);
        double more = points[i].threads < CORES ? fmin(0.3, free_cores) : 0;
        points[i].busy[0] += more;
        points[i].power_w += 8 * more;
    }
    eco_calibration_sigma(&in, &sigma);
    assert_true(sigma.is_known);
    assert_near(sigma.value, 0.25, 1e-9);
}

/* One core: what else runs while one thread is loaded sits on the other. */
static void sigma_beside_others_on_one_core(void **state)
{
    struct eco_calibration_point points[2] = {level(1, 1, 0, (double)NAN), level(2, 1, 0, (double)NAN)};
    struct eco_calibration_input in = {.points = points, .count = 2, .idle_w = 20, .idle_u_w = 0.1};
    struct eco_constant sigma;

    (void)state;
    points[0].busy[0] = 1.2;
    points[0].overlap[0] = 0.2;
    for (int i = 0; i < 2; i++)
        points[i].power_w = 20 + 30 * (points[i].busy[0] - 0.75 * points[i].overlap[0]);
    points[0].u_w = points[1].u_w = 0.05;
    eco_calibration_sigma(&in, &sigma);
    assert_true(sigma.is_known);
    assert_near(sigma.value, 0.25, 1e-6);
}

/* Xeon E3-1240 v2 by RAPL (docs/attribution.md): 0.24. */
static void sigma_of_a_real_machine(void **state)
{
    static const double power_w[] = {21.062, 29.369, 36.632, 42.762, 44.519, 46.784, 48.2, 49.7};
    struct eco_calibration_point points[8];
    struct eco_calibration_input in = {.points = points, .count = 8, .idle_w = 5.67, .idle_u_w = 0.1};
    struct eco_constant sigma;

    (void)state;
    for (unsigned i = 0; i < 8; i++)
        points[i] = level(i + 1, 4, power_w[i], (double)NAN);
    eco_calibration_sigma(&in, &sigma);
    assert_true(sigma.is_known);
    assert_near(sigma.value, 0.24, 0.01);
}

/* EPYC 8024P by RAPL: 49.3 W at half of its threads, 46.7 W at all of them. */
static void sigma_is_refused_at_a_power_limit(void **state)
{
    static const unsigned threads[] = {1, 3, 4, 6, 8, 9, 11, 12, 14, 16};
    static const double power_w[] = {37.545, 41.587, 43.458, 47.154, 49.331,
                                     49.883, 51.296, 45.567, 46.499, 46.741};
    struct eco_calibration_point points[10];
    struct eco_calibration_input in = {.points = points, .count = 10, .idle_w = 17.68, .idle_u_w = 0.2};
    struct eco_constant sigma;
    struct eco_calibration_fit fit;

    (void)state;
    for (unsigned i = 0; i < 10; i++)
        points[i] = level(threads[i], 8, power_w[i], (double)NAN);
    eco_calibration_sigma(&in, &sigma);
    assert_false(sigma.is_known);
    assert_true(isnan(sigma.value));
    assert_non_null(strstr(sigma.why, "power limit"));
    assert_false(eco_calibration_is_limited(&in, 4));
    assert_true(eco_calibration_is_limited(&in, 9));
    /* the curve is flat there, and says how far it is off */
    eco_calibration_curve(&in, &eco_weight_default, no_kinds, &fit);
    assert_true(eco_curve_is_valid(&fit.curve));
    assert_true(fit.worst_w > 1 && fit.worst_ratio < 0.1);
}

static void sigma_is_refused_where_frequency_falls(void **state)
{
    struct eco_calibration_point points[ECO_CALIBRATION_POINTS];
    struct eco_calibration_input in = {.points = points, .idle_w = 10, .idle_u_w = 0.05};
    struct eco_constant sigma;

    (void)state;
    in.count = known_machine(points);
    for (size_t i = 0; i < in.count; i++)
        points[i].freq_khz = points[i].has_siblings ? 2.4e6 : 3e6;
    eco_calibration_sigma(&in, &sigma);
    assert_false(sigma.is_known);
    assert_non_null(strstr(sigma.why, "power limit"));
    /* and at the limit itself, known from the constraint */
    in.count = known_machine(points);
    in.limit_w = points[in.count - 1].power_w;
    eco_calibration_sigma(&in, &sigma);
    assert_false(sigma.is_known);
    in.limit_w = 2 * in.limit_w;
    eco_calibration_sigma(&in, &sigma);
    assert_true(sigma.is_known);
}

static void sigma_needs_siblings_cores_and_little_noise(void **state)
{
    struct eco_calibration_point points[ECO_CALIBRATION_POINTS];
    struct eco_calibration_input in = {.points = points, .idle_w = 10, .idle_u_w = 0.05};
    struct eco_constant sigma;

    (void)state;
    size_t count = known_machine(points);
    in.count = CORES;
    eco_calibration_sigma(&in, &sigma);
    assert_false(sigma.is_known);
    in.points = points + CORES;
    in.count = count - CORES;
    eco_calibration_sigma(&in, &sigma);
    assert_false(sigma.is_known);
    in.points = points;
    in.count = count;
    for (size_t i = 0; i < count; i++)
        points[i].u_w = 4;
    eco_calibration_sigma(&in, &sigma);
    assert_false(sigma.is_known);
    assert_non_null(strstr(sigma.why, "noisy"));
    in.count = 0;
    eco_calibration_sigma(&in, &sigma);
    assert_false(sigma.is_known);
}

/* Two passes that differ: the difference is in the uncertainty. */
static void passes_that_differ_are_less_certain(void **state)
{
    struct eco_calibration_point points[ECO_CALIBRATION_POINTS];
    struct eco_calibration_input in = {.points = points, .idle_w = 10, .idle_u_w = 0.05};
    struct eco_constant alike, apart;

    (void)state;
    size_t n = known_machine(points);
    memcpy(points + n, points, n * sizeof(*points));
    in.count = 2 * n;
    eco_calibration_sigma(&in, &alike);
    points[2 * n - 1].power_w += 2;
    eco_calibration_sigma(&in, &apart);
    assert_true(alike.is_known && apart.is_known);
    assert_true(apart.u > 2 * alike.u);
}

static void kinds_of_cores(void **state)
{
    /* 4 large cores of 8 W, 4 small ones of 2.4 W */
    struct eco_calibration_point points[8] = {{0}};
    struct eco_calibration_input in = {.points = points, .count = 5, .idle_w = 10, .idle_u_w = 0.02};
    struct eco_constant core;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        points[i] = level(i + 1, 4, 15 + 8 * (i + 1), (double)NAN);
        points[i].u_w = 0.01;
    }
    points[4] = (struct eco_calibration_point){.threads = 4,
                                               .only_kind = 1,
                                               .busy = {0, 4},
                                               .power_w = 15 + 4 * 2.4,
                                               .u_w = 0.01,
                                               .freq_khz = (double)NAN};
    eco_calibration_core(&in, 1, &core);
    assert_true(core.is_known);
    assert_near(core.value, 0.3, 1e-9);
    eco_calibration_core(&in, 2, &core);
    assert_false(core.is_known);
    points[4].u_w = 20;
    eco_calibration_core(&in, 1, &core);
    assert_false(core.is_known);
    points[4].u_w = 0.01;
    in.limit_w = 30;
    eco_calibration_core(&in, 1, &core);
    assert_false(core.is_known);
    assert_non_null(strstr(core.why, "power limit"));
}

static void frequency(void **state)
{
    struct eco_calibration_sample samples[40];
    struct eco_constant gamma;
    struct sim_random random = {7};

    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        double f = 2e6 * (1 + 0.2 * sim_uniform(&random));
        double level_w = i < 20 ? 10 : 40;
        samples[i] = (struct eco_calibration_sample){i / 20, 10 + level_w * pow(f / 2e6, 2.2), f};
    }
    eco_calibration_gamma(samples, 40, 10, &gamma);
    assert_true(gamma.is_known);
    assert_near(gamma.value, 2.2, 1e-6);
    for (unsigned i = 0; i < 40; i++)
        samples[i].power_w = i < 20 ? 20 : 50; /* a limit holds power, whatever the frequency */
    eco_calibration_gamma(samples, 40, 10, &gamma);
    assert_false(gamma.is_known);
    for (unsigned i = 0; i < 40; i++)
        samples[i].freq_khz =
            i < 20 ? 3e6 : 2e6; /* constant within each level: that is load, not frequency */
    eco_calibration_gamma(samples, 40, 10, &gamma);
    assert_false(gamma.is_known);
    for (unsigned i = 0; i < 40; i++)
        samples[i].freq_khz = (double)NAN;
    eco_calibration_gamma(samples, 40, 10, &gamma);
    assert_false(gamma.is_known);
    assert_non_null(strstr(gamma.why, "cannot be read"));
}

/* What is concave already is met exactly; its noise is not followed upwards. */
static void curve_of_five_machines(void **state)
{
    struct sim_random random = {3};

    (void)state;
    for (unsigned m = 0; m < SIM_CURVES; m++) {
        const struct sim_curve *machine = &sim_curves[m];
        struct eco_calibration_point points[ECO_CALIBRATION_POINTS];
        struct eco_calibration_input in = {
            .points = points, .idle_w = machine->power_w[0], .idle_u_w = 0.005 * machine->power_w[0]};
        struct eco_calibration_fit fit;

        for (size_t i = 1; i < machine->count; i++) {
            double noisy_w = machine->power_w[i] * (1 + 0.003 * sim_normal(&random));
            points[in.count++] = level((unsigned)machine->busy[i], 1000, noisy_w, (double)NAN);
        }
        eco_calibration_curve(&in, &eco_weight_default, no_kinds, &fit);
        assert_true(eco_curve_is_valid(&fit.curve));
        for (size_t i = 1; i < machine->count; i++) {
            double fitted_w = in.idle_w + eco_curve_power(&fit.curve, machine->busy[i]);
            assert_near(fitted_w / machine->power_w[i], 1, m == 0 ? 0.01 : 0.1);
        }
    }
}

static void concave_curve_within_two_percent(void **state)
{
    struct sim_random random = {11};

    (void)state;
    for (double p = 0.4; p <= 1.001; p += 0.1) {
        struct eco_calibration_point points[ECO_CALIBRATION_POINTS];
        struct eco_calibration_input in = {.points = points, .idle_w = 20.1, .idle_u_w = 0.2};
        struct eco_calibration_fit fit;

        for (unsigned n = 1; n <= 64; n *= 2) {
            double power_w = 20 + 30 * pow(n, p);
            points[in.count++] = level(n, 1000, power_w * (1 + 0.005 * sim_normal(&random)), (double)NAN);
        }
        eco_calibration_curve(&in, &eco_weight_default, no_kinds, &fit);
        assert_true(eco_curve_is_valid(&fit.curve));
        for (unsigned n = 1; n <= 64; n++) {
            double truth_w = 20 + 30 * pow(n, p);
            assert_near((in.idle_w + eco_curve_power(&fit.curve, n)) / truth_w, 1, n & (n - 1) ? 0.05 : 0.02);
        }
    }
}

/* No other curve of its kind is nearer to the points: moving any knot's share up or down makes it worse. */
static double squares(const struct eco_curve *curve, const struct eco_curve_point *points, size_t count)
{
    double total = 0;

    for (size_t i = 0; i < count; i++)
        total += pow((eco_curve_power(curve, points[i].x) - points[i].w) / points[i].u_w, 2);
    return total;
}

static void fit_is_the_best_there_is(void **state)
{
    struct sim_random random = {5};

    (void)state;
    for (int round = 0; round < 200; round++) {
        struct eco_curve_point points[12];
        struct eco_curve curve;
        size_t n = 2 + (size_t)(sim_uniform(&random) * 10);

        for (size_t i = 0; i < n; i++)
            points[i] = (struct eco_curve_point){(double)i + 1, 10 + 60 * sim_uniform(&random),
                                                 0.5 + sim_uniform(&random)};
        assert_int_equal(eco_curve_fit(points, n, &curve), 0);
        assert_true(eco_curve_is_valid(&curve));
        double best = squares(&curve, points, n);
        for (size_t k = 0; k < curve.count; k++)
            for (int sign = -1; sign <= 1; sign += 2) {
                struct eco_curve other = curve;
                for (size_t i = 0; i < other.count; i++)
                    other.w[i] += sign * 0.01 * fmin(other.x[i], other.x[k]);
                if (eco_curve_is_valid(&other))
                    assert_true(squares(&other, points, n) >= best - 1e-9 * best);
            }
    }
}

static void curve_refuses_nonsense(void **state)
{
    const struct eco_curve_point bad[] = {{1, 10, 0}, {(double)NAN, 1, 1}, {1, (double)INFINITY, 1}};
    const struct eco_curve_point idle = {0, 10, 1};
    const struct eco_curve none = {.count = 0};
    const struct eco_curve convex = {.count = 2, .x = {1, 2}, .w = {1, 3}};
    const struct eco_curve falling = {.count = 2, .x = {1, 2}, .w = {3, 2}};
    const struct eco_curve back = {.count = 2, .x = {2, 1}, .w = {3, 3}};
    struct eco_curve curve = {.count = 7};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_true(eco_curve_fit(&bad[i], 1, &curve) < 0);
    assert_true(eco_curve_fit(&idle, 1, &curve) < 0);
    assert_int_equal(curve.count, 7);
    assert_false(eco_curve_is_valid(&none));
    assert_false(eco_curve_is_valid(&convex));
    assert_false(eco_curve_is_valid(&falling));
    assert_false(eco_curve_is_valid(&back));
    assert_true(isnan(eco_curve_power(&none, 1)));
}

static void curve_that_is_none_is_refused(void **state)
{
    struct eco_calibration_point points[4];
    struct eco_calibration_input in = {.points = points, .count = 4, .idle_w = 10, .idle_u_w = 0.05};
    struct eco_calibration_fit fit;

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        points[i] = level(i + 1, 8, 10 + 5.0 * (i + 1) * (i + 1), (double)NAN);
    eco_calibration_curve(&in, &eco_weight_default, no_kinds, &fit);
    assert_int_equal(fit.curve.count, 0);
    assert_non_null(strstr(fit.why, "no concave curve"));
    for (unsigned i = 0; i < 4; i++)
        points[i] = level(i + 1, 8, 10.01, (double)NAN);
    eco_calibration_curve(&in, &eco_weight_default, no_kinds, &fit);
    assert_int_equal(fit.curve.count, 0);
    assert_non_null(strstr(fit.why, "noise"));
    in.count = 0;
    eco_calibration_curve(&in, &eco_weight_default, no_kinds, &fit);
    assert_int_equal(fit.curve.count, 0);
}

static void job_beside_others(void **state)
{
    const struct eco_curve linear = {.count = 1, .x = {4}, .w = {40}};
    const struct eco_curve concave = {.count = 2, .x = {1, 2}, .w = {20, 25}};
    const struct eco_curve none = {.count = 0};
    double marginal, alone;

    (void)state;
    eco_curve_job(&linear, 30, 1, 2, &marginal, &alone);
    assert_near(marginal, 10, 1e-12);
    assert_near(alone, 10, 1e-12);
    eco_curve_job(&concave, 25, 1, 1, &marginal, &alone);
    assert_near(marginal, 5, 1e-12);
    assert_near(alone, 20, 1e-12);
    eco_curve_job(&concave, 50, 1, 1, &marginal, &alone); /* dearer work than the calibration's: both twice */
    assert_near(marginal, 10, 1e-12);
    assert_near(alone, 40, 1e-12);
    eco_curve_job(&concave, 12, 0.5, 0, &marginal, &alone); /* alone: all of it */
    assert_near(marginal, 12, 1e-12);
    assert_near(alone, 12, 1e-12);
    eco_curve_job(&concave, 12, 0, 1, &marginal, &alone);
    assert_near(marginal, 0, 1e-12);
    assert_near(alone, 0, 1e-12);
    eco_curve_job(&concave, 12, 0, 0, &marginal, &alone);
    assert_near(marginal, 0, 0);
    eco_curve_job(&none, 12, 1, 1, &marginal, &alone);
    assert_true(isnan(marginal) && isnan(alone));
    assert_near(eco_curve_power(&concave, 3), 30, 1e-12); /* beyond the last level: straight on */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sigma_is_found),
        cmocka_unit_test(sigma_beside_others_on_one_core),
        cmocka_unit_test(sigma_of_a_real_machine),
        cmocka_unit_test(sigma_is_refused_at_a_power_limit),
        cmocka_unit_test(sigma_is_refused_where_frequency_falls),
        cmocka_unit_test(sigma_needs_siblings_cores_and_little_noise),
        cmocka_unit_test(passes_that_differ_are_less_certain),
        cmocka_unit_test(kinds_of_cores),
        cmocka_unit_test(frequency),
        cmocka_unit_test(curve_of_five_machines),
        cmocka_unit_test(concave_curve_within_two_percent),
        cmocka_unit_test(fit_is_the_best_there_is),
        cmocka_unit_test(curve_refuses_nonsense),
        cmocka_unit_test(curve_that_is_none_is_refused),
        cmocka_unit_test(job_beside_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
