/* SPDX-License-Identifier: MIT */
#include "history/figures.h"

#include "base/num.h"
#include "sinks/text.h"

#include <math.h>
#include <stdio.h>

#define DIGITS_UNKNOWN 0.005 /* half width that is assumed for the digits, where none is known */
#define EVEN_MAX       0.5   /* above, or where one side is much longer, both ends are printed */

static int digit_of(double value_j, double low_j, double high_j)
{
    double half = high_j > low_j ? (high_j - low_j) / 2 : DIGITS_UNKNOWN * fabs(value_j);
    return eco_digit_exponent(value_j, half);
}

void eco_format_energy(double value_j, double low_j, double high_j, char ret[ECO_FIGURE_TEXT_MAX])
{
    char text[ECO_FIGURE_MAX] = "-";
    if (isfinite(value_j)) {
        int digit = digit_of(value_j, low_j, high_j);
        struct eco_scale scale = eco_scale_for(value_j, digit);
        eco_figure_format(value_j, digit, &scale, "J", text);
    }
    (void)snprintf(ret, ECO_FIGURE_TEXT_MAX, "%s", text);
}

void eco_format_spread(double value_j, double low_j, double high_j, bool utf8, char ret[ECO_FIGURE_TEXT_MAX])
{
    ret[0] = 0;
    if (!(value_j > 0) || !(low_j >= 0) || !(high_j >= value_j))
        return;
    double half = (high_j - low_j) / 2 / value_j;
    bool is_even = half < EVEN_MAX && fabs(high_j - value_j - (value_j - low_j)) < half * value_j;
    if (is_even) {
        (void)snprintf(ret, ECO_FIGURE_TEXT_MAX, "%s%.*f %%", utf8 ? "\xc2\xb1" : "+-", half < 0.01,
                       half * 100);
        return;
    }
    char low[ECO_FIGURE_MAX], high[ECO_FIGURE_MAX];
    int digit = eco_digit_exponent(value_j, half * value_j);
    struct eco_scale scale = eco_scale_for(value_j, digit);
    eco_figure_number(low_j, digit, &scale, low);
    eco_figure_format(high_j, digit, &scale, "J", high);
    (void)snprintf(ret, ECO_FIGURE_TEXT_MAX, "(%.20s to %.20s)", low, high);
}

static bool is_factor(double ratio)
{
    return !(ratio >= 0.5 && ratio <= 2);
}

void eco_format_change(double ratio, char ret[ECO_FIGURE_TEXT_MAX])
{
    if (!isfinite(ratio))
        (void)snprintf(ret, ECO_FIGURE_TEXT_MAX, "-");
    else if (is_factor(ratio))
        (void)snprintf(ret, ECO_FIGURE_TEXT_MAX, "x%.3g", ratio);
    else
        (void)snprintf(ret, ECO_FIGURE_TEXT_MAX, "%+.1f %%", (ratio - 1) * 100);
}

void eco_format_range(const struct eco_interval *ratio, char ret[ECO_FIGURE_TEXT_MAX])
{
    ret[0] = 0;
    if (!isfinite(ratio->low) || !isfinite(ratio->high))
        return;
    if (is_factor(ratio->estimate)) /* as the change beside it */
        (void)snprintf(ret, ECO_FIGURE_TEXT_MAX, "x%.3g to x%.3g", ratio->low, ratio->high);
    else
        (void)snprintf(ret, ECO_FIGURE_TEXT_MAX, "%+.1f to %+.1f %%", (ratio->low - 1) * 100,
                       (ratio->high - 1) * 100);
}

void eco_format_level(double level, char ret[ECO_FIGURE_TEXT_MAX])
{
    double percent = floor(level * 1000 + 1e-6) / 10; /* never more than it is */
    (void)snprintf(ret, ECO_FIGURE_TEXT_MAX, "%.*f %%", fabs(percent - round(percent)) > 0.05, percent);
}

static void add_amount(struct eco_buf *out, double ratio, const char *a, const char *b)
{
    if (is_factor(ratio))
        eco_buf_printf(out, "%s uses %.3g times the energy of %s", b, ratio, a);
    else
        eco_buf_printf(out, "%s uses %.1f %% %s energy than %s", b, fabs(ratio - 1) * 100,
                       ratio >= 1 ? "more" : "less", a);
}

void eco_add_verdict(struct eco_buf *out, const struct eco_judgement *judgement, const char *a, const char *b,
                     double margin)
{
    char range[ECO_FIGURE_TEXT_MAX];
    const struct eco_interval *ratio = &judgement->ratio;
    switch (judgement->verdict) {
    case ECO_VERDICT_LESS:
    case ECO_VERDICT_MORE:
        add_amount(out, ratio->estimate, a, b);
        if (judgement->is_within_margin)
            eco_buf_printf(out, ", which is within the margin of %.3g %%", margin * 100);
        return;
    case ECO_VERDICT_EQUAL:
        eco_buf_printf(out, "%s and %s use the same energy, within the margin of %.3g %%", a, b,
                       margin * 100);
        return;
    case ECO_VERDICT_OPEN:
        eco_format_range(ratio, range);
        eco_buf_printf(out, "undecided: the energy of %s is %s that of %s", b, range, a);
        return;
    case ECO_VERDICT_NONE:
        break;
    }
    eco_buf_printf(out, "no verdict");
}

void eco_json_judgement(struct eco_json *json, const char *key, const struct eco_judgement *judgement)
{
    eco_json_key(json, key);
    eco_json_open(json, '{');
    eco_json_kdouble(json, "ratio", judgement->ratio.estimate);
    eco_json_kdouble(json, "low_ratio", judgement->ratio.low);
    eco_json_kdouble(json, "high_ratio", judgement->ratio.high);
    eco_json_kdouble(json, "level", judgement->ratio.level);
    eco_json_kstring(json, "verdict", eco_verdict_name(judgement->verdict));
    if (judgement->verdict == ECO_VERDICT_NONE)
        eco_json_knull(json, "is_within_margin");
    else
        eco_json_kbool(json, "is_within_margin", judgement->is_within_margin);
    eco_json_close(json, '}');
}
