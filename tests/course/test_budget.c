/* SPDX-License-Identifier: MIT */
/* Limits as people write them, and when they are exceeded. */
#include "support/test.h"

#include "course/budget.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static struct eco_factors factors_of(const struct eco_impact_choices *choices)
{
    struct eco_factors factors;
    struct eco_why why = {0};
    assert_int_equal(eco_factors_init(&factors, choices, &why), 0);
    return factors;
}

static struct eco_budget parse(const char *text)
{
    struct eco_budget budget;
    struct eco_why why = {0};
    assert_int_equal(eco_budget_parse(text, &budget, &why), 0);
    return budget;
}

static void limits_are_read_in_their_unit(void **state)
{
    static const struct {
        const char *text;
        enum eco_budget_kind kind;
        double limit;
        const char *unit;
    } rows[] = {
        {"50kJ", ECO_BUDGET_ENERGY, 50e3, "J"},         {"1.5 MJ", ECO_BUDGET_ENERGY, 1.5e6, "J"},
        {"10Wh", ECO_BUDGET_ENERGY, 36e3, "J"},         {"2mWh", ECO_BUDGET_ENERGY, 7.2, "J"},
        {"2MWh", ECO_BUDGET_ENERGY, 7.2e9, "J"},        {"5gCO2e", ECO_BUDGET_CARBON, 5, "gCO2e"},
        {"0.2kgCO2e", ECO_BUDGET_CARBON, 200, "gCO2e"}, {"0.01EUR", ECO_BUDGET_MONEY, 0.01, "EUR"},
        {"3 usd", ECO_BUDGET_MONEY, 3, "USD"},
    };
    (void)state;
    for (size_t i = 0; i < ECO_COUNT(rows); i++) {
        struct eco_budget budget = parse(rows[i].text);
        assert_int_equal(budget.kind, rows[i].kind);
        eco_assert_near(budget.limit, rows[i].limit, 1e-9 * rows[i].limit);
        assert_string_equal(budget.unit, rows[i].unit);
        assert_false(budget.is_exceeded);
    }
}

static void what_is_no_limit_is_refused(void **state)
{
    static const char *const bad[] = {
        "",      "J",     "5",     "0J",    "-1J",
        "1e3J",  "5kj",   "5mwh",  "5KWH",  "10wh",
        "5gCO2", "5g",    "nanJ",  "1..2J", "1.2.3J",
        "5EU",   "5EURO", "5 E R", "infJ",  "9999999999999999999999999999999999999999999999J",
        "5J ",   "5JJ",   "1GWhh"};
    (void)state;
    for (size_t i = 0; i < ECO_COUNT(bad); i++) {
        struct eco_budget budget = {.limit = -7};
        struct eco_why why = {0};
        assert_int_equal(eco_budget_parse(bad[i], &budget, &why), -EINVAL);
        assert_true(*why.text && budget.limit < 0);
    }
}

static void money_needs_a_price_in_its_currency(void **state)
{
    struct eco_factors none = factors_of(&(struct eco_impact_choices){0});
    struct eco_factors euro = factors_of(&(struct eco_impact_choices){.price = "0.36EUR"});
    struct eco_budget money = parse("0.01EUR"), other = parse("0.01USD"), energy = parse("1J");
    struct eco_why why = {0};
    (void)state;
    assert_int_equal(eco_budget_check(&money, &euro, &why), 0);
    assert_int_equal(eco_budget_check(&energy, &none, &why), 0);
    assert_int_equal(eco_budget_check(&money, &none, &why), -EINVAL);
    assert_string_equal(why.fix, "--price 0.25EUR");
    assert_int_equal(eco_budget_check(&other, &euro, &why), -EINVAL);
}

static struct eco_charge charge_of(double job_j)
{
    return (struct eco_charge){.job_j = job_j,
                               .low_j = 0.9 * job_j,
                               .high_j = 1.1 * job_j,
                               .duration_s = job_j / 10,
                               .share = 1,
                               .slot = ECO_SLOT_ACTIVE};
}

static void the_point_estimate_decides_and_once(void **state)
{
    struct eco_factors factors = factors_of(&(struct eco_impact_choices){0});
    struct eco_budget budget = parse("100J");
    struct eco_charge at = charge_of(100), above = charge_of(100.1), later = charge_of(120),
                      less = charge_of(90);
    (void)state;
    assert_false(eco_budget_judge(&budget, &factors, &at)); /* 110 J at the upper end */
    assert_false(budget.is_exceeded);
    assert_true(isnan(budget.at_s));
    assert_true(eco_budget_judge(&budget, &factors, &above));
    eco_assert_near(budget.at_s, 10.01, 1e-9);
    assert_false(eco_budget_judge(&budget, &factors, &later));
    eco_assert_near(budget.used, 120, 1e-9);
    eco_assert_near(budget.used_low, 108, 1e-9);
    eco_assert_near(budget.at_s, 10.01, 1e-9);
    assert_false(eco_budget_judge(&budget, &factors, &less));
    assert_true(budget.is_exceeded);
}

/* 3.6 MJ = 1 kWh; 50 g per kWh, a PUE of 2: 100 g, and at 0.36 EUR 0.72 EUR. */
static void carbon_and_money_are_energy_by_the_factors(void **state)
{
    struct eco_factors factors =
        factors_of(&(struct eco_impact_choices){.carbon_intensity = "50", .pue = "2", .price = "0.36EUR"});
    struct eco_budget grams = parse("99gCO2e"), euros = parse("0.73EUR");
    struct eco_charge charge = charge_of(3.6e6), unknown = charge_of(ECO_NAN);
    (void)state;
    assert_true(eco_budget_judge(&grams, &factors, &charge));
    eco_assert_near(grams.used, 100, 1e-9);
    assert_false(eco_budget_judge(&euros, &factors, &charge));
    eco_assert_near(euros.used, 0.72, 1e-12);
    assert_false(eco_budget_judge(&euros, &factors, &unknown));
    assert_true(isnan(euros.used));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_read_in_their_unit),
        cmocka_unit_test(what_is_no_limit_is_refused),
        cmocka_unit_test(money_needs_a_price_in_its_currency),
        cmocka_unit_test(the_point_estimate_decides_and_once),
        cmocka_unit_test(carbon_and_money_are_energy_by_the_factors),
    };
    return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
