/* SPDX-License-Identifier: MIT */
#include "history/pair_text.h"

#include "history/figures.h"

#include <math.h>

#define CHANGE_END  36
#define INTERVAL_AT 39
#define VERDICT_AT  62

static void add_row(struct eco_page *page, const char *what, const struct eco_judgement *judgement)
{
    char text[ECO_FIGURE_TEXT_MAX];
    struct eco_line line = {"     "};
    eco_line_add(&line, what);
    eco_format_change(judgement->ratio.estimate, text);
    eco_line_right(&line, CHANGE_END, text);
    eco_format_range(&judgement->ratio, text);
    eco_line_pad(&line, INTERVAL_AT);
    eco_line_add(&line, text);
    const char *name = eco_verdict_name(judgement->verdict);
    eco_line_pad(&line, VERDICT_AT);
    eco_line_add(&line, name ? name : "");
    eco_page_line(page, &line, ECO_STYLE_PLAIN);
}

void eco_pair_rows(struct eco_page *page, const struct eco_judgement *own, const struct eco_judgement *full,
                   double time_ratio)
{
    char text[ECO_FIGURE_TEXT_MAX];
    double level = own ? own->ratio.level : full->ratio.level;
    struct eco_line line = {""};
    eco_line_right(&line, CHANGE_END, "change");
    if (isfinite(level)) {
        eco_format_level(level, text);
        eco_line_pad(&line, INTERVAL_AT);
        eco_line_printf(&line, "%s interval", text);
    }
    eco_page_line(page, &line, ECO_STYLE_DIM);
    if (own)
        add_row(page, "own energy", own);
    add_row(page, "with its share of idle", full);
    struct eco_judgement time = {.ratio = {time_ratio, ECO_NAN, ECO_NAN, ECO_NAN}};
    add_row(page, "time", &time);
}
