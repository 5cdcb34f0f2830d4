/* SPDX-License-Identifier: MIT */
/* Power over time, stacked, and the panels of a card. */
#include "base/text.h"
#include "history/member.h"
#include "history/report_curve.h"
#include "history/report_sections.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define WHOLE_RATIO 0.98 /* of its span that a phase takes when nothing is in between */
#define PHASES_MAX  24   /* that are named in a curve */
#define STACK_MAX   7    /* domains with a colour of their own; the rest is one */

/* What is drawn on top of each other, or one line. */
struct band {
    const char *name; /* NULL = the rest */
    unsigned domain;
    double sum;
};

static double power_w(const struct eco_series *series, size_t i, unsigned domain, bool is_machine)
{
    const struct eco_series_cell *cell = eco_series_at(series, i, domain);
    double joules = is_machine ? cell->machine_j : cell->job_j, seconds = eco_series_length_s(series, i);
    return seconds > 0 && joules > 0 ? joules / seconds : 0;
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
            band.sum += power_w(series, i, d, is_machine) * eco_series_length_s(series, i);
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

static void draw_stack(struct eco_curve *curve, const struct band *bands, unsigned count, bool is_machine)
{
    static double lower[ECO_SERIES_POINTS], upper[ECO_SERIES_POINTS], machine[ECO_SERIES_POINTS];
    const struct eco_series *series = curve->series;
    memset(lower, 0, sizeof lower);
    memset(machine, 0, sizeof machine);
    for (unsigned b = 0; b < count; b++) {
        for (size_t i = 0; i < series->count; i++) {
            upper[i] = lower[i] + band_power_w(series, i, bands, count, b, is_machine);
            machine[i] += band_power_w(series, i, bands, count, b, true);
        }
        eco_curve_area(curve, lower, upper, b);
        memcpy(lower, upper, sizeof lower);
    }
    if (!is_machine)
        eco_curve_line(curve, machine);
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

static void put_percent(struct eco_buf *out, const char *key, double percent)
{
    eco_buf_printf(out, " %s=\"", key);
    eco_buf_fixed(out, percent, 2);
    eco_buf_text(out, "%\"");
}

/* Where phases begin, with their names; one with others in between has no one place. */
static void put_phases(const struct eco_curve *curve, const json_t *report)
{
    const json_t *phases = json_object_get(report, "phases");
    for (size_t i = 0; i < json_array_size(phases) && i < PHASES_MAX; i++) {
        const json_t *phase = json_array_get(phases, i);
        const char *name = eco_member_text(phase, "name");
        double from_s = eco_member_number(phase, "start_offset_s"),
               to_s = eco_member_number(phase, "end_offset_s");
        double lasts_s = eco_member_number(phase, "duration_s");
        if (!name || !(from_s >= 0) || !(to_s > from_s) || !(to_s <= curve->end_s * 1.01) ||
            lasts_s < WHOLE_RATIO * (to_s - from_s))
            continue;
        eco_buf_text(curve->out, "<svg class=\"phase\" y=\"4\"");
        put_percent(curve->out, "x", 100 * from_s / curve->end_s);
        put_percent(curve->out, "width", 100 * (to_s - from_s) / curve->end_s);
        eco_buf_printf(curve->out, " height=\"%d\"><title>", (int)curve->height);
        eco_html_text(curve->out, name, ECO_DOC_TEXT_MAX);
        eco_buf_text(curve->out,
                     "</title><line x1=\"0\" x2=\"0\" y1=\"0\" y2=\"100%\"/><text x=\"4\" y=\"24\">");
        eco_html_text(curve->out, name, 60);
        eco_buf_text(curve->out, "</text></svg>\n");
    }
}

void eco_html_power(struct eco_buf *out, const json_t *report, const struct eco_series *series)
{
    struct band bands[STACK_MAX + 1];
    double end_s = series->count ? series->end_s[series->count - 1] : 0;
    struct eco_curve curve = {out, series, 200, eco_curve_top(largest_w(series)), end_s};
    if (!(end_s > 0))
        return;
    double job_j = eco_member_number(json_object_get(report, "energy"), "job_j");
    bool is_machine = !(job_j > 0);
    unsigned count = choose_bands(series, is_machine, bands);
    eco_buf_text(out, "<figure>\n");
    eco_curve_begin(&curve, "Power over time, by part of the machine");
    bool has_gaps = eco_curve_gaps(&curve);
    draw_stack(&curve, bands, count, is_machine);
    eco_buf_text(out, "<path class=\"cursor\" d=\"\"/></svg>\n");
    eco_curve_axes(&curve, "W");
    put_phases(&curve, report);
    eco_buf_text(out, "</svg>\n");
    put_legend(out, bands, count, is_machine, has_gaps);
    eco_buf_text(out, "</figure>\n");
}

/* One small picture of a card: `pick` gives the value of a point. */
static void put_panel(struct eco_curve *curve, const char *title, const char *unit, unsigned domain,
                      double (*pick)(const struct eco_series *, size_t, unsigned), double top)
{
    static double lower[ECO_SERIES_POINTS], upper[ECO_SERIES_POINTS];
    double most = 0;
    for (size_t i = 0; i < curve->series->count; i++) {
        upper[i] = pick(curve->series, i, domain);
        most = fmax(most, upper[i]);
    }
    memset(lower, 0, sizeof lower);
    curve->top = top > 0 ? top : eco_curve_top(most);
    eco_buf_printf(curve->out, "<figure class=\"panel\"><figcaption>%s</figcaption>\n", title);
    eco_curve_begin(curve, title);
    eco_curve_area(curve, lower, upper, 0);
    eco_buf_text(curve->out, "</svg>\n");
    eco_curve_axes(curve, unit);
    eco_buf_text(curve->out, "</svg></figure>\n");
}

static double pick_power_w(const struct eco_series *series, size_t i, unsigned domain)
{
    return power_w(series, i, domain, true);
}

static double pick_busy_percent(const struct eco_series *series, size_t i, unsigned domain)
{
    double seconds = eco_series_length_s(series, i);
    return seconds > 0 ? fmin(100, 100 * eco_series_at(series, i, domain)->busy_s / seconds) : 0;
}

static double pick_memory_gib(const struct eco_series *series, size_t i, unsigned domain)
{
    return eco_series_at(series, i, domain)->memory_bytes / (1024.0 * 1024 * 1024);
}

void eco_html_card(struct eco_buf *out, const struct eco_series *series, unsigned domain)
{
    double end_s = series->count ? series->end_s[series->count - 1] : 0;
    struct eco_curve curve = {out, series, 90, 1, end_s};
    if (!(end_s > 0))
        return;
    eco_buf_text(out, "<div class=\"panels\">\n");
    put_panel(&curve, "Power of the whole card", "W", domain, pick_power_w, 0);
    put_panel(&curve, "Busy", "%", domain, pick_busy_percent, 100);
    put_panel(&curve, "Memory in use", "GiB", domain, pick_memory_gib, 0);
    eco_buf_text(out, "</div>\n");
}
