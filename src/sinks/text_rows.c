/* SPDX-License-Identifier: MIT */
/* The process rows of the report. */
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "sinks/text.h"
#include "sinks/text_tree.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define INDENT      3
#define TOP_DEFAULT 10
#define DEPTH_MAX   6
#define TIME_WIDTH  11
#define RAM_WIDTH   10
#define SHARE_WIDTH 7
#define GPU_WIDTH   11

struct view {
    struct eco_page *page;
    const struct eco_report *report;
    struct eco_tree tree;
    size_t *shown;    /* nodes in reading order */
    size_t count;     /* of those; one more row stands for what is hidden */
    double *energy;   /* [count + 1] joules */
    int64_t *cells;   /* [count + 1] printed joules in units of the grid's digit */
    int64_t *percent; /* [count + 1] */
    double *weights;  /* [count + 1] of the shares */
    struct eco_tree_node hidden;
    bool has_energy_column, has_gpu_column;
    struct eco_grid grid;
    size_t energy_width, label_width;
    double max_cpu_s, max_gpu_s;
};

static void gather(struct view *view)
{
    for (size_t n = eco_tree_next(&view->tree, ECO_TREE_NONE); n != ECO_TREE_NONE;
         n = eco_tree_next(&view->tree, n))
        view->shown[view->count++] = n;
    for (size_t i = 0; i < view->tree.count; i++) {
        const struct eco_tree_node *node = &view->tree.nodes[i];
        view->max_cpu_s = fmax(view->max_cpu_s, node->cpu_s);
        view->has_gpu_column |= isfinite(node->gpu_busy_s);
        view->max_gpu_s = fmax(view->max_gpu_s, node->gpu_busy_s);
        if (node->is_shown)
            continue;
        if (isfinite(node->gpu_busy_s))
            view->hidden.gpu_busy_s = fmax(view->hidden.gpu_busy_s, 0) + node->gpu_busy_s;
        view->hidden.count += node->count;
        view->hidden.cpu_s += node->cpu_s;
        view->hidden.energy_j += node->energy_j;
        if (node->max_rss_bytes > view->hidden.max_rss_bytes)
            view->hidden.max_rss_bytes = node->max_rss_bytes;
    }
    view->max_cpu_s = fmax(view->max_cpu_s, view->hidden.cpu_s);
    view->max_gpu_s = fmax(view->max_gpu_s, view->hidden.gpu_busy_s);
}

static const struct eco_tree_node *node_at(const struct view *view, size_t i)
{
    return i < view->count ? &view->tree.nodes[view->shown[i]] : &view->hidden;
}

/* Printed energies add up to the job's printed total in the table above, shares to 100. */
static void round_cells(struct view *view)
{
    size_t rows = view->count + 1, largest = 0;
    double cpu_s = 0, energy_j = 0;
    for (size_t i = 0; i < rows; i++) {
        view->energy[i] = node_at(view, i)->energy_j;
        cpu_s += node_at(view, i)->cpu_s;
        energy_j += view->energy[i];
        if (view->energy[i] > view->energy[largest])
            largest = i;
    }
    bool by_energy = view->report->has_energy && energy_j > 0 && !eco_text_is_estimate(view->report);
    double sum = by_energy ? energy_j : cpu_s;
    for (size_t i = 0; i < rows; i++) {
        double part = by_energy ? view->energy[i] : node_at(view, i)->cpu_s;
        view->weights[i] = sum > 0 ? 100.0 * part / sum : 0.0;
    }
    (void)eco_round_sum(view->weights, rows, 1.0, view->percent);
    int64_t total = eco_round_sum(view->energy, rows, eco_pow10(view->grid.digit), view->cells);
    /* Sums in another order may fall on the other side of a half. */
    view->cells[largest] += eco_text_table_job(view->report, &view->grid) - total;
}

static void put_branch(struct eco_line *line, const struct view *view, size_t n)
{
    const struct eco_tree_node *nodes = view->tree.nodes;
    size_t above[DEPTH_MAX];
    size_t depth = 0;
    for (size_t i = n; nodes[i].parent != ECO_TREE_NONE; i = nodes[i].parent) {
        if (depth < DEPTH_MAX)
            above[depth++] = i;
    }
    bool utf8 = view->page->utf8;
    while (depth-- > 0) {
        bool goes_on = eco_tree_has_next(&view->tree, above[depth]);
        if (depth > 0)
            eco_line_add(line, !goes_on ? "   " : utf8 ? "\xE2\x94\x82  " : "|  ");
        else if (utf8)
            eco_line_add(line, goes_on ? "\xE2\x94\x9C\xE2\x94\x80 " : "\xE2\x94\x94\xE2\x94\x80 ");
        else
            eco_line_add(line, goes_on ? "|- " : "`- ");
    }
}

/* "4211 python3 train.py", "4 data workers", "40 x cc1", "212 short-lived (exited)" */
static void format_label(const struct view *view, const struct eco_tree_node *node, char *ret, size_t size)
{
    const struct eco_report_process *p = node->first;
    const char *name = p->name && *p->name ? p->name : "unnamed";
    const char *line = p->cmdline && *p->cmdline ? p->cmdline : name;
    unsigned long long count = node->count;
    if (p->pid == 0 && count == 0)
        (void)snprintf(ret, size, "%s (exited)", name);
    else if (p->pid == 0)
        (void)snprintf(ret, size, "%llu %s (exited)", count, name);
    else if (node->rows == 1 && count == 1)
        (void)snprintf(ret, size, "%d %s", p->pid, p->role ? p->role : line);
    else if (p->role)
        (void)snprintf(ret, size, "%llu %ss", count, p->role);
    else
        (void)snprintf(ret, size, "%llu %s %s", count, view->page->utf8 ? "\xC3\x97" : "x", name);
}

static void put_figures(struct eco_line *line, const struct view *view, size_t i)
{
    const struct eco_tree_node *node = node_at(view, i);
    char text[ECO_FIGURE_MAX];
    size_t column = INDENT + view->label_width + TIME_WIDTH;
    eco_cpu_time_format(node->cpu_s, view->max_cpu_s, text);
    eco_line_right(line, column, text);
    eco_bytes_format(node->max_rss_bytes, text);
    column += RAM_WIDTH;
    eco_line_right(line, column, text);
    if (view->has_gpu_column) {
        eco_cpu_time_format(node->gpu_busy_s, view->max_gpu_s, text);
        column += GPU_WIDTH;
        eco_line_right(line, column, isfinite(node->gpu_busy_s) ? text : "-");
    }
    if (view->has_energy_column) {
        eco_figure_number((double)view->cells[i] * eco_pow10(view->grid.digit), view->grid.digit,
                          &view->grid.scale, text);
        column += view->energy_width;
        eco_line_right(line, column, text);
    }
    if (view->percent[i] > 0 || !(view->weights[i] > 0))
        (void)snprintf(text, sizeof(text), "%lld %%", (long long)view->percent[i]);
    else
        (void)snprintf(text, sizeof(text), "<1 %%");
    column += SHARE_WIDTH;
    eco_line_right(line, column, text);
}

static void put_header(const struct view *view)
{
    struct eco_line line = {"   process"};
    char unit[ECO_FIGURE_MAX];
    size_t column = INDENT + view->label_width + TIME_WIDTH;
    eco_line_right(&line, column, "CPU time");
    column += RAM_WIDTH;
    eco_line_right(&line, column, "peak RAM");
    if (view->has_gpu_column)
        eco_line_right(&line, column += GPU_WIDTH, "GPU time");
    if (view->has_energy_column) {
        (void)snprintf(unit, sizeof(unit), "%sJ", view->grid.scale.prefix);
        column += view->energy_width;
        eco_line_right(&line, column, unit);
    }
    eco_line_right(&line, column + SHARE_WIDTH, "share");
    eco_page_line(view->page, &line, ECO_STYLE_DIM);
}

static void put_row(const struct view *view, size_t i)
{
    struct eco_line line = {"   "};
    char label[ECO_LINE_MAX], clean[ECO_LINE_MAX];
    if (i < view->count) {
        put_branch(&line, view, view->shown[i]);
        format_label(view, node_at(view, i), label, sizeof(label));
    } else {
        (void)snprintf(label, sizeof(label), "%llu more", (unsigned long long)view->hidden.count);
    }
    size_t used = eco_text_width(line.text) - INDENT;
    size_t room = view->label_width > used + 4 ? view->label_width - used : 4;
    eco_page_clean(view->page, label, room, clean, sizeof(clean));
    eco_line_add(&line, clean);
    put_figures(&line, view, i);
    eco_page_line(view->page, &line, ECO_STYLE_PLAIN);
}

static void measure_columns(struct view *view)
{
    char text[ECO_FIGURE_MAX];
    size_t taken = INDENT + TIME_WIDTH + RAM_WIDTH + SHARE_WIDTH;
    view->energy_width = 10;
    for (size_t i = 0; i <= view->count; i++) {
        eco_figure_number((double)view->cells[i] * eco_pow10(view->grid.digit), view->grid.digit,
                          &view->grid.scale, text);
        if (strlen(text) + 2 > view->energy_width)
            view->energy_width = strlen(text) + 2;
    }
    taken += (view->has_energy_column ? view->energy_width : 0) + (view->has_gpu_column ? GPU_WIDTH : 0);
    view->label_width = view->page->width > taken + 8 ? view->page->width - taken : 8;
}

static void show(struct view *view)
{
    gather(view);
    round_cells(view);
    measure_columns(view);
    eco_page_blank(view->page);
    put_header(view);
    for (size_t i = 0; i < view->count; i++)
        put_row(view, i);
    bool is_hidden_nothing = view->hidden.cpu_s < 0.0005 && view->percent[view->count] == 0 &&
                             (!view->has_energy_column || view->cells[view->count] == 0);
    if (view->hidden.count > 0 && !is_hidden_nothing)
        put_row(view, view->count);
}

int eco_text_processes(struct eco_page *page, const struct eco_report *report)
{
    bool has_energy = report->has_energy && !eco_text_is_estimate(report) &&
                      !eco_text_is_too_small(report, report->headline);
    struct view view = {
        .page = page, .report = report, .grid = eco_text_grid(report), .has_energy_column = has_energy};
    view.hidden.gpu_busy_s = (double)NAN;
    if (report->process_count == 0)
        return 0;
    int r = eco_tree_init(&view.tree, report, page->top > 0 ? page->top : TOP_DEFAULT);
    size_t rows = view.tree.count + 1;
    double *numbers = eco_calloc(rows, 2 * sizeof(*numbers));
    int64_t *cells = eco_calloc(rows, 2 * sizeof(*cells));
    view.shown = eco_calloc(rows, sizeof(*view.shown));
    if (r == 0 && (!numbers || !cells || !view.shown))
        r = -ENOMEM;
    if (r == 0) {
        view.energy = numbers;
        view.weights = numbers + rows;
        view.cells = cells;
        view.percent = cells + rows;
        show(&view);
    }
    free(view.shown);
    free(cells);
    free(numbers);
    eco_tree_finish(&view.tree);
    return r;
}
