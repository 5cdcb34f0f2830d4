/* SPDX-License-Identifier: MIT */
/* The parts of a page or Markdown report. A part for which there is nothing to say is left out, heading too.
 */
#pragma once

#include "history/doc.h"
#include "history/report_series.h"
#include "history/report_tree.h"
#include "history/run_file.h"

/* One run with what was made of it. */
struct eco_report_run {
    const struct eco_run_report *run; /* borrowed */
    struct eco_series *series;        /* its count is 0 where the file has no frames */
    struct eco_family tree;
};

/** Name, status, host, the figures. */
void eco_report_answer(struct eco_doc *doc, const struct eco_report_run *run);
void eco_report_ranks(struct eco_doc *doc, const json_t *report);
/** The runs side by side. */
void eco_report_comparison(struct eco_doc *doc, const struct eco_report_run *runs, size_t count);
void eco_report_findings(struct eco_doc *doc, const json_t *report);
void eco_report_chart(struct eco_doc *doc, const struct eco_report_run *run);
void eco_report_domains(struct eco_doc *doc, const json_t *report);
void eco_report_cards(struct eco_doc *doc, const struct eco_report_run *run);
void eco_report_processes(struct eco_doc *doc, const struct eco_report_run *run);
void eco_report_phases(struct eco_doc *doc, const json_t *report);
void eco_report_prediction(struct eco_doc *doc, const json_t *report);
void eco_report_budgets(struct eco_doc *doc, const json_t *report);
void eco_report_impact(struct eco_doc *doc, const json_t *report);
/** Sources, interval, idle basis, accounting, boundary, warnings. */
void eco_report_basis(struct eco_doc *doc, const json_t *report);

/* HTML alone. */

/** The tree as areas, a level below each other; see report_icicle.c. */
void eco_html_icicle(struct eco_buf *out, const struct eco_family *tree);
/** Stacked power of the job by domain, with that of the machine as a line. */
void eco_html_power(struct eco_buf *out, const json_t *report, const struct eco_series *series);
/** Power, use and memory of one card. */
void eco_html_card(struct eco_buf *out, const struct eco_series *series, unsigned domain);
/** The figures behind the page, as JSON. */
int eco_html_data(struct eco_buf *out, const struct eco_report_run *runs, size_t count) ECO_MUST_CHECK;

/** The paragraph for a paper, as plain text. */
void eco_report_statement(struct eco_buf *out, const struct eco_run_report *run);
