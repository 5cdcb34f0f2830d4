/* SPDX-License-Identifier: MIT */
/* What it costs the world, in a few lines: the factor with its source and year stands before the grams. */
#include "base/num.h"
#include "base/text.h"
#include "sinks/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TOLD_FROM_G  1e-5 /* below, a hundredth of a milligram, it is nothing to tell */
#define MONEY_DIGITS 6

static int two_digits(double value)
{
    return (int)floor(log10(value)) - 1;
}

/* "2.6 g CO2e": an estimate has the digit that its joules have. */
static void format_mass(double g, bool is_estimate, char ret[ECO_FIGURE_MAX])
{
    int digit = is_estimate ? two_digits(g) + 1 : two_digits(g);
    struct eco_scale scale = eco_scale_for(g, digit);
    eco_figure_format(g, digit, &scale, "g", ret);
}

static void format_money(double amount, const char *currency, char ret[ECO_FIGURE_MAX])
{
    struct eco_buf text;
    int decimals = amount > 0 ? -two_digits(amount) : 2;
    bool is_tiny = decimals > MONEY_DIGITS;
    decimals = decimals < 2 ? 2 : is_tiny ? MONEY_DIGITS : decimals;
    eco_buf_init(&text, ECO_FIGURE_MAX / 2);
    eco_buf_fixed(&text, is_tiny ? 1 / eco_pow10(MONEY_DIGITS) : amount, decimals);
    (void)snprintf(ret, ECO_FIGURE_MAX, "%s%.20s %s", is_tiny ? "<" : "",
                   text.data && text.error == 0 ? text.data : "?", currency);
    eco_buf_finish(&text);
}

static bool is_given(const struct eco_factors *factors)
{
    return strcmp(factors->method, "given") == 0;
}

/* "France, 44 g/kWh (Ember 2024, lifecycle)" */
static void put_factor(struct eco_line *line, const struct eco_factors *factors)
{
    char year[16] = "", mean[48] = "";
    if (factors->intensity.year)
        (void)snprintf(year, sizeof year, " %u", factors->intensity.year);
    if (factors->is_world && factors->location_origin)
        (void)snprintf(mean, sizeof mean, ", the world's mean for want of its own");
    const char *place = factors->location_origin ? factors->place : is_given(factors) ? "" : "World's mean";
    eco_line_printf(line, "%s%s%.0f g/kWh (%s%s%s%s%s)", place, *place ? ", " : "", factors->intensity.value,
                    factors->intensity_brief, year, factors->scope ? ", " : "",
                    factors->scope ? factors->scope : "", mean);
    if (factors->pue.source)
        eco_line_printf(line, ", PUE %.2f", factors->pue.value);
}

static void put_carbon(struct eco_line *line, const struct eco_page *page, const struct eco_report *report)
{
    const struct eco_impact *impact = &report->impact;
    double own = impact->rows[ECO_SLOT_ACTIVE].co2e_g, full = impact->rows[ECO_SLOT_FULL].co2e_g;
    bool has_own = own > 0 && !eco_text_is_too_small(report, ECO_SLOT_ACTIVE),
         estimate = eco_text_is_estimate(report);
    char figure[ECO_FIGURE_MAX];
    eco_line_add(line, estimate ? ": about " : impact->factors.has_wall ? ": " : ": at least ");
    if (has_own) {
        format_mass(own, estimate, figure);
        eco_line_printf(line, "%s CO2e", figure);
    }
    format_mass(full, estimate, figure);
    if (!has_own)
        eco_line_printf(line, "%s CO2e with %s idle power", figure,
                        page->is_monitor ? "all" : "its share of");
    else
        eco_line_printf(line, ", with idle %s", figure);
}

/* One figure would be a claim that the sources do not agree on. */
static void put_water(struct eco_line *line, const struct eco_impact_row *row)
{
    char low[ECO_FIGURE_MAX], high[ECO_FIGURE_MAX];
    if (!(row->water_high_l > 0))
        return;
    int digit = two_digits(row->water_high_l);
    struct eco_scale scale = eco_scale_for(row->water_high_l, digit);
    eco_figure_number(row->water_low_l, digit, &scale, low);
    eco_figure_format(row->water_high_l, digit, &scale, "L", high);
    eco_line_printf(line, "; %s to %s of water", low, high);
}

static void put_money(struct eco_line *line, const struct eco_impact *impact,
                      const struct eco_impact_row *row)
{
    const struct eco_factors *factors = &impact->factors;
    char figure[ECO_FIGURE_MAX];
    if (isfinite(row->cost)) {
        format_money(row->cost, factors->price_kwh.currency, figure);
        eco_line_printf(line, "; %s of electricity", figure);
    }
    if (isfinite(impact->hour_cost)) {
        format_money(impact->hour_cost, factors->price_hour.currency, figure);
        eco_line_printf(line, "; %s by the hour", figure);
    }
    if (isfinite(impact->gpu_hour_cost)) {
        format_money(impact->gpu_hour_cost, factors->price_gpu_hour.currency, figure);
        eco_line_printf(line, "; %s by GPU hours", figure);
    }
}

static void put_sci(struct eco_page *page, const struct eco_impact *impact)
{
    struct eco_line line = {""};
    char whole[ECO_FIGURE_MAX], used[ECO_FIGURE_MAX], made[ECO_FIGURE_MAX], unit[64];
    const struct eco_factors *factors = &impact->factors;
    if (!(impact->sci.g_per_unit > 0) || !(impact->sci.operational_g > 0) || !(impact->sci.embodied_g > 0))
        return;
    eco_page_clean(page, *factors->per ? factors->per : "run", 32, unit, sizeof unit);
    format_mass(impact->sci.g_per_unit, false, whole);
    format_mass(impact->sci.operational_g / factors->per_count, false, used);
    format_mass(impact->sci.embodied_g / factors->per_count, false, made);
    bool is_used = strcmp(impact->sci.basis, "used_not_reserved") == 0;
    eco_line_printf(
        &line, "SCI: %s CO2e per %s, %s of it for electricity and %s for making the machine (%s%s)", whole,
        unit, used, made,
        is_used ? "by use: nothing is known to be " : "reserved: ", is_used ? "reserved" : impact->sci.basis);
    eco_page_wrap(page, line.text, ECO_STYLE_PLAIN);
}

/* One, and only of a place that somebody named. */
static void put_equivalent(struct eco_page *page, const struct eco_impact *impact)
{
    struct eco_line line = {""};
    if (!*impact->equivalent || !impact->factors.location_origin)
        return;
    eco_line_printf(&line, "As much as %s (%s)", impact->equivalent, impact->equivalent_brief);
    eco_page_wrap(page, line.text, ECO_STYLE_PLAIN);
}

void eco_text_impact(struct eco_page *page, const struct eco_report *report)
{
    const struct eco_impact *impact = &report->impact;
    const struct eco_factors *factors = &impact->factors;
    struct eco_line line = {""};
    bool is_told = impact->is_known && impact->rows[ECO_SLOT_FULL].co2e_g >= TOLD_FROM_G;
    if (!is_told)
        return;
    eco_page_blank(page);
    put_factor(&line, factors);
    put_carbon(&line, page, report);
    const struct eco_impact_row *row = &impact->rows[report->headline];
    if (factors->location_origin)
        put_water(&line, row);
    put_money(&line, impact, row);
    if (!factors->location_origin && !is_given(factors))
        eco_line_add(&line, "; for yours: --location FR");
    eco_page_wrap(page, line.text, ECO_STYLE_PLAIN);
    put_equivalent(page, impact);
    put_sci(page, impact);
}
