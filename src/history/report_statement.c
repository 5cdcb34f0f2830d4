/* SPDX-License-Identifier: MIT */
/* The paragraph for a paper: what was measured, by what, how well, and what is not in it. */
#include "base/text.h"
#include "history/member.h"
#include "history/report_facts.h"
#include "history/report_sections.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COMMAND_MAX 100 /* columns */

static void put(struct eco_buf *out, const char *text)
{
    char flat[ECO_FACT_MAX], clean[ECO_FACT_MAX];
    (void)eco_text_copy(flat, sizeof flat, text);
    for (char *c = flat; *c; c++)
        *c = *c == '\n' || *c == '\t' || *c == '\r' ? ' ' : *c;
    (void)eco_text_clean(clean, sizeof clean, flat, strlen(flat), false);
    eco_buf_text(out, clean);
}

static const char *words_of(const char *policy)
{
    static const struct {
        const char *policy, *words;
    } known[] = {{"active", "as its own energy, without idle power"},
                 {"full", "with its share of the machine's idle power"},
                 {"equal", "with an equal part of the machine's idle power"},
                 {"reserved", "with the idle power of what it reserved"}};
    for (size_t i = 0; i < ECO_COUNT(known); i++)
        if (strcmp(known[i].policy, policy) == 0)
            return known[i].words;
    return "in all";
}

static void put_energy(struct eco_buf *out, const json_t *report)
{
    struct eco_headline lines[ECO_HEADLINE_MAX];
    size_t count = eco_headlines(report, lines);
    if (count == 0)
        put(out, "No energy is known for it. ");
    for (size_t i = 0; i < count; i++) {
        eco_buf_text(out, i == 0 ? "It used " : " and ");
        put(out, lines[i].joules);
        if (lines[i].watt_hours[0])
            eco_buf_printf(out, " (%s%s%s)", lines[i].watt_hours, lines[i].range[0] ? "; 95 % interval " : "",
                           lines[i].range);
        eco_buf_printf(out, " %s (policy \"", words_of(lines[i].policy));
        put(out, lines[i].policy);
        eco_buf_text(out, i + 1 == count ? "\"). " : "\")");
    }
    if (count > 0 && lines[0].is_estimate)
        put(out, "These joules are estimated by a model of power over load, not measured. ");
}

static void put_sources(struct eco_buf *out, const json_t *report)
{
    const json_t *domains = json_object_get(report, "domains");
    bool is_first = true;
    for (size_t i = 0; i < json_array_size(domains); i++) {
        const json_t *domain = json_array_get(domains, i);
        const char *name = eco_member_text(domain, "name");
        char sources[ECO_FACT_MAX];
        if (!json_is_true(json_object_get(domain, "counted")))
            continue;
        eco_fact_sources(domain, sources, sizeof sources);
        eco_buf_text(out, is_first ? "Energy of the counted domains: " : ", ");
        put(out, name ? name : "?");
        eco_buf_text(out, " by ");
        put(out, sources);
        is_first = false;
    }
    if (!is_first)
        eco_buf_text(out, ". ");
}

static void put_method(struct eco_buf *out, const json_t *report)
{
    char interval[ECO_FIGURE_MAX], caught[ECO_FIGURE_MAX], idle[ECO_FACT_MAX];
    const char *accounting = eco_member_text(report, "accounting");
    double ratio = eco_member_number(report, "caught_ratio");
    eco_fact_quantity(eco_member_number(report, "interval_s"), "s", interval);
    eco_fact_idle(report, idle, sizeof idle);
    eco_buf_printf(out,
                   "Readings were taken every %s and divided among processes by CPU time (accounting by %s",
                   interval, accounting && strcmp(accounting, "bpf") == 0 ? "kernel events" : "procfs");
    if (isfinite(ratio)) {
        eco_fact_quantity(floor(ratio * 1000) / 10, "%", caught);
        eco_buf_printf(out, ", %s of the job's CPU time seen", caught);
    }
    eco_buf_text(out, "); idle power was ");
    put(out, idle[0] ? idle : "not known");
    eco_buf_text(out, ". ");
}

static void put_boundary(struct eco_buf *out, const json_t *report)
{
    const json_t *boundary = json_object_get(report, "boundary");
    char included[ECO_FACT_MAX], excluded[ECO_FACT_MAX];
    eco_fact_list(json_object_get(boundary, "included"), "nothing", included, sizeof included);
    eco_fact_list(json_object_get(boundary, "excluded"), "nothing that is known of", excluded,
                  sizeof excluded);
    eco_buf_text(out, "The boundary is ");
    put(out, included);
    eco_buf_text(out, "; not counted: ");
    put(out, excluded);
    eco_buf_text(out, ". ");
}

/* A factor as it stands in the report, with its source and year: X, X_source, X_year. */
static void put_factor(struct eco_buf *out, const json_t *factors, const char *key, const char *origin,
                       const char *before, const char *unit)
{
    double value = eco_member_number(factors, key);
    char name[64], text[ECO_FIGURE_MAX];
    if (!isfinite(value))
        return;
    eco_fact_quantity(value, unit, text);
    eco_buf_printf(out, ", %s %s", before, text);
    (void)snprintf(name, sizeof name, "%s_source", origin);
    const char *source = eco_member_text(factors, name);
    (void)snprintf(name, sizeof name, "%s_year", origin);
    double year = eco_member_number(factors, name);
    if (!source || !*source)
        return;
    eco_buf_text(out, " (");
    put(out, source);
    if (year > 1900 && year < 3000)
        eco_buf_printf(out, ", %d", (int)year);
    eco_buf_text(out, ")");
}

static void put_place(struct eco_buf *out, const json_t *factors)
{
    const char *code = eco_member_text(json_object_get(factors, "location"), "code");
    if (json_is_true(json_object_get(factors, "is_world_mean"))) {
        eco_buf_text(out, " by the world's mean (no place was given)");
    } else if (code) {
        eco_buf_text(out, " in ");
        put(out, code);
    }
}

static void put_method_of_carbon(struct eco_buf *out, const json_t *factors)
{
    static const char *const keys[] = {"method", "resolution", "scope"};
    for (size_t i = 0; i < ECO_COUNT(keys); i++) {
        const char *text = eco_member_text(factors, keys[i]);
        if (!text)
            continue;
        eco_buf_text(out, ", ");
        put(out, text);
    }
}

static void put_impact(struct eco_buf *out, const json_t *report)
{
    const json_t *impact = json_object_get(report, "impact"), *factors = json_object_get(impact, "factors");
    const char *policy = eco_member_text(report, "policy"), *boundary = eco_member_text(impact, "boundary");
    const json_t *row = json_object_get(json_object_get(impact, "by_policy"), policy ? policy : "");
    char grams[3 * ECO_FIGURE_MAX];
    eco_fact_range(eco_member_number(row, "co2e_g"), eco_member_number(row, "co2e_low_g"),
                   eco_member_number(row, "co2e_high_g"), "g", grams, sizeof grams);
    if (!grams[0])
        return;
    eco_buf_text(out, "By policy \"");
    put(out, policy);
    bool is_bound = json_is_true(json_object_get(impact, "is_lower_bound"));
    eco_buf_printf(out, "\" this is %s%s of CO2e", is_bound ? "at least " : "", grams);
    put_place(out, factors);
    put_factor(out, factors, "intensity_g_per_kwh", "intensity", "at a carbon intensity of", "g/kWh");
    put_method_of_carbon(out, factors);
    if (eco_member_text(factors, "pue_source"))
        put_factor(out, factors, "pue", "pue", "with a PUE of", "");
    else
        eco_buf_text(out, ", no PUE applied");
    if (boundary) {
        eco_buf_text(out, ", boundary \"");
        put(out, boundary);
        eco_buf_text(out, "\"");
    }
    eco_buf_text(out, ". ");
}

void eco_report_statement(struct eco_buf *out, const struct eco_run_report *run)
{
    const json_t *report = run->root;
    char command[ECO_FACT_MAX], started[ECO_FACT_MAX], host[ECO_FACT_MAX], status[ECO_FACT_MAX];
    const char *version = eco_member_text(report, "ecocode_version"), *id = eco_member_text(report, "run_id");
    double model = eco_member_number(report, "model_version");
    eco_fact_command(report, command, sizeof command);
    eco_fact_started(report, started, sizeof started);
    eco_fact_host(report, host, sizeof host);
    eco_fact_status(report, status, sizeof status);
    eco_text_cut(command, COMMAND_MAX, false);
    eco_buf_text(out, "The energy of \"");
    put(out, command);
    eco_buf_text(out, "\" (");
    put(out, status);
    eco_buf_text(out, "; started ");
    put(out, started);
    eco_buf_text(out, "; ");
    put(out, host);
    eco_buf_text(out, ") was determined with EcoCode ");
    put(out, version ? version : "of an unknown version");
    if (isfinite(model))
        eco_buf_printf(out, " (model version %d)", (int)model);
    eco_buf_text(out, ". ");
    if (!run->is_complete)
        eco_buf_text(out,
                     "The record has no end: ecocode was killed or still goes on, and what follows is of the "
                     "intervals that were recorded. ");
    put_energy(out, report);
    put_sources(out, report);
    put_method(out, report);
    put_boundary(out, report);
    put_impact(out, report);
    eco_buf_text(out, "Run id ");
    put(out, id && *id ? id : "unknown");
    eco_buf_text(out, ".\n");
}
