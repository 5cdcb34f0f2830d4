/* SPDX-License-Identifier: MIT */
/* Power over time, and each graphics card by itself. */
#include "base/text.h"
#include "history/member.h"
#include "history/report_facts.h"
#include "history/report_sections.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DRAWN_MAX 16 /* cards with curves of their own */

void eco_report_chart(struct eco_doc *doc, const struct eco_report_run *run)
{
    const struct eco_series *series = run->series;
    if (!doc->is_html)
        return;
    eco_doc_section(doc, "Power over time");
    if (series->count == 0) {
        eco_doc_paragraph(
            doc, "This file holds the report alone. Power over time is in the record that ecocode keeps of "
                 "each run, or in a file.jsonl of -o.");
    } else {
        eco_html_power(doc->out, run->run->root, series);
        eco_doc_paragraph(
            doc, "%llu intervals%s; areas are energies.", (unsigned long long)series->frame_count,
            series->stride > 1 ? ", drawn as means of several: the area is exact, short peaks are not seen"
                               : "");
    }
    eco_doc_section_end(doc);
}

static void put_number(struct eco_doc *doc, double value, const char *unit)
{
    char text[ECO_FIGURE_MAX];
    eco_fact_quantity(value, unit, text);
    eco_doc_cell(doc, "%s", isfinite(value) ? text : "-");
}

static void put_bytes(struct eco_doc *doc, double bytes)
{
    char text[ECO_FIGURE_MAX];
    eco_bytes_format(bytes > 0 && bytes < 1e18 ? (uint64_t)bytes : 0, text);
    eco_doc_cell(doc, "%s", text);
}

static void put_facts(struct eco_doc *doc, const json_t *device)
{
    static const struct eco_doc_column columns[] = {
        {"busy, mean", true}, {"most power", true}, {"most memory", true}, {"of", true},
        {"warmest", true},    {"throttled", true},  {"divided by", false}};
    const char *divided = eco_member_text(device, "divided_by");
    double busy = eco_member_number(device, "utilization_mean_ratio");
    eco_doc_table(doc, columns, ECO_COUNT(columns));
    put_number(doc, isfinite(busy) ? round(busy * 1000) / 10 : ECO_NAN, "%");
    put_number(doc, eco_member_number(device, "power_max_w"), "W");
    put_bytes(doc, eco_member_number(device, "memory_peak_bytes"));
    put_bytes(doc, eco_member_number(device, "memory_bytes"));
    put_number(doc, eco_member_number(device, "temperature_max_celsius"),
               "\xC2\xB0"
               "C");
    put_number(doc, eco_member_number(device, "throttled_s"), "s");
    eco_doc_cell(doc, "%s", divided ? divided : "-");
    eco_doc_table_end(doc);
}

static void put_panels(struct eco_doc *doc, const struct eco_series *series, const char *name)
{
    for (unsigned d = 0; d < series->domain_count; d++)
        if (series->domains[d].is_gpu && strcmp(series->domains[d].name, name) == 0)
            eco_html_card(doc->out, series, d);
}

void eco_report_cards(struct eco_doc *doc, const struct eco_report_run *run)
{
    const json_t *domains = json_object_get(run->run->root, "domains");
    bool any = false;
    unsigned drawn = 0;
    for (size_t i = 0; i < json_array_size(domains) && i < ECO_DOMAINS_MAX; i++) {
        const json_t *domain = json_array_get(domains, i), *device = json_object_get(domain, "device");
        const char *name = eco_member_text(domain, "name"), *model = eco_member_text(device, "name");
        char title[256];
        if (!json_is_object(device) || !name)
            continue;
        if (!any)
            eco_doc_section(doc, "Graphics cards");
        any = true;
        (void)snprintf(title, sizeof title, "%.64s%s%.120s", name, model ? ": " : "", model ? model : "");
        eco_doc_heading(doc, title);
        if (doc->is_html && drawn++ < DRAWN_MAX)
            put_panels(doc, run->series, name);
        put_facts(doc, device);
    }
    if (drawn > DRAWN_MAX)
        eco_doc_paragraph(doc, "%d of %u cards are drawn; the figures of all are in the tables.", DRAWN_MAX,
                          drawn);
    if (any)
        eco_doc_section_end(doc);
}
