/* SPDX-License-Identifier: MIT */
#include "attribution/check.h"
#include "attribution/gpu.h"
#include "attribution/sim.h"

#define ROWS 4

static double sum(const double *part, double rest)
{
    double all = rest;

    for (size_t i = 0; i < ROWS; i++)
        all += part[i];
    return all;
}

static void busy_time_divides(void **state)
{
    const double busy[ROWS] = {300, 600, 0, 0};
    const bool holds[ROWS] = {true, true, true, false};
    double part[ROWS], rest;
    struct eco_gpu_share_input in = {.dynamic_uj = 1300,
                                     .context_uj = (double)NAN,
                                     .row_count = ROWS,
                                     .busy_ns = busy,
                                     .holds = holds,
                                     .rest_busy_ns = 400,
                                     .rest_holders = 1};

    (void)state;
    eco_gpu_weights(&in, part, &rest);
    assert_near(part[0], 300, 1e-9);
    assert_near(part[1], 600, 1e-9);
    assert_near(part[2], 0, 0);
    assert_near(part[3], 0, 0);
    assert_near(rest, 400, 1e-9);
    in.context_uj = 80; /* four holders: 20 each, the rest by time */
    eco_gpu_weights(&in, part, &rest);
    assert_near(part[0], 20 + 1220.0 * 3 / 13, 1e-9);
    assert_near(part[2], 20, 1e-9);
    assert_near(part[3], 0, 0);
    assert_near(sum(part, rest), 1300, 1e-9);
    in.context_uj = 5000; /* more than there is */
    eco_gpu_weights(&in, part, &rest);
    assert_near(part[0], 325, 1e-9);
    assert_near(rest, 325, 1e-9);
}

static void watts_weigh_time(void **state)
{
    const double busy[ROWS] = {1, 1, 0, 0}, watts[ROWS] = {400, 200, 9, 9};
    const bool holds[ROWS] = {false, false, false, false};
    double part[ROWS], rest;
    const struct eco_gpu_share_input in = {.dynamic_uj = 700,
                                           .row_count = ROWS,
                                           .busy_ns = busy,
                                           .holds = holds,
                                           .watts = watts,
                                           .rest_busy_ns = 1,
                                           .rest_watts = 100};

    (void)state;
    eco_gpu_weights(&in, part, &rest);
    assert_near(part[0], 400, 1e-9);
    assert_near(part[1], 200, 1e-9);
    assert_near(rest, 100, 1e-9);
}

static void nobody_busy(void **state)
{
    const double busy[ROWS] = {0};
    bool holds[ROWS] = {true, false, false, false};
    double part[ROWS], rest;
    struct eco_gpu_share_input in = {.dynamic_uj = 90,
                                     .context_uj = 10,
                                     .row_count = ROWS,
                                     .busy_ns = busy,
                                     .holds = holds,
                                     .rest_holders = 2};

    (void)state;
    eco_gpu_weights(&in, part, &rest);
    assert_near(part[0], 30, 1e-12);
    assert_near(rest, 60, 1e-12);
    in.rest_holders = 0;
    holds[0] = false;
    eco_gpu_weights(&in, part, &rest);
    assert_near(sum(part, rest), 0, 0);
}

static void hostile_weights(void **state)
{
    const double busy[ROWS] = {(double)NAN, -5, (double)INFINITY, 1e308};
    const bool holds[ROWS] = {true, true, true, true};
    double part[ROWS], rest;
    const struct eco_gpu_share_input in = {.dynamic_uj = 100,
                                           .context_uj = (double)NAN,
                                           .row_count = ROWS,
                                           .busy_ns = busy,
                                           .holds = holds,
                                           .rest_busy_ns = 1e308};

    (void)state;
    eco_gpu_weights(&in, part, &rest);
    assert_near(part[0], 0, 0);
    assert_near(part[1], 0, 0);
    assert_near(sum(part, rest), 100, 1e-9);
}

/* Two processes of different watts whose loads vary on their own, percent steps of utilisation. */
static void drive(struct eco_gpu_fit *fit, const double *watts, bool constant, unsigned seconds)
{
    const uint64_t id[2] = {11, 12};
    struct sim_random random = {7};

    for (unsigned t = 0; t < seconds; t++) {
        double busy[2], energy = 0;
        for (size_t i = 0; i < 2; i++) {
            double noise = sim_uniform(&random);
            double load = constant ? 0.45 : (t / (7 + 4 * i)) % 2 ? 0.45 : 0.15;
            energy += load * watts[i] * (1 + 0.02 * (noise - 0.5));
            busy[i] = floor(load * 100 + noise) / 100;
        }
        eco_gpu_fit_add(fit, 1, energy, id, busy, 2);
    }
}

static void watts_are_told_apart(void **state)
{
    struct eco_gpu_fit fit = {0};
    const uint64_t id[2] = {12, 11};
    double found[2];

    (void)state;
    drive(&fit, (const double[]){400, 250}, false, 120);
    assert_true(eco_gpu_fit_watts(&fit, id, 2, found));
    assert_near(found[1], 400, 12);
    assert_near(found[0], 250, 12);
    assert_near(400 * 0.3 / (found[1] * 0.3 + found[0] * 0.3), 400.0 / 650, 0.02);
}

static void alike_under_constant_load_is_not_known(void **state)
{
    struct eco_gpu_fit fit = {0};
    const uint64_t id[2] = {11, 12}, stranger[1] = {99};
    double found[2] = {-1, -1};

    (void)state;
    drive(&fit, (const double[]){300, 300}, true, 120);
    assert_false(eco_gpu_fit_watts(&fit, id, 2, found));
    assert_near(found[0], -1, 0);
    drive(&fit, (const double[]){300, 300}, false, 120);
    assert_true(eco_gpu_fit_watts(&fit, id, 2, found));
    assert_near(found[0], 300, 10);
    assert_false(eco_gpu_fit_watts(&fit, stranger, 1, found));
}

static void too_many_begin_anew(void **state)
{
    struct eco_gpu_fit fit = {0};
    uint64_t id[ECO_GPU_FIT_MAX + 1];
    double busy[ECO_GPU_FIT_MAX + 1], found[ECO_GPU_FIT_MAX + 1];

    (void)state;
    for (size_t i = 0; i <= ECO_GPU_FIT_MAX; i++) {
        id[i] = i + 1;
        busy[i] = 0.1;
    }
    drive(&fit, (const double[]){400, 250}, false, 60);
    eco_gpu_fit_add(&fit, 1, 50, id, busy, ECO_GPU_FIT_MAX + 1);
    assert_int_equal(fit.count, 0);
    assert_false(eco_gpu_fit_watts(&fit, id, 2, found));
    eco_gpu_fit_add(&fit, 1, (double)NAN, id, busy, 2);
    eco_gpu_fit_add(&fit, 0, 5, id, busy, 2);
    assert_int_equal(fit.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(busy_time_divides),    cmocka_unit_test(watts_weigh_time),
        cmocka_unit_test(nobody_busy),          cmocka_unit_test(hostile_weights),
        cmocka_unit_test(watts_are_told_apart), cmocka_unit_test(alike_under_constant_load_is_not_known),
        cmocka_unit_test(too_many_begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
