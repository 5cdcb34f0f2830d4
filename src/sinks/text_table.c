/* SPDX-License-Identifier: MIT */
/* The table by domain. Its cells are whole numbers of one digit, so that rows and columns add up as printed.
 */
#include "base/num.h"
#include "base/text.h"
#include "sinks/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define INDENT      3
#define NAME_MIN    10
#define NAME_MAX_W  16
#define CELL_WIDTH  9
#define DIGIT_LEAST (-6) /* microjoules, the counters' own unit */
#define COLUMNS     4    /* job, others, idle, unattributed; machine is their sum */

struct table {
    unsigned domain[ECO_DOMAINS_MAX]; /* index into the report */
    int64_t cell[ECO_DOMAINS_MAX][COLUMNS];
    bool is_known[ECO_DOMAINS_MAX];
    unsigned rows;
    struct eco_grid grid;
    size_t name_width, cell_width;
};

struct eco_grid eco_text_grid(const struct eco_report *report)
{
    double machine = report->machine_j;
    int digit = eco_text_digit(report, report->headline) - 1;
    if (eco_text_is_too_small(report, report->headline))
        digit = eco_digit_exponent(machine, machine * 0.1);
    /* Three to five digits of the largest cell: a trifle of a job must not make the columns wide. */
    int widest = eco_digit_exponent(machine, machine * 1e-5) - 1;
    int least = eco_digit_exponent(machine, machine * 0.1);
    if (digit < widest)
        digit = widest;
    if (digit > least)
        digit = least;
    if (digit < DIGIT_LEAST)
        digit = DIGIT_LEAST;
    return (struct eco_grid){.scale = eco_scale_for(machine, digit), .digit = digit};
}

static const struct eco_sums *row_sums(const struct eco_report *report, unsigned index)
{
    return &report->domains[index].slot[report->headline];
}

static bool is_row_known(const struct eco_report *report, unsigned index)
{
    const struct eco_sums *sums = row_sums(report, index);
    return isfinite(report->domains[index].mean_power_w) && isfinite(sums->job_j) &&
           isfinite(sums->others_j) && isfinite(sums->idle_j) && isfinite(sums->unattributed_j);
}

/* Each column is rounded for itself; a row's machine and the last row are sums of what is printed. */
static void fill(const struct eco_report *report, struct table *table)
{
    double values[COLUMNS][ECO_DOMAINS_MAX] = {{0}};
    int64_t rounded[ECO_DOMAINS_MAX];
    for (unsigned i = 0; i < report->domain_count && table->rows < ECO_DOMAINS_MAX; i++) {
        if (!report->domains[i].info.counted)
            continue;
        unsigned row = table->rows++;
        const struct eco_sums *sums = row_sums(report, i);
        table->domain[row] = i;
        table->is_known[row] = is_row_known(report, i);
        if (!table->is_known[row])
            continue;
        values[0][row] = sums->job_j;
        values[1][row] = sums->others_j;
        values[2][row] = sums->idle_j;
        values[3][row] = sums->unattributed_j;
    }
    for (int c = 0; c < COLUMNS && table->rows > 0; c++) {
        (void)eco_round_sum(values[c], table->rows, eco_pow10(table->grid.digit), rounded);
        for (unsigned row = 0; row < table->rows; row++)
            table->cell[row][c] = rounded[row];
    }
}

int64_t eco_text_table_job(const struct eco_report *report, const struct eco_grid *grid)
{
    static const struct table empty;
    struct table table = empty;
    int64_t job = 0;
    table.grid = *grid;
    fill(report, &table);
    for (unsigned row = 0; row < table.rows; row++)
        job += table.cell[row][0];
    return job;
}

static void format_cell(const struct eco_grid *grid, int64_t cell, char ret[ECO_FIGURE_MAX])
{
    eco_figure_number((double)cell * eco_pow10(grid->digit), grid->digit, &grid->scale, ret);
}

/* "RAPL", "RAPL (perf), then estimate" */
static void format_source(const struct eco_report_domain *domain, char *ret, size_t size)
{
    static const struct {
        const char *source, *words;
    } known[] = {{"powercap", "RAPL"},
                 {"perf", "RAPL (perf)"},
                 {"battery", "battery"},
                 {"model", "estimate"},
                 {"nvml", "NVML"}};
    const struct eco_domain *info = &domain->info;
    ret[0] = '\0';
    for (unsigned i = 0; i < info->source_count && i < ECO_DOMAIN_SOURCES_MAX; i++) {
        bool is_used = info->sources[i].used_ns > 0 || (info->source_count == 1);
        const char *words = info->sources[i].source;
        for (size_t k = 0; k < ECO_COUNT(known); k++)
            words = strcmp(known[k].source, words) == 0 ? known[k].words : words;
        size_t length = strlen(ret);
        if (is_used)
            (void)snprintf(ret + length, size - length, "%s%s", length ? ", " : "", words);
    }
    size_t length = strlen(ret);
    if (info->quality == ECO_DERIVED)
        (void)snprintf(ret + length, size - length, " (derived)");
    else if (info->quality == ECO_ESTIMATED && !strstr(ret, "estimate"))
        (void)snprintf(ret + length, size - length, " (estimated)");
}

static void put_row(struct eco_page *page, const struct table *table, const char *name, const int64_t *cells,
                    const char *source)
{
    struct eco_line line = {"   "};
    char text[ECO_FIGURE_MAX], clean[4 * ECO_NAME_MAX];
    size_t column = INDENT + table->name_width;
    int64_t machine = 0;
    eco_page_clean(page, name, table->name_width, clean, sizeof(clean));
    eco_line_add(&line, clean);
    for (int c = 0; c <= COLUMNS; c++) {
        if (cells && c < COLUMNS)
            machine += cells[c];
        format_cell(&table->grid, !cells ? 0 : c < COLUMNS ? cells[c] : machine, text);
        column += table->cell_width;
        eco_line_right(&line, column, cells ? text : "-");
    }
    eco_line_pad(&line, column + 3);
    eco_page_clean(page, source, ECO_NAME_MAX, clean, sizeof(clean));
    eco_line_add(&line, clean);
    eco_page_line(page, &line, ECO_STYLE_PLAIN);
}

static void put_header(struct eco_page *page, const struct table *table)
{
    static const char *const names[] = {"job", "others", "idle", "unattr.", "machine"};
    struct eco_line line = {"   "};
    size_t column = INDENT + table->name_width;
    eco_line_printf(&line, "%sJ", table->grid.scale.prefix);
    for (size_t i = 0; i < ECO_COUNT(names); i++) {
        column += table->cell_width;
        /* Of a whole machine nothing is "others": the job is all that ran on it. */
        eco_line_right(&line, column, i == 0 && page->is_monitor ? "watched" : names[i]);
    }
    eco_line_pad(&line, column + 3);
    eco_line_add(&line, "measured by");
    eco_page_line(page, &line, ECO_STYLE_DIM);
}

static void measure_columns(const struct eco_report *report, struct table *table, int64_t total[COLUMNS])
{
    char text[ECO_FIGURE_MAX];
    int64_t all = 0;
    table->name_width = NAME_MIN;
    table->cell_width = CELL_WIDTH;
    for (unsigned row = 0; row < table->rows; row++) {
        size_t width = eco_text_width(report->domains[table->domain[row]].info.name);
        if (width > table->name_width)
            table->name_width = width < NAME_MAX_W ? width : NAME_MAX_W;
        for (int c = 0; c < COLUMNS; c++) {
            total[c] += table->cell[row][c];
            all += table->cell[row][c];
        }
    }
    format_cell(&table->grid, all, text);
    if (strlen(text) + 2 > table->cell_width)
        table->cell_width = strlen(text) + 2;
}

void eco_text_table(struct eco_page *page, const struct eco_report *report)
{
    static const struct table empty;
    struct table table = empty;
    int64_t total[COLUMNS] = {0};
    table.grid = eco_text_grid(report);
    fill(report, &table);
    if (table.rows == 0)
        return;
    measure_columns(report, &table, total);
    eco_page_blank(page);
    put_header(page, &table);
    for (unsigned row = 0; row < table.rows; row++) {
        char source[128];
        const struct eco_report_domain *domain = &report->domains[table.domain[row]];
        format_source(domain, source, sizeof(source));
        put_row(page, &table, domain->info.name, table.is_known[row] ? table.cell[row] : NULL, source);
    }
    if (table.rows > 1)
        put_row(page, &table, "total", total, "");
}
