/* SPDX-License-Identifier: MIT */
/* Carbon, water and money, with every factor and where it comes from. What the report does not have is not
 * shown. */
#include "history/member.h"
#include "history/report_facts.h"
#include "history/report_sections.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROWS_MAX 64

static void put_quantity(struct eco_doc *doc, const json_t *object, const char *key, const char *unit)
{
    char text[ECO_FIGURE_MAX];
    double value = eco_member_number(object, key);
    eco_fact_quantity(value, unit, text);
    eco_doc_cell(doc, "%s", isfinite(value) ? text : "-");
}

/* A figure that may stand alone or with its range: {"value", "low", "high"}. */
static double value_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_object(value) ? eco_member_number(value, "value") : eco_member_number(object, key);
}

static void put_range(struct eco_doc *doc, const json_t *row)
{
    double low = eco_member_number(row, "co2e_low_g"), high = eco_member_number(row, "co2e_high_g");
    char from[ECO_FIGURE_MAX], to[ECO_FIGURE_MAX];
    if (!isfinite(low) || !isfinite(high)) {
        eco_doc_cell(doc, "-");
        return;
    }
    eco_fact_quantity(low, "", from);
    eco_fact_quantity(high, "g", to);
    eco_doc_cell(doc, "%s to %s", from, to);
}

static void put_policies(struct eco_doc *doc, const json_t *impact)
{
    static const struct eco_doc_column columns[] = {{"policy", false},
                                                    {"energy", true},
                                                    {"at the meter", true},
                                                    {"CO\xE2\x82\x82"
                                                     "e",
                                                     true},
                                                    {"95 %", true},
                                                    {"water", true},
                                                    {"cost", true}};
    json_t *policies = json_object_get(impact, "by_policy"), *row;
    const char *policy, *currency = eco_member_text(json_object_get(impact, "factors"), "currency");
    eco_doc_table(doc, columns, ECO_COUNT(columns));
    json_object_foreach(policies, policy, row)
    {
        char water[ECO_FIGURE_MAX];
        if (!json_is_object(row))
            continue;
        eco_doc_cell(doc, "%.40s", policy);
        put_quantity(doc, row, "energy_it_kwh", "kWh");
        put_quantity(doc, row, "energy_facility_kwh", "kWh");
        put_quantity(doc, row, "co2e_g", "g");
        put_range(doc, row);
        eco_fact_quantity(value_of(row, "water_l"), "L", water);
        eco_doc_cell(doc, "%s", isfinite(value_of(row, "water_l")) ? water : "-");
        put_quantity(doc, row, "cost", currency ? currency : "");
    }
    eco_doc_table_end(doc);
}

static void format_value(const json_t *value, char *ret, size_t size)
{
    char number[ECO_FIGURE_MAX];
    ret[0] = 0;
    if (json_is_string(value)) {
        (void)snprintf(ret, size, "%.300s", json_string_value(value));
    } else if (json_is_number(value)) {
        eco_fact_quantity(json_number_value(value), "", number);
        (void)snprintf(ret, size, "%s", number);
    } else if (json_is_boolean(value)) {
        (void)snprintf(ret, size, "%s", json_is_true(value) ? "yes" : "no");
    }
}

/* {"code": "FR", "source": ...}: the first member that is no source, year or note is the value. */
static const json_t *main_value(json_t *factor)
{
    static const char *const keys[] = {"value", "code", "name", "low"};
    for (size_t i = 0; i < ECO_COUNT(keys); i++) {
        const json_t *value = json_object_get(factor, keys[i]);
        if (value && !json_is_null(value))
            return value;
    }
    return NULL;
}

static void put_factor(struct eco_doc *doc, const char *name, json_t *factor)
{
    char value[512], source[512], year[64], words[96];
    format_value(json_is_object(factor) ? main_value(factor) : factor, value, sizeof value);
    format_value(json_object_get(factor, "source"), source, sizeof source);
    format_value(json_object_get(factor, "year"), year, sizeof year);
    if (!value[0])
        return;
    (void)snprintf(words, sizeof words, "%.80s", name);
    for (char *c = words; *c; c++)
        *c = *c == '_' ? ' ' : *c;
    eco_doc_cell(doc, "%s", words);
    eco_doc_cell(doc, "%s", value);
    eco_doc_cell(doc, "%s", source);
    eco_doc_cell(doc, "%s", year);
}

static void put_factors(struct eco_doc *doc, json_t *factors)
{
    static const struct eco_doc_column columns[] = {
        {"factor", false}, {"value", true}, {"source", false}, {"year", true}};
    const char *name;
    json_t *factor;
    size_t count = 0;
    eco_doc_table(doc, columns, ECO_COUNT(columns));
    json_object_foreach(factors, name, factor)
    {
        if (count++ < ROWS_MAX)
            put_factor(doc, name, factor);
    }
    eco_doc_table_end(doc);
}

/* Members of the impact that are objects of figures: embodied, sci, market_based, prediction. */
static void put_figures(struct eco_doc *doc, const char *title, json_t *object)
{
    const char *name;
    json_t *value;
    char text[512];
    size_t count = 0;
    if (json_object_size(object) == 0)
        return;
    eco_doc_heading(doc, title);
    eco_doc_list_begin(doc);
    json_object_foreach(object, name, value)
    {
        format_value(value, text, sizeof text);
        if (text[0] && count++ < ROWS_MAX)
            eco_doc_item(doc, "%.80s: %s", name, text);
    }
    eco_doc_list_end(doc);
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
    const json_t *impact = json_object_get(report, "impact");
    const char *boundary = eco_member_text(impact, "boundary");
    if (!json_is_object(impact))
        return;
    eco_doc_section(doc, "What it costs the world");
    put_policies(doc, impact);
    put_equivalents(doc, json_object_get(impact, "equivalents"));
    put_factors(doc, json_object_get(impact, "factors"));
    put_figures(doc, "Market based", json_object_get(impact, "market_based"));
    put_figures(doc, "Embodied", json_object_get(impact, "embodied"));
    put_figures(doc, "Software Carbon Intensity", json_object_get(impact, "sci"));
    put_figures(doc, "Prediction", json_object_get(impact, "prediction"));
    if (boundary)
        eco_doc_paragraph(doc, "Boundary of these figures: %.200s.", boundary);
    eco_doc_section_end(doc);
}
