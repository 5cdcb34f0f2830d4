/* SPDX-License-Identifier: MIT */
/* The arithmetic of docs/impact.md, with numbers. */
#include "support/test.h"

#include "impact/impact.h"

#include <errno.h>
#include <string.h>

static struct eco_factors init(const struct eco_impact_choices *choices)
{
    struct eco_factors factors;
    struct eco_why why = {0};
    assert_int_equal(eco_factors_init(&factors, choices, &why), 0);
    return factors;
}

/* One hour, 1.8 MJ = 0.5 kWh own, 3.6 MJ = 1 kWh with idle, of a machine that used 3.6 MJ. */
static struct eco_impact_input hour(void)
{
    return (struct eco_impact_input){
        .duration_s = 3600,
        .rows = {{.policy = "active", .job_j = 1.8e6, .low_j = 1.71e6, .high_j = 1.89e6, .share = 0.5},
                 {.policy = "full", .job_j = 3.6e6, .low_j = 3.6e6, .high_j = 3.6e6, .share = 1}},
        .gpu_s = 2 * 3600,
        .reserved_j = 3.6e6,
        .reserved_share = 1,
        .reserved_by = "whole machine",
        .sockets = 2,
        .memory_bytes = 256000000000,
        .gpus = 8,
        .gpus_used = 2,
    };
}

static void carbon_is_energy_times_pue_times_intensity(void **state)
{
    struct eco_factors factors = init(&(struct eco_impact_choices){.location = "FR", .pue = "1.5"});
    struct eco_impact_input input = hour();
    struct eco_impact impact;
    (void)state;
    eco_impact_reckon(&factors, &input, &impact);
    assert_string_equal(impact.boundary, "components");
    eco_assert_near(impact.rows[0].energy_it_kwh, 0.5, 1e-12);
    eco_assert_near(impact.rows[0].energy_facility_kwh, 0.75, 1e-12);
    eco_assert_near(impact.rows[0].co2e_g, 0.75 * 44.18, 1e-9);
    eco_assert_near(impact.rows[1].co2e_g, 1.5 * 44.18, 1e-9);
    assert_null(impact.rows[2].policy);
    eco_assert_near(eco_impact_co2e_g(&factors, 1.8e6, 3600, 0.5), impact.rows[0].co2e_g, 1e-12);
}

/* 5 % of the energy and 25 % of the factor: sqrt(0.0025 + 0.0625) = 0.25495. A figure that was given is
 * taken. */
static void the_interval_has_both_uncertainties(void **state)
{
    struct eco_factors table = init(&(struct eco_impact_choices){.location = "FR"});
    struct eco_factors given = init(&(struct eco_impact_choices){.carbon_intensity = "44.18"});
    struct eco_impact_input input = hour();
    struct eco_impact impact;
    (void)state;
    eco_impact_reckon(&table, &input, &impact);
    eco_assert_near(impact.rows[0].co2e_low_g, 22.09 * (1 - 0.2549510), 1e-5);
    eco_assert_near(impact.rows[0].co2e_high_g, 22.09 * (1 + 0.2549510), 1e-5);
    eco_assert_near(impact.rows[1].co2e_high_g, 44.18 * 1.25, 1e-9);
    eco_impact_reckon(&given, &input, &impact);
    eco_assert_near(impact.rows[0].co2e_g, 22.09, 1e-9);
    eco_assert_near(impact.rows[0].co2e_low_g, 22.09 * 0.95, 1e-9);
    eco_assert_near(impact.rows[1].co2e_high_g, 44.18, 1e-9);
}

/* The same run by a yearly figure of another scope: the ratio is that of the factors, and both are labelled.
 */
static void two_methods_differ_as_their_factors_do(void **state)
{
    struct eco_factors ember = init(&(struct eco_impact_choices){.location = "US"});
    struct eco_factors egrid = init(&(struct eco_impact_choices){.location = "egrid:US"});
    struct eco_impact_input input = hour();
    struct eco_impact a, b;
    (void)state;
    eco_impact_reckon(&ember, &input, &a);
    eco_impact_reckon(&egrid, &input, &b);
    eco_assert_near(a.rows[1].co2e_g, 383.55, 1e-9);
    eco_assert_near(b.rows[1].co2e_g, 375.3, 1e-9);
    assert_string_equal(a.factors.scope, "lifecycle");
    assert_string_equal(b.factors.scope, "direct");
}

/* Sum of E_i * I_i over frames: a row's own mean intensity takes the place of the factor's. */
static void frames_may_bring_their_own_intensity(void **state)
{
    struct eco_factors factors = init(&(struct eco_impact_choices){.location = "FR"});
    struct eco_impact_input input = hour();
    struct eco_impact impact;
    (void)state;
    input.rows[0].intensity_g_per_kwh = (0.2 * 100 + 0.3 * 50) / 0.5;
    eco_impact_reckon(&factors, &input, &impact);
    eco_assert_near(impact.rows[0].co2e_g, 0.2 * 100 + 0.3 * 50, 1e-9);
    eco_assert_near(impact.rows[1].co2e_g, 44.18, 1e-9);
}

/* 0.5 kWh * 0.18 L at the site + 0.5 * 1.135 kWh * 3.6737 L where it was made. */
static void water_is_on_site_and_off_site(void **state)
{
    struct eco_factors factors = init(&(struct eco_impact_choices){.location = "aws:eu-west-3"});
    struct eco_impact_input input = hour();
    struct eco_impact impact;
    (void)state;
    eco_impact_reckon(&factors, &input, &impact);
    eco_assert_near(impact.rows[0].water_l, 0.5 * 0.18 + 0.5 * 1.135 * 3.6737, 1e-9);
    eco_assert_near(impact.rows[0].water_low_l, (0.5 * 0.18 + 0.5 * 1.135 * 1.395) * 0.95, 1e-9);
    assert_true(isnan(impact.rows[0].cost));
}

/* The Threadripper of the method: 85 W for half of the hour's use, and 1.21 times what was measured. */
static void the_wall_has_a_constant_part(void **state)
{
    struct eco_factors factors =
        init(&(struct eco_impact_choices){.location = "FR", .wall_factor = "85,1.21"});
    struct eco_impact_input input = hour();
    struct eco_impact impact;
    (void)state;
    eco_impact_reckon(&factors, &input, &impact);
    assert_string_equal(impact.boundary, "wall");
    eco_assert_near(impact.rows[0].energy_it_kwh, 0.085 * 0.5 + 1.21 * 0.5, 1e-12);
}

static void money_by_energy_and_by_the_hour_stand_apart(void **state)
{
    struct eco_factors factors = init(&(struct eco_impact_choices){
        .price = "0.25EUR", .price_hour = "4.10USD", .price_gpu_hour = "2.50USD", .pue = "1.2"});
    struct eco_impact_input input = hour();
    struct eco_impact impact;
    (void)state;
    eco_impact_reckon(&factors, &input, &impact);
    eco_assert_near(impact.rows[0].cost, 0.5 * 1.2 * 0.25, 1e-12);
    eco_assert_near(impact.hour_cost, 4.10, 1e-12);
    eco_assert_near(impact.gpu_hour_cost, 2 * 2.50, 1e-12);
    assert_string_equal(impact.factors.price_kwh.currency, "EUR");
    assert_string_equal(impact.factors.price_gpu_hour.currency, "USD");
}

/* 180 kg over 4 years of 8766 h: 180000 / 35064 = 5.1335 g in an hour. No PUE. SCI adds 1 kWh * 44.18 g,
 * by 20. */
static void sci_is_by_what_is_reserved(void **state)
{
    struct eco_factors factors = init(&(struct eco_impact_choices){
        .location = "FR", .embodied = "180kg", .lifetime = "4y", .per = "epoch=20"});
    struct eco_impact_input input = hour();
    struct eco_impact impact;
    (void)state;
    eco_impact_reckon(&factors, &input, &impact);
    eco_assert_near(impact.embodied.co2e_g, 180000 / 35064.0, 1e-9);
    eco_assert_near(impact.sci.g_per_unit, (44.18 + 180000 / 35064.0) / 20, 1e-9);
    assert_string_equal(impact.sci.basis, "whole machine");

    input.reserved_share = 0.25;
    eco_impact_reckon(&factors, &input, &impact);
    eco_assert_near(impact.embodied.co2e_g, 0.25 * 180000 / 35064.0, 1e-9);

    input.reserved_share = ECO_NAN;
    input.reserved_j = ECO_NAN;
    eco_impact_reckon(&factors, &input, &impact);
    assert_true(isnan(impact.embodied.co2e_g) && isnan(impact.sci.g_per_unit));
}

/* A server by parts: 1000 kg, a second CPU 100, 256 GB at 1.388, a quarter of 8 GPUs at 150; 35064 h. */
static void a_server_is_amortised_by_parts(void **state)
{
    struct eco_factors factors = init(&(struct eco_impact_choices){.embodied = "server"});
    struct eco_impact_input input = hour();
    struct eco_impact impact;
    (void)state;
    eco_impact_reckon(&factors, &input, &impact);
    assert_int_equal(impact.embodied.part_count, 4);
    eco_assert_near(impact.embodied.co2e_g, (1000 + 100 + 256 * 1.388 + 8 * 150 * 0.25) * 1000 / 35064, 1e-6);
    assert_true(isnan(init(&(struct eco_impact_choices){.location = "FR"}).price_kwh.amount));
}

static void what_is_unknown_stays_unknown(void **state)
{
    struct eco_factors factors = init(&(struct eco_impact_choices){.location = "FR", .price = "1EUR"});
    struct eco_impact_input input = hour();
    struct eco_impact impact;
    (void)state;
    input.rows[0].job_j = input.rows[0].low_j = input.rows[0].high_j = ECO_NAN;
    eco_impact_reckon(&factors, &input, &impact);
    assert_true(isnan(impact.rows[0].co2e_g) && isnan(impact.rows[0].co2e_low_g) &&
                isnan(impact.rows[0].water_l) && isnan(impact.rows[0].cost));
    assert_true(isfinite(impact.rows[1].co2e_g));
    assert_true(isnan(impact.embodied.co2e_g) && isnan(impact.sci.g_per_unit) && isnan(impact.hour_cost));
}

/* 44.18 g at 175 g/km: 252 m, told as 250. */
static void an_equivalent_has_two_digits_and_a_source(void **state)
{
    struct eco_factors factors = init(&(struct eco_impact_choices){.location = "FR"});
    struct eco_impact_input input = hour();
    struct eco_impact impact;
    (void)state;
    input.rows[0].job_j = 3.6e6;
    eco_impact_reckon(&factors, &input, &impact);
    assert_string_equal(impact.equivalent, "250 m by car");
    assert_non_null(strstr(impact.equivalent_source, "175 g CO2/km"));
    input.rows[0].job_j = 3.6e9;
    eco_impact_reckon(&factors, &input, &impact);
    assert_string_equal(impact.equivalent, "250 km by car");
    input.rows[0].job_j = 3.6e3;
    eco_impact_reckon(&factors, &input, &impact);
    assert_string_equal(impact.equivalent, "");
}

static void what_is_wrong_is_told(void **state)
{
    const struct eco_impact_choices bad[] = {
        {.location = "nowhere"},
        {.carbon_intensity = "-1"},
        {.pue = "x"},
        {.wue = "x"},
        {.price = "1"},
        {.price_hour = "1"},
        {.price_gpu_hour = "1"},
        {.embodied = "1"},
        {.lifetime = "1"},
        {.wall_factor = "1"},
        {.per = ""},
    };
    (void)state;
    for (size_t i = 0; i < ECO_COUNT(bad); i++) {
        struct eco_factors factors;
        struct eco_why why = {0};
        assert_int_equal(eco_factors_init(&factors, &bad[i], &why), -EINVAL);
        assert_true(*why.text != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carbon_is_energy_times_pue_times_intensity),
        cmocka_unit_test(the_interval_has_both_uncertainties),
        cmocka_unit_test(two_methods_differ_as_their_factors_do),
        cmocka_unit_test(frames_may_bring_their_own_intensity),
        cmocka_unit_test(water_is_on_site_and_off_site),
        cmocka_unit_test(the_wall_has_a_constant_part),
        cmocka_unit_test(money_by_energy_and_by_the_hour_stand_apart),
        cmocka_unit_test(sci_is_by_what_is_reserved),
        cmocka_unit_test(a_server_is_amortised_by_parts),
        cmocka_unit_test(what_is_unknown_stays_unknown),
        cmocka_unit_test(an_equivalent_has_two_digits_and_a_source),
        cmocka_unit_test(what_is_wrong_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
