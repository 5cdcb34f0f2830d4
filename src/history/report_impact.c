/* SPDX-License-Identifier: MIT */
/* Carbon, water and money, with every factor and where it comes from. What the report does not have is not
 * shown. */
#include "history/member.h"
#include "history/report_facts.h"
#include "history/report_sections.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROWS_MAX   64
#define S_PER_YEAR (365.25 * 86400)
#define WH_PER_KWH 1e3

static void put_scaled(struct eco_doc *doc, double value, const char *unit)
{
    char text[ECO_FIGURE_MAX];
    eco_fact_scaled(value, unit, text);
    eco_doc_cell(doc, "%s", isfinite(value) ? text : "-");
}

static void put_range(struct eco_doc *doc, const json_t *row, const char *value, const char *low,
                      const char *high, const char *unit)
{
    char text[3 * ECO_FIGURE_MAX];
    eco_fact_range(eco_member_number(row, value), eco_member_number(row, low), eco_member_number(row, high),
                   unit, text, sizeof text);
    eco_doc_cell(doc, "%s", text[0] ? text : "-");
}

static void put_money(struct eco_doc *doc, double amount, const char *currency)
{
    char text[ECO_FIGURE_MAX];
    eco_fact_quantity(eco_fact_rounded(amount), currency ? currency : "", text);
    eco_doc_cell(doc, "%s", isfinite(amount) ? text : "-");
}

static void put_policies(struct eco_doc *doc, const json_t *impact)
{
    static const struct eco_doc_column columns[] = {{"policy", false},  {"energy", true},
                                                    {"with PUE", true}, {"CO2e", true},
                                                    {"water", true},    {"electricity", true}};
    json_t *policies = json_object_get(impact, "by_policy"), *row;
    const char *policy, *currency = eco_member_text(json_object_get(impact, "factors"), "currency");
    eco_doc_table(doc, columns, ECO_COUNT(columns));
    json_object_foreach(policies, policy, row)
    {
        if (!json_is_object(row))
            continue;
        eco_doc_cell(doc, "%.40s", policy);
        put_scaled(doc, eco_member_number(row, "energy_it_kwh") * WH_PER_KWH, "Wh");
        put_scaled(doc, eco_member_number(row, "energy_facility_kwh") * WH_PER_KWH, "Wh");
        put_range(doc, row, "co2e_g", "co2e_low_g", "co2e_high_g", "g");
        put_range(doc, row, "water_l", "water_low_l", "water_high_l", "L");
        put_money(doc, eco_member_number(row, "cost"), currency);
    }
    eco_doc_table_end(doc);
}

/* Value, source and year are members beside each other: X, X_source, X_year. */
static void put_factor(struct eco_doc *doc, const json_t *factors, const char *words, const char *key,
                       const char *origin, const char *unit)
{
    char name[64], value[ECO_FIGURE_MAX];
    double number = eco_member_number(factors, key);
    if (!isfinite(number))
        return;
    eco_fact_quantity(number, unit, value);
    eco_doc_cell(doc, "%s", words);
    eco_doc_cell(doc, "%s", value);
    (void)snprintf(name, sizeof name, "%s_source", origin);
    const char *source = eco_member_text(factors, name);
    (void)snprintf(name, sizeof name, "%s_year", origin);
    double year = eco_member_number(factors, name);
    eco_doc_cell(doc, "%.300s", source ? source : strcmp(key, "pue") == 0 ? "not applied" : "given");
    if (year > 1900 && year < 3000)
        eco_doc_cell(doc, "%d", (int)year);
    else
        eco_doc_cell(doc, "%s", "");
}

static void put_location(struct eco_doc *doc, const json_t *factors)
{
    const json_t *location = json_object_get(factors, "location");
    const char *code = eco_member_text(location, "code"), *name = eco_member_text(location, "name");
    const char *source = eco_member_text(location, "source");
    bool is_world = json_is_true(json_object_get(factors, "is_world_mean"));
    eco_doc_cell(doc, "place");
    eco_doc_cell(doc, "%.60s%s%.80s%s", code ? code : "", code && name ? " (" : "", name ? name : "",
                 code && name ? ")" : "");
    eco_doc_cell(doc, "%.80s", is_world ? "none was given: the world's mean" : source ? source : "");
    eco_doc_cell(doc, "%s", "");
}

static void put_factors(struct eco_doc *doc, const json_t *factors)
{
    static const struct eco_doc_column columns[] = {
        {"factor", false}, {"value", true}, {"from", false}, {"year", true}};
    static const struct {
        const char *words, *key, *origin, *unit;
    } rows[] = {
        {"carbon intensity, CO2e", "intensity_g_per_kwh", "intensity", "g/kWh"},
        {"PUE", "pue", "pue", ""},
        {"water at the site", "water_on_site_l_per_kwh", "water_on_site", "L/kWh"},
        {"water of electricity", "water_off_site_l_per_kwh", "water_off_site", "L/kWh"},
    };
    const json_t *wall = json_object_get(factors, "wall_factor");
    const char *currency = eco_member_text(factors, "currency");
    eco_doc_table(doc, columns, ECO_COUNT(columns));
    put_location(doc, factors);
    for (size_t i = 0; i < ECO_COUNT(rows); i++)
        put_factor(doc, factors, rows[i].words, rows[i].key, rows[i].origin, rows[i].unit);
    if (currency && isfinite(eco_member_number(factors, "price_per_kwh"))) {
        char unit[ECO_FIGURE_MAX];
        (void)snprintf(unit, sizeof unit, "%.8s/kWh", currency);
        put_factor(doc, factors, "electricity", "price_per_kwh", "price", unit);
    }
    put_factor(doc, wall, "at the plug: constant", "constant_w", "", "W");
    put_factor(doc, wall, "at the plug: times what is measured", "ratio", "", "");
    eco_doc_table_end(doc);
}

static void put_method(struct eco_doc *doc, const json_t *impact, const json_t *factors)
{
    const char *method = eco_member_text(factors, "method"),
               *resolution = eco_member_text(factors, "resolution");
    const char *scope = eco_member_text(factors, "scope"), *boundary = eco_member_text(impact, "boundary");
    double spread = eco_member_number(factors, "intensity_spread_ratio");
    char percent[ECO_FIGURE_MAX];
    eco_doc_paragraph(
        doc, "Carbon by %.40s, %.40s, %.40s; boundary: %.60s. Only figures with all of these alike compare.",
        method ? method : "an unknown method", resolution ? resolution : "resolution unknown",
        scope ? scope : "scope unknown", boundary ? boundary : "unknown");
    if (json_is_true(json_object_get(impact, "is_lower_bound")))
        eco_doc_paragraph(doc, "A lower bound: what is not counted (below) is not in these figures.");
    if (isfinite(spread)) {
        eco_fact_quantity(eco_fact_rounded(spread * 100), "%", percent);
        eco_doc_paragraph(
            doc, "The ranges hold the interval of the energy and \xC2\xB1%s of the carbon intensity.",
            percent);
    }
}

static void put_embodied(struct eco_doc *doc, const json_t *embodied)
{
    static const struct eco_doc_column columns[] = {
        {"part", false}, {"whole", true}, {"share", true}, {"of this run", true}, {"from", false}};
    const json_t *parts = json_object_get(embodied, "parts");
    const char *basis = eco_member_text(embodied, "share_basis");
    double years = eco_member_number(embodied, "lifetime_s") / S_PER_YEAR;
    char grams[ECO_FIGURE_MAX], lifetime[ECO_FIGURE_MAX];
    if (!isfinite(eco_member_number(embodied, "co2e_g")))
        return;
    eco_doc_heading(doc, "Embodied");
    eco_fact_scaled(eco_member_number(embodied, "co2e_g"), "g", grams);
    eco_fact_quantity(eco_fact_rounded(years), "years", lifetime);
    eco_doc_paragraph(doc,
                      "%s CO2e of making the machine fall to this run, over a life of %s, by %.80s. Not in "
                      "the table above.",
                      grams, lifetime, basis ? basis : "an unknown share");
    eco_doc_table(doc, columns, ECO_COUNT(columns));
    for (size_t i = 0; i < json_array_size(parts) && i < ROWS_MAX; i++) {
        const json_t *part = json_array_get(parts, i);
        const char *name = eco_member_text(part, "name"), *source = eco_member_text(part, "source");
        char share[ECO_FIGURE_MAX];
        eco_doc_cell(doc, "%.80s", name ? name : "?");
        put_scaled(doc, eco_member_number(part, "whole_g"), "g");
        eco_fact_quantity(eco_fact_rounded(eco_member_number(part, "share") * 100), "%", share);
        eco_doc_cell(doc, "%s", share);
        put_scaled(doc, eco_member_number(part, "co2e_g"), "g");
        eco_doc_cell(doc, "%.300s", source ? source : "");
    }
    eco_doc_table_end(doc);
}

static void put_sci(struct eco_doc *doc, const json_t *sci)
{
    const char *unit = eco_member_text(sci, "unit"), *basis = eco_member_text(sci, "basis");
    char score[ECO_FIGURE_MAX], operational[ECO_FIGURE_MAX], embodied[ECO_FIGURE_MAX];
    if (!isfinite(eco_member_number(sci, "g_per_unit")))
        return;
    eco_fact_scaled(eco_member_number(sci, "g_per_unit"), "g", score);
    eco_fact_scaled(eco_member_number(sci, "operational_g"), "g", operational);
    eco_fact_scaled(eco_member_number(sci, "embodied_g"), "g", embodied);
    eco_doc_heading(doc, "Software Carbon Intensity");
    eco_doc_paragraph(doc, "%s CO2e per %.60s: %s of operation and %s embodied in all, by %.80s.", score,
                      unit ? unit : "run", operational, embodied, basis ? basis : "an unknown basis");
}

static void put_hours(struct eco_doc *doc, const json_t *hours)
{
    static const struct {
        const char *words, *cost, *currency, *price;
    } rows[] = {{"The machine", "cost", "currency", "price_per_hour"},
                {"Graphics cards", "gpu_cost", "gpu_currency", "price_per_gpu_hour"}};
    for (size_t i = 0; i < ECO_COUNT(rows); i++) {
        const char *currency = eco_member_text(hours, rows[i].currency);
        char cost[ECO_FIGURE_MAX], price[ECO_FIGURE_MAX];
        if (!isfinite(eco_member_number(hours, rows[i].cost)))
            continue;
        eco_fact_quantity(eco_fact_rounded(eco_member_number(hours, rows[i].cost)), currency ? currency : "",
                          cost);
        eco_fact_quantity(eco_member_number(hours, rows[i].price), currency ? currency : "", price);
        eco_doc_paragraph(doc, "%s by the hour: %s at %s an hour; not part of electricity.", rows[i].words,
                          cost, price);
    }
}

static void put_equivalents(struct eco_doc *doc, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list) && i < ROWS_MAX; i++) {
        const json_t *item = json_array_get(list, i);
        const char *text = json_is_string(item) ? json_string_value(item) : eco_member_text(item, "text");
        const char *source = eco_member_text(item, "source");
        if (text && *text)
            eco_doc_paragraph(doc, "%.300s%s%.300s%s", text, source ? " (" : "", source ? source : "",
                              source ? ")" : "");
    }
}

void eco_report_impact(struct eco_doc *doc, const json_t *report)
{
    const json_t *impact = json_object_get(report, "impact"), *factors = json_object_get(impact, "factors");
    if (!json_is_object(impact))
        return;
    eco_doc_section(doc, "What it costs the world");
    put_policies(doc, impact);
    put_equivalents(doc, json_object_get(impact, "equivalents"));
    put_factors(doc, factors);
    put_method(doc, impact, factors);
    put_hours(doc, json_object_get(impact, "by_hour"));
    put_embodied(doc, json_object_get(impact, "embodied"));
    put_sci(doc, json_object_get(impact, "sci"));
    eco_doc_section_end(doc);
}
