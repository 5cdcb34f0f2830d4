/* SPDX-License-Identifier: MIT */
/* The frames of a file for a curve. */
#include "base/mem.h"
#include "history/report_series.h"
#include "history/run_frames.h"

#include <errno.h>
#include <string.h>

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

static void take_frame(const struct eco_frame_text *text, struct eco_series_frame *ret)
{
    ret->t_s = eco_scan_double(text->t_s);
    ret->domain_count = text->domain_count;
    for (unsigned i = 0; i < text->domain_count; i++)
        take_domain(&text->domains[i], &ret->domains[i]);
}

static int add_all(struct eco_series *series, struct eco_lines *lines, struct eco_frame_text *text,
                   struct eco_series_frame *frame)
{
    struct eco_span line;
    int r;
    while ((r = eco_lines_next(lines, &line)) > 0) {
        if (eco_line_kind_of(line) != ECO_LINE_FRAME || !eco_frame_text_read(line, text))
            continue;
        take_frame(text, frame);
        eco_series_add(series, frame);
    }
    return r;
}

int eco_series_read(struct eco_series *series, const char *path, struct eco_why *why)
{
    struct eco_lines *lines = NULL;
    struct eco_frame_text *text = eco_calloc(1, sizeof *text);
    struct eco_series_frame *frame = eco_calloc(1, sizeof *frame);
    int r = text && frame ? eco_lines_open(path, &lines, why) : -ENOMEM;
    if (r == 0) {
        r = add_all(series, lines, text, frame);
        if (r < 0)
            eco_why_set(why, "%s: %s", path, strerror(-r));
    }
    (void)eco_lines_free(lines);
    free(frame);
    free(text);
    return r;
}
