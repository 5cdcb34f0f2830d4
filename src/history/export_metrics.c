/* SPDX-License-Identifier: MIT */
/*
 * OpenMetrics 1.0: samples of one series stand together and in the order of time, series of one family too. A
 * record has its domains side by side, so that it is read once for each series; what is kept is one sum.
 */
#include "base/text.h"
#include "history/export.h"

#include <math.h>
#include <time.h>

enum figure { NODE_ENERGY, JOB_ENERGY, JOB_CPU };

static const struct {
    const char *name, *unit, *help;
} families[] = {
    [NODE_ENERGY] = {"ecocode_node_energy_joules", "joules",
                     "Energy of the machine since the run began, counted domains"},
    [JOB_ENERGY] = {"ecocode_job_energy_joules", "joules",
                    "Energy that the job is charged with since it began"},
    [JOB_CPU] = {"ecocode_job_cpu_seconds", "seconds", "CPU time of the job since it began"},
};

struct series {
    struct eco_sheet *sheet;
    struct eco_frame_text frame;
    enum figure figure;
    const char *domain; /* NULL for JOB_CPU */
    char labels[512];   /* with their braces */
    double sum, last_s; /* last_s: time of the last sample; clocks may be set back, series may not */
};

/* Seconds of UNIX time of "2026-11-22T10:00:00.000Z"; NaN for anything else. */
static double to_unix_s(struct eco_span time)
{
    char text[40];
    struct tm tm = {0};
    if (time.length >= sizeof text)
        return (double)NAN;
    memcpy(text, time.text, time.length);
    text[time.length] = 0;
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    double fraction = 0, unit = 0.1;
    if (!rest)
        return (double)NAN;
    if (*rest == '.')
        for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
            fraction += unit * (*rest - '0');
    return strcmp(rest, "Z") == 0 ? (double)timegm(&tm) + fraction : (double)NAN;
}

static struct eco_span find_figure(const struct series *series)
{
    const struct eco_frame_text *frame = &series->frame;
    char name[ECO_NAME_MAX * 2];
    if (series->figure == JOB_CPU)
        return frame->job_cpu_s;
    for (unsigned i = 0; i < frame->domain_count; i++) {
        eco_export_unescape(frame->domains[i].name, name, sizeof name);
        if (frame->domains[i].counted && strcmp(name, series->domain) == 0)
            return series->figure == NODE_ENERGY ? frame->domains[i].energy.machine_j
                                                 : frame->domains[i].energy.job_j;
    }
    return (struct eco_span){"", 0};
}

static int put_sample(void *context, enum eco_line_kind kind, struct eco_span line)
{
    struct series *series = context;
    char text[64];
    if (kind != ECO_LINE_FRAME || !eco_frame_text_read(line, &series->frame))
        return 0;
    double value = eco_scan_double(find_figure(series)), time_s = to_unix_s(series->frame.time);
    if (!isfinite(value) || !isfinite(time_s) || time_s <= series->last_s)
        return 0;
    /* a counter only grows; what the idle power took back is made up for by what comes */
    series->sum += value;
    series->last_s = time_s;
    eco_sheet_text(series->sheet, families[series->figure].name);
    eco_sheet_text(series->sheet, "_total");
    eco_sheet_text(series->sheet, series->labels);
    int n = snprintf(text, sizeof text, " %.12g %.3f\n", series->sum > 0 ? series->sum : 0.0, time_s);
    eco_sheet_put(series->sheet, text, n > 0 ? (size_t)n : 0);
    return series->sheet->error;
}

static void add_label(char *labels, size_t size, const char *name, const char *value)
{
    char clean[128];
    size_t used = strlen(labels);
    (void)eco_text_clean(clean, sizeof clean, value ? value : "", strlen(value ? value : ""), false);
    int n = snprintf(labels + used, size - used, "%s%s=\"", used > 1 ? "," : "", name);
    used += n > 0 ? (size_t)n : 0;
    for (const char *at = clean; *at && used + 4 < size; at++) {
        if (*at == '\\' || *at == '"')
            labels[used++] = '\\';
        labels[used++] = *at;
    }
    labels[used++] = '"';
    labels[used] = 0;
}

static int put_series(const struct eco_run_report *run, enum figure figure, const char *domain,
                      struct eco_sheet *sheet, struct eco_why *why)
{
    struct series series = {
        .sheet = sheet, .figure = figure, .domain = domain, .labels = "{", .last_s = -(double)INFINITY};
    add_label(series.labels, sizeof series.labels - 2, "run_id", run->run_id);
    add_label(series.labels, sizeof series.labels - 2, "hostname", eco_run_report_text(run, "host.hostname"));
    if (domain)
        add_label(series.labels, sizeof series.labels - 2, "domain", domain);
    (void)eco_text_copy(series.labels + strlen(series.labels), 2, "}");
    return eco_export_each_line(run, put_sample, &series, why);
}

static int put_run(const struct eco_run_report *run, enum figure figure, struct eco_sheet *sheet,
                   struct eco_why *why)
{
    const json_t *domain;
    size_t i;
    if (figure == JOB_CPU)
        return put_series(run, figure, NULL, sheet, why);
    json_array_foreach(json_object_get(run->root, "domains"), i, domain)
    {
        const char *name = json_string_value(json_object_get(domain, "name"));
        if (!name || !json_is_true(json_object_get(domain, "counted")))
            continue;
        int r = put_series(run, figure, name, sheet, why);
        if (r < 0)
            return r;
    }
    return 0;
}

int eco_export_metrics(const struct eco_run_list *runs, struct eco_sheet *sheet, struct eco_why *why)
{
    int r = 0;
    for (size_t figure = 0; r == 0 && figure < ECO_COUNT(families); figure++) {
        const char *parts[] = {"# TYPE ",
                               families[figure].name,
                               " counter\n# UNIT ",
                               families[figure].name,
                               " ",
                               families[figure].unit,
                               "\n# HELP ",
                               families[figure].name,
                               " ",
                               families[figure].help,
                               "\n"};
        for (size_t i = 0; i < ECO_COUNT(parts); i++)
            eco_sheet_text(sheet, parts[i]);
        for (size_t i = 0; r == 0 && i < runs->count; i++)
            r = put_run(&runs->runs[i], (enum figure)figure, sheet, why);
    }
    eco_sheet_text(sheet, "# EOF\n");
    return r;
}
