/* SPDX-License-Identifier: MIT */
#include "history/report_curve.h"

#include "history/doc.h"
#include "history/report_facts.h"

#include <math.h>

#define WIDTH 1000.0 /* of the inner picture, in its own units */
#define LEAST_PX \
    0.001 /* neighbours that are closer stand at one height; all points together stay below a pixel */

/* The next round number: 1, 2, 2.5, 5 times a power of ten. */
double eco_curve_top(double value)
{
    static const double steps[] = {1, 2, 2.5, 5, 10};
    if (!(value > 1e-12) || !(value < 1e15))
        return 1;
    double power = pow(10, floor(log10(value)));
    for (size_t i = 0; i < ECO_COUNT(steps); i++)
        if (value <= steps[i] * power * (1 + 1e-9))
            return steps[i] * power;
    return 10 * power;
}

static void put_xy(const struct eco_curve *curve, char command, double t_s, double value)
{
    double x = WIDTH * t_s / curve->end_s, y = curve->height * (1 - value / curve->top);
    eco_buf_char(curve->out, command);
    eco_buf_fixed(curve->out, x, 1);
    eco_buf_char(curve->out, ' ');
    eco_buf_fixed(curve->out, y > 0 ? y : 0, 1);
}

static bool is_step(const struct eco_curve *curve, const double *values, size_t i)
{
    return fabs(values[i] - values[i - 1]) * curve->height > LEAST_PX * curve->top;
}

/* Corners only. */
static void put_stair(const struct eco_curve *curve, const double *values)
{
    const struct eco_series *series = curve->series;
    for (size_t i = 0; i < series->count; i++) {
        if (i == 0 || is_step(curve, values, i))
            put_xy(curve, i ? 'L' : 'M', eco_series_start_s(series, i), values[i]);
        if (i + 1 == series->count || is_step(curve, values, i + 1))
            put_xy(curve, 'L', series->end_s[i], values[i]);
    }
}

static void put_stair_back(const struct eco_curve *curve, const double *values)
{
    const struct eco_series *series = curve->series;
    for (size_t i = series->count; i-- > 0;) {
        if (i + 1 == series->count || is_step(curve, values, i + 1))
            put_xy(curve, 'L', series->end_s[i], values[i]);
        if (i == 0 || is_step(curve, values, i))
            put_xy(curve, 'L', eco_series_start_s(series, i), values[i]);
    }
}

void eco_curve_area(const struct eco_curve *curve, const double *lower, const double *upper, unsigned color)
{
    eco_buf_printf(curve->out, "<path class=\"s%u\" d=\"", color);
    put_stair(curve, upper);
    put_stair_back(curve, lower);
    eco_buf_text(curve->out, "Z\"/>\n");
}

/* Time without a figure is not time without power. */
static bool is_gap(const struct eco_series *series, size_t i)
{
    double known_s = 0;
    for (unsigned d = 0; d < series->domain_count; d++)
        if (series->domains[d].counted)
            known_s = fmax(known_s, eco_series_at(series, i, d)->known_s);
    return known_s < 0.5 * eco_series_length_s(series, i);
}

bool eco_curve_gaps(const struct eco_curve *curve)
{
    const struct eco_series *series = curve->series;
    bool any = false;
    for (size_t i = 0, end; i < series->count; i = end + 1) {
        end = i;
        if (!is_gap(series, i))
            continue;
        while (end + 1 < series->count && is_gap(series, end + 1))
            end++;
        double from_s = eco_series_start_s(series, i);
        eco_buf_text(curve->out, "<rect class=\"gap\" x=\"");
        eco_buf_fixed(curve->out, WIDTH * from_s / curve->end_s, 1);
        eco_buf_text(curve->out, "\" width=\"");
        eco_buf_fixed(curve->out, WIDTH * (series->end_s[end] - from_s) / curve->end_s, 1);
        eco_buf_printf(curve->out, "\" y=\"0\" height=\"%d\"/>\n", (int)curve->height);
        any = true;
    }
    return any;
}

void eco_curve_line(const struct eco_curve *curve, const double *values)
{
    const struct eco_series *series = curve->series;
    eco_buf_text(curve->out, "<path class=\"line\" d=\"");
    char command = 'M';
    for (size_t i = 0; i < series->count; i++) {
        bool is_known = !is_gap(series, i);
        if (is_known) {
            put_xy(curve, command, eco_series_start_s(series, i), values[i]);
            put_xy(curve, 'L', series->end_s[i], values[i]);
        }
        command = is_known ? 'L' : 'M';
    }
    eco_buf_text(curve->out, "\"/>\n");
}

static double tick_step_s(double end_s)
{
    static const double steps[] = {1e-3,  2e-3,  5e-3,  0.01,   0.02,   0.05,    0.1,     0.2,
                                   0.5,   1,     2,     5,      10,     15,      30,      60,
                                   120,   300,   600,   900,    1800,   3600,    7200,    10800,
                                   21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000};
    for (size_t i = 0; i < ECO_COUNT(steps); i++)
        if (end_s / steps[i] <= 5)
            return steps[i];
    return end_s / 4;
}

static void put_time(struct eco_buf *out, double t_s)
{
    char text[ECO_FIGURE_MAX];
    const char *unit = t_s < 1 ? "ms" : t_s < 120 ? "s" : t_s < 7200 ? "min" : t_s < 172800 ? "h" : "d";
    double per = t_s < 1 ? 1e-3 : t_s < 120 ? 1 : t_s < 7200 ? 60 : t_s < 172800 ? 3600 : 86400;
    eco_fact_quantity(t_s / per, unit, text);
    eco_buf_text(out, t_s > 0 ? text : "0");
}

void eco_curve_axes(const struct eco_curve *curve, const char *unit)
{
    double step_s = tick_step_s(curve->end_s);
    for (int i = 0; i <= 4; i++) {
        char text[ECO_FIGURE_MAX];
        double y = 4 + curve->height * (1 - i / 4.0);
        eco_buf_printf(curve->out, "<line class=\"grid\" x1=\"0\" x2=\"100%%\" y1=\"%d\" y2=\"%d\"/>", (int)y,
                       (int)y);
        eco_fact_quantity(curve->top * i / 4, unit, text);
        if (i > 0 && (i % 2 == 0 || curve->height > 100))
            eco_buf_printf(curve->out, "<text class=\"tick\" x=\"3\" y=\"%d\">%s</text>\n", (int)y + 12,
                           text);
    }
    int ticks = (int)(curve->end_s / step_s * 1.0001); /* at most 5, see above */
    for (int i = 0; i <= ticks; i++) {
        double t_s = i * step_s;
        double percent = 100 * t_s / curve->end_s;
        const char *anchor = percent < 5 ? "start" : percent > 92 ? "end" : "middle";
        eco_buf_text(curve->out, "<text class=\"tick\" text-anchor=\"");
        eco_buf_text(curve->out, anchor);
        eco_buf_text(curve->out, "\" x=\"");
        eco_buf_fixed(curve->out, percent < 100 ? percent : 100, 2);
        eco_buf_printf(curve->out, "%%\" y=\"%d\">", (int)curve->height + 20);
        put_time(curve->out, t_s);
        eco_buf_text(curve->out, "</text>\n");
    }
}

void eco_curve_begin(const struct eco_curve *curve, const char *label)
{
    eco_buf_printf(curve->out,
                   "<svg class=\"chart\" width=\"100%%\" height=\"%d\" role=\"img\" aria-label=\"",
                   (int)curve->height + 26);
    eco_html_text(curve->out, label, ECO_DOC_TEXT_MAX);
    eco_buf_printf(curve->out,
                   "\">\n<svg class=\"plot\" y=\"4\" width=\"100%%\" height=\"%d\" viewBox=\"0 0 1000 %d\" "
                   "preserveAspectRatio=\"none\">\n",
                   (int)curve->height, (int)curve->height);
}
