/* SPDX-License-Identifier: MIT */
/* The frames of a run for a curve. */
#include "base/mem.h"
#include "history/export.h"
#include "history/report_series.h"
#include "history/run_frames.h"

#include <errno.h>
#include <string.h>

/* Large: one for all lines. */
struct taking {
    struct eco_series *series;
    struct eco_frame_text text;
    struct eco_series_frame frame;
};

static void take_domain(const struct eco_domain_text *domain, struct eco_series_sample *ret)
{
    size_t length = domain->name.length < sizeof ret->name ? domain->name.length : sizeof ret->name - 1;
    memcpy(ret->name, domain->name.text, length);
    ret->name[length] = 0;
    ret->counted = domain->counted;
    ret->job_j = eco_scan_double(domain->energy.job_j);
    ret->machine_j = eco_scan_double(domain->energy.machine_j);
    ret->span_s = eco_scan_double(domain->energy.span_s);
    ret->busy_ratio = eco_scan_double(domain->gpu_busy_ratio);
    ret->memory_bytes = eco_scan_double(domain->gpu_memory_bytes);
    ret->is_gpu = domain->gpu_busy_ratio.length > 0 || domain->gpu_memory_bytes.length > 0;
}

static int take_line(void *context, enum eco_line_kind kind, struct eco_span line)
{
    struct taking *taking = context;
    if (kind != ECO_LINE_FRAME || !eco_frame_text_read(line, &taking->text))
        return 0;
    taking->frame.t_s = eco_scan_double(taking->text.t_s);
    taking->frame.domain_count = taking->text.domain_count;
    for (unsigned i = 0; i < taking->text.domain_count; i++)
        take_domain(&taking->text.domains[i], &taking->frame.domains[i]);
    eco_series_add(taking->series, &taking->frame);
    return 0;
}

int eco_series_read(struct eco_series *series, const struct eco_run_report *run, struct eco_why *why)
{
    struct taking *taking = eco_calloc(1, sizeof *taking);
    if (!taking)
        return -ENOMEM;
    taking->series = series;
    int r = eco_export_each_line(run, take_line, taking, why);
    free(taking);
    return r;
}
