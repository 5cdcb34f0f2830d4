/* SPDX-License-Identifier: MIT */
/* The key "impact" of the run report. What is not known is null. */
#include "sinks/report_json.h"

#include "sinks/number.h"

#include <math.h>

/* "pue": 1.135, "pue_source": "...", "pue_year": 2023 */
static void put_source(struct eco_json *json, const char *source_key, const char *year_key,
                       const struct eco_factor *factor)
{
    eco_json_kstring(json, source_key, factor->source);
    if (factor->year)
        eco_json_ku64(json, year_key, factor->year);
    else
        eco_json_knull(json, year_key);
}

static void put_currency(struct eco_json *json, const char *key, const struct eco_price *price)
{
    eco_json_kstring(json, key, isfinite(price->amount) ? price->currency : NULL);
}

static void put_water(struct eco_json *json, const struct eco_factors *factors)
{
    double on_site = isfinite(factors->wue.value) ? factors->wue.value : 0;
    eco_json_kdouble(json, "water_l_per_kwh", on_site + factors->pue.value * factors->water_off.value);
    eco_json_kdouble(json, "water_on_site_l_per_kwh", factors->wue.value);
    put_source(json, "water_on_site_source", "water_on_site_year", &factors->wue);
    eco_json_kdouble(json, "water_off_site_l_per_kwh", factors->water_off.value);
    eco_json_kdouble(json, "water_off_site_low_l_per_kwh", factors->water_off_low);
    eco_json_kdouble(json, "water_off_site_high_l_per_kwh", factors->water_off_high);
    put_source(json, "water_off_site_source", "water_off_site_year", &factors->water_off);
}

/* Asked for while the job ran; null: a figure of a table, or one that was given. */
static void put_live(struct eco_json *json, const struct eco_factors *factors)
{
    eco_json_key(json, "live");
    if (!factors->live) {
        eco_json_null(json);
        return;
    }
    char at[ECO_TIME_TEXT_MAX];
    eco_time_format(factors->live_at_real_s * (int64_t)ECO_NS_PER_S, at);
    eco_json_open(json, '{');
    eco_json_kstring(json, "source", factors->live);
    eco_json_kstring(json, "zone", factors->live_zone);
    eco_json_ku64(json, "values", factors->live_values);
    eco_json_kdouble(json, "covered_ratio", factors->live_covered);
    eco_json_kdouble(json, "age_s", factors->live_age_s);
    eco_json_kstring(json, "at", factors->live_at_real_s > 0 ? at : NULL);
    eco_json_close(json, '}');
}

static void put_factors(struct eco_json *json, const struct eco_factors *factors)
{
    eco_json_key(json, "factors");
    eco_json_open(json, '{');
    eco_json_key(json, "location");
    eco_json_open(json, '{');
    eco_json_kstring(json, "code", factors->code);
    eco_json_kstring(json, "name", factors->place);
    eco_json_kstring(json, "source", factors->location_origin ? factors->location_origin : "default");
    eco_json_close(json, '}');
    eco_json_kdouble(json, "pue", factors->pue.value);
    put_source(json, "pue_source", "pue_year", &factors->pue);
    eco_json_kdouble(json, "intensity_g_per_kwh", factors->intensity.value);
    put_source(json, "intensity_source", "intensity_year", &factors->intensity);
    eco_json_kdouble(json, "intensity_spread_ratio", factors->intensity_spread);
    eco_json_kbool(json, "is_world_mean", factors->is_world);
    eco_json_kstring(json, "method", factors->method);
    eco_json_kstring(json, "resolution", factors->resolution);
    eco_json_kstring(json, "scope", factors->scope);
    put_water(json, factors);
    eco_json_kdouble(json, "price_per_kwh", factors->price_kwh.amount);
    put_currency(json, "currency", &factors->price_kwh);
    put_live(json, factors);
    eco_json_key(json, "wall_factor");
    if (factors->has_wall) {
        eco_json_open(json, '{');
        eco_json_kdouble(json, "constant_w", factors->wall_w);
        eco_json_kdouble(json, "ratio", factors->wall_ratio);
        eco_json_close(json, '}');
    } else {
        eco_json_null(json);
    }
    eco_json_close(json, '}');
}

static void put_rows(struct eco_json *json, const struct eco_impact *impact)
{
    eco_json_key(json, "by_policy");
    eco_json_open(json, '{');
    for (unsigned i = 0; i < ECO_IMPACT_ROWS_MAX && impact->rows[i].policy; i++) {
        const struct eco_impact_row *row = &impact->rows[i];
        eco_json_key(json, row->policy);
        eco_json_open(json, '{');
        eco_json_kdouble(json, "energy_it_kwh", row->energy_it_kwh);
        eco_json_kdouble(json, "energy_facility_kwh", row->energy_facility_kwh);
        eco_json_kdouble(json, "co2e_g", row->co2e_g);
        eco_json_kdouble(json, "co2e_low_g", row->co2e_low_g);
        eco_json_kdouble(json, "co2e_high_g", row->co2e_high_g);
        eco_json_kdouble(json, "water_l", row->water_l);
        eco_json_kdouble(json, "water_low_l", row->water_low_l);
        eco_json_kdouble(json, "water_high_l", row->water_high_l);
        eco_json_kdouble(json, "cost", row->cost);
        eco_json_close(json, '}');
    }
    eco_json_close(json, '}');
}

/* What clouds bill; apart from what electricity costs. */
static void put_hours(struct eco_json *json, const struct eco_impact *impact)
{
    const struct eco_factors *factors = &impact->factors;
    eco_json_key(json, "by_hour");
    if (!isfinite(factors->price_hour.amount) && !isfinite(factors->price_gpu_hour.amount)) {
        eco_json_null(json);
        return;
    }
    eco_json_open(json, '{');
    eco_json_kdouble(json, "hours", impact->hours);
    eco_json_kdouble(json, "price_per_hour", factors->price_hour.amount);
    put_currency(json, "currency", &factors->price_hour);
    eco_json_kdouble(json, "cost", impact->hour_cost);
    eco_json_kdouble(json, "gpu_hours", impact->gpu_hours);
    eco_json_kdouble(json, "price_per_gpu_hour", factors->price_gpu_hour.amount);
    put_currency(json, "gpu_currency", &factors->price_gpu_hour);
    eco_json_kdouble(json, "gpu_cost", impact->gpu_hour_cost);
    eco_json_close(json, '}');
}

static void put_embodied(struct eco_json *json, const struct eco_impact *impact)
{
    eco_json_key(json, "embodied");
    if (!isfinite(impact->embodied.co2e_g)) {
        eco_json_null(json);
        return;
    }
    eco_json_open(json, '{');
    eco_json_kdouble(json, "co2e_g", impact->embodied.co2e_g);
    eco_json_kdouble(json, "lifetime_s", impact->embodied.lifetime_s);
    eco_json_kstring(json, "share_basis", impact->embodied.share_basis);
    eco_json_key(json, "parts");
    eco_json_open(json, '[');
    for (unsigned i = 0; i < impact->embodied.part_count; i++) {
        const struct eco_embodied_part *part = &impact->embodied.parts[i];
        eco_json_open(json, '{');
        eco_json_kstring(json, "name", part->name);
        eco_json_kdouble(json, "whole_g", part->whole_g);
        eco_json_kdouble(json, "share", part->share);
        eco_json_kdouble(json, "co2e_g", part->co2e_g);
        eco_json_kstring(json, "source", part->source);
        eco_json_close(json, '}');
    }
    eco_json_close(json, ']');
    eco_json_close(json, '}');
}

static void put_sci(struct eco_json *json, const struct eco_impact *impact)
{
    const struct eco_factors *factors = &impact->factors;
    eco_json_key(json, "sci");
    if (!isfinite(impact->sci.g_per_unit)) {
        eco_json_null(json);
        return;
    }
    eco_json_open(json, '{');
    eco_json_kdouble(json, "g_per_unit", impact->sci.g_per_unit);
    eco_json_kstring(json, "unit", *factors->per ? factors->per : "run");
    eco_json_kdouble(json, "count", factors->per_count);
    eco_json_kdouble(json, "energy_kwh", impact->sci.energy_kwh);
    eco_json_kdouble(json, "operational_g", impact->sci.operational_g);
    eco_json_kdouble(json, "embodied_g", impact->sci.embodied_g);
    eco_json_kstring(json, "basis", impact->sci.basis);
    eco_json_close(json, '}');
}

static void put_equivalents(struct eco_json *json, const struct eco_impact *impact)
{
    eco_json_key(json, "equivalents");
    eco_json_open(json, '[');
    if (*impact->equivalent) {
        eco_json_open(json, '{');
        eco_json_kstring(json, "text", impact->equivalent);
        eco_json_kstring(json, "source", impact->equivalent_source);
        eco_json_close(json, '}');
    }
    eco_json_close(json, ']');
}

void eco_report_json_impact(struct eco_json *json, const struct eco_impact *impact,
                            const struct eco_course *course)
{
    eco_json_key(json, "impact");
    if (!impact->is_known) {
        eco_json_null(json);
        return;
    }
    eco_json_open(json, '{');
    eco_json_kstring(json, "boundary", impact->boundary);
    eco_json_kbool(json, "is_lower_bound", !impact->factors.has_wall);
    put_factors(json, &impact->factors);
    put_rows(json, impact);
    eco_json_knull(json, "market_based");
    put_hours(json, impact);
    put_embodied(json, impact);
    put_sci(json, impact);
    eco_report_json_predicted_impact(json, course);
    put_equivalents(json, impact);
    eco_json_close(json, '}');
}
