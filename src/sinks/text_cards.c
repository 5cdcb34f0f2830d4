/* SPDX-License-Identifier: MIT */
/* Graphics cards: a line each with what is to be known beside the joules that went to whom. */
#include "base/num.h"
#include "base/text.h"
#include "sinks/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define INDENT      3
#define NAME_WIDTH  9
#define J_WIDTH     10
#define W_WIDTH     8
#define BUSY_WIDTH  6
#define VRAM_WIDTH  11
#define TEMP_WIDTH  8
#define FIGURES     (J_WIDTH + 2 * W_WIDTH + BUSY_WIDTH + VRAM_WIDTH + TEMP_WIDTH)
#define DIGITS      1e-3 /* relative: a figure shows three to four digits */
#define THROTTLED_S 0.05

static bool has_card(const struct eco_report *report)
{
    for (unsigned i = 0; i < report->domain_count; i++)
        if (report->domains[i].device.is_there)
            return true;
    return false;
}

/* Without its maker, who is known by the model. */
static const char *short_name(const struct eco_gpu_device *device)
{
    static const char *const makers[] = {NULL, "NVIDIA ", "AMD ", "Intel "};
    const char *maker = (size_t)device->vendor < ECO_COUNT(makers) ? makers[device->vendor] : NULL;
    size_t length = maker ? strlen(maker) : 0;
    return maker && strncmp(device->name, maker, length) == 0 ? device->name + length : device->name;
}

static size_t label_width(const struct eco_page *page)
{
    size_t taken = INDENT + NAME_WIDTH + FIGURES;
    return page->width > taken ? page->width - taken : 0;
}

static void put_head(struct eco_page *page)
{
    struct eco_line line = {"   GPU"};
    size_t column = INDENT + NAME_WIDTH + label_width(page);
    eco_line_right(&line, column += J_WIDTH, "energy");
    eco_line_right(&line, column += W_WIDTH, "mean W");
    eco_line_right(&line, column += W_WIDTH, "peak W");
    eco_line_right(&line, column += BUSY_WIDTH, "busy");
    eco_line_right(&line, column += VRAM_WIDTH, "peak VRAM");
    eco_line_right(&line, column + TEMP_WIDTH,
                   page->utf8 ? "max \xC2\xB0"
                                "C"
                              : "max C");
    eco_page_line(page, &line, ECO_STYLE_DIM);
}

static void put_watts(struct eco_line *line, size_t column, double watts)
{
    char text[ECO_FIGURE_MAX] = "-";
    const struct eco_scale base = {0, ""};
    if (isfinite(watts))
        eco_figure_number(watts, fabs(watts) >= 99.95 ? 0 : -1, &base, text);
    eco_line_right(line, column, text);
}

/* Of the card itself, whoever used it. */
static void put_energy(struct eco_line *line, size_t column, const struct eco_report_domain *domain)
{
    char text[ECO_FIGURE_MAX] = "-";
    if (isfinite(domain->mean_power_w) && isfinite(domain->machine_j)) {
        int digit = eco_digit_exponent(domain->machine_j, fabs(domain->machine_j) * DIGITS);
        struct eco_scale scale = eco_scale_for(domain->machine_j, digit);
        eco_figure_format(domain->machine_j, digit, &scale, "J", text);
    }
    eco_line_right(line, column, text);
}

static void put_card(struct eco_page *page, const struct eco_report_domain *domain)
{
    const struct eco_report_device *device = &domain->device;
    struct eco_line line = {"   "};
    char clean[ECO_LINE_MAX], text[ECO_FIGURE_MAX];
    size_t room = label_width(page), column = INDENT + NAME_WIDTH + room;
    eco_page_clean(page, domain->info.name, NAME_WIDTH - 1, clean, sizeof(clean));
    eco_line_add(&line, clean);
    if (room > 4) {
        eco_line_pad(&line, INDENT + NAME_WIDTH);
        eco_page_clean(page, short_name(device->device), room - 1, clean, sizeof(clean));
        eco_line_add(&line, clean);
    }
    put_energy(&line, column += J_WIDTH, domain);
    put_watts(&line, column += W_WIDTH, device->machine_mean_w);
    put_watts(&line, column += W_WIDTH, device->power_max_w);
    (void)snprintf(text, sizeof(text), "%ld %%", lround(100 * fmax(0, device->utilization_mean_ratio)));
    eco_line_right(&line, column += BUSY_WIDTH, isfinite(device->utilization_mean_ratio) ? text : "-");
    eco_bytes_format(device->memory_peak_bytes, text);
    eco_line_right(&line, column += VRAM_WIDTH, text);
    (void)snprintf(text, sizeof(text), "%ld",
                   isfinite(device->temperature_max_c) ? lround(device->temperature_max_c) : 0);
    eco_line_right(&line, column + TEMP_WIDTH, isfinite(device->temperature_max_c) ? text : "-");
    eco_page_line(page, &line, ECO_STYLE_PLAIN);
}

void eco_text_cards(struct eco_page *page, const struct eco_report *report)
{
    if (!has_card(report))
        return;
    eco_page_blank(page);
    put_head(page);
    for (unsigned i = 0; i < report->domain_count; i++)
        if (report->domains[i].device.is_there)
            put_card(page, &report->domains[i]);
}

/* "gpu-0, gpu-1" of those with the property; their number. */
static unsigned name_those(const struct eco_report *report, bool (*has)(const struct eco_report_device *),
                           char *ret, size_t size)
{
    unsigned count = 0;
    ret[0] = '\0';
    for (unsigned i = 0; i < report->domain_count; i++) {
        size_t length = strlen(ret);
        if (!report->domains[i].device.is_there || !has(&report->domains[i].device))
            continue;
        if (length + ECO_NAME_MAX + 4 < size)
            (void)snprintf(ret + length, size - length, "%s%s", count ? ", " : "",
                           report->domains[i].info.name);
        count++;
    }
    return count;
}

static bool is_split(const struct eco_report_device *device)
{
    return device->is_split;
}

static bool is_fitted(const struct eco_report_device *device)
{
    return device->is_fitted && !device->is_split;
}

void eco_text_card_notes(struct eco_page *page, const struct eco_report *report)
{
    char names[256], text[512], seconds[ECO_FIGURE_MAX];
    if (name_those(report, is_split, names, sizeof(names)) > 0) {
        (void)snprintf(text, sizeof(text),
                       "Shares by an estimate, where the driver does not tell who used it: %s", names);
        eco_page_wrap(page, text, ECO_STYLE_DIM);
    }
    if (name_those(report, is_fitted, names, sizeof(names)) > 0) {
        (void)snprintf(text, sizeof(text),
                       "Shares by time and by watts of each process that could be told apart: %s", names);
        eco_page_wrap(page, text, ECO_STYLE_DIM);
    }
    for (unsigned i = 0; i < report->domain_count; i++) {
        const struct eco_report_device *device = &report->domains[i].device;
        if (!device->is_there || !(device->throttled_s >= THROTTLED_S))
            continue;
        eco_duration_format(device->throttled_s, seconds);
        (void)snprintf(text, sizeof(text), "Throttled: %s for %s of this time", report->domains[i].info.name,
                       seconds);
        eco_page_wrap(page, text, ECO_STYLE_WARN);
    }
}
