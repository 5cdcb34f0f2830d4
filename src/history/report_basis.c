/* SPDX-License-Identifier: MIT */
/* How the figures are known, what they hold and what they do not; phases, budgets, findings. */
#include "history/member.h"
#include "history/report_facts.h"
#include "history/report_sections.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROWS_MAX 100 /* of phases, budgets, warnings: a list of others may be of any length */

static void put_interval(struct eco_doc *doc, const json_t *report)
{
    static const struct {
        const char *key, *words;
    } components[] = {{"sensor", "the sensor's gain"},
                      {"timing", "readings at begin and end"},
                      {"idle", "idle power"},
                      {"attribution", "division among processes"},
                      {"unattributed", "what no process explains"}};
    static const struct eco_doc_column columns[] = {{"part of the 95 % interval", false}, {"\xC2\xB1", true}};
    const json_t *u = json_object_get(json_object_get(report, "energy"), "uncertainty");
    char low[ECO_FIGURE_MAX], high[ECO_FIGURE_MAX], figure[ECO_FIGURE_MAX];
    double low_j = eco_member_number(u, "job_low_j"), random_ratio = eco_member_number(u, "random_ratio");
    if (!isfinite(low_j))
        return;
    eco_fact_joules(report, low_j, low);
    eco_fact_joules(report, eco_member_number(u, "job_high_j"), high);
    eco_doc_paragraph(doc, "The 95 %% interval of the job's energy is %s to %s.", low, high);
    if (isfinite(random_ratio)) {
        eco_fact_quantity(round(random_ratio * 1000) / 10, "%", figure);
        eco_doc_paragraph(
            doc, "Of that, \xC2\xB1%s differs from run to run on this machine; the rest is the same in all.",
            figure);
    }
    eco_doc_table(doc, columns, ECO_COUNT(columns));
    for (size_t i = 0; i < ECO_COUNT(components); i++) {
        double half_j = eco_member_number(json_object_get(u, "components_j"), components[i].key);
        if (!isfinite(half_j) || fabs(half_j) > 1e25)
            continue;
        eco_doc_cell(doc, "%s", components[i].words);
        eco_fact_quantity(eco_fact_rounded(half_j), "J", figure);
        eco_doc_cell(doc, "%s", figure);
    }
    eco_doc_table_end(doc);
}

static void put_kinds(struct eco_doc *doc, const json_t *report)
{
    static const char *const kinds[] = {"measured", "derived", "estimated"};
    const json_t *by_quality = json_object_get(json_object_get(report, "energy"), "quality_j");
    char text[ECO_FACT_MAX] = "";
    for (size_t i = 0; i < ECO_COUNT(kinds); i++) {
        double joules = eco_member_number(by_quality, kinds[i]);
        char figure[ECO_FIGURE_MAX];
        size_t used = strlen(text);
        if (!(joules > 0))
            continue;
        eco_fact_joules(report, joules, figure);
        (void)snprintf(text + used, sizeof text - used, "%s%s %s", used ? ", " : "", figure, kinds[i]);
    }
    if (text[0])
        eco_doc_item(doc, "Of the job's energy: %s.", text);
}

static void put_boundary(struct eco_doc *doc, const json_t *report)
{
    const json_t *boundary = json_object_get(report, "boundary");
    char included[ECO_FACT_MAX], excluded[ECO_FACT_MAX];
    eco_fact_list(json_object_get(boundary, "included"), "nothing", included, sizeof included);
    eco_fact_list(json_object_get(boundary, "excluded"), "nothing that is known of", excluded,
                  sizeof excluded);
    eco_doc_item(doc, "Counted: %s.", included);
    eco_doc_item(doc, "Not counted: %s.", excluded);
}

static void put_processes_known(struct eco_doc *doc, const json_t *report)
{
    const char *accounting = eco_member_text(report, "accounting");
    double caught = eco_member_number(report, "caught_ratio"),
           interval_s = eco_member_number(report, "interval_s");
    char percent[ECO_FIGURE_MAX], interval[ECO_FIGURE_MAX];
    if (accounting && isfinite(caught)) {
        eco_fact_quantity(floor(caught * 1000) / 10, "%", percent);
        eco_doc_item(
            doc,
            "Processes were seen by %s; %s of the job's CPU time was seen, the energy of the rest is "
            "unattributed.",
            strcmp(accounting, "bpf") == 0 ? "the kernel's own events" : "looks at /proc", percent);
    }
    if (isfinite(interval_s)) {
        eco_fact_quantity(interval_s, "s", interval);
        eco_doc_item(doc, "Looked at every %s.", interval);
    }
}

static void put_self(struct eco_doc *doc, const json_t *report)
{
    const json_t *self = json_object_get(report, "self");
    double cpu_s = eco_member_number(self, "cpu_s"), memory = eco_member_number(self, "max_rss_bytes");
    char cpu[ECO_FIGURE_MAX], bytes[ECO_FIGURE_MAX];
    if (!isfinite(cpu_s))
        return;
    eco_fact_quantity(eco_fact_rounded(cpu_s), "s", cpu);
    eco_bytes_format(memory > 0 && memory < 1e18 ? (uint64_t)memory : 0, bytes);
    eco_doc_item(doc, "EcoCode itself took %s of CPU time and %s of memory; its energy is in others.", cpu,
                 bytes);
}

static void put_warnings(struct eco_doc *doc, const json_t *report)
{
    const json_t *warnings = json_object_get(report, "warnings");
    for (size_t i = 0; i < json_array_size(warnings) && i < ROWS_MAX; i++) {
        const char *text = json_string_value(json_array_get(warnings, i));
        if (text && *text)
            eco_doc_item(doc, "%.600s", text);
    }
}

void eco_report_basis(struct eco_doc *doc, const json_t *report)
{
    char idle[ECO_FACT_MAX];
    eco_fact_idle(report, idle, sizeof idle);
    eco_doc_section(doc, "How this is known");
    eco_doc_list_begin(doc);
    put_boundary(doc, report);
    put_kinds(doc, report);
    if (idle[0])
        eco_doc_item(doc, "Idle power was %s.", idle);
    else
        eco_doc_item(doc, "The idle power of this machine was not known.");
    put_processes_known(doc, report);
    put_self(doc, report);
    put_warnings(doc, report);
    eco_doc_list_end(doc);
    put_interval(doc, report);
    eco_doc_section_end(doc);
}

static void put_number(struct eco_doc *doc, double value, const char *unit)
{
    char text[ECO_FIGURE_MAX];
    eco_fact_quantity(value, unit, text);
    eco_doc_cell(doc, "%s", isfinite(value) ? text : "-");
}

static double milliseconds(double seconds)
{
    return round(seconds * 1e3) / 1e3;
}

static void put_duration(struct eco_doc *doc, double seconds)
{
    char text[ECO_FIGURE_MAX] = "-";
    if (isfinite(seconds))
        eco_duration_format(seconds, text);
    eco_doc_cell(doc, "%s", text);
}

void eco_report_phases(struct eco_doc *doc, const json_t *report)
{
    static const struct eco_doc_column columns[] = {{"phase", false},  {"times", true}, {"begins", true},
                                                    {"ends", true},    {"lasts", true}, {"energy", true},
                                                    {"CPU time", true}};
    const json_t *phases = json_object_get(report, "phases");
    size_t count = json_array_size(phases);
    if (count == 0)
        return;
    eco_doc_section(doc, "Phases");
    eco_doc_table(doc, columns, ECO_COUNT(columns));
    for (size_t i = 0; i < count && i < ROWS_MAX; i++) {
        const json_t *phase = json_array_get(phases, i);
        const char *name = eco_member_text(phase, "name");
        char joules[ECO_FIGURE_MAX];
        eco_doc_cell(doc, "%.120s", name ? name : "?");
        put_number(doc, eco_member_number(phase, "count"), "");
        put_number(doc, milliseconds(eco_member_number(phase, "start_offset_s")), "s");
        put_number(doc, milliseconds(eco_member_number(phase, "end_offset_s")), "s");
        put_duration(doc, eco_member_number(phase, "duration_s"));
        eco_fact_joules(report, eco_member_number(json_object_get(phase, "energy"), "job_j"), joules);
        eco_doc_cell(doc, "%s", joules);
        put_duration(doc, eco_member_number(json_object_get(phase, "usage"), "cpu_s"));
    }
    eco_doc_table_end(doc);
    if (count > ROWS_MAX)
        eco_doc_paragraph(doc, "%d of %zu phases are shown.", ROWS_MAX, count);
    eco_doc_section_end(doc);
}

/* What the job told of its progress when it ended early, or while it goes on. */
void eco_report_prediction(struct eco_doc *doc, const json_t *report)
{
    const json_t *prediction = json_object_get(report, "prediction");
    const char *basis = eco_member_text(prediction, "basis");
    double job_j = eco_member_number(prediction, "job_j"),
           duration_s = eco_member_number(prediction, "duration_s");
    double done = eco_member_number(prediction, "done_ratio");
    char energy[3 * ECO_FIGURE_MAX], duration[ECO_FIGURE_MAX] = "an unknown time", percent[ECO_FIGURE_MAX];
    if (!isfinite(job_j) || !(done < 1))
        return;
    eco_fact_range(job_j, eco_member_number(prediction, "job_low_j"),
                   eco_member_number(prediction, "job_high_j"), "J", energy, sizeof energy);
    if (isfinite(duration_s))
        eco_duration_format(duration_s, duration);
    eco_fact_quantity(eco_fact_rounded(done * 100), "%", percent);
    eco_doc_section(doc, "What the whole would take");
    eco_doc_paragraph(doc, "%s in %s, by %.40s: %s was done.", energy, duration, basis ? basis : "its course",
                      percent);
    eco_doc_section_end(doc);
}

void eco_report_budgets(struct eco_doc *doc, const json_t *report)
{
    static const struct eco_doc_column columns[] = {
        {"budget", true}, {"used", true}, {"part", true}, {"", false}};
    const json_t *budgets = json_object_get(report, "budgets");
    if (json_array_size(budgets) == 0)
        return;
    eco_doc_section(doc, "Budgets");
    eco_doc_table(doc, columns, ECO_COUNT(columns));
    for (size_t i = 0; i < json_array_size(budgets) && i < ROWS_MAX; i++) {
        const json_t *budget = json_array_get(budgets, i);
        const char *unit = eco_member_text(budget, "unit");
        double ratio = eco_member_number(budget, "ratio");
        put_number(doc, eco_member_number(budget, "limit"), unit ? unit : "");
        put_number(doc, eco_fact_rounded(eco_member_number(budget, "used")), unit ? unit : "");
        put_number(doc, eco_fact_rounded(ratio * 100), "%");
        eco_doc_cell(doc, "%s", json_is_true(json_object_get(budget, "exceeded")) ? "EXCEEDED" : "kept");
    }
    eco_doc_table_end(doc);
    eco_doc_section_end(doc);
}

void eco_report_findings(struct eco_doc *doc, const json_t *report)
{
    const json_t *findings = json_object_get(report, "findings");
    if (json_array_size(findings) == 0)
        return;
    eco_doc_section(doc, "What stands out");
    eco_doc_list_begin(doc);
    for (size_t i = 0; i < json_array_size(findings) && i < ROWS_MAX; i++) {
        const json_t *finding = json_array_get(findings, i);
        const char *text = eco_member_text(finding, "text"), *advice = eco_member_text(finding, "what_to_do");
        if (text && *text)
            eco_doc_item(doc, "%.600s%s%.600s", text, advice && *advice ? " \xE2\x86\x92 " : "",
                         advice ? advice : "");
    }
    eco_doc_list_end(doc);
    eco_doc_section_end(doc);
}
