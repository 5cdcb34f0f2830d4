/* SPDX-License-Identifier: MIT */
#include "history/report_series.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define MOMENT 0.2 /* of a usual interval */

int eco_series_init(struct eco_series *series)
{
    *series = (struct eco_series){.stride = 1};
    series->cells = eco_calloc((size_t)ECO_SERIES_POINTS * ECO_DOMAINS_MAX, sizeof *series->cells);
    return series->cells ? 0 : -ENOMEM;
}

void eco_series_finish(struct eco_series *series)
{
    free(series->cells);
    series->cells = NULL;
    series->count = 0;
}

static struct eco_series_cell *cell_at(struct eco_series *series, size_t point, unsigned domain)
{
    return &series->cells[point * ECO_DOMAINS_MAX + domain];
}

static void join(struct eco_series_cell *to, const struct eco_series_cell *from)
{
    to->job_j += from->job_j;
    to->machine_j += from->machine_j;
    to->known_s += from->known_s;
    to->busy_s += from->busy_s;
    to->memory_bytes = fmax(to->memory_bytes, from->memory_bytes);
}

/* Full: every point joins its neighbour, and from now on holds twice as many frames. */
static void halve(struct eco_series *series)
{
    for (size_t i = 0; i + 1 < series->count; i += 2) {
        for (unsigned d = 0; d < series->domain_count; d++) {
            struct eco_series_cell cell = *cell_at(series, i, d);
            join(&cell, cell_at(series, i + 1, d));
            *cell_at(series, i / 2, d) = cell;
        }
        series->end_s[i / 2] = series->end_s[i + 1];
    }
    series->count /= 2;
    series->stride *= 2;
    series->in_last = series->stride;
}

/*
 * A mark of the job or its end closes an interval early. What is over in a moment has a power that says more
 * of the counter's steps than of the job: it belongs to its neighbour.
 */
static bool is_moment(const struct eco_series *series, double length_s)
{
    double last_s = series->end_s[series->count - 1];
    bool is_short = length_s < MOMENT * last_s / (double)series->frame_count;
    return is_short || (series->count == 1 && last_s < MOMENT * length_s);
}

static void open_point(struct eco_series *series, double t_s)
{
    double last_s = series->count ? series->end_s[series->count - 1] : 0;
    double end_s = t_s > last_s ? t_s : last_s;
    bool is_joined = series->count > 0 && is_moment(series, end_s - last_s);
    if (series->count == 0 || (!is_joined && series->in_last >= series->stride)) {
        if (series->count == ECO_SERIES_POINTS)
            halve(series);
        memset(cell_at(series, series->count, 0), 0, ECO_DOMAINS_MAX * sizeof *series->cells);
        series->count++;
        series->in_last = 0;
    }
    series->end_s[series->count - 1] = end_s;
    series->in_last += !is_joined;
    series->frame_count++;
}

/* Domains keep index and place from frame to frame, so the first look nearly always finds it. */
static int domain_of(struct eco_series *series, unsigned hint, const struct eco_series_sample *sample)
{
    if (hint < series->domain_count && strcmp(series->domains[hint].name, sample->name) == 0)
        return (int)hint;
    for (unsigned i = 0; i < series->domain_count; i++)
        if (strcmp(series->domains[i].name, sample->name) == 0)
            return (int)i;
    if (series->domain_count == ECO_DOMAINS_MAX)
        return -1;
    struct eco_series_domain *domain = &series->domains[series->domain_count];
    (void)eco_text_copy(domain->name, sizeof domain->name, sample->name);
    domain->counted = sample->counted;
    domain->is_gpu = sample->is_gpu;
    return (int)series->domain_count++;
}

/* A counter that had not moved for some intervals gives their energy at once: it belongs to all of them. */
static void spread(struct eco_series *series, unsigned domain, const struct eco_series_sample *sample)
{
    double end_s = series->end_s[series->count - 1];
    double span_s = sample->span_s > 0 && sample->span_s < end_s ? sample->span_s : end_s;
    double from_s = end_s - span_s, job_j = sample->job_j, machine_j = sample->machine_j;
    for (size_t i = series->count; i-- > 0;) {
        struct eco_series_cell *cell = cell_at(series, i, domain);
        double start_s = eco_series_start_s(series, i);
        bool is_first = start_s <= from_s || i == 0;
        double overlap_s = series->end_s[i] - (is_first ? fmax(from_s, start_s) : start_s);
        double part = is_first || !(span_s > 0) ? 1 : overlap_s / span_s;
        double job_part_j = is_first ? job_j : sample->job_j * part;
        double machine_part_j = is_first ? machine_j : sample->machine_j * part;
        cell->job_j += isfinite(job_part_j) ? job_part_j : 0;
        cell->machine_j += isfinite(machine_part_j) ? machine_part_j : 0;
        cell->known_s += overlap_s > 0 ? overlap_s : 0;
        job_j -= job_part_j;
        machine_j -= machine_part_j;
        if (is_first)
            return;
    }
}

void eco_series_add(struct eco_series *series, const struct eco_series_frame *frame)
{
    double before_s = series->count ? series->end_s[series->count - 1] : 0;
    if (!isfinite(frame->t_s) || frame->t_s < 0)
        return;
    open_point(series, frame->t_s);
    for (unsigned i = 0; i < frame->domain_count; i++) {
        const struct eco_series_sample *sample = &frame->domains[i];
        int domain = domain_of(series, i, sample);
        if (domain < 0)
            continue;
        struct eco_series_cell *cell = cell_at(series, series->count - 1, (unsigned)domain);
        series->domains[domain].is_gpu |= sample->is_gpu;
        double length_s = series->end_s[series->count - 1] - before_s;
        if (isfinite(sample->busy_ratio) && length_s > 0)
            cell->busy_s += sample->busy_ratio * length_s;
        if (isfinite(sample->memory_bytes))
            cell->memory_bytes = fmax(cell->memory_bytes, sample->memory_bytes);
        if (isfinite(sample->machine_j) || isfinite(sample->job_j))
            spread(series, (unsigned)domain, sample);
    }
}
