/* SPDX-License-Identifier: MIT */
/* The head of the report: what was measured, and the answer in joules and watt-hours. */
#include "base/num.h"
#include "base/text.h"
#include "sinks/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define J_PER_WH       3600.0
#define SHORT_S        1.0  /* below, a run that tells nothing was too short; above, it did too little */
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

/* ---- first line ---- */

static const char *signal_name(int number)
{
    static const char *const names[] = {
        [1] = "HUP",   [2] = "INT",   [3] = "QUIT",  [4] = "ILL",   [5] = "TRAP",  [6] = "ABRT",
        [7] = "BUS",   [8] = "FPE",   [9] = "KILL",  [10] = "USR1", [11] = "SEGV", [12] = "USR2",
        [13] = "PIPE", [14] = "ALRM", [15] = "TERM", [24] = "XCPU", [25] = "XFSZ"};
    return number > 0 && (size_t)number < ECO_COUNT(names) && names[number] ? names[number] : NULL;
}

static void format_status(const struct eco_page *page, const struct eco_report *report, char *ret,
                          size_t size)
{
    char duration[ECO_FIGURE_MAX];
    eco_duration_format(report->duration_s, duration);
    const char *name = signal_name(report->exit_signal);
    if (name)
        (void)snprintf(ret, size, "killed by SIG%s after %s", name, duration);
    else if (report->exit_signal > 0)
        (void)snprintf(ret, size, "killed by signal %d after %s", report->exit_signal, duration);
    else if (report->exit_code >= 0)
        (void)snprintf(ret, size, "exit %d after %s", report->exit_code, duration);
    else
        (void)snprintf(ret, size, page->is_monitor ? "for %s" : "after %s", duration);
}

static void put_title(struct eco_page *page, const struct eco_report *report)
{
    char status[2 * ECO_FIGURE_MAX], words[ECO_LINE_MAX] = "", clean[ECO_LINE_MAX];
    struct eco_line line = {"EcoCode  "};
    format_status(page, report, status, sizeof(status));
    for (char *const *word = report->command; word && *word; word++) {
        size_t length = strlen(words);
        (void)snprintf(words + length, sizeof(words) - length, "%s%s", length ? " " : "", *word);
    }
    if (!report->command)
        (void)eco_text_copy(words, sizeof(words),
                            eco_text_is_machine(page, report) ? "the whole machine"
                                                              : "the processes watched");
    size_t taken = eco_text_width(line.text) + strlen(status) + 2;
    eco_page_clean(page, words, page->width > taken ? page->width - taken : 0, clean, sizeof(clean));
    eco_line_add(&line, clean);
    eco_line_right(&line, page->width, status);
    eco_page_line(page, &line, ECO_STYLE_PLAIN);
}

/* ---- the answer ---- */

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
                   report->duration_s < SHORT_S ? "too short to measure" : "too little to measure");
}

static void put_figure(const struct eco_page *page, const struct eco_report *report, enum eco_slot slot,
                       const struct eco_scale *shared, struct head_line *line)
{
    double value = report->sums[slot].job_j;
    int digit = eco_text_digit(report, slot), wh_digit = digit_of(report, slot, J_PER_WH);
    struct eco_scale own = eco_scale_for(value, digit), wh = eco_scale_for(value / J_PER_WH, wh_digit);
    const struct eco_scale *scale = shared && shared->exponent >= digit ? shared : &own;
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

static void put_command_again(struct eco_page *page, const struct eco_report *report)
{
    struct eco_line line = {"       "};
    char words[ECO_LINE_MAX] = "", clean[ECO_LINE_MAX];
    bool plain = !page->is_monitor;
    for (char *const *word = report->command; word && *word; word++) {
        size_t length = strlen(words);
        plain = plain && **word && !strpbrk(*word, " \t\n\"'\\$`&|;<>()*?[]#~!{}");
        (void)snprintf(words + length, sizeof(words) - length, " %s", *word);
    }
    eco_page_clean(page, words, ECO_LINE_MAX, clean, sizeof(clean));
    if (page->is_monitor) {
        eco_line_add(&line, "ecocode monitor --duration 30s");
    } else {
        eco_line_add(&line, "ecocode run --measure-idle 5s");
        /* Only what can be typed again as it stands. */
        bool fits = eco_text_width(line.text) + eco_text_width(clean) <= page->width;
        eco_line_add(&line, plain && fits && strcmp(words, clean) == 0 ? clean : " COMMAND");
    }
    eco_page_line(page, &line, ECO_STYLE_PLAIN);
}

static void put_idle_unknown(struct eco_page *page, const struct eco_report *report)
{
    eco_page_wrap(
        page,
        "Idle power of this machine is not known yet, so it cannot be taken out. Once, while nothing "
        "else runs:",
        ECO_STYLE_PLAIN);
    put_command_again(page, report);
}

/* A sum is as good as its worst part: how much of it is of which kind. */
static void put_kinds(struct eco_page *page, const struct eco_report *report)
{
    static const struct {
        enum eco_quality quality;
        const char *words;
    } kinds[] = {{ECO_MEASURED, "measured"}, {ECO_DERIVED, "derived"}, {ECO_ESTIMATED, "estimated"}};
    struct eco_line line = {"   Of the first figure"};
    struct eco_grid grid = {.digit = eco_text_digit(report, report->headline)};
    double values[ECO_COUNT(kinds)];
    int64_t cells[ECO_COUNT(kinds)];
    unsigned count = 0;
    for (size_t i = 0; i < ECO_COUNT(kinds); i++) {
        values[i] = report->quality_j[kinds[i].quality];
        count += fabs(values[i]) > 0;
    }
    if (count < 2)
        return;
    (void)eco_round_sum(values, ECO_COUNT(kinds), eco_pow10(grid.digit), cells);
    const char *separator = " ";
    for (size_t i = 0; i < ECO_COUNT(kinds); i++) {
        if (!(fabs(values[i]) > 0))
            continue;
        char figure[ECO_FIGURE_MAX];
        bool is_shown = cells[i] != 0;
        int digit = is_shown ? grid.digit : eco_digit_exponent(values[i], values[i]);
        double value = is_shown ? (double)cells[i] * eco_pow10(digit) : values[i];
        struct eco_scale scale = eco_scale_for(value, digit);
        eco_figure_format(value, digit, &scale, "J", figure);
        eco_line_printf(&line, "%s%s are %s", separator, figure, kinds[i].words);
        separator = ", ";
    }
    eco_page_wrap(page, line.text + INDENT, ECO_STYLE_PLAIN);
}

static void put_no_energy(struct eco_page *page, const struct eco_report *report)
{
    bool counted = false;
    for (unsigned i = 0; i < report->domain_count; i++)
        counted = counted || report->domains[i].info.counted;
    if (!counted)
        eco_page_wrap(page, "No energy is known: no sensor can be read and no estimate was made",
                      ECO_STYLE_WARN);
    else if (report->duration_s < SHORT_S)
        eco_page_wrap(page, "Too short to measure: the energy counter did not move between start and end",
                      ECO_STYLE_BOLD);
    else
        eco_page_wrap(page, "No energy is known: the sensor gave no figure during this time", ECO_STYLE_WARN);
}

void eco_text_head(struct eco_page *page, const struct eco_report *report)
{
    struct head head = {.count = 0};
    struct eco_scale shared;
    eco_page_blank(page);
    put_title(page, report);
    eco_page_blank(page);
    if (report->has_energy)
        choose_slots(report, &head);
    if (head.count == 0) {
        put_no_energy(page, report);
        return;
    }
    bool is_shared = share_scale(report, &head, &shared), is_too_short = false;
    for (unsigned i = 0; i < head.count && report->duration_s < SHORT_S; i++)
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
    if (!isfinite(report->sums[ECO_SLOT_ACTIVE].job_j) && !eco_text_is_estimate(report))
        put_idle_unknown(page, report);
    put_kinds(page, report);
}
