/* SPDX-License-Identifier: MIT */
/* What a stored report says of CO2e, water and cost, as far as its lines in the text need it. */
#include "base/text.h"
#include "history/stored_parts.h"

#include <string.h>

static void read_factors(const json_t *from, struct eco_factors *factors)
{
    const json_t *location = json_object_get(from, "location");
    const char *code = eco_stored_text(location, "code"), *place = eco_stored_text(location, "name");
    const char *origin = eco_stored_text(location, "source"), *currency = eco_stored_text(from, "currency");
    const char *method = eco_stored_text(from, "method");
    factors->code = code ? code : "";
    factors->place = place ? place : factors->code;
    factors->location_origin = origin && strcmp(origin, "default") != 0 ? origin : NULL;
    factors->intensity.value = eco_stored_number(from, "intensity_g_per_kwh");
    factors->intensity.source = eco_stored_text(from, "intensity_source");
    factors->intensity.year = (unsigned)eco_stored_count(from, "intensity_year");
    factors->intensity_brief = factors->intensity.source ? factors->intensity.source : "given";
    factors->method = method ? method : "";
    factors->resolution = eco_stored_text(from, "resolution");
    factors->scope = eco_stored_text(from, "scope");
    factors->is_world = json_is_true(json_object_get(from, "is_world_mean"));
    factors->pue.value = eco_stored_number(from, "pue");
    factors->pue.source = eco_stored_text(from, "pue_source");
    factors->price_kwh.amount = eco_stored_number(from, "price_per_kwh");
    (void)eco_text_copy(factors->price_kwh.currency, sizeof factors->price_kwh.currency,
                        currency ? currency : "");
}

static void read_row(const json_t *from, struct eco_impact_row *row)
{
    row->energy_it_kwh = eco_stored_number(from, "energy_it_kwh");
    row->energy_facility_kwh = eco_stored_number(from, "energy_facility_kwh");
    row->co2e_g = eco_stored_number(from, "co2e_g");
    row->co2e_low_g = eco_stored_number(from, "co2e_low_g");
    row->co2e_high_g = eco_stored_number(from, "co2e_high_g");
    row->water_l = eco_stored_number(from, "water_l");
    row->water_low_l = eco_stored_number(from, "water_low_l");
    row->water_high_l = eco_stored_number(from, "water_high_l");
    row->cost = eco_stored_number(from, "cost");
}

void eco_stored_impact(const json_t *object, struct eco_impact *ret)
{
    static const char *const policies[] = {"active", "full"};
    const json_t *by_policy = json_object_get(object, "by_policy");
    const char *boundary = eco_stored_text(object, "boundary");
    const json_t *hours = json_object_get(object, "by_hour");
    if (!json_is_object(object))
        return;
    ret->is_known = true;
    ret->boundary = boundary ? boundary : "components";
    read_factors(json_object_get(object, "factors"), &ret->factors);
    for (unsigned i = 0; i < ECO_COUNT(policies); i++) {
        ret->rows[i].policy = policies[i];
        read_row(json_object_get(by_policy, policies[i]), &ret->rows[i]);
    }
    ret->hour_cost = eco_stored_number(hours, "cost");
    ret->gpu_hour_cost = eco_stored_number(hours, "gpu_cost");
    ret->embodied.co2e_g = ECO_NAN;
    ret->sci.g_per_unit = ECO_NAN;
}
