/* SPDX-License-Identifier: MIT */
/* The head of the report: what was measured, the answer (text_answer.c), and what is missing from it. */
#include "base/num.h"
#include "base/text.h"
#include "sinks/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define INDENT 3

static const char *signal_name(int number)
{
    static const char *const names[] = {
        [1] = "HUP",   [2] = "INT",   [3] = "QUIT",  [4] = "ILL",   [5] = "TRAP",  [6] = "ABRT",
        [7] = "BUS",   [8] = "FPE",   [9] = "KILL",  [10] = "USR1", [11] = "SEGV", [12] = "USR2",
        [13] = "PIPE", [14] = "ALRM", [15] = "TERM", [24] = "XCPU", [25] = "XFSZ"};
    size_t index = number > 0 ? (size_t)number : 0;
    return index < ECO_COUNT(names) ? names[index] : NULL;
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
    struct eco_scale shared = eco_scale_for(report->sums[report->headline].job_j, grid.digit);
    const char *separator = " ";
    for (size_t i = 0; i < ECO_COUNT(kinds); i++) {
        if (!(fabs(values[i]) > 0))
            continue;
        char figure[ECO_FIGURE_MAX];
        bool is_shown = cells[i] != 0;
        int digit = is_shown ? grid.digit : eco_digit_exponent(values[i], values[i]);
        double value = is_shown ? (double)cells[i] * eco_pow10(digit) : values[i];
        struct eco_scale scale = is_shown ? shared : eco_scale_for(value, digit);
        eco_figure_format(value, digit, &scale, "J", figure);
        eco_line_printf(&line, "%s%s are %s", separator, figure, kinds[i].words);
        separator = ", ";
    }
    eco_page_wrap(page, line.text + INDENT, ECO_STYLE_PLAIN);
}

static void put_no_energy(struct eco_page *page, const struct eco_report *report)
{
    bool counted = false, stood_still = false;
    for (unsigned i = 0; i < report->domain_count; i++) {
        counted = counted || report->domains[i].info.counted;
        stood_still = stood_still || (report->domains[i].info.counted && report->domains[i].still_s > 0);
    }
    if (!counted)
        eco_page_wrap(page, "No energy is known: no sensor can be read and no estimate was made",
                      ECO_STYLE_WARN);
    else if (report->duration_s < ECO_TEXT_SHORT_S && !stood_still)
        eco_page_wrap(page, "Too short to measure: the energy counter did not move between start and end",
                      ECO_STYLE_BOLD);
    else
        eco_page_wrap(page, "No energy is known: the sensor gave no figure during this time", ECO_STYLE_WARN);
}

void eco_text_head(struct eco_page *page, const struct eco_report *report)
{
    eco_page_blank(page);
    put_title(page, report);
    eco_page_blank(page);
    if (!eco_text_answer(page, report)) {
        put_no_energy(page, report);
        return;
    }
    if (report->duration_s < ECO_TEXT_SHORT_S && eco_text_is_too_small(report, report->headline))
        eco_page_wrap(page, "To see what it takes, repeat it many times within one run", ECO_STYLE_PLAIN);
    else if (!isfinite(report->sums[ECO_SLOT_ACTIVE].job_j) && !eco_text_is_estimate(report))
        put_idle_unknown(page, report);
    put_kinds(page, report);
}
