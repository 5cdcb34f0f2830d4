/* SPDX-License-Identifier: MIT */
#include "attribution/balance.h"
#include "attribution/check.h"
#include "attribution/sim.h"

static void takes_at_most_the_energy(void **state)
{
    struct eco_idle_balance balance = {0};

    (void)state;
    assert_near(eco_idle_balance_take(&balance, 20e6, 1, 30e6, 40e6), 20e6, 1e-6);
    assert_near(balance.due_uj, 0, 0);
    assert_near(eco_idle_balance_take(&balance, 20e6, 1, 5e6, 40e6), 5e6, 0);
    assert_near(balance.due_uj, 15e6, 1e-6);
    assert_near(eco_idle_balance_take(&balance, 20e6, 1, 100e6, 40e6), 35e6, 1e-6);
}

static void owes_no_more_than_the_bound(void **state)
{
    struct eco_idle_balance balance = {0};

    (void)state;
    for (int i = 0; i < 100; i++)
        (void)eco_idle_balance_take(&balance, 20e6, 1, 0, 40e6);
    assert_near(balance.due_uj, 40e6, 1e-6);
}

/* A counter that steps every 100 ms, read every 10 ms: idle must come out whole (method: the reason for a
 * balance). */
static void idle_does_not_depend_on_the_interval(void **state)
{
    struct eco_idle_balance balance = {0};
    double idle = 0, naive = 0;

    (void)state;
    for (int i = 1; i <= 1000; i++) {
        double energy = i % 10 == 0 ? 3e6 : 0; /* 30 W */

        idle += eco_idle_balance_take(&balance, 20e6, 0.01, energy, 20e6 * 0.2);
        naive += fmin(energy, 20e6 * 0.01);
    }
    assert_near(idle / 200e6, 1, 1e-9);
    assert_true(naive < 0.2 * 200e6);
}

static void never_negative_on_odd_input(void **state)
{
    const double odd[] = {0, -1, 1e-320, 1e300, 1.5, (double)INFINITY};
    size_t n = sizeof(odd) / sizeof(odd[0]);

    (void)state;
    for (size_t i = 0; i < n * n * n; i++) {
        struct eco_idle_balance balance = {odd[i % n]};
        double energy = odd[i / n % n];
        double taken = eco_idle_balance_take(&balance, odd[i / n / n], 1, energy, 10);

        assert_true(taken >= 0 && taken <= fmax(energy, 0));
        assert_true(balance.due_uj >= 0 && balance.due_uj <= 10);
    }
}

static void unknown_power_is_unknown(void **state)
{
    struct eco_idle_balance balance = {7};

    (void)state;
    assert_true(isnan(eco_idle_balance_take(&balance, (double)NAN, 1, 5, 10)));
    assert_near(balance.due_uj, 7, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_at_most_the_energy),
        cmocka_unit_test(owes_no_more_than_the_bound),
        cmocka_unit_test(idle_does_not_depend_on_the_interval),
        cmocka_unit_test(never_negative_on_odd_input),
        cmocka_unit_test(unknown_power_is_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
