/* SPDX-License-Identifier: MIT */
/*
 * The lines of a record as text: what stands in them is told apart, nothing is converted. For going over
 * millions of intervals in bounded memory. Texts are borrowed from the line. Of a number an empty text is
 * null; what is no number reads as null, too, so that the text can go into CSV as it is.
 */
#pragma once

#include "history/lines.h"
#include "history/scan.h"
#include "model/domain.h"

enum eco_line_kind { ECO_LINE_OTHER, ECO_LINE_BEGIN, ECO_LINE_FRAME, ECO_LINE_END };

struct eco_energy_text {
    struct eco_span job_j, others_j, idle_j, unattributed_j, machine_j, span_s, gap_s; /* numbers */
    struct eco_span quality; /* between its quotes; empty = null */
};

struct eco_domain_text {
    struct eco_span name; /* between its quotes, escapes as they are */
    bool counted;
    struct eco_energy_text energy;
    struct eco_span gpu_busy_ratio, gpu_memory_bytes; /* numbers */
};

struct eco_process_text {
    struct eco_span pid, cpu_s, energy_j, rss_bytes; /* numbers */
    struct eco_span name;                            /* between its quotes, escapes as they are */
    bool job, ended;
};

struct eco_frame_text {
    struct eco_span seq, t_s, interval_s, suspended_s, job_cpu_s; /* numbers */
    struct eco_span time, policy;                                 /* between their quotes */
    bool keyframe;
    struct eco_domain_text domains[ECO_DOMAINS_MAX];
    unsigned domain_count;
    struct eco_energy_text total;
    struct eco_span active_j, full_j;              /* of the total, by policy */
    struct eco_span processes, groups, cumulative; /* as they stand; empty = not there */
};

/** What a line is. Cheap: looks at the first members only. */
enum eco_line_kind eco_line_kind_of(struct eco_span line);
/** False: no whole frame of a version that is known. */
bool eco_frame_text_read(struct eco_span line, struct eco_frame_text *ret);
/** The next of `processes`; `cursor` begins as that text. */
bool eco_process_text_next(struct eco_span *cursor, struct eco_process_text *ret);
