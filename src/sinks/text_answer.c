/* SPDX-License-Identifier: MIT */
/* The answer: the job's energy by each policy in joules and watt-hours, with what is known of its error. */
#include "base/num.h"
#include "base/text.h"
#include "sinks/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define J_PER_WH       3600.0
#define TELLS_NOTHING  0.95 /* half width / value from which on only an upper end is said */
#define ESTIMATE_FLOOR 0.02 /* low end / value of an estimate below which the same holds */
#define PEAK_INTERVALS 3
#define LINES_MAX      3
#define CELLS          5
#define INDENT         3

enum { CELL_VALUE, CELL_RANGE, CELL_WH, CELL_WORDS, CELL_POWER };

struct head_line {
    char cell[CELLS][ECO_FIGURE_MAX * 3];
};

struct head {
    struct head_line lines[LINES_MAX];
    unsigned count;
    enum eco_slot slot[LINES_MAX];
};

static double half_width(const struct eco_uncertainty *u, double value)
{
    double half = fmax(u->job_high_j - value, value - u->job_low_j);
    return isfinite(half) && half > 0 ? half : (double)NAN;
}

bool eco_text_is_estimate(const struct eco_report *report)
{
    const double *by_quality = report->quality_j;
    double estimated = by_quality[ECO_ESTIMATED];
    return report->quality == ECO_ESTIMATED &&
           !(estimated < by_quality[ECO_MEASURED] + by_quality[ECO_DERIVED]);
}

bool eco_text_is_machine(const struct eco_page *page, const struct eco_report *report)
{
    return page->is_monitor && !report->command && !(fabs(report->sums[ECO_SLOT_FULL].others_j) > 0);
}

bool eco_text_is_too_small(const struct eco_report *report, enum eco_slot slot)
{
    double value = report->sums[slot].job_j;
    double half = half_width(&report->uncertainty[slot], value);
    if (eco_text_is_estimate(report))
        return !(value > 0) || report->uncertainty[slot].job_low_j < ESTIMATE_FLOOR * value;
    return !(value > 0) || half >= TELLS_NOTHING * value;
}

/* One digit of a figure that is known to a factor of two, two where the first is small. */
static int estimate_digit(double value)
{
    if (!(fabs(value) > 0))
        return 0;
    int first = (int)floor(log10(fabs(value)));
    return fabs(value) / eco_pow10(first) < 2.95 ? first - 1 : first;
}

/* Two digits of the half width where the first is a 1 or 2, else one: a second would be noise. */
static int measured_digit(double value, double half)
{
    int digit = eco_digit_exponent(value, half);
    bool by_half = digit == eco_digit_exponent(0, half);
    return by_half && half >= 29.5 * eco_pow10(digit) ? digit + 1 : digit;
}

static int digit_of(const struct eco_report *report, enum eco_slot slot, double per)
{
    double value = report->sums[slot].job_j / per;
    if (eco_text_is_estimate(report))
        return estimate_digit(value);
    double half = half_width(&report->uncertainty[slot], report->sums[slot].job_j) / per;
    return measured_digit(value, isfinite(half) ? half : fabs(value) * 0.02);
}

int eco_text_digit(const struct eco_report *report, enum eco_slot slot)
{
    return digit_of(report, slot, 1.0);
}

static const char *slot_words(const struct eco_page *page, const struct eco_report *report,
                              enum eco_slot slot)
{
    bool machine = eco_text_is_machine(page, report);
    switch (slot) {
    case ECO_SLOT_ACTIVE:
        return machine            ? "used by what ran on it"
               : page->is_monitor ? "their own energy"
                                  : "the job's own energy";
    case ECO_SLOT_FULL:
        if (machine)
            return "with idle power";
        return page->is_monitor ? "with their share of idle power" : "with its share of idle power";
    case ECO_SLOT_CHOSEN:
    case ECO_SLOT_COUNT:
        break;
    }
    return report->policy == ECO_POLICY_EQUAL ? "with an equal part of idle"
                                              : "with idle of what it reserved";
}

static void put_range(const struct eco_page *page, const struct eco_report *report, enum eco_slot slot,
                      int digit, const struct eco_scale *scale, char *ret, size_t size)
{
    const struct eco_uncertainty *u = &report->uncertainty[slot];
    double value = report->sums[slot].job_j, half = half_width(u, value);
    if (!isfinite(half))
        return;
    if (eco_text_is_estimate(report)) {
        char low[ECO_FIGURE_MAX], high[ECO_FIGURE_MAX];
        eco_figure_number(u->job_low_j, digit, scale, low);
        eco_figure_format(u->job_high_j, digit, scale, "J", high);
        (void)snprintf(ret, size, "(%.20s to %.30s)", low, high);
        return;
    }
    double percent = 100.0 * half / value;
    const char *sign = page->utf8 ? "\xC2\xB1" : "+-";
    long t = lround(percent * 10);
    if (percent >= 2.95)
        (void)snprintf(ret, size, "%s%ld %%", sign, lround(percent));
    else if (t > 0)
        (void)snprintf(ret, size, "%s%ld.%ld %%", sign, t / 10, t % 10);
    else
        (void)snprintf(ret, size, "%s<0.1 %%", sign);
}

static void put_power(const struct eco_report *report, enum eco_slot slot, char *ret, size_t size)
{
    char mean[ECO_FIGURE_MAX], peak[ECO_FIGURE_MAX];
    double value = report->sums[slot].job_j / report->duration_s;
    if (!(report->duration_s > 0) || !isfinite(value))
        return;
    int digit = digit_of(report, slot, report->duration_s);
    struct eco_scale scale = eco_scale_for(value, digit);
    eco_figure_format(value, digit, &scale, "W", mean);
    bool has_peak = slot == report->headline && report->interval_count >= PEAK_INTERVALS &&
                    isfinite(report->peak_power_w) && report->peak_power_w >= value;
    if (!has_peak) {
        (void)snprintf(ret, size, "%s", mean);
        return;
    }
    struct eco_scale peak_scale = eco_scale_for(report->peak_power_w, digit);
    eco_figure_format(report->peak_power_w, digit, &peak_scale, "W", peak);
    (void)snprintf(ret, size, "%s, peak %s", mean, peak);
}

/* Not told from nothing: the upper end is all there is to say. */
static void put_at_most(const struct eco_report *report, enum eco_slot slot, struct head_line *line)
{
    double high = report->uncertainty[slot].job_high_j;
    if (!isfinite(high) || high < report->sums[slot].job_j)
        high = report->sums[slot].job_j;
    int digit = high > 0 ? eco_digit_exponent(high, high * 0.5) : 0;
    double up = high > 0 ? ceil(high / eco_pow10(digit) - 1e-9) * eco_pow10(digit) : 0.0;
    struct eco_scale scale = eco_scale_for(up, digit);
    char figure[ECO_FIGURE_MAX];
    eco_figure_format(up, digit, &scale, "J", figure);
    (void)snprintf(line->cell[CELL_VALUE], sizeof(line->cell[0]), "at most %s", figure);
    (void)snprintf(line->cell[CELL_POWER], sizeof(line->cell[0]), "%s",
                   report->duration_s < ECO_TEXT_SHORT_S ? "too short to measure" : "too little to measure");
}

static void put_figure(const struct eco_page *page, const struct eco_report *report, enum eco_slot slot,
                       const struct eco_scale *shared, struct head_line *line)
{
    double value = report->sums[slot].job_j;
    int digit = eco_text_digit(report, slot), wh_digit = digit_of(report, slot, J_PER_WH);
    struct eco_scale own = eco_scale_for(value, digit), wh = eco_scale_for(value / J_PER_WH, wh_digit);
    const struct eco_scale *scale = shared && shared->exponent + 1 >= digit ? shared : &own;
    eco_figure_format(value, digit, scale, "J", line->cell[CELL_VALUE]);
    eco_figure_format(value / J_PER_WH, wh_digit, &wh, "Wh", line->cell[CELL_WH]);
    put_range(page, report, slot, digit, scale, line->cell[CELL_RANGE], sizeof(line->cell[0]));
    if (eco_text_is_estimate(report))
        (void)snprintf(line->cell[CELL_POWER], sizeof(line->cell[0]), "ESTIMATED");
    else
        put_power(report, slot, line->cell[CELL_POWER], sizeof(line->cell[0]));
}

/* Which policies are shown, the one asked for first. */
static void choose_slots(const struct eco_report *report, struct head *head)
{
    static const enum eco_slot order[] = {ECO_SLOT_CHOSEN, ECO_SLOT_ACTIVE, ECO_SLOT_FULL};
    for (size_t i = 0; i < ECO_COUNT(order); i++) {
        bool is_there = order[i] != ECO_SLOT_CHOSEN || report->slots > ECO_SLOT_CHOSEN;
        if (is_there && isfinite(report->sums[order[i]].job_j))
            head->slot[head->count++] = order[i];
    }
}

/* One unit for all lines, unless that hides the smallest. */
static bool share_scale(const struct eco_report *report, const struct head *head, struct eco_scale *ret)
{
    double least = (double)INFINITY, most = 0;
    enum eco_slot largest = head->slot[0];
    for (unsigned i = 0; i < head->count; i++) {
        double value = report->sums[head->slot[i]].job_j;
        least = fmin(least, value);
        if (value >= most) {
            most = value;
            largest = head->slot[i];
        }
    }
    *ret = eco_scale_for(most, eco_text_digit(report, largest));
    return least * 20 >= most;
}

static size_t measure(const struct head *head, size_t width[CELLS])
{
    size_t total = INDENT;
    for (int c = 0; c < CELLS; c++) {
        width[c] = 0;
        for (unsigned i = 0; i < head->count; i++) {
            size_t own = eco_text_width(head->lines[i].cell[c]);
            width[c] = own > width[c] ? own : width[c];
        }
        total += width[c] > 0 ? width[c] + 2 : 0;
    }
    return total - 1; /* three blanks before the words, none at the end */
}

/* On a narrow terminal the peak goes first, then the watt-hours. */
static void make_fit(const struct eco_page *page, struct head *head, size_t width[CELLS])
{
    static const char peak[] = ", peak";
    if (measure(head, width) <= page->width)
        return;
    for (unsigned i = 0; i < head->count; i++) {
        char *found = strstr(head->lines[i].cell[CELL_POWER], peak);
        if (found)
            *found = '\0';
    }
    if (measure(head, width) <= page->width)
        return;
    for (unsigned i = 0; i < head->count; i++)
        head->lines[i].cell[CELL_WH][0] = '\0';
    (void)measure(head, width);
}

static void lay_out(struct eco_page *page, struct head *head)
{
    size_t width[CELLS];
    make_fit(page, head, width);
    for (unsigned i = 0; i < head->count; i++) {
        struct eco_line line = {"   "};
        const struct head_line *cells = &head->lines[i];
        size_t column = INDENT + width[CELL_VALUE];
        eco_line_right(&line, column, cells->cell[CELL_VALUE]);
        if (width[CELL_RANGE] > 0) {
            eco_line_pad(&line, column + 2);
            eco_line_add(&line, cells->cell[CELL_RANGE]);
            column += 2 + width[CELL_RANGE];
        }
        if (width[CELL_WH] > 0) {
            column += 2 + width[CELL_WH];
            eco_line_right(&line, column, cells->cell[CELL_WH]);
        }
        eco_line_pad(&line, column + 3);
        eco_line_add(&line, cells->cell[CELL_WORDS]);
        eco_line_pad(&line, column + 3 + width[CELL_WORDS] + 2);
        eco_line_add(&line, cells->cell[CELL_POWER]);
        eco_page_line(page, &line, ECO_STYLE_BOLD);
    }
}

bool eco_text_answer(struct eco_page *page, const struct eco_report *report)
{
    struct head head = {.count = 0};
    struct eco_scale shared;
    if (report->has_energy)
        choose_slots(report, &head);
    if (head.count == 0)
        return false;
    bool is_shared = share_scale(report, &head, &shared), is_too_short = false;
    for (unsigned i = 0; i < head.count && report->duration_s < ECO_TEXT_SHORT_S; i++)
        is_too_short = is_too_short || eco_text_is_too_small(report, head.slot[i]);
    for (unsigned i = 0; i < head.count; i++) {
        struct head_line *line = &head.lines[i];
        if (is_too_short || eco_text_is_too_small(report, head.slot[i]))
            put_at_most(report, head.slot[i], line);
        else
            put_figure(page, report, head.slot[i], is_shared ? &shared : NULL, line);
        (void)snprintf(line->cell[CELL_WORDS], sizeof(line->cell[0]), "%s",
                       slot_words(page, report, head.slot[i]));
    }
    lay_out(page, &head);
    return true;
}
