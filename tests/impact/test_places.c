/* SPDX-License-Identifier: MIT */
/*
 * Factors of ten places, as their sources print them, against what the program takes. Where a source prints
 * parts the arithmetic is written out.
 */
#include "support/test.h"

#include "impact/impact.h"
#include "impact/places.h"

#include <string.h>

#define LB_G 453.59237 /* grams of a pound */

static struct eco_factors factors_of(const char *location)
{
    struct eco_factors factors;
    struct eco_why why = {0};
    const struct eco_impact_choices choices = {.location = location};
    assert_int_equal(eco_factors_init(&factors, &choices, &why), 0);
    return factors;
}

/* eGRID prints lb/MWh of each gas; CO2e with the warming potentials of AR5, 28 and 265. */
static double egrid(double co2, double ch4, double n2o)
{
    return (co2 + 28 * ch4 + 265 * n2o) * LB_G / 1000;
}

static void ten_places_as_their_sources_print_them(void **state)
{
    const struct {
        const char *location, *brief, *scope;
        double g_per_kwh, tolerance, pue;
        unsigned year;
    } table[] = {
        /* Ember, Yearly Electricity Data, emissions intensity of 2024, gCO2e/kWh */
        {"FR", "Ember", "lifecycle", 44.18, 1e-9, 1, 2024},
        {"DEU", "Ember", "lifecycle", 342.06, 1e-9, 1, 2024},
        {"us", "Ember", "lifecycle", 383.55, 1e-9, 1, 2024},
        {"India", "Ember", "lifecycle", 708.96, 1e-9, 1, 2024},
        {"UK", "Ember", "lifecycle", 215.79, 1e-9, 1, 2024},
        {"WORLD", "Ember", "lifecycle", 472.94, 1e-9, 1, 2024},
        /* EPA eGRID2022, total output emission rates: 497.443, 0.030, 0.004 and 823.149, 0.066, 0.009 lb/MWh
         */
        {"egrid:CAMX", "EPA eGRID", "direct", egrid(497.443, 0.030, 0.004), 0.05, 1, 2022},
        {"egrid:US", "EPA eGRID", "direct", egrid(823.149, 0.066, 0.009), 0.05, 1, 2022},
        /* eGRID 2020 by state, as carbonfootprint.com and Green Algorithms print it */
        {"US-CA", "EPA eGRID", "direct", 216.43, 1e-9, 1, 2020},
        /* real-time-cloud: Electricity Maps' annual mean; no PUE of the region, so the provider's mean */
        {"aws:eu-west-3", "Electricity Maps", "lifecycle", 52.87, 1e-9, 1.135, 2023},
        /* Google's own figure and PUE of 2024 */
        {"gcp:europe-west1", "Google", "direct", 103.37, 1e-9, 1.09, 2024},
        /* no figure of the region: its country's */
        {"azure:northeurope", "Ember", "lifecycle", 279.79, 1e-9, 1.185, 2024},
    };
    (void)state;
    for (size_t i = 0; i < ECO_COUNT(table); i++) {
        struct eco_factors factors = factors_of(table[i].location);
        eco_assert_near(factors.intensity.value, table[i].g_per_kwh, table[i].tolerance);
        assert_string_equal(factors.intensity_brief, table[i].brief);
        assert_string_equal(factors.scope, table[i].scope);
        assert_int_equal(factors.intensity.year, table[i].year);
        eco_assert_near(factors.pue.value, table[i].pue, 1e-9);
        assert_int_equal(factors.pue.source != NULL, table[i].pue > 1);
    }
}

/* 0 g (all hydropower, whose life is not free) and 1306 g (gas, 490 at most) are not to be believed. */
static void implausible_figures_are_the_worlds_mean_and_say_so(void **state)
{
    const char *const places[] = {"CF", "TM"};
    (void)state;
    for (size_t i = 0; i < ECO_COUNT(places); i++) {
        struct eco_factors factors = factors_of(places[i]);
        assert_string_equal(factors.code, places[i]);
        assert_true(factors.is_world);
        eco_assert_near(factors.intensity.value, 472.94, 1e-9);
    }
    assert_false(factors_of("FR").is_world);
}

static void nowhere_is_the_world(void **state)
{
    struct eco_factors factors = factors_of(NULL);
    (void)state;
    assert_string_equal(factors.code, "WORLD");
    assert_null(factors.location_origin);
    assert_true(factors.is_world);
    eco_assert_near(factors.water_off.value, 3.908, 1e-9);
}

/* France by WRI 3.6737 L/kWh; by the mix 3.154 with the evaporation of reservoirs, 1.395 without. */
static void water_is_a_range(void **state)
{
    struct eco_factors factors = factors_of("aws:eu-west-3");
    (void)state;
    eco_assert_near(factors.water_off.value, 3.6737, 1e-9);
    eco_assert_near(factors.water_off_low, 1.395, 1e-9);
    eco_assert_near(factors.water_off_high, 3.6737, 1e-9);
    eco_assert_near(factors.wue.value, 0.18, 1e-9);
    assert_true(isnan(factors_of("FR").wue.value));
}

static void every_place_can_be_reckoned_with(void **state)
{
    (void)state;
    assert_in_range(eco_place_count, 350, 1000);
    for (unsigned i = 0; i < eco_place_count; i++) {
        const struct eco_place *place = &eco_places[i];
        struct eco_why why;
        assert_ptr_equal(eco_place_find(place->code, &why), place);
        assert_true(place->g_per_kwh >= 0 && place->g_per_kwh < 1200);
        if (place->g_per_kwh > 0) {
            assert_non_null(eco_scope_name(place->scope));
            assert_true(place->year >= 2009 && *eco_place_sources[place->source].brief);
        }
        assert_true(place->pue < 0.5 || (place->pue >= 1 && place->pue < 2));
        assert_true(place->water_low <= place->water && place->water <= place->water_high);
        assert_true((strchr(place->code, ':') && *place->code != 'e') == (place->pue > 0));
    }
}

static void check_near(const char *typed, const char *offered)
{
    struct eco_why why = {0};
    assert_null(eco_place_find(typed, &why));
    assert_non_null(strstr(why.text, offered));
}

static void the_nearest_is_offered(void **state)
{
    (void)state;
    check_near("Frnace", "FR, France");
    check_near("eu-west-3", "aws:eu-west-3");
    check_near("aws:eu-west-33", "aws:eu-west-3");
    check_near("US-XX", "--location list");
    check_near("zz", "a country (FR)");
    check_near("", "a country (FR)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_places_as_their_sources_print_them),
        cmocka_unit_test(implausible_figures_are_the_worlds_mean_and_say_so),
        cmocka_unit_test(nowhere_is_the_world),
        cmocka_unit_test(water_is_a_range),
        cmocka_unit_test(every_place_can_be_reckoned_with),
        cmocka_unit_test(the_nearest_is_offered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
