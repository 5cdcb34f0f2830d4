/* SPDX-License-Identifier: MIT */
#include "sinks/text_groups.h"

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INDENT         3
#define WATTS_WIDTH    10
#define CPU_WIDTH      9
#define JOULES_WIDTH   12
#define COUNT_WIDTH    8
#define ID_SHOWN       12 /* digits of an id */
#define POD_SHOWN      8
#define TOP_DEFAULT    10
#define ROWS_OTHERWISE 9 /* lines of a table that are no groups, and one that stays free */

/* ---- cells ---- */

static const char *const none_of[ECO_GROUPING_COUNT] = {
    [ECO_GROUPING_NONE] = "-",
    [ECO_GROUPING_PROCESS] = "others that ended",
    [ECO_GROUPING_TREE] = "others that ended",
    [ECO_GROUPING_CONTAINER] = "in no container",
    [ECO_GROUPING_POD] = "in no pod",
    [ECO_GROUPING_JOB] = "of no job",
    [ECO_GROUPING_UNIT] = "of no unit",
    [ECO_GROUPING_USER] = "of no known user",
};

static void add_detail(enum eco_grouping by, const struct eco_group_sum *sum, char *text, size_t size)
{
    const struct eco_identity *identity = sum->identity;
    size_t length = strlen(text);
    char *to = text + length;
    size -= length;
    if (by == ECO_GROUPING_PROCESS || by == ECO_GROUPING_TREE) {
        if (sum->pid > 0)
            (void)snprintf(to, size, " %d", sum->pid);
    } else if (by == ECO_GROUPING_CONTAINER && identity->pod) {
        (void)snprintf(to, size, "  pod %.*s", POD_SHOWN, identity->pod);
    } else if (by == ECO_GROUPING_CONTAINER && identity->runtime) {
        (void)snprintf(to, size, "  %s", identity->runtime);
    } else if (by == ECO_GROUPING_JOB) {
        const struct eco_slurm_told *told = atomic_load(&identity->slurm->told);
        (void)snprintf(to, size, "  %s%s%s", told && told->name ? told->name : "", identity->user ? "  " : "",
                       identity->user ? identity->user : "");
    } else if (by == ECO_GROUPING_UNIT && identity->is_user_unit) {
        (void)snprintf(to, size, "  of %s", identity->user ? identity->user : "a user");
    }
}

static void format_label(const struct eco_page *page, const struct eco_groups *groups,
                         const struct eco_group_sum *sum, size_t columns, char *ret, size_t size)
{
    char text[2 * ECO_GROUPING_TEXT_MAX], space[ECO_GROUPING_TEXT_MAX];
    const char *label = eco_group_label(groups, sum, space);
    bool is_id = groups->by == ECO_GROUPING_CONTAINER && label && strlen(label) >= 32 &&
                 strspn(label, "0123456789abcdef") == strlen(label);
    if (!label) {
        (void)eco_text_copy(text, sizeof text, sum->is_rest ? "others that ended" : none_of[groups->by]);
    } else {
        /* The number stands before the name of a user's unit for machines only. */
        const char *slash =
            groups->by == ECO_GROUPING_UNIT && sum->identity->is_user_unit ? strchr(label, '/') : NULL;
        (void)snprintf(text, sizeof text, "%.*s", is_id ? ID_SHOWN : ECO_GROUPING_TEXT_MAX,
                       slash ? slash + 1 : label);
        add_detail(groups->by, sum, text, sizeof text);
    }
    eco_page_clean(page, text, columns, ret, size);
}

static void format_figure(double value, char ret[ECO_FIGURE_MAX])
{
    const struct eco_scale base = {0, ""};
    if (!isfinite(value))
        (void)eco_text_copy(ret, ECO_FIGURE_MAX, "-");
    else
        eco_figure_number(value, fabs(value) >= 99.95 ? 0 : fabs(value) >= 9.995 ? -1 : -2, &base, ret);
}

static size_t label_width(const struct eco_page *page)
{
    return page->width - WATTS_WIDTH - CPU_WIDTH - JOULES_WIDTH - COUNT_WIDTH;
}

struct cells {
    double watts, cpu_percent, joules, count; /* nan = an empty cell */
    int digit; /* 10^digit is the last of the joules that means anything; 0 = by their size */
};

static void put_row(struct eco_page *page, const char *label, const struct cells *cells, enum eco_style style)
{
    struct eco_line line = {"   "};
    char text[ECO_FIGURE_MAX];
    size_t column = label_width(page);
    eco_line_add(&line, label);
    format_figure(cells->watts, text);
    eco_line_right(&line, column += WATTS_WIDTH, text);
    (void)snprintf(text, sizeof text, "%ld", isfinite(cells->cpu_percent) ? lround(cells->cpu_percent) : 0);
    eco_line_right(&line, column += CPU_WIDTH, isfinite(cells->cpu_percent) ? text : "");
    const struct eco_scale base = {0, ""};
    if (cells->digit && isfinite(cells->joules))
        eco_figure_number(cells->joules, cells->digit, &base, text);
    else
        format_figure(cells->joules, text);
    eco_line_right(&line, column += JOULES_WIDTH, text);
    (void)snprintf(text, sizeof text, "%ld", isfinite(cells->count) ? lround(cells->count) : 0);
    eco_line_right(&line, column + COUNT_WIDTH, isfinite(cells->count) ? text : "");
    eco_page_line(page, &line, style);
}

static void put_head(struct eco_page *page, enum eco_grouping by, const char *joules)
{
    struct eco_line line = {"   "};
    size_t column = label_width(page);
    eco_line_add(&line, eco_grouping_name(by));
    eco_line_right(&line, column += WATTS_WIDTH, "W");
    eco_line_right(&line, column += CPU_WIDTH, "CPU %");
    eco_line_right(&line, column += JOULES_WIDTH, joules);
    eco_line_right(&line, column + COUNT_WIDTH, "procs");
    eco_page_line(page, &line, ECO_STYLE_DIM);
}

/* ---- order ---- */

struct place {
    const struct eco_group_sum *sum;
    double weight;
};

static int by_weight(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->weight > y->weight || x->weight < y->weight)
        return x->weight > y->weight ? -1 : 1;
    return (x->sum > y->sum) - (x->sum < y->sum);
}

/* What did something or lives; NULL without memory or groups. To be freed. */
static struct place *sort_groups(const struct eco_groups *groups, bool is_live, size_t *ret_count)
{
    struct place *places = eco_calloc(groups->count + 1, sizeof *places);
    size_t n = 0;
    for (size_t i = 0; places && i < groups->count; i++) {
        const struct eco_group_sum *sum = &groups->all[i];
        double uj = is_live ? sum->frame_uj : sum->energy_uj;
        double cpu = (double)(is_live ? sum->frame_cpu_ns : sum->cpu_ns);
        /* Where no energy is known CPU time orders them. */
        if (sum->is_seen || sum->cpu_ns)
            places[n++] = (struct place){sum, isfinite(uj) ? uj + 1e-12 * cpu : 1e-12 * cpu};
    }
    if (places)
        qsort(places, n, sizeof *places, by_weight);
    *ret_count = n;
    return places;
}

/* ---- while it is measured ---- */

static double watts(const struct eco_interval *interval, double uj)
{
    const struct eco_frame_domain *total = interval->total;
    return total->state == ECO_ENERGY_OK && total->span_ns > 0 ? uj * 1e3 / (double)total->span_ns : ECO_NAN;
}

static double percent(const struct eco_interval *interval, uint64_t cpu_ns)
{
    double wall_ns = (double)(interval->t1_ns - interval->t0_ns);
    return wall_ns > 0 ? 100 * (double)cpu_ns / wall_ns : 0;
}

static double count_of(const struct eco_groups *groups, const struct eco_group_sum *sum)
{
    return groups->by == ECO_GROUPING_TREE || groups->by == ECO_GROUPING_PROCESS ? ECO_NAN
                                                                                 : (double)sum->alive;
}

static void put_groups(const struct eco_group_table *table, struct eco_page *page,
                       const struct eco_interval *interval, const struct place *places, size_t count,
                       size_t most)
{
    struct cells others = {.cpu_percent = 0};
    size_t shown = count <= most ? count : most - 1;
    char label[ECO_LINE_MAX];
    for (size_t i = 0; i < count; i++) {
        const struct eco_group_sum *sum = places[i].sum;
        const struct cells cells = {watts(interval, sum->frame_uj), percent(interval, sum->frame_cpu_ns),
                                    sum->energy_uj / 1e6, count_of(&table->groups, sum), 0};
        if (i >= shown) {
            others.watts += cells.watts;
            others.cpu_percent += cells.cpu_percent;
            others.joules += cells.joules;
            others.count += cells.count;
            continue;
        }
        format_label(page, &table->groups, sum, label_width(page) - INDENT, label, sizeof label);
        put_row(page, label, &cells, ECO_STYLE_PLAIN);
    }
    if (shown < count) {
        (void)snprintf(label, sizeof label, "%zu more", count - shown);
        put_row(page, label, &others, ECO_STYLE_PLAIN);
    }
}

/* What is no group's, so that the column adds up to the machine. */
static void put_nobodys(const struct eco_group_table *table, struct eco_page *page,
                        const struct eco_frame *frame, const struct eco_interval *interval)
{
    const struct eco_split *now = &interval->total->split[frame->headline];
    const struct eco_split *sum = &table->tally.total.split[frame->headline];
    const struct {
        const char *label;
        double now_uj, sum_uj;
    } rows[] = {{"others, not chosen", now->others_uj, sum->others_uj},
                {"idle power", now->idle_uj, sum->idle_uj},
                {"unattributed", now->unattributed_uj, sum->unattributed_uj}};
    for (size_t i = 0; i < ECO_COUNT(rows); i++) {
        const struct cells cells = {watts(interval, rows[i].now_uj), ECO_NAN, rows[i].sum_uj / 1e6, ECO_NAN,
                                    0};
        if (fabs(rows[i].sum_uj) > 0)
            put_row(page, rows[i].label, &cells, ECO_STYLE_DIM);
    }
    const struct cells machine = {watts(interval, interval->total->machine_uj),
                                  percent(interval, interval->machine_cpu_ns),
                                  table->tally.total.machine_uj / 1e6, ECO_NAN, 0};
    put_row(page, "the machine", &machine, ECO_STYLE_BOLD);
}

static unsigned count_lines(const struct eco_buf *out, size_t from)
{
    unsigned lines = 0;
    for (size_t i = from; i < out->length; i++)
        lines += out->data[i] == '\n';
    return lines;
}

int eco_group_table_frame(struct eco_group_table *table, struct eco_page *page, const struct eco_frame *frame)
{
    struct eco_interval interval;
    struct eco_line line = {""};
    char clock[16] = "-";
    size_t count = 0, most = page->top;
    time_t seconds = (time_t)(frame->t1_real_ns / (int64_t)ECO_NS_PER_S);
    struct tm local;
    eco_tally_add(&table->tally, frame, &interval);
    int r = eco_groups_add_frame(&table->groups, frame, &interval);
    struct place *places = r == 0 ? sort_groups(&table->groups, true, &count) : NULL;
    if (!places)
        return -ENOMEM;
    if (!most)
        most = table->rows > ROWS_OTHERWISE + 2 ? table->rows - ROWS_OTHERWISE : 3;
    if (page->color && table->lines)
        eco_buf_printf(page->out, "\033[%uA\033[J", table->lines);
    size_t start = page->out->length;
    if (localtime_r(&seconds, &local))
        (void)strftime(clock, sizeof clock, "%H:%M:%S", &local);
    eco_line_printf(&line, "%s  %u processes", clock, frame->job_alive);
    eco_page_line(page, &line, ECO_STYLE_PLAIN);
    put_head(page, table->groups.by, "J so far");
    put_groups(table, page, &interval, places, count, most);
    put_nobodys(table, page, frame, &interval);
    table->lines = count_lines(page->out, start);
    free(places);
    return 0;
}

/* ---- at the end ---- */

int eco_text_groups(struct eco_page *page, const struct eco_report *report, enum eco_grouping by)
{
    struct eco_groups groups;
    size_t count = 0, most = page->top ? page->top : TOP_DEFAULT;
    bool is_estimate = eco_text_is_estimate(report); /* its watts would look like knowledge */
    int digit = report->has_energy ? eco_text_digit(report, report->headline) : 0;
    struct cells others = {.watts = is_estimate ? ECO_NAN : 0, .digit = digit};
    eco_groups_init(&groups, by);
    int r = eco_groups_add_report(&groups, report);
    struct place *places = r == 0 ? sort_groups(&groups, false, &count) : NULL;
    for (size_t i = 0; places && i < count; i++) {
        const struct eco_group_sum *sum = places[i].sum;
        char label[ECO_LINE_MAX];
        double joules = report->has_energy ? sum->energy_uj / 1e6 : ECO_NAN, wall_s = report->duration_s;
        const struct cells cells = {wall_s > 0 && !is_estimate ? joules / wall_s : ECO_NAN,
                                    wall_s > 0 ? (double)sum->cpu_ns / wall_s / 1e7 : ECO_NAN, joules,
                                    sum->alive ? (double)sum->alive : ECO_NAN, digit};
        bool is_shown = count <= most || i + 1 < most;
        if (i == 0) {
            eco_page_blank(page);
            put_head(page, by, "J");
        }
        if (is_shown) {
            format_label(page, &groups, sum, label_width(page) - INDENT, label, sizeof label);
            put_row(page, label, &cells, ECO_STYLE_PLAIN);
            continue;
        }
        others.watts += cells.watts;
        others.cpu_percent += cells.cpu_percent;
        others.joules += cells.joules;
        others.count += (double)sum->alive;
        if (i + 1 == count) {
            (void)snprintf(label, sizeof label, "%zu more", count - (most - 1));
            put_row(page, label, &others, ECO_STYLE_PLAIN);
        }
    }
    r = places ? 0 : -ENOMEM;
    free(places);
    eco_groups_finish(&groups);
    return r;
}
