/* SPDX-License-Identifier: MIT */
/* The head of a report, and several side by side. */
#include "base/text.h"
#include "history/member.h"
#include "history/report_facts.h"
#include "history/report_sections.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COMPARED_COLUMNS 60  /* of a command */
#define COMPARED_MAX     100 /* rows; the text says how many there are */

static void put_cards(struct eco_doc *doc, const struct eco_headline *headlines, size_t count)
{
    eco_buf_text(doc->out, "<div class=\"answer\">\n");
    for (size_t i = 0; i < count; i++) {
        const struct eco_headline *h = &headlines[i];
        eco_buf_text(doc->out, "<div class=\"figure\"><b>");
        eco_html_text(doc->out, h->joules, ECO_DOC_TEXT_MAX);
        eco_buf_text(doc->out, "</b><span>");
        eco_html_text(doc->out, h->words, ECO_DOC_TEXT_MAX);
        eco_buf_text(doc->out, "</span><small>");
        eco_html_text(doc->out, h->watt_hours, ECO_DOC_TEXT_MAX);
        if (h->range[0])
            eco_buf_printf(doc->out, "%s%s", h->watt_hours[0] ? " &middot; " : "", h->range);
        if (h->power[0])
            eco_buf_printf(doc->out, " &middot; %s mean", h->power);
        eco_buf_printf(doc->out, "</small>%s</div>\n", h->is_estimate ? "<em>estimated</em>" : "");
    }
    eco_buf_text(doc->out, "</div>\n");
}

static void put_lines(struct eco_doc *doc, const struct eco_headline *headlines, size_t count)
{
    static const struct eco_doc_column columns[] = {
        {"energy", true}, {"95 % interval", true}, {"", true}, {"mean power", true}, {"what", false}};
    eco_doc_table(doc, columns, ECO_COUNT(columns));
    for (size_t i = 0; i < count; i++) {
        const struct eco_headline *h = &headlines[i];
        eco_doc_cell(doc, "%s", h->joules);
        eco_doc_cell(doc, "%s", h->range);
        eco_doc_cell(doc, "%s", h->watt_hours);
        eco_doc_cell(doc, "%s", h->power);
        eco_doc_cell(doc, "%s%s", h->words, h->is_estimate ? " (ESTIMATED)" : "");
    }
    eco_doc_table_end(doc);
}

static void put_labels(struct eco_doc *doc, json_t *labels)
{
    char text[ECO_FACT_MAX] = "";
    const char *key;
    json_t *value;
    json_object_foreach(labels, key, value)
    {
        size_t used = strlen(text);
        const char *words = json_string_value(value);
        (void)snprintf(text + used, sizeof text - used, "%s%.80s=%.120s", used ? ", " : "", key,
                       words ? words : "");
    }
    if (text[0])
        eco_doc_paragraph(doc, "Labels: %s", text);
}

static void put_what(struct eco_doc *doc, const struct eco_report_run *run)
{
    const json_t *report = run->run->root;
    char status[ECO_FACT_MAX], started[ECO_FACT_MAX], host[ECO_FACT_MAX];
    const char *name = eco_member_text(json_object_get(report, "host"), "hostname");
    eco_fact_status(report, status, sizeof status);
    eco_fact_started(report, started, sizeof started);
    eco_fact_host(report, host, sizeof host);
    eco_doc_paragraph(doc, "%s; started %s%s%.64s; run %.12s", status, started, name && *name ? " on " : "",
                      name ? name : "", run->run->run_id[0] ? run->run->run_id : "without id");
    eco_doc_paragraph(doc, "%s", host);
    put_labels(doc, json_object_get(report, "labels"));
    if (!run->run->is_complete)
        eco_doc_notice(doc,
                       "This run has no end: ecocode was killed before it, or it still goes on. All figures "
                       "are those of the intervals that were recorded.");
}

/* One line; the section on it has all of it. */
static void put_carbon(struct eco_doc *doc, const json_t *report)
{
    const json_t *impact = json_object_get(report, "impact"), *factors = json_object_get(impact, "factors");
    const char *policy = eco_member_text(report, "policy");
    const json_t *row = json_object_get(json_object_get(impact, "by_policy"), policy ? policy : "");
    const char *name = eco_member_text(json_object_get(factors, "location"), "name");
    bool is_world = json_is_true(json_object_get(factors, "is_world_mean"));
    char grams[3 * ECO_FIGURE_MAX], intensity[ECO_FIGURE_MAX];
    eco_fact_range(eco_member_number(row, "co2e_g"), eco_member_number(row, "co2e_low_g"),
                   eco_member_number(row, "co2e_high_g"), "g", grams, sizeof grams);
    if (!grams[0])
        return;
    eco_fact_quantity(eco_member_number(factors, "intensity_g_per_kwh"), "g/kWh", intensity);
    eco_doc_paragraph(doc, "Of the first figure: %s%s CO2e, %.80s, %s.",
                      json_is_true(json_object_get(impact, "is_lower_bound")) ? "at least " : "", grams,
                      is_world ? "world's mean (no place was given)"
                      : name   ? name
                               : "place unknown",
                      intensity);
}

void eco_report_answer(struct eco_doc *doc, const struct eco_report_run *run)
{
    struct eco_headline headlines[ECO_HEADLINE_MAX];
    const json_t *report = run->run->root;
    size_t count = eco_headlines(report, headlines);
    put_what(doc, run);
    if (count == 0)
        eco_doc_notice(doc, "No energy is known: no sensor could be read and no estimate was made.");
    else if (doc->is_html)
        put_cards(doc, headlines, count);
    else
        put_lines(doc, headlines, count);
    if (count > 0)
        put_carbon(doc, report);
    if (count > 0 && headlines[0].is_estimate)
        eco_doc_notice(
            doc, "The joules are a model, for no energy counter could be read. Most of its error is the "
                 "same in every run on this machine: comparing two runs is far more exact than either "
                 "figure. CPU times and shares are measured.");
    if (count > 0 && strcmp(headlines[0].policy, "active") != 0 && count == 1)
        eco_doc_paragraph(doc, "The idle power of this machine was not known, so it is not taken out.");
}

/* Of a report that `merge` has made. */
void eco_report_ranks(struct eco_doc *doc, const json_t *report)
{
    static const struct eco_doc_column columns[] = {
        {"run", false}, {"node", false}, {"energy", true}, {"duration", true}};
    const json_t *ranks = json_object_get(report, "merged");
    size_t count = json_array_size(ranks);
    if (count == 0)
        return;
    eco_doc_section(doc, "Ranks and nodes");
    eco_doc_table(doc, columns, ECO_COUNT(columns));
    for (size_t i = 0; i < count && i < COMPARED_MAX; i++) {
        const json_t *rank = json_array_get(ranks, i);
        const char *id = eco_member_text(rank, "run_id"), *host = eco_member_text(rank, "hostname");
        char joules[ECO_FIGURE_MAX], duration[ECO_FIGURE_MAX] = "-";
        double duration_s = eco_member_number(rank, "duration_s");
        eco_fact_joules(report, eco_member_number(rank, "job_j"), joules);
        if (isfinite(duration_s))
            eco_duration_format(duration_s, duration);
        eco_doc_cell(doc, "%.12s", id ? id : "");
        eco_doc_cell(doc, "%.64s", host ? host : "");
        eco_doc_cell(doc, "%s", joules);
        eco_doc_cell(doc, "%s", duration);
    }
    eco_doc_table_end(doc);
    if (count > COMPARED_MAX)
        eco_doc_paragraph(doc, "%d of %zu are shown.", COMPARED_MAX, count);
    eco_doc_section_end(doc);
}

/* What makes two figures incomparable, for a person to judge. */
static void put_differences(struct eco_doc *doc, const struct eco_report_run *runs, size_t count)
{
    static const struct {
        const char *object, *key, *words;
    } bases[] = {{"host", "cpu_model", "the CPU model"},
                 {"host", "hostname", "the machine"},
                 {NULL, "policy", "the policy"},
                 {NULL, "accounting", "how processes were seen"},
                 {"idle_basis", "method", "how the idle power is known"},
                 {"energy", "quality", "how the energy is known"}};
    char text[ECO_FACT_MAX] = "";
    for (size_t b = 0; b < ECO_COUNT(bases); b++) {
        bool differs = false;
        const char *first = NULL;
        for (size_t i = 0; i < count; i++) {
            const json_t *root = runs[i].run->root;
            const char *value = eco_member_text(
                bases[b].object ? json_object_get(root, bases[b].object) : root, bases[b].key);
            if (i == 0)
                first = value;
            differs = differs || strcmp(first ? first : "", value ? value : "") != 0;
        }
        size_t used = strlen(text);
        if (differs)
            (void)snprintf(text + used, sizeof text - used, "%s%s", used ? ", " : "", bases[b].words);
    }
    if (text[0])
        eco_doc_notice(doc, "Not alike in these runs: %s. Differences between them may come from that alone.",
                       text);
}

static void put_bar(struct eco_doc *doc, double value, double largest)
{
    double percent = value > 0 && largest > 0 ? 100 * value / largest : 0;
    eco_buf_text(doc->out,
                 "<td><svg class=\"bar\" width=\"100%\" height=\"14\" aria-hidden=\"true\"><rect width=\"");
    eco_buf_fixed(doc->out, percent, 1);
    eco_buf_text(doc->out, "%\" height=\"14\" class=\"s0\"/></svg></td></tr>\n");
}

static void put_compared(struct eco_doc *doc, const struct eco_report_run *run, double first_j,
                         double largest_j)
{
    struct eco_headline headlines[ECO_HEADLINE_MAX];
    const json_t *report = run->run->root;
    char text[ECO_FACT_MAX], duration[ECO_FIGURE_MAX] = "";
    size_t count = eco_headlines(report, headlines);
    double duration_s = eco_member_number(report, "duration_s");
    eco_doc_cell(doc, "%.12s", run->run->run_id);
    eco_fact_command(report, text, sizeof text);
    eco_text_cut(text, COMPARED_COLUMNS, false);
    eco_doc_cell(doc, "%s", text);
    eco_fact_started(report, text, sizeof text);
    eco_doc_cell(doc, "%.16s", text); /* to the minute */
    if (isfinite(duration_s))
        eco_duration_format(duration_s, duration);
    eco_doc_cell(doc, "%s", duration);
    eco_doc_cell(doc, "%s", count ? headlines[0].joules : "unknown");
    eco_doc_cell(doc, "%s", count ? headlines[0].range : "");
    double percent = count ? 100 * (headlines[0].job_j / first_j - 1) : ECO_NAN;
    char sign[ECO_FIGURE_MAX] = "";
    if (isfinite(percent) && fabs(percent) < 1e6)
        eco_fact_quantity(round(percent * 10) / 10, "%", sign);
    eco_doc_cell(doc, "%s%s", percent > 0 ? "+" : "", sign);
    if (doc->is_html) {
        put_bar(doc, count ? headlines[0].job_j : 0, largest_j);
        doc->column = 0;
    } else {
        eco_doc_cell(doc, "%s", count ? headlines[0].power : "");
    }
}

void eco_report_comparison(struct eco_doc *doc, const struct eco_report_run *runs, size_t count)
{
    const struct eco_doc_column columns[] = {{"run", false},
                                             {"command", false},
                                             {"started, UTC", false},
                                             {"duration", true},
                                             {"energy", true},
                                             {"95 % interval", true},
                                             {"beside the first", true},
                                             {doc->is_html ? "" : "mean power", false}};
    double largest_j = 0;
    if (count < 2)
        return;
    for (size_t i = 0; i < count; i++)
        largest_j = fmax(largest_j, eco_member_number(json_object_get(runs[i].run->root, "energy"), "job_j"));
    double first_j = eco_member_number(json_object_get(runs[0].run->root, "energy"), "job_j");
    eco_doc_section(doc, "Side by side");
    put_differences(doc, runs, count);
    eco_doc_table(doc, columns, ECO_COUNT(columns));
    for (size_t i = 0; i < count && i < COMPARED_MAX; i++)
        put_compared(doc, &runs[i], first_j, largest_j);
    eco_doc_table_end(doc);
    if (count > COMPARED_MAX)
        eco_doc_paragraph(doc, "%d of %zu runs are shown.", COMPARED_MAX, count);
    eco_doc_paragraph(doc, "This table tells no chance from an effect; for a verdict: ecocode compare A B");
    eco_doc_section_end(doc);
}
