/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "impact/quantity.h"

#include <errno.h>

static void prices_have_a_currency(void **state)
{
    static const char *const good[] = {"0.25EUR", "0.25 eur", "0.25EUR/kWh", "0.25\xe2\x82\xac"};
    static const char *const bad[] = {"",         "0.25",      "EUR",    "0.25EURO",
                                      "-1EUR",    "0.25EUR/h", "1e3EUR", "0.25 EU",
                                      "0.25EUR/", "0..2EUR",   "nanEUR", "0.25E\xc3\x9cR"};
    struct eco_price price;
    struct eco_why why = {0};
    (void)state;
    for (size_t i = 0; i < ECO_COUNT(good); i++) {
        assert_int_equal(eco_parse_price(good[i], "kWh", &price, &why), 0);
        eco_assert_near(price.amount, 0.25, 1e-12);
        assert_string_equal(price.currency, "EUR");
    }
    for (size_t i = 0; i < ECO_COUNT(bad); i++) {
        assert_int_equal(eco_parse_price(bad[i], "kWh", &price, &why), -EINVAL);
        assert_string_equal(why.text, "a price per kWh with its currency: 0.25EUR");
    }
    assert_int_equal(eco_parse_price("4.10USD/h", "h", &price, &why), 0);
}

/* A mass is no intensity, a volume no mass: each unit is of one kind. */
static void units_are_not_mixed(void **state)
{
    double value = -1, other = -1;
    struct eco_why why = {0};
    (void)state;
    assert_int_equal(eco_parse_intensity("0.056kg/kWh", &value, &why), 0);
    eco_assert_near(value, 56, 1e-9);
    assert_int_equal(eco_parse_intensity("56g/kWh", &other, &why), 0);
    eco_assert_near(other, value, 1e-9);
    assert_int_equal(eco_parse_intensity("56kg", &value, &why), -EINVAL);
    assert_int_equal(eco_parse_intensity("5001", &value, &why), -EINVAL);
    assert_int_equal(eco_parse_mass("180kg", &value, &why), 0);
    eco_assert_near(value, 180000, 1e-6);
    assert_int_equal(eco_parse_mass("180", &value, &why), -EINVAL);
    assert_int_equal(eco_parse_mass("180L", &value, &why), -EINVAL);
    assert_int_equal(eco_parse_wue("0.18L/kWh", &value, &why), 0);
    assert_int_equal(eco_parse_wue("0.18kg/kWh", &value, &why), -EINVAL);
    assert_int_equal(eco_parse_pue("0.9", &value, &why), -EINVAL);
    assert_int_equal(eco_parse_pue("5.1", &value, &why), -EINVAL);
    assert_int_equal(eco_parse_pue("1.2", &value, &why), 0);
}

static void a_lifetime_is_in_years_and_the_like(void **state)
{
    double years, other;
    struct eco_why why = {0};
    (void)state;
    assert_int_equal(eco_parse_lifetime("4y", &years, &why), 0);
    eco_assert_near(years, 4 * 365.25 * 86400, 1e-3);
    assert_int_equal(eco_parse_lifetime("48mo", &other, &why), 0);
    eco_assert_near(other, years, 1e-3);
    assert_int_equal(eco_parse_lifetime("1461d", &other, &why), 0);
    eco_assert_near(other, years, 1e-3);
    assert_int_equal(eco_parse_lifetime("4", &other, &why), -EINVAL);
    assert_int_equal(eco_parse_lifetime("0y", &other, &why), -EINVAL);
}

static void a_wall_factor_has_two_parts(void **state)
{
    static const char *const bad[] = {"", "85", "85,", ",1.2", "85,0.5", "85,1.2,3", "85kg,1.2", "-1,1.2"};
    double watts, ratio;
    struct eco_why why = {0};
    (void)state;
    assert_int_equal(eco_parse_wall("85W,1.21", &watts, &ratio, &why), 0);
    eco_assert_near(watts, 85, 1e-9);
    eco_assert_near(ratio, 1.21, 1e-9);
    for (size_t i = 0; i < ECO_COUNT(bad); i++)
        assert_int_equal(eco_parse_wall(bad[i], &watts, &ratio, &why), -EINVAL);
}

static void a_unit_of_work_has_a_name(void **state)
{
    char name[8];
    double count;
    struct eco_why why = {0};
    (void)state;
    assert_int_equal(eco_parse_per("epoch=20", name, sizeof name, &count, &why), 0);
    assert_string_equal(name, "epoch");
    eco_assert_near(count, 20, 1e-12);
    assert_int_equal(eco_parse_per("epoch", name, sizeof name, &count, &why), 0);
    eco_assert_near(count, 1, 1e-12);
    assert_int_equal(eco_parse_per("epoch=0", name, sizeof name, &count, &why), -EINVAL);
    assert_int_equal(eco_parse_per("=3", name, sizeof name, &count, &why), -EINVAL);
    assert_int_equal(eco_parse_per("far-too-long=3", name, sizeof name, &count, &why), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prices_have_a_currency),
        cmocka_unit_test(units_are_not_mixed),
        cmocka_unit_test(a_lifetime_is_in_years_and_the_like),
        cmocka_unit_test(a_wall_factor_has_two_parts),
        cmocka_unit_test(a_unit_of_work_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
