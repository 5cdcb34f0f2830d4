/* SPDX-License-Identifier: MIT */
/* The report of a rank above 0, on a terminal that all ranks share: one line. */
#include "base/num.h"
#include "sinks/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void add_energy(struct eco_line *line, const struct eco_report *report, enum eco_slot slot,
                       const char *words)
{
    double value = report->sums[slot].job_j;
    char figure[ECO_FIGURE_MAX];
    if (!isfinite(value) || !(value > 0))
        return;
    int digit = eco_text_digit(report, slot);
    struct eco_scale scale = eco_scale_for(value, digit);
    eco_figure_format(value, digit, &scale, "J", figure);
    eco_line_printf(line, ", %s %s", figure, words);
}

void eco_text_rank(struct eco_page *page, const struct eco_report *report)
{
    struct eco_line line = {"EcoCode  "};
    char duration[ECO_FIGURE_MAX];
    eco_duration_format(report->duration_s, duration);
    eco_line_printf(&line, "rank %d", report->rank.index);
    if (report->rank.count > 0)
        eco_line_printf(&line, " of %d", report->rank.count);
    eco_line_printf(&line, ", %s", duration);
    if (eco_text_is_too_small(report, report->headline))
        eco_line_printf(&line, ", too short to measure");
    else {
        add_energy(&line, report, ECO_SLOT_ACTIVE, "own");
        add_energy(&line, report, ECO_SLOT_FULL, "with idle");
    }
    if (eco_text_is_estimate(report))
        eco_line_printf(&line, " ESTIMATED");
    eco_line_printf(&line, " (run %.6s)", report->run_id);
    eco_page_line(page, &line, ECO_STYLE_PLAIN);
}
