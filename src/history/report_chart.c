/* SPDX-License-Identifier: MIT */
/*
 * Curves as SVG. What is drawn lies in an inner picture that is stretched to the width there is; texts stand
 * in the outer one by percent, so that they keep their size on a phone and on paper. Steps, not slopes: a
 * point is the mean of its stretch, and the area its energy.
 */
#include "base/text.h"
#include "history/member.h"
#include "history/report_facts.h"
#include "history/report_sections.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define WIDTH     1000.0 /* of the inner picture, in its own units */
#define STACK_MAX 7      /* domains with a colour of their own; the rest is one */

/* What is drawn on top of each other, or one line. */
struct band {
    const char *name; /* NULL = the rest */
    unsigned domain;
    double sum;
};

struct frame {
    struct eco_buf *out;
    const struct eco_series *series;
    double height, top; /* of the inner picture; its largest value */
    double end_s;
};

static double length_s(const struct eco_series *series, size_t i)
{
    return series->end_s[i] - eco_series_start_s(series, i);
}

static double power_w(const struct eco_series *series, size_t i, unsigned domain, bool is_machine)
{
    const struct eco_series_cell *cell = eco_series_at(series, i, domain);
    double joules = is_machine ? cell->machine_j : cell->job_j, seconds = length_s(series, i);
    return seconds > 0 && joules > 0 ? joules / seconds : 0;
}

/* The next round number: 1, 2, 2.5, 5 times a power of ten. */
static double round_up(double value)
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

static void put_xy(const struct frame *frame, char command, double t_s, double value)
{
    double x = WIDTH * t_s / frame->end_s, y = frame->height * (1 - value / frame->top);
    eco_buf_char(frame->out, command);
    eco_buf_fixed(frame->out, x, 1);
    eco_buf_char(frame->out, ' ');
    eco_buf_fixed(frame->out, y > 0 ? y : 0, 1);
}

/* Between two stairs. */
static void put_area(const struct frame *frame, const double *lower, const double *upper, unsigned color)
{
    const struct eco_series *series = frame->series;
    eco_buf_printf(frame->out, "<path class=\"s%u\" d=\"", color);
    for (size_t i = 0; i < series->count; i++) {
        put_xy(frame, i ? 'L' : 'M', eco_series_start_s(series, i), upper[i]);
        put_xy(frame, 'L', series->end_s[i], upper[i]);
    }
    for (size_t i = series->count; i-- > 0;) {
        put_xy(frame, 'L', series->end_s[i], lower[i]);
        put_xy(frame, 'L', eco_series_start_s(series, i), lower[i]);
    }
    eco_buf_text(frame->out, "Z\"/>\n");
}

static void put_line(const struct frame *frame, const double *values)
{
    const struct eco_series *series = frame->series;
    eco_buf_text(frame->out, "<path class=\"line\" d=\"");
    for (size_t i = 0; i < series->count; i++) {
        put_xy(frame, i ? 'L' : 'M', eco_series_start_s(series, i), values[i]);
        put_xy(frame, 'L', series->end_s[i], values[i]);
    }
    eco_buf_text(frame->out, "\"/>\n");
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

static void put_axes(const struct frame *frame, const char *unit)
{
    double step_s = tick_step_s(frame->end_s);
    for (int i = 0; i <= 4; i++) {
        char text[ECO_FIGURE_MAX];
        double y = 4 + frame->height * (1 - i / 4.0);
        eco_buf_printf(frame->out, "<line class=\"grid\" x1=\"0\" x2=\"100%%\" y1=\"%d\" y2=\"%d\"/>", (int)y,
                       (int)y);
        eco_fact_quantity(frame->top * i / 4, unit, text);
        if (i > 0 && (i % 2 == 0 || frame->height > 100))
            eco_buf_printf(frame->out, "<text class=\"tick\" x=\"3\" y=\"%d\">%s</text>\n", (int)y + 12,
                           text);
    }
    int ticks = (int)(frame->end_s / step_s * 1.0001); /* at most 5, see above */
    for (int i = 0; i <= ticks; i++) {
        double t_s = i * step_s;
        double percent = 100 * t_s / frame->end_s;
        const char *anchor = percent < 5 ? "start" : percent > 92 ? "end" : "middle";
        eco_buf_text(frame->out, "<text class=\"tick\" text-anchor=\"");
        eco_buf_text(frame->out, anchor);
        eco_buf_text(frame->out, "\" x=\"");
        eco_buf_fixed(frame->out, percent < 100 ? percent : 100, 2);
        eco_buf_printf(frame->out, "%%\" y=\"%d\">", (int)frame->height + 20);
        put_time(frame->out, t_s);
        eco_buf_text(frame->out, "</text>\n");
    }
}

static void begin(const struct frame *frame, const char *label)
{
    eco_buf_printf(frame->out,
                   "<svg class=\"chart\" width=\"100%%\" height=\"%d\" role=\"img\" aria-label=\"",
                   (int)frame->height + 26);
    eco_html_text(frame->out, label, ECO_DOC_TEXT_MAX);
    eco_buf_printf(frame->out,
                   "\">\n<svg class=\"plot\" y=\"4\" width=\"100%%\" height=\"%d\" viewBox=\"0 0 1000 %d\" "
                   "preserveAspectRatio=\"none\">\n",
                   (int)frame->height, (int)frame->height);
}

/* Time without a figure is not time without power. */
static bool put_gaps(const struct frame *frame)
{
    const struct eco_series *series = frame->series;
    bool any = false;
    for (size_t i = 0; i < series->count; i++) {
        double known_s = 0;
        for (unsigned d = 0; d < series->domain_count; d++)
            if (series->domains[d].counted)
                known_s = fmax(known_s, eco_series_at(series, i, d)->known_s);
        if (known_s >= 0.5 * length_s(series, i))
            continue;
        double from = WIDTH * eco_series_start_s(series, i) / frame->end_s;
        eco_buf_text(frame->out, "<rect class=\"gap\" x=\"");
        eco_buf_fixed(frame->out, from, 1);
        eco_buf_text(frame->out, "\" width=\"");
        eco_buf_fixed(frame->out, WIDTH * length_s(series, i) / frame->end_s, 1);
        eco_buf_printf(frame->out, "\" y=\"0\" height=\"%d\"/>\n", (int)frame->height);
        any = true;
    }
    return any;
}

static unsigned choose_bands(const struct eco_series *series, bool is_machine,
                             struct band bands[STACK_MAX + 1])
{
    struct band all[ECO_DOMAINS_MAX] = {0};
    unsigned count = 0;
    for (unsigned d = 0; d < series->domain_count; d++) {
        struct band band = {series->domains[d].name, d, 0};
        if (!series->domains[d].counted)
            continue;
        for (size_t i = 0; i < series->count; i++)
            band.sum += power_w(series, i, d, is_machine) * length_s(series, i);
        unsigned at = count++;
        for (; at > 0 && all[at - 1].sum < band.sum; at--)
            all[at] = all[at - 1];
        all[at] = band;
    }
    unsigned shown = count < STACK_MAX ? count : STACK_MAX;
    memcpy(bands, all, shown * sizeof *bands);
    if (count > shown)
        bands[shown++] = (struct band){.name = NULL};
    return shown;
}

static bool is_band(const struct band *bands, unsigned count, unsigned domain)
{
    for (unsigned i = 0; i < count; i++)
        if (bands[i].name && bands[i].domain == domain)
            return true;
    return false;
}

static double band_power_w(const struct eco_series *series, size_t i, const struct band *bands,
                           unsigned count, unsigned band, bool is_machine)
{
    double sum_w = 0;
    if (bands[band].name)
        return power_w(series, i, bands[band].domain, is_machine);
    for (unsigned d = 0; d < series->domain_count; d++)
        if (series->domains[d].counted && !is_band(bands, count, d))
            sum_w += power_w(series, i, d, is_machine);
    return sum_w;
}

static void put_legend(struct eco_buf *out, const struct band *bands, unsigned count, bool is_machine,
                       bool has_gaps)
{
    eco_buf_text(out, "<figcaption>");
    for (unsigned i = 0; i < count; i++) {
        eco_buf_printf(
            out,
            "<span><svg class=\"key\" width=\"12\" height=\"12\" aria-hidden=\"true\"><rect class=\"s%u\" "
            "width=\"12\" height=\"12\"/></svg> ",
            i);
        eco_html_text(out, bands[i].name ? bands[i].name : "other parts", ECO_SERIES_NAME);
        eco_buf_text(out, "</span> ");
    }
    if (!is_machine)
        eco_buf_text(
            out,
            "<span><svg class=\"key\" width=\"14\" height=\"12\" aria-hidden=\"true\"><path class=\"line\" "
            "d=\"M0 6H14\"/></svg> whole machine</span> ");
    if (has_gaps)
        eco_buf_text(out, "<span>grey: no figure is known</span> ");
    eco_buf_text(out, "<span class=\"readout\" aria-live=\"off\"></span></figcaption>\n");
}

static void draw_stack(struct frame *frame, const struct band *bands, unsigned count, bool is_machine)
{
    static double lower[ECO_SERIES_POINTS], upper[ECO_SERIES_POINTS], machine[ECO_SERIES_POINTS];
    const struct eco_series *series = frame->series;
    memset(lower, 0, sizeof lower);
    memset(machine, 0, sizeof machine);
    for (unsigned b = 0; b < count; b++) {
        for (size_t i = 0; i < series->count; i++) {
            upper[i] = lower[i] + band_power_w(series, i, bands, count, b, is_machine);
            machine[i] += band_power_w(series, i, bands, count, b, true);
        }
        put_area(frame, lower, upper, b);
        memcpy(lower, upper, sizeof lower);
    }
    if (!is_machine)
        put_line(frame, machine);
}

static double largest_w(const struct eco_series *series)
{
    double most_w = 0;
    for (size_t i = 0; i < series->count; i++) {
        double job_w = 0, machine_w = 0;
        for (unsigned d = 0; d < series->domain_count; d++) {
            job_w += series->domains[d].counted ? power_w(series, i, d, false) : 0;
            machine_w += series->domains[d].counted ? power_w(series, i, d, true) : 0;
        }
        most_w = fmax(most_w, fmax(job_w, machine_w));
    }
    return most_w;
}

void eco_html_power(struct eco_buf *out, const json_t *report, const struct eco_series *series)
{
    struct band bands[STACK_MAX + 1];
    double end_s = series->count ? series->end_s[series->count - 1] : 0;
    struct frame frame = {out, series, 200, round_up(largest_w(series)), end_s};
    if (!(end_s > 0))
        return;
    double job_j = eco_member_number(json_object_get(report, "energy"), "job_j");
    bool is_machine = !(job_j > 0);
    unsigned count = choose_bands(series, is_machine, bands);
    eco_buf_text(out, "<figure>\n");
    begin(&frame, "Power over time, by part of the machine");
    bool has_gaps = put_gaps(&frame);
    draw_stack(&frame, bands, count, is_machine);
    eco_buf_text(out, "<path class=\"cursor\" d=\"\"/></svg>\n");
    put_axes(&frame, "W");
    eco_buf_text(out, "</svg>\n");
    put_legend(out, bands, count, is_machine, has_gaps);
    eco_buf_text(out, "</figure>\n");
}

/* One small picture of a card: `pick` gives the value of a point. */
static void put_panel(struct frame *frame, const char *title, const char *unit, unsigned domain,
                      double (*pick)(const struct eco_series *, size_t, unsigned), double top)
{
    static double lower[ECO_SERIES_POINTS], upper[ECO_SERIES_POINTS];
    double most = 0;
    for (size_t i = 0; i < frame->series->count; i++) {
        upper[i] = pick(frame->series, i, domain);
        most = fmax(most, upper[i]);
    }
    memset(lower, 0, sizeof lower);
    frame->top = top > 0 ? top : round_up(most);
    eco_buf_printf(frame->out, "<figure class=\"panel\"><figcaption>%s</figcaption>\n", title);
    begin(frame, title);
    put_area(frame, lower, upper, 0);
    eco_buf_text(frame->out, "</svg>\n");
    put_axes(frame, unit);
    eco_buf_text(frame->out, "</svg></figure>\n");
}

static double pick_power_w(const struct eco_series *series, size_t i, unsigned domain)
{
    return power_w(series, i, domain, true);
}

static double pick_busy_percent(const struct eco_series *series, size_t i, unsigned domain)
{
    double seconds = length_s(series, i);
    return seconds > 0 ? fmin(100, 100 * eco_series_at(series, i, domain)->busy_s / seconds) : 0;
}

static double pick_memory_gib(const struct eco_series *series, size_t i, unsigned domain)
{
    return eco_series_at(series, i, domain)->memory_bytes / (1024.0 * 1024 * 1024);
}

void eco_html_card(struct eco_buf *out, const struct eco_series *series, unsigned domain)
{
    double end_s = series->count ? series->end_s[series->count - 1] : 0;
    struct frame frame = {out, series, 90, 1, end_s};
    if (!(end_s > 0))
        return;
    eco_buf_text(out, "<div class=\"panels\">\n");
    put_panel(&frame, "Power of the whole card", "W", domain, pick_power_w, 0);
    put_panel(&frame, "Busy", "%", domain, pick_busy_percent, 100);
    put_panel(&frame, "Memory in use", "GiB", domain, pick_memory_gib, 0);
    eco_buf_text(out, "</div>\n");
}
