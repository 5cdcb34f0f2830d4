/* SPDX-License-Identifier: MIT */
/*
 * The report for people, shared by the text_*.c files, and its page and figures by ecocode-history. A page
 * lays lines of at most `width` columns; whatever came from elsewhere (names, command lines, reasons) is
 * cleaned before it reaches a line.
 */
#pragma once

#include "base/buf.h"
#include "model/report.h"

#include <stdbool.h>
#include <stddef.h>

#define ECO_TEXT_WIDTH     79
#define ECO_TEXT_WIDTH_MIN 40
#define ECO_LINE_MAX       1024
#define ECO_FIGURE_MAX     48
#define ECO_TEXT_SHORT_S   1.0 /* below, a run that tells nothing was too short; above, it did too little */

enum eco_style { ECO_STYLE_PLAIN, ECO_STYLE_BOLD, ECO_STYLE_DIM, ECO_STYLE_WARN };

struct eco_page {
    struct eco_buf *out;
    size_t width;
    bool utf8, color;
    size_t top; /* process rows */
    bool is_monitor;
};

/* A line that is put together: columns are counted as a terminal shows them. */
struct eco_line {
    char text[ECO_LINE_MAX];
};

void eco_line_add(struct eco_line *line, const char *text);
void eco_line_printf(struct eco_line *line, const char *format, ...) ECO_PRINTF(2, 3);
/** Blanks up to `column`, at least one when something stands there already. */
void eco_line_pad(struct eco_line *line, size_t column);
/** `text` so that it ends at `column`, one blank before it at least. */
void eco_line_right(struct eco_line *line, size_t column, const char *text);

void eco_page_blank(struct eco_page *page);
/** Cut to the width, in one style. */
void eco_page_line(struct eco_page *page, const struct eco_line *line, enum eco_style style);
void eco_page_text(struct eco_page *page, const char *text, enum eco_style style);
/** Clean, and broken at blanks into lines of 3 columns indent. A full stop is added where there is no end. */
void eco_page_wrap(struct eco_page *page, const char *text, enum eco_style style);
/** `text` made fit for this page, at most size-1 bytes and `columns` wide. */
void eco_page_clean(const struct eco_page *page, const char *text, size_t columns, char *ret, size_t size);

/* ---- figures ---- */

/* Factor between the base unit and the one that is printed, as a power of ten. */
struct eco_scale {
    int exponent;       /* -3 milli .. 12 tera, a multiple of 3 */
    const char *prefix; /* "m" "" "k" ... */
};

/** The unit for a value whose last printed digit is 10^digit: at most one zero that is no digit (590 J, but
 * 0.7 kJ). */
struct eco_scale eco_scale_for(double value, int digit);
/** The number alone. */
void eco_figure_number(double value, int digit, const struct eco_scale *scale, char ret[ECO_FIGURE_MAX]);
/** "212 kJ" for unit "J". */
void eco_figure_format(double value, int digit, const struct eco_scale *scale, const char *unit,
                       char ret[ECO_FIGURE_MAX]);
/** "12 min 41.8 s" */
void eco_duration_format(double duration_s, char ret[ECO_FIGURE_MAX]);
/** "6.1 GiB"; "-" for 0. */
void eco_bytes_format(uint64_t bytes, char ret[ECO_FIGURE_MAX]);
/** "11:52.3", or "4.21 s" where `max_s`, the largest of its column, is below a minute. */
void eco_cpu_time_format(double cpu_s, double max_s, char ret[ECO_FIGURE_MAX]);

/* ---- parts of the report ---- */

/** Most of the job's energy is by a model. */
bool eco_text_is_estimate(const struct eco_report *report);
/** monitor without pids: everything that ran is the job. */
bool eco_text_is_machine(const struct eco_page *page, const struct eco_report *report);
/** The job's energy by the headline's policy is not told from nothing. */
bool eco_text_is_too_small(const struct eco_report *report, enum eco_slot slot);
/** 10^this is the last digit that the headline's figure allows. */
int eco_text_digit(const struct eco_report *report, enum eco_slot slot);

/** The lines with the figures. False when there is none to show. */
bool eco_text_answer(struct eco_page *page, const struct eco_report *report);
void eco_text_head(struct eco_page *page, const struct eco_report *report);
/* What a table of energies is printed in: cells are whole numbers of 10^digit joules. */
struct eco_grid {
    struct eco_scale scale;
    int digit;
};

struct eco_grid eco_text_grid(const struct eco_report *report);
void eco_text_table(struct eco_page *page, const struct eco_report *report);
/** A line for each graphics card, where there are any. */
void eco_text_cards(struct eco_page *page, const struct eco_report *report);
/** What is to be known of their figures. */
void eco_text_card_notes(struct eco_page *page, const struct eco_report *report);
/** The printed total of the table's job column, in units of the grid's digit. */
int64_t eco_text_table_job(const struct eco_report *report, const struct eco_grid *grid);
int eco_text_processes(struct eco_page *page, const struct eco_report *report);
/** CO2e, water and cost, where they were reckoned. */
void eco_text_impact(struct eco_page *page, const struct eco_report *report);
void eco_text_notes(struct eco_page *page, const struct eco_report *report);
/** One line in place of all that. */
void eco_text_rank(struct eco_page *page, const struct eco_report *report);
/** A table of phases, where the job told some. */
void eco_text_phases(struct eco_page *page, const struct eco_report *report);
/** What the whole takes, and budgets. */
void eco_text_course(struct eco_page *page, const struct eco_report *report);
/** The first finding that is not told already. False where there is none. */
bool eco_text_insight(struct eco_page *page, const struct eco_report *report);
