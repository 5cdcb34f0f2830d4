/* SPDX-License-Identifier: MIT */
/* Phases, what the whole takes, budgets and at most one finding, in the report for people. */
#include "base/num.h"
#include "base/text.h"
#include "sinks/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PHASES_TOLD    12
#define SMALL_S        0.0005 /* a first phase that was over at once is no row */
#define DONE_NEARLY    0.995
#define NAME_COLUMN    3
#define COUNT_COLUMN   38
#define TIME_COLUMN    54
#define CPU_COLUMN     65
#define FIGURE_COLUMN  72
#define SHARE_COLUMN   79
#define NAME_WIDTH_MAX 28

static bool is_told(const struct eco_phase *phase)
{
    return phase->duration_s >= SMALL_S || strcmp(phase->name, ECO_PHASE_BEFORE_NAME) != 0;
}

/* A policy whose figures were not known while it ran is told by the one that was. */
static enum eco_slot slot_of(const struct eco_report *report)
{
    for (unsigned i = 0; i < report->course->phase_count; i++)
        if (report->course->phases[i].has_energy &&
            isnan(report->course->phases[i].sums_uj[report->headline].job_uj))
            return ECO_SLOT_FULL;
    return report->headline;
}

static void put_phase(struct eco_page *page, const struct eco_phase *phase, enum eco_slot slot,
                      const struct eco_grid *grid, double sum_j)
{
    struct eco_line line = {"   "};
    char text[ECO_FIGURE_MAX], name[4 * NAME_WIDTH_MAX];
    double job_j = phase->sums_uj[slot].job_uj * 1e-6;
    eco_page_clean(page, phase->name, NAME_WIDTH_MAX, name, sizeof name);
    eco_line_add(&line, name);
    if (phase->count > 1) {
        (void)snprintf(text, sizeof text, "%llu times", (unsigned long long)phase->count);
        eco_line_right(&line, COUNT_COLUMN, text);
    }
    eco_duration_format(phase->duration_s, text);
    eco_line_right(&line, TIME_COLUMN, text);
    eco_duration_format(phase->cpu_s, text);
    eco_line_right(&line, CPU_COLUMN, text);
    if (grid && phase->has_energy) {
        eco_figure_number(job_j, grid->digit, &grid->scale, text);
        eco_line_right(&line, FIGURE_COLUMN, text);
    }
    if (phase->has_energy && sum_j > 0) {
        long percent = lround(100 * fmin(10, fmax(0, job_j) / sum_j));
        (void)snprintf(text, sizeof text, percent == 0 && job_j > 0 ? "<1 %%" : "%ld %%", percent);
        eco_line_right(&line, SHARE_COLUMN, text);
    }
    eco_page_line(page, &line, ECO_STYLE_PLAIN);
}

static void put_phases(struct eco_page *page, const struct eco_report *report)
{
    const struct eco_course *course = report->course;
    struct eco_line head = {"   phase"};
    char unit[16];
    double sum_j = 0;
    if (course->phase_count == 0)
        return;
    enum eco_slot slot = slot_of(report);
    bool has_joules = report->has_energy && !eco_text_is_estimate(report);
    struct eco_grid grid = eco_text_grid(report);
    for (unsigned i = 0; i < course->phase_count; i++)
        if (course->phases[i].has_energy)
            sum_j += course->phases[i].sums_uj[slot].job_uj * 1e-6;
    eco_page_blank(page);
    eco_line_right(&head, TIME_COLUMN, "time");
    eco_line_right(&head, CPU_COLUMN, "CPU time");
    (void)snprintf(unit, sizeof unit, "%sJ", grid.scale.prefix);
    if (has_joules)
        eco_line_right(&head, FIGURE_COLUMN, unit);
    if (report->has_energy)
        eco_line_right(&head, SHARE_COLUMN, "share");
    eco_page_line(page, &head, ECO_STYLE_DIM);
    unsigned told = 0, more = 0;
    for (unsigned i = 0; i < course->phase_count; i++) {
        if (!is_told(&course->phases[i]))
            continue;
        if (told == PHASES_TOLD)
            more++;
        else
            put_phase(page, &course->phases[i], slot, has_joules ? &grid : NULL, sum_j);
        told += told < PHASES_TOLD;
    }
    if (more > 0) {
        struct eco_line line = {""};
        eco_line_printf(&line, "   ... and %u more", more);
        eco_page_line(page, &line, ECO_STYLE_DIM);
    }
}

/* No more digits than half the interval allows. */
static void format_joules(double value_j, double half_width_j, char ret[ECO_FIGURE_MAX])
{
    int digit = isfinite(half_width_j) && half_width_j > 0 ? eco_digit_exponent(value_j, half_width_j)
                                                           : eco_digit_exponent(value_j, 0.05 * value_j);
    struct eco_scale scale = eco_scale_for(value_j, digit);
    eco_figure_format(value_j, digit, &scale, "J", ret);
}

static bool is_predicted(const struct eco_prediction *whole)
{
    return whole->is_known && whole->fraction < DONE_NEARLY && whole->energy_j > 0;
}

static void put_prediction(struct eco_page *page, const struct eco_report *report)
{
    const struct eco_prediction *whole = &report->course->prediction;
    char figure[ECO_FIGURE_MAX], time[ECO_FIGURE_MAX], text[320], range[2 * ECO_FIGURE_MAX + 16] = "";
    if (!is_predicted(whole))
        return;
    double half_j = (whole->energy_high_j - whole->energy_low_j) / 2;
    format_joules(whole->energy_j, half_j, figure);
    eco_duration_format(whole->duration_s, time);
    if (isfinite(half_j)) {
        char low[ECO_FIGURE_MAX], high[ECO_FIGURE_MAX];
        format_joules(whole->energy_low_j, half_j, low);
        format_joules(whole->energy_high_j, half_j, high);
        (void)snprintf(range, sizeof range, " (%s to %s)", low, high);
    }
    (void)snprintf(text, sizeof text, "%ld %% was done: the whole takes %s%s in %s at this rate",
                   lround(100 * whole->fraction), figure, range, time);
    eco_page_wrap(page, text, ECO_STYLE_PLAIN);
}

/* As many digits as the interval allows; grams and joules with a prefix, money without. */
static void format_used(const struct eco_budget *budget, double value, char ret[ECO_FIGURE_MAX])
{
    double half = (budget->used_high - budget->used_low) / 2;
    if (!(value > 0)) {
        (void)snprintf(ret, ECO_FIGURE_MAX, "0 %s", budget->unit);
        return;
    }
    int digit = eco_digit_exponent(value, half > 0 ? half : 0.005 * value);
    struct eco_scale scale = {0, ""};
    if (budget->kind != ECO_BUDGET_MONEY)
        scale = eco_scale_for(value, digit);
    eco_figure_format(value, digit, &scale, budget->unit, ret);
}

static void put_budget(struct eco_page *page, const struct eco_report *report,
                       const struct eco_budget *budget)
{
    char used[ECO_FIGURE_MAX], text[320], low[ECO_FIGURE_MAX], high[ECO_FIGURE_MAX], range[160] = "";
    if (!isfinite(budget->used)) {
        (void)snprintf(text, sizeof text, "Budget of %.40s: not judged, no energy is known", budget->text);
        eco_page_wrap(page, text, ECO_STYLE_WARN);
        return;
    }
    format_used(budget, budget->used, used);
    if (isfinite(budget->used_low) && isfinite(budget->used_high)) {
        format_used(budget, budget->used_low, low);
        format_used(budget, budget->used_high, high);
        (void)snprintf(range, sizeof range, " (95 %%: %s to %s)", low, high);
    }
    (void)snprintf(text, sizeof text, "Budget of %.40s%s%s: %s%s, %ld %%", budget->text,
                   budget->is_exceeded ? " exceeded" : "",
                   report->course->was_stopped && budget->is_exceeded ? ", the command was told to end" : "",
                   used, range, lround(100 * fmax(-1e6, fmin(budget->used / budget->limit, 1e6))));
    eco_page_wrap(page, text, budget->is_exceeded ? ECO_STYLE_WARN : ECO_STYLE_PLAIN);
}

void eco_text_phases(struct eco_page *page, const struct eco_report *report)
{
    if (report->course)
        put_phases(page, report);
}

void eco_text_course(struct eco_page *page, const struct eco_report *report)
{
    if (!report->course || (!is_predicted(&report->course->prediction) && report->course->budget_count == 0))
        return;
    eco_page_blank(page);
    put_prediction(page, report);
    for (unsigned i = 0; i < report->course->budget_count; i++)
        put_budget(page, report, &report->course->budgets[i]);
}

bool eco_text_insight(struct eco_page *page, const struct eco_report *report)
{
    char text[ECO_INSIGHT_TEXT_MAX + 160];
    unsigned count = report->course ? report->course->insight_count : 0;
    /* What mends an estimate stands at the top, on a line of its own. */
    if (count == 0 || strcmp(report->course->insights[0].id, "estimated") == 0)
        return false;
    const struct eco_insight *first = &report->course->insights[0];
    (void)snprintf(text, sizeof text, "%s: %s", first->text, first->what_to_do);
    eco_page_blank(page);
    eco_page_wrap(page, text, ECO_STYLE_PLAIN);
    return true;
}
