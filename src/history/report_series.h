/* SPDX-License-Identifier: MIT */
/*
 * Power over time of one record, thinned while it is read: at most ECO_SERIES_POINTS points whatever its
 * length, each the energy of a stretch of whole intervals, so that the area under a curve stays exact.
 */
#pragma once

#include "base/macros.h"
#include "base/why.h"
#include "history/run_file.h"
#include "model/domain.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECO_SERIES_POINTS 640 /* even: neighbours are joined in pairs */
#define ECO_SERIES_NAME   64

/* One domain in one point. */
struct eco_series_cell {
    double job_j, machine_j; /* in this stretch */
    double known_s;          /* how much of it has a figure */
    double busy_s;           /* of a graphics card: time in which something ran there */
    double memory_bytes;     /* of a graphics card: the most that was in use */
};

struct eco_series_domain {
    char name[ECO_SERIES_NAME];
    bool counted, is_gpu;
};

struct eco_series {
    size_t count;
    uint64_t frame_count;
    uint64_t stride; /* frames that make a point */
    unsigned domain_count;
    struct eco_series_domain domains[ECO_DOMAINS_MAX];
    double end_s[ECO_SERIES_POINTS];
    struct eco_series_cell *cells; /* [point * ECO_DOMAINS_MAX + domain], owned */
    uint64_t in_last;              /* frames in the last point */
};

/* What a frame adds. Figures that are not known are NaN. */
struct eco_series_frame {
    double t_s;
    unsigned domain_count;
    struct eco_series_sample {
        char name[ECO_SERIES_NAME];
        bool counted, is_gpu;
        double job_j, machine_j, span_s, busy_ratio, memory_bytes;
    } domains[ECO_DOMAINS_MAX];
};

/** -ENOMEM. `series` may be large: not on a stack of threads. */
int eco_series_init(struct eco_series *series) ECO_MUST_CHECK;
void eco_series_finish(struct eco_series *series);
void eco_series_add(struct eco_series *series, const struct eco_series_frame *frame);

/**
 * Add all frames of a run: of the file and of those of its other days. One that has none (a report alone)
 * adds nothing. Unreadable lines are passed over.
 *
 * @return 0 or a negative errno with a reason
 */
int eco_series_read(struct eco_series *series, const struct eco_run_report *run,
                    struct eco_why *why) ECO_MUST_CHECK;

static inline const struct eco_series_cell *eco_series_at(const struct eco_series *series, size_t point,
                                                          unsigned domain)
{
    return &series->cells[point * ECO_DOMAINS_MAX + domain];
}

static inline double eco_series_start_s(const struct eco_series *series, size_t point)
{
    return point ? series->end_s[point - 1] : 0;
}

static inline double eco_series_length_s(const struct eco_series *series, size_t point)
{
    return series->end_s[point] - eco_series_start_s(series, point);
}
