/* SPDX-License-Identifier: MIT */
#include "sample.h"

#include "base/macros.h"
#include "sinks/tally.h"

#include <math.h>
#include <stdio.h>

#define J_PER_KWH 3.6e6
#define UNKNOWN   ((double)NAN)

static struct eco_factors factors_of(bool is_full)
{
    const struct eco_price none = {.amount = UNKNOWN};
    struct eco_factors factors = {
        .code = "WORLD",
        .place = "World",
        .intensity = {472.94, "Ember Yearly Electricity Data (CC BY 4.0)", 2024},
        .intensity_brief = "Ember",
        .method = "location_average",
        .resolution = "annual",
        .scope = "lifecycle",
        .intensity_spread = 0.25,
        .is_world = true,
        .pue = {1, NULL, 0},
        .wue = {UNKNOWN, NULL, 0},
        .water_off = {3.908, "WRI", 0},
        .water_off_low = 3.908,
        .water_off_high = 3.908,
        .price_kwh = none,
        .price_hour = none,
        .price_gpu_hour = none,
        .per_count = 1,
    };
    if (!is_full)
        return factors;
    factors.code = "FR";
    factors.place = "France";
    factors.location_origin = "option";
    factors.intensity.value = 44.18;
    factors.is_world = false;
    factors.pue = (struct eco_factor){1.2, "given", 0};
    factors.water_off = (struct eco_factor){3.6737, "WRI", 0};
    factors.water_off_low = 1.395;
    factors.water_off_high = 3.6737;
    factors.price_kwh = (struct eco_price){0.25, "EUR"};
    factors.price_hour = (struct eco_price){4.1, "USD"};
    (void)snprintf(factors.per, sizeof(factors.per), "epoch");
    factors.per_count = 20;
    return factors;
}

void sample_impact(struct eco_report *report, bool is_full)
{
    struct eco_impact *impact = &report->impact;
    struct eco_factors *f = &impact->factors;
    *impact = (struct eco_impact){.is_known = true, .factors = factors_of(is_full), .boundary = "components"};
    for (unsigned i = 0; i < report->slots; i++) {
        double it = report->sums[i].job_j / J_PER_KWH, facility = it * f->pue.value;
        double co2e = facility * f->intensity.value;
        impact->rows[i] = (struct eco_impact_row){.policy = eco_slot_policy_name(i, report->policy),
                                                  .energy_it_kwh = it,
                                                  .energy_facility_kwh = facility,
                                                  .co2e_g = co2e,
                                                  .co2e_low_g = co2e * 0.75,
                                                  .co2e_high_g = co2e * 1.25,
                                                  .water_l = facility * f->water_off.value,
                                                  .water_low_l = facility * f->water_off_low,
                                                  .water_high_l = facility * f->water_off_high,
                                                  .cost = facility * f->price_kwh.amount};
    }
    impact->hours = report->duration_s / 3600;
    impact->hour_cost = impact->hours * f->price_hour.amount;
    impact->gpu_hour_cost = UNKNOWN;
    impact->embodied.co2e_g = impact->sci.g_per_unit = UNKNOWN;
    if (!is_full)
        return;
    impact->embodied.co2e_g = 1.09;
    impact->embodied.lifetime_s = 4 * 365.25 * 86400;
    impact->embodied.share_basis = impact->sci.basis = "whole machine";
    impact->embodied.parts[0] = (struct eco_embodied_part){"machine", 180000, 1, 1.09, "given"};
    impact->embodied.part_count = 1;
    impact->sci.operational_g = impact->rows[ECO_SLOT_FULL].co2e_g;
    impact->sci.embodied_g = 1.09;
    impact->sci.energy_kwh = impact->rows[ECO_SLOT_FULL].energy_facility_kwh;
    impact->sci.g_per_unit = (impact->sci.operational_g + 1.09) / f->per_count;
    (void)snprintf(impact->equivalent, sizeof(impact->equivalent), "13 m by car");
    impact->equivalent_source = "175 g CO2/km";
    impact->equivalent_brief = "175 g/km, UK 2019";
}
