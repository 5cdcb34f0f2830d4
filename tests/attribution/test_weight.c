/* SPDX-License-Identifier: MIT */
#include "attribution/check.h"
#include "attribution/sim.h"
#include "attribution/weight.h"

#define ROWS    12
#define SOCKETS 4

static void sibling_weight(void **state)
{
    (void)state;
    assert_near(eco_weight_sibling(0.2, 0), 1, 0);
    assert_near(eco_weight_sibling(0.2, 1), 0.6, 1e-15);
    assert_near(2 * eco_weight_sibling(0.2, 1), 1.2, 1e-15); /* a full core weighs 1 + sigma */
    assert_near(eco_weight_sibling(0.2, 0.5), 0.8, 1e-15);
    assert_near(eco_weight_sibling(1, 1), 1, 0);
    assert_near(eco_weight_sibling(5, 7), 1, 0);
    assert_near(eco_weight_sibling(-1, 2), 0.5, 0);
    assert_near(eco_weight_sibling(0.2, (double)NAN), 1, 0);
}

/* Sum of weights = u1 + u2 - (1 - sigma) * overlap when one sibling is always busy. */
static void sibling_weight_is_exact_under_its_model(void **state)
{
    const double sigma = 0.2;

    (void)state;
    for (double busy = 0; busy <= 1; busy += 0.1) {
        double sum = 1 * eco_weight_sibling(sigma, busy) + busy * eco_weight_sibling(sigma, 1);

        assert_near(sum, 1 + busy - (1 - sigma) * busy, 1e-12);
    }
}

static void core_weight(void **state)
{
    (void)state;
    assert_near(eco_weight_core(&eco_weight_default, 0, 0, 0), 1, 0);
    assert_near(eco_weight_core(&eco_weight_default, 1024, 2000000, 0), 1, 0);
    assert_near(eco_weight_core(&eco_weight_default, 512, 0, 3e6), 0.5, 0);
    assert_near(eco_weight_core(&eco_weight_default, 1024, 3000000, 2e6), 1.5, 1e-15);
    assert_near(eco_weight_core(&eco_weight_default, 0, 3000000, (double)NAN), 1, 0);
    assert_near(eco_weight_core(&eco_weight_default, 0, 3000000, (double)INFINITY), 1, 0);
}

static void calibrated_core_weight(void **state)
{
    const struct eco_weight_model model = {.sigma = 0.2, .gamma = 2, .core_count = 1, .core = {{512, 0.3}}};

    (void)state;
    assert_near(eco_weight_core(&model, 512, 0, 0), 0.3, 0);
    assert_near(eco_weight_core(&model, 768, 0, 0), 0.75, 0);
    assert_near(eco_weight_core(&model, 512, 3000000, 2e6), 0.3 * 2.25, 1e-15);
}

static void cpus_of_two_sockets(void **state)
{
    struct eco_cpu_place places[] = {{.package = 0, .sibling = 1, .capacity = 0},
                                     {.package = 0, .sibling = 0},
                                     {.package = 1, .sibling = -1},
                                     {.package = 1, .sibling = 99},
                                     {.package = 9, .sibling = -1}};
    struct eco_topology topology = {.cpus = places, .cpu_count = 5, .package_count = 2};
    struct eco_cpu_busy before[6] = {{10, 0}, {10, 0}, {0, 1000000}, {0, 1000000}, {50, 0}, {0, 0}};
    struct eco_cpu_busy after[6] = {{110, 0}, {60, 0}, {100, 1000000}, {100, 3000000}, {40, 0}, {30, 0}};
    double hg[6], busy[2], mean[2];

    (void)state;
    eco_weight_cpus(&topology, &eco_weight_default, before, after, 6, 100, hg, busy, mean);
    assert_near(hg[0], 0.8, 1e-12);
    assert_near(hg[1], 0.6, 1e-12);
    assert_near(hg[2], 0.5, 1e-12);
    assert_near(hg[3], 1.5, 1e-12);
    assert_near(hg[4], 1, 0); /* ran backwards, package out of range: socket 0, no time */
    assert_near(hg[5], 1, 0); /* beyond the topology: socket 0 */
    assert_near(busy[0], 180, 0);
    assert_near(busy[1], 200, 0);
    assert_near(mean[0], (80 + 30 + 30) / 180.0, 1e-12);
    assert_near(mean[1], 1, 1e-12);
}

static void nothing_busy_weighs_one(void **state)
{
    struct eco_cpu_place place = {.package = 0, .sibling = 0};
    struct eco_topology topology = {.cpus = &place, .cpu_count = 1, .package_count = 1};
    struct eco_cpu_busy cpu = {5, 2000000};
    double hg, busy, mean;

    (void)state;
    eco_weight_cpus(&topology, &eco_weight_default, &cpu, &cpu, 1, 0, &hg, &busy, &mean);
    assert_near(busy, 0, 0);
    assert_near(mean, 1, 0);
    eco_weight_cpus(&topology, &eco_weight_default, NULL, NULL, 0, 0, &hg, &busy, &mean);
    assert_near(mean, 1, 0);
}

struct fit {
    double time[ROWS], busy[SOCKETS], prior[ROWS * SOCKETS], ret[ROWS * SOCKETS];
    size_t rows, sockets;
};

static unsigned fit_run(struct fit *fit)
{
    return eco_fit_sockets(fit->time, fit->rows, fit->busy, fit->sockets, fit->prior, fit->ret);
}

static void check_rows(const struct fit *fit)
{
    for (size_t r = 0; r < fit->rows; r++) {
        double sum = 0;

        for (size_t s = 0; s < fit->sockets; s++) {
            assert_true(fit->ret[r * fit->sockets + s] >= 0);
            sum += fit->ret[r * fit->sockets + s];
        }
        assert_near(sum, fit->time[r], 1e-12 * fit->time[r]);
    }
}

static double column(const struct fit *fit, size_t s)
{
    double sum = 0;

    for (size_t r = 0; r < fit->rows; r++)
        sum += fit->ret[r * fit->sockets + s];
    return sum;
}

static void both_margins_hold(void **state)
{
    struct sim_random random = {5};
    size_t failed = 0;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct fit fit = {.rows = 1 + (size_t)(sim_uniform(&random) * ROWS),
                          .sockets = 1 + (size_t)(sim_uniform(&random) * SOCKETS)};
        double all = 0, busy = 0;

        for (size_t i = 0; i < fit.rows * fit.sockets; i++)
            fit.prior[i] = 0.05 + sim_uniform(&random);
        for (size_t r = 0; r < fit.rows; r++)
            all += fit.time[r] = floor(1e9 * sim_uniform(&random));
        for (size_t s = 0; s < fit.sockets; s++)
            busy += fit.busy[s] = 1e7 + 1e9 * sim_uniform(&random);
        assert_true(fit_run(&fit) <= 50);
        check_rows(&fit);
        for (size_t s = 0; s < fit.sockets; s++)
            failed += fabs(column(&fit, s) - fit.busy[s] / busy * all) > 1e-6 * all;
    }
    assert_int_equal(failed, 0);
}

/* E_p = sum over sockets of E_s * t_ps / t_s must be price * time when all sockets cost the same. */
static void equal_prices_are_exact_whatever_the_prior(void **state)
{
    struct sim_random random = {6};

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct fit fit = {.rows = 6, .sockets = 2};
        double all = 0;

        for (size_t i = 0; i < fit.rows * fit.sockets; i++)
            fit.prior[i] = sim_uniform(&random) < 0.3 ? 0 : sim_uniform(&random);
        for (size_t r = 0; r < fit.rows; r++)
            all += fit.time[r] = 1e9 * sim_uniform(&random);
        fit.busy[0] = all * sim_uniform(&random);
        fit.busy[1] = all - fit.busy[0];
        (void)fit_run(&fit);
        check_rows(&fit);
        for (size_t r = 0; r < fit.rows; r++) {
            double energy = 0;

            for (size_t s = 0; s < fit.sockets; s++) {
                if (column(&fit, s) > 0)
                    energy += 7 * column(&fit, s) * fit.ret[r * fit.sockets + s] / column(&fit, s);
            }
            assert_near(energy, 7 * fit.time[r], 1e-9 * all);
        }
    }
}

static void one_busy_row_is_where_the_sockets_were_busy(void **state)
{
    struct fit fit = {.rows = 3, .sockets = 2, .time = {0, 1000, 0}, .busy = {300, 100}};

    (void)state;
    (void)fit_run(&fit); /* prior of zeros: anywhere */
    assert_near(fit.ret[2], 750, 1e-9);
    assert_near(fit.ret[3], 250, 1e-9);
    assert_near(fit.ret[0] + fit.ret[1] + fit.ret[4] + fit.ret[5], 0, 0);
}

static void known_places_are_kept(void **state)
{
    struct fit fit = {.rows = 2, .sockets = 2, .time = {600, 400}, .busy = {600, 400}, .prior = {1, 0, 0, 1}};

    (void)state;
    (void)fit_run(&fit);
    assert_near(fit.ret[0], 600, 1);
    assert_near(fit.ret[3], 400, 1);
}

/* Seen on socket 0 only, yet that was less busy than the rows ran: the margins win over the samples. */
static void contradicted_prior_gives_way(void **state)
{
    struct fit fit = {
        .rows = 2, .sockets = 2, .time = {1000, 500}, .busy = {500, 1000}, .prior = {1, 0, 0, 1}};

    (void)state;
    (void)fit_run(&fit);
    check_rows(&fit);
    assert_near(column(&fit, 0), 500, 5);
}

static void degenerate_input(void **state)
{
    struct fit fit = {.rows = 2, .sockets = 2, .time = {0, 0}, .busy = {1, 1}, .prior = {1, 1, 1, 1}};

    (void)state;
    assert_int_equal(fit_run(&fit), 0);
    check_rows(&fit);
    fit.time[0] = 10;
    fit.busy[0] = fit.busy[1] = 0;
    assert_int_equal(fit_run(&fit), 0);
    check_rows(&fit);
    fit.busy[0] = 5;
    fit.prior[0] = (double)NAN;
    fit.prior[1] = -1;
    (void)fit_run(&fit);
    check_rows(&fit);
    assert_near(fit.ret[0], 10, 1e-9);
    fit.prior[0] = 1e308;
    fit.prior[1] = 1e308;
    (void)fit_run(&fit);
    check_rows(&fit);
    fit.rows = 0;
    assert_int_equal(fit_run(&fit), 0);
}

static void may_work_in_place(void **state)
{
    struct fit fit = {.rows = 2, .sockets = 2, .time = {600, 400}, .busy = {500, 500}, .prior = {3, 1, 1, 1}};

    (void)state;
    (void)fit_run(&fit);
    (void)eco_fit_sockets(fit.time, 2, fit.busy, 2, fit.prior, fit.prior);
    assert_memory_equal(fit.prior, fit.ret, 4 * sizeof(double));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sibling_weight),
        cmocka_unit_test(sibling_weight_is_exact_under_its_model),
        cmocka_unit_test(core_weight),
        cmocka_unit_test(calibrated_core_weight),
        cmocka_unit_test(cpus_of_two_sockets),
        cmocka_unit_test(nothing_busy_weighs_one),
        cmocka_unit_test(both_margins_hold),
        cmocka_unit_test(equal_prices_are_exact_whatever_the_prior),
        cmocka_unit_test(one_busy_row_is_where_the_sockets_were_busy),
        cmocka_unit_test(known_places_are_kept),
        cmocka_unit_test(contradicted_prior_gives_way),
        cmocka_unit_test(degenerate_input),
        cmocka_unit_test(may_work_in_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
