/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "impact/live.h"

#include <string.h>

static void add(struct eco_live_sum *sum, double uj, double g)
{
    const double energy[ECO_SLOT_COUNT] = {[ECO_SLOT_ACTIVE] = ECO_NAN, [ECO_SLOT_FULL] = uj};
    eco_live_sum_add(sum, energy, g);
}

/* 1 J before anything was known, 3 J at 100 g, 4 J at 50 g: (4 * 100 + 4 * 50) / 8. */
static void the_mean_is_weighted_by_energy(void **state)
{
    struct eco_live_sum sum;
    memset(&sum, 0, sizeof sum);
    (void)state;
    assert_true(isnan(eco_live_sum_covered(&sum, ECO_SLOT_FULL)));
    add(&sum, 1e6, 0);
    eco_assert_near(eco_live_sum_mean(&sum, ECO_SLOT_FULL), 0, 0);
    add(&sum, 3e6, 100);
    add(&sum, 4e6, 50);
    eco_assert_near(eco_live_sum_mean(&sum, ECO_SLOT_FULL), 75, 1e-9);
    eco_assert_near(eco_live_sum_covered(&sum, ECO_SLOT_FULL), 1, 1e-12);
    eco_assert_near(eco_live_sum_mean(&sum, ECO_SLOT_ACTIVE), 0, 0);
}

/* What was used while the newest value was too old has none, and that is told. */
static void too_old_is_not_covered(void **state)
{
    struct eco_live_sum sum;
    memset(&sum, 0, sizeof sum);
    (void)state;
    add(&sum, 3e6, 100);
    add(&sum, 1e6, -1);
    eco_assert_near(eco_live_sum_mean(&sum, ECO_SLOT_FULL), 100, 1e-9);
    eco_assert_near(eco_live_sum_covered(&sum, ECO_SLOT_FULL), 0.75, 1e-12);
}

static void places_have_the_sources_names(void **state)
{
    const struct eco_live_source *maps = eco_live_source_find("electricitymaps"),
                                 *watttime = eco_live_source_find("watttime"),
                                 *uk = eco_live_source_find("uk");
    (void)state;
    assert_null(eco_live_source_find("table"));
    assert_string_equal(eco_live_zone(maps, eco_place_find("FR", NULL)), "FR");
    assert_string_equal(eco_live_zone(maps, eco_place_find("aws:us-west-2", NULL)), "US-NW-BPAT");
    assert_null(eco_live_zone(maps, eco_place_find("US-CA", NULL)));
    assert_string_equal(eco_live_zone(watttime, eco_place_find("aws:us-west-1", NULL)), "CAISO_NORTH");
    assert_null(eco_live_zone(watttime, eco_place_find("FR", NULL)));
    assert_string_equal(eco_live_zone(uk, eco_place_find("UK", NULL)), "GB");
    assert_null(eco_live_zone(uk, eco_place_find("FR", NULL)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mean_is_weighted_by_energy),
        cmocka_unit_test(too_old_is_not_covered),
        cmocka_unit_test(places_have_the_sources_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
