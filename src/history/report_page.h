/* SPDX-License-Identifier: MIT */
/* A whole page or Markdown report of runs. */
#pragma once

#include "history/report_sections.h"

enum eco_page_format { ECO_PAGE_HTML, ECO_PAGE_MARKDOWN, ECO_PAGE_JSON };

/**
 * @param runs  at least one; of those behind the first eco_report_whole_runs() only `run` is used
 * @return 0, -ENOMEM, -E2BIG
 */
int eco_report_page(struct eco_buf *out, const struct eco_report_run *runs, size_t count,
                    enum eco_page_format format) ECO_MUST_CHECK;

/** How many of so many runs are told in whole. */
size_t eco_report_whole_runs(size_t count);
