/* SPDX-License-Identifier: MIT */
/* Reports of anybody made into pages, Markdown and statements: bounded, and no markup but our own. */
#include "fuzz/fuzz.h"
#include "history/report_page.h"

#include <math.h>

#define OUT_LIMIT (64u << 20)

static unsigned count_of(const struct eco_buf *out, const char *text)
{
    unsigned count = 0;
    for (const char *at = out->data; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static void check_page(const struct eco_buf *out)
{
    require(strlen(out->data) == out->length);
    require(count_of(out, "<script") == 2 && count_of(out, "</script") == 2);
    require(count_of(out, "<style") == 1 && count_of(out, "</style") == 1);
    require(count_of(out, "<!--") == 0 && count_of(out, "<img") == 0);
    require(count_of(out, "<section") == count_of(out, "</section"));
    require(count_of(out, "<tr>") == count_of(out, "</tr>"));
    require(count_of(out, "=\"nan") == 0 && count_of(out, "=\"inf") == 0 && count_of(out, "=\"-inf") == 0);
}

static void try_format(const struct eco_report_run *run, enum eco_page_format format)
{
    struct eco_buf out;
    struct eco_report_run both[2] = {*run, *run};
    for (size_t count = 1; count <= 2; count++) {
        eco_buf_init(&out, OUT_LIMIT);
        require(eco_report_page(&out, both, count, format) == 0);
        if (format == ECO_PAGE_HTML)
            check_page(&out);
        if (format == ECO_PAGE_MARKDOWN)
            require(count_of(&out, "<script") == 0);
        eco_buf_finish(&out);
    }
}

static void fill_series(struct eco_series *series)
{
    for (int i = 1; i <= 3; i++) {
        struct eco_series_frame frame = {.t_s = i, .domain_count = 1};
        frame.domains[0] = (struct eco_series_sample){.name = "gpu-0",
                                                      .counted = true,
                                                      .is_gpu = true,
                                                      .job_j = i,
                                                      .machine_j = 2 * i,
                                                      .span_s = 1,
                                                      .busy_ratio = 0.5};
        eco_series_add(series, &frame);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct eco_series series;
    struct eco_run_report report = {.root =
                                        json_loadb((const char *)data, size, JSON_DISABLE_EOF_CHECK, NULL)};
    struct eco_report_run run = {.run = &report, .series = &series};
    struct eco_buf out;
    if (!json_is_object(report.root)) {
        json_decref(report.root);
        return 0;
    }
    require(eco_series_init(&series) == 0);
    require(eco_family_make(report.root, ECO_FAMILY_SHOWN, &run.tree) == 0);
    fill_series(&series);
    try_format(&run, ECO_PAGE_HTML);
    try_format(&run, ECO_PAGE_MARKDOWN);
    try_format(&run, ECO_PAGE_JSON);
    eco_buf_init(&out, OUT_LIMIT);
    eco_report_statement(&out, &report);
    require(eco_buf_error(&out) == 0 && count_of(&out, "\n") == 1);
    eco_buf_finish(&out);
    eco_family_finish(&run.tree);
    eco_series_finish(&series);
    json_decref(report.root);
    return 0;
}
