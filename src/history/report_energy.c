/* SPDX-License-Identifier: MIT */
/* Tables of energy: by domain, of cards, by process. Printed cells add up to printed totals. */
#include "base/num.h"
#include "base/text.h"
#include "history/member.h"
#include "history/report_facts.h"
#include "history/report_sections.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NAME_BYTES   200 /* of a process: more than a cell shows */
#define PARTS        4
#define LARGEST_CELL 1e12 /* in units of the last digit: beyond, sums of integers are no sums */

static const char *const part_keys[PARTS] = {"job_j", "others_j", "idle_j", "unattributed_j"};

struct grid {
    int digit;
    struct eco_scale scale;
};

static void put_cell(struct eco_doc *doc, const struct grid *grid, int64_t cell)
{
    char text[ECO_FIGURE_MAX];
    eco_figure_number((double)cell * eco_pow10(grid->digit), grid->digit, &grid->scale, text);
    eco_doc_cell(doc, "%s", text);
}

static bool round_domain(const json_t *domain, const struct grid *grid, int64_t cells[PARTS])
{
    double values[PARTS];
    for (int i = 0; i < PARTS; i++) {
        values[i] = eco_member_number(domain, part_keys[i]);
        if (!isfinite(values[i]) || !(fabs(values[i]) < LARGEST_CELL * eco_pow10(grid->digit)))
            return false;
    }
    (void)eco_round_sum(values, PARTS, eco_pow10(grid->digit), cells);
    return true;
}

static void put_row(struct eco_doc *doc, const struct grid *grid, const int64_t cells[PARTS])
{
    int64_t machine = 0;
    for (int i = 0; i < PARTS; i++) {
        put_cell(doc, grid, cells[i]);
        machine += cells[i];
    }
    put_cell(doc, grid, machine);
}

static void put_domain(struct eco_doc *doc, const json_t *domain, const struct grid *grid,
                       int64_t total[PARTS])
{
    int64_t cells[PARTS];
    char sources[ECO_FACT_MAX];
    const char *name = eco_member_text(domain, "name"), *within = eco_member_text(domain, "within");
    bool is_counted = json_is_true(json_object_get(domain, "counted"));
    eco_doc_cell(doc, "%.80s%s%.80s%s", name ? name : "?",
                 within       ? " (part of "
                 : is_counted ? ""
                              : " (not counted",
                 within ? within : "", within || !is_counted ? ")" : "");
    if (round_domain(domain, grid, cells)) {
        put_row(doc, grid, cells);
        for (int i = 0; is_counted && i < PARTS; i++)
            total[i] += cells[i];
    } else {
        for (int i = 0; i <= PARTS; i++)
            eco_doc_cell(doc, "-");
    }
    eco_fact_sources(domain, sources, sizeof sources);
    eco_doc_cell(doc, "%s", sources);
}

static struct grid grid_of(const json_t *report)
{
    double machine_j = eco_member_number(json_object_get(report, "energy"), "machine_j");
    struct grid grid = {.digit = eco_fact_digit(report)};
    double largest = isfinite(machine_j) && fabs(machine_j) < 1e25 ? machine_j : 1;
    grid.scale = eco_scale_for(largest, grid.digit);
    return grid;
}

void eco_report_domains(struct eco_doc *doc, const json_t *report)
{
    const json_t *domains = json_object_get(report, "domains");
    const struct grid grid = grid_of(report);
    char unit[ECO_FIGURE_MAX];
    (void)snprintf(unit, sizeof unit, "%sJ", grid.scale.prefix);
    const struct eco_doc_column columns[] = {{unit, false},      {"job", true},     {"others", true},
                                             {"idle", true},     {"unattr.", true}, {"machine", true},
                                             {"known by", false}};
    int64_t total[PARTS] = {0};
    if (json_array_size(domains) == 0)
        return;
    eco_doc_section(doc, "By part of the machine");
    eco_doc_table(doc, columns, ECO_COUNT(columns));
    for (size_t i = 0; i < json_array_size(domains) && i < ECO_DOMAINS_MAX; i++)
        put_domain(doc, json_array_get(domains, i), &grid, total);
    eco_doc_cell(doc, "total");
    put_row(doc, &grid, total);
    eco_doc_cell(doc, "%s", "");
    eco_doc_table_end(doc);
    eco_doc_paragraph(
        doc, "Job, others, idle and what no process explains add up to the machine. Parts of another "
             "domain and domains that are not counted are not in the total.");
    eco_doc_section_end(doc);
}

/* ---- processes ---- */

static void put_share(struct eco_doc *doc, const struct eco_family_row *row, const struct eco_family *tree)
{
    double percent = tree->total > 0 ? 100 * row->own / tree->total : ECO_NAN;
    if (!isfinite(percent))
        eco_doc_cell(doc, "-");
    else if (percent > 0 && percent < 0.5)
        eco_doc_cell(doc, "<1 %%");
    else
        eco_doc_cell(doc, "%ld %%", lround(percent));
}

static void put_process_name(struct eco_doc *doc, const struct eco_family_row *row)
{
    char text[2 * NAME_BYTES], many[80] = "";
    json_int_t pid = json_integer_value(json_object_get(row->process, "pid"));
    const char *role = eco_member_text(row->process, "role"), *name = eco_member_text(row->process, "name");
    const char *host = row->parent < 0 ? eco_member_text(row->process, "hostname") : NULL;
    if (row->processes > 1)
        (void)snprintf(many, sizeof many, "%llu \xC3\x97 ", (unsigned long long)row->processes);
    else if (pid > 0)
        (void)snprintf(many, sizeof many, "%.40s%s%lld ", host ? host : "", host ? ": " : "", (long long)pid);
    if (!row->process)
        (void)snprintf(text, sizeof text, "%llu more", (unsigned long long)row->processes);
    else if (role && *role)
        (void)snprintf(text, sizeof text, "%s%.60s (%.60s)", many, role, name ? name : "?");
    else
        (void)snprintf(text, sizeof text, "%s%.*s", many, NAME_BYTES, eco_family_name(row));
    eco_doc_cell_indented(doc, row->depth, text);
}

static void put_process(struct eco_doc *doc, const struct eco_family_row *row, const struct eco_family *tree,
                        const struct grid *grid)
{
    char text[ECO_FIGURE_MAX];
    double memory = eco_member_number(row->process, "max_rss_bytes");
    put_process_name(doc, row);
    if (isfinite(row->energy_j) && fabs(row->energy_j) < 1e25)
        eco_figure_number(row->energy_j, grid->digit, &grid->scale, text);
    else
        (void)snprintf(text, sizeof text, "-");
    eco_doc_cell(doc, "%s", text);
    put_share(doc, row, tree);
    eco_cpu_time_format(row->cpu_s, tree->largest_cpu_s, text);
    eco_doc_cell(doc, "%s", text);
    eco_bytes_format(memory > 0 && memory < 1e18 ? (uint64_t)memory : 0, text);
    eco_doc_cell(doc, "%s", text);
    if (tree->has_gpu) {
        double gpu_s = eco_member_number(row->process, "gpu_busy_s");
        eco_cpu_time_format(gpu_s, gpu_s, text);
        eco_doc_cell(doc, "%s", text);
    }
}

void eco_report_processes(struct eco_doc *doc, const struct eco_report_run *run)
{
    const struct eco_family *tree = &run->tree;
    double job_j = eco_member_number(json_object_get(run->run->root, "energy"), "job_j");
    struct grid grid = {.digit = eco_fact_digit(run->run->root)};
    char unit[ECO_FIGURE_MAX];
    if (tree->count == 0)
        return;
    /* A digit more than the headline allows: shares are better known than the whole. */
    grid.digit -= isfinite(job_j);
    grid.scale = eco_scale_for(isfinite(job_j) && fabs(job_j) < 1e25 ? job_j : 1, grid.digit);
    (void)snprintf(unit, sizeof unit, "%sJ", grid.scale.prefix);
    struct eco_doc_column columns[6] = {{"process", false}, {unit, true},       {"share", true},
                                        {"CPU time", true}, {"peak RAM", true}, {"GPU busy", true}};
    unsigned count = tree->has_gpu ? 6 : 5;
    eco_doc_section(doc, tree->is_by_energy ? "Energy by process" : "CPU time by process");
    if (doc->is_html)
        eco_html_icicle(doc->out, tree);
    eco_doc_table(doc, columns, count);
    for (size_t i = 0; i < tree->count; i++)
        put_process(doc, &tree->rows[i], tree, &grid);
    eco_doc_table_end(doc);
    if (tree->cut_rows > 0)
        eco_doc_paragraph(doc,
                          "The largest are shown, with the processes that they descend from; the others are "
                          "summed up where they belong.");
    eco_doc_section_end(doc);
}
