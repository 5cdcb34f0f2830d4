/* SPDX-License-Identifier: MIT */
#include "sinks/text_live.h"

#include "base/num.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TIME_WIDTH   8
#define CELL_WIDTH   10
#define JOULES_WIDTH 12
#define NAME_COLUMNS 9
#define FIRST_CELLS  3 /* watts, CPU %, RAM */
/* With graphics cards, so that a package still fits on 80 columns. */
#define PERCENT_WIDTH    8
#define CARD_WATTS_WIDTH 9

/* Three digits, as many as a sensor gives in a second. */
static void format_watts(double watts, char ret[ECO_FIGURE_MAX])
{
    if (!isfinite(watts)) {
        (void)snprintf(ret, ECO_FIGURE_MAX, "-");
        return;
    }
    const struct eco_scale base = {0, ""};
    int digit = fabs(watts) >= 99.95 ? 0 : fabs(watts) >= 9.995 ? -1 : -2;
    eco_figure_number(watts, digit, &base, ret);
}

static double watts_of(const struct eco_frame_domain *domain, double uj)
{
    return domain->state == ECO_ENERGY_OK && domain->span_ns > 0 ? uj * 1e3 / (double)domain->span_ns
                                                                 : (double)NAN;
}

/* Cards stand together in columns of their own. */
static bool is_column(const struct eco_frame *frame, unsigned index)
{
    return frame->domain_info[index].counted && frame->domain_info[index].kind != ECO_KIND_GPU;
}

static bool has_cards(const struct eco_frame *frame)
{
    bool has = false;
    for (unsigned i = 0; i < frame->domain_count; i++)
        has = has || frame->domain_info[i].kind == ECO_KIND_GPU;
    return has;
}

static size_t percent_width(const struct eco_live *live)
{
    return live->has_cards ? PERCENT_WIDTH : CELL_WIDTH;
}

/* Domains that fit between the first columns and the joules. */
static unsigned room(const struct eco_live *live, const struct eco_page *page)
{
    size_t taken = TIME_WIDTH + (FIRST_CELLS - 1) * CELL_WIDTH + percent_width(live) + JOULES_WIDTH;
    taken += live->has_cards ? PERCENT_WIDTH + CARD_WATTS_WIDTH : 0;
    return page->width > taken ? (unsigned)((page->width - taken) / CELL_WIDTH) : 0;
}

static void put_header(struct eco_live *live, struct eco_page *page, const struct eco_frame *frame)
{
    struct eco_line line = {"time"};
    size_t column = TIME_WIDTH + CELL_WIDTH;
    unsigned left = room(live, page);
    eco_line_right(&line, column, live->is_machine ? "W" : "own W");
    eco_line_right(&line, column += percent_width(live), "CPU %");
    eco_line_right(&line, column += CELL_WIDTH, "RAM");
    if (live->has_cards) {
        eco_line_right(&line, column += PERCENT_WIDTH, "GPU %");
        eco_line_right(&line, column += CARD_WATTS_WIDTH, "GPU W");
    }
    for (unsigned i = 0; i < frame->domain_count && left > 0; i++) {
        char name[4 * ECO_NAME_MAX];
        if (!is_column(frame, i))
            continue;
        eco_page_clean(page, frame->domain_info[i].name, NAME_COLUMNS, name, sizeof(name));
        eco_line_right(&line, column += CELL_WIDTH, name);
        left--;
    }
    eco_line_right(&line, column + JOULES_WIDTH, "J so far");
    eco_page_line(page, &line, ECO_STYLE_DIM);
    live->since_head = 0;
}

static void format_clock(int64_t real_ns, char ret[16])
{
    time_t seconds = (time_t)(real_ns / (int64_t)ECO_NS_PER_S);
    struct tm local;
    if (!localtime_r(&seconds, &local) || strftime(ret, 16, "%H:%M:%S", &local) == 0)
        (void)eco_text_copy(ret, 16, "-");
}

/* Of all cards: 100 % is one that is always busy, as with CPUs. */
static void put_cards(struct eco_line *line, size_t *column, const struct eco_frame *frame,
                      const struct eco_interval *interval)
{
    char text[ECO_FIGURE_MAX];
    double wall_ns = (double)(interval->t1_ns - interval->t0_ns), watts = 0, busy = 0;
    bool has_watts = false, has_busy = false;
    for (unsigned i = 0; i < frame->domain_count; i++) {
        const struct eco_frame_domain *domain = &interval->domains[i];
        if (frame->domain_info[i].kind != ECO_KIND_GPU)
            continue;
        double own = watts_of(domain, domain->machine_uj);
        watts += isfinite(own) ? own : 0;
        has_watts = has_watts || isfinite(own);
        has_busy = has_busy || (domain->has_card_busy && wall_ns > 0);
        busy += wall_ns > 0 ? fmin(1, (double)domain->card_busy_ns / wall_ns) : 0;
    }
    (void)snprintf(text, sizeof(text), "%ld", lround(100 * busy));
    eco_line_right(line, *column += PERCENT_WIDTH, has_busy ? text : "-");
    format_watts(has_watts ? watts : (double)NAN, text);
    eco_line_right(line, *column += CARD_WATTS_WIDTH, text);
}

static void put_line(struct eco_live *live, struct eco_page *page, const struct eco_frame *frame,
                     const struct eco_interval *interval)
{
    struct eco_line line = {""};
    char text[ECO_FIGURE_MAX];
    const struct eco_frame_domain *total = interval->total;
    double wall_ns = (double)(interval->t1_ns - interval->t0_ns);
    double cpu_ns = (double)(live->is_machine ? interval->machine_cpu_ns : interval->job_cpu_ns);
    size_t column = TIME_WIDTH + CELL_WIDTH;
    unsigned left = room(live, page);
    format_clock(frame->t1_real_ns, text);
    eco_line_add(&line, text);
    format_watts(watts_of(total, live->is_machine ? total->machine_uj : total->split[frame->headline].job_uj),
                 text);
    eco_line_right(&line, column, text);
    (void)snprintf(text, sizeof(text), "%ld", wall_ns > 0 ? lround(100.0 * cpu_ns / wall_ns) : 0);
    eco_line_right(&line, column += percent_width(live), text);
    eco_bytes_format(frame->job_rss_bytes, text);
    eco_line_right(&line, column += CELL_WIDTH, text);
    if (live->has_cards)
        put_cards(&line, &column, frame, interval);
    for (unsigned i = 0; i < frame->domain_count && left > 0; i++) {
        const struct eco_frame_domain *domain = &interval->domains[i];
        if (!is_column(frame, i))
            continue;
        format_watts(watts_of(domain, domain->machine_uj), text);
        eco_line_right(&line, column += CELL_WIDTH, text);
        left--;
    }
    const struct eco_scale base = {0, ""};
    eco_figure_number(live->joules, live->joules < 999.95 ? -1 : 0, &base, text);
    eco_line_right(&line, column + JOULES_WIDTH, live->tally.total.span_ns > 0 ? text : "-");
    eco_page_line(page, &line, ECO_STYLE_PLAIN);
}

/* monitor without pids counts every process to the job, so that nothing is left for others. */
static void decide(struct eco_live *live, const struct eco_interval *interval)
{
    const struct eco_frame_domain *total = interval->total;
    if (live->is_decided || total->state != ECO_ENERGY_OK)
        return;
    bool was = live->is_machine;
    live->is_machine = !(fabs(total->split[ECO_SLOT_FULL].others_uj) > 0);
    live->is_decided = true;
    if (was != live->is_machine)
        live->since_head = live->rows;
}

void eco_live_frame(struct eco_live *live, struct eco_page *page, const struct eco_frame *frame)
{
    struct eco_interval interval;
    bool is_first = !live->tally.is_started;
    eco_tally_add(&live->tally, frame, &interval);
    if (is_first)
        live->is_machine = true;
    decide(live, &interval);
    if (live->has_cards != has_cards(frame)) {
        live->has_cards = !live->has_cards;
        live->since_head = live->rows;
    }
    const struct eco_tally_domain *total = &live->tally.total;
    live->joules = (live->is_machine ? total->machine_uj : total->split[frame->headline].job_uj) / 1e6;
    if (is_first || live->since_head + 2 >= live->rows)
        put_header(live, page, frame);
    put_line(live, page, frame, &interval);
    live->since_head++;
}
