/* SPDX-License-Identifier: MIT */
/* What a reader must know beside the figures: models, what is not counted, warnings, EcoCode's own cost. */
#include "base/text.h"
#include "sinks/boundary.h"
#include "sinks/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define CAUGHT_WELL    0.99
#define INSIGHT_S      10.0
#define NEXT_S         10.0 /* what is shorter has no course to look at */
#define INSIGHT_IDLE   0.5
#define INSIGHT_BUSY   0.5
#define NAMED_GAPS_MAX 4
#define MARGINAL_TOLD  0.02

/* A fraction with one place, whatever the locale. */
static void format_tenths(double value, char ret[ECO_FIGURE_MAX])
{
    long t = isfinite(value) ? lround(fmin(fmax(value, 0), 1e12) * 10) : 0;
    (void)snprintf(ret, ECO_FIGURE_MAX, "%ld.%ld", t / 10, t % 10);
}

static void put_fix(struct eco_page *page, const struct eco_report *report)
{
    struct eco_line line = {"       "};
    char clean[ECO_LINE_MAX];
    eco_page_clean(page, report->sensor_fix, ECO_LINE_MAX, clean, sizeof(clean));
    eco_line_add(&line, clean);
    eco_page_blank(page);
    /* To be typed or copied: rather a long line than half a command. */
    eco_buf_text(page->out, line.text);
    eco_buf_char(page->out, '\n');
    eco_page_blank(page);
}

/* Why there is no better sensor; on its own line what mends it. */
static void put_sensor(struct eco_page *page, const struct eco_report *report)
{
    char text[512];
    if (!*report->sensor_why)
        return;
    eco_page_blank(page);
    (void)snprintf(text, sizeof(text), "%s%s", report->sensor_why, *report->sensor_fix ? ". Once:" : "");
    eco_page_wrap(page, text, ECO_STYLE_PLAIN);
    if (!*report->sensor_fix)
        return;
    put_fix(page, report);
    eco_page_wrap(page, "every later run is then measured", ECO_STYLE_PLAIN);
}

static void put_model(struct eco_page *page, const struct eco_report *report)
{
    char text[1024];
    if (!eco_text_is_estimate(report))
        return;
    eco_page_blank(page);
    (void)snprintf(
        text, sizeof(text),
        "CPU times and shares are measured. The joules are a model%s%s. Its error is mostly the same "
        "in every run on this machine: comparing two runs is far more exact than either figure",
        *report->model_text ? ": " : "", report->model_text);
    eco_page_wrap(page, text, ECO_STYLE_PLAIN);
}

/* Where others ran too, and the calibration tells it apart from the job's own energy. */
static void put_marginal(struct eco_page *page, const struct eco_report *report)
{
    double own_j = report->sums[ECO_SLOT_ACTIVE].job_j,
           values[] = {report->job_marginal_j, report->job_alone_j};
    char text[256], figures[2][ECO_FIGURE_MAX];
    bool is_told = report->has_energy && report->has_curve && own_j > 0 &&
                   !eco_text_is_too_small(report, ECO_SLOT_ACTIVE) && !eco_text_is_machine(page, report) &&
                   fmax(fabs(values[0] - own_j), fabs(values[1] - own_j)) > MARGINAL_TOLD * own_j;
    if (!is_told)
        return;
    for (int i = 0; i < 2; i++) {
        int digit = eco_text_digit(report, ECO_SLOT_ACTIVE);
        struct eco_scale scale = eco_scale_for(values[i], digit);
        eco_figure_format(values[i], digit, &scale, "J", figures[i]);
    }
    (void)snprintf(text, sizeof(text),
                   "By the calibration it added %s to what others drew; alone it would have used %s",
                   figures[0], figures[1]);
    eco_page_blank(page);
    eco_page_wrap(page, text, ECO_STYLE_PLAIN);
}

static void put_boundary(struct eco_page *page, const struct eco_report *report)
{
    static const struct {
        const char *key, *words;
    } words[] = {{"power_supply_loss", "power supply loss"}, {"dram", "RAM"}, {"gpu", "GPU"}};
    struct eco_boundary boundary;
    char text[512] = "Not counted: ";
    eco_boundary_of(report, &boundary);
    for (unsigned i = 0; i < boundary.excluded_count; i++) {
        const char *word = boundary.excluded[i];
        for (size_t k = 0; k < ECO_COUNT(words); k++)
            word = strcmp(words[k].key, boundary.excluded[i]) == 0 ? words[k].words : word;
        size_t length = strlen(text);
        (void)snprintf(text + length, sizeof(text) - length, "%s%s", i ? ", " : "", word);
    }
    if (boundary.excluded_count > 0)
        eco_page_wrap(page, text, ECO_STYLE_DIM);
}

/* Domains that are read but would count twice. */
static void put_parts(struct eco_page *page, const struct eco_report *report)
{
    char text[512] = "Read but not added: ";
    unsigned count = 0;
    for (unsigned i = 0; i < report->domain_count; i++) {
        const struct eco_report_domain *domain = &report->domains[i];
        if (domain->info.counted || !isfinite(domain->mean_power_w) || !(domain->machine_j > 0))
            continue;
        struct eco_grid grid = eco_text_grid(report);
        struct eco_scale scale = eco_scale_for(domain->machine_j, grid.digit);
        char figure[ECO_FIGURE_MAX];
        eco_figure_format(domain->machine_j, grid.digit, &scale, "J", figure);
        size_t length = strlen(text);
        bool has_outer = domain->info.within >= 0 && (unsigned)domain->info.within < report->domain_count;
        (void)snprintf(text + length, sizeof(text) - length, "%s%s %s%s%s%s", count++ ? ", " : "",
                       domain->info.name, figure, has_outer ? " (in " : "",
                       has_outer ? report->domains[domain->info.within].info.name : "", has_outer ? ")" : "");
    }
    if (count > 0)
        eco_page_wrap(page, text, ECO_STYLE_DIM);
}

static void put_self(struct eco_page *page, const struct eco_report *report)
{
    char text[256], memory[ECO_FIGURE_MAX], cpu[ECO_FIGURE_MAX], energy[ECO_FIGURE_MAX + 24] = "";
    eco_bytes_format(report->self_max_rss_bytes, memory);
    eco_duration_format(report->self_cpu_s, cpu);
    if (report->has_energy && report->self_j > 0 && !eco_text_is_estimate(report)) {
        int digit = (int)floor(log10(report->self_j));
        char figure[ECO_FIGURE_MAX];
        struct eco_scale scale = eco_scale_for(report->self_j, digit);
        eco_figure_format(report->self_j, digit, &scale, "J", figure);
        (void)snprintf(energy, sizeof(energy), ", %s (in %s)", figure,
                       eco_text_is_machine(page, report) ? "the above" : "others");
    }
    (void)snprintf(text, sizeof(text), "EcoCode itself: %s of CPU time, %s%s", cpu, memory, energy);
    eco_page_wrap(page, text, ECO_STYLE_DIM);
}

static void put_gaps(struct eco_page *page, const struct eco_report *report)
{
    char text[256] = "Gap: ", seconds[ECO_FIGURE_MAX];
    const size_t head = strlen(text);
    unsigned said = 0, more = 0;
    for (unsigned i = 0; i < report->domain_count; i++) {
        const struct eco_report_domain *domain = &report->domains[i];
        double gap_s = eco_gap_s(domain);
        if (!domain->info.counted || !(gap_s > 0))
            continue;
        if (said == NAMED_GAPS_MAX) {
            more++;
            continue;
        }
        said++;
        eco_duration_format(gap_s, seconds);
        eco_gap_format(domain, seconds, text + head, sizeof(text) - head);
        eco_page_wrap(page, text, ECO_STYLE_WARN);
    }
    if (more > 0) {
        (void)snprintf(text, sizeof(text), "%u more domains could not be read all the time", more);
        eco_page_wrap(page, text, ECO_STYLE_WARN);
    }
}

static void put_warnings(struct eco_page *page, const struct eco_report *report)
{
    char text[256], figure[ECO_FIGURE_MAX];
    bool caught_said = false;
    put_gaps(page, report);
    if (report->suspended_s > 0) {
        eco_duration_format(report->suspended_s, figure);
        (void)snprintf(text, sizeof(text), "The machine slept for %s of this time", figure);
        eco_page_wrap(page, text, ECO_STYLE_WARN);
    }
    if (report->still_running > 0 && !page->is_monitor) {
        unsigned long long count = report->still_running;
        (void)snprintf(
            text, sizeof(text),
            "Still running: %llu process%s of the job, not measured any longer (--wait-all waits for them)",
            count, count == 1 ? "" : "es");
        eco_page_wrap(page, text, ECO_STYLE_WARN);
    }
    for (unsigned i = 0; i < report->warning_count && i < ECO_WARNINGS_MAX; i++) {
        eco_page_wrap(page, report->warnings[i], ECO_STYLE_WARN);
        caught_said = caught_said || strstr(report->warnings[i], "CPU time was not seen");
    }
    if (report->caught_ratio < CAUGHT_WELL && !caught_said) {
        format_tenths(100 * (1 - report->caught_ratio), figure);
        (void)snprintf(text, sizeof(text),
                       "%s %% of the job's CPU time was not seen: its energy is in 'unattributed'", figure);
        eco_page_wrap(page, text, ECO_STYLE_WARN);
    }
}

/* At most one, and only what is certain: idle power paid for CPUs that the job left alone. */
static void put_insight(struct eco_page *page, const struct eco_report *report)
{
    const struct eco_sums *sums = &report->sums[ECO_SLOT_ACTIVE];
    uint32_t cpus = report->host ? report->host->topology.online_count : 0;
    double used = report->cpu_s / report->duration_s, share = sums->idle_j / report->machine_j;
    bool is_certain = report->has_energy && !eco_text_is_estimate(report) && !page->is_monitor &&
                      report->duration_s >= INSIGHT_S && cpus > 1 && share >= INSIGHT_IDLE &&
                      used < INSIGHT_BUSY * cpus && !eco_text_is_too_small(report, report->headline);
    if (!is_certain)
        return;
    char text[256], busy[ECO_FIGURE_MAX];
    format_tenths(used, busy);
    (void)snprintf(text, sizeof(text),
                   "The job kept %s of %u CPUs busy; %ld %% of the machine's energy was idle power", busy,
                   cpus, lround(100 * share));
    eco_page_blank(page);
    eco_page_wrap(page, text, ECO_STYLE_PLAIN);
}

/* One next command at most: one that makes the figures better (idle power, a sensor) comes first. */
static void put_next(struct eco_page *page, const struct eco_report *report)
{
    struct eco_line line = {"   See it over time:  "};
    bool has_other = *report->sensor_fix ||
                     (!isfinite(report->sums[ECO_SLOT_ACTIVE].job_j) && !eco_text_is_estimate(report));
    if (!report->is_recorded || !report->has_energy || has_other || report->duration_s < NEXT_S)
        return;
    eco_line_printf(&line, "ecocode report %.6s -o run.html", report->run_id);
    eco_page_line(page, &line, ECO_STYLE_PLAIN);
}

void eco_text_notes(struct eco_page *page, const struct eco_report *report)
{
    put_sensor(page, report);
    put_model(page, report);
    put_marginal(page, report);
    eco_text_course(page, report);
    eco_text_impact(page, report);
    eco_page_blank(page);
    put_parts(page, report);
    put_boundary(page, report);
    eco_text_card_notes(page, report);
    put_self(page, report);
    put_warnings(page, report);
    if (!eco_text_insight(page, report))
        put_insight(page, report);
    put_next(page, report);
    if (*report->record_text)
        eco_page_wrap(page, report->record_text, ECO_STYLE_PLAIN);
    eco_page_blank(page);
}
